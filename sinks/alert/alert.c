/* SPDX-License-Identifier: BSD-2-Clause */
/* A line as soon as something is wrong with a process of a run that goes on, and one when that is over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/format.h"
#include "core/sink.h"
#include "core/text.h"
#include "sinks/judging/pass.h"

#define S 1000000000ULL
#define LINES_MAX 4 /* at once; then one each LINE_NS */
#define LINE_NS (20 * S)
#define QUIET_NS (10 * S) /* between passes over a run that writes nothing */

struct alert_conf {
	bool proven;
};

static const struct opt alert_options[] = {
	OPT(struct alert_conf, proven, OPT_BOOL, "false", 0, 0, "only what is proven, not what is likely"),
	{0},
};

/* One that was reported, or is to be. */
struct standing {
	struct standing *next;
	struct verdict_found found;
	bool said, there; /* there: in the last pass */
};

/* A run with a judge of its own, so that what is kept of it goes with it. */
struct alert_run {
	struct alert_run *next;
	struct verdict_pass pass;
	size_t going;
	bool changed; /* since its last pass */
	struct standing *standing;
};

struct alert {
	const struct sink_api *api;
	struct alert_conf conf;
	struct alert_run *runs;
	struct alert_run **of; /* by index of a stream */
	size_t of_count;
	uint64_t lines, filled_ns; /* how many may be printed now */
};

/* ---- lines ---- */

/* A program that draws itself has the terminal, or another job: what is to be said waits. */
static bool may_write(int out)
{
	struct termios terminal;
	pid_t group;

	if (!isatty(out))
		return true;
	group = tcgetpgrp(out);
	return (group < 0 || group == getpgrp()) && !tcgetattr(out, &terminal) && terminal.c_lflag & ICANON &&
	       terminal.c_lflag & ECHO;
}

static bool has_line(struct alert *alert)
{
	uint64_t now = clock__boot(), more = (now - alert->filled_ns) / LINE_NS;

	if (more) {
		alert->lines = alert->lines + more < LINES_MAX ? alert->lines + more : LINES_MAX;
		alert->filled_ns = now;
	}
	return alert->lines && may_write(alert->api->out);
}

static int print(struct alert *alert, struct text *line)
{
	struct text whole = {0};
	int err;

	/* a terminal may be in the middle of another one's line */
	text__printf(&whole, "%scollector: %s\n", isatty(alert->api->out) ? "\n" : "", line->data ? line->data : "");
	err = whole.error ? whole.error : line->error;
	if (!err)
		err = write_all(alert->api->out, whole.data, whole.size);
	text__free(&whole);
	text__free(line);
	alert->lines--;
	return err;
}

static int say(struct alert *alert, struct standing *standing, const char *evidence)
{
	struct text line = {0};

	text__printf(&line, "%s: %.*s", verdict_kind__name(standing->found.kind), (int)standing->found.length,
		     evidence);
	standing->said = true;
	return print(alert, &line);
}

static int say_over(struct alert *alert, const struct standing *standing)
{
	char lasted[FORMAT_SIZE];
	struct text line = {0};

	text__printf(&line, "%s of pid %u is over, after %s", verdict_kind__name(standing->found.kind),
		     standing->found.pid, format__duration(lasted, clock__boot() - standing->found.since_ns));
	return print(alert, &line);
}

/* ---- what stands, pass by pass ---- */

static struct standing *standing_of(struct alert_run *run, const struct verdict_found *found)
{
	struct standing *standing = run->standing;

	while (standing && (standing->found.kind != found->kind || standing->found.pid != found->pid ||
			    standing->found.start != found->start))
		standing = standing->next;
	if (standing)
		return standing;
	standing = calloc(1, sizeof(*standing));
	if (!standing)
		return NULL;
	standing->next = run->standing;
	return run->standing = standing;
}

static int take(struct alert *alert, struct alert_run *run, const struct verdict_found *found, const char *evidence)
{
	struct standing *standing;

	if (!found->lasts)
		return 0;
	standing = standing_of(run, found);
	if (!standing)
		return -ENOMEM;
	standing->found = *found;
	standing->there = true;
	return standing->said || !has_line(alert) ? 0 : say(alert, standing, evidence);
}

/* Those that are not there any more go. */
static int let_go(struct alert *alert, struct alert_run *run)
{
	int err = 0;

	for (struct standing **at = &run->standing, *standing; (standing = *at) && !err;) {
		if (standing->there) {
			at = &standing->next;
			continue;
		}
		if (standing->said && has_line(alert))
			err = say_over(alert, standing);
		*at = standing->next;
		free(standing);
	}
	return err;
}

static int compare(struct alert *alert, struct alert_run *run, const struct buffer *all)
{
	struct verdict_found found;
	const char *evidence;
	size_t at = 0;
	int err = 0;

	for (struct standing *standing = run->standing; standing; standing = standing->next)
		standing->there = false;
	while (!err && (evidence = verdict_found__next(all, &at, &found)))
		if (found.certainty == VERDICT_PROVEN || !alert->conf.proven)
			err = take(alert, run, &found, evidence);
	return err ? err : let_go(alert, run);
}

