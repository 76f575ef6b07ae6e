/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a stream: records collect in a block; a flush closes it and writes it to the file.
 *
 * If a write fails, the whole block is dropped and the next one begins with a `lost` record that says so.
 * If that one fails as well, its count is added to the `lost` record after it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/pack.h"
#include "core/stream.h"
#include "core/stream/stream_block.h"
#include "core/stream/stream_header.h"
#include "core/stream/stream_lock.h"
#include "core/stream/stream_write.h"

#define BLOCK_BYTES (256U << 10)
#define CLOCK_TOLERANCE_NS 1000000

struct stream_writer {
	int fd, error;
	uint64_t offset; /* of the next block in the file */
	uint64_t seq;
	uint64_t records, dropped, lost; /* lost: as `lost` records count them */
	uint64_t unreported;		 /* lost, but out of memory for a `lost` record */
	uint64_t written_ts;		 /* last event that is in the file */
	bool marks;			 /* stream_writer_opts.marks */
	uint64_t until, marked;		 /* the mark: of the next block; in the file */
	uint64_t latest;		 /* last event or `lost` record that is in the file */
	bool ended;			 /* the `end` record is the last one in the file */
	uint32_t segment;
	struct { /* in the segments before this one */
		uint64_t bytes, records, lost, redacted;
	} before;
	struct stream_anchor anchor;
	uint8_t marker[STREAM_MARKER];
	struct buffer block;
	/* of the block being filled */
	uint64_t block_records, block_events, block_lost, block_since, block_ts, block_lost_ts;

	const struct schema_event *events;
	size_t events_count, block_bytes;
	uint32_t run;
	struct record_privacy privacy; /* redacted: in the block being filled */
	uint64_t redacted;	       /* before it */
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
	w->block_records = w->block_events = w->block_lost = w->block_ts = w->block_lost_ts = 0;
	w->block_since = UINT64_MAX;
	w->privacy.redacted = 0;
}

static int writer__control(struct stream_writer *w, unsigned kind, struct event *event, size_t size)
{
	int err;

	event->ts = stream_anchor__now().boot_ns;
	event->run = w->run;
	err = record__pack(&w->block, &record_control[kind], kind, w->seq, event, size, NULL);
	if (err)
		return err;
	w->seq++;
	w->block_records++;
	w->ended = false;
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
	w->block_lost_ts = lost.head.ts;
	if (!EVENT_IS_NULL(count)) {
		w->lost += count;
		w->block_lost += count;
	}
	if (since < w->block_since)
		w->block_since = since;
	return 0;
}

/* Reports the writer's own losses, of any event. */
static int writer__report_lost(struct stream_writer *w, uint64_t count, uint64_t since, const char *cause)
{
	int err;

	w->unreported += count;
	err = writer__pack_lost(w, w->unreported, since, "", cause);
	if (!err)
		w->unreported = 0;
	return err;
}

/* Drops the block; the next one begins with a `lost` record. */
static void block__drop(struct stream_writer *w, int err)
{
	uint64_t count = w->block_events + w->block_lost;
	uint64_t since = w->block_since < w->written_ts ? w->block_since : w->written_ts;

	w->dropped += w->block_events;
	w->records -= w->block_events;
	w->lost -= w->block_lost;
	block__reset(w);
	if (count)
		writer__keep(w, writer__report_lost(w, count, since, stream_write__cause(err)));
}

static uint64_t max3(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t most = a > b ? a : b;

	return most > c ? most : c;
}

static int block__write(struct stream_writer *w)
{
	struct stream_sync sync = {.records = w->block_records, .total = w->records + w->lost};
	struct event head = {.ts = w->marks ? w->until : stream_anchor__now().boot_ns, .run = w->run};
	int err;

	err = stream_sync__pack(&w->block, w->marker, &head, w->seq, &sync);
	if (!err)
		err = stream_write__at(w->fd, w->offset, w->block.data, w->block.size);
	if (err) {
		block__drop(w, err);
		return err;
	}
	w->seq++;
	w->offset += w->block.size;
	w->redacted += w->privacy.redacted;
	w->marked = head.ts;
	w->latest = max3(w->latest, w->block_ts, w->block_lost_ts);
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

	if (w->unreported)
		writer__report_lost(w, 0, w->written_ts, stream_write__cause(-ENOMEM));
	if (!w->block_records)
		return w->error;
	err = writer__clock(w);
	if (!err)
		err = block__write(w);
	if (err)
		w->anchor = before;
	return writer__keep(w, err);
}

