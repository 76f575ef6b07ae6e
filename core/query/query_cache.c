/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the tables of runs are kept: in the run's own folder if that is this user's, else in the user's cache. Folders are
 * opened once, without following a link, and only what bears our mark is replaced or removed: the owner of a run,
 * another user, can swap what is in its folder at any time. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/query/query.h"
#include "core/text.h"

#define TABLES ".tables"    /* in a run's folder */
#define CACHE "collector"   /* in the user's cache */
#define CACHED "tables-"    /* in that */
#define MARK "made-of"	    /* in a folder of tables: our mark, and what they were made of */
#define MARKED "collector " /* how that begins */
#define MARK_MAX (1U << 20) /* bytes: a folder of some thousand streams */
#define CACHE_ENTRIES 64
#define CACHE_BYTES (2ULL << 30)
#define CACHE_SECONDS (30 * 24 * 3600)

/* ---- small files ---- */

char *query_cache__read(int folder, const char *name, size_t max)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		text = malloc((st.st_size < (off_t)max ? (size_t)st.st_size : max) + 1);
	if (text)
		n = pread(fd, text, st.st_size < (off_t)max ? (size_t)st.st_size : max, 0);
	close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

/* A file that exists is replaced, not written to. */
static int write_mark(int folder, const char *text)
{
	int fd, rc;

	if (unlinkat(folder, MARK, 0) && errno != ENOENT)
		return -errno;
	fd = openat(folder, MARK, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, text, strlen(text));
	return close(fd) && !rc ? -errno : rc;
}

/* ---- folders ---- */

/* Whether only this user can change what is in the folder. */
static bool is_own(int folder, struct stat *st)
{
	return !fstat(folder, st) && st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Opens a folder of tables, locked for use or, alone, for removal; -1 if it is not one of ours. */
static int open_marked(int base, const char *name, int lock, char **mark)
{
	int fd = dir__open(base, name);
	struct stat st;

	*mark = NULL;
	if (fd < 0)
		return -1;
	if (is_own(fd, &st) && !flock(fd, lock | LOCK_NB))
		*mark = query_cache__read(fd, MARK, MARK_MAX);
	if (*mark && !strncmp(*mark, MARKED, strlen(MARKED)))
		return fd;
	free(*mark);
	*mark = NULL;
	close(fd);
	return -1;
}

static int remove_file(int folder, const char *name, void *arg)
{
	(void)arg;
	if (strcmp(name, MARK))
		unlinkat(folder, name, 0);
	return 0;
}

/* The mark goes last: what could not be removed stays ours. */
static void remove_tables(int base, const char *name, int fd)
{
	dir__each(fd, remove_file, NULL);
	unlinkat(fd, MARK, 0);
	unlinkat(base, name, AT_REMOVEDIR);
}

static void remove_marked(int base, const char *name)
{
	char *mark;
	int fd = open_marked(base, name, LOCK_EX, &mark);

	if (fd < 0)
		return;
	remove_tables(base, name, fd);
	free(mark);
	close(fd);
}

/* ---- places ---- */

static int open_run(const struct query_cache_key *key, char *name, size_t size)
{
	struct stat st;

	/* a group with other members could read the tables there */
	if (!is_own(key->run, &st) || key->account->shared)
		return -EPERM;
	snprintf(name, size, TABLES);
	return dir__open(key->run, ".");
}

static int open_cache(const struct query_cache_key *key, char *name, size_t size)
{
	static const uint64_t seed[2] = {0};
	char *path = dir__of_user("XDG_CACHE_HOME", ".cache");
	int home = -1, fd = -1;
	struct stat st;

	if (path && (!mkdir(path, 0700) || errno == EEXIST))
		home = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (home < 0)
		return -ENOENT;
	if (!mkdirat(home, CACHE, 0700) || errno == EEXIST)
		fd = dir__open(home, CACHE);
	close(home);
	/* private, whatever the umask was when it was made */
	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid() || fchmod(fd, 0700))) {
		close(fd);
		return -EPERM;
	}
	snprintf(name, size, CACHED "%016" PRIx64, hash__siphash(seed, key->key, strlen(key->key)));
	return fd;
}

