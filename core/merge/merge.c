/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges streams: the next record is the least of each stream's next.
 *
 * The key is the boot clock plus one offset for all streams of that boot, taken from the first anchor of
 * the first of them. So the order inside a boot is the kernel's own and no step of the real-time
 * clock can change it, and boots and hosts are aligned by their clocks at the start. */
#include "core/merge/merge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"

/* Anchors of one boot differ by the nanoseconds between two calls, unless the clock was set. */
#define SAME_ANCHOR_NS 1000000

struct source {
	struct stream_reader *reader;
	struct record record;
	uint64_t offset; /* real time minus boot clock, the same for all of a boot */
	uint32_t index;
};

struct merge {
	struct source **sources;
	size_t count, failed;
	struct heap heap;
	struct source *last; /* its record was handed out; it is advanced by the next call */
	bool started;
};

struct merge *merge__new(void)
{
	return calloc(1, sizeof(struct merge));
}

static bool same_boot(const struct stream_info *a, const struct stream_info *b)
{
	return *a->boot_id && !strcmp(a->boot_id, b->boot_id);
}

/* The streams of a boot each looked at the clocks for themselves, some nanoseconds apart: times that are
 * shown must not contradict the order. */
static void source__anchor(struct merge *merge, struct source *source)
{
	struct stream_info *info = stream_reader__info_mut(source->reader);
	const struct stream_info *other;
	int64_t apart;
	size_t i;

	source->offset = (uint64_t)info->real_ns - (uint64_t)info->boot_ns;
	for (i = 0; i < merge->count; i++) {
		other = stream_reader__info(merge->sources[i]->reader);
		if (!same_boot(info, other))
			continue;
		apart = source->offset - merge->sources[i]->offset;
		if (apart < SAME_ANCHOR_NS && apart > -SAME_ANCHOR_NS) {
			info->boot_ns = other->boot_ns;
			info->real_ns = other->real_ns;
		}
		source->offset = merge->sources[i]->offset;
		return;
	}
}

/* runs/latest beside the run it points to would count everything twice. */
static const struct source *merge__same(const struct merge *merge, const struct source *source)
{
	size_t i;

	for (i = 0; i < merge->count; i++)
		if (stream_reader__same(merge->sources[i]->reader, source->reader))
			return merge->sources[i];
	return NULL;
}

int merge__add_fd(struct merge *merge, int fd, const char *name, struct error *err)
{
	struct source *source = calloc(1, sizeof(*source)), **sources;
	const struct source *same;
	int rc = -ENOMEM;

	sources = reallocarray(merge->sources, merge->count + 1, sizeof(*sources));
	if (sources)
		merge->sources = sources;
	if (!source || !sources) {
		error__set(err, rc, "%s", strerror(ENOMEM));
		close(fd);
		goto out;
	}
	rc = stream_reader__open_fd(&source->reader, fd, name, err);
	if (rc)
		goto out;
	same = merge__same(merge, source);
	if (same) {
		rc = error__set(err, -EEXIST, "the same stream as %s", stream_reader__info(same->reader)->path);
		goto out;
	}
	source->index = merge->count;
	stream_reader__info_mut(source->reader)->index = merge->count;
	source__anchor(merge, source);
	merge->sources[merge->count++] = source;
	source = NULL;
out:
	if (source)
		stream_reader__close(source->reader);
	free(source);
	return rc;
}

static int merge__add_file(struct merge *merge, const char *path, struct error *err)
{
	/* a FIFO of that name must not block */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? error__set(err, -errno, "%s", strerror(errno)) : merge__add_fd(merge, fd, path, err);
}

static int is_stream(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), suffix = strlen(STREAM_SUFFIX);

	return length > suffix && *entry->d_name != '.' && !strcmp(entry->d_name + length - suffix, STREAM_SUFFIX);
}

static int merge__add_folder(struct merge *merge, const char *path, void (*warn)(const char *sentence),
			     struct error *err)
{
	struct error why, sentence;
	char *file;
	struct dirent **names;
	int i, n, rc = 0;
	size_t before = merge->count;

	n = scandir(path, &names, is_stream, alphasort);
	if (n < 0)
		return error__set(err, -errno, "%s: %s", path, strerror(errno));
	for (i = 0; i < n; i++) {
		if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
			file = NULL;
		rc = file ? merge__add_file(merge, file, &why) : -ENOMEM;
		if (rc == -ENOMEM)
			error__set(&why, rc, "%s", strerror(ENOMEM));
		if (rc) {
			error__set(&sentence, 0, "%s: %s", file ? file : names[i]->d_name, why.text);
			if (warn)
				warn(sentence.text);
		}
		free(file);
		free(names[i]);
	}
	free(names);
	if (!n)
		return error__set(err, -ENOENT, "%s: no streams (*%s) in this folder", path, STREAM_SUFFIX);
	if (merge->count == before)
		return error__set(err, rc, "%s", sentence.text);
	return 0;
}

int merge__add(struct merge *merge, const char *path, void (*warn)(const char *sentence), struct error *err)
{
	struct stat st;
	struct error why;
	int rc;

	if (merge->started)
		return error__set(err, -EBUSY, "%s: the merge has begun", path);
	if (stat(path, &st))
		return error__set(err, -errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return merge__add_folder(merge, path, warn, err);
	rc = merge__add_file(merge, path, &why);
	return rc ? error__set(err, rc, "%s: %s", path, why.text) : 0;
}

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

/* 1 with the source's next record as *item, 0 at its end, -errno. */
static int source__next(struct merge *merge, struct source *source, struct heap_item *item)
{
	int rc = stream_reader__next(source->reader, &source->record);

	if (rc < 0)
		merge->failed = source->index;
	if (rc == 1)
		*item = (struct heap_item){source->record.ts + source->offset, source->index, source};
	return rc;
}

static int merge__start(struct merge *merge)
{
	struct heap_item item;
	size_t i;
	int rc;

	merge->started = true;
	for (i = 0; i < merge->count; i++) {
		rc = source__next(merge, merge->sources[i], &item);
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
	merge->last = merge->heap.count ? merge->heap.items[0].data : NULL;
	if (!merge->last)
		return 0;
	*record = merge->last->record;
	return 1;
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
	free(merge->sources);
	heap__free(&merge->heap);
	free(merge);
}
