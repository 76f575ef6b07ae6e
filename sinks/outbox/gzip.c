/* SPDX-License-Identifier: BSD-2-Clause */
/* Compresses as fast as it can be done: the merge must not wait for it. */
#include "sinks/outbox/gzip.h"

#include <errno.h>
#include <zlib.h>

int gzip__pack(struct buffer *out, const struct buffer *bytes)
{
	z_stream z = {.next_in = bytes->data, .avail_in = (uInt)bytes->size};
	int rc = -ENOMEM;

	out->size = 0;
	if (deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return rc;
	if (!buffer__reserve(out, deflateBound(&z, bytes->size))) {
		z.next_out = out->data;
		z.avail_out = (uInt)out->capacity;
		rc = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
		out->size = z.total_out;
	}
	deflateEnd(&z);
	return rc;
}
