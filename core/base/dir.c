/* SPDX-License-Identifier: BSD-2-Clause */
/* Folders by descriptor. */
#include "core/base/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPIED (1U << 20) /* bytes at a time */
#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

int dir__open(int folder, const char *name)
{
	int fd = openat(folder, name, FOLDER | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int dir__each(int folder, int (*call)(int folder, const char *name, void *arg), void *arg)
{
	int fd = openat(folder, ".", FOLDER), rc = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (!rc && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = call(folder, entry->d_name, arg);
	closedir(dir);
	return rc;
}

int dir__make(int folder, const char *prefix, char *name, size_t size)
{
	uint32_t random;
	int fd;

	for (int tries = 0; tries < 100; tries++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			break;
		snprintf(name, size, "%.40s-%08x", prefix, random);
		if (!mkdirat(folder, name, 0700)) {
			fd = dir__open(folder, name);
			if (fd < 0)
				unlinkat(folder, name, AT_REMOVEDIR);
			return fd;
		}
		if (errno != EEXIST)
			break;
	}
	*name = '\0';
	return -errno;
}

static int remove_one(int folder, const char *name, void *arg)
{
	int below;

	if (!unlinkat(folder, name, 0) || (errno != EISDIR && errno != EPERM))
		return 0;
	below = dir__open(folder, name);
	if (below >= 0) {
		dir__each(below, remove_one, arg);
		close(below);
		unlinkat(folder, name, AT_REMOVEDIR);
	}
	return 0;
}

void dir__empty(int folder)
{
	dir__each(folder, remove_one, NULL);
}

int dir__copy_file(int from, int to, const char *name)
{
	int fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), rc;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = copy_file_range(from, NULL, fd, NULL, SSIZE_MAX, 0)) > 0)
		;
	if (n < 0) /* not between these file systems */
		while ((n = sendfile(fd, from, NULL, COPIED)) > 0)
			;
	rc = n < 0 ? -errno : 0;
	return close(fd) && !rc ? -errno : rc;
}

static int copy_one(int folder, const char *name, void *arg)
{
	int to = *(int *)arg, fd = -1, rc = 0;
	struct stat st, in;

	if (*name == '.')
		return 0;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? 0 : -errno;
	if (fstat(fd, &st) || fstat(folder, &in)) {
		rc = -errno;
	} else if (S_ISDIR(st.st_mode)) {
		int below = mkdirat(to, name, 0700) ? -errno : dir__open(to, name);

		rc = below < 0 ? below : dir__copy(fd, below);
		if (below >= 0)
			close(below);
	} else if (S_ISREG(st.st_mode) && (!in.st_uid || in.st_uid == st.st_uid)) {
		rc = dir__copy_file(fd, to, name);
	}
	close(fd);
	return rc;
}

int dir__copy(int from, int to)
{
	return dir__each(from, copy_one, &to);
}

char *dir__of_user(const char *variable, const char *below)
{
	const char *own = getenv(variable), *home = getenv("HOME");
	bool whole = own && *own;
	char *path;
	struct stat st;

	home = whole ? own : home;
	if (!home || *home != '/' || stat(home, &st) || (st.st_uid && st.st_uid != geteuid()))
		return NULL;
	return asprintf(&path, "%s%s%s", home, whole ? "" : "/", whole ? "" : below) < 0 ? NULL : path;
}
