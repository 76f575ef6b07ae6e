/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a stream: block by block, each only if its sync is right, sorted inside a window of two.
 *
 * Input is untrusted: nothing is used before its CRC has been verified, and no block is longer
 * than STREAM_BLOCK_MAX. After damage the next block is found by its marker, and a `lost` record
 * says what is missing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/pack.h"
#include "core/stream.h"
#include "core/stream/stream_load.h"

#define WANT (64U << 10)

struct stream_reader {
	struct stream_input input;
	struct stream_header header;
	struct stream_state state;
	struct stream_anchor anchor; /* of the header, whatever is made of the info's */
	struct stream_block blocks[2];
	uint64_t offset;		/* of the next block */
	uint64_t total, ts, seq, shift; /* after the last valid block */
	uint64_t delivered;		/* latest ts that was handed out */
	bool finished;			/* the input has no more blocks */
	char *path;
};

/* Finds the first block after a damaged one that began at `bad`. A marker that does not close a right
 * block bounds what is looked at afterwards, so that no byte is checked twice. */
static int reader__resync(struct stream_reader *r, struct stream_block *b, uint64_t bad, uint64_t *start,
			  uint64_t *next)
{
	uint64_t found, floor = bad, from = bad, begin = bad, markers = 0;
	struct stream_sync sync;
	const uint8_t *bytes;
	struct cursor c;
	size_t got;
	int err;

	for (;; markers++, floor = from = found + STREAM_MARKER) {
		err = stream_input__find(&r->input, from, r->header.marker, STREAM_MARKER, &found);
		if (err != 1)
			break;
		err = stream_input__view(&r->input, found + STREAM_MARKER, 64, &bytes, &got);
		if (err)
			break;
		c = (struct cursor){bytes, bytes + got};
		if (!stream_sync__parse(&c, &sync) || sync.bytes > found - floor || found - sync.bytes == bad)
			continue;
		begin = found - sync.bytes;
		err = stream_block__load(b, &r->input, &r->header, begin, sync.bytes + STREAM_MARKER + (c.at - bytes),
					 next);
		if (err != -EBADMSG)
			break;
	}
	*start = begin;
	r->state.damaged_blocks += markers ? markers : 1;
	return err;
}

/* Adds what the reader itself has to tell: what is missing between the last right block and this one. */
static int reader__tell(struct stream_reader *r, struct stream_block *b, uint64_t count, const char *cause)
{
	struct record_lost lost = {
		.head = {.ts = r->ts, .run = r->header.info.run.number}, .count = count, .since = r->ts};
	size_t offset = b->bytes.size;
	struct record record;
	int err;

	snprintf(lost.stream_lost, sizeof(lost.stream_lost), "%s", r->header.info.stream);
	snprintf(lost.cause, sizeof(lost.cause), "%s", cause);
	err = record__pack(&b->bytes, &record_control[RECORD_LOST], RECORD_LOST, r->seq + 1, &lost.head, sizeof(lost),
			   NULL, NULL);
	if (err)
		return err;
	record__head(b->bytes.data + offset, b->bytes.size - offset, &record);
	return stream_block__add(b, &record, offset);
}

/* A right block: what it says about the stream holds from here on. */
static void reader__accept(struct stream_reader *r, struct stream_block *b, uint64_t next)
{
	b->shift = r->shift;
	r->offset = next;
	r->total = b->sync.total;
	r->seq = b->seq;
	if (b->ts > r->ts)
		r->ts = b->ts;
	if (b->anchored)
		r->shift = (b->anchor.real_ns - b->anchor.boot_ns) - (r->anchor.real_ns - r->anchor.boot_ns);
	if (b->end)
		r->state.complete = true;
}

/* How many events the damage took: the totals on both sides of it tell. */
static uint64_t reader__gap(const struct stream_reader *r, const struct stream_block *b)
{
	uint64_t before = b->sync.total - b->events - b->lost;

	return before >= r->total && !EVENT_IS_NULL(before - r->total) ? before - r->total
								       : EVENT_NULL(EVENT_REASON_LOST);
}

/* Puts the next right block into `b`; leaves it empty at the end. */
static int reader__fill(struct stream_reader *r, struct stream_block *b)
{
	uint64_t next = 0, start = r->offset, bad = r->offset;
	bool damaged;
	int err;

	err = stream_block__load(b, &r->input, &r->header, r->offset, STREAM_BLOCK_MAX, &next);
	damaged = err == -EBADMSG;
	if (damaged)
		err = reader__resync(r, b, bad, &start, &next);
	if (err < 0)
		return err;
	if (err == 1) {
		r->state.damaged_bytes += start - bad;
		err = damaged ? reader__tell(r, b, reader__gap(r, b), "damage") : 0;
		reader__accept(r, b, next);
		stream_block__sort(b);
		return err;
	}
	r->finished = true;
	stream_block__reset(b);
	r->state.damaged_bytes += r->input.size - bad;
	r->offset = r->input.size;
	if (r->state.complete && !damaged)
		return 0;
	return reader__tell(r, b, EVENT_NULL(EVENT_REASON_LOST), r->state.complete ? "damage" : "truncated");
}

static void reader__record(struct stream_reader *r, struct stream_block *b, const struct stream_entry *entry,
			   struct record *record)
{
	const struct stream_info *info = &r->header.info;

	record__head(b->bytes.data + entry->offset, entry->size, record);
	record->info = info;
	record->event = &info->events[record->kind];
	record->real_ns = record->ts - (uint64_t)info->boot_ns + (uint64_t)info->real_ns + b->shift;
}

