/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink that only judges: it reports verdicts to the merge, for --fail-on. Asked for it, it lists what detectors there are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/sink.h"
#include "core/text.h"
#include "sinks/judging/judge.h"

struct judging_conf {
	bool detectors;
};

static const struct opt judging_options[] = {
	OPT(struct judging_conf, detectors, OPT_BOOL, "false", 0, 0,
	    "list the detectors: kind, events they need, certainty, what they find"),
	{0},
};

struct judging {
	const struct sink_api *api;
	struct judge *judge;
	bool detectors;
};

static int judging__open(const struct sink_api *api, const void *conf, void **state)
{
	struct judging *judging = calloc(1, sizeof(*judging));
	int err = judging ? judge__open(&judging->judge, api, "judge") : -ENOMEM;

	if (err) {
		free(judging);
		return err;
	}
	judging->api = api;
	judging->detectors = ((const struct judging_conf *)conf)->detectors;
	*state = judging;
	return 0;
}

static int judging__stream(void *state, const struct stream_info *info)
{
	return judge__stream(((struct judging *)state)->judge, info);
}

static int judging__write(void *state, const struct record *record)
{
	return judge__record(((struct judging *)state)->judge, record);
}

static int judging__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	judge__ended(((struct judging *)state)->judge, info, stream);
	return 0;
}

static int list(const struct judging *judging)
{
	struct text text = {0};
	int err;

	for (const struct sink_verdict *const *each = verdicts_about; *each; each++)
		text__printf(&text, "%s\n    %s\n    needs %s%s%s\n    %s\n", (*each)->kinds, (*each)->text,
			     (*each)->needs, (*each)->proof ? "; to be proven, " : "",
			     (*each)->proof ? (*each)->proof : "", (*each)->certainty);
	err = text.error ? text.error : write_all(judging->api->out, text.data, text.size);
	text__free(&text);
	return err;
}

static int judging__flush(void *state, bool last)
{
	struct judging *judging = state;
	int err = last ? judge__finish(judging->judge, NULL, NULL) : 0;

	return err || !last || !judging->detectors ? err : list(judging);
}

static void judging__close(void *state)
{
	judge__free(((struct judging *)state)->judge);
	free(state);
}

SINK(judge, "reports verdicts to the merge, for --fail-on, and writes nothing", .options = judging_options,
     .conf_size = sizeof(struct judging_conf), .open = judging__open, .stream = judging__stream,
     .write = judging__write, .ended = judging__ended, .flush = judging__flush, .close = judging__close,
     .verdicts = verdicts_about);
