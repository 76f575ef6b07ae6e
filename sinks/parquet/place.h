/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that get their place when all of them are whole. */
#ifndef SINKS_PARQUET_PLACE_H
#define SINKS_PARQUET_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "sinks/model/model.h"

/* Makes the folder `path`, then run=RUN/host=HOST below, and appends these to it. 0 or -errno. */
int place__partition(struct text *path, const char *run, const char *host);

/* Moves every file below `from` to the same place below `to`, where folders are made as needed. A folder that has a
 * table's parts already keeps them (-EEXIST), or loses them to the new ones if `overwrite`. 0, or -errno with the
 * path in `failed`. */
int place__files(const char *from, const char *to, bool overwrite, char *failed, size_t size);

#endif
