/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a whole file that a user names: bounded in size, and in time if it is a pipe. */
#ifndef CORE_BASE_INFILE_H
#define CORE_BASE_INFILE_H

#include <stddef.h>

#include "core/error.h"

#define INFILE_SECONDS 10 /* that the writer of a pipe has, from the call to its end */

/* Sets *text to the file's bytes and a NUL, to be freed by the caller. A pipe (`<(command)`, /dev/stdin) is read up to its
 * end; a device or a terminal is refused. 0, or -errno with a sentence in `err` that does not name the file; -EFBIG: more
 * than `max` bytes. */
int infile__read(const char *path, size_t max, char **text, size_t *size, struct error *err);

#endif
