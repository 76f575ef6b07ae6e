/* SPDX-License-Identifier: BSD-2-Clause */
/* One run that is followed: a merge of its own, as an idle run writes no marks for others to go on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "core/log.h"
#include "core/merge/follow.h"

#define BATCH 65536 /* records, until other runs are read */

/* ---- indexes ---- */

/* `count` indexes in a row that no stream has. 0 or -ENOMEM. */
static int take_slots(struct follow *f, size_t count, size_t *first)
{
	size_t free_ones = 0, i;
	bool *slots;

	for (i = 0; i < f->slots_count && free_ones < count; i++)
		free_ones = f->slots[i] ? 0 : free_ones + 1;
	*first = i - free_ones;
	if (free_ones < count) {
		slots = realloc(f->slots, *first + count);
		if (!slots)
			return -ENOMEM;
		f->slots = slots;
		f->slots_count = *first + count;
	}
	memset(f->slots + *first, true, count);
	return 0;
}

/* ---- watches ---- */

static struct follow_watch *find_watch(const struct follow *f, int wd)
{
	struct hash_node *node = hash__first(&f->watches, hash__mix(wd));

	return node ? (struct follow_watch *)((char *)node - offsetof(struct follow_watch, node)) : NULL;
}

static int take_watches(struct follow *f, struct follow_run *run, const int *watches, size_t count)
{
	run->watched = &f->watches;
	run->inotify = f->inotify;
	run->watches = calloc(count + 1, sizeof(*run->watches));
	if (!run->watches)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct follow_watch *watch = &run->watches[run->watches_count];

		run->polled |= watches[i] < 0;
		if (watches[i] < 0 || find_watch(f, watches[i]))
			continue;
		*watch = (struct follow_watch){.wd = watches[i], .run = run};
		if (hash__add(&f->watches, &watch->node, hash__mix(watch->wd)))
			return -ENOMEM;
		run->watches_count++;
	}
	return 0;
}

void follow_run__unwatch(struct follow *f, struct follow_run *run)
{
	while (run->watches_count) {
		struct follow_watch *watch = &run->watches[--run->watches_count];

		hash__remove(&f->watches, &watch->node);
		inotify_rm_watch(f->inotify, watch->wd);
	}
}

/* A stream goes on in another segment. */
static void on_moved(void *arg, int from, int to)
{
	struct follow_run *run = arg;
	struct follow_watch *watch = run->watches;

	while (watch < run->watches + run->watches_count && watch->wd != from)
		watch++;
	if (watch == run->watches + run->watches_count || to < 0) {
		run->polled = true;
		return;
	}
	hash__remove(run->watched, &watch->node);
	inotify_rm_watch(run->inotify, watch->wd);
	watch->wd = to;
	if (!hash__add(run->watched, &watch->node, hash__mix(to)))
		return;
	*watch = run->watches[--run->watches_count];
	run->polled = true;
}

/* ---- the beginning ---- */

static const struct follow_run *find_same(const struct follow *f, const struct merge *merge)
{
	for (const struct follow_run *run = f->runs; run; run = run->next)
		for (size_t i = 0; i < merge__streams(run->merge); i++)
			if (!strcmp(merge__info(run->merge, i)->marker, merge__info(merge, 0)->marker))
				return run;
	return NULL;
}

/* By its marker, or by its name if that is one of a later segment's. */
static const struct resume_stream *find_stream(const struct resume_point *point, const struct stream_info *info)
{
	for (size_t i = 0; i < point->count; i++)
		if (!strcmp(point->streams[i].marker, info->marker) || !strcmp(point->streams[i].name, info->stream))
			return &point->streams[i];
	return NULL;
}

/* Goes on from the saved point. 0, or 1 if the run has ended there. */
static int seek(struct follow_run *run, const struct resume_point *point)
{
	size_t known = 0;

	for (size_t i = 0; i < merge__streams(run->merge); i++) {
		const struct stream_info *info = merge__info(run->merge, i);
		const struct resume_stream *stream = find_stream(point, info);
		bool named = stream && *stream->name; /* whose marker only the seek compares */
		bool fits = stream && ((point->ended && !named) || !merge__seek(run->merge, i, &stream->position));

		known += fits || (stream && !named);
		if (stream && !fits)
			log__warn("%s: its cursor does not fit it: from its beginning", info->path);
	}
	if (!known)
		log__warn("%s: its cursor is that of another run of this name: from the beginning", run->path);
	return known == merge__streams(run->merge) && point->ended;
}

static int resume_run(struct follow *f, struct follow_run *run)
{
	struct resume_point point;
	int rc;

	if (!f->resume.path)
		return 0;
	rc = resume__load(&f->resume, merge__info(run->merge, 0), &point);
	if (rc < 0)
		log__warn("%s: its cursor %s: from the beginning", run->path,
			  rc == -EBADMSG ? "is damaged" : "cannot be read");
	rc = rc == 1 ? seek(run, &point) : 0;
	resume_point__free(&point);
	return rc;
}

static bool is_running(const struct merge *merge)
{
	for (size_t i = 0; i < merge__streams(merge); i++)
		if (merge__state(merge, i)->life == STREAM_RUNNING)
			return true;
	return false;
}

