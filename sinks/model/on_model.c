/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of a sink that sits on the model. */
#include "sinks/model/on_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int on_model__open(const struct on_model_sink *sink, const char *name, const struct sink_api *api, const void *conf,
		   void **state)
{
	struct on_model *on = calloc(1, sink->size);
	struct error err;
	int rc = 0;

	error__set(&err, 0, "not enough memory");
	if (!on) {
		api->log(LOG_ERROR, "%s: %s", name, err.text);
		return -ENOMEM;
	}
	on->sink = sink;
	on->api = api;
	if (sink->open)
		rc = sink->open(on, conf, &err);
	if (!rc)
		rc = steps__load(*(char *const *)((const char *)conf + sink->steps), &on->steps, &err);
	if (!rc) {
		on->model = model__new(&sink->calls, on, on->steps);
		rc = on->model ? 0 : -ENOMEM;
	}
	if (rc) {
		api->log(LOG_ERROR, "%s: %s", name, rc == -ENOMEM ? "not enough memory" : err.text);
		on_model__close(on);
		return rc;
	}
	api->delivered(api, 0);
	*state = on;
	return 0;
}

int on_model__stream(void *state, const struct stream_info *info)
{
	struct on_model *on = state;
	int rc = on->sink->stream ? on->sink->stream(state, info) : 0;

	return rc ? rc : model__stream(on->model, info);
}

/* Those of the stream's run. 0 with NULL if the sink keeps none, or the stream has no run. */
static int losses_of(struct on_model *on, const struct stream_info *info, struct losses **losses)
{
	const struct model_run *run = on->sink->losses ? model__run_of(on->model, info) : NULL;

	*losses = run ? on->sink->losses(on, run) : NULL;
	return run && !*losses ? -ENOMEM : 0;
}

int on_model__write(void *state, const struct record *record)
{
	struct on_model *on = state;
	struct losses *losses;
	int rc;

	on->records++;
	rc = on->sink->record ? on->sink->record(state, record) : 0;

	if (!rc)
		rc = model__feed(on->model, record);
	if (rc || record->kind != RECORD_LOST)
		return rc;
	rc = losses_of(on, record->info, &losses);
	if (losses)
		losses__take(losses, record);
	return rc || !on->sink->lost ? rc : on->sink->lost(state, record);
}

int on_model__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct on_model *on = state;
	struct losses *losses;
	int rc = losses_of(on, info, &losses);

	model__ended(on->model, info, stream);
	if (losses)
		losses__ended(losses, info, stream);
	return rc || !on->sink->ended ? rc : on->sink->ended(state, info, stream);
}

int on_model__flush(void *state, bool last)
{
	struct on_model *on = state;
	int rc;

	if (!last)
		return 0;
	rc = model__finish(on->model);
	if (!rc && on->sink->finish)
		rc = on->sink->finish(state);
	if (!rc)
		on->api->delivered(on->api, on->records);
	return rc;
}

void on_model__close(void *state)
{
	struct on_model *on = state;

	if (on->sink->close)
		on->sink->close(state);
	model__free(on->model);
	steps__free(on->steps);
	free(on);
}
