/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink that only counts records, to measure the merge itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/sink.h"

struct null {
	const struct sink_api *api;
	uint64_t records, bytes;
};

static int null__open(const struct sink_api *api, const void *conf, void **state)
{
	struct null *null = calloc(1, sizeof(*null));

	(void)conf;
	if (!null) {
		api->log(LOG_ERROR, "null: not enough memory");
		return -ENOMEM;
	}
	null->api = api;
	*state = null;
	return 0;
}

static int null__write(void *state, const struct record *record)
{
	struct null *null = state;

	null->records++;
	null->bytes += record->size;
	return 0;
}

static int null__flush(void *state, bool last)
{
	struct null *null = state;

	if (last)
		null->api->log(LOG_INFO, "null: %" PRIu64 " records, %" PRIu64 " bytes", null->records, null->bytes);
	return 0;
}

static void null__forget(void *state, const struct stream_info *info)
{
	(void)state;
	(void)info;
}

SINK(null, "counts the records and writes nothing, to measure the merge", .open = null__open, .write = null__write,
     .flush = null__flush, .close = free, .forget = null__forget);
