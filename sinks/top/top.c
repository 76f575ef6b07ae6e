/* SPDX-License-Identifier: BSD-2-Clause */
/* A run as it is: on a terminal while it is followed, else once, as text or JSON. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sinks/live/live.h"
#include "sinks/top/screen.h"
#include "sinks/top/view.h"

struct top_conf {
	char *format, *steps;
};

static const struct opt top_options[] = {
	OPT(struct top_conf, format, OPT_STRING, "text", 0, 0, "text or json, of what there is at the end"),
	OPT(struct top_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct top {
	struct live_sink sink;
	bool json;
	bool live; /* it is followed */
	bool left; /* the user has seen enough */
	struct verdict_pass pass;
	struct screen *screen;
};

static int begin(void *state, const void *conf, struct error *err)
{
	const struct top_conf *top_conf = conf;
	struct top *top = state;

	int rc;

	pthread_mutex_init(&top->sink.lock, NULL);
	top->json = !strcmp(top_conf->format, "json");
	if (!top->json && strcmp(top_conf->format, "text"))
		return error__set(err, -EINVAL, "unknown format \"%s\": use text or json", top_conf->format);
	rc = verdict_pass__open(&top->pass, top->sink.on.api, "top");
	return rc ? error__set(err, rc, "%s", strerror(-rc)) : 0;
}

static int print_once(struct top *top)
{
	const struct sink_api *api = top->sink.on.api;
	struct text text = {.colour = api->colour};
	struct live_tree tree = {0};
	struct buffer found = {0};
	int rc = live_tree__build(&tree, top->sink.on.model, false);

	if (!rc)
		rc = verdict_pass__run(&top->pass, &found);
	if (!rc)
		rc = top->json ? json__put(&text, &tree, &found)
			       : page__put(&text, &tree, &found, isatty(api->out) ? api->columns : 0);
	if (!rc)
		rc = write_all(api->out, text.data, text.size);
	text__free(&text);
	live_tree__free(&tree);
	buffer__free(&found);
	return rc;
}

static int open_screen(struct top *top)
{
	const struct sink_api *api = top->sink.on.api;
	struct error err;
	int rc;

	top->live = true;
	if (!isatty(api->out) || !isatty(STDIN_FILENO))
		return 0;
	rc = screen__open(&top->screen, api->out, api->colour, top->sink.on.model, &top->pass, &top->sink.lock, &err);
	if (rc)
		api->log(LOG_ERROR, "top: %s", err.text);
	return rc;
}

static void close_screen(struct top *top)
{
	top->left = top->left || (top->screen && screen__left(top->screen));
	screen__close(top->screen);
	top->screen = NULL;
}

/* What a merge asks for before its end: it follows a run. */
static int show(void *state, bool last)
{
	struct top *top = state;

	if (last)
		return top->left ? 0 : print_once(top);
	return top->live ? 0 : open_screen(top);
}

static void end(void *state)
{
	struct top *top = state;

	live_run__free_all(top->sink.on.model);
	verdict_pass__close(&top->pass);
	pthread_mutex_destroy(&top->sink.lock);
}

static const struct on_model_sink top_on_model = {
	.size = sizeof(struct top),
	.steps = offsetof(struct top_conf, steps),
	.calls = LIVE_CALLS,
	.open = begin,
	.losses = offsetof(struct live_run, totals.losses),
	.flush = show,
	.close = end,
};

static int top__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&top_on_model, "top", api, conf, state);
}

/* As if the reader had closed a pipe: the user has seen enough. */
static int left(const struct top *top)
{
	return top->screen && screen__left(top->screen) ? -EPIPE : 0;
}

static int top__stream(void *state, const struct stream_info *info)
{
	struct top *top = state;
	int rc;

	pthread_mutex_lock(&top->sink.lock);
	rc = verdict_pass__stream(&top->pass, info);
	pthread_mutex_unlock(&top->sink.lock);
	return rc ? rc : live_sink__stream(state, info);
}

static int top__write(void *state, const struct record *record)
{
	struct top *top = state;
	int rc = live_sink__write(state, record);

	if (rc)
		return rc;
	pthread_mutex_lock(&top->sink.lock);
	rc = judge__record(top->pass.judge, record);
	pthread_mutex_unlock(&top->sink.lock);
	return rc ? rc : left(top);
}

static int top__flush(void *state, bool last)
{
	struct top *top = state;
	int rc;

	if (last)
		close_screen(top);
	rc = on_model__flush(state, last);
	return rc ? rc : left(top);
}

static void top__close(void *state)
{
	close_screen(state);
	on_model__close(state);
}

SINK(top, "a run as it is: steps and processes as a tree", .options = top_options, .conf_size = sizeof(struct top_conf),
     .open = top__open, .stream = top__stream, .write = top__write, .ended = live_sink__ended, .flush = top__flush,
     .close = top__close, .needs = "libncursesw", .reads = "steps,join");
