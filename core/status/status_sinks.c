/* SPDX-License-Identifier: BSD-2-Clause */
/* How far the followers of the sinks have got: their cursors beside the runs on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/resume/resume.h"
#include "core/status/status.h"
#include "core/stream.h"

#define LOCK ".lock" /* held while a follower uses the folder */

struct looking {
	struct status_sink *sink;
	int cursors; /* of this sink */
	int run;     /* folder of the run */
	struct resume_key key;
	bool found, ended;
	uint64_t read, size; /* bytes of a run */
};

/* ---- a run ---- */

static int add_size(int folder, const char *name, void *arg)
{
	size_t length = strlen(name), suffix = strlen(STREAM_SUFFIX);
	struct looking *l = arg;
	struct stat st;

	if (length > suffix && !strcmp(name + length - suffix, STREAM_SUFFIX) &&
	    !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
		l->size += st.st_size;
	return 0;
}

/* Up to the position: what is there of the segments before it, too. */
static uint64_t read_of(int run, const struct resume_stream *stream)
{
	uint64_t bytes = stream->position.at.offset;
	char name[STREAM_FILE_NAME];
	struct stat st;

	for (uint32_t segment = 1; segment < stream->position.at.segment; segment++) {
		stream_file__name(name, stream->name, segment);
		if (!fstatat(run, name, &st, AT_SYMLINK_NOFOLLOW))
			bytes += st.st_size;
	}
	return bytes;
}

/* Of each host whose runs were followed here. */
static int look_into_host(int folder, const char *name, void *arg)
{
	struct looking *l = arg;
	struct resume_point point;
	struct stat st;
	int host = *name == '.' ? -ENOENT : dir__open(folder, name);

	if (host < 0)
		return 0;
	snprintf(l->key.host, sizeof(l->key.host), "%s", name);
	if (resume_point__read(host, &l->key, &point) == 1) {
		l->found = true;
		l->ended = point.ended;
		for (size_t i = 0; i < point.count; i++)
			l->read += read_of(l->run, &point.streams[i]);
		resume_point__free(&point);
		if (!fstatat(host, l->key.run, &st, AT_SYMLINK_NOFOLLOW)) {
			uint64_t saved = st.st_mtim.tv_sec * 1000000000ull + st.st_mtim.tv_nsec;

			if (saved > l->sink->saved)
				l->sink->saved = saved;
		}
	}
	close(host);
	return l->found;
}

static int look_at_run(int folder, const char *name, void *arg)
{
	struct looking *l = arg;
	int run = *name == '.' ? -ENOENT : dir__open(folder, name), rc;

	if (run < 0)
		return 0; /* a link, a file */
	l->read = l->size = 0;
	l->found = l->ended = false;
	rc = dir__each(run, add_size, l);
	l->run = run;
	resume_point__name(name, l->key.run);
	if (!rc && l->size)
		rc = dir__each(l->cursors, look_into_host, l);
	close(run);
	if (!l->size || rc < 0)
		return rc;
	if (l->ended) {
		l->sink->delivered_runs++;
	} else if (l->read < l->size) {
		l->sink->undelivered_runs++;
		l->sink->undelivered_bytes += l->size - l->read;
	}
	return 0;
}

/* ---- a sink ---- */

/* STATE/SINK/cursors/SINK, or STATE/cursors/SINK. A descriptor or -errno. */
static int open_cursors(const char *state, const char *sink)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s/cursors/%s", state, sink, sink);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	snprintf(path, sizeof(path), "%s/cursors/%s", state, sink);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_locked(int cursors)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = openat(cursors, LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool locked = fd >= 0 && !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return locked;
}

static void look(struct status_sink *sink, const char *output, const char *state)
{
	struct looking l = {.sink = sink, .key.sink = sink->sink, .cursors = open_cursors(state, sink->sink)};
	int runs, rc;

	if (l.cursors < 0) {
		snprintf(sink->follower, sizeof(sink->follower), "%s", l.cursors == -ENOENT ? "none" : "unknown");
		snprintf(sink->why, sizeof(sink->why), "%s", l.cursors == -ENOENT ? "" : strerror(-l.cursors));
		return;
	}
	snprintf(sink->follower, sizeof(sink->follower), "%s", is_locked(l.cursors) ? "runs" : "stopped");
	runs = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = runs < 0 ? -errno : dir__each(runs, look_at_run, &l);
	if (rc)
		snprintf(sink->why, sizeof(sink->why), "%.64s: %s", output, strerror(-rc));
	if (runs >= 0)
		close(runs);
	close(l.cursors);
}

void status_sinks__look(struct status *status, const char *state)
{
	for (size_t i = 0; i < status->sinks_count; i++)
		look(&status->sinks[i], status->daemon.output, state ? state : status->daemon.followers);
}
