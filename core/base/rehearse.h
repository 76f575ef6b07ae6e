/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs foreign code in a child process first: if it crashes there, or hangs, nothing has happened here. */
#ifndef CORE_BASE_REHEARSE_H
#define CORE_BASE_REHEARSE_H

#include <stddef.h>

#define REHEARSE_SECONDS 10

/* Calls act(arg) in a child without output, which is killed after REHEARSE_SECONDS. Returns 0: it returned; the signal that
 * killed it; -ETIME: it hung; -ECHILD: it ended the process; or another -errno: it could not be tried. */
int rehearse__run(void (*act)(void *arg), void *arg);

/* Calls act(arg, i) for each i from *at to below `count`, all in one child. Returns 0: all returned; else what has become of
 * the one that *at then says. */
int rehearse__from(void (*act)(void *arg, size_t i), void *arg, size_t *at, size_t count);

/* What such a result other than 0 means: "crashed: signal 11 (Segmentation fault)". Returns `out`. */
const char *rehearse__fault(int result, char *out, size_t size);

#endif
