/* SPDX-License-Identifier: BSD-2-Clause */
/* The scope from user space: the core's own BPF object (core/bpf/scope.bpf.c) and the scope map. Not thread-safe. */
#ifndef CORE_BPF_SCOPE_MAP_H
#define CORE_BPF_SCOPE_MAP_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/scope.h"

struct scope;

#define SCOPE_RING_BYTES (256 * 1024) /* of its ring buffer, for notes */
#define PID_NS_INITIAL 0xEFFFFFFCu    /* inode of the initial PID namespace, fixed in the kernel */

struct scope_opts {
	uint64_t max_processes; /* entries of the scope map */
	uint32_t all_run;	/* the run of every process that has no other; 0: none */
	bool by_rules;		/* scope__rule() will be called */
};

/* Whether the kernel's tracepoint marks the exit of a process's last thread (since 6.16). */
bool scope__kernel_marks_last_thread(void);
bool scope__has_classic(void); /* whether the scope's programs can be attached to classic tracepoints */

/* Stages open and share. 0 or -errno, logged. The unit is to be loaded. */
int scope__open(struct scope **scope, const struct scope_opts *opts);
struct bpf_unit *scope__unit(struct scope *scope);

/* Attaches all programs but the one at sched_process_free; before the probes attach. */
int scope__attach_first(struct scope *scope);
/* Attaches that program; after the probes, which then still find the entry at this hook. */
int scope__attach_last(struct scope *scope);

int scope__map_fd(const struct scope *scope);
int scope__ring_fd(const struct scope *scope);

/* Opens a run: processes can enter. Closes it: no more enter. 0 or -errno. */
int scope__open_run(struct scope *scope, uint32_t run);
int scope__close_run(struct scope *scope, uint32_t run);
/* Removes a run and its entries from the maps. */
void scope__forget_run(struct scope *scope, uint32_t run);

/* Whether the maps can be read with the remaining capabilities. */
bool scope__works(const struct scope *scope);

/* Declares that the probe of this slot reports the exit of every process; counts the exits that it did not. */
void scope__expect_exit(struct scope *scope, uint32_t slot);
uint64_t scope__unreported(const struct scope *scope, uint32_t slot);

/* The number of watched processes of a run; and of all that ever were. */
uint64_t scope__alive(struct scope *scope, uint32_t run);
uint64_t scope__entered(struct scope *scope, uint32_t run);

/* From now on children of this process, by its pid in our namespace, enter the run; run 0: they do not. */
void scope__launch(struct scope *scope, pid_t launcher, uint32_t run);

/* Adds a rule for execs: a text with this prefix, of so many bytes, starts a run and sends a note. 0 or -errno. */
int scope__rule(struct scope *scope, enum scope_rule_kind kind, const char *prefix, size_t length);
void scope__unrule(struct scope *scope, enum scope_rule_kind kind, const char *prefix, size_t length); /* removes it */
void scope__set_kinds(struct scope *scope, uint32_t kinds); /* bit per scope_rule_kind: those that are looked at */

/* Makes the next scan with `enter` add an existing process, by its pid in our namespace. 0 or -errno. */
int scope__want(struct scope *scope, uint32_t pid, uint32_t run);

/* Lists all processes; with `enter` adds the wanted ones and the descendants of watched ones.
 * Returns the number of added processes, or -errno. */
int scope__scan(struct scope *scope, bool enter, void (*seen)(void *arg, const struct scope_process *), void *arg);

/* Removes entries of processes whose sched_process_free was not seen: those that two scans, at least `apart_ns`
 * apart, did not find. Calls gone() for each. Returns their number, or -errno. */
int scope__sweep(struct scope *scope, uint64_t apart_ns,
		 void (*gone)(void *arg, const struct scope_key *, const struct scope_entry *), void *arg);

/* The number of entries that the last sweep did not find; the next one removes those it does not find either. */
size_t scope__missing(const struct scope *scope);

/* Calls note() for the pending notes of the kernel: a process matched a rule, a run became empty. */
int scope__notes(struct scope *scope, void (*note)(void *arg, const struct scope_note *), void *arg);

/* Since the start, for processes with no room in the scope map: lost events by role; processes whose lost events are
 * not counted. And processes whose fork was not seen, added at their exec as children of watched ones. */
uint64_t scope__refused(const struct scope *scope, enum scope_refused what);
uint64_t scope__full(const struct scope *scope);
uint64_t scope__adopted(const struct scope *scope);
/* Since the last call: skipped runs of the exec program, which checks the rules. */
uint64_t scope__new_misses(struct scope *scope);

void scope__close(struct scope *scope); /* takes NULL */

#endif
