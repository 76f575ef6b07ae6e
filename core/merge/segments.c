/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds and opens the segments of a stream. */
#include "core/merge/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct segments *segments__new(const char *folder, const struct stat *st, const char *stream, size_t length)
{
	struct segments *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->folder = strdup(folder);
	s->real = realpath(folder, NULL);
	s->stream = strndup(stream, length);
	s->device = st->st_dev;
	s->inode = st->st_ino;
	if (s->folder && s->stream)
		return s;
	segments__free(s);
	return NULL;
}

void segments__free(struct segments *s)
{
	if (!s)
		return;
	free(s->folder);
	free(s->real);
	free(s->stream);
	free(s);
}

void segments__path(const struct segments *s, uint32_t number, char *path, size_t size)
{
	char name[STREAM_FILE_NAME];

	stream_file__name(name, s->stream, number);
	snprintf(path, size, "%s/%s", s->folder, name);
}

/* ---- opening ---- */

struct sought {
	const struct segments *segments;
	uint32_t after, found; /* 0: none */
};

static int compare_name(int folder, const char *name, void *arg)
{
	struct sought *sought = arg;
	const char *stream = sought->segments->stream;
	uint32_t number = stream_file__segment_of(name, stream, strlen(stream));

	(void)folder;
	if (number > sought->after && (!sought->found || number < sought->found))
		sought->found = number;
	return 0;
}

/* By its path: a descriptor for each run that is followed would be too many. -ENOENT if that is another folder by now. */
static int open_folder(const struct segments *s)
{
	int fd = open(s->real ? s->real : s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_dev == s->device && st.st_ino == s->inode)
		return fd;
	close(fd);
	return -ENOENT;
}

static int open_in(const struct segments *s, int folder, uint32_t after, uint32_t *number)
{
	struct sought sought = {s, after, 0};
	char name[STREAM_FILE_NAME];
	int fd, rc;

	*number = after + 1;
	stream_file__name(name, s->stream, *number);
	fd = stream_file__open(folder, name);
	if (fd != -ENOENT)
		return fd;
	*number = 0;
	rc = dir__each(folder, compare_name, &sought);
	if (rc || !sought.found)
		return rc ? rc : -ENOENT;
	*number = sought.found;
	stream_file__name(name, s->stream, *number);
	return stream_file__open(folder, name);
}

int segments__open(const struct segments *s, uint32_t after, uint32_t *number, int inotify, int *watch)
{
	int folder = open_folder(s), fd;
	char path[32];

	*watch = -1;
	if (folder < 0)
		return folder;
	fd = open_in(s, folder, after, number);
	close(folder);
	if (fd < 0 || !inotify)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	*watch = inotify_add_watch(inotify, path, IN_MODIFY | IN_CLOSE_WRITE);
	return fd;
}

/* ---- for a reader ---- */

static int open_next(void *arg, uint32_t after, uint32_t *number)
{
	struct segments *s = arg;
	int watch, fd = s->request ? s->request(s, after, number, &watch)
				   : segments__open(s, after, number, s->inotify, &watch);

	if (fd < 0 || *number <= s->last)
		return fd;
	s->last = *number;
	if (s->inotify)
		s->moved(s->moved_arg, s->watch, watch);
	s->watch = watch;
	return fd;
}

static void say_refused(void *arg, uint32_t number, const char *why)
{
	const struct segments *s = arg;
	struct error sentence;
	char path[PATH_MAX];

	segments__path(s, number, path, sizeof(path));
	error__set(&sentence, 0, "%s: %s", path, why);
	merge__say(s->merge, MERGE_LEFT_OUT, sentence.text);
}

static void free_all(void *arg)
{
	segments__free(arg);
}

void segments__attach(struct segments *s, const struct merge *merge, struct stream_reader *reader)
{
	const struct stream_chain chain = {.open = open_next,
					   .refused = say_refused,
					   .free = free_all,
					   .arg = s,
					   .running = s->running,
					   .last = s->last,
					   .bytes = s->bytes};

	s->merge = merge;
	stream_reader__chain(reader, &chain);
}
