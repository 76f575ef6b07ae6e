/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a whole file that a user names. */
#include "core/base/infile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/opt.h"

#define SECOND 1000000000ULL
#define MS 1000000

/* Opens without waiting: a FIFO may have no writer yet. Returns the descriptor. */
static int open_file(const char *path, struct stat *st, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = 0;

	if (fd < 0)
		return error__set(err, -errno, "cannot open: %s", strerror(errno));
	if (fstat(fd, st))
		rc = error__set(err, -errno, "cannot read: %s", strerror(errno));
	else if (S_ISDIR(st->st_mode))
		rc = error__set(err, -EISDIR, "is a directory: give a file");
	else if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		rc = error__set(err, -EINVAL, "is a device: give a file or a pipe");
	if (rc)
		close(fd);
	return rc ? rc : fd;
}

/* Until a pipe has something to read, or has lost its last writer. */
static int wait_for(int fd, uint64_t until, struct error *err)
{
	struct pollfd pipe = {fd, POLLIN, 0};
	uint64_t now;
	int n = 0;

	while (n <= 0 && (now = clock__ns(CLOCK_MONOTONIC)) < until) {
		n = poll(&pipe, 1, (until - now) / MS + 1);
		if (n < 0 && errno != EINTR)
			return error__set(err, -errno, "cannot read: %s", strerror(errno));
	}
	return n > 0 ? 0
		     : error__set(err, -ETIMEDOUT, "the writer of this pipe has not ended within %d s: give a file",
				  INFILE_SECONDS);
}

static int too_large(size_t max, struct error *err)
{
	char text[32];

	opt_type__format(OPT_SIZE, max, text, sizeof(text));
	return error__set(err, -EFBIG, "is larger than %s", text);
}

/* Makes room for `least` bytes, or twice as many as before, and a NUL. */
static int grow(char **text, size_t *room, size_t least, struct error *err)
{
	size_t more = least > *room * 2 ? least : *room * 2;
	char *longer = realloc(*text, more + 1);

	if (!longer)
		return error__set(err, -ENOMEM, "out of memory");
	*text = longer;
	*room = more;
	return 0;
}

static int read_all(int fd, const struct stat *st, size_t max, char **text, size_t *size, struct error *err)
{
	uint64_t until = clock__ns(CLOCK_MONOTONIC) + INFILE_SECONDS * SECOND;
	size_t room = 0, least = S_ISREG(st->st_mode) && st->st_size ? st->st_size + 1 : 4096;
	ssize_t n = 1;
	int rc = 0;

	if (S_ISREG(st->st_mode) && (uint64_t)st->st_size > max)
		return too_large(max, err);
	while (!rc && n) {
		if (S_ISFIFO(st->st_mode))
			rc = wait_for(fd, until, err);
		if (!rc && *size == room)
			rc = grow(text, &room, least, err);
		if (rc)
			break;
		n = read(fd, *text + *size, room - *size);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			rc = error__set(err, -errno, "cannot read: %s", strerror(errno));
		else if (n > 0 && (*size += n) > max)
			rc = too_large(max, err);
	}
	return rc;
}

int infile__read(const char *path, size_t max, char **text, size_t *size, struct error *err)
{
	struct stat st;
	int fd, rc;

	*text = NULL;
	*size = 0;
	fd = open_file(path, &st, err);
	if (fd < 0)
		return fd;
	rc = read_all(fd, &st, max, text, size, err);
	if (rc) {
		free(*text);
		*text = NULL;
	} else {
		(*text)[*size] = '\0';
	}
	close(fd);
	return rc;
}
