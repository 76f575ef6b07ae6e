/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream's header: packed by the writer, parsed by the reader. Not installed. */
#ifndef CORE_STREAM_STREAM_HEADER_H
#define CORE_STREAM_STREAM_HEADER_H

#include "core/stream.h"
#include "core/stream/stream_lock.h"

/* Enough for the longest command line that the kernel accepts. */
#define STREAM_HEADER_MAX (16U << 20)

/* The role that the header names: readers need no other. */
#define STREAM_ROLE_EXIT "exit"

struct stream_anchor {
	uint64_t boot_ns, real_ns;
};

/* Both clocks at the same moment, to some tens of nanoseconds. */
struct stream_anchor stream_anchor__now(void);

/* Appends the header map; `lock` is what stream_lock__take() returned. 0 or -ENOMEM. */
int stream_header__pack(struct buffer *out, const struct stream_writer_opts *opts, const uint8_t marker[STREAM_MARKER],
			const struct stream_anchor *anchor, struct stream_lock lock);

struct stream_header {
	struct stream_info info; /* its pointers point into the arena */
	uint8_t marker[STREAM_MARKER];
	struct stream_lock lock;
	struct stream_arena *arena;
};

/* Parses the header that begins at c->at and advances past it. 0, or -EBADMSG, -ENOMEM,
 * -EPROTONOSUPPORT (a later version) with a sentence in `err`; stream_header__free() in any case. */
int stream_header__parse(struct stream_header *header, struct cursor *c, struct error *err);
void stream_header__free(struct stream_header *header);

#endif