void stream_writer__reached(struct stream_writer *w, uint64_t until)
{
	if (until > w->until)
		w->until = until;
}

int stream_writer__mark(struct stream_writer *w)
{
	if (w->ended || w->block_records || !w->marks || w->marked >= w->until)
		return w->error;
	return writer__keep(w, block__write(w));
}

uint64_t stream_writer__marked(const struct stream_writer *w)
{
	return w->marked;
}

uint64_t stream_writer__latest(const struct stream_writer *w)
{
	return w->latest;
}

/* An event that cannot be recorded: unknown kind, too long, or out of memory. Only out of memory is sticky. */
static int writer__refuse(struct stream_writer *w, int err)
{
	w->dropped++;
	writer__keep(w, writer__report_lost(w, 1, w->block_ts ? w->block_ts : w->written_ts, stream_write__cause(err)));
	return err == -ENOMEM ? writer__keep(w, err) : err;
}

int stream_writer__event(struct stream_writer *w, const struct event *event, size_t size)
{
	uint64_t redacted = w->privacy.redacted;
	size_t start = w->block.size;
	int err = -EINVAL;

	if (size >= sizeof(*event) && event->kind < w->events_count && w->events[event->kind].name &&
	    size >= w->events[event->kind].size)
		err = record__pack(&w->block, &w->events[event->kind], SCHEMA_KIND_BASE + event->kind, w->seq, event,
				   size, &w->privacy);
	if (!err && w->block.size - start > STREAM_BLOCK_MAX / 4) {
		w->block.size = start;
		err = -EMSGSIZE;
	}
	if (err) {
		w->privacy.redacted = redacted;
		return writer__refuse(w, err);
	}
	w->seq++;
	w->records++;
	w->block_records++;
	w->block_events++;
	w->ended = false;
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

uint64_t stream_writer__bytes(const struct stream_writer *w)
{
	return w->before.bytes + w->offset;
}

uint64_t stream_writer__size(const struct stream_writer *w)
{
	return stream_writer__bytes(w) + w->block.size;
}

uint32_t stream_writer__segment(const struct stream_writer *w)
{
	return w->segment;
}

uint64_t stream_writer__segment_bytes(const struct stream_writer *w)
{
	return w->offset;
}

bool stream_writer__deleted(const struct stream_writer *w)
{
	struct stat st;

	return !fstat(w->fd, &st) && !st.st_nlink;
}

void stream_writer__start_sync(const struct stream_writer *w)
{
	/* an error shows in the sync */
	sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int stream_writer__sync(const struct stream_writer *w)
{
	/* EINVAL: this file system has nothing to wait for */
	return fdatasync(w->fd) && errno != EINVAL ? -errno : 0;
}

int stream_writer__unsynced(struct stream_writer *w, int err, uint64_t since)
{
	return stream_writer__lost(w, EVENT_NULL(EVENT_REASON_LOST), since, -1, stream_write__cause(err));
}

/* `next`: the marker of the segment with which it goes on. */
static int write_end(struct stream_writer *w, const uint8_t *next)
{
	struct record_end end = {
		.records = w->records - w->before.records,
		.lost = w->lost - w->before.lost,
		.redacted = w->redacted - w->before.redacted,
	};
	int err;

	if (next)
		stream_marker__put(end.next, next);
	err = writer__control(w, RECORD_END, &end.head, sizeof(end));
	return err ? err : block__write(w);
}

int stream_writer__end(struct stream_writer *w)
{
	int err;

	/* Pending records go into a block of their own: a full disk may still have room for the end. */
	stream_writer__flush(w);
	if (w->ended)
		return w->error;
	err = write_end(w, NULL);
	writer__keep(w, err);
	w->ended = !err;
	stream_lock__drop(w->fd);
	return w->error;
}

void stream_writer__break_off(struct stream_writer *w)
{
	stream_writer__flush(w);
	w->ended = true; /* close adds nothing */
	stream_lock__drop(w->fd);
}

int stream_writer__close(struct stream_writer *w)
{
	int err;

	if (!w)
		return 0;
	stream_writer__end(w);
	if (close(w->fd))
		writer__keep(w, -errno);
	err = w->error;
	buffer__free(&w->block);
	free(w);
	return err;
}

void stream_writer__prepare(void)
{
	char boot_id[STREAM_BOOT_ID];

	stream_boot_id__read(boot_id); /* is kept */
}

/* The header is a block of its own, with a CRC: it names every field. The lock comes first: a stream without one has
 * no header, or its writer has ended. */
static int writer__header(struct stream_writer *w, const struct stream_writer_opts *opts)
{
	int err;

	err = stream_header__pack(&w->block, opts, w->marker, &w->anchor, stream_lock__take(w->fd));
	if (!err && w->block.size > STREAM_HEADER_MAX)
		err = -EMSGSIZE;
	return err ? err : block__write(w);
}

int stream_writer__open_fd(struct stream_writer **writer, int fd, const struct stream_writer_opts *opts)
{
	struct stream_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w) {
		close(fd);
		return -ENOMEM;
	}
	w->fd = fd;
	w->events = opts->events;
	w->events_count = opts->events_count < SCHEMA_EVENTS_MAX ? opts->events_count : SCHEMA_EVENTS_MAX;
	w->block_bytes = opts->block_bytes ? opts->block_bytes : BLOCK_BYTES;
	if (w->block_bytes > STREAM_BLOCK_MAX / 2)
		w->block_bytes = STREAM_BLOCK_MAX / 2;
	w->run = opts->run.number;
	w->marks = opts->marks;
	w->privacy = opts->privacy;
	snprintf(w->stream, sizeof(w->stream), "%s", opts->stream);
	w->anchor = stream_anchor__now();
	w->written_ts = w->anchor.boot_ns;
	w->segment = 1;
	block__reset(w);
	err = getrandom(w->marker, sizeof(w->marker), 0) == sizeof(w->marker) ? writer__header(w, opts) : -EIO;
	if (err) {
		close(w->fd);
		buffer__free(&w->block);
		free(w);
		return err;
	}
	*writer = w;
	return 0;
}

/* Its header has the anchor in use and the total so far: real times go on, and a segment that is missing can be counted. */
static int write_header(struct stream_writer *w, int fd, const struct stream_writer_opts *opts, uint8_t *marker,
			uint64_t *size)
{
	struct stream_sync sync = {.total = w->records + w->lost};
	struct event head = {.ts = w->marks ? w->marked : stream_anchor__now().boot_ns, .run = w->run};
	struct buffer header = {0};
	int err = getrandom(marker, STREAM_MARKER, 0) == STREAM_MARKER ? 0 : -EIO;

	if (!err)
		err = stream_header__pack(&header, opts, marker, &w->anchor, stream_lock__take(fd));
	if (!err)
		err = stream_sync__pack(&header, marker, &head, 0, &sync);
	if (!err)
		err = stream_write__at(fd, 0, header.data, header.size);
	*size = header.size;
	buffer__free(&header);
	return err;
}

int stream_writer__go_on(struct stream_writer *w, int fd, const struct stream_writer_opts *opts)
{
	struct stream_writer_opts next = *opts;
	uint8_t marker[STREAM_MARKER];
	int err, last = w->fd;
	uint64_t size;

	if (w->ended || w->block_records || w->unreported)
		return -EAGAIN;
	next.segment = w->segment + 1;
	next.follows = w->marker;
	err = write_header(w, fd, &next, marker, &size);
	if (err) {
		stream_lock__drop(fd);
		return err;
	}
	/* Without room for the end nothing is lost: the total in the next header says that it is complete. */
	if (write_end(w, marker))
		block__reset(w);
	stream_lock__drop(last);
	w->before.bytes += w->offset;
	w->before.records = w->records;
	w->before.lost = w->lost;
	w->before.redacted = w->redacted;
	memcpy(w->marker, marker, sizeof(marker));
	w->fd = fd;
	w->offset = size;
	w->segment++;
	w->seq = 1;
	w->ended = false;
	return last;
}

int stream_writer__open(struct stream_writer **writer, int dirfd, const struct stream_writer_opts *opts)
{
	char name[sizeof((*writer)->stream) + sizeof(STREAM_SUFFIX)];
	int fd, err;

	snprintf(name, sizeof(name), "%.*s" STREAM_SUFFIX, (int)sizeof((*writer)->stream) - 1, opts->stream);
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	err = stream_writer__open_fd(writer, fd, opts);
	if (err)
		unlinkat(dirfd, name, 0);
	return err;
}
