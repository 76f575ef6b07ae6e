/* SPDX-License-Identifier: BSD-2-Clause */
/* One BPF object on its way through the stages: a probe's, or the core's own. All of libbpf that the
 * daemon needs is behind this. */
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
#define BPF_UNIT_KINDS EVENT_KIND_INTERNAL /* counters of what was lost */

/* Called for each event; `size` bytes of kernel's memory, valid during the call. */
typedef void (*bpf_unit_event)(void *arg, const void *event, size_t size);

struct bpf_unit {
	const char *name;
	struct bpf_object_skeleton *skel; /* of its owner, who destroys it after bpf_unit__close(); or made by open */
	struct opened *opened;		  /* by bpf_unit__open() */
	struct ring_buffer *ring;
	int ring_fd;				/* readable: something waits */
	struct bpf_link *links[BPF_UNIT_LINKS]; /* of programs at their hooks */
	size_t links_count;
	struct bpf_link *samplers[BPF_UNIT_LINKS]; /* iterators over tasks */
	size_t samplers_count;
	const volatile uint64_t *lost; /* the object's counters, by kind; mapped */
	uint64_t misses;	       /* recursion misses when last read */
	/* Whether what the kernel skips of this program may be a loss that nothing else counts. */
	bool (*misses_count)(void *arg, const char *program);
	bpf_unit_event event;
	void *arg;
};

/* Once, first: libbpf's messages go to the log; what cannot be had on this kernel is said. */
void bpf__init(void);

/* What skeletons are to be opened with: BTF without CAP_SYS_ADMIN. Static. */
const struct bpf_object_open_opts *bpf__open_opts(void);

/* open: an object of which only the bytes are known. bpf_unit__destroy() frees it. 0 or -errno, logged. */
int bpf_unit__open(struct bpf_unit *unit, const void *elf, size_t size);
void bpf_unit__destroy(struct bpf_unit *unit); /* after bpf_unit__close() */

/* Sets a global variable of an object: before the load any, after it those that are not const. 0, or -ENOENT,
 * -EINVAL, logged. */
int bpf__set(struct bpf_object *object, const char *variable, const void *value, size_t size);

/* share: puts the core's scope map `scope_fd` (-1: this is the core's own object) in the object's, after
 * comparing their shapes, sets the size of its ring, and chooses between two entries to one tracepoint. */
int bpf_unit__share(struct bpf_unit *unit, int scope_fd, uint64_t ring_bytes);

/* load: into the kernel; opens the ring's reader and maps the counters. */
int bpf_unit__load(struct bpf_unit *unit, bpf_unit_event event, void *arg);

/* attach: every program that is set to load; only the one called `only`, all but the one called `except`
 * when these are not NULL. Iterators over tasks are kept for bpf_unit__sample(), others run once. */
int bpf_unit__attach(struct bpf_unit *unit, const char *only, const char *except);

/* Hands what waits in the ring to event(). Returns the number of events or -errno. */
int bpf_unit__drain(struct bpf_unit *unit);

/* Runs every iterator over tasks; what they write goes to event() cut into pieces: size_of(arg, piece)
 * tells how long the piece is that begins there, 0 if that cannot be or `piece` is NULL. 0 or -errno. */
int bpf_unit__sample(struct bpf_unit *unit, size_t (*size_of)(void *arg, const void *piece));

/* Runs of the object's programs that the kernel skipped since the last call: at most so much is missing. */
uint64_t bpf_unit__new_misses(struct bpf_unit *unit);

/* Detaches and unmaps; the skeleton stays its owner's to destroy. */
void bpf_unit__close(struct bpf_unit *unit);

#endif
