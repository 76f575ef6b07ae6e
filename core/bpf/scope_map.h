/* SPDX-License-Identifier: BSD-2-Clause */
/* The scope, from user space: the core's own BPF object (core/bpf/scope.bpf.c) and its map of the watched. */
#ifndef CORE_BPF_SCOPE_MAP_H
#define CORE_BPF_SCOPE_MAP_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/scope.h"

struct scope;

struct scope_opts {
	uint64_t max_processes; /* watched at once */
	uint32_t all_run;	/* the run of every process that has no other; 0: none */
	uint32_t rule_kinds;	/* bit per scope_rule_kind that scope__rule() will be called for */
};

/* Whether the kernel's tracepoint says which exit is that of a process's last thread (from 6.16 on). */
bool scope__kernel_marks_last_thread(void);
bool scope__has_classic(void); /* whether the scope's programs can be attached to classic tracepoints */

/* Stages open, share and load. 0 or -errno, having logged why. */
int scope__open(struct scope **scope, const struct scope_opts *opts);

/* Attaches all but the free of a process: before the probes attach. */
int scope__attach_first(struct scope *scope);
/* Attaches the free: after the probes, so that they still find the entry. */
int scope__attach_last(struct scope *scope);

int scope__map_fd(const struct scope *scope);
int scope__ring_fd(const struct scope *scope);

/* Opens a run: its processes can enter. Closes it: none does any more. 0 or -errno. */
int scope__open_run(struct scope *scope, uint32_t run);
int scope__close_run(struct scope *scope, uint32_t run);
/* Removes what is left of a run from the kernel. */
void scope__forget_run(struct scope *scope, uint32_t run);

/* Whether its maps can be asked, with the capabilities that are left. */
bool scope__works(const struct scope *scope);

/* The probe of this slot reports the exit of every process once. How often it did not, since then. */
void scope__expect_exit(struct scope *scope, uint32_t slot);
uint64_t scope__unreported(const struct scope *scope, uint32_t slot);

/* How many processes of a run are watched now. */
uint64_t scope__alive(struct scope *scope, uint32_t run);

/* Children that this process makes from now on enter the run; 0: they do not. */
void scope__launch(struct scope *scope, uint32_t run);

/* A rule for execs: texts that begin by `prefix` open a run, and scope__notes() tells. */
int scope__rule(struct scope *scope, enum scope_rule_kind kind, const char *prefix, uint32_t rule);

/* A present process that is to enter by the next scan with `enter`. */
int scope__want(struct scope *scope, uint32_t pid, uint32_t run);

/* Walks all processes; with `enter` lets those enter that are wanted, and descendants of the watched.
 * Returns how many entered, or -errno. */
int scope__scan(struct scope *scope, bool enter, void (*seen)(void *arg, const struct scope_process *), void *arg);

/* Removes entries whose task is gone though its free was not seen: those that two scans, at least
 * `apart_ns` apart, did not find. gone() is called for each. Returns how many, or -errno. */
int scope__sweep(struct scope *scope, uint64_t apart_ns,
		 void (*gone)(void *arg, const struct scope_key *, const struct scope_entry *), void *arg);

/* How many the last sweep did not find, who are gone if the next does not find them either. */
size_t scope__missing(const struct scope *scope);

/* Hands on what the kernel noted: a process that a rule matched, a run that became empty. */
int scope__notes(struct scope *scope, void (*note)(void *arg, const struct scope_note *), void *arg);

/* Since the start: events that are lost of processes that found no room; such processes of which nothing more is
 * known; and processes that entered late as children of watched ones. */
uint64_t scope__refused(const struct scope *scope, enum scope_refused what);
uint64_t scope__full(const struct scope *scope);
uint64_t scope__adopted(const struct scope *scope);
/* Since the last call: execs that no rule was asked about. */
uint64_t scope__new_misses(struct scope *scope);

void scope__close(struct scope *scope); /* takes NULL */

#endif
