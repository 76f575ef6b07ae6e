/* SPDX-License-Identifier: BSD-2-Clause */
/* A table with a log: new files lie beside the old ones, and the log says which are the table's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/lake/compact.h"

#define DESCRIBED_MAX (16 << 20) /* bytes of what DuckDB says of a day's files */

/* Calls `call` with both words of each line; they are separated by `mark`. */
static int read_lines(const struct lake_merging *m, const char *name, char mark,
		      int (*call)(struct lake_merging *m, const char *first, const char *second))
{
	char *text, *end, *second;
	struct stat st;
	int rc = lake__read(m->work.fd, name, DESCRIBED_MAX, &text, &st);

	for (char *line = text; !rc && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		second = strchr(line, mark);
		if (!second)
			rc = -EBADMSG;
		else
			*second++ = '\0';
		rc = rc ? rc : call((struct lake_merging *)m, line, second);
	}
	free(text);
	return rc;
}

static int add_count(struct lake_merging *m, const char *name, const char *rows)
{
	return lake_day__add(&m->counts, name, 0, strtoll(rows, NULL, 10));
}

/* 0; -errno; 1: logged */
static int add_column(struct lake_merging *m, const char *type, const char *name)
{
	struct error err;
	int rc = lake_log__column(m->log, name, type, &err);

	if (rc != -EINVAL)
		return rc;
	lake__left(m->lake, m->day, rc, "%s", err.text);
	return 1;
}

/* Files that are the table's as they are. */
static int add_files(struct lake_merging *m)
{
	const struct lake_day *day = m->day;
	int rc = 0;

	for (size_t i = 0; i < day->count && !rc; i++) {
		int fd;

		if (day->files[i].logged)
			continue;
		fd = openat(day->fd, day->files[i].name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		rc = fd < 0 ? -errno
			    : lake_log__add(m->log, day, day->files[i].name, fd,
					    lake_day__find(&m->counts, day->files[i].name), true);
		if (fd >= 0)
			close(fd);
	}
	return rc;
}

/* Those that were merged, whether the log had them or not: they are kept for a while, and are not added again. */
static int remove_files(struct lake_merging *m)
{
	const struct lake_day *day = m->day;
	int rc = 0;

	for (size_t i = 0; i < day->count && !rc; i++)
		if (!lake_merging__keeps(m, &day->files[i]))
			rc = lake_log__remove(m->log, day, day->files[i].name, m->changed);
	return rc;
}

/* Whether there are files that the log does not have. */
static bool has_new(const struct lake_day *day)
{
	for (size_t i = 0; i < day->count; i++)
		if (!day->files[i].logged)
			return true;
	return false;
}

static int run(struct lake_merging *m)
{
	int rc = lake_merging__run(m);

	if (!rc)
		rc = read_lines(m, "tmp/counts", ' ', add_count);
	lake_day__sort(&m->counts);
	if (!rc)
		rc = read_lines(m, "tmp/schema", '\t', add_column);
	if (!rc && m->job.only_describe)
		return add_files(m);
	if (!rc)
		rc = lake_merging__place(m);
	return rc ? rc : remove_files(m);
}

int lake_delta__day(struct lake *lake, struct lake_day *day, struct lake_log *log)
{
	bool closed = strcmp(day->date, lake->today) < 0;
	struct lake_merging m = {.lake = lake, .day = day, .work.fd = -1, .to = day->fd, .log = log};
	size_t actions = log->actions.size;
	int rc;

	lake_log__mark(log, day);
	m.counts = (struct lake_day){.fd = -1, .table_fd = -1};
	m.changed = has_new(day);
	m.job.describe = true;
	m.job.only_describe = !closed || !lake_day__is_mergeable(day);
	if (m.job.only_describe && !m.changed)
		return 0;
	rc = run(&m);
	if (rc) {
		log->actions.size = actions; /* what it has placed is not committed */
		lake__left(lake, day, rc, "%s", rc > 0 ? "see above" : strerror(-rc));
	} else if (!m.job.only_describe) {
		lake->days++;
		lake->before += day->count;
		lake->after += m.files;
	}
	lake_day__free(&m.counts);
	lake_work__close(&m.work);
	return rc > 0 ? 0 : rc;
}
