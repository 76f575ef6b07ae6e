/* SPDX-License-Identifier: BSD-2-Clause */
/* The ABI between the daemon and a probe. A probe is one .so that exports the symbol PROBE_SYMBOL; PROBE()
 * at the end of its file defines that. Everything about it is data, known before its code runs: most probes
 * have no code of their own in user space at all.
 *
 * Stages, across all probes, unwound in reverse from any point:
 *	check   the core checks the ABI, fills `conf` from the YAML by the option table
 *	open    the core opens the BPF object; the probe's open() sets what the object needs to know
 *	share   the core puts the scope map into the object (map "scope"), its slot, and sizes its ring ("events")
 *	load    the core loads the programs of the events that are recorded
 *	attach  the core attaches them; iterators wait for their tick
 *	loop    ring -> event() -> stream; every `interval` the iterators run and their output goes the same way
 *	flush   the ring is drained, the streams get their end
 *	close   the probe's close()
 *
 * Which event a program serves follows from its name: NAME_EVENT, or anything that begins with NAME_EVENT_.
 * It is loaded only if that event is recorded. A program whose name has no event's name is always loaded.
 *
 * The BPF side of the contract is core/probe.bpf.h. All callbacks run on the core's only thread. */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/log.h"
#include "core/opt.h"
#include "core/schema.h"

#define PROBE_ABI 2
#define PROBE_SYMBOL "collector_probe"
#define PROBE_EXPORT extern __attribute__((visibility("default")))

struct bpf_object;

/* A process that existed before the collector, from the kernel's task list and /proc. */
struct probe_process {
	uint64_t ts; /* when it was read: boot clock, ns */
	uint64_t start;
	uint64_t parent_start; /* 0: unknown */
	uint32_t pid, ppid;
	uint32_t run;
	int proc; /* descriptor of its /proc/PID folder; owned by the core */
};

/* What the core lends to a probe; valid until close() returns. */
struct core_api {
	uint32_t size;
	/* Events that will be recorded, a bit per kind: as the user asked, else all but SCHEMA_OFF. open() may
	 * change it, for example where this kernel lacks a hook. */
	uint64_t *events;
	/* Sets a global variable of the probe's BPF object, by its name: before the load any, after it those that
	 * are not const. 0, or -ENOENT or -EINVAL (another size), having logged why. */
	int (*set)(struct bpf_object *object, const char *variable, const void *value, size_t size);
	/* Whether programs of tracepoints may call this helper (a BPF_FUNC_ number); tried, not guessed. */
	bool (*has_helper)(int func);
	/* Whether the kernel's BTF has this type, or this member of a struct when `member` is not NULL. */
	bool (*has_type)(const char *type, const char *member);
	/* Number of arguments of a raw tracepoint on this kernel, from its BTF; -1: there is none. A program
	 * must not read an argument that the kernel lacks. */
	int (*tracepoint_args)(const char *name);
	/* Whether programs can be attached to this function of the kernel ("fentry/NAME"); tried. */
	bool (*has_function)(const char *name);
	void (*log)(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
};

/* Shorthand for core_api.set: `value` has the variable's type, to the byte. */
#define PROBE_SET(api, object, variable, value)                         \
	({                                                              \
		__typeof__(value) value_ = (value);                     \
		(api)->set(object, #variable, &value_, sizeof(value_)); \
	})

struct probe {
	uint32_t abi;  /* PROBE_ABI; must be equal */
	uint32_t size; /* sizeof(struct probe); members are only ever appended */

	const char *name; /* as its folder, its key in the YAML and its stream: [a-z][a-z0-9_]* */
	const char *help; /* one sentence */

	/* Its events, indexed by kind. */
	const struct schema_event *events;
	size_t events_count;

	/* Its BPF object: the skeleton's NAME_bpf__elf_bytes. */
	const void *(*elf)(size_t *size);

	/* Its own options and the struct they fill. Every probe also has `required`, `ring` and `events`, and one
	 * that samples has `interval`: those are the core's. */
	const struct opt *options; /* NULL: none */
	size_t conf_size;

	uint64_t ring_bytes;  /* its ring's size unless the user says otherwise, a power of two; 0: 1 MiB */
	uint64_t interval_ns; /* time between samples unless the user says otherwise; 0: takes none */

	/* Rights. 1ULL << CAP_...: what it needs to start, beyond CAP_BPF and CAP_PERFMON that all need; and what
	 * event() needs as long as it runs. System calls that event() makes, by name, ended by NULL, beyond
	 * those that allocate memory; NULL: none. --list and doctor show all three. */
	uint64_t capabilities, keeps;
	const char *const *syscalls;

	/* Optional, as all that follow. Called before the load: sets variables of the object, chooses among
	 * programs that are alternatives, allocates *state, which the other calls get.
	 * 0 or -errno, having logged why. */
	int (*open)(const struct core_api *api, const void *conf, struct bpf_object *object, void **state);

	/* Frees the state, which may be NULL after an open() that failed. The object is the core's to close. */
	void (*close)(void *state);

	/* Called between load and attach, to set what is known only then. 0 or -errno, having logged why. */
	int (*loaded)(const struct core_api *api, struct bpf_object *object, void *state);

	/* What this kernel cannot give, for the stream's header: "exit.peak_rss_bytes: reason"..., ended by
	 * NULL; lives as long as the state. Called once, after open(). */
	const char *const *(*unavailable)(void *state);

	/* Finishes an event before it is written. Returns the event to write, which may be the one given
	 * (changed or not) or one of the probe's own, valid until the next call, or NULL for none. *size is
	 * the number of bytes of the event with all it refers to, in and out. An event of an unknown kind,
	 * size or run is counted as lost (cause "invalid"). */
	const struct event *(*event)(void *state, struct event *event, size_t *size);

	/* The event for a process that existed before the collector, or NULL. */
	const struct event *(*existing)(void *state, const struct probe_process *process, size_t *size);
};

/* Defines the probe NAME, whose BPF object is NAME.bpf.c, and exports it:
 *
 *	PROBE(hello, "greets every program", events, .interval_ns = 1000000000);
 *
 * At most SCOPE_SLOTS probes that sample, or have an event with the role of a process's exit, run at once
 * (core/scope.h); any number of others. */
#define PROBE(name_, help_, events_, ...)                                                        \
	static const struct probe name_ = {.abi = PROBE_ABI,                                     \
					   .size = sizeof(struct probe),                         \
					   .name = #name_,                                       \
					   .help = help_,                                        \
					   .events = events_,                                    \
					   .events_count = sizeof(events_) / sizeof(events_[0]), \
					   .elf = name_##_bpf__elf_bytes,                        \
					   __VA_ARGS__};                                         \
	PROBE_EXPORT const struct probe *const collector_probe;                                  \
	const struct probe *const collector_probe = &name_

#endif
