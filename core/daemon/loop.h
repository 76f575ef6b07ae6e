/* SPDX-License-Identifier: BSD-2-Clause */
/* An epoll loop: callbacks for descriptors and timers, all on the thread of loop__run(). */
#ifndef CORE_DAEMON_LOOP_H
#define CORE_DAEMON_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

typedef void (*loop_call)(void *arg);

struct loop *loop__new(void); /* NULL on error, with errno set */

/* Calls `call` when `fd` is readable, edge-triggered if `edge`. Does not own `fd`. 0 or -errno. */
int loop__watch(struct loop *loop, int fd, bool edge, loop_call call, void *arg);

/* Stops that. */
void loop__unwatch(struct loop *loop, int fd);

/* Creates a disarmed CLOCK_BOOTTIME timer, owned by the loop. Returns it, or -errno. */
int loop__timer(struct loop *loop, loop_call call, void *arg);

/* Arms a timer: once after `ns`, then every `every_ns` unless 0. `ns` 0 disarms it. 0 or -errno. */
int loop__arm(int timer, uint64_t ns, uint64_t every_ns);

/* Runs until loop__stop(). 0 or -errno. */
int loop__run(struct loop *loop);
void loop__stop(struct loop *loop);

void loop__free(struct loop *loop); /* takes NULL; closes the timers, not other descriptors */

#endif
