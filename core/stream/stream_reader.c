/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a stream: block by block, each only if its sync is valid, sorted within a window of two.
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
#include "core/stream/stream_lock.h"
#include "core/stream/stream_reader.h"

#define TAIL_BYTES (64U << 10) /* that are searched for the last block */
#define END_RECORDS 3	       /* a block with so few may hold only the end */

/* Finds the first block after a damaged one that began at `bad`. A marker that does not close a valid block
 * bounds the search after it: no byte is checked twice. */
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

/* Adds a `lost` record of the reader's own, which is not in the stream. */
static int reader__report_lost(struct stream_reader *r, struct stream_block *b, const struct record_lost *at,
			       uint64_t seq, const char *cause)
{
	struct record_lost lost = *at;
	size_t offset = b->bytes.size;
	struct record record;
	int err;

	lost.head.run = r->header.info.run.number;
	lost.since = lost.head.ts;
	snprintf(lost.stream_lost, sizeof(lost.stream_lost), "%s", r->header.info.stream);
	snprintf(lost.cause, sizeof(lost.cause), "%s", cause);
	err = record__pack(&b->bytes, &record_control[RECORD_LOST], RECORD_LOST, seq, &lost.head, sizeof(lost), NULL);
	if (err)
		return err;
	record__head(b->bytes.data + offset, b->bytes.size - offset, &record);
	return stream_block__add(b, &record, offset);
}

/* What is missing between the last valid block and this one. */
static int reader__report_gap(struct stream_reader *r, struct stream_block *b, uint64_t count, const char *cause)
{
	const struct record_lost lost = {.head.ts = r->at.ts, .count = count};

	return reader__report_lost(r, b, &lost, r->at.seq + 1, cause);
}

/* Records that contradict the header, of the block that begins at `start`. */
static int reader__report_invalid(struct stream_reader *r, struct stream_block *b, uint64_t start)
{
	uint64_t count = b->invalid.uncounted ? EVENT_NULL(EVENT_REASON_LOST) : b->invalid.count;
	struct record_lost lost = {.head.ts = b->invalid.ts, .count = count};

	if (!r->state.invalid)
		r->state.invalid_at = start + b->invalid.offset;
	r->state.invalid += b->invalid.count;
	snprintf(lost.event_lost, sizeof(lost.event_lost), "%s", b->invalid.event ? b->invalid.event : "");
	return reader__report_lost(r, b, &lost, b->invalid.seq, "damage");
}

/* Each segment's end has its own. */
static void count_redacted(struct stream_reader *r, uint64_t redacted)
{
	bool known = !EVENT_IS_NULL(r->redacted_before) && !EVENT_IS_NULL(redacted);

	r->state.redacted = known ? r->redacted_before + redacted : EVENT_NULL(EVENT_REASON_NONE);
}

/* What segments that are missing cost, or damage at the end of the last one. */
static int reader__report_segments(struct stream_reader *r, struct stream_block *b)
{
	const struct record_lost lost = {.head.ts = r->gap.ts, .count = r->gap.count};
	const char *cause = r->gap.cause;

	r->gap.cause = NULL;
	return cause ? reader__report_lost(r, b, &lost, r->at.seq + 1, cause) : 0;
}

/* Makes the block's totals, anchor and end the stream's. */
static void reader__accept(struct stream_reader *r, struct stream_block *b, uint64_t next)
{
	b->shift = r->at.shift;
	r->at.offset = next;
	r->at.total = b->sync.total;
	r->at.seq = b->seq;
	if (b->mark > r->mark)
		r->mark = b->mark;
	if (b->ts > r->at.ts)
		r->at.ts = b->ts;
	if (b->anchored)
		r->at.shift = (b->anchor.real_ns - b->anchor.boot_ns) - (r->anchor.real_ns - r->anchor.boot_ns);
	b->marker = r->at.segment != r->header.info.segment ? r->marker : NULL;
	if (b->end) {
		r->state.complete = true;
		r->state.until_ns = b->end_ts;
		memcpy(r->next, b->goes_on, sizeof(r->next));
		count_redacted(r, b->redacted);
	}
}

