/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of a sink on the model. */
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
	on->name = name;
	on->api = api;
	if (sink->open)
		rc = sink->open(on, conf, &err);
	if (!rc)
		rc = steps__load_file(*(char *const *)((const char *)conf + sink->steps), sink_api__file(api, "steps"),
				      &on->steps, &err);
	if (!rc) {
		on->model = model__new(&sink->calls, on, on->steps);
		rc = on->model ? 0 : -ENOMEM;
	}
	if (rc) {
		api->log(LOG_ERROR, "%s: %s", name, rc == -ENOMEM ? "not enough memory" : err.text);
		on_model__close(on);
		return rc;
	}
	*state = on;
	return 0;
}

/* Says why the merge ends; not if the reader closed the pipe. Returns `rc`. */
static int tell(const struct on_model *on, int rc)
{
	if (rc < 0 && rc != -EPIPE)
		on->api->log(LOG_ERROR, "%s: %s", on->name, strerror(-rc));
	return rc;
}

int on_model__stream(void *state, const struct stream_info *info)
{
	struct on_model *on = state;
	int rc = on->sink->stream ? on->sink->stream(state, info) : 0;

	return tell(on, rc ? rc : model__stream(on->model, info));
}

/* The losses of the stream's run; NULL if the sink keeps none, or the stream has no run. */
static struct losses *losses_of(const struct on_model *on, const struct stream_info *info)
{
	const struct model_run *run = on->sink->losses ? model__run_of(on->model, info) : NULL;

	return run ? (struct losses *)((char *)run->user + on->sink->losses) : NULL;
}

int on_model__write(void *state, const struct record *record)
{
	struct on_model *on = state;
	struct losses *losses;
	int rc = on->sink->record ? on->sink->record(state, record) : 0;

	if (!rc)
		rc = model__feed(on->model, record);
	if (rc || record->kind != RECORD_LOST)
		return tell(on, rc);
	losses = losses_of(on, record->info);
	if (losses)
		losses__take(losses, record);
	return on->sink->lost ? tell(on, on->sink->lost(state, record)) : 0;
}

int on_model__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct on_model *on = state;
	struct losses *losses = losses_of(on, info);

	model__ended(on->model, info, stream);
	if (losses)
		losses__ended(losses, info, stream);
	return on->sink->ended ? tell(on, on->sink->ended(state, info, stream)) : 0;
}

int on_model__flush(void *state, bool last)
{
	struct on_model *on = state;
	int rc = on->sink->flush ? on->sink->flush(state, last) : 0;

	if (rc || !last)
		return tell(on, rc);
	rc = model__finish(on->model);
	if (model__lacks_files(on->model))
		on->api->log(LOG_WARN, "%s: %s", on->name, MODEL_LACKS_FILES);
	return tell(on, rc || !on->sink->finish ? rc : on->sink->finish(state));
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
