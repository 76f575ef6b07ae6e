/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that is built outside of the tree, from the installed headers alone. */
#include "core/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hello {
	const struct sink_api *api;
	uint64_t exits, failed;
};

static int hello__open(const struct sink_api *api, const void *conf, void **state)
{
	struct hello *hello = *state = calloc(1, sizeof(*hello));

	(void)conf;
	if (!hello)
		return -ENOMEM;
	hello->api = api;
	return 0;
}

static int hello__write(void *state, const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];
	struct hello *hello = state;
	int code = stream_event__field(record->event, "exit_code");

	if (strcmp(record->event->stream, "lifecycle") || strcmp(record->event->name, "exit") || code < 0)
		return 0;
	if (record__values(record, values))
		return -EBADMSG;
	hello->exits++;
	hello->failed += values[code].type != VALUE_UINT || values[code].u; /* null: killed by a signal */
	return 0;
}

static int hello__flush(void *state, bool last)
{
	struct hello *hello = state;

	if (last && dprintf(hello->api->out, "%lu of %lu processes failed\n", hello->failed, hello->exits) < 0)
		return -errno;
	return 0;
}

SINK(hello_sink, "says how many processes failed", .page = true, .open = hello__open, .write = hello__write,
     .flush = hello__flush, .close = free);