/* How many events the damage cost, from the totals on both sides of it. */
static uint64_t reader__gap(const struct stream_reader *r, const struct stream_block *b)
{
	uint64_t before = b->sync.total - b->events - b->lost;

	return before >= r->at.total && !EVENT_IS_NULL(before - r->at.total) ? before - r->at.total
									     : EVENT_NULL(EVENT_REASON_LOST);
}

/* The input has no more blocks; the last bytes, from `bad` on, may be a block that is not `whole`. */
static int reader__finish(struct stream_reader *r, struct stream_block *b, uint64_t bad, bool whole)
{
	int err;

	r->finished = true;
	stream_block__reset(b);
	b->marker = NULL;
	r->at.offset = r->input.size;
	err = reader__report_segments(r, b);
	if (err)
		return err;
	if (r->state.complete)
		r->state.life = STREAM_ENDED;
	else if (r->released)
		r->state.life = STREAM_CRASHED;
	if (whole && (r->state.complete || r->written || r->lacks_last))
		return 0;
	r->state.damaged_bytes += r->input.size > bad ? r->input.size - bad : 0;
	return reader__report_gap(r, b, EVENT_NULL(EVENT_REASON_LOST),
				  r->state.complete || r->written ? "damage" : "truncated");
}

/* Nothing to deliver until more is written: holds no memory meanwhile. */
static int reader__wait(struct stream_reader *r, struct stream_block *b, uint64_t damaged_blocks)
{
	r->state.damaged_blocks = damaged_blocks;
	r->waits = true;
	stream_block__free(b);
	*b = (struct stream_block){0};
	stream_input__rest(&r->input);
	return -EAGAIN;
}

/* The file has no more blocks. 1: the next one is another segment's. */
static int reader__end(struct stream_reader *r, struct stream_block *b, uint64_t bad, bool whole)
{
	uint64_t damaged = !whole && r->input.size > bad ? r->input.size - bad : 0;
	int rc = stream_chain__go_on(r);

	if (rc)
		r->state.damaged_bytes += rc == 1 ? damaged : 0;
	return rc ? rc : reader__finish(r, b, bad, whole);
}

/* Of this file: 1 if the next block is another segment's. */
static int reader__fill(struct stream_reader *r, int i)
{
	struct stream_block *b = &r->blocks[i];
	uint64_t next = 0, start = r->at.offset, bad = r->at.offset, blocks = r->state.damaged_blocks;
	bool damaged, growing, running = r->written;
	int err;

	r->from[i] = r->at;
	err = stream_block__load(b, &r->input, &r->header, r->at.offset, STREAM_BLOCK_MAX, &next);
	damaged = err == -EBADMSG;
	growing = damaged && b->cut && running;
	if (damaged && !(growing && r->follows))
		err = reader__resync(r, b, bad, &start, &next);
	if (err < 0 && err != -EBADMSG)
		return err;
	if (err != 1 && running && r->follows)
		return reader__wait(r, b, blocks);
	if (err == 1) {
		r->state.damaged_bytes += start - bad;
		err = damaged ? reader__report_gap(r, b, reader__gap(r, b), "damage") : 0;
		if (!err)
			err = reader__report_segments(r, b);
		if (!err && b->invalid.count)
			err = reader__report_invalid(r, b, start);
		reader__accept(r, b, next);
		stream_block__sort(b);
		return err;
	}
	if (growing)
		r->state.damaged_blocks = blocks; /* half written */
	return reader__end(r, b, bad, !damaged || growing);
}

int stream_reader__fill(struct stream_reader *r, int i)
{
	int rc;

	do
		rc = reader__fill(r, i);
	while (rc == 1);
	return rc;
}

static void reader__record(struct stream_reader *r, struct stream_block *b, const struct stream_entry *entry,
			   struct record *record)
{
	const struct stream_info *info = &r->header.info;

	record__head(b->bytes.data + entry->offset, entry->size, record);
	record->info = info;
	record->event = &info->events[record->kind];
	record->added = entry->offset >= b->own;
	record->marker = b->marker;
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
	else if (stream_record__lost(record, &count) || EVENT_IS_NULL(count))
		r->state.uncounted++;
	else
		r->state.lost += count;
}

