/* SPDX-License-Identifier: BSD-2-Clause */
/* The output folder, opened component by component. */
#include "core/runs/output_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define MOST_LINKS 40 /* as the kernel has it */

struct walk {
	const char *path; /* for messages */
	int fd;		  /* of the folder so far */
	unsigned links;
	char rest[PATH_MAX];
	char name[NAME_MAX + 1]; /* the component that is taken off `rest` */
	struct error *err;
};

static int fail(const struct walk *w, int code, const char *what)
{
	return error__set(w->err, code, "%s: %s%s: %s", w->path, what, w->name, strerror(-code));
}

/* Begins at the root or in the working directory. 0 or -errno. */
static int start(struct walk *w, const char *path)
{
	int fd = open(*path == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(w, -errno, "cannot open the output folder");
	if (w->fd >= 0)
		close(w->fd);
	w->fd = fd;
	return 0;
}

/* Takes the next component off. 0, 1 if it is the last one, or -errno. */
static int next(struct walk *w)
{
	const char *name = w->rest + strspn(w->rest, "/"), *after;
	size_t length = strcspn(name, "/");

	if (length > NAME_MAX)
		return fail(w, -ENAMETOOLONG, "cannot open the output folder");
	memcpy(w->name, name, length);
	w->name[length] = '\0';
	if (!length)
		strcpy(w->name, ".");
	after = name + length + strspn(name + length, "/");
	memmove(w->rest, after, strlen(after) + 1);
	return !*w->rest;
}

static bool is_trusted(uid_t uid)
{
	return !uid || uid == geteuid();
}

/* Whether the link w->name belongs to a trusted user, and no other one can replace it. */
static bool may_follow(const struct walk *w, const struct stat *link)
{
	struct stat folder;

	return !fstat(w->fd, &folder) && is_trusted(link->st_uid) && is_trusted(folder.st_uid) &&
	       (!(folder.st_mode & (S_IWGRP | S_IWOTH)) || folder.st_mode & S_ISVTX);
}

static int step(struct walk *w, int flags)
{
	int fd = openat(w->fd, w->name, O_PATH | O_DIRECTORY | O_CLOEXEC | flags);

	if (fd < 0)
		return fail(w, -errno, "cannot open the output folder: ");
	close(w->fd);
	w->fd = fd;
	return 0;
}

/* What a link of /proc/PID contains is a text for people: only the kernel follows it. */
static bool is_proc(const struct walk *w)
{
	struct statfs fs;

	return !fstatfs(w->fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* Puts what the link contains before the rest. 0 or -errno. */
static int follow(struct walk *w, const struct stat *link)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n;

	if (!may_follow(w, link))
		return error__set(
			w->err, -ELOOP,
			"%s: its part %s is a symbolic link that another user made or can replace; use --output "
			"with the folder that it points to",
			w->path, w->name);
	if (is_proc(w))
		return step(w, 0);
	n = readlinkat(w->fd, w->name, target, sizeof(target) - 1);
	if (n < 0)
		return fail(w, -errno, "cannot read the link ");
	target[n] = '\0';
	if (++w->links > MOST_LINKS)
		return fail(w, -ELOOP, "cannot follow ");
	if ((size_t)snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= sizeof(rest))
		return fail(w, -ENAMETOOLONG, "cannot follow ");
	strcpy(w->rest, rest);
	return *target == '/' ? start(w, target) : 0;
}

static int enter(struct walk *w)
{
	struct stat st;

	if (fstatat(w->fd, w->name, &st, AT_SYMLINK_NOFOLLOW))
		return fail(w, -errno, "cannot open the output folder: ");
	if (S_ISLNK(st.st_mode))
		return follow(w, &st);
	return step(w, O_NOFOLLOW);
}

static int open_last(const struct walk *w, mode_t mode, bool *made)
{
	struct stat st;
	int fd, code;

	if (mode && !mkdirat(w->fd, w->name, mode))
		*made = true;
	else if (mode && errno != EEXIST)
		return error__set(w->err, -errno, "%s: cannot create the output folder: %s", w->path, strerror(errno));
	fd = openat(w->fd, w->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	code = -errno;
	if (fstatat(w->fd, w->name, &st, AT_SYMLINK_NOFOLLOW))
		return error__set(w->err, -errno, "%s: %s", w->path, strerror(errno));
	if (S_ISLNK(st.st_mode))
		return error__set(w->err, -ELOOP,
				  "%s: output folder is a symbolic link; use --output with the folder itself", w->path);
	if (!S_ISDIR(st.st_mode))
		return error__set(w->err, -ENOTDIR, "%s: exists but is not a directory; use another --output", w->path);
	return error__set(w->err, code, "%s: cannot open the output folder: %s", w->path, strerror(-code));
}

int output__open(const char *path, mode_t mode, bool *made, struct error *err)
{
	struct walk w = {.path = path, .fd = -1, .err = err};
	int code;

	*made = false;
	if (!*path || strlen(path) >= sizeof(w.rest))
		return error__set(err, *path ? -ENAMETOOLONG : -ENOENT, "the name of the output folder is %s",
				  *path ? "too long" : "empty");
	strcpy(w.rest, path);
	code = start(&w, path);
	while (!code) {
		code = next(&w);
		if (code)
			break;
		code = enter(&w);
	}
	if (code > 0)
		code = open_last(&w, mode, made);
	if (w.fd >= 0)
		close(w.fd);
	return code;
}
