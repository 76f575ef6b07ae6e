/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens and closes a reader. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/stream.h"
#include "core/stream/stream_lock.h"
#include "core/stream/stream_reader.h"

#define WANT (64U << 10)

/* The header closes like a block: it is not used before its CRC is verified. */
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
		return error__set(err, -EBADMSG, "empty: no header was written");
	if (rc == -EBADMSG || ((*bytes & 0xf0) != 0x80 && *bytes != 0xde && *bytes != 0xdf))
		return error__set(err, -EBADMSG, "not a collector stream");
	if (rc != 1)
		return error__set(err, -EBADMSG, "the stream's header is incomplete");
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
	r->at.offset = at;
	r->anchor = (struct stream_anchor){r->header.info.boot_ns, r->header.info.real_ns};
	r->at.total = r->blocks[0].sync.total;
	r->at.ts = r->anchor.boot_ns;
	r->at.seq = r->blocks[0].seq;
	r->at.segment = r->header.info.segment;
	r->begin = at;
	r->marker = r->header.info.marker;
	r->mark = r->blocks[0].mark;
	stream_block__reset(&r->blocks[0]);
	return 0;
}

static int reader__start(struct stream_reader **reader, struct stream_reader *r, const char *path, struct error *err)
{
	int rc;

	r->state.life = STREAM_UNKNOWN;
	r->state.redacted = EVENT_NULL(EVENT_REASON_NONE);
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
	bool held;
	int rc = 0;

	if (!r) {
		close(fd);
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	r->input.fd = fd;
	/* Before the size: a writer that ends in between has written all of it. */
	r->state.until_ns = clock__boot();
	held = stream_lock__is_held(fd);
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
	rc = reader__start(reader, r, name, err);
	if (!rc && stream_lock__is_meant(fd, &r->header.lock, r->header.info.boot_id)) {
		r->released = !held;
		r->written = held;
		r->state.life = held ? STREAM_RUNNING : STREAM_UNKNOWN;
	}
	return rc;
}

int stream_reader__open(struct stream_reader **reader, const char *path, struct error *err)
{
	/* do not block on a FIFO */
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

void stream_reader__close(struct stream_reader *r)
{
	int i;

	if (!r)
		return;
	for (i = 0; i < 2; i++)
		stream_block__free(&r->blocks[i]);
	stream_header__free(&r->header);
	stream_input__free(&r->input);
	for (struct stream_marker *marker = r->markers, *next; marker; marker = next) {
		next = marker->next;
		free(marker);
	}
	if (r->chain.free)
		r->chain.free(r->chain.arg);
	free(r->path);
	free(r);
}
