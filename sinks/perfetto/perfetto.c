/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for a timeline: a trace that opens in the Perfetto UI, and by SQL in its trace processor. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "sinks/perfetto/tracer.h"

#define POINT_NS 100000000ULL /* between two points of a curve, unless samples are closer */

struct perfetto_conf {
	char *steps;
};

static const struct opt perfetto_options[] = {
	OPT(struct perfetto_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

static int begin(void *state, const void *conf, struct error *err)
{
	struct tracer *tracer = state;

	(void)conf;
	if (isatty(tracer->on.api->out))
		return error__set(err, -EINVAL, "refusing to write a binary trace to a terminal: add -o FILE");
	packets__init(&tracer->packets, tracer->on.api->out);
	tracer->timeline.packets = &tracer->packets;
	tracer->timeline.point_ns = POINT_NS;
	return 0;
}

static int take_stream(void *state, const struct stream_info *info)
{
	struct tracer *tracer = state;

	if (info->interval_ns > tracer->interval_ns)
		tracer->interval_ns = info->interval_ns;
	if (info->interval_ns && info->interval_ns < tracer->timeline.point_ns)
		tracer->timeline.point_ns = info->interval_ns;
	return 0;
}

/* A full disk stops the merge at the next record. */
static int take_record(void *state, const struct record *record)
{
	(void)record;
	return ((struct tracer *)state)->packets.error;
}

static int finish(void *state)
{
	return tracer__finish(state);
}

static void end(void *state)
{
	tracer__free(state);
}

static const struct on_model_sink perfetto_on_model = {
	.size = sizeof(struct tracer),
	.steps = offsetof(struct perfetto_conf, steps),
	.calls = {.row = tracer__row,
		  .hidden = tracer__hidden,
		  .task = tracer__step,
		  .sample = tracer__sample,
		  .run_room = sizeof(struct trace_run)},
	.open = begin,
	.stream = take_stream,
	.record = take_record,
	.losses = offsetof(struct trace_run, losses),
	.lost = tracer__lost,
	.finish = finish,
	.close = end,
};

static int perfetto__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&perfetto_on_model, "perfetto", api, conf, state);
}

SINK(perfetto, "a timeline of all processes for the Perfetto UI, with curves of CPU and memory",
     .options = perfetto_options, .conf_size = sizeof(struct perfetto_conf), .suffix = "pftrace",
     .open = perfetto__open, ON_MODEL);
