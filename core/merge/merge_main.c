/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-merge: reads the streams of runs, merges them by time, feeds sinks. Needs no rights. */
#include <errno.h>
#include <getopt.h>
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

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_STRICT };

static const char help[] =
	"Usage: collector-merge [OPTION]... RUN...\n"
	"\n"
	"Merges the streams of a run by time and hands them to a sink: a summary for people,\n"
	"or every event for other programs. RUN is a run's folder, a link to one, or a stream's file;\n"
	"several runs, also of several hosts, are merged into one.\n"
	"\n"
	"  -s, --sink NAME[:k=v,...]  what to make of it (default: summary); may be repeated\n"
	"  -o, --output FILE          write there, once it is whole, instead of to stdout;\n"
	"                             the folder or file that a sink such as parquet makes\n"
	"  -r, --run ID               only this run; may be repeated\n"
	"  -e, --event NAME           only this event: exit, lifecycle.exit, or all of lifecycle;\n"
	"                             may be repeated; what was lost is told in any case\n"
	"      --since TIME           not before: 2026-03-01T12:00:00Z, or 90s after the run's start\n"
	"      --until TIME           not after\n"
	"      --strict               exit with 3 where streams hold losses or damage or have no end\n"
	"  -l, --list                 list the sinks and their options\n"
	"  -p, --plugin-dir DIR       look for sinks in DIR/sinks\n"
	"  -q, --quiet                errors only: no progress, no warnings\n"
	"  -h, --help                 this text\n"
	"  -V, --version              the version\n"
	"\n"
	"Examples:\n"
	"  collector-merge runs/latest\n"
	"      What ran, what failed and why, where CPU time and memory went.\n"
	"  collector-merge -s jsonl runs/latest | jq 'select(.event == \"exit\" and .exit_code != 0)'\n"
	"      Every process that failed.\n"
	"  collector-merge -s jsonl -e exec -e exec_failed --since 90s --until 2m runs/latest\n"
	"      What was started in half a minute of the run.\n"
	"  collector-merge -s parquet -o tables runs/latest\n"
	"      Every event, process and step as tables for DuckDB, Spark, pandas...\n"
	"  collector-merge -q --strict -s null runs/latest\n"
	"      Is everything there?\n"
	"\n"
	"Exit status: 0 done, 1 failed while working, 2 wrong usage, 3 see --strict.\n";

enum { OPTION_SINCE = 256, OPTION_UNTIL, OPTION_STRICT };

static const struct option options[] = {
	{"sink", required_argument, NULL, 's'},
	{"output", required_argument, NULL, 'o'},
	{"run", required_argument, NULL, 'r'},
	{"event", required_argument, NULL, 'e'},
	{"since", required_argument, NULL, OPTION_SINCE},
	{"until", required_argument, NULL, OPTION_UNTIL},
	{"strict", no_argument, NULL, OPTION_STRICT},
	{"list", no_argument, NULL, 'l'},
	{"plugin-dir", required_argument, NULL, 'p'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

struct args {
	struct filter_opts filter;
	const char **sinks, **paths, *output, *plugin_dir;
	size_t sinks_count, runs_count, events_count;
	bool strict, list, quiet, done; /* done: help or version was printed */
};

/* What a signal asks for; the loop looks. */
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

static int args__take(struct args *args, int option)
{
	switch (option) {
	case 's':
		args->sinks[args->sinks_count++] = optarg;
		break;
	case 'o':
		args->output = optarg;
		break;
	case 'r':
		args->filter.runs[args->runs_count++] = optarg;
		break;
	case 'e':
		args->filter.events[args->events_count++] = optarg;
		break;
	case OPTION_SINCE:
		args->filter.since = optarg;
		break;
	case OPTION_UNTIL:
		args->filter.until = optarg;
		break;
	case OPTION_STRICT:
		args->strict = true;
		break;
	case 'l':
		args->list = true;
		break;
	case 'p':
		args->plugin_dir = optarg;
		break;
	case 'q':
		args->quiet = true;
		break;
	case 'h':
		fputs(help, stdout);
		args->done = true;
		break;
	case 'V':
		puts("collector-merge " PACKAGE_VERSION);
		args->done = true;
		break;
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
	return EXIT_DONE;
}

/* Every list is as long as argv at most. */
static int args__parse(struct args *args, int argc, char **argv)
{
	int option, rc = EXIT_DONE;

	*args = (struct args){.plugin_dir = PLUGINDIR};
	args->sinks = calloc(argc + 1, sizeof(char *));
	args->filter.runs = calloc(argc + 1, sizeof(char *));
	args->filter.events = calloc(argc + 1, sizeof(char *));
	if (!args->sinks || !args->filter.runs || !args->filter.events) {
		log__error("%s", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	while (!rc && !args->done) {
		option = getopt_long(argc, argv, "s:o:r:e:lp:qhV", options, NULL);
		if (option < 0)
			break;
		rc = args__take(args, option);
	}
	if (!rc && !args->done && !args->list && optind == argc) {
		log__error("no run is given: collector-merge RUN, for example runs/latest");
		rc = EXIT_USAGE;
	}
	if (rc == EXIT_USAGE)
		fputs("Try 'collector-merge --help'.\n", stderr);
	args->paths = (const char **)argv + optind;
	if (!args->sinks_count)
		args->sinks[args->sinks_count++] = "summary";
	return rc;
}

static void args__free(struct args *args)
{
	free(args->sinks);
	free(args->filter.runs);
	free(args->filter.events);
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
	struct args *args = &job->args;
	struct error err;
	size_t i;
	int rc;

	for (i = 0; i < args->sinks_count; i++)
		if (sinks__add(&job->sinks, args->plugin_dir, args->sinks[i], &err))
			return job__fail(EXIT_USAGE, err.text);
	job->merge = merge__new();
	if (!job->merge)
		return job__fail(EXIT_FAILED, strerror(ENOMEM));
	for (i = 0; args->paths[i]; i++) {
		rc = merge__add(job->merge, args->paths[i], warn_unreadable, &err);
		if (rc)
			return job__fail(is_usage(rc) ? EXIT_USAGE : EXIT_FAILED, err.text);
	}
	rc = filter__init(&job->filter, job->merge, &args->filter, &err);
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
	/* who reads us has seen enough, and so has its user */
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

int main(int argc, char **argv)
{
	struct job job = {0};
	int code;

	log__init("collector-merge", LOG_INFO);
	code = args__parse(&job.args, argc, argv);
	if (job.args.quiet)
		log__init("collector-merge", LOG_ERROR);
	if (!code && !job.args.done) {
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
	args__free(&job.args);
	if (interrupted)
		raise(interrupted); /* its handler is the default one again */
	return code;
}
