/* SPDX-License-Identifier: BSD-2-Clause */
/* One BPF object in its stages: a probe's, or the core's own. Wraps all of libbpf that the daemon needs.
 * Not thread-safe. */
#ifndef CORE_BPF_OBJECT_H
#define CORE_BPF_OBJECT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"

struct bpf_object_open_opts;
struct bpf_object_skeleton;
struct bpf_object;
struct bpf_program;
struct opened;

#define BPF_UNIT_LINKS 16
#define BPF_UNIT_KINDS EVENT_KIND_INTERNAL /* counters of lost events */

/* Called for each event; it lies in the mapped ring buffer or a read buffer, valid during the call. */
typedef void (*bpf_unit_event)(void *arg, const void *event, size_t size);

struct bpf_unit {
	const char *name;
	struct bpf_object_skeleton *skel; /* the caller's, destroyed after bpf_unit__close(), or made by open */
	struct opened *opened;		  /* by bpf_unit__open() */
	struct ring *ring;
	int ring_fd;				/* readable: events are pending */
	struct bpf_link *links[BPF_UNIT_LINKS]; /* of attached programs */
	size_t links_count;
	struct bpf_sampler {
		struct bpf_link *link;
		const char *program;
		bool on_demand;
	} samplers[BPF_UNIT_LINKS]; /* task iterators */
	size_t samplers_count;
	const char *const *on_demand;  /* names of those that do not run at each interval; NULL: all do */
	const volatile uint64_t *lost; /* counters by kind, mmapped; NULL: not loaded */
	uint64_t misses;	       /* recursion misses when last read */
	/* Whether skipped runs of this program are losses that nothing else counts. */
	bool (*misses_count)(void *arg, const char *program);
	bpf_unit_event event; /* the caller's, like arg */
	void *arg;
	int err; /* of the load */
};

/* Call once, first: sends libbpf's messages to the log. */
void bpf__init(void);

/* Options to open skeletons with: a file of BTF, for which libbpf needs no CAP_SYS_ADMIN. Static. */
const struct bpf_object_open_opts *bpf__open_opts(void);

/* open: an object from the bytes of its ELF file. bpf_unit__destroy() frees it. 0 or -errno, logged. */
int bpf_unit__open(struct bpf_unit *unit, const void *elf, size_t size);
void bpf_unit__destroy(struct bpf_unit *unit); /* after bpf_unit__close() */

/* Sets a global variable of an object: any before the load, those that are not const after it. 0, or -ENOENT or
 * -EINVAL, logged. */
int bpf__set(struct bpf_object *object, const char *variable, const void *value, size_t size);

/* share: replaces the object's scope map by `scope_fd` after comparing types and sizes, sets the size of the ring
 * buffer, and selects among alternative programs. */
int bpf_unit__share(struct bpf_unit *unit, int scope_fd, uint64_t ring_bytes);

/* load: all into the kernel, in threads of their own; mmaps the ring buffers and the counters. Each unit's `err` is 0
 * or -errno, logged. Returns that of the first one that failed. */
int bpf_units__load(struct bpf_unit *const *units, size_t count);

/* attach: every loaded program; with `only` just the program of that name, with `except` all but that one.
 * Task iterators are kept for bpf_unit__sample(), others run once. */
int bpf_unit__attach(struct bpf_unit *unit, const char *only, const char *except);

/* Passes all pending events of the ring buffer to event(). Returns their number or -errno. */
int bpf_unit__drain(struct bpf_unit *unit);

/* Runs every task iterator that is not on demand and passes its output to event(), split into events by size_of(arg,
 * event): the size of the event that begins there, 0 if it is invalid or `event` is NULL (incomplete). 0 or -errno. */
int bpf_unit__sample(struct bpf_unit *unit, size_t (*size_of)(void *arg, const void *event));

/* The same for one that is on demand. -ENOENT: it is not loaded. */
int bpf_unit__run(struct bpf_unit *unit, const char *program, size_t (*size_of)(void *arg, const void *event));

/* Program runs that the kernel skipped since the last call: an upper bound of the missing events. */
uint64_t bpf_unit__new_misses(struct bpf_unit *unit);

/* Detaches and unmaps; does not destroy the skeleton. */
void bpf_unit__close(struct bpf_unit *unit);

#define BPF_COMMANDS 6
/* The commands of bpf(2) that are used once everything is attached: none makes an object, but the output of an iterator. */
extern const uint32_t bpf__commands[BPF_COMMANDS];

#endif
