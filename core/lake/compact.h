/* SPDX-License-Identifier: BSD-2-Clause */
/* Compaction: what its parts share. Private to core/lake.
 *
 * LAKE/.compact, which only this user can enter, has a folder for each day being compacted, day-ID:
 *
 *   mark        our mark: the table, the day, and the files that the day had
 *   in/ done/   links to those that are merged: of runs, and of earlier compactions
 *   kept/       links to those of earlier compactions that are large enough
 *   out/ tmp/   what DuckDB writes
 *   day/        the day's folder as it will be; once exchanged with LAKE/TABLE/date=D, as it was
 *
 * A process killed at any point leaves the folder in one of two states: `day` has files compacted-ID-*, and nothing has
 * happened yet, or it is the old one. */
#ifndef CORE_LAKE_COMPACT_H
#define CORE_LAKE_COMPACT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/base/base.h"
#include "core/error.h"

#define LAKE_FILE ".parquet"
#define LAKE_COMPACTED "compacted-" /* no dot before the ending: no file of a run is called so */
#define LAKE_DAY "date="
#define LAKE_GRACE 3600 /* s: old files stay that long, and a day is open that much longer */

struct lake {
	const char *path;
	int fd, hidden; /* itself, and its .compact, which is locked */
	struct stat st;
	struct account account;
	char today[16];		      /* the first day that is not closed */
	uint64_t days, before, after; /* days compacted; files of them */
	bool failed;		      /* something was left as it was; logged */
};

/* A file of a day. */
struct lake_file {
	char *name;
	ino_t inode;
	off_t size;
};

struct lake_day {
	char *table, *date; /* names of the folders */
	int table_fd, fd;   /* -1: not open */
	struct stat st;
	struct lake_file *files; /* by name */
	size_t count;
};

/* A folder of LAKE/.compact. */
struct lake_work {
	int fd;
	char name[64];
};

/* ---- lake_day.c ---- */

/* The log's sentence begins with the path. Returns `rc`. */
int lake__left(struct lake *lake, const struct lake_day *day, int rc, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

bool lake_day__is_name(const char *name);
bool lake_file__is_compacted(const char *name);

/* Whether root or the lake's owner made it. */
bool lake__trusts(const struct lake *lake, const struct stat *st);

/* Lists the day's files. 0, -errno, or 1: it has something else in it, logged. */
int lake_day__list(struct lake *lake, struct lake_day *day);
const struct lake_file *lake_day__find(const struct lake_day *day, const char *name);
int lake_day__add(struct lake_day *day, const char *name, ino_t inode, off_t size); /* 0 or -ENOMEM */
void lake_day__sort(struct lake_day *day);
void lake_day__free(struct lake_day *day); /* closes its folders, too */

/* ---- lake_merge.c ---- */

/* Compacts one that has files to merge. 0 or -errno, logged. */
int lake_day__merge(struct lake *lake, struct lake_day *day);

/* ---- lake_work.c ---- */

/* 0 or -errno; makes the folder and its mark. */
int lake_work__make(struct lake *lake, struct lake_work *work, const struct lake_day *day);
void lake_work__prefix(const struct lake_work *work, char *prefix, size_t size); /* of the names of its files */

/* Exchanges the day's folder; all in it is on the disk. 0, or -errno and nothing has changed; logged. */
int lake_work__exchange(struct lake *lake, struct lake_work *work, struct lake_day *day);

/* Removes what is needed no longer; a folder that was not exchanged as a whole. */
void lake_work__undo(struct lake *lake, struct lake_work *work);
void lake_work__tidy(const struct lake_work *work);
void lake_work__close(struct lake_work *work);

/* Ends what a killed process began, and removes old files whose time has come. 0 or -errno. */
int lake_work__settle_all(struct lake *lake);

/* ---- lake_sql.c ---- */

struct lake_job {
	const char *what; /* for messages */
	int work;	  /* the folder of a struct lake_work */
	size_t in, done, kept;
	uint64_t bytes; /* to merge */
};

/* Writes the rows of in/ and done/ to out/, sorted, and makes sure that they are the same. To be called by the account.
 * Returns an exit code; errors are logged. */
int lake_job__run(void *job);

#endif
