/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges streams: the next record is the least of all streams' next ones.
 *
 * The key is the boot clock plus one offset for all streams of that boot, taken from the first anchor of
 * the first of them. The order within a boot is therefore the kernel's, which no step of the real-time
 * clock can change; boots and hosts are aligned by their clocks at the start. */
#include "core/merge/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"

/* Anchors of one boot differ by the nanoseconds between two clock reads, unless the clock was set. */
#define SAME_ANCHOR_NS 1000000

struct source {
	struct stream_reader *reader; /* NULL: of the merge's own record for a missing stream */
	struct record record;
	struct buffer bytes;	  /* of that record, until it has been delivered */
	bool whole;		  /* its folder was given: all streams of its run are to be there */
	bool held;		  /* that record is still to be delivered */
	bool waits;		  /* its next record is still to be written */
	uint64_t offset;	  /* real time minus boot clock, the same for all of a boot */
	int64_t boot_ns, real_ns; /* its own anchor */
	uint32_t index;
};

struct merge {
	merge_say say;
	void *say_arg;
	struct source **sources;
	size_t count, failed;
	struct source *missing; /* one for each missing stream */
	size_t missing_count;
	const char ***lists; /* of missing streams, for the infos: one for each run that lacks some */
	size_t lists_count;
	struct heap heap;
	struct source *last; /* its record was delivered; the next call advances it */
	bool started, follows, resumed;
	uint32_t first; /* index of the first stream */
	size_t waiting; /* sources that wait */
	uint64_t bound; /* of the key: records up to there come before all that are waited for */
};

struct merge *merge__new(merge_say say, void *arg)
{
	struct merge *merge = calloc(1, sizeof(*merge));

	if (merge) {
		merge->say = say;
		merge->say_arg = arg;
	}
	return merge;
}

void merge__say(const struct merge *merge, enum merge_note note, const char *sentence)
{
	if (merge->say)
		merge->say(merge->say_arg, note, sentence);
}

bool merge__started(const struct merge *merge)
{
	return merge->started;
}

bool merge__same_run(const struct stream_info *a, const struct stream_info *b)
{
	return !strcmp(a->run.id, b->run.id) && !strcmp(a->boot_id, b->boot_id) && !strcmp(a->host, b->host);
}

static bool same_boot(const struct stream_info *a, const struct stream_info *b)
{
	return *a->boot_id && !strcmp(a->boot_id, b->boot_id);
}

/* The order of streams whose records have the same time, whichever way they were named. */
static int compare_sources(const struct source *a, const struct source *b)
{
	const struct stream_info *x = stream_reader__info(a->reader), *y = stream_reader__info(b->reader);
	int order = strcmp(x->run.id, y->run.id);

	order = order ? order : strcmp(x->host, y->host);
	order = order ? order : strcmp(x->boot_id, y->boot_id);
	order = order ? order : strcmp(x->stream, y->stream);
	order = order ? order : (a->boot_ns > b->boot_ns) - (a->boot_ns < b->boot_ns);
	return order ? order : strcmp(x->path, y->path);
}

/* Each stream of a boot has read the clocks itself, some nanoseconds apart; one offset for all, that of the first,
 * keeps the times shown in order. */
static void source__anchor(struct source *source, const struct source *first)
{
	struct stream_info *info = stream_reader__info_mut(source->reader);
	int64_t apart;

	source->offset = (uint64_t)source->real_ns - (uint64_t)source->boot_ns;
	apart = first ? (int64_t)(source->offset - first->offset) : INT64_MAX;
	if (first)
		source->offset = first->offset;
	first = apart < SAME_ANCHOR_NS && apart > -SAME_ANCHOR_NS ? first : source;
	info->boot_ns = first->boot_ns;
	info->real_ns = first->real_ns;
}

