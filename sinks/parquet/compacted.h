/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs of a lake that collector-merge --compact has put into files with others. */
#ifndef SINKS_PARQUET_COMPACTED_H
#define SINKS_PARQUET_COMPACTED_H

#include <stdbool.h>

#include "sinks/tables/tables.h"

/* Whether a compacted file of that day ("date=2026-03-01") has the run. False if it cannot be read: the next compaction then
 * leaves out the file that came later. */
bool compacted__has(const struct tables *tables, int lake, const char *day, const struct model_run *run);

#endif
