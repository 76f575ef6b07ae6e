/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the end of a file that a watched process wrote to, the begin of one that it was given, or what its engine has logged,
 * and no other file: others may have put a link, a FIFO or another file in its place by now. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/proc/proc.h"

#define LOGS_MAX 10000	      /* entries of a folder that are looked at */
#define LATE_NS 2000000000ull /* by so much, at most, the time stamp of a file lags, also on NFS */

/* The device of the file system that is mounted there. Btrfs and overlayfs have another one in stat(). */
static uint64_t mounted_device(int fd)
{
	unsigned id = 0, found, major, minor;
	uint64_t device = 0;
	char *line = NULL, name[40];
	size_t room = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "re");
	while (file && getline(&line, &room, file) > 0 && sscanf(line, "mnt_id: %u", &id) != 1)
		;
	if (file)
		fclose(file);
	file = id ? fopen("/proc/self/mountinfo", "re") : NULL;
	while (file && !device && getline(&line, &room, file) > 0)
		if (sscanf(line, "%u %*u %u:%u", &found, &major, &minor) == 3 && found == id)
			device = makedev(major, minor);
	if (file)
		fclose(file);
	free(line);
	return device;
}

/* The paths are the kernel's and have no links. Opening by O_PATH does nothing to what is there. */
static int open_place(const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
	int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* before 5.6, and in some containers */
		fd = open(path, how.flags);
	return fd < 0 ? -errno : fd;
}

/* Whether it was written to since the process started. */
static bool is_written(const struct probe_ask *ask, const struct stat *file)
{
	uint64_t written = file->st_mtim.tv_sec * 1000000000ull + file->st_mtim.tv_nsec;

	return written + LATE_NS >= clock__ns(CLOCK_REALTIME) - (clock__boot() - ask->start);
}

/* Whether its owner is this user, or that of the folder. */
static bool is_ours(const struct probe_ask *ask, const struct stat *file)
{
	char folder[4096];
	struct stat st;

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(ask->path, '/') - ask->path), ask->path);
	return file->st_nlink == 1 && (file->st_uid == geteuid() || (!lstat(folder, &st) && st.st_uid == file->st_uid));
}

/* 0 or -errno; -ESTALE: it is another file. */
static int check(const struct probe_ask *ask, int fd, struct stat *st)
{
	if (fstat(fd, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -ESTALE;
	if (!ask->inode)
		return is_ours(ask, st) && (ask->what == PROBE_ASK_HEAD || is_written(ask, st)) ? 0 : -ESTALE;
	if (st->st_ino != ask->inode || (st->st_dev != ask->device && mounted_device(fd) != ask->device))
		return -ESTALE;
	return (uint64_t)st->st_size < ask->end ? -ESTALE : 0; /* truncated: whose bytes are these? */
}

int proc__append_between(struct proc_text *out, int fd, uint64_t from, uint64_t end)
{
	while (from + out->length < end) {
		ssize_t n = pread(fd, out->text + out->length, end - from - out->length, from + out->length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		out->length += n > 0 ? n : 0;
	}
	return 0;
}

/* A descriptor of the file that is asked about, or -errno. */
static int open_asked(const struct probe_ask *ask, struct stat *st)
{
	const char *path = ask->path;
	int place = *path == '/' ? open_place(path) : -EINVAL, fd = -1;
	int err = place < 0 ? place : check(ask, place, st);

	if (!err) {
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		err = fd < 0 ? -errno : check(ask, fd, st);
	}
	if (place >= 0)
		close(place);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;
}

/* Our own messages stand between those of the command where both write to one file, and are not its words. */
static bool is_own_line(const char *line, size_t length)
{
	static const char *const begins[] = {"collector: ", "collector-merge: "};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (length >= strlen(begins[i]) && !memcmp(line, begins[i], strlen(begins[i])))
			return true;
	return false;
}

static bool is_own_file(const struct stat *st)
{
	struct stat own;

	return !fstat(STDERR_FILENO, &own) && own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

static void leave_out_own(struct proc_text *out)
{
	size_t kept = 0;

	for (size_t at = 0, length; at < out->length; at += length) {
		const char *end = memchr(out->text + at, '\n', out->length - at);

		length = end ? (size_t)(end + 1 - (out->text + at)) : out->length - at;
		if (!is_own_line(out->text + at, length)) {
			memmove(out->text + kept, out->text + at, length);
			kept += length;
		}
	}
	out->length = kept;
}

int proc__append_tail(struct proc_text *out, const struct probe_ask *ask)
{
	uint64_t from = ask->offset, end = ask->end;
	struct stat st;
	int fd = open_asked(ask, &st), err = fd < 0 ? fd : 0;

	if (!err && !ask->inode)
		end = st.st_size;
	if (!err && end > from + out->size)
		from = end - out->size;
	if (!err)
		err = proc__append_between(out, fd, from, end);
	if (!err && is_own_file(&st))
		leave_out_own(out);
	out->skipped = from - ask->offset;
	if (fd >= 0)
		close(fd);
	return err;
}

int proc__append_head(struct proc_text *out, const struct probe_ask *ask)
{
	struct stat st;
	int fd = open_asked(ask, &st), err = fd < 0 ? fd : proc__append_between(out, fd, 0, out->size);

	if (fd >= 0)
		close(fd);
	return err;
}

struct last {
	char name[NAME_MAX + 1];
	int seen;
};

/* Keeps the name that comes last, but for hidden ones. */
static int keep_last(int folder, const char *name, void *arg)
{
	struct last *last = arg;

	(void)folder;
	if (last->seen++ == LOGS_MAX)
		return 1;
	if (*name != '.' && strcmp(name, last->name) > 0)
		strcpy(last->name, name);
	return 0;
}

int proc__append_last(struct proc_text *out, const struct probe_ask *ask)
{
	int folder = *ask->path == '/' ? open_place(ask->path) : -EINVAL, fd, err;
	struct probe_ask file = *ask;
	struct last last = {0};
	char path[PATH_MAX];
	struct stat st;

	err = folder < 0 ? folder : dir__each(folder, keep_last, &last);
	if (folder >= 0)
		close(folder);
	if (err < 0 || !*last.name)
		return err < 0 ? err : -ENOENT;
	if (snprintf(path, sizeof(path), "%s/%s", ask->path, last.name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	file.path = path;
	file.inode = 0;
	fd = open_asked(&file, &st);
	if (fd < 0)
		return fd;
	err = proc__append_between(out, fd, ask->offset, ask->offset + out->size);
	close(fd);
	return err;
}
