/* SPDX-License-Identifier: BSD-2-Clause */
/* One epoll loop: descriptors and timers call back, on one thread. */
#ifndef CORE_DAEMON_LOOP_H
#define CORE_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

typedef void (*loop_call)(void *arg);

struct loop *loop__new(void); /* NULL: errno tells */

/* Calls when `fd` becomes readable: once each time it does, if `edge`; else as long as it is. */
int loop__watch(struct loop *loop, int fd, bool edge, loop_call call, void *arg);

/* A timer of the boot clock, not armed. Its number, or -errno. */
int loop__timer(struct loop *loop, loop_call call, void *arg);

/* Arms a timer: once after `ns`, then every `every_ns` if that is not 0. 0, 0 disarms. */
int loop__arm(int timer, uint64_t ns, uint64_t every_ns);

/* Runs until loop__stop(). 0 or -errno. */
int loop__run(struct loop *loop);
void loop__stop(struct loop *loop);

void loop__free(struct loop *loop); /* takes NULL; closes the timers, not what was watched */

#endif
