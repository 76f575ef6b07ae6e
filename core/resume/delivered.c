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

uint64_t delivered__stream(const char *marker)
{
	return hash__bytes(0, marker, strlen(marker));
}

static uint64_t streams_of(const struct resume_point *point)
{
	uint64_t streams = 0;

	for (size_t i = 0; i < point->count; i++)
		streams ^= delivered__stream(point->streams[i].marker);
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

/* What cannot be looked at counts as not delivered. */
static bool has_run(struct delivered *delivered, struct sought *sought)
{
	char path[PATH_MAX];
	int folder, found;

	snprintf(path, sizeof(path), "%s/%s/cursors/%s", delivered->folder, sought->key.sink, sought->key.sink);
	folder = open(path, FOLDER);
	if (folder < 0 && errno == ENOENT)
		return true;
	found = folder < 0 ? -errno : dir__each(folder, look_in, sought);
	if (found < 0 && !delivered->failed) {
		log__warn("%s: %s; its sink counts as one that has delivered nothing", path, strerror(-found));
		delivered->failed = true;
	}
	if (folder >= 0)
		close(folder);
	return found == 1;
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
