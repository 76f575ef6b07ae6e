/* SPDX-License-Identifier: BSD-2-Clause */
/* The ABI between the daemon and a probe. A probe is one .so that exports PROBE_SYMBOL, which PROBE() at the
 * end of its source file defines. A probe is described by data that the core reads before any of its code
 * runs; most probes have no user-space code.
 *
 * Stages, for all probes; on failure they are undone in reverse order:
 *	check   the core checks the ABI and fills `conf` from the YAML by the option table
 *	open    the core opens the BPF object and sets its slot; the probe's open() sets other variables
 *	share   the core puts its scope map in place of the map "scope" and sizes the ring buffer "events"
 *	load    the core loads the programs of the recorded events
 *	attach  the core attaches them; task iterators run at each interval, or when the probe asks for it (on_demand)
 *	loop    ring buffer -> event() -> stream; the same for the output of the iterators
 *	flush   the ring buffer is drained, the streams are closed
 *	close   the probe's close()
 *
 * A program belongs to an event by its name: NAME_EVENT or NAME_EVENT_*. It is loaded only if that event is
 * recorded; a program that belongs to no event is always loaded.
 *
 * The BPF side of the ABI is core/probe.bpf.h. All callbacks run on the core's only thread. */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/device.h"
#include "core/log.h"
#include "core/opt.h"
#include "core/schema.h"

#define PROBE_ABI 2
#define PROBE_SYMBOL "collector_probe"
#define PROBE_EXPORT extern __attribute__((visibility("default")))

struct bpf_object;

/* An existing process, from the kernel's task list and /proc. */
struct probe_process {
	uint64_t ts;	       /* when it was read: CLOCK_BOOTTIME, ns */
	uint64_t start;	       /* same clock */
	uint64_t parent_start; /* 0: unknown */
	uint32_t pid, ppid;
	uint32_t run;
	int proc; /* O_PATH descriptor of /proc/PID; owned by the core, valid during the call */
};

/* What the keeper can be asked to read: it has the rights of the command, the recorder opens no path. */
enum probe_ask_what {
	PROBE_ASK_SMAPS = 1,  /* /proc/PID/smaps_rollup */
	PROBE_ASK_CGROUP = 2, /* charge of a process's memory cgroup: lines "NAME VALUE" */
	PROBE_ASK_TAIL = 3,   /* last bytes of the file `path` between `offset` and `end`, with this device and inode;
			       * inode 0: of any, if written to since the process started. That may have ended */
	PROBE_ASK_HEAD = 4,   /* first bytes of the file `path`. The process may have ended */
	PROBE_ASK_LOG = 5,    /* bytes from `offset` on of the file in the folder `path` that the process has open */
	/* The same of the file there whose name comes last, if written to since the process started. That may have ended. */
	PROBE_ASK_LAST = 6,
	PROBE_ASK_WHATS,
};

struct probe_ask {
	uint32_t what; /* enum probe_ask_what */
	uint32_t run;
	uint32_t pid, local_pid; /* local_pid: in the collector's own PID namespace; 0: not known */
	uint64_t start;		 /* of the process: another one that has its pid is not read */
	uint64_t device, inode, offset, end;
	const char *path; /* copied; NULL: none */
	/* No event that its answer gives is older: the stream waits for it. 0: it is as old as the answer. */
	uint64_t ts;
};

struct probe_answer {
	const struct probe_ask *ask;
	/* 0 or -errno: -ESRCH the process has gone, -EACCES, -ENOTSUP this kernel has no such file, -ETIMEDOUT the
	 * keeper did not answer, -EPIPE it has ended. */
	int error;
	uint64_t ts;	  /* CLOCK_BOOTTIME, ns */
	uint64_t cost_ns; /* CPU time of the keeper */
	const char *text; /* followed by a NUL */
	size_t size;
	uint64_t skipped; /* of PROBE_ASK_TAIL: bytes before the text */
};

