/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader that waits for what is still to be written, and one that goes on where another one was. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/stream.h"
#include "core/stream/stream_lock.h"
#include "core/stream/stream_reader.h"

void stream_reader__follow(struct stream_reader *r)
{
	r->follows = true;
}

int stream_reader__refresh(struct stream_reader *r)
{
	uint64_t size = r->input.size;
	bool running = r->written;
	struct stat st;

	if (!running || !r->follows)
		return !r->finished;
	/* before the size: a writer that ends in between has written all of it */
	r->state.until_ns = clock__boot();
	if (!stream_lock__is_held(r->input.fd)) {
		r->state.life = STREAM_UNKNOWN;
		r->released = true;
		running = r->written = false;
	}
	if (fstat(r->input.fd, &st))
		return -errno;
	/* after a failed write the file is shorter, and then has another block in that place */
	r->input.size = st.st_size;
	r->input.have = 0;
	if (running && size == r->input.size)
		return 0;
	r->waits = false;
	return 1;
}

uint64_t stream_reader__mark(const struct stream_reader *r)
{
	return r->mark;
}

void stream_reader__tell(const struct stream_reader *r, bool held, struct stream_position *position)
{
	*position = (struct stream_position){
		.at = r->at,
		.mark = r->mark,
		.complete = r->state.complete && !*r->next,
		.finished = r->finished,
		.markers_before = r->markers_before,
	};
	strcpy(position->marker, r->marker);
	for (int i = 0; i < 2; i++) {
		const struct stream_block *b = &r->blocks[i];

		size_t next = b->next - (held && i == r->last);

		position->next[i] = next < b->count ? next : STREAM_NO_BLOCK;
		position->from[i] = r->from[i];
	}
}

/* Makes the place that of the next block, if its file can have it. */
static int go_to(struct stream_reader *r, const struct stream_place *place)
{
	uint32_t segment = place->segment ? place->segment : r->header.info.segment;
	int rc = segment == r->at.segment ? 0 : stream_chain__move(r, segment);

	if (rc)
		return rc;
	if (place->offset < r->begin || place->offset > r->input.size)
		return -EBADMSG;
	r->at = *place;
	r->at.segment = segment;
	return 0;
}

static int load_again(struct stream_reader *r, int i, const struct stream_position *position)
{
	int rc = go_to(r, &position->from[i]);
	uint32_t segment = r->at.segment;

	if (!rc)
		rc = stream_reader__fill(r, i);
	if (rc)
		return rc == -EAGAIN ? -EBADMSG : rc;
	if (position->next[i] >= r->blocks[i].count || r->at.segment != segment)
		return -EBADMSG;
	r->blocks[i].next = position->next[i];
	return 0;
}

static int seek(struct stream_reader *r, const struct stream_position *position)
{
	int rc = 0;

	r->gap.cause = NULL; /* what is missing before it was said */
	for (int i = 0; i < 2 && !rc; i++)
		if (position->next[i] != STREAM_NO_BLOCK)
			rc = load_again(r, i, position);
	if (!rc)
		rc = go_to(r, &position->at);
	if (!rc && *position->marker && strcmp(position->marker, r->marker))
		rc = -EBADMSG;
	if (rc)
		return rc;
	r->markers_before = position->markers_before;
	r->mark = position->mark;
	r->state.complete = position->complete;
	r->finished = position->finished && !r->written;
	if (r->finished)
		r->state.life = r->state.complete ? STREAM_ENDED : r->released ? STREAM_CRASHED : STREAM_UNKNOWN;
	return 0;
}

int stream_reader__seek(struct stream_reader *r, const struct stream_position *position)
{
	const struct stream_place start = r->at;
	const char *gap = r->gap.cause;
	int rc = seek(r, position), moved = 0;

	if (!rc)
		return 0;
	for (int i = 0; i < 2; i++)
		stream_block__reset(&r->blocks[i]);
	if (r->at.segment != start.segment)
		moved = stream_chain__move(r, start.segment);
	r->at = start;
	r->gap.cause = gap;
	r->markers_before = 0;
	r->waits = r->finished = false;
	return moved ? moved : rc;
}

void stream_reader__release(struct stream_reader *r)
{
	stream_input__rest(&r->input);
	if (r->input.fd >= 0)
		close(r->input.fd);
	r->input.fd = -1;
	for (int i = 0; i < 2; i++) {
		stream_block__free(&r->blocks[i]);
		r->blocks[i] = (struct stream_block){0};
	}
	r->finished = true;
	r->waits = false;
}
