/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of streams in a folder, before anything is read from them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/stream.h"
#include "core/stream/stream_lock.h"

bool stream_file__is_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(STREAM_SUFFIX);

	return length > suffix && *name != '.' && !strcmp(name + length - suffix, STREAM_SUFFIX);
}

/* A hard link that the folder's owner made to a file of another user, which only root can read. */
static bool is_borrowed(int folder, const struct stat *st)
{
	struct stat in;

	return st->st_nlink > 1 && (fstat(folder, &in) || (in.st_uid && in.st_uid != st->st_uid));
}

int stream_file__open(int folder, const char *name)
{
	bool careful = !geteuid();
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (careful ? O_NOFOLLOW : 0));
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!careful || (!fstat(fd, &st) && !is_borrowed(folder, &st)))
		return fd;
	close(fd);
	return -EPERM;
}

bool stream_file__is_locked(int fd)
{
	return stream_lock__is_held(fd);
}
