/* SPDX-License-Identifier: BSD-2-Clause */
/* What files of tasks begin with, kept with their run. Private to sinks/model. */
#ifndef SINKS_MODEL_TASK_HEAD_H
#define SINKS_MODEL_TASK_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/base.h"

struct feed; /* process.h */

struct heads {
	struct hash all;
	struct head *oldest, *newest;
	bool lacking; /* one was looked for that is not recorded */
};

int head__take(const struct feed *feed);
int head__take_log(const struct feed *feed);				     /* of an engine, which names its jobs */
const char *head__find(void *run, const char *const *paths, size_t *length); /* for struct steps_program */
void heads__free(struct heads *heads);

#endif