int stream_reader__next(struct stream_reader *r, struct record *record)
{
	struct stream_block *b = NULL;
	int i, err;

	for (i = 0; i < 2; i++) {
		while (r->blocks[i].next == r->blocks[i].count && !r->finished && !r->waits) {
			err = stream_reader__fill(r, i);
			if (err && err != -EAGAIN)
				return err;
		}
		if (r->blocks[i].next == r->blocks[i].count)
			continue;
		if (!b || stream_entry__compare(&r->blocks[i].entries[r->blocks[i].next], &b->entries[b->next]) < 0)
			b = &r->blocks[i];
	}
	/* of a record past the mark, one of the next block may come first */
	if (r->waits && (!b || b->entries[b->next].ts > r->mark))
		return -EAGAIN;
	if (!b)
		return 0;
	r->last = b - r->blocks;
	reader__record(r, b, &b->entries[b->next++], record);
	reader__count(r, record);
	return 1;
}

/* A sync ends its block: markers are searched for backwards, and the sync after one says where its block begins. */
int stream_reader__skip_to_last(struct stream_reader *r)
{
	uint64_t from = r->input.size > TAIL_BYTES ? r->input.size - TAIL_BYTES : 0;
	struct stream_sync sync = {0};
	const uint8_t *bytes;
	bool found = false;
	size_t got;
	int err = stream_input__view(&r->input, from, TAIL_BYTES, &bytes, &got);

	for (size_t at = got; !err && at-- > 0 && (!found || sync.records <= END_RECORDS);) {
		struct cursor c = {bytes + at + STREAM_MARKER, bytes + got};

		if (got - at < STREAM_MARKER || memcmp(bytes + at, r->header.marker, STREAM_MARKER) ||
		    !stream_sync__parse(&c, &sync) || sync.bytes > from + at)
			continue;
		r->at.offset = from + at - sync.bytes;
		r->at.total = sync.total;
		r->finished = false;
		found = true;
	}
	for (int i = 0; i < 2 && found; i++)
		stream_block__reset(&r->blocks[i]);
	return err ? err : found ? 0 : -ENODATA;
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

enum stream_life stream_reader__writer(const struct stream_reader *r)
{
	if (stream_lock__is_held(r->input.fd))
		return STREAM_RUNNING;
	return stream_lock__is_released(r->input.fd, &r->header.lock, r->header.info.boot_id) ? STREAM_ENDED
											      : STREAM_UNKNOWN;
}

bool stream_reader__same(const struct stream_reader *a, const struct stream_reader *b)
{
	return !strcmp(a->header.info.marker, b->header.info.marker);
}

static bool is_same_file(const struct stream_reader *a, const struct stream_reader *b)
{
	struct stat x, y;

	return !fstat(a->input.fd, &x) && !fstat(b->input.fd, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The state at the end, of a reader of its own; of one that cannot be read, what could be. */
static struct stream_state state_of(const struct stream_reader *r)
{
	int fd = fcntl(r->input.fd, F_DUPFD_CLOEXEC, 0);
	struct stream_state state = {0};
	struct stream_reader *own;
	struct record record;
	struct error err;

	if (fd < 0 || stream_reader__open_fd(&own, fd, r->path, &err))
		return state;
	while (stream_reader__next(own, &record) == 1)
		;
	state = own->state;
	stream_reader__close(own);
	return state;
}

static bool is_whole(const struct stream_state *state)
{
	return (state->complete || state->life == STREAM_RUNNING) && !state->damaged_bytes;
}

bool stream_reader__has_more(const struct stream_reader *a, const struct stream_reader *b)
{
	struct stream_state x, y;

	if (a->chain.last != b->chain.last) /* a copy that was made earlier */
		return a->chain.last > b->chain.last;
	if (is_same_file(a, b))
		return false;
	x = state_of(a);
	y = state_of(b);
	return x.records == y.records ? is_whole(&x) && !is_whole(&y) : x.records > y.records;
}

void stream_reader__progress(const struct stream_reader *r, uint64_t *done, uint64_t *total)
{
	*done = r->bytes_before + r->at.offset;
	*total = r->bytes_before + r->input.size;
	if (*total < r->chain.bytes)
		*total = r->chain.bytes;
}
