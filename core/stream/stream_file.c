/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of streams in a folder, before anything is read from them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/stream.h"
#include "core/stream/stream_lock.h"
#include "core/stream/stream_reader.h"

bool stream_file__is_name(const char *name)
{
	size_t length = strlen(name), suffix = strlen(STREAM_SUFFIX);

	return length > suffix && *name != '.' && !strcmp(name + length - suffix, STREAM_SUFFIX);
}

void stream_file__name(char name[STREAM_FILE_NAME], const char *stream, uint32_t segment)
{
	if (segment > 1)
		snprintf(name, STREAM_FILE_NAME, "%.60s.%u" STREAM_SUFFIX, stream, segment);
	else
		snprintf(name, STREAM_FILE_NAME, "%.60s" STREAM_SUFFIX, stream);
}

uint32_t stream_file__segment(const char *name, size_t *length)
{
	size_t end = strlen(name) - strlen(STREAM_SUFFIX), digits = 0;
	unsigned long number;

	*length = end;
	while (digits < end && name[end - digits - 1] >= '0' && name[end - digits - 1] <= '9')
		digits++;
	if (!digits || digits > 9 || end < digits + 2 || name[end - digits - 1] != '.' || name[end - digits] == '0')
		return 1;
	number = strtoul(name + end - digits, NULL, 10);
	if (number < 2)
		return 1;
	*length = end - digits - 1;
	return number;
}

uint32_t stream_file__segment_of(const char *name, const char *stream, size_t length)
{
	uint32_t segment;
	size_t own;

	if (!stream_file__is_name(name))
		return 0;
	segment = stream_file__segment(name, &own);
	return own == length && !memcmp(name, stream, length) ? segment : 0;
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

int stream_file__clear(int fd, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), rc;
	struct stream_reader *reader;

	if (copy < 0)
		return error__set(err, -errno, "%s", strerror(errno));
	rc = stream_reader__open_fd(&reader, copy, "", err);
	if (rc)
		return rc;
	if (stream_reader__writer(reader) != STREAM_ENDED)
		rc = error__set(err, -EBUSY, "may still be written");
	else if (ftruncate(fd, reader->begin))
		rc = error__set(err, -errno, "%s", strerror(errno));
	stream_reader__close(reader);
	return rc;
}