/* Puts a source in its place, and anchors those of its boot again: it may be the first of them now. */
static void merge__insert(struct merge *merge, struct source *source)
{
	const struct stream_info *info = stream_reader__info(source->reader);
	const struct source *first = NULL;
	size_t at = merge->count++;

	for (; at && compare_sources(merge->sources[at - 1], source) > 0; at--)
		merge->sources[at] = merge->sources[at - 1];
	merge->sources[at] = source;
	source__anchor(source, NULL);
	for (size_t i = 0; i < merge->count; i++) {
		struct source *other = merge->sources[i];

		other->index = i;
		stream_reader__info_mut(other->reader)->index = merge->first + i;
		if (!same_boot(stream_reader__info(other->reader), info))
			continue;
		source__anchor(other, first);
		first = first ? first : other;
	}
}

static size_t merge__find(const struct merge *merge, const struct stream_reader *reader)
{
	size_t i = 0;

	while (i < merge->count && !stream_reader__same(merge->sources[i]->reader, reader))
		i++;
	return i;
}

static void merge__remove(struct merge *merge, size_t i)
{
	stream_reader__close(merge->sources[i]->reader);
	free(merge->sources[i]);
	merge->count--;
	memmove(merge->sources + i, merge->sources + i + 1, (merge->count - i) * sizeof(*merge->sources));
}

/* runs/latest with the run it points to, or a run and its copy, would count everything twice. Returns whether the
 * stream that is there stays. */
static bool merge__keeps(struct merge *merge, size_t there, struct stream_reader *reader)
{
	struct stream_reader *old = merge->sources[there]->reader;
	bool more = stream_reader__has_more(reader, old);
	struct error sentence;

	error__set(&sentence, 0, "%s: the same stream as %s, which is read%s",
		   stream_reader__info(more ? old : reader)->path, stream_reader__info(more ? reader : old)->path,
		   more ? ": it has more" : "");
	merge__say(merge, MERGE_COPY, sentence.text);
	return !more;
}

