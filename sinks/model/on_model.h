/* SPDX-License-Identifier: BSD-2-Clause */
/* Common to all sinks on the model: rules for steps, the model, losses by run. A sink's state begins with a
 * struct on_model; its functions get the whole state. */
#ifndef SINKS_MODEL_ON_MODEL_H
#define SINKS_MODEL_ON_MODEL_H

#include "core/sink.h"
#include "sinks/model/losses.h"
#include "sinks/model/model.h"
#include "sinks/steps/steps.h"

/* A sink on the model. Functions are optional unless marked; they return 0 or -errno. */
struct on_model_sink {
	size_t size;		  /* of the state, which is zeroed */
	size_t steps;		  /* offset of the option `steps` in the sink's conf */
	struct model_calls calls; /* get the state as `arg` */
	/* Before the rules are loaded. On failure, sets a sentence in `err`; close() follows. */
	int (*open)(void *state, const void *conf, struct error *err);
	int (*stream)(void *state, const struct stream_info *info); /* before the model gets it */
	int (*record)(void *state, const struct record *record);    /* before the model gets it */
	size_t losses; /* offset of a struct losses in each run's room; 0: none */
	/* After the model got it: a `lost` record, and a stream's final state. */
	int (*lost)(void *state, const struct record *record);
	int (*ended)(void *state, const struct stream_info *info, const struct stream_state *stream);
	/* What is held is asked for; `last`: before the model finishes. */
	int (*flush)(void *state, bool last);
	int (*finish)(void *state); /* the model has finished */
	void (*close)(
		void *state); /* frees all but the state itself; the model, NULL after open() failed, is still valid */
};

struct on_model {
	const struct on_model_sink *sink;
	const char *name;
	const struct sink_api *api;
	struct steps *steps;
	struct model *model;
};

/* A sink's open() calls this; its other functions are ON_MODEL. */
int on_model__open(const struct on_model_sink *sink, const char *name, const struct sink_api *api, const void *conf,
		   void **state);
int on_model__stream(void *state, const struct stream_info *info);
int on_model__write(void *state, const struct record *record);
int on_model__ended(void *state, const struct stream_info *info, const struct stream_state *stream);
int on_model__flush(void *state, bool last);
void on_model__close(void *state);

#define ON_MODEL                                                                                                  \
	.stream = on_model__stream, .write = on_model__write, .ended = on_model__ended, .flush = on_model__flush, \
	.close = on_model__close, .reads = "steps,join,textfile"

#endif