/* Not left to the next flush: when all stand still, there is none. */
static void wait_until_due(const struct verdict_pass *pass)
{
	uint64_t now = clock__boot(), due = verdict_pass__due(pass);
	struct timespec left = {.tv_sec = 0};

	if (now >= due)
		return;
	left.tv_sec = (time_t)((due - now) / S);
	left.tv_nsec = (long)((due - now) % S);
	nanosleep(&left, NULL); /* a signal ends it */
}

static int judge_run(struct alert *alert, struct alert_run *run)
{
	struct buffer all = {0};
	int err;

	if (!run->changed && clock__boot() < run->pass.ended_ns + QUIET_NS)
		return 0;
	wait_until_due(&run->pass);
	run->changed = false;
	err = verdict_pass__run(&run->pass, &all);
	if (!err)
		err = compare(alert, run, &all);
	else
		alert->api->log(LOG_WARN, "alert: judging what is wrong failed: %s", strerror(-err));
	buffer__free(&all);
	return err == -EPIPE ? err : 0;
}

/* ---- runs ---- */

static bool is_of(const struct alert_run *run, const struct stream_info *info)
{
	return !strcmp(run->pass.streams[0]->run.id, info->run.id) && !strcmp(run->pass.streams[0]->host, info->host) &&
	       !strcmp(run->pass.streams[0]->boot_id, info->boot_id);
}

static void free_run(struct alert *alert, struct alert_run *run)
{
	struct alert_run **at = &alert->runs;
	struct standing *next;

	while (*at && *at != run)
		at = &(*at)->next;
	if (*at)
		*at = run->next;
	for (size_t i = 0; i < run->pass.count; i++)
		alert->of[run->pass.streams[i]->index] = NULL;
	for (struct standing *standing = run->standing; standing; standing = next) {
		next = standing->next;
		free(standing);
	}
	verdict_pass__close(&run->pass);
	free(run);
}

static struct alert_run *new_run(struct alert *alert)
{
	struct alert_run *run = calloc(1, sizeof(*run));

	if (!run || verdict_pass__open(&run->pass, alert->api, "alert")) {
		free(run);
		return NULL;
	}
	run->next = alert->runs;
	return alert->runs = run;
}

static int add_stream(struct alert *alert, struct alert_run *run, const struct stream_info *info)
{
	struct alert_run **of = alert->of;

	if (info->index >= alert->of_count)
		of = reallocarray(alert->of, info->index + 1, sizeof(struct alert_run *));
	if (!of)
		return -ENOMEM;
	alert->of = of;
	while (alert->of_count <= info->index)
		of[alert->of_count++] = NULL;
	of[info->index] = run;
	run->going++;
	return verdict_pass__stream(&run->pass, info);
}

/* ---- the sink ---- */

static int alert__open(const struct sink_api *api, const void *conf, void **state)
{
	struct alert *alert = calloc(1, sizeof(*alert));

	if (!alert)
		return -ENOMEM;
	alert->api = api;
	alert->conf = *(const struct alert_conf *)conf;
	alert->lines = LINES_MAX;
	alert->filled_ns = clock__boot();
	*state = alert;
	return 0;
}

static int alert__stream(void *state, const struct stream_info *info)
{
	struct alert *alert = state;
	struct alert_run *run = alert->runs;

	while (run && !is_of(run, info))
		run = run->next;
	if (!run)
		run = new_run(alert);
	return run ? add_stream(alert, run, info) : -ENOMEM;
}

static int alert__write(void *state, const struct record *record)
{
	struct alert *alert = state;
	struct alert_run *run = alert->of[record->info->index];

	if (!run)
		return 0;
	run->changed = true;
	return judge__record(run->pass.judge, record);
}

static int alert__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct alert *alert = state;
	struct alert_run *run = alert->of[info->index];

	(void)stream;
	if (run && !--run->going)
		free_run(alert, run);
	return 0;
}

static int alert__flush(void *state, bool last)
{
	struct alert *alert = state;
	int err = 0;

	for (struct alert_run *run = alert->runs; run && !last && !err; run = run->next)
		err = judge_run(alert, run);
	return err;
}

static void alert__forget(void *state, const struct stream_info *info)
{
	struct alert *alert = state;

	if (alert->of[info->index])
		free_run(alert, alert->of[info->index]);
}

static void alert__close(void *state)
{
	struct alert *alert = state;

	while (alert->runs)
		free_run(alert, alert->runs);
	free(alert->of);
	free(alert);
}

SINK(alert, "a line as soon as something is wrong in a run that goes on, and when that is over",
     .options = alert_options, .conf_size = sizeof(struct alert_conf), .page = true, .open = alert__open,
     .stream = alert__stream, .write = alert__write, .ended = alert__ended, .flush = alert__flush,
     .close = alert__close, .forget = alert__forget, .live = true);
