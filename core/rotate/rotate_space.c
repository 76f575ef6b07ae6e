/* SPDX-License-Identifier: BSD-2-Clause */
/* Clears segments that sinks have delivered, so that the run can go on. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/resume/resume.h"
#include "core/rotate/rotate.h"
#include "core/stream.h"

struct of {
	const struct rotate_run *run;
	const struct rotate_stream *stream;
};

static int open_segment(const struct of *of, uint32_t segment, int flags)
{
	char name[STREAM_FILE_NAME];

	stream_file__name(name, of->stream->name, segment);
	return openat(of->run->folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* A cursor may be that of an earlier run of this name. */
static bool has_marker(void *arg, uint32_t segment, const char *marker)
{
	int fd = segment ? open_segment(arg, segment, O_RDONLY) : -1;
	struct stream_reader *reader;
	struct error err;
	bool is;

	if (fd < 0 || stream_reader__open_fd(&reader, fd, "", &err))
		return false;
	is = !strcmp(stream_reader__info(reader)->marker, marker);
	stream_reader__close(reader);
	return is;
}

/* How many bytes that freed. */
static uint64_t clear(const struct of *of, uint32_t segment)
{
	int fd = open_segment(of, segment, O_RDWR);
	struct stat before, after;
	uint64_t freed = 0;
	struct error err;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &before) && !stream_file__clear(fd, &err) && !fstat(fd, &after))
		freed = before.st_size - after.st_size;
	close(fd);
	return freed;
}

/* The stream whose next segment that may go was written first; NULL: none may. */
static struct rotate_stream *oldest(struct rotate_run *run)
{
	struct rotate_stream *first = NULL;
	struct timespec at = {0};

	for (size_t i = 0; i < run->count; i++) {
		struct rotate_stream *stream = &run->streams[i];
		char name[STREAM_FILE_NAME];
		struct stat st = {0};

		if (stream->cleared + 1 >= stream->until)
			continue;
		stream_file__name(name, stream->name, stream->cleared + 1);
		fstatat(run->folder, name, &st, AT_SYMLINK_NOFOLLOW);
		if (first && (st.st_mtim.tv_sec > at.tv_sec ||
			      (st.st_mtim.tv_sec == at.tv_sec && st.st_mtim.tv_nsec >= at.tv_nsec)))
			continue;
		first = stream;
		at = st.st_mtim;
	}
	return first;
}

uint64_t rotate__free_space(struct rotate_run *runs, uint32_t number, struct delivered *delivered, uint64_t bytes)
{
	struct rotate_run *run = rotate__find(runs, number);
	struct rotate_stream *stream;
	uint64_t freed = 0;

	if (!run)
		return 0;
	for (size_t i = 0; i < run->count; i++) {
		struct of of = {run, &run->streams[i]};

		run->streams[i].until = delivered__up_to(delivered, run->id, run->streams[i].name, has_marker, &of);
	}
	while (freed < bytes && (stream = oldest(run)))
		freed += clear(&(struct of){run, stream}, ++stream->cleared);
	return freed;
}
