/* SPDX-License-Identifier: BSD-2-Clause */
/* The room that reads what probes ask for, with the rights of its caller: files of a process, its cgroup. */
#ifndef CORE_PROC_PROC_H
#define CORE_PROC_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/probe.h"

#define PROC_OWN_MAX 64

/* Processes that belong to no run: the collector's. */
struct proc_own {
	pid_t pids[PROC_OWN_MAX];
	size_t count;
};

/* Up to `size` bytes and a NUL. */
struct proc_text {
	char *text;
	size_t length, size;
	uint64_t skipped; /* struct probe_answer */
};

/* Appends what is asked for. 0 or -errno, as struct probe_answer has it. May block for as long as the process does. */
int proc__read(const struct probe_ask *ask, const struct proc_own *own, struct proc_text *out);

/* ---- proc_process.c ---- */

/* The folder of the process in /proc, of this and not of another one. A descriptor, or -ESRCH. */
int proc__open_process(const struct probe_ask *ask);

/* Appends a file of a folder. 0 or -errno. */
int proc__append_file(struct proc_text *out, int folder, const char *name);

/* Appends what a regular file has from ask->offset on, the first that the process has open in the folder ask->path. -ENOENT: it
 * has none open there. */
int proc__append_log(struct proc_text *out, const struct probe_ask *ask, int process);

/* ---- cgroup.c ---- */

/* The memory cgroup of a process, or the nearest above it that has the controller: lines "NAME VALUE" of its path, its
 * current, max and peak charge, the processes in it but for `own`, unless those of other PID namespaces are not to be seen,
 * its events (memory_max: charges that met the limit; memory_oom_kill), those of its CPU and pids cgroups (cpu_nr_throttled...,
 * cpu_max, cpu_period, pids_current, pids_limit, pids_events_max), and its memory.stat. 0 or -errno. */
int proc__append_cgroup(struct proc_text *out, int process, const struct proc_own *own, bool in_initial_ns);

/* ---- tail.c ---- */

/* Appends the bytes of a file between two offsets, for which there must be room. 0 or -errno. */
int proc__append_between(struct proc_text *out, int fd, uint64_t from, uint64_t end);

/* The last bytes of a file between `offset` and `end`, if it is this one: regular, with this device and inode. With inode 0
 * its last ones, if it was written to since the process started. -ESTALE: it is another one, or shorter than `end`. */
int proc__append_tail(struct proc_text *out, const struct probe_ask *ask);

/* What the file whose name comes last in the folder ask->path has from ask->offset on: engines put the time into the names of
 * their logs. -ESTALE: it is another user's, no regular file, or was not written to since the process started. */
int proc__append_last(struct proc_text *out, const struct probe_ask *ask);

/* The first bytes of a regular file. -ESTALE: it is none, or another user has put it there. */
int proc__append_head(struct proc_text *out, const struct probe_ask *ask);

#endif
