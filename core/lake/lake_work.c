/* SPDX-License-Identifier: BSD-2-Clause */
/* Folders of work in LAKE/.compact: the exchange, and what a killed process or a late writer has left. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/lake/compact.h"
#include "core/log.h"
#include "core/text.h"

#define WORK "day"
#define MARK "mark"
#define MARKED "collector compacts "
#define MARKED_LOG "collector commits "
#define MARK_MAX (64 << 20) /* bytes: a day of some 100,000 runs */
#define DAY "day"

static const char *const scratch[] = {"in", "done", "kept", "out", "tmp"};

/* ---- the mark ---- */

static int write_mark(const struct lake_work *work, const struct lake_day *day, bool delta)
{
	struct text text = {0};
	int fd, rc;

	text__printf(&text, "%s%s/%s\n", delta ? MARKED_LOG : MARKED, day->table, day->date);
	for (size_t i = 0; i < day->count; i++)
		text__printf(&text, "%ju %s\n", (uintmax_t)day->files[i].inode, day->files[i].name);
	fd = text.error ? -1 : openat(work->fd, MARK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	rc = text.error ? text.error : fd < 0 ? -errno : write_all(fd, text.data, text.size);
	if (!rc && fsync(fd))
		rc = -errno;
	if (fd >= 0)
		close(fd);
	text__free(&text);
	return rc;
}

/* The table and day of a mark, with the files that it had. -EBADMSG: it is cut or not ours. */
static int parse_mark(char *text, struct lake_day *day, bool *delta)
{
	char *end = strchr(text, '\n'), *slash, *name;
	uintmax_t inode;
	int rc = 0;

	*delta = !strncmp(text, MARKED_LOG, strlen(MARKED_LOG));
	if (!end || (!*delta && strncmp(text, MARKED, strlen(MARKED))))
		return -EBADMSG;
	*end = '\0';
	text += *delta ? strlen(MARKED_LOG) : strlen(MARKED);
	slash = strchr(text, '/');
	if (!slash || *text == '.' || !lake_day__is_name(slash + 1))
		return -EBADMSG;
	day->table = strndup(text, slash - text);
	day->date = strdup(slash + 1);
	for (text = end + 1; !rc && (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		inode = strtoumax(text, &name, 10);
		rc = *name == ' ' ? lake_day__add(day, name + 1, inode, 0) : -EBADMSG;
	}
	lake_day__sort(day);
	return !day->table || !day->date ? -ENOMEM : rc;
}

static int read_mark(const struct lake_work *work, struct lake_day *day, time_t *when, bool *delta)
{
	struct stat st;
	char *text;
	int rc = lake__read(work->fd, MARK, MARK_MAX, &text, &st);

	if (!rc && st.st_uid != geteuid())
		rc = -EBADMSG;
	if (!rc) {
		*when = st.st_mtime;
		rc = parse_mark(text, day, delta);
	}
	free(text);
	return rc;
}

/* ---- making ---- */

int lake_work__make(struct lake *lake, struct lake_work *work, const struct lake_day *day)
{
	int rc;

	work->fd = dir__make(lake->hidden, WORK, work->name, sizeof(work->name));
	if (work->fd < 0)
		return work->fd;
	/* for the account, which has no path to it but this descriptor */
	rc = fchmod(work->fd, 0755) ? -errno : write_mark(work, day, lake->delta);
	for (size_t i = 0; i < sizeof(scratch) / sizeof(*scratch) && !rc; i++)
		rc = mkdirat(work->fd, scratch[i], 0755) ? -errno : 0;
	return !rc && !lake->delta && mkdirat(work->fd, DAY, 0700) ? -errno : rc;
}

void lake_work__prefix(const struct lake_work *work, char *prefix, size_t size)
{
	snprintf(prefix, size, LAKE_COMPACTED "%s-", work->name + strlen(WORK "-"));
}

static void remove_folder(int in, const char *name)
{
	int fd = dir__open(in, name);

	if (fd < 0)
		return;
	dir__empty(fd);
	close(fd);
	unlinkat(in, name, AT_REMOVEDIR);
}

void lake_work__tidy(const struct lake_work *work)
{
	for (size_t i = 0; i < sizeof(scratch) / sizeof(*scratch); i++)
		remove_folder(work->fd, scratch[i]);
}

/* The mark goes last: what could not be removed stays ours. */
static void remove_work(struct lake *lake, const struct lake_work *work)
{
	unlinkat(work->fd, MARK, 0);
	unlinkat(lake->hidden, work->name, AT_REMOVEDIR);
}

void lake_work__undo(struct lake *lake, struct lake_work *work)
{
	lake_work__tidy(work);
	remove_folder(work->fd, DAY);
	remove_work(lake, work);
}

void lake_work__close(struct lake_work *work)
{
	if (work->fd >= 0)
		close(work->fd);
	work->fd = -1;
}

/* ---- late files ---- */

/* The old folder of a day, and the new one. */
struct rescue {
	struct lake *lake;
	const struct lake_day *day;
	int to; /* -1: none yet */
	bool remove;
};

/* The day was removed: what comes late begins it again, as it would by its path. */
static int begin_again(const struct rescue *rescue, int old)
{
	const struct lake_day *day = rescue->day;
	struct stat st;
	int fd;

	if (fstat(old, &st) || mkdirat(day->table_fd, day->date, 0700))
		return -errno;
	fd = dir__open(day->table_fd, day->date);
	if (fd >= 0)
		lake__own(&st, fd, 07777);
	return fd;
}

/* A file that was not listed came while the folder was exchanged, or after that by a descriptor: it belongs into the new one. */
static int rescue_one(int old, const char *name, void *arg)
{
	struct rescue *rescue = arg;
	const struct lake_file *file = lake_day__find(rescue->day, name);
	struct stat st;

	if (fstatat(old, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (file && file->inode == st.st_ino)
		return rescue->remove && unlinkat(old, name, 0) ? -errno : 0;
	if (rescue->to < 0 && (rescue->to = begin_again(rescue, old)) < 0)
		return lake__left(rescue->lake, rescue->day, 0, "%s is still in .compact: %s", name,
				  strerror(-rescue->to));
	if (!renameat2(old, name, rescue->to, name, RENAME_NOREPLACE) || errno == ENOENT)
		return 0;
	return lake__left(rescue->lake, rescue->day, 0, "%s is still in .compact: %s", name, strerror(errno));
}

/* ---- the exchange ---- */

/* Whether all files that were listed are in the folder, and are the same. */
static bool is_unchanged(const struct lake_day *day, int folder)
{
	struct stat st;

	for (size_t i = 0; i < day->count; i++)
		if (fstatat(folder, day->files[i].name, &st, AT_SYMLINK_NOFOLLOW) || st.st_ino != day->files[i].inode)
			return false;
	return true;
}

static bool is_same(int folder, const char *name, const struct stat *st)
{
	struct stat there;

	return !fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) && there.st_ino == st->st_ino &&
	       there.st_dev == st->st_dev;
}

int lake_work__exchange(struct lake *lake, struct lake_work *work, struct lake_day *day)
{
	struct rescue rescue = {.lake = lake, .day = day, .to = dir__open(work->fd, DAY)};
	int rc = rescue.to < 0 ? rescue.to : 0;

	if (!rc && (fsync(rescue.to) || fsync(work->fd) || fsync(lake->hidden)))
		rc = -errno;
	/* before it too: a reader could find a part of a day that is exchanged and put back */
	if (!rc && !is_unchanged(day, day->fd))
		rc = -EAGAIN;
	if (!rc && renameat2(work->fd, DAY, day->table_fd, day->date, RENAME_EXCHANGE))
		rc = -errno;
	if (!rc && (!is_same(work->fd, DAY, &day->st) || !is_unchanged(day, day->fd))) {
		rc = renameat2(work->fd, DAY, day->table_fd, day->date, RENAME_EXCHANGE) ? -errno : -EAGAIN;
	} else if (!rc) {
		fsync(day->table_fd);
		fsync(work->fd);
		utimensat(work->fd, MARK, NULL, 0); /* the time of grace begins */
		dir__each(day->fd, rescue_one, &rescue);
	}
	if (rescue.to >= 0)
		close(rescue.to);
	return !rc ? 0 : lake__left(lake, day, rc, "%s", rc == -EAGAIN ? "it was changed meanwhile" : strerror(-rc));
}

/* ---- the next time ---- */

static int has_prefix(int folder, const char *name, void *prefix)
{
	(void)folder;
	return !strncmp(name, prefix, strlen(prefix));
}

/* Of a day that was exchanged: what came late goes to its place; then the old files, if it is time. */
static int settle_old(struct lake *lake, struct lake_work *work, struct lake_day *day, int old, bool remove)
{
	struct rescue rescue = {.lake = lake, .day = day, .to = -1, .remove = remove};
	int rc;

	day->table_fd = dir__open(lake->fd, day->table);
	if (day->table_fd >= 0)
		rescue.to = dir__open(day->table_fd, day->date);
	lake_work__tidy(work);
	rc = dir__each(old, rescue_one, &rescue);
	if (rescue.to >= 0)
		close(rescue.to);
	/* not if something is still in it */
	if (!rc && remove && !unlinkat(work->fd, DAY, AT_REMOVEDIR))
		remove_work(lake, work);
	return rc;
}

/* Its mark was not written as a whole, and so nothing was exchanged; or it is gone, as the last thing. */
static void remove_unmarked(struct lake *lake, const struct lake_work *work)
{
	lake_work__tidy(work);
	if (!unlinkat(work->fd, DAY, AT_REMOVEDIR) || errno == ENOENT)
		remove_work(lake, work);
	else
		log__error("%s/.compact/%s: has no mark of ours; remove it if nothing in it is needed", lake->path,
			   work->name);
}

static int remove_orphan(int folder, const char *name, void *arg)
{
	const char *prefix = arg;

	return !strncmp(name, prefix, strlen(prefix)) && unlinkat(folder, name, 0) ? -errno : 0;
}

/* New files that the log does not have: they were not committed. */
static int settle_log(struct lake *lake, struct lake_work *work, struct lake_day *day)
{
	struct lake_log log = {.fd = -1};
	char prefix[80];
	struct error err;
	int rc;

	lake_work__prefix(work, prefix, sizeof(prefix));
	day->table_fd = dir__open(lake->fd, day->table);
	day->fd = day->table_fd < 0 ? -1 : dir__open(day->table_fd, day->date);
	rc = day->fd < 0 ? 0 : lake_log__read(&log, day->table_fd, &err);
	if (rc)
		lake__left(lake, day, rc, "%s", err.text);
	else if (day->fd >= 0 && !lake_log__has(&log, prefix))
		rc = dir__each(day->fd, remove_orphan, prefix);
	lake_log__free(&log);
	if (!rc)
		lake_work__undo(lake, work);
	return rc == -EBADMSG ? 0 : rc;
}

static int settle_one(int hidden, const char *name, void *arg)
{
	struct lake_day day = {.fd = -1, .table_fd = -1};
	struct lake_work work = {.fd = dir__open(hidden, name)};
	struct lake *lake = arg;
	char prefix[80];
	time_t when = 0;
	bool delta = false;
	int rc, old;

	if (!strcmp(name, LAKE_COMMIT))
		unlinkat(hidden, name, 0);
	if (work.fd < 0)
		return 0;
	if (strncmp(name, WORK "-", strlen(WORK "-")) || strlen(name) >= sizeof(work.name)) {
		unlinkat(hidden, name, AT_REMOVEDIR); /* of try_exchange() */
		lake_work__close(&work);
		return 0;
	}
	strcpy(work.name, name);
	lake_work__prefix(&work, prefix, sizeof(prefix));
	rc = read_mark(&work, &day, &when, &delta);
	old = dir__open(work.fd, DAY);
	if (rc == -ENOMEM || rc == -EIO)
		log__error("%s/.compact/%s: %s", lake->path, name, strerror(-rc));
	else if (rc)
		rc = (remove_unmarked(lake, &work), 0);
	else if (delta)
		rc = settle_log(lake, &work, &day);
	else if (old < 0 || dir__each(old, has_prefix, prefix) > 0)
		rc = (lake_work__undo(lake, &work), 0);
	else
		rc = settle_old(lake, &work, &day, old, time(NULL) - when > LAKE_GRACE);
	if (old >= 0)
		close(old);
	lake_day__free(&day);
	lake_work__close(&work);
	return rc;
}

int lake_work__settle_all(struct lake *lake)
{
	return dir__each(lake->hidden, settle_one, lake);
}
