/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for a timeline: a trace that opens in the Perfetto UI, and by SQL in its trace processor. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/sink.h"
#include "sinks/perfetto/tracer.h"
#include "sinks/steps/steps.h"

#define POINT_NS 100000000ULL /* between two points of a curve, unless looks are closer */

struct perfetto_conf {
	char *steps;
};

static const struct opt perfetto_options[] = {
	OPT(struct perfetto_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct perfetto {
	struct tracer tracer;
	struct steps *steps;
};

static void perfetto__close(void *state)
{
	struct perfetto *perfetto = state;

	tracer__free(&perfetto->tracer);
	model__free(perfetto->tracer.model);
	steps__free(perfetto->steps);
	free(perfetto);
}

static int perfetto__open(const struct sink_api *api, const void *conf, void **state)
{
	static const struct model_calls calls = {
		.row = tracer__row, .hidden = tracer__hidden, .task = tracer__step, .sample = tracer__sample};
	const struct perfetto_conf *options = conf;
	struct perfetto *perfetto = calloc(1, sizeof(*perfetto));
	struct error sentence;
	int err;

	if (!perfetto)
		return -ENOMEM;
	if (isatty(api->out)) {
		api->log(LOG_ERROR, "perfetto: a trace is nothing for a terminal: add -o FILE");
		free(perfetto);
		return -EINVAL;
	}
	packets__init(&perfetto->tracer.packets, api->out);
	perfetto->tracer.timeline.packets = &perfetto->tracer.packets;
	perfetto->tracer.timeline.point_ns = POINT_NS;
	err = steps__load(options->steps, &perfetto->steps, &sentence);
	if (err) {
		api->log(LOG_ERROR, "perfetto: %s", err == -ENOMEM ? "not enough memory" : sentence.text);
		perfetto__close(perfetto);
		return err;
	}
	perfetto->tracer.model = model__new(&calls, &perfetto->tracer, perfetto->steps);
	if (!perfetto->tracer.model) {
		perfetto__close(perfetto);
		return -ENOMEM;
	}
	*state = perfetto;
	return 0;
}

static int perfetto__stream(void *state, const struct stream_info *info)
{
	struct tracer *tracer = state;

	if (info->interval_ns > tracer->interval_ns)
		tracer->interval_ns = info->interval_ns;
	if (info->interval_ns && info->interval_ns < tracer->timeline.point_ns)
		tracer->timeline.point_ns = info->interval_ns;
	return model__stream(tracer->model, info);
}

static int perfetto__write(void *state, const struct record *record)
{
	struct tracer *tracer = state;
	int err = model__feed(tracer->model, record);

	if (!err && record->kind == RECORD_LOST)
		tracer__lost(tracer, record);
	return err ? err : tracer->packets.error;
}

static int perfetto__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct tracer *tracer = state;

	model__ended(tracer->model, info, stream);
	tracer__ended(tracer, info, stream);
	return 0;
}

static int perfetto__flush(void *state, bool last)
{
	struct tracer *tracer = state;
	int err;

	if (!last)
		return packets__flush(&tracer->packets);
	err = model__finish(tracer->model);
	return err ? err : tracer__finish(tracer);
}

static const struct sink perfetto_sink = {
	.abi = SINK_ABI,
	.size = sizeof(struct sink),
	.name = "perfetto",
	.help = "a timeline of all processes for the Perfetto UI, with curves of CPU and memory",
	.options = perfetto_options,
	.conf_size = sizeof(struct perfetto_conf),
	.open = perfetto__open,
	.stream = perfetto__stream,
	.write = perfetto__write,
	.flush = perfetto__flush,
	.ended = perfetto__ended,
	.close = perfetto__close,
	.suffix = "pftrace",
};

SINK_EXPORT const struct sink *const collector_sink;
const struct sink *const collector_sink = &perfetto_sink;
