/* SPDX-License-Identifier: BSD-2-Clause */
/* Folders of files that are not whole yet. */
#ifndef SINKS_TABLES_FILES_H
#define SINKS_TABLES_FILES_H

#include <stdbool.h>

/* Calls for every entry of the folder. 0, -errno, or what the call returned. */
int files__each(const char *folder, int (*call)(const char *folder, const char *name, void *arg), void *arg);

bool files__is_folder(const char *path);

void files__remove(const char *folder); /* with all that is in it */

/* Gives a file its name. 0 or -errno: -EEXIST if another has it, and may keep it. */
int files__place(const char *from, const char *to, bool overwrite);

#endif
