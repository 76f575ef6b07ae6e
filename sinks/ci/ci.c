/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for CI jobs: a page of Markdown for the job's summary, and a line in its log for each kind of failure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks/ci/ci.h"
#include "sinks/judging/tallied.h"

#define PAGE_MIN 4096
#define OPEN_MAX 5 /* processes that still run, as the summary has by default */

struct ci_conf {
	char *output, *log, *steps;
	bool overwrite;
	uint64_t failures, top, size, interval;
};

static const struct opt ci_options[] = {
	OPT(struct ci_conf, output, OPT_STRING, "$GITHUB_STEP_SUMMARY", 0, 0,
	    "file for the page, appended to if it exists; none: where the merge writes"),
	OPT(struct ci_conf, overwrite, OPT_BOOL, "false", 0, 0, "replace the file"),
	OPT(struct ci_conf, log, OPT_STRING, "auto", 0, 0,
	    "lines for the job's log, on standard error: github, gitlab, none, or auto, by the environment"),
	OPT(struct ci_conf, failures, OPT_UINT, "50", 0, 1000, "kinds of failure on the page"),
	OPT(struct ci_conf, top, OPT_UINT, "50", 0, 10000, "steps on the page"),
	OPT(struct ci_conf, size, OPT_SIZE, "900KiB", CI_FILE_BLOCK, 900 << 10, "most that the page may have"),
	OPT(struct ci_conf, interval, OPT_DURATION, "5s", 0, 3600000000000ull,
	    "between two pages of a run that goes on"),
	OPT(struct ci_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

struct ci {
	struct judged judged;
	struct ci_limits limits;
	struct ci_logged logged;
	struct ci_file file; /* that has more than this page */
	uint64_t interval, written_ns;
};

static int on_run(void *arg, const struct model_run *run)
{
	(void)arg;
	return tally__init(run->user, run, OPEN_MAX);
}

static int begin(void *state, const void *conf, struct error *err)
{
	const struct ci_conf *c = conf;
	struct ci *ci = state;

	if (!ci_log__find(c->log, &ci->logged.log))
		return error__set(err, -EINVAL, "log=%s: use github, gitlab, none or auto", c->log);
	ci->limits = (struct ci_limits){c->failures, c->top, c->size};
	ci->interval = c->interval;
	ci->file = (struct ci_file){sink_api__file(ci->judged.on.api, "output"), -1};
	return judged__open(&ci->judged);
}

static int log_failures(struct ci *ci, bool last)
{
	struct text lines = {0};
	int rc;

	for (size_t i = 0; i < model__runs(ci->judged.on.model); i++) {
		const struct tally *tally = model__run(ci->judged.on.model, i)->user;

		ci_log__failures(&lines, &ci->logged, tally, last);
		if (!last)
			continue;
		ci_log__limit(&lines, &ci->logged, tally);
		ci_log__verdicts(&lines, &ci->logged, tally, ci->judged.verdicts);
	}
	rc = lines.error ? lines.error : write_all(STDERR_FILENO, lines.data, lines.size);
	text__free(&lines);
	return rc;
}

/* The pages of all runs, in so many bytes. */
static int print(const struct ci *ci, struct text *out, size_t size, bool last)
{
	size_t runs = model__runs(ci->judged.on.model);
	struct ci_limits limits = ci->limits;

	limits.size = runs ? size / runs : size;
	if (limits.size < PAGE_MIN) {
		text__printf(out, "\ncollector: no room is left here for the summary of %zu run%s\n", runs,
			     runs == 1 ? "" : "s");
		return out->error;
	}
	for (size_t i = 0; i < runs; i++) {
		const struct model_run *run = model__run(ci->judged.on.model, i);

		ci_page__print(out, run->user, ci->judged.verdicts, &limits, !last || run->life == STREAM_RUNNING);
	}
	return out->error;
}

static int write_page(struct ci *ci, bool last)
{
	size_t size = last ? ci->limits.size : CI_FILE_BLOCK, room = ci->file.fd ? ci_file__room(&ci->file) : size;
	struct text page = {0};
	int rc = print(ci, &page, room < size && ci->file.begin < 0 ? room : size, last);

	if (!rc && ci->file.fd)
		rc = ci_file__write(&ci->file, &page, last);
	else if (!rc)
		rc = sink_api__replace(ci->judged.on.api, page.data, page.size);
	if (rc == -ENOENT) /* no file: the page goes to the output, once */
		rc = last ? write_all(ci->judged.on.api->out, page.data, page.size) : 0;
	text__free(&page);
	return rc < 0 ? rc : 0;
}

/* While the run goes: the log at once, the page now and then. */
static int show(void *state, bool last)
{
	struct ci *ci = state;
	uint64_t now = clock__ns(CLOCK_MONOTONIC);
	int rc = last ? judged__flush(state, true) : log_failures(ci, false);

	if (rc || last || (ci->written_ns && now - ci->written_ns < ci->interval))
		return rc;
	ci->written_ns = now;
	return write_page(ci, false);
}

static int finish(void *state)
{
	struct ci *ci = state;
	int rc = judged__finish(&ci->judged);

	rc = rc ? rc : log_failures(ci, true);
	return rc ? rc : write_page(ci, true);
}

static const struct on_model_sink ci_on_model = {
	.size = sizeof(struct ci),
	.steps = offsetof(struct ci_conf, steps),
	.calls = {.run = on_run, TALLIED_CALLS},
	.open = begin,
	.stream = judged__stream,
	.record = judged__record,
	TALLIED,
	.flush = show,
	.finish = finish,
};

static int ci__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&ci_on_model, "ci", api, conf, state);
}

SINK(ci, "a CI job's summary in Markdown, and a line of its log for each failure", .options = ci_options,
     .conf_size = sizeof(struct ci_conf), .page = true, .suffix = "md", .replaces = "output", .live = true,
     .open = ci__open, ON_MODEL);
