/* SPDX-License-Identifier: BSD-2-Clause */
/* Lakes: TABLE/date=YYYY-MM-DD/RUN.HOST.parquet, a file for each run, and how they are compacted. */
#ifndef CORE_LAKE_LAKE_H
#define CORE_LAKE_LAKE_H

/* Merges the files of each closed day of each table of the lake into a few large ones. `name` is its path, followed by
 * ":delta" for one whose tables are to have a log of Delta Lake. Returns an exit code; errors are logged. */
int lake__compact(const char *name);

#endif
