/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a stream: records gather in a block, a flush closes it and hands it to the disk.
 *
 * What the disk refuses is dropped as a whole block, and the next block begins by the `lost` record
 * that says so. If that is refused too, its count is part of what the one after it tells. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/pack.h"
#include "core/stream.h"
#include "core/stream/stream_block.h"
#include "core/stream/stream_header.h"

#define BLOCK_BYTES (256U << 10)
#define CLOCK_TOLERANCE_NS 1000000

struct stream_writer {
	int fd, error;
	uint64_t offset; /* of the next block in the file */
	uint64_t seq;
	uint64_t records, dropped, lost; /* events, and what `lost` records tell */
	uint64_t unsaid;		 /* lost, and no memory to say so yet */
	uint64_t written_ts;		 /* last event that is on disk */
	struct stream_anchor anchor;
	uint8_t marker[STREAM_MARKER];
	struct buffer block;
	/* of the block that gathers */
	uint64_t block_records, block_events, block_lost, block_since, block_ts;

	const struct schema_event *events;
	size_t events_count, block_bytes;
	uint32_t run;
	record_filter filter;
	void *filter_arg;
	char stream[32];
};

static int writer__keep(struct stream_writer *w, int err)
{
	if (err && !w->error)
		w->error = err;
	return w->error;
}

static void block__reset(struct stream_writer *w)
{
	w->block.size = 0;
	w->block_records = w->block_events = w->block_lost = w->block_ts = 0;
	w->block_since = UINT64_MAX;
}

static int writer__control(struct stream_writer *w, unsigned kind, struct event *event, size_t size)
{
	int err;

	event->ts = stream_anchor__now().boot_ns;
	event->run = w->run;
	err = record__pack(&w->block, &record_control[kind], kind, w->seq, event, size, NULL, NULL);
	if (err)
		return err;
	w->seq++;
	w->block_records++;
	return 0;
}

static int writer__pack_lost(struct stream_writer *w, uint64_t count, uint64_t since, const char *event,
			     const char *cause)
{
	struct record_lost lost = {.count = count, .since = since};
	int err;

	snprintf(lost.stream_lost, sizeof(lost.stream_lost), "%s", w->stream);
	snprintf(lost.event_lost, sizeof(lost.event_lost), "%s", event);
	snprintf(lost.cause, sizeof(lost.cause), "%s", cause);
	err = writer__control(w, RECORD_LOST, &lost.head, sizeof(lost));
	if (err)
		return err;
	if (!EVENT_IS_NULL(count)) {
		w->lost += count;
		w->block_lost += count;
	}
	if (since < w->block_since)
		w->block_since = since;
	return 0;
}

/* The writer's own losses; any event. */
static int writer__tell(struct stream_writer *w, uint64_t count, uint64_t since, const char *cause)
{
	int err;

	w->unsaid += count;
	err = writer__pack_lost(w, w->unsaid, since, "", cause);
	if (!err)
		w->unsaid = 0;
	return err;
}

static const char *cause_name(int err)
{
	const char *name;

	if (err == -ENOSPC || err == -EDQUOT)
		return "disk_full";
	name = strerrorname_np(-err);
	return name ? name : "write_error";
}

