/* SPDX-License-Identifier: BSD-2-Clause */
/* The screen and the keyboard, on a thread of their own: a key is answered while the merge waits. Private to sinks/top. */
#ifndef SINKS_TOP_SCREEN_H
#define SINKS_TOP_SCREEN_H

#include <pthread.h>
#include <stdbool.h>

#include "sinks/live/live.h"
#include "sinks/judging/pass.h"

struct screen;

/* Takes the terminal `out` over, and the keyboard at stdin. The screen reads the model, and judges by `pass`, only while it
 * holds `lock`. What is
 * printed to stderr meanwhile is shown after the end. 0, or -errno with a sentence in `err`. */
int screen__open(struct screen **screen, int out, bool colour, struct model *model, struct verdict_pass *pass,
		 pthread_mutex_t *lock, struct error *err);
bool screen__left(const struct screen *screen); /* the user has asked for the end */
void screen__close(struct screen *screen);	/* gives the terminal back; takes NULL. Without `lock` held */

#endif
