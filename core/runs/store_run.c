/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks into the folder of a run, and removes it. */
#include "core/runs/store_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/stream.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz" DIGITS "_"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define STAMP "99999999T999999Z"	 /* 9: a digit */
#define QUIET_NS (86400ull * 1000000000) /* of a writer that cannot be asked for */

/* ---- names ---- */

/* The stamp in a run's name, and the number after it; NULL: there is none. */
static const char *stamp_of(const char *name, unsigned long *number)
{
	size_t length = strlen(name), digits = 0;
	const char *stamp, *end = name + length;

	while (end > name && strchr(DIGITS, end[-1]))
		end--, digits++;
	if (!digits)
		end = name + length;
	else if (end == name || *--end != '-' || digits > 9)
		return NULL;
	*number = digits ? strtoul(end + 1, NULL, 10) : 1;
	if (end - name < (ptrdiff_t)sizeof(STAMP) + 1)
		return NULL;
	stamp = end - (sizeof(STAMP) - 1);
	for (size_t i = 0; i < sizeof(STAMP) - 1; i++)
		if (STAMP[i] == '9' ? !strchr(DIGITS, stamp[i]) : stamp[i] != STAMP[i])
			return NULL;
	return stamp[-1] == '-' ? stamp : NULL;
}

bool store_run__is_name(const char *name)
{
	unsigned long number;

	return !name[strspn(name, LOWER UPPER ".-")] && stamp_of(name, &number);
}

int store_run__compare(const char *a, const char *b)
{
	unsigned long i, j;
	const char *x = stamp_of(a, &i), *y = stamp_of(b, &j);
	int order = x && y ? strncmp(x, y, sizeof(STAMP) - 1) : 0;

	return order ? order : (i > j) - (i < j);
}

static bool has_suffix(const char *name, const char *suffix, const char *allowed)
{
	size_t length = strlen(name), size = strlen(suffix);

	return length > size && !strcmp(name + length - size, suffix) && strspn(name, allowed) >= length - size;
}

static bool is_stream(const char *name)
{
	size_t length;

	if (!has_suffix(name, STREAM_SUFFIX, LOWER "."))
		return false;
	stream_file__segment(name, &length);
	return length && strspn(name, LOWER) >= length;
}

/* What sinks write into a run's folder, and tables that collector-query keeps there. */
static bool is_output(const char *name)
{
	return (!strncmp(name, "merged.", 7) && name[7] && !name[7 + strspn(name + 7, LOWER)]) ||
	       !strcmp(name, ".tables.lock");
}

static bool is_tables(const char *name)
{
	return !strcmp(name, ".tables") || !strncmp(name, ".tables-", 8);
}

static bool is_table(const char *name)
{
	return has_suffix(name, ".parquet", LOWER) || !strcmp(name, "made-of") || !strcmp(name, "said");
}

/* ---- a walk over the entries ---- */

struct walk {
	int dirfd;
	const char *path; /* for messages: the run's, or that of its tables */
	struct store_run *run;
	struct error *err;
	size_t streams;
	uint64_t now;
	bool tables;	       /* the folder is that of the tables */
	enum stream_life life; /* the greatest of the streams' */
};

typedef int (*walk_entry)(struct walk *w, const char *name, const struct stat *st);

static int refuse(struct walk *w, const char *name, const char *what)
{
	return error__set(w->err, -EEXIST, "%s/%s: %s", w->path, name, what);
}

/* What a run's folder may hold. */
static bool is_allowed(const struct walk *w, const char *name, const struct stat *st)
{
	if (w->tables)
		return S_ISREG(st->st_mode) && is_table(name);
	return S_ISDIR(st->st_mode) ? is_tables(name) : S_ISREG(st->st_mode) && (is_stream(name) || is_output(name));
}

