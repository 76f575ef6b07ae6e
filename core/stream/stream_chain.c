/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the segments of a stream as one. Their files are untrusted: numbers only rise, each header has to be that of the same
 * stream, and what is missing in between is counted by the totals on both sides. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/stream.h"
#include "core/stream/stream_reader.h"

#define UNKNOWN EVENT_NULL(EVENT_REASON_LOST)

/* From where on its events are missing, and how many; what is still to be said is before that. */
static void note_gap(struct stream_reader *r, uint64_t count, const char *cause)
{
	if (r->gap.cause) {
		r->gap.count = EVENT_IS_NULL(r->gap.count) || EVENT_IS_NULL(count) ? UNKNOWN : r->gap.count + count;
		return;
	}
	r->gap.cause = cause;
	r->gap.count = count;
	r->gap.ts = r->at.ts;
}

void stream_reader__chain(struct stream_reader *r, const struct stream_chain *chain)
{
	r->chain = *chain;
	if (chain->running)
		r->state.life = STREAM_RUNNING;
	if (r->at.segment > 1)
		note_gap(r, r->at.total, "missing");
}

bool stream_reader__goes_on(const struct stream_reader *r)
{
	return r->state.complete && *r->next;
}

/* ---- another segment ---- */

/* The other reader goes, with the file that was read. 0 or -ENOMEM. */
static int switch_to(struct stream_reader *r, struct stream_reader *other)
{
	struct stream_marker *marker = calloc(1, sizeof(*marker));
	struct stream_input input = r->input;

	if (!marker) {
		stream_reader__close(other);
		return -ENOMEM;
	}
	strcpy(marker->text, other->marker);
	marker->next = r->markers;
	r->markers = marker;
	r->marker = marker->text;
	r->input = other->input;
	other->input = input;
	memcpy(r->header.marker, other->header.marker, sizeof(r->header.marker));
	r->header.lock = other->header.lock;
	r->at.offset = r->begin = other->begin;
	r->at.total = other->at.total;
	r->at.seq = other->at.seq;
	r->at.segment = other->at.segment;
	r->at.shift = (other->anchor.real_ns - other->anchor.boot_ns) - (r->anchor.real_ns - r->anchor.boot_ns);
	if (other->mark > r->mark)
		r->mark = other->mark;
	r->released = other->released;
	r->written = other->written;
	r->state.life = other->state.life;
	r->state.until_ns = other->state.until_ns;
	r->state.complete = false;
	*r->next = '\0';
	stream_reader__close(other);
	return 0;
}

static bool is_empty(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_size;
}

/* Takes the file as segment `number`. 0, -ENOENT: its writer has not written a header, -EBADMSG with a sentence. */
static int open_segment(const struct stream_reader *r, int fd, uint32_t number, struct stream_reader **other,
			struct error *err)
{
	bool empty = is_empty(fd);
	int rc = stream_reader__open_fd(other, fd, r->path, err);

	if (rc)
		return empty ? -ENOENT : rc;
	if ((*other)->at.segment == number && stream_info__same_stream(&(*other)->header.info, &r->header.info))
		return 0;
	stream_reader__close(*other);
	return error__set(err, -EBADMSG, "is not segment %u of that stream", number);
}

static bool is_ours(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EIO;
}

/* The next one after *number that can be used. 0, -ENOENT: there is none, or other -errno. */
static int find_next(struct stream_reader *r, uint32_t *number, struct stream_reader **other, bool *refused)
{
	for (;;) {
		uint32_t found = 0;
		struct error err;
		int fd = r->chain.open(r->chain.arg, *number, &found), rc = fd;

		if (fd < 0 && (fd == -ENOENT || is_ours(fd) || found <= *number))
			return fd;
		if (fd < 0)
			error__set(&err, rc, "%s", strerror(-rc));
		else
			rc = open_segment(r, fd, found, other, &err);
		*number = found;
		if (!rc || is_ours(rc))
			return rc;
		if (rc == -ENOENT)
			continue;
		*refused = true;
		r->chain.refused(r->chain.arg, found, err.text);
	}
}

/* Only the header is left of one that a limit removed. */
static const char *cause_of(const struct stream_reader *r, bool follows, bool refused)
{
	if (follows && r->input.size == r->begin)
		return "limit";
	return follows ? r->state.complete ? "damage" : "truncated" : refused ? "damage" : "missing";
}

static void note_missing(struct stream_reader *r, const struct stream_reader *other, bool refused)
{
	bool follows = other->at.segment == r->at.segment + 1 && !strcmp(other->header.info.follows, r->marker);
	uint64_t total = other->at.total, count = total > r->at.total ? total - r->at.total : 0;

	if (follows && total == r->at.total)
		return;
	note_gap(r, count && !EVENT_IS_NULL(count) ? count : UNKNOWN, cause_of(r, follows, refused));
}

/* There is none, though the last `end` says so. */
static void lack_last(struct stream_reader *r, bool refused)
{
	if (!r->state.complete || !*r->next)
		return;
	r->state.complete = r->released = false;
	r->lacks_last = true;
	r->state.life = STREAM_UNKNOWN;
	note_gap(r, UNKNOWN, refused ? "damage" : "missing");
}

int stream_chain__go_on(struct stream_reader *r)
{
	uint32_t number = r->at.segment;
	struct stream_reader *other;
	bool refused = false;
	int rc;

	/* It is made, with a header, before the `end` that names it is written. */
	if (!r->chain.open || (r->written && !r->follows) ||
	    (r->state.complete && !*r->next && r->at.segment >= r->chain.last))
		return 0;
	rc = find_next(r, &number, &other, &refused);
	if (rc == -ENOENT)
		lack_last(r, refused);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	note_missing(r, other, refused);
	r->bytes_before += r->input.size;
	r->markers_before ^= stream_marker__sum(r->marker);
	r->redacted_before = r->state.complete ? r->state.redacted : EVENT_NULL(EVENT_REASON_NONE);
	r->state.redacted = EVENT_NULL(EVENT_REASON_NONE);
	rc = switch_to(r, other);
	return rc ? rc : 1;
}

int stream_chain__move(struct stream_reader *r, uint32_t segment)
{
	struct stream_reader *other;
	uint32_t found = 0;
	struct error err;
	int fd = r->chain.open ? r->chain.open(r->chain.arg, segment - 1, &found) : -ENOENT, rc;

	if (fd < 0)
		return is_ours(fd) ? fd : -EBADMSG;
	rc = open_segment(r, fd, segment, &other, &err);
	if (rc)
		return is_ours(rc) ? rc : -EBADMSG;
	return switch_to(r, other);
}
