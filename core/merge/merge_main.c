/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-merge: reads the streams of runs, merges them by time, feeds sinks. Needs no rights. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/merge/merge.h"

enum { EXIT_STRICT = 3 };

struct args {
	struct opt_list sinks, runs, events;
	char *output, *since, *until, *plugin_dir;
	bool strict, list, quiet;
	char **paths; /* ended by NULL */
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 's', "NAME[:k=v,...]", "sink", OPT_LIST, sinks,
		   "what to make of it (default summary); repeatable", .group = "What to make of it"),
	CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output,
		   "write there, once complete, instead of to stdout; for parquet and the like: its folder or file"),
	CLI_OPTION(struct args, 'l', NULL, "list", OPT_BOOL, list, "list the sinks and their options"),
	CLI_OPTION(struct args, 'p', "DIR", "plugin-dir", OPT_STRING, plugin_dir, "look for sinks in DIR/sinks",
		   .opt.value = PLUGINDIR),
	CLI_OPTION(struct args, 'r', "ID", "run", OPT_LIST, runs, "only this run; repeatable", .group = "Which events"),
	CLI_OPTION(struct args, 'e', "NAME", "event", OPT_LIST, events,
		   "only this: exit, lifecycle.exit, or all of lifecycle; repeatable; losses are always reported"),
	CLI_OPTION(struct args, 0, "TIME", "since", OPT_STRING, since,
		   "not before: 2026-03-01T12:00:00Z, or 90s after the run's start"),
	CLI_OPTION(struct args, 0, "TIME", "until", OPT_STRING, until, "not after"),
	CLI_OPTION(struct args, 0, NULL, "strict", OPT_BOOL, strict,
		   "exit with 3 if a stream has losses, damage or no end", .group = "Other"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only: no progress, no warnings"),
	CLI_END,
};

static const struct cli cli = {
	"collector-merge",
	.usage = "[OPTION]... RUN...",
	.about = "Merges the streams of a run by time and hands them to a sink: a summary for people, or every event "
		 "for other programs. RUN is a run's folder, a link to one, or the file of a stream; several runs, "
		 "also of several hosts, are merged into one.",
	.options = options,
	.examples = "  collector-merge runs/latest\n"
		    "      What ran, what failed and why, where CPU time and memory went.\n"
		    "  collector-merge -s jsonl runs/latest |\n"
		    "      jq 'select(.event == \"exit\" and .exit_code != 0)'\n"
		    "      Every process that failed.\n"
		    "  collector-merge -s jsonl -e exec -e exec_failed runs/latest \\\n"
		    "      --since 90s --until 2m\n"
		    "      What was started in half a minute of the run.\n"
		    "  collector-merge -s parquet -o tables runs/latest\n"
		    "      Every event, process and step as tables for DuckDB, Spark, pandas...\n"
		    "  collector-merge -q --strict -s null runs/latest\n"
		    "      Is everything there?",
	.exit_status = "Exit status: 0 done, 1 failed while working, 2 wrong usage, 3 see --strict.",
};

/* What a signal asks for; the loop looks. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static int args__parse(struct args *args, char **argv)
{
	int code = cli__parse(&cli, args, argv);

	args->paths = argv;
	if (code == CLI_GO_ON && !args->list && !*args->paths)
		return cli__usage(&cli, "no run is given: collector-merge RUN, for example runs/latest");
	return code;
}

struct progress {
	bool shown;
	uint64_t records;
	time_t next;
};

static void progress__show(struct progress *progress, const struct merge *merge)
{
	struct timespec now;
	uint64_t done, total;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec < progress->next)
		return;
	progress->next = now.tv_sec + 1;
	progress->shown = true;
	merge__progress(merge, &done, &total);
	fprintf(stderr, "\rmerging: %3" PRIu64 "%%, %" PRIu64 " events ", total ? done * 100 / total : 100,
		progress->records);
}

struct job {
	struct args args;
	struct merge *merge;
	struct filter filter;
	struct sinks sinks;
	struct outfile out;
	bool misused; /* a sink cannot do what it was asked for; nothing has begun */
};

static int job__fail(int code, const char *err)
{
	log__error("%s", err);
	return code;
}

/* merge__add() knows no caller: what it warns of is counted here. */
static size_t unreadable;

static void warn_unreadable(const char *sentence)
{
	unreadable++;
	log__warn("%s", sentence);
}

/* What another command line would avoid. */
static bool is_usage(int rc)
{
	return rc == -ENOENT || rc == -EINVAL || rc == -EEXIST;
}