int merge__add_reader(struct merge *merge, struct stream_reader *reader, bool whole, struct error *err)
{
	struct source *source = calloc(1, sizeof(*source)), **sources;
	size_t there = merge__find(merge, reader);

	sources = reallocarray(merge->sources, merge->count + 1, sizeof(*sources));
	if (sources)
		merge->sources = sources;
	if (!source || !sources) {
		stream_reader__close(reader);
		free(source);
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	if (there < merge->count) {
		whole = whole || merge->sources[there]->whole;
		merge->sources[there]->whole = whole;
		if (merge__keeps(merge, there, reader)) {
			stream_reader__close(reader);
			free(source);
			return 0;
		}
		merge__remove(merge, there);
	}
	source->reader = reader;
	source->whole = whole;
	source->boot_ns = stream_reader__info(reader)->boot_ns;
	source->real_ns = stream_reader__info(reader)->real_ns;
	merge__insert(merge, source);
	return 0;
}

int merge__add_fd(struct merge *merge, int fd, const char *name, struct error *err)
{
	struct stream_reader *reader;
	int rc = stream_reader__open_fd(&reader, fd, name, err);

	return rc ? rc : merge__add_reader(merge, reader, false, err);
}

/* ---- missing streams ---- */

static bool merge__has(const struct merge *merge, const struct stream_info *of, const char *stream)
{
	for (size_t i = 0; i < merge->count; i++)
		if (merge__same_run(merge__info(merge, i), of) && !strcmp(merge__info(merge, i)->stream, stream))
			return true;
	return false;
}

/* A `lost` record at the beginning of the run. It is the merge's own: no stream has it. */
static int merge__add_missing(struct merge *merge, const struct source *of, const char *name)
{
	const struct stream_info *info = stream_reader__info(of->reader);
	struct record_lost lost = {.head = {.ts = of->boot_ns, .run = info->run.number},
				   .count = EVENT_NULL(EVENT_REASON_LOST),
				   .since = of->boot_ns,
				   .cause = "missing"};
	struct source *missing = reallocarray(merge->missing, merge->missing_count + 1, sizeof(*missing)), *source;

	if (!missing)
		return -ENOMEM;
	merge->missing = missing;
	source = &missing[merge->missing_count];
	*source = (struct source){.offset = of->offset, .index = merge->count + merge->missing_count};
	snprintf(lost.stream_lost, sizeof(lost.stream_lost), "%s", name);
	if (record__pack(&source->bytes, &record_control[RECORD_LOST], RECORD_LOST, 0, &lost.head, sizeof(lost), NULL))
		return -ENOMEM;
	merge->missing_count++;
	record__head(source->bytes.data, source->bytes.size, &source->record);
	source->record.info = info;
	source->record.event = &info->events[RECORD_LOST];
	source->record.real_ns = lost.head.ts - (uint64_t)info->boot_ns + (uint64_t)info->real_ns;
	source->record.added = true;
	return 0;
}

static bool is_in(const char *const *names, const char *name)
{
	while (*names && strcmp(*names, name))
		names++;
	return *names;
}

/* Those streams of a run that its streams list and that are not there, for all of the run's infos. */
static int merge__list_missing(struct merge *merge, const struct source *of)
{
	const struct stream_info *info = stream_reader__info(of->reader);
	const char **names, ***lists = reallocarray(merge->lists, merge->lists_count + 1, sizeof(*lists));
	size_t n = 0;
	int rc = 0;

	if (!lists)
		return -ENOMEM;
	merge->lists = lists;
	names = calloc(STREAM_STREAMS_MAX + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	lists[merge->lists_count++] = names;
	for (size_t i = 0; info->streams[i] && !rc; i++) {
		if (is_in(names, info->streams[i]) || merge__has(merge, info, info->streams[i]))
			continue;
		names[n++] = info->streams[i];
		rc = merge__add_missing(merge, of, info->streams[i]);
	}
	for (size_t i = 0; n && i < merge->count; i++)
		if (merge__same_run(merge__info(merge, i), info))
			stream_reader__info_mut(merge->sources[i]->reader)->missing = names;
	return rc;
}

int merge__find_missing(struct merge *merge)
{
	const struct source *last = NULL; /* streams of a run are neighbours */
	int rc = 0;

	for (size_t i = 0; i < merge->count && !rc; i++) {
		const struct source *source = merge->sources[i];

		if (!source->whole || !merge__info(merge, i)->streams ||
		    (last && merge__same_run(stream_reader__info(last->reader), merge__info(merge, i))))
			continue;
		last = source;
		rc = merge__list_missing(merge, source);
	}
	return rc;
}

/* ---- the merge ---- */

size_t merge__streams(const struct merge *merge)
{
	return merge->count;
}

const struct stream_info *merge__info(const struct merge *merge, size_t i)
{
	return stream_reader__info(merge->sources[i]->reader);
}

const struct stream_state *merge__state(const struct merge *merge, size_t i)
{
	return stream_reader__state(merge->sources[i]->reader);
}

void merge__select(struct merge *merge, size_t i, const bool *kinds)
{
	stream_reader__info_mut(merge->sources[i]->reader)->selected = kinds;
}

void merge__limit(struct merge *merge, const char *const *limits)
{
	for (size_t i = 0; i < merge__streams(merge); i++)
		stream_reader__info_mut(merge->sources[i]->reader)->verdicts = limits;
}

void merge__progress(const struct merge *merge, uint64_t *done, uint64_t *total)
{
	uint64_t one, all;
	size_t i;

	*done = *total = 0;
	for (i = 0; i < merge->count; i++) {
		stream_reader__progress(merge->sources[i]->reader, &one, &all);
		*done += one;
		*total += all;
	}
}

static void merge__wait(struct merge *merge, struct source *source)
{
	uint64_t key = stream_reader__mark(source->reader) + source->offset;

	if (!merge->waiting++ || key < merge->bound)
		merge->bound = key;
	source->waits = true;
	source->held = false;
}

/* 1 with the source's next record as *item, 0 at its end, or where the rest is still to come, -errno. */
static int source__next(struct merge *merge, struct source *source, struct heap_item *item)
{
	int rc;

	if (source->reader)
		rc = stream_reader__next(source->reader, &source->record);
	else
		rc = source != merge->last; /* a single record */
	if (rc == -EAGAIN) {
		merge__wait(merge, source);
		return 0;
	}
	if (rc < 0)
		merge->failed = source->index;
	if (!rc && merge->follows && source->reader)
		stream_reader__release(source->reader);
	source->held = rc == 1;
	if (rc == 1)
		*item = (struct heap_item){source->record.ts + source->offset, source->index, source};
	return rc;
}

static int merge__start(struct merge *merge)
{
	struct heap_item item;
	int rc;

	merge->started = true;
	for (size_t i = 0; i < merge->count + (merge->resumed ? 0 : merge->missing_count); i++) {
		rc = source__next(merge, i < merge->count ? merge->sources[i] : &merge->missing[i - merge->count],
				  &item);
		if (rc == 1)
			rc = heap__push(&merge->heap, item);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int merge__next(struct merge *merge, struct record *record)
{
	struct heap_item item;
	int rc = 0;

	if (!merge->started) {
		rc = merge__start(merge);
	} else if (merge->last) {
		rc = source__next(merge, merge->last, &item);
		if (rc == 1)
			heap__replace(&merge->heap, item);
		else if (!rc)
			heap__pop(&merge->heap);
	}
	if (rc < 0)
		return rc;
	merge->last = NULL;
	if (merge->waiting && (!merge->heap.count || merge->heap.items[0].key > merge->bound))
		return -EAGAIN;
	if (!merge->heap.count)
		return 0;
	merge->last = merge->heap.items[0].data;
	merge->last->held = false;
	*record = merge->last->record;
	return 1;
}

void merge__follow(struct merge *merge, uint32_t first)
{
	merge->follows = true;
	merge->first = first;
	for (size_t i = 0; i < merge->count; i++) {
		stream_reader__follow(merge->sources[i]->reader);
		stream_reader__info_mut(merge->sources[i]->reader)->index = first + i;
	}
}

/* Has a source that waits look again. */
static int merge__look(struct merge *merge, struct source *source)
{
	struct heap_item item;
	int rc = stream_reader__refresh(source->reader);

	if (rc == 1) {
		source->waits = false;
		rc = source__next(merge, source, &item);
		return rc == 1 ? heap__push(&merge->heap, item) : rc;
	}
	if (!rc)
		merge__wait(merge, source);
	return rc;
}

int merge__refresh(struct merge *merge)
{
	int rc = 0;

	merge->waiting = 0;
	for (size_t i = 0; i < merge->count && !rc; i++)
		if (merge->sources[i]->waits)
			rc = merge__look(merge, merge->sources[i]);
	return rc;
}

void merge__tell(const struct merge *merge, size_t i, struct stream_position *position)
{
	stream_reader__tell(merge->sources[i]->reader, merge->sources[i]->held, position);
}

int merge__seek(struct merge *merge, size_t i, const struct stream_position *position)
{
	int rc = stream_reader__seek(merge->sources[i]->reader, position);

	merge->resumed |= !rc;
	return rc;
}

size_t merge__failed(const struct merge *merge)
{
	return merge->failed;
}

void merge__free(struct merge *merge)
{
	size_t i;

	if (!merge)
		return;
	for (i = 0; i < merge->count; i++) {
		stream_reader__close(merge->sources[i]->reader);
		free(merge->sources[i]);
	}
	for (i = 0; i < merge->missing_count; i++)
		buffer__free(&merge->missing[i].bytes);
	for (i = 0; i < merge->lists_count; i++)
		free(merge->lists[i]);
	free(merge->missing);
	free(merge->lists);
	free(merge->sources);
	heap__free(&merge->heap);
	free(merge);
}
