/* SPDX-License-Identifier: BSD-2-Clause */
/* The ABI between the daemon and a probe. A probe is one .so that exports one symbol,
 *
 *	PROBE_EXPORT const struct probe *const collector_probe = &my_probe;
 *
 * and everything about it is data, known before its code runs. What is left for its code is to open
 * its BPF skeleton and, if it must, to finish an event before it is written.
 *
 * Stages, across all probes, unwound in reverse from any point:
 *	check   the core checks the ABI, fills `conf` from the YAML by the option table
 *	open    the probe's open(): skeleton opened, its constants set
 *	share   the core puts the scope map into the object (map "scope") and sizes its ring ("events")
 *	load    the core loads the object into the kernel
 *	attach  the core attaches every program that is still set to load; iterators wait for their tick
 *	loop    ring -> event() -> stream; every `interval` the iterators run and their output goes the same way
 *	flush   what is in the ring is drained, the streams get their end
 *	close   the probe's close(): skeleton destroyed
 *
 * The BPF side of the contract is core/probe.bpf.h. All callbacks run on the core's only thread. */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/log.h"
#include "core/opt.h"
#include "core/schema.h"

#define PROBE_ABI 1
#define PROBE_SYMBOL "collector_probe"
#define PROBE_EXPORT extern __attribute__((visibility("default")))

struct bpf_object_open_opts;
struct bpf_object_skeleton;

/* A process that was there before the collector, as the kernel's task list and /proc show it. */
struct probe_process {
	uint64_t ts; /* when it was looked at: boot clock, ns */
	uint64_t start;
	uint64_t parent_start; /* 0: unknown */
	uint32_t pid, ppid;
	uint32_t run;
	int proc; /* descriptor of its /proc/PID folder; the core's */
};

/* What the core lends to a probe; valid until close() returns. */
struct core_api {
	uint32_t size;
	/* To be passed to the skeleton's open_opts(). */
	const struct bpf_object_open_opts *bpf_opts;
	/* The probe's own index into scope_entry.seen[]; set the skeleton's rodata->scope_slot to it. */
	uint32_t scope_slot;
	/* Whether programs of tracepoints may call this helper (a BPF_FUNC_ number); tried, not guessed. */
	bool (*has_helper)(int func);
	/* Whether the kernel's BTF has this type, or this member of a struct when `member` is not NULL. */
	bool (*has_type)(const char *type, const char *member);
	/* Number of arguments of a raw tracepoint on this kernel, by its BTF; -1: there is none. A program
	 * must not read an argument that the kernel lacks. */
	int (*tracepoint_args)(const char *name);
	void (*log)(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* Whether programs can be attached to this function of the kernel ("fentry/NAME"); tried. */
	bool (*has_function)(const char *name);
};

struct probe {
	uint32_t abi;  /* PROBE_ABI; must be equal */
	uint32_t size; /* sizeof(struct probe); members are only ever appended */

	const char *name; /* as its folder, its key in the YAML and its stream: [a-z][a-z0-9_]* */
	const char *help; /* one sentence */

	/* Its own options and the struct they fill. Every probe also has `required` and `ring`, and one
	 * that samples has `interval`: those are the core's. */
	const struct opt *options; /* NULL: none */
	size_t conf_size;

	/* Its events, indexed by kind. */
	const struct schema_event *events;
	size_t events_count;

	uint64_t capabilities;	  /* 1ULL << CAP_..., beyond CAP_BPF and CAP_PERFMON that all need */
	const char *const *hooks; /* what it attaches to, for people; ended by NULL */

	uint64_t ring_bytes;  /* its ring's size unless the user says otherwise; a power of two */
	uint64_t interval_ns; /* time between samples unless the user says otherwise; 0: takes none */

	/* Opens the skeleton with api->bpf_opts and sets its constants; gives back the skeleton's
	 * `skeleton` member in *skel and whatever it wants to be called with in *state.
	 * 0 or -errno, having logged why; close() is not called then. */
	int (*open)(const struct core_api *api, const void *conf, struct bpf_object_skeleton **skel, void **state);

	/* Destroys the skeleton and frees the state. Always there. */
	void (*close)(void *state);

	/* Optional: called between load and attach, to run what must run once in the kernel.
	 * 0 or -errno, having logged why. */
	int (*loaded)(void *state);

	/* Optional: what this kernel cannot give, for the stream's header: "exit.peak_rss_bytes: why"...,
	 * ended by NULL; lives as long as the state. Asked once, after open(). */
	const char *const *(*unavailable)(void *state);

	/* Optional: finishes an event before it is written. Returns the event to write, which may be
	 * the one given (changed or not) or one of the probe's own, valid until the next call, or NULL
	 * for none. *size is the number of bytes of the event with all it refers to, in and out. */
	const struct event *(*event)(void *state, struct event *event, size_t *size);

	/* Optional: the event that tells of a process that was already there, or NULL. */
	const struct event *(*alive)(void *state, const struct probe_process *process, size_t *size);

	/* The event that it tells once of every process, by event__reserve_end(); NULL: none. Needs scope_slot.
	 * The core counts the processes that it told nothing of, and reports them as losses of this event. */
	const char *end_event;
};

#endif
