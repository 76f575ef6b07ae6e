/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks a lake: each closed day of each table. */
#include "core/lake/lake.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/lake/compact.h"
#include "core/log.h"

#define HIDDEN ".compact"
#define DELTA ":delta"

static int fail(const char *path, int rc)
{
	log__error("%s: %s", path, strerror(-rc));
	return rc;
}

/* ---- days ---- */

struct walk {
	struct lake *lake;
	struct lake_day day;  /* its table */
	struct lake_log *log; /* of the table; NULL: it has none */
	bool any;	      /* there are days */
};

/* One that cannot be compacted does not stop the others. */
static int visit_day(int table, const char *name, void *arg)
{
	struct walk *walk = arg;
	struct lake *lake = walk->lake;
	struct lake_day day = {.table = walk->day.table, .date = (char *)name, .table_fd = table};
	int rc;

	if (!lake_day__is_name(name))
		return 0;
	walk->any = true;
	if (!walk->log && strcmp(name, lake->today) >= 0)
		return 0;
	day.fd = dir__open(table, name);
	if (day.fd < 0)
		return lake__left(lake, &day, 0, "%s", day.fd == -ENOTDIR ? "is not a folder" : strerror(-day.fd));
	rc = fstat(day.fd, &day.st) ? -errno : 0;
	if (!rc && !lake__trusts(lake, &day.st))
		lake__left(lake, &day, 0, "belongs to another user");
	else if (!rc)
		rc = lake_day__list(lake, &day);
	if (!rc && day.count)
		rc = walk->log ? lake_delta__day(lake, &day, walk->log) : lake_day__merge(lake, &day);
	day.table = day.date = NULL; /* borrowed */
	day.table_fd = -1;
	lake_day__free(&day);
	return rc == -ENOMEM || rc == -ENOSPC ? rc : 0;
}

/* All that has changed is one commit. */
static int visit_logged(struct walk *walk, int table)
{
	struct lake_log log = {.fd = -1};
	struct error err;
	int rc = lake_log__read(&log, table, &err);

	walk->log = &log;
	if (!rc)
		rc = dir__each(table, visit_day, walk);
	else
		lake__left(walk->lake, &walk->day, rc, "%s", err.text);
	if (!rc && lake_log__commit(&log, walk->lake, table, &err))
		lake__left(walk->lake, &walk->day, 0, "%s", err.text);
	if (!rc)
		lake_log__vacuum(&log, table);
	lake_log__free(&log);
	walk->log = NULL;
	return rc == -EBADMSG ? 0 : rc;
}