/* Stops at the first error. */
static int walk_folder(struct walk *w, walk_entry entry)
{
	int fd = openat(w->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return error__set(w->err, err, "%s: %s", w->path, strerror(-err));
	}
	while (!err && (e = readdir(dir))) {
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!fstatat(w->dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err = entry(w, e->d_name, &st);
		else if (errno != ENOENT)
			err = error__set(w->err, -errno, "%s/%s: %s", w->path, e->d_name, strerror(errno));
	}
	closedir(dir);
	return err;
}

/* Enters a folder of tables, whose entries are all files. */
static int walk_tables(const struct walk *w, const char *name, walk_entry entry)
{
	struct walk inner = *w;
	char path[512];
	int err;

	inner.dirfd = openat(w->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (inner.dirfd < 0)
		return error__set(w->err, -errno, "%s/%s: %s", w->path, name, strerror(errno));
	snprintf(path, sizeof(path), "%s/%s", w->path, name);
	inner.path = path;
	inner.tables = true;
	err = walk_folder(&inner, entry);
	close(inner.dirfd);
	return err;
}

/* ---- what is there ---- */

/* An empty stream is of a run that is being opened, or was when its machine stopped. */
static int look_at_stream(struct walk *w, const char *name, const struct stat *st)
{
	int fd = st->st_size ? openat(w->dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	const struct stream_info *info;
	struct stream_reader *reader;
	int err = 0;

	w->streams++;
	if (!st->st_size) {
		w->life = stream_life__of_both(w->life, STREAM_UNKNOWN);
		return 0;
	}
	if (fd < 0)
		return error__set(w->err, -errno, "%s/%s: %s", w->path, name, strerror(errno));
	if (stream_reader__open_fd(&reader, fd, name, w->err))
		return refuse(w, name, "not a stream");
	info = stream_reader__info(reader);
	/* .NAME: a folder that was not given its name, since the collector was killed while it opened the run */
	if (strcmp(info->run.id, w->path) && (*w->path != '.' || strcmp(info->run.id, w->path + 1)))
		err = refuse(w, name, "a stream of another run");
	w->run->uid = info->run.uid;
	w->run->streams ^= stream_marker__sum(info->marker);
	w->life = stream_life__of_both(w->life, stream_reader__writer(reader));
	stream_reader__close(reader);
	return err;
}

static int look_at(struct walk *w, const char *name, const struct stat *st)
{
	uint64_t taken = st->st_blocks * 512ull, size = st->st_size;
	uint64_t written = st->st_mtim.tv_sec * 1000000000ull + st->st_mtim.tv_nsec;

	w->run->bytes += taken > size ? taken : size;
	if (!is_allowed(w, name, st))
		return refuse(w, name, "not a file of a run");
	if (S_ISDIR(st->st_mode))
		return walk_tables(w, name, look_at);
	if (!is_stream(name))
		return 0;
	if (written > w->run->ended)
		w->run->ended = written;
	return look_at_stream(w, name, st);
}

/* Opens the folder if it belongs to the owner of the output folder, and is nothing that was mounted there. */
static int open_run(int outfd, const char *id, struct error *err)
{
	int fd = openat(outfd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat out, st;

	if (fd < 0)
		return error__set(err, errno == ELOOP || errno == ENOTDIR ? -EEXIST : -errno, "%s: %s", id,
				  strerror(errno));
	if (!fstat(outfd, &out) && !fstat(fd, &st) && out.st_dev == st.st_dev &&
	    (st.st_uid == out.st_uid || st.st_uid == geteuid()))
		return fd;
	close(fd);
	return error__set(err, -EEXIST, "%s: of another owner, or another file system", id);
}

static int look(struct walk *w)
{
	int err;

	*w->run = (struct store_run){.uid = STREAM_NO_UID};
	w->life = STREAM_ENDED;
	w->now = clock__ns(CLOCK_REALTIME);
	err = walk_folder(w, look_at);
	if (!err && !w->streams)
		err = error__set(w->err, -EEXIST, "%s: has no stream", w->path);
	w->run->open = w->life == STREAM_RUNNING || (w->life == STREAM_UNKNOWN && w->run->ended + QUIET_NS > w->now);
	return err;
}

int store_run__look(int outfd, const char *id, struct store_run *run, struct error *err)
{
	struct walk w = {.path = id, .run = run, .err = err, .dirfd = open_run(outfd, id, err)};
	int code;

	if (w.dirfd < 0)
		return w.dirfd;
	code = look(&w);
	close(w.dirfd);
	return code;
}

int store_run__link_latest(int outfd, const char *id)
{
	struct stat st;
	char name[64];
	int err;

	if (!fstatat(outfd, STREAM_LATEST, &st, AT_SYMLINK_NOFOLLOW) && !S_ISLNK(st.st_mode))
		return -EEXIST;
	snprintf(name, sizeof(name), "." STREAM_LATEST ".%d", getpid());
	if (!symlinkat(id, outfd, name) && !renameat(outfd, name, outfd, STREAM_LATEST))
		return 0;
	err = -errno;
	unlinkat(outfd, name, 0);
	return err;
}

/* ---- removal ---- */

static int remove_entry(struct walk *w, const char *name, const struct stat *st)
{
	int flags = S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0;
	int err = !is_allowed(w, name, st) ? refuse(w, name, "not a file of a run")
		  : flags		   ? walk_tables(w, name, remove_entry)
					   : 0;

	if (err || !unlinkat(w->dirfd, name, flags) || errno == ENOENT)
		return err;
	return error__set(w->err, -errno, "%s/%s: cannot remove it: %s", w->path, name, strerror(errno));
}

int store_run__remove(int outfd, const char *id, struct error *err)
{
	struct store_run run;
	struct walk w = {.path = id, .run = &run, .err = err, .dirfd = open_run(outfd, id, err)};
	int code;

	if (w.dirfd < 0)
		return w.dirfd;
	code = look(&w);
	if (!code && run.open)
		code = error__set(err, -EBUSY, "%s: may still be written", id);
	if (!code)
		code = walk_folder(&w, remove_entry);
	if (!code && unlinkat(outfd, id, AT_REMOVEDIR) && errno != ENOENT)
		code = error__set(err, -errno, "%s: cannot remove it: %s", id, strerror(errno));
	close(w.dirfd);
	return code;
}
