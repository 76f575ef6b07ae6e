/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc says of an existing process; `proc` is its folder there. Includes nothing. */
#ifndef PROBES_LIFECYCLE_ALIVE_H
#define PROBES_LIFECYCLE_ALIVE_H

struct lifecycle_exec;
struct lifecycle_stderr;

void alive__read_ids(int proc, struct lifecycle_exec *e);
void alive__read_comm(int proc, struct lifecycle_exec *e);

/* `map` stays as it is, unless it fails. */
void alive__read_stderr(int proc, struct lifecycle_stderr *error);

/* The inode of the pipe that the descriptor is, by its name in that folder: "fd/0". Null with a reason: none. */
__u64 alive__pipe(int proc, const char *name);

#endif
