/* SPDX-License-Identifier: BSD-2-Clause */
/* One line of a run that goes on, drawn again each second, that goes away at its end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/format.h"
#include "sinks/live/live.h"

#define INTERVAL_S 1
#define CLEAR "\r\033[K"

struct progress_conf {
	char *steps;
};

static const struct opt progress_options[] = {
	OPT(struct progress_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct progress {
	struct live_sink sink;
	struct live_tree tree;
	pthread_t thread;
	pthread_cond_t ends; /* with the sink's lock */
	bool running, end;   /* running: there is the thread; end: it is to end */
};

/* ---- the line ---- */

static void put_longest(struct text *line, const struct live_node *longest)
{
	const struct model_row *row = longest->live.row;
	const char *name = model_command__name(row->command, row->comm);
	char age[FORMAT_SIZE];

	text__printf(line, ", longest ");
	if (row->task)
		text__step(line, row->task->step, row->task->tag, row->task->id);
	else
		text__safe(line, name, strlen(name));
	text__printf(line, " %s", format__duration(age, longest->age_ns));
}

static void put_line(struct text *line, const struct live_tree *tree)
{
	const struct live_figures *all = &tree->all;
	char running[FORMAT_SIZE], ended[FORMAT_SIZE], failed[FORMAT_SIZE], bytes[FORMAT_SIZE];
	uint64_t lost = live_tree__lost(tree);

	text__printf(line, "%s running, %s ended, %s failed", format__count(running, tree->running),
		     format__count(ended, tree->ended), format__count(failed, tree->failed));
	if (!EVENT_IS_NULL(all->cpu_milli))
		text__printf(line, ", CPU %d%%", (int)(all->cpu_milli / 10));
	if (!EVENT_IS_NULL(all->rss_bytes))
		text__printf(line, ", memory %s", format__bytes(bytes, all->rss_bytes));
	if (lost)
		text__printf(line, ", %s events lost", format__count(bytes, lost));
	if (tree->longest)
		put_longest(line, tree->longest);
}

/* Not into another job's terminal. Without a controlling terminal it is the collector's own pseudo-terminal. */
static bool is_in_front(int out)
{
	pid_t group = tcgetpgrp(out);

	return group < 0 || group == getpgrp();
}

static size_t columns_of(int out)
{
	struct winsize window;

	return !ioctl(out, TIOCGWINSZ, &window) && window.ws_col ? window.ws_col : 80;
}

/* With the lock held. */
static void draw(struct progress *progress)
{
	int out = progress->sink.on.api->out;
	struct text whole = {0}, line = {0};

	if (!is_in_front(out) || live_tree__build(&progress->tree, progress->sink.on.model, true))
		return;
	put_line(&whole, &progress->tree);
	text__printf(&line, CLEAR);
	text__cut(&line, whole.data ? whole.data : "",
		  columns_of(out) - 1); /* in the last column some begin another line */
	if (!whole.error && !line.error)
		write_all(out, line.data, line.size);
	text__free(&whole);
	text__free(&line);
}

/* ---- its thread ---- */

static void *run(void *arg)
{
	struct progress *progress = arg;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&progress->sink.lock);
	while (!progress->end) {
		draw(progress);
		next.tv_sec += INTERVAL_S;
		while (!progress->end && pthread_cond_clockwait(&progress->ends, &progress->sink.lock, CLOCK_MONOTONIC,
								&next) != ETIMEDOUT)
			continue;
	}
	pthread_mutex_unlock(&progress->sink.lock);
	return NULL;
}

/* Signals are for the merge's thread. */
static int start(struct progress *progress)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&progress->thread, NULL, run, progress);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	progress->running = !rc;
	return rc;
}

static void stop(struct progress *progress)
{
	int out = progress->sink.on.api->out;

	if (!progress->running)
		return;
	pthread_mutex_lock(&progress->sink.lock);
	progress->end = true;
	pthread_cond_signal(&progress->ends);
	pthread_mutex_unlock(&progress->sink.lock);
	pthread_join(progress->thread, NULL);
	progress->running = false;
	if (is_in_front(out))
		write_all(out, CLEAR, strlen(CLEAR));
}

/* ---- the sink ---- */

static int begin(void *state, const void *conf, struct error *err)
{
	struct progress *progress = state;

	(void)conf;
	(void)err;
	pthread_mutex_init(&progress->sink.lock, NULL);
	pthread_cond_init(&progress->ends, NULL);
	return 0;
}

static bool can_show(int out)
{
	const char *name = getenv("TERM");

	return isatty(out) && name && *name && strcmp(name, "dumb");
}

/* Only while a run is followed, on a terminal. */
static int show(void *state, bool last)
{
	struct progress *progress = state;

	if (last || progress->running || !can_show(progress->sink.on.api->out))
		return 0;
	return start(progress);
}

static void end(void *state)
{
	struct progress *progress = state;

	live_run__free_all(progress->sink.on.model);
	live_tree__free(&progress->tree);
	pthread_cond_destroy(&progress->ends);
	pthread_mutex_destroy(&progress->sink.lock);
}

static const struct on_model_sink progress_on_model = {
	.size = sizeof(struct progress),
	.steps = offsetof(struct progress_conf, steps),
	.calls = LIVE_CALLS,
	.open = begin,
	.losses = offsetof(struct live_run, totals.losses),
	.flush = show,
	.close = end,
};

static int progress__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&progress_on_model, "progress", api, conf, state);
}

static int progress__flush(void *state, bool last)
{
	if (last)
		stop(state);
	return on_model__flush(state, last);
}

static void progress__close(void *state)
{
	stop(state);
	on_model__close(state);
}

SINK(progress, "one line on the terminal while a run is followed, which goes away", .options = progress_options,
     .conf_size = sizeof(struct progress_conf), .open = progress__open, .stream = live_sink__stream,
     .write = live_sink__write, .ended = live_sink__ended, .flush = progress__flush, .close = progress__close,
     .reads = "steps,join");
