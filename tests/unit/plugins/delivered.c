/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that says what is safe: all but the last `held` records; or nothing at all, for held=99. */
#include <stdlib.h>

#include "core/sink.h"

#define SILENT 99

struct conf {
	uint64_t held;
	bool fail;
};

static const struct opt options[] = {
	OPT(struct conf, held, OPT_UINT, "99", 0, 99, "records that are not safe yet"),
	OPT(struct conf, fail, OPT_BOOL, "false", 0, 0, "let the flush fail"),
	{0},
};

struct sink_state {
	const struct sink_api *api;
	struct conf conf;
	uint64_t records;
};

static int made__open(const struct sink_api *api, const void *conf, void **state)
{
	struct sink_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	s->api = api;
	s->conf = *(const struct conf *)conf;
	*state = s;
	return 0;
}

static int made__write(void *state, const struct record *record)
{
	struct sink_state *s = state;

	(void)record;
	s->records++;
	if (s->conf.held != SILENT && s->records > s->conf.held) {
		s->api->delivered(s->api, s->records - s->conf.held);
		s->api->delivered(s->api, 1); /* the mark never goes back */
	}
	return 0;
}

static int made__flush(void *state, bool last)
{
	(void)last;
	return ((struct sink_state *)state)->conf.fail ? -5 : 0;
}

SINK(delivered, "says what is safe", .needs = "libnothing", .options = options, .conf_size = sizeof(struct conf),
     .open = made__open, .write = made__write, .flush = made__flush, .close = free);