/* Everything that can be wrong with what was asked for, before anything is written. */
static int job__prepare(struct job *job)
{
	static char *summary[] = {PAGE_SINK, NULL};
	const struct args *args = &job->args;
	const struct filter_opts wanted = {(const char *const *)args->runs.items,
					   (const char *const *)args->events.items, args->since, args->until};
	struct error err;
	size_t i;
	int rc;

	for (char **sink = args->sinks.n ? args->sinks.items : summary; *sink; sink++)
		if (sinks__add(&job->sinks, args->plugin_dir, *sink, &err))
			return job__fail(EXIT_USAGE, err.text);
	job->merge = merge__new();
	if (!job->merge)
		return job__fail(EXIT_FAILED, strerror(ENOMEM));
	for (i = 0; args->paths[i]; i++) {
		rc = merge__add(job->merge, args->paths[i], warn_unreadable, &err);
		if (rc)
			return job__fail(is_usage(rc) ? EXIT_USAGE : EXIT_FAILED, err.text);
	}
	rc = filter__init(&job->filter, job->merge, &wanted, &err);
	if (rc)
		return job__fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, err.text);
	rc = sinks__output(&job->sinks, args->output, &err);
	if (rc < 0)
		return job__fail(EXIT_USAGE, err.text);
	if (outfile__open(&job->out, rc ? args->output : NULL, &err))
		return job__fail(EXIT_FAILED, err.text);
	return EXIT_DONE;
}

/* 0, or -errno: what a sink returned, having logged it. */
static int job__merge(struct job *job)
{
	/* on one terminal, progress would run into the output */
	bool show = !job->args.quiet && isatty(STDERR_FILENO) && !isatty(job->out.fd);
	struct progress progress = {0};
	struct timespec now;
	struct record record;
	int rc;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	progress.next = now.tv_sec + 1;
	rc = sinks__open(&job->sinks, job->out.fd, job->merge, &job->filter);
	job->misused = is_usage(rc);
	while (!rc && !interrupted) {
		rc = merge__next(job->merge, &record);
		if (rc < 0)
			log__error("%s: %s", merge__info(job->merge, merge__failed(job->merge))->path, strerror(-rc));
		if (rc <= 0)
			break;
		rc = filter__record(&job->filter, &record) ? sinks__write(&job->sinks, &record) : 0;
		if (!(++progress.records & 8191) && show)
			progress__show(&progress, job->merge);
	}
	if (progress.shown)
		fputs("\r\033[K", stderr);
	if (!rc && !interrupted)
		rc = sinks__finish(&job->sinks, job->merge, &job->filter);
	return rc;
}

/* Says what is missing from each stream. Returns whether anything is. */
static bool job__losses(const struct job *job)
{
	const struct stream_state *state;
	const struct stream_info *info;
	bool losses = unreadable > 0;
	size_t i;

	for (i = 0; i < merge__streams(job->merge); i++) {
		info = merge__info(job->merge, i);
		state = merge__state(job->merge, i);
		if (!filter__stream(&job->filter, info) || (state->complete && !state->lost && !state->damaged_bytes))
			continue;
		losses = true;
		log__warn("%s: %s%" PRIu64 " events are known to be lost, %" PRIu64 " bytes are damaged", info->path,
			  state->complete ? "" : "the stream has no end: what came last is missing; ", state->lost,
			  state->damaged_bytes);
	}
	return losses;
}

static int job__run(struct job *job)
{
	int rc, code = job__prepare(job);
	struct error err;

	if (code)
		return code;
	rc = job__merge(job);
	/* EPIPE: the reader closed the pipe; not an error */
	code = job->misused ? EXIT_USAGE : rc && rc != -EPIPE ? EXIT_FAILED : EXIT_DONE;
	if (!rc && !interrupted && job__losses(job) && job->args.strict)
		code = EXIT_STRICT;
	sinks__close(&job->sinks);
	if (outfile__close(&job->out, code != EXIT_FAILED && code != EXIT_USAGE && !interrupted, &err))
		code = job__fail(EXIT_FAILED, err.text);
	return code;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct job job = {0};
	int code;

	log__init(cli.name, LOG_INFO);
	code = args__parse(&job.args, argv);
	if (job.args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON) {
		catch_signals();
		if (job.args.list)
			code = list__plugins(stdout, &sink_kind, job.args.plugin_dir, sinks__list) ? EXIT_DONE
												   : EXIT_FAILED;
		else
			code = job__run(&job);
	}
	sinks__close(&job.sinks);
	filter__free(&job.filter);
	merge__free(job.merge);
	cli__free(&cli, &job.args);
	if (interrupted)
		raise(interrupted); /* its handler is the default one again */
	return code;
}