static void reader__count(struct stream_reader *r, const struct record *record)
{
	uint64_t count;

	if (record->ts < r->delivered)
		r->state.late++;
	else
		r->delivered = record->ts;
	if (record->kind != RECORD_LOST)
		r->state.records++;
	else if (!stream_record__lost(record, &count))
		r->state.lost += count;
}

int stream_reader__next(struct stream_reader *r, struct record *record)
{
	struct stream_block *b = NULL;
	int i, err;

	for (i = 0; i < 2; i++) {
		while (r->blocks[i].next == r->blocks[i].count && !r->finished) {
			err = reader__fill(r, &r->blocks[i]);
			if (err)
				return err;
		}
		if (r->blocks[i].next == r->blocks[i].count)
			continue;
		if (!b || stream_entry__compare(&r->blocks[i].entries[r->blocks[i].next], &b->entries[b->next]) < 0)
			b = &r->blocks[i];
	}
	if (!b)
		return 0;
	reader__record(r, b, &b->entries[b->next++], record);
	reader__count(r, record);
	return 1;
}

/* The header closes like a block, so that nothing in it is believed that was damaged. */
static int reader__header(struct stream_reader *r, struct error *err)
{
	size_t got, want = WANT, at;
	uint64_t records = 0;
	const uint8_t *bytes;
	struct cursor c;
	int rc;

	for (;; want *= 2) {
		rc = stream_input__view(&r->input, 0, want, &bytes, &got);
		if (rc)
			return error__set(err, rc, "%s", strerror(-rc));
		c = (struct cursor){bytes, bytes + got};
		rc = cursor__skip(&c);
		if (rc || got < want || want >= STREAM_HEADER_MAX)
			break;
	}
	if (!got)
		return error__set(err, -EBADMSG, "empty: not even a header was written");
	if (rc == -EBADMSG || ((*bytes & 0xf0) != 0x80 && *bytes != 0xde && *bytes != 0xdf))
		return error__set(err, -EBADMSG, "not a collector stream");
	if (rc != 1)
		return error__set(err, -EBADMSG, "the stream's header is not whole");
	c.at = bytes;
	rc = stream_header__parse(&r->header, &c, err);
	if (rc)
		return rc;
	at = c.at - bytes;
	rc = stream_input__view(&r->input, 0, at + 256, &bytes, &got);
	if (rc)
		return error__set(err, rc, "%s", strerror(-rc));
	rc = stream_block__walk(&r->blocks[0], &r->header, bytes, got, &at, &records);
	if (rc != 1 || r->blocks[0].sync.records || records)
		return error__set(err, -EBADMSG, "the stream's header is damaged");
	r->offset = at;
	r->anchor = (struct stream_anchor){r->header.info.boot_ns, r->header.info.real_ns};
	r->total = r->blocks[0].sync.total;
	r->ts = r->anchor.boot_ns;
	r->seq = r->blocks[0].seq;
	stream_block__reset(&r->blocks[0]);
	return 0;
}

static int reader__start(struct stream_reader **reader, struct stream_reader *r, const char *path, struct error *err)
{
	int rc;

	r->path = strdup(path);
	rc = r->path ? reader__header(r, err) : error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	if (rc) {
		stream_reader__close(r);
		return rc;
	}
	r->header.info.path = r->path;
	*reader = r;
	return 0;
}

int stream_reader__open_fd(struct stream_reader **reader, int fd, const char *name, struct error *err)
{
	struct stream_reader *r = calloc(1, sizeof(*r));
	struct stat st;
	int rc = 0;

	if (!r) {
		close(fd);
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	r->input.fd = fd;
	if (fstat(fd, &st))
		rc = error__set(err, -errno, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = error__set(err, -EINVAL, "not a regular file");
	if (rc) {
		stream_reader__close(r);
		return rc;
	}
	r->input.size = st.st_size;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return reader__start(reader, r, name, err);
}

int stream_reader__open(struct stream_reader **reader, const char *path, struct error *err)
{
	/* a FIFO of that name must not block */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? error__set(err, -errno, "%s", strerror(errno)) : stream_reader__open_fd(reader, fd, path, err);
}

int stream_reader__open_memory(struct stream_reader **reader, const void *data, size_t data_size, struct error *err)
{
	struct stream_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	r->input = (struct stream_input){.fd = -1, .memory = data, .size = data_size};
	return reader__start(reader, r, "(memory)", err);
}

const struct stream_info *stream_reader__info(const struct stream_reader *r)
{
	return &r->header.info;
}

struct stream_info *stream_reader__info_mut(struct stream_reader *r)
{
	return &r->header.info;
}

const struct stream_state *stream_reader__state(const struct stream_reader *r)
{
	return &r->state;
}

bool stream_reader__same(const struct stream_reader *a, const struct stream_reader *b)
{
	return !memcmp(a->header.marker, b->header.marker, STREAM_MARKER);
}

void stream_reader__progress(const struct stream_reader *r, uint64_t *done, uint64_t *total)
{
	*done = r->offset;
	*total = r->input.size;
}

void stream_reader__close(struct stream_reader *r)
{
	int i;

	if (!r)
		return;
	for (i = 0; i < 2; i++)
		stream_block__free(&r->blocks[i]);
	stream_header__free(&r->header);
	stream_input__free(&r->input);
	free(r->path);
	free(r);
}
