/* SPDX-License-Identifier: BSD-2-Clause */
/* A cgroup that a case makes, of a controller of either version. */
#ifndef TESTS_TRUTH_GROUP_H
#define TESTS_TRUTH_GROUP_H

#include <stdbool.h>

struct group {
	char path[512];
	int version;
};

/* False: there is no such controller of that version here. The caller removes the folder. */
bool group__make(struct group *g, int version, const char *controller, const char *name);

/* Writes to a file of a folder, as a whole. */
bool group__put(const char *folder, const char *file, const char *text);

#endif
