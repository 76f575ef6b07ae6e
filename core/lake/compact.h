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
#include "core/text.h"

#define LAKE_FILE ".parquet"
#define LAKE_COMPACTED "compacted-" /* no dot before the ending: no file of a run is called so */
#define LAKE_DAY "date="
#define LAKE_COMMIT "commit.json" /* in .compact: a commit that has no place in a log yet */
#define LAKE_BATCH 256		  /* files of runs that are read together */
#define LAKE_GRACE 3600		  /* s: old files stay that long, and a day is open that much longer */

struct lake {
	const char *path;
	int fd, hidden; /* itself, and its .compact, which is locked */
	struct stat st;
	struct account account;
	char today[16];		      /* the first day that is not closed */
	uint64_t days, before, after; /* days compacted; files of them */
	bool failed;		      /* something was left as it was; logged */
	bool delta;		      /* its tables have logs */
};

/* A file of a day. */
struct lake_file {
	char *name;
	ino_t inode;
	off_t size;
	bool logged; /* in the table's log, as a file of it */
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
/* Whether the parquet sink or a compaction may have chosen the name: it has no character that SQL or a list could take for
 * something else. */
bool lake_file__is_name(const char *name);
bool lake_file__is_compacted(const char *name);

/* Reads a file, not through a link: its bytes and a NUL, to be freed by the caller. 0, or -errno and NULL; -EBADMSG: not a
 * regular file, or one of more than `max` bytes. */
int lake__read(int folder, const char *name, off_t max, char **text, struct stat *st);

/* Gives it the owner and the mode of another one. 0 or -errno; it is on the disk. */
int lake__own(const struct stat *as, int fd, mode_t mask);

/* Whether root or the lake's owner made it. */
bool lake__trusts(const struct lake *lake, const struct stat *st);

/* Lists the day's files. 0, -errno, or 1: it has something else in it, logged. */
int lake_day__list(struct lake *lake, struct lake_day *day);
const struct lake_file *lake_day__find(const struct lake_day *day, const char *name);
int lake_day__add(struct lake_day *day, const char *name, ino_t inode, off_t size); /* 0 or -ENOMEM */
void lake_day__sort(struct lake_day *day);
void lake_day__free(struct lake_day *day); /* closes its folders, too */

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

/* ---- lake_footer.c ---- */

/* Appends the bytes of a Parquet file's footer that are its columns and notes. False: it is none. */
bool lake_footer__form(const uint8_t *footer, size_t size, struct text *form);
int lake_footer__read(int folder, const char *name, struct text *form); /* 0; -errno; -EBADMSG: not a Parquet file */

/* ---- lake_input.c ---- */

struct lake_inputs {
	struct lake_input {
		char *name;
		uint32_t form; /* the same in files of the same columns and notes */
	} * list;
	size_t count;
};

/* The files in in/, by form, and one of each form. 0 or -errno, with a sentence if it is about a file. Free both in any case. */
int lake_inputs__read(struct lake_inputs *inputs, struct lake_inputs *examples, int work, struct error *err);
void lake_inputs__free(struct lake_inputs *inputs);

/* ---- lake_sql.c ---- */

struct lake_job {
	const char *what; /* for messages */
	int work;	  /* the folder of a struct lake_work */
	size_t in, done, kept;
	uint64_t bytes; /* to merge */
	/* Writes to out/ also the file `counts`, of the rows of each file, and `schema`: for a log. */
	bool describe, only_describe;
};

/* Writes the rows of in/ and done/ to out/, sorted, and makes sure that they are the same. To be called by the account.
 * Returns an exit code; errors are logged. */
int lake_job__run(void *job);

/* ---- lake_merge.c ---- */

/* Whether there is more than one file, and one that was not compacted. */
bool lake_day__is_mergeable(const struct lake_day *day);

/* Compacts a day that is mergeable. 0 or -errno, logged. */
int lake_day__merge(struct lake *lake, struct lake_day *day);

/* A day that is merged. */
struct lake_merging {
	struct lake *lake;
	struct lake_day *day;
	struct lake_work work;
	struct lake_job job;
	int to;			/* where new files go */
	uint64_t files;		/* that went there */
	char prefix[80];	/* of new names */
	struct lake_log *log;	/* NULL: folders are exchanged */
	struct lake_day counts; /* rows of what is in out/, as sizes, for the log */
	bool changed;		/* there are rows that the log did not have */
};

/* Has DuckDB merge the files, or describe them. 0; -errno; 1: failed, logged. */
int lake_merging__run(struct lake_merging *m);
int lake_merging__place(struct lake_merging *m); /* 0 or -errno */

/* Whether the file is large enough to stay as it is. */
bool lake_merging__keeps(const struct lake_merging *m, const struct lake_file *file);

/* ---- lake_log.c ---- */

/* A table's _delta_log: which of the files in its folders are those of the table. */
struct lake_log {
	int fd;		      /* -1: there is none yet */
	int64_t version;      /* of the last commit; -1: none */
	struct logged *files; /* by path, once each */
	size_t count;
	struct text schema;  /* the fields, as they are in the log */
	struct text actions; /* of the next commit */
	bool described;	     /* the schema differs from the one in the log */
	int64_t now;	     /* ms */
};

/* 0, or -errno with a sentence: -EBADMSG if another program has written to it. Call lake_log__free() in any case. */
int lake_log__read(struct lake_log *log, int table, struct error *err);
void lake_log__free(struct lake_log *log);
bool lake_log__exists(int table);

/* Notes which of the day's files are the table's; those that are not any more leave the day's list. */
void lake_log__mark(const struct lake_log *log, struct lake_day *day);
bool lake_log__has(const struct lake_log *log, const char *prefix); /* of a file's name */

/* Actions of the next commit. 0 or -errno. */
int lake_log__add(struct lake_log *log, const struct lake_day *day, const char *name, int fd,
		  const struct lake_file *rows, bool changed);
int lake_log__remove(struct lake_log *log, const struct lake_day *day, const char *name, bool changed);
int lake_log__column(struct lake_log *log, const char *name, const char *type, struct error *err);

/* Writes them, if there are any. 0, or -errno with a sentence. */
int lake_log__commit(struct lake_log *log, const struct lake *lake, int table, struct error *err);

/* Removes files that have not been the table's for an hour. */
void lake_log__vacuum(const struct lake_log *log, int table);

/* ---- lake_delta.c ---- */

/* A day of a table with a log: merges it if it is closed, and adds to the log what is not in it. 0 or -errno, logged. */
int lake_delta__day(struct lake *lake, struct lake_day *day, struct lake_log *log);

#endif