static int open_temporary(const struct query_cache_key *key, char *name, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	int fd = open(tmp && *tmp ? tmp : "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)key;
	snprintf(name, size, "collector-query");
	return fd < 0 ? -errno : fd;
}

static int (*const places[QUERY_CACHE_PLACES])(const struct query_cache_key *key, char *name, size_t size) = {
	[QUERY_CACHE_RUN] = open_run,
	[QUERY_CACHE_USER] = open_cache,
	[QUERY_CACHE_TEMPORARY] = open_temporary,
};

bool query_cache__find(struct query_tables *tables, const struct query_cache_key *key)
{
	char *mark;

	for (int place = 0; place < QUERY_CACHE_TEMPORARY; place++) {
		*tables = (struct query_tables){.fd = -1, .place = place};
		tables->base = places[place](key, tables->name, sizeof(tables->name));
		if (tables->base >= 0)
			tables->fd = open_marked(tables->base, tables->name, LOCK_SH, &mark);
		if (tables->fd >= 0 && !strcmp(mark, key->stamp)) {
			free(mark);
			futimens(tables->fd, NULL); /* the ones not used for long go first */
			return true;
		}
		if (tables->fd >= 0)
			free(mark);
		query_cache__release(tables);
	}
	return false;
}

/* ---- the lock ---- */

/* Opens the file of that name, locked; *busy: another query holds it. Its holder removes it: what is locked may be gone. */
static int open_lock(int base, const char *name, int operation, bool *busy)
{
	struct stat own, there;
	int fd;

	for (;;) {
		fd = openat(base, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
		if (fd < 0)
			return -1;
		if (flock(fd, operation)) {
			*busy = errno == EWOULDBLOCK;
			break;
		}
		if (fstat(fd, &own) || !S_ISREG(own.st_mode) || own.st_uid != geteuid())
			break;
		if (!fstatat(base, name, &there, AT_SYMLINK_NOFOLLOW) && own.st_ino == there.st_ino &&
		    own.st_dev == there.st_dev)
			return fd;
		close(fd);
	}
	close(fd);
	return -1;
}

bool query_cache__lock(struct query_cache_lock *lock, const struct query_cache_key *key, bool wait)
{
	char folder[64];
	bool busy = false;

	lock->fd = -1;
	for (int place = 0; place < QUERY_CACHE_TEMPORARY; place++) {
		lock->base = places[place](key, folder, sizeof(folder));
		if (lock->base < 0)
			continue;
		snprintf(lock->name, sizeof(lock->name), "%s.lock", folder);
		lock->fd = open_lock(lock->base, lock->name, wait ? LOCK_EX : LOCK_EX | LOCK_NB, &busy);
		if (lock->fd >= 0)
			return true;
		close(lock->base);
		if (busy)
			return false;
	}
	return true;
}

void query_cache__unlock(struct query_cache_lock *lock)
{
	if (lock->fd < 0)
		return;
	unlinkat(lock->base, lock->name, 0);
	close(lock->fd);
	close(lock->base);
	lock->fd = -1;
}

/* ---- bounds ---- */

struct entry {
	char name[64];
	struct timespec used;
	uint64_t bytes;
};

struct entries {
	const char *prefix;
	struct entry *list;
	size_t count;
	uint64_t bytes;
};

static int add_bytes(int folder, const char *name, void *bytes)
{
	struct stat st;

	if (!fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		*(uint64_t *)bytes += st.st_blocks * 512;
	return 0;
}

static int add_entry(int base, const char *name, void *arg)
{
	struct entries *entries = arg;
	struct entry *list, *entry;
	struct stat st;
	char *mark;
	int fd;

	if (strncmp(name, entries->prefix, strlen(entries->prefix)) || strlen(name) >= sizeof(entry->name))
		return 0;
	fd = open_marked(base, name, LOCK_SH, &mark);
	if (fd < 0)
		return 0;
	list = reallocarray(entries->list, entries->count + 1, sizeof(*list));
	if (list && !fstat(fd, &st)) {
		entries->list = list;
		entry = &list[entries->count++];
		*entry = (struct entry){.used = st.st_mtim};
		strcpy(entry->name, name);
		dir__each(fd, add_bytes, &entry->bytes);
		entries->bytes += entry->bytes;
	}
	free(mark);
	close(fd);
	return list ? 0 : -ENOMEM;
}

static int by_use(const void *a, const void *b)
{
	const struct timespec *x = &((const struct entry *)a)->used, *y = &((const struct entry *)b)->used;
	int order = (x->tv_sec > y->tv_sec) - (x->tv_sec < y->tv_sec);

	return order ? order : (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

/* Removes what is too much or too old, the oldest first, and what has the name of tables in the making: a query that was killed
 * left it, or it was replaced while it was in use. What is in use stays. */
static void prune(int base, enum query_cache_place place)
{
	size_t length = place == QUERY_CACHE_RUN ? 0 : strlen(CACHED) + 16;
	struct entries entries = {.prefix = place == QUERY_CACHE_RUN ? TABLES "-" : CACHED};
	time_t now = time(NULL);
	size_t left;

	dir__each(base, add_entry, &entries);
	left = entries.count;
	if (left)
		qsort(entries.list, left, sizeof(*entries.list), by_use);
	for (size_t i = 0; i < entries.count; i++) {
		const struct entry *entry = &entries.list[i];

		if (strlen(entry->name) <= length && left <= CACHE_ENTRIES && entries.bytes <= CACHE_BYTES &&
		    now - entry->used.tv_sec <= CACHE_SECONDS)
			continue;
		remove_marked(base, entry->name);
		entries.bytes -= entry->bytes;
		left--;
	}
	free(entries.list);
}

/* ---- making ---- */

/* Whether something that is not ours has the name. */
static bool is_taken(int base, const char *name)
{
	struct stat st;
	char *mark;
	int fd;

	if (fstatat(base, name, &st, AT_SYMLINK_NOFOLLOW))
		return false;
	fd = open_marked(base, name, LOCK_SH, &mark);
	if (fd >= 0)
		close(fd);
	free(mark);
	return fd < 0;
}

int query_cache__make(struct query_tables *tables, enum query_cache_place place, const struct query_cache_key *key)
{
	char prefix[sizeof(tables->name)];
	int rc = -ENOENT;

	*tables = (struct query_tables){.fd = -1, .place = place, .temporary = true};
	tables->base = places[place](key, prefix, sizeof(prefix));
	if (tables->base < 0)
		return tables->base;
	if (is_taken(tables->base, prefix)) {
		query_cache__release(tables);
		return -EEXIST;
	}
	tables->fd = dir__make(tables->base, prefix, tables->name, sizeof(tables->name));
	if (tables->fd < 0)
		rc = tables->fd;
	else if (flock(tables->fd, LOCK_SH | LOCK_NB))
		rc = -errno;
	else
		rc = write_mark(tables->fd, MARKED "is making tables\n");
	if (rc)
		query_cache__release(tables);
	return rc;
}

/* Puts `name` in the place of what has it now, which must be tables of ours. */
static int replace(int base, const char *made, const char *name)
{
	char *mark;
	int fd, rc = 0;

	/* a folder replaces nothing but an empty folder */
	if (!renameat(base, made, base, name))
		return 0;
	fd = open_marked(base, name, LOCK_SH, &mark);
	if (fd < 0)
		return -EPERM;
	if (renameat2(base, made, base, name, RENAME_EXCHANGE))
		rc = -errno;
	free(mark);
	close(fd);
	remove_marked(base, rc ? name : made);
	/* the file system lacks that flag */
	return rc && renameat(base, made, base, name) ? -errno : 0;
}

void query_cache__keep(struct query_tables *tables, const struct query_cache_key *key)
{
	enum query_cache_place place = tables->place;
	char name[sizeof(tables->name)];
	int base;

	if (place == QUERY_CACHE_TEMPORARY || write_mark(tables->fd, key->stamp))
		return;
	base = places[place](key, name, sizeof(name));
	if (base < 0)
		return;
	close(base);
	if (!replace(tables->base, tables->name, name)) {
		strcpy(tables->name, name);
		tables->temporary = false;
	}
	prune(tables->base, place);
}

/* Whether another query has put newer tables in the place of these. */
static bool is_replaced(const struct query_tables *tables)
{
	struct stat own, there;

	return !fstat(tables->fd, &own) && (fstatat(tables->base, tables->name, &there, AT_SYMLINK_NOFOLLOW) ||
					    own.st_ino != there.st_ino || own.st_dev != there.st_dev);
}

void query_cache__release(struct query_tables *tables)
{
	if (tables->fd >= 0) {
		bool replaced = !tables->temporary && tables->base >= 0 && is_replaced(tables);

		if (tables->temporary) {
			dir__empty(tables->fd);
			unlinkat(tables->base, tables->name, AT_REMOVEDIR);
		}
		close(tables->fd);
		if (replaced)
			prune(tables->base, tables->place);
	}
	if (tables->base >= 0)
		close(tables->base);
	*tables = (struct query_tables){.base = -1, .fd = -1};
}