/* All or nothing: what a refused write left is truncated. */
static int write_at(int fd, uint64_t offset, const uint8_t *bytes, size_t size)
{
	size_t done = 0;
	ssize_t n;
	int err;

	while (done < size) {
		n = pwrite(fd, bytes + done, size - done, offset + done);
		if (n > 0) {
			done += n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		err = n < 0 ? -errno : -ENOSPC;
		/* Where even this fails, the reader finds the next block by its marker. */
		while (ftruncate(fd, offset) && errno == EINTR)
			;
		return err;
	}
	return 0;
}

/* The block is gone: tells so at the beginning of the next one. */
static void block__drop(struct stream_writer *w, int err)
{
	uint64_t count = w->block_events + w->block_lost;
	uint64_t since = w->block_since < w->written_ts ? w->block_since : w->written_ts;

	w->dropped += w->block_events;
	w->records -= w->block_events;
	w->lost -= w->block_lost;
	block__reset(w);
	if (count)
		writer__keep(w, writer__tell(w, count, since, cause_name(err)));
}

static int block__write(struct stream_writer *w)
{
	struct stream_sync sync = {.records = w->block_records, .total = w->records + w->lost};
	struct event head = {.ts = stream_anchor__now().boot_ns, .run = w->run};
	int err;

	err = stream_sync__pack(&w->block, w->marker, &head, w->seq, &sync);
	if (!err)
		err = write_at(w->fd, w->offset, w->block.data, w->block.size);
	if (err) {
		block__drop(w, err);
		return err;
	}
	w->seq++;
	w->offset += w->block.size;
	if (w->block_ts > w->written_ts)
		w->written_ts = w->block_ts;
	block__reset(w);
	return 0;
}

static int writer__clock(struct stream_writer *w)
{
	struct stream_anchor now = stream_anchor__now();
	struct record_clock clock = {.boot_ns = now.boot_ns, .real_ns = now.real_ns};
	int64_t moved = (now.real_ns - now.boot_ns) - (w->anchor.real_ns - w->anchor.boot_ns);
	int err;

	if (moved <= CLOCK_TOLERANCE_NS && moved >= -CLOCK_TOLERANCE_NS)
		return 0;
	err = writer__control(w, RECORD_CLOCK, &clock.head, sizeof(clock));
	if (!err)
		w->anchor = now;
	return err;
}

int stream_writer__flush(struct stream_writer *w)
{
	struct stream_anchor before = w->anchor;
	int err;

	if (w->unsaid)
		writer__tell(w, 0, w->written_ts, cause_name(-ENOMEM));
	if (!w->block_records)
		return w->error;
	err = writer__clock(w);
	if (!err)
		err = block__write(w);
	if (err)
		w->anchor = before;
	return writer__keep(w, err);
}

/* An event that cannot be taken at all: no such kind, too long, or no memory. Only the last sticks. */
static int writer__refuse(struct stream_writer *w, int err)
{
	w->dropped++;
	writer__keep(w, writer__tell(w, 1, w->block_ts ? w->block_ts : w->written_ts, cause_name(err)));
	return err == -ENOMEM ? writer__keep(w, err) : err;
}

int stream_writer__event(struct stream_writer *w, const struct event *event, size_t size)
{
	size_t start = w->block.size;
	int err = -EINVAL;

	if (size >= sizeof(*event) && event->kind < w->events_count && w->events[event->kind].name &&
	    size >= w->events[event->kind].size)
		err = record__pack(&w->block, &w->events[event->kind], SCHEMA_KIND_BASE + event->kind, w->seq, event,
				   size, w->filter, w->filter_arg);
	if (!err && w->block.size - start > STREAM_BLOCK_MAX / 4) {
		w->block.size = start;
		err = -EMSGSIZE;
	}
	if (err)
		return writer__refuse(w, err);
	w->seq++;
	w->records++;
	w->block_records++;
	w->block_events++;
	if (event->ts > w->block_ts)
		w->block_ts = event->ts;
	if (w->block.size >= w->block_bytes || w->block_records >= STREAM_BLOCK_RECORDS_MAX / 2)
		return stream_writer__flush(w);
	return w->error;
}

int stream_writer__lost(struct stream_writer *w, uint64_t count, uint64_t since, int kind, const char *cause)
{
	const char *event = "";
	int err;

	if (kind >= 0 && (size_t)kind < w->events_count && w->events[kind].name)
		event = w->events[kind].name;
	err = writer__pack_lost(w, count, since, event, cause);
	return writer__keep(w, err);
}

uint64_t stream_writer__records(const struct stream_writer *w)
{
	return w->records;
}

uint64_t stream_writer__dropped(const struct stream_writer *w)
{
	return w->dropped;
}

int stream_writer__error(const struct stream_writer *w)
{
	return w->error;
}

int stream_writer__close(struct stream_writer *w)
{
	struct record_end end = {0};
	int err;

	if (!w)
		return 0;
	/* What is left has a block of its own, so that the end is refused only if it does not fit itself. */
	stream_writer__flush(w);
	end.records = w->records;
	end.lost = w->lost;
	err = writer__control(w, RECORD_END, &end.head, sizeof(end));
	if (!err)
		err = block__write(w);
	writer__keep(w, err);
	if (w->fd >= 0 && close(w->fd))
		writer__keep(w, -errno);
	err = w->error;
	buffer__free(&w->block);
	free(w);
	return err;
}

/* The header is a block of its own: what names every field must not be damaged unseen. */
static int writer__header(struct stream_writer *w, const struct stream_writer_opts *opts)
{
	int err;

	err = stream_header__pack(&w->block, opts, w->marker, &w->anchor);
	if (!err && w->block.size > STREAM_HEADER_MAX)
		err = -EMSGSIZE;
	return err ? err : block__write(w);
}

int stream_writer__open(struct stream_writer **writer, int dirfd, const struct stream_writer_opts *opts)
{
	char name[sizeof((*writer)->stream) + sizeof(STREAM_SUFFIX)];
	struct stream_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->events = opts->events;
	w->events_count = opts->events_count < SCHEMA_EVENTS_MAX ? opts->events_count : SCHEMA_EVENTS_MAX;
	w->block_bytes = opts->block_bytes ? opts->block_bytes : BLOCK_BYTES;
	if (w->block_bytes > STREAM_BLOCK_MAX / 2)
		w->block_bytes = STREAM_BLOCK_MAX / 2;
	w->run = opts->run.number;
	w->filter = opts->filter;
	w->filter_arg = opts->filter_arg;
	snprintf(w->stream, sizeof(w->stream), "%s", opts->stream);
	snprintf(name, sizeof(name), "%s" STREAM_SUFFIX, w->stream);
	w->anchor = stream_anchor__now();
	w->written_ts = w->anchor.boot_ns;
	block__reset(w);
	if (getrandom(w->marker, sizeof(w->marker), 0) != sizeof(w->marker)) {
		err = -EIO;
		goto out;
	}
	w->fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (w->fd < 0) {
		err = -errno;
		goto out;
	}
	err = writer__header(w, opts);
	if (err)
		unlinkat(dirfd, name, 0);
out:
	if (err) {
		if (w->fd >= 0)
			close(w->fd);
		buffer__free(&w->block);
		free(w);
		return err;
	}
	*writer = w;
	return 0;
}