/* Reads the headers. 0, 1 if nothing of it is to be read, or -errno. */
static int begin(struct follow *f, struct follow_run *run, struct merge_input *input, bool running, struct error *err)
{
	const struct follow_run *same;
	int rc = merge_input__read(input, run->merge, err);

	if (rc || (running && !is_running(run->merge)))
		return rc ? rc : 1;
	same = find_same(f, run->merge);
	if (same) {
		error__set(err, 0, "%s: the same run as %s", run->path, same->path);
		f->say(f->say_arg, MERGE_COPY, err->text);
		return 1;
	}
	error__set(err, 0, "%s", strerror(ENOMEM));
	rc = merge__find_missing(run->merge);
	if (!rc)
		rc = take_slots(f, merge__streams(run->merge), &run->first);
	if (rc)
		return rc;
	run->streams = merge__streams(run->merge);
	merge__follow(run->merge, run->first);
	rc = filter__init(&run->filter, run->merge, &f->wanted, err);
	if (!rc && f->strict) {
		run->ends = ends__new(run->merge, &run->filter);
		rc = run->ends ? 0 : -ENOMEM;
	}
	if (!rc)
		rc = resume_run(f, run);
	return rc;
}

int follow_run__open(struct follow *f, struct merge_input *input, int *watches, bool running, struct follow_run **out,
		     struct error *err)
{
	size_t count = merge_input__watch(input, -1, NULL);
	struct follow_run *run = calloc(1, sizeof(*run));
	int rc = run ? 0 : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));

	*out = NULL;
	if (run) {
		run->path = strdup(merge_input__path(input));
		run->merge = merge__new(f->say, f->say_arg);
		rc = run->path && run->merge ? take_watches(f, run, watches, count) : -ENOMEM;
	}
	if (!rc) {
		merge_input__follow(input, f->inotify, watches, on_moved, run);
		rc = begin(f, run, input, running, err);
	}
	if (!rc && f->limited)
		merge__limit(run->merge, f->limits);
	if (!rc)
		rc = sinks__streams(f->sinks, run->merge, &run->filter);
	free(watches);
	merge_input__free(input);
	if (rc) {
		if (run)
			follow_run__free(f, run);
		return rc == 1 ? 0 : rc;
	}
	f->open += run->streams;
	run->dirty = true;
	*out = run;
	return 0;
}

void follow_run__free(struct follow *f, struct follow_run *run)
{
	follow_run__unwatch(f, run);
	if (run->streams)
		memset(f->slots + run->first, false, run->streams);
	ends__free(run->ends);
	filter__free(&run->filter);
	merge__free(run->merge);
	resume_point__free(&run->point);
	free(run->watches);
	free(run->path);
	free(run);
}

/* ---- reading ---- */

static int take_record(struct follow *f, struct follow_run *run, const struct record *record)
{
	int rc = run->ends ? ends__take(run->ends, record) : 0;

	run->moved = true;
	return !rc && filter__record(&run->filter, record) ? sinks__write(f->sinks, record) : rc;
}

static int end_run(struct follow *f, struct follow_run *run)
{
	int rc = sinks__ended(f->sinks, run->merge, &run->filter);

	run->ended = run->moved = true;
	run->dirty = false;
	f->open -= run->streams;
	f->losses |= missing__say(run->merge, &run->filter, run->ends);
	follow_run__unwatch(f, run);
	return rc;
}

int follow_run__read(struct follow *f, struct follow_run *run)
{
	struct record record;
	int rc = merge__refresh(run->merge);

	for (size_t i = 0; i < BATCH && !rc && !*f->interrupted; i++) {
		rc = merge__next(run->merge, &record);
		if (!rc)
			return end_run(f, run);
		if (rc == -EAGAIN) {
			/* streams that had records to deliver have not looked yet what was written since */
			run->dirty = i;
			return 0;
		}
		if (rc < 0)
			log__error("%s: %s", merge__info(run->merge, merge__failed(run->merge))->path, strerror(-rc));
		rc = rc == 1 ? take_record(f, run, &record) : rc;
	}
	return rc;
}

/* ---- the cursor ---- */

void follow_run__point(struct follow *f, struct follow_run *run)
{
	struct resume_point *point = &run->point;

	if (!f->resume.path || run->unsafe || !run->moved)
		return;
	if (!point->streams) {
		point->streams = calloc(run->streams, sizeof(*point->streams));
		if (!point->streams)
			return;
		point->count = run->streams;
	}
	for (size_t i = 0; i < point->count; i++) {
		struct resume_stream *stream = &point->streams[i];

		merge__tell(run->merge, i, &stream->position);
		memcpy(stream->marker, stream->position.marker, sizeof(stream->marker));
		snprintf(stream->name, sizeof(stream->name), "%s",
			 stream->position.at.segment > 1 ? merge__info(run->merge, i)->stream : "");
	}
	point->ended = run->ended;
	run->point_written = f->sinks->written;
	run->moved = false;
	run->unsafe = true;
	run->next_unsafe = f->unsafe;
	f->unsafe = run;
}

bool follow_run__save(struct follow *f, struct follow_run *run)
{
	if (sinks__delivered(f->sinks, 0) < run->point_written ||
	    resume__save(&f->resume, merge__info(run->merge, 0), &run->point))
		return false;
	run->unsafe = false;
	return true;
}
