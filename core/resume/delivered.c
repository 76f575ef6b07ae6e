/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the sinks of a configuration have a run, by the cursors of their followers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/resume/resume.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

struct sought {
	struct resume_key key;
	uint64_t streams;
};

static uint64_t streams_of(const struct resume_point *point)
{
	uint64_t streams = 0;

	for (size_t i = 0; i < point->count; i++)
		streams ^= stream_marker__sum(point->streams[i].marker) ^ point->streams[i].position.markers_before;
	return streams;
}

/* 1: this host's cursor says that all of the run is there. */
static int look_in(int folder, const char *host, void *arg)
{
	struct sought *sought = arg;
	struct resume_point point;
	int in = *host == '.' ? -ENOENT : dir__open(folder, host); /* the lock */
	bool all;

	if (in < 0)
		return 0;
	snprintf(sought->key.host, sizeof(sought->key.host), "%s", host);
	all = resume_point__read(in, &sought->key, &point) == 1 && point.ended && streams_of(&point) == sought->streams;
	resume_point__free(&point);
	close(in);
	return all;
}

/* For the cursors of each host. 1: one is the right one; 0: none is; -ENOENT: the sink never had a follower; other -errno, which
 * is said. */
static int look(struct delivered *delivered, const char *sink, int (*in)(int folder, const char *host, void *arg),
		void *arg)
{
	char path[PATH_MAX];
	int folder, found;

	snprintf(path, sizeof(path), "%s/%s/cursors/%s", delivered->folder, sink, sink);
	folder = open(path, FOLDER);
	if (folder < 0 && errno == ENOENT)
		return -ENOENT;
	found = folder < 0 ? -errno : dir__each(folder, in, arg);
	if (found < 0 && !delivered->failed) {
		log__warn("%s: %s; its sink counts as one that has delivered nothing", path, strerror(-found));
		delivered->failed = true;
	}
	if (folder >= 0)
		close(folder);
	return found == -ENOENT ? 0 : found;
}

/* What cannot be looked at counts as not delivered. */
static bool has_run(struct delivered *delivered, struct sought *sought)
{
	int found = look(delivered, sought->key.sink, look_in, sought);

	return found == 1 || found == -ENOENT;
}

const char *delivered__lacks(struct delivered *delivered, const char *run, uint64_t streams)
{
	struct sought sought = {.streams = streams};

	resume_point__name(run, sought.key.run);
	for (size_t i = 0; i < delivered->count; i++) {
		sought.key.sink = delivered->sinks[i];
		if (!has_run(delivered, &sought))
			return delivered->sinks[i];
	}
	return NULL;
}

/* ---- of a run that goes on ---- */

struct reach {
	struct resume_key key;
	const char *stream;
	delivered_is is;
	void *arg;
	uint32_t first; /* segment that is not delivered */
};

/* The first segment of which some is not before the position. */
static uint32_t first_open(const struct stream_position *at)
{
	uint32_t first = at->at.segment;

	for (int i = 0; i < 2; i++)
		if (at->next[i] != STREAM_NO_BLOCK && at->from[i].segment < first)
			first = at->from[i].segment;
	return first;
}

static int reach_in(int folder, const char *host, void *arg)
{
	struct reach *reach = arg;
	struct resume_point point;
	int in = *host == '.' ? -ENOENT : dir__open(folder, host);
	bool found = false;

	if (in < 0)
		return 0;
	snprintf(reach->key.host, sizeof(reach->key.host), "%s", host);
	if (resume_point__read(in, &reach->key, &point) != 1)
		point.count = 0;
	for (size_t i = 0; i < point.count && !found; i++) {
		const struct resume_stream *of = &point.streams[i];

		found = !strcmp(of->name, reach->stream) && reach->is(reach->arg, of->position.at.segment, of->marker);
		if (found)
			reach->first = first_open(&of->position);
	}
	resume_point__free(&point);
	close(in);
	return found;
}

uint32_t delivered__up_to(struct delivered *delivered, const char *run, const char *stream, delivered_is is, void *arg)
{
	uint32_t first = 0;

	for (size_t i = 0; i < delivered->count; i++) {
		struct reach reach = {
			.key.sink = delivered->sinks[i], .stream = stream, .is = is, .arg = arg, .first = 1};

		resume_point__name(run, reach.key.run);
		if (look(delivered, reach.key.sink, reach_in, &reach) == -ENOENT)
			continue;
		if (!first || reach.first < first)
			first = reach.first;
	}
	return first ? first : 1;
}