/* The core's functions for a probe; valid until close() returns. */
struct core_api {
	uint32_t size;
	/* Events to record, a bit per kind: those the configuration names, else all but SCHEMA_OFF. open() may
	 * change it, for example where this kernel lacks a hook. */
	uint64_t *events;
	/* Sets a global variable of the probe's BPF object: any before the load, those that are not const after
	 * it. 0, or -ENOENT or -EINVAL (wrong size), logged. */
	int (*set)(struct bpf_object *object, const char *variable, const void *value, size_t size);
	/* Whether tracepoint programs may call this helper (BPF_FUNC_*), found by loading one. */
	bool (*has_helper)(int func);
	/* Whether the kernel's BTF has this struct or enum and, unless NULL, this member or enumerator of it. */
	bool (*has_type)(const char *type, const char *member);
	/* Number of arguments of a raw tracepoint, from the kernel's BTF; -1: no such tracepoint. A program
	 * must not read an argument that the kernel lacks. */
	int (*tracepoint_args)(const char *name);
	/* Whether a program can be attached to this kernel function ("fentry/NAME"), found by attaching one. */
	bool (*has_function)(const char *name);
	void (*log)(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* The only user whose programs may be described: arguments, environment, paths, what they have open and wait for,
	 * what they write. NULL: all. Set where the run's owner would get from us what /proc denies it: with file capabilities,
	 * and with --user. BPF programs ask process__is_denied(). */
	const uint32_t *only_user;
	/* Asks the keeper to read something; the probe's answer() gets what it reads, later. 0, or -errno if it is not
	 * asked: -EAGAIN too many questions are open, -ETIMEDOUT the keeper does not answer, -EPIPE it has ended. */
	int (*ask)(const struct core_api *api, const struct probe_ask *ask);
	/* Runs one of the probe's iterators that are `on_demand`; its events go to event(). From sampled(). 0, or -errno:
	 * -ENOENT it is not loaded. */
	int (*run)(const struct core_api *api, const char *program);
	/* Name of a system call of this machine; NULL: there is none of this number. */
	const char *(*syscall_name)(int number);
	/* Size of a kernel stack, at whose end the registers of a task that sleeps are; 0: bpf_task_pt_regs() (since 5.15)
	 * says where they are. For kfix__registers(). */
	uint64_t (*stack_bytes)(void);
	/* The caller itself has no right to watch others (file capabilities): of no program is the environment recorded, nor
	 * what it writes. only_user is set. */
	bool lent;
};

/* Shorthand for core_api.set; `value` must have exactly the variable's type. */
#define PROBE_SET(api, object, variable, value)                         \
	({                                                              \
		__typeof__(value) value_ = (value);                     \
		(api)->set(object, #variable, &value_, sizeof(value_)); \
	})

struct probe {
	uint32_t abi;  /* PROBE_ABI; must be equal */
	uint32_t size; /* sizeof(struct probe); members are only appended */

	const char *name; /* of its folder, YAML key and stream: [a-z][a-z0-9_]* */
	const char *help; /* one sentence */

	/* Indexed by kind. */
	const struct schema_event *events;
	size_t events_count;

	/* The BPF object: the skeleton's NAME_bpf__elf_bytes. */
	const void *(*elf)(size_t *size);

	/* The probe's options and the size of the struct they fill. The core adds `required`, `ring` and `events`,
	 * and `interval` for a probe that samples. */
	const struct opt *options; /* NULL: none */
	size_t conf_size;

	uint64_t ring_bytes;  /* default size of its ring buffer, a power of two; 0: 1 MiB */
	uint64_t interval_ns; /* default time between samples; 0: takes none */

	/* Privileges, shown by --list and doctor. 1ULL << CAP_*: those needed to start, besides CAP_BPF and
	 * CAP_PERFMON, and those event() needs while running. Names of the system calls that event() makes,
	 * besides those that allocate memory, terminated by NULL; NULL: none. */
	uint64_t capabilities, keeps;
	const char *const *syscalls;

	/* Optional, like all that follow. Called before the load: sets variables of the object, selects among
	 * alternative programs, allocates *state, which the other callbacks get. 0 or -errno, logged. */
	int (*open)(const struct core_api *api, const void *conf, struct bpf_object *object, void **state);

	/* Frees the state, which may be NULL after a failed open(). The core closes the object. */
	void (*close)(void *state);

	/* Called between load and attach, for values known only after the load. 0 or -errno, logged. */
	int (*loaded)(const struct core_api *api, struct bpf_object *object, void *state);

	/* What is unavailable on this kernel, for the stream's header: "exit.peak_rss_bytes: reason"...,
	 * terminated by NULL; owned by the state. Called once, after open(). */
	const char *const *(*unavailable)(void *state);

	/* Completes an event before it is written. Returns the event to write: the given one (changed or not)
	 * or one owned by the probe, valid until the next call; NULL: none. *size, in and out, is the size of
	 * the event including its variable-length values. An event of an unknown kind, size or run is counted
	 * as lost (cause "invalid"). */
	const struct event *(*event)(void *state, struct event *event, size_t *size);

	/* The event for an existing process, owned by the probe, or NULL. */
	const struct event *(*existing)(void *state, const struct probe_process *process, size_t *size);

	/* Called after each round of samples. */
	void (*sampled)(void *state);

	/* The keeper's answer to each question that ask() took. Returns an event to write, or NULL, as existing() does. */
	const struct event *(*answer)(void *state, const struct probe_answer *answer, size_t *size);

	/* Each event of another probe with the flag SCHEMA_SHOWN, and its schema: it is known by the names of its fields.
	 * *size, in and out: of the event; returns one to write, of the same run, or NULL. */
	const struct event *(*seen)(void *state, const struct schema_event *schema, const struct event *event,
				    size_t *size);

	/* Names of its task iterators that do not run at each interval but when it calls core_api.run(), terminated by
	 * NULL. */
	const char *const *on_demand;
};

/* Defines and exports the probe NAME, whose BPF source is NAME.bpf.c:
 *
 *	PROBE(hello, "greets every program", events, .interval_ns = 1000000000);
 *
 * At most SCOPE_SLOTS (core/scope.h) probes that sample or have an event with role SCHEMA_EXIT can run at
 * once; the number of others is not limited. */
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