static int visit_table(int folder, const char *name, void *arg)
{
	struct walk *walk = arg;
	struct stat st;
	int fd, rc;

	if (*name == '.' || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	walk->day.table = (char *)name;
	if (S_ISLNK(st.st_mode))
		return lake__left(walk->lake, &walk->day, 0, "is a symbolic link");
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = dir__open(folder, name);
	if (fd < 0)
		return lake__left(walk->lake, &walk->day, 0, "%s", strerror(-fd));
	rc = walk->lake->delta ? visit_logged(walk, fd) : dir__each(fd, visit_day, walk);
	close(fd);
	return rc;
}

static int find_log(int folder, const char *name, void *arg)
{
	int fd = *name == '.' ? -ENOENT : dir__open(folder, name), found = fd >= 0 && lake_log__exists(fd);

	(void)arg;
	if (fd >= 0)
		close(fd);
	return found;
}

/* ---- the lake ---- */

/* Days before this one are closed. */
static void find_today(struct lake *lake)
{
	time_t now = time(NULL) - LAKE_GRACE;
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(lake->today, sizeof(lake->today), LAKE_DAY "%Y-%m-%d", &tm);
}

/* Opens the folder beside the tables, which other users cannot enter, for this process alone. */
static int open_hidden(struct lake *lake)
{
	struct stat st;

	if (mkdirat(lake->fd, HIDDEN, 0700) && errno != EEXIST)
		return fail(lake->path, -errno);
	lake->hidden = dir__open(lake->fd, HIDDEN);
	if (lake->hidden < 0 || fstat(lake->hidden, &st))
		return fail(lake->path, lake->hidden < 0 ? lake->hidden : -errno);
	if (st.st_uid != geteuid() || st.st_mode & 077) {
		log__error("%s/" HIDDEN ": belongs to another user, or others can change it", lake->path);
		return -EPERM;
	}
	if (flock(lake->hidden, LOCK_EX | LOCK_NB)) {
		log__error("%s: another process is compacting it", lake->path);
		return -EBUSY;
	}
	return 0;
}

/* Whether the file system can do what all depends on: not NFS, for example. */
static int try_exchange(struct lake *lake)
{
	char a[64], b[64] = "";
	int fd[2] = {dir__make(lake->hidden, "try", a, sizeof(a)), dir__make(lake->hidden, "try", b, sizeof(b))}, rc;

	rc = fd[0] < 0 ? fd[0] : fd[1] < 0 ? fd[1] : 0;
	if (!rc && renameat2(lake->hidden, a, lake->hidden, b, RENAME_EXCHANGE))
		rc = -errno;
	for (int i = 0; i < 2; i++) {
		if (fd[i] < 0)
			continue;
		close(fd[i]);
		unlinkat(lake->hidden, i ? b : a, AT_REMOVEDIR);
	}
	if (rc == -EINVAL || rc == -ENOSYS)
		log__error("%s: its file system cannot exchange two folders (RENAME_EXCHANGE); nothing was changed",
			   lake->path);
	else if (rc)
		fail(lake->path, rc);
	return rc;
}

/* Returns an exit code. */
static int compact(struct lake *lake)
{
	struct walk walk = {.lake = lake};
	int rc = try_exchange(lake);

	if (rc)
		return EXIT_FAILED;
	/* a lake of which a table has a log is one of these from then on */
	if (!lake->delta)
		lake->delta = dir__each(lake->fd, find_log, NULL) > 0;
	rc = lake_work__settle_all(lake);
	if (rc)
		return fail(lake->path, rc), EXIT_FAILED;
	rc = dir__each(lake->fd, visit_table, &walk);
	if (!rc && lake->delta)
		rc = lake_work__settle_all(lake);
	if (rc)
		fail(lake->path, rc);
	if (!rc && !walk.any && !lake->failed) {
		log__error("%s: is not a lake: it has no TABLE/date=YYYY-MM-DD", lake->path);
		return EXIT_USAGE;
	}
	if (lake->days)
		log__info("%s: %" PRIu64 " days of tables compacted: %" PRIu64 " files are now %" PRIu64, lake->path,
			  lake->days, lake->before, lake->after);
	return rc || lake->failed ? EXIT_FAILED : EXIT_DONE;
}

static int fail_open(const char *path, int rc)
{
	const char *colon = strrchr(path, ':');

	if (rc == -ENOENT && colon && !strchr(colon, '/'))
		log__error("%s: unknown form \"%s\" of a lake; did you mean %.*s?", path, colon + 1,
			   (int)(colon - path), path);
	else
		log__error("%s: %s", path, rc == -ENOTDIR ? "is a file, expected the folder of a lake" : strerror(-rc));
	return EXIT_USAGE;
}

/* Without the form of the lake, unless a folder has the whole name. To be freed. */
static char *path_of(const char *name, bool *delta)
{
	size_t length = strlen(name), form = strlen(DELTA);

	*delta = length > form && !strcmp(name + length - form, DELTA) && access(name, F_OK);
	return strndup(name, *delta ? length - form : length);
}

static int open_and_compact(struct lake *lake)
{
	int code;

	lake->fd = open(lake->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lake->fd < 0 || fstat(lake->fd, &lake->st))
		return fail_open(lake->path, -errno);
	code = open_hidden(lake) ? EXIT_FAILED : compact(lake);
	unlinkat(lake->fd, HIDDEN, AT_REMOVEDIR); /* if nothing is kept in it */
	return code;
}

int lake__compact(const char *name)
{
	struct lake lake = {.fd = -1, .hidden = -1};
	char *path = path_of(name, &lake.delta);
	int code;

	lake.path = path;
	account__find(&lake.account);
	find_today(&lake);
	code = path ? open_and_compact(&lake) : EXIT_FAILED;
	if (lake.hidden >= 0)
		close(lake.hidden);
	if (lake.fd >= 0)
		close(lake.fd);
	free(path);
	return code;
}
