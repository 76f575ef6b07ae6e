/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader that waits for what is still to be written, and one that goes on where another one was. */
#include <errno.h>
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
	bool running = r->state.life == STREAM_RUNNING;
	struct stat st;

	if (!running || !r->follows)
		return !r->finished;
	/* before the size: a writer that ends in between has written all of it */
	r->state.until_ns = clock__boot();
	if (!stream_lock__is_held(r->input.fd)) {
		r->state.life = STREAM_UNKNOWN;
		r->released = true;
		running = false;
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
		.at = r->at, .mark = r->mark, .complete = r->state.complete, .finished = r->finished};
	for (int i = 0; i < 2; i++) {
		const struct stream_block *b = &r->blocks[i];

		size_t next = b->next - (held && i == r->last);

		position->next[i] = next < b->count ? next : STREAM_NO_BLOCK;
		position->from[i] = r->from[i];
	}
}

static int load_again(struct stream_reader *r, int i, const struct stream_position *position)
{
	int rc;

	r->at = position->from[i];
	rc = stream_reader__fill(r, i);
	if (rc)
		return rc == -EAGAIN ? -EBADMSG : rc;
	if (position->next[i] >= r->blocks[i].count)
		return -EBADMSG;
	r->blocks[i].next = position->next[i];
	return 0;
}

static int seek(struct stream_reader *r, const struct stream_position *position)
{
	uint64_t begin = r->at.offset;

	if (position->at.offset < begin || position->at.offset > r->input.size)
		return -EBADMSG;
	for (int i = 0; i < 2; i++) {
		int rc = 0;

		if (position->next[i] == STREAM_NO_BLOCK)
			continue;
		if (position->from[i].offset < begin || position->from[i].offset > r->input.size)
			return -EBADMSG;
		rc = load_again(r, i, position);
		if (rc)
			return rc;
	}
	r->at = position->at;
	r->mark = position->mark;
	r->state.complete = position->complete;
	r->finished = position->finished && r->state.life != STREAM_RUNNING;
	if (r->finished)
		r->state.life = r->state.complete ? STREAM_ENDED : r->released ? STREAM_CRASHED : STREAM_UNKNOWN;
	return 0;
}

int stream_reader__seek(struct stream_reader *r, const struct stream_position *position)
{
	const struct stream_place start = r->at;
	int rc = seek(r, position);

	if (!rc)
		return 0;
	for (int i = 0; i < 2; i++)
		stream_block__reset(&r->blocks[i]);
	r->at = start;
	r->waits = r->finished = false;
	return rc;
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
