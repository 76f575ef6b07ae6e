/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-merge: reads the streams of runs, merges them by time, feeds sinks. Runs unprivileged. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "core/lake/lake.h"
#include "core/log.h"
#include "core/merge/follow.h"
#include "core/merge/merge.h"
#include "core/merge/segments.h"

enum { EXIT_STRICT = 3 };

#define FOLLOW_NICE 10

struct args {
	struct opt_list sinks, runs, events;
	char *output, *since, *until, *plugin_dir, *cursor, *config, *compact;
	bool strict, list, quiet, follow, running;
	struct opt_list fail_on;
	char **paths; /* ended by NULL */
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 's', "NAME[:k=v,...]", "sink", OPT_LIST, sinks,
		   "output format (default summary); repeatable", .group = "What to make of it"),
	CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output,
		   "write there, once complete, instead of to stdout; for parquet and the like: its folder or file"),
	CLI_OPTION(struct args, 'l', NULL, "list", OPT_BOOL, list, "list the sinks and their options"),
	CLI_OPTION(struct args, 'p', "DIR", "plugin-dir", OPT_STRING, plugin_dir, "load sinks from DIR/sinks",
		   .opt.value = PLUGINDIR),
	CLI_OPTION(struct args, 'r', "ID", "run", OPT_LIST, runs, "only this run; repeatable", .group = "Which events"),
	CLI_OPTION(
		struct args, 'e', "NAME", "event", OPT_LIST, events,
		"only this event: exit, lifecycle.exit, or all of lifecycle; repeatable; losses are always included"),
	CLI_OPTION(struct args, 0, "TIME", "since", OPT_STRING, since,
		   "not before this time: 2026-03-01T12:00:00Z, or 90s after the run's start"),
	CLI_OPTION(struct args, 0, "TIME", "until", OPT_STRING, until, "not after"),
	CLI_OPTION(struct args, 'f', NULL, "follow", OPT_BOOL, follow,
		   "go on with what is written to the runs until they end; for a folder of runs also with new ones",
		   .group = "Runs that go on"),
	CLI_OPTION(struct args, 0, NULL, "running", OPT_BOOL, running,
		   "of a folder that is followed leave out the runs that have ended"),
	CLI_OPTION(struct args, 0, "DIR", "cursor", OPT_STRING, cursor,
		   "save there how far the sink has got, and go on from there"),
	CLI_OPTION(struct args, 0, "LAKE[:delta]", "compact", OPT_STRING, compact,
		   "instead of merging runs: merge the files of a lake's closed days into large ones",
		   .group = "Lakes"),
	CLI_OPTION(struct args, 'c', "FILE", "config", OPT_STRING, config,
		   "give verdicts by the limits in this configuration, not by those of the run", .group = "Other"),
	CLI_OPTION(
		struct args, 0, "VERDICT", "fail-on", OPT_LIST, fail_on,
		"exit with 3 if there is such a verdict: verdict (any that is proven), verdict=KIND, verdict=KIND:likely; "
		"repeatable"),
	CLI_OPTION(
		struct args, 0, NULL, "strict", OPT_BOOL, strict,
		"exit with 3 if a stream is missing, has losses, damage, or no end although it is not running, or lacks that of a process"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only: no progress, no warnings"),
	CLI_END,
};

static const struct cli cli = {
	"collector-merge",
	.usage = "[OPTION]... RUN...\n--compact LAKE",
	.about = "Merges the streams of a run by time and passes them to a sink: a summary for people, or every event "
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
		    "      What was started in 30 seconds of the run.\n"
		    "  collector-merge -s parquet -o tables runs/latest\n"
		    "      Every event, process and step as tables for DuckDB, Spark, pandas...\n"
		    "  collector-merge -q --strict -s null runs/latest\n"
		    "      Check that nothing is missing: see the exit status.\n"
		    "  collector-merge -f --cursor state -s jsonl -o events.jsonl runs\n"
		    "      Every event of every run as it comes.\n"
		    "  collector-merge --compact lake\n"
		    "      Few large files in place of those of each run, once a day is over.",
	.exit_status = "Exit status: 0 done, 1 failed while working, 2 wrong usage, 3 see --strict and --fail-on.",
};

/* The signal that arrived; checked by the loop. */
static volatile sig_atomic_t interrupted;
/* The process that does the work, if it is not this one: it gets the signal too. */
static volatile pid_t worker;

static void on_signal(int number)
{
	interrupted = number;
	if (worker > 0)
		kill(worker, number);
}

static int args__parse(struct args *args, char **argv)
{
	int code = cli__parse(&cli, args, argv);

	args->paths = argv;
	if (code == CLI_GO_ON && args->compact && *args->paths)
		return cli__usage(&cli, "--compact takes no run: collector-merge --compact LAKE");
	if (code == CLI_GO_ON && !args->list && !args->compact && !*args->paths)
		return cli__usage(&cli, "no run is given: collector-merge RUN, for example runs/latest");
	if (code == CLI_GO_ON && args->running && !args->follow)
		return cli__usage(&cli, "--running is for --follow: give both");
	if (code == CLI_GO_ON && args->cursor && (!args->follow || args->sinks.n > 1))
		return cli__usage(&cli, "--cursor is for --follow with one sink: start a follower for each");
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

/* What the process that reads the streams exits with beside the program's own codes: the reader of stdout has closed it, so that
 * no output is complete. */
enum { EXIT_CLOSED = 4 };

struct job {
	struct args args;
	struct account account;
	struct merge_input *inputs;
	struct merge *merge;
	struct filter filter;
	struct ends *ends; /* NULL: not --strict */
	struct fail_on fail_on;
	struct opt_list limits; /* of --config */
	struct sinks sinks;
	struct follow follow;
	struct outfile out;
	bool opened;	 /* out */
	size_t left_out; /* streams */
	bool misused;	 /* a sink refused its options; nothing was written */
};

static int job__fail(int code, const char *err)
{
	log__error("%s", err);
	return code;
}

static void on_note(void *arg, enum merge_note note, const char *sentence)
{
	struct job *job = arg;

	job->left_out += note == MERGE_LEFT_OUT;
	log__print(note == MERGE_LEFT_OUT ? LOG_WARN : LOG_INFO, "%s", sentence);
}

/* Errors that another command line would avoid. */
static bool is_usage(int rc)
{
	return rc == -ENOENT || rc == -EINVAL || rc == -EEXIST;
}

static void on_error(void *arg, const char *sentence)
{
	(void)arg;
	log__error("%s", sentence);
}

/* Limits of verdicts. Returns an exit code, 0: go on. */
static int job__limits(struct job *job)
{
	int rc = conf_verdicts__load_file(&job->limits, job->args.config, on_error, NULL);

	job->follow.limited = true;
	job->follow.limits = (const char *const *)job->limits.items;
	return !rc ? EXIT_DONE : rc == -EINVAL ? EXIT_USAGE : job__fail(EXIT_FAILED, strerror(-rc));
}

/* The sink that judges is one more of them. Returns an exit code, 0: go on. */
static int job__fail_on(struct job *job)
{
	const struct opt_list *list = &job->args.fail_on;
	struct error err;

	for (size_t i = 0; i < list->n; i++)
		if (fail_on__parse(&job->fail_on, list->items[i], &err))
			return cli__usage(&cli, "--fail-on: %s", err.text);
	if (list->n && sinks__add(&job->sinks, job->args.plugin_dir, JUDGE_SINK, &err))
		return job__fail(EXIT_USAGE, err.text);
	job->sinks.fail_on = list->n ? &job->fail_on : NULL;
	return EXIT_DONE;
}

/* Opens all that is to be read and written, as this user, and reads nothing from it. */
static int job__open(struct job *job)
{
	static char *summary[] = {PAGE_SINK, NULL};
	const struct args *args = &job->args;
	struct error err;
	int rc;

	account__find(&job->account);
	job->sinks.account = &job->account;
	job->sinks.interrupted = &interrupted;
	for (char **sink = args->sinks.n ? args->sinks.items : summary; *sink; sink++)
		if (sinks__add(&job->sinks, args->plugin_dir, *sink, &err))
			return job__fail(EXIT_USAGE, err.text);
	rc = job__fail_on(job);
	if (!rc && args->config)
		rc = job__limits(job);
	if (rc)
		return rc;
	for (char **path = args->paths; *path; path++) {
		rc = args->follow ? follow__add(&job->follow, *path, &err)
				  : merge_input__open(&job->inputs, *path, &err);
		if (rc)
			return job__fail(is_usage(rc) ? EXIT_USAGE : EXIT_FAILED, err.text);
	}
	rc = sinks__output(&job->sinks, args->output, &err);
	if (rc < 0)
		return job__fail(EXIT_USAGE, err.text);
	if (args->cursor &&
	    resume__open(&job->follow.resume, args->cursor, sinks__name(&job->sinks, 0), &job->account, &err))
		return job__fail(EXIT_FAILED, err.text);
	if ((args->follow ? outfile__append : outfile__open)(&job->out, rc ? args->output : NULL, &err))
		return job__fail(EXIT_FAILED, err.text);
	job->opened = true;
	rc = sinks__place(&job->sinks, &err);
	return rc ? job__fail(is_usage(rc) ? EXIT_USAGE : EXIT_FAILED, err.text) : EXIT_DONE;
}

static struct filter_opts args__wanted(const struct args *args)
{
	return (struct filter_opts){(const char *const *)args->runs.items, (const char *const *)args->events.items,
				    args->since, args->until};
}

/* Reads the headers, and finds the errors of the command line that are left. */
static int job__prepare(struct job *job)
{
	const struct args *args = &job->args;
	const struct filter_opts wanted = args__wanted(args);
	struct error err;
	int rc;

	if (sinks__start(&job->sinks, &err))
		return job__fail(EXIT_USAGE, err.text);
	job->merge = merge__new(on_note, job);
	if (!job->merge)
		return job__fail(EXIT_FAILED, strerror(ENOMEM));
	rc = merge_input__read(job->inputs, job->merge, &err);
	if (rc)
		return job__fail(is_usage(rc) ? EXIT_USAGE : EXIT_FAILED, err.text);
	if (merge__find_missing(job->merge))
		return job__fail(EXIT_FAILED, strerror(ENOMEM));
	if (args->config)
		merge__limit(job->merge, (const char *const *)job->limits.items);
	rc = filter__init(&job->filter, job->merge, &wanted, &err);
	if (rc)
		return job__fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, err.text);
	job->ends = args->strict ? ends__new(job->merge, &job->filter) : NULL;
	if (args->strict && !job->ends)
		return job__fail(EXIT_FAILED, strerror(ENOMEM));
	return EXIT_DONE;
}

/* A record for the sinks that get it, and for --strict, which looks at all. 0 or -errno. */
static int job__record(struct job *job, const struct record *record)
{
	int rc = job->ends ? ends__take(job->ends, record) : 0;

	return !rc && filter__record(&job->filter, record) ? sinks__write(&job->sinks, record) : rc;
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
		rc = job__record(job, &record);
		if (!(++progress.records & 8191) && show)
			progress__show(&progress, job->merge);
	}
	if (progress.shown)
		fputs("\r\033[K", stderr);
	if (!rc && !interrupted)
		rc = sinks__finish(&job->sinks, job->merge, &job->filter);
	return rc;
}

static bool job__losses(const struct job *job)
{
	return missing__say(job->merge, &job->filter, job->ends) || job->left_out;
}

/* The same, while streams are written. What writes them comes first; the threads of sinks inherit that. */
static int job__follow(struct job *job)
{
	struct follow *f = &job->follow;
	struct error err;
	int rc;

	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + FOLLOW_NICE);
	if (sinks__start(&job->sinks, &err))
		return job__fail(EXIT_USAGE, err.text);
	f->sinks = &job->sinks;
	f->wanted = args__wanted(&job->args);
	f->strict = job->args.strict;
	f->running = job->args.running;
	f->interrupted = &interrupted;
	f->say = on_note;
	f->say_arg = job;
	rc = follow__run(f, job->out.fd, &err);
	if (rc && *err.text)
		log__error("%s", err.text);
	if (rc)
		return rc == -EPIPE ? EXIT_CLOSED : is_usage(rc) ? EXIT_USAGE : EXIT_FAILED;
	if ((f->losses || job->left_out) && job->args.strict)
		return EXIT_STRICT;
	return job->sinks.failing ? EXIT_STRICT : EXIT_DONE;
}

/* All that reads streams and calls sinks. */
static int job__work(struct job *job)
{
	int rc, code;

	if (job->args.follow)
		return job__follow(job);
	code = job__prepare(job);
	if (code)
		return code;
	rc = job__merge(job);
	/* EPIPE: the reader closed the pipe; not an error */
	code = job->misused ? EXIT_USAGE : rc == -EPIPE ? EXIT_CLOSED : rc ? EXIT_FAILED : EXIT_DONE;
	if (!rc && !interrupted && job__losses(job) && job->args.strict)
		code = EXIT_STRICT;
	if (!rc && !interrupted && job->sinks.failing)
		code = EXIT_STRICT;
	return code;
}

static void job__free(struct job *job)
{
	sinks__close(&job->sinks);
	ends__free(job->ends);
	filter__free(&job->filter);
	merge__free(job->merge);
	merge_input__free(job->inputs);
	follow__free(&job->follow);
	verdict_limits__free_list(&job->limits);
	cli__free(&cli, &job->args);
}

/* What the process without rights reads, but cannot open. 0 or -errno. */
static int job__serve(struct job *job, struct segments_server *server)
{
	int rc = segments_server__open(server);

	if (!rc)
		rc = merge_input__serve(job->inputs, server);
	return rc ? rc : follow__serve(&job->follow, server);
}

/* The same by a process without rights. */
static int job__work_apart(struct job *job)
{
	struct segments_server server = {0};
	int code;

	code = job__serve(job, &server);
	if (code)
		return job__fail(EXIT_FAILED, strerror(-code));
	worker = account__fork(&job->account);
	if (worker < 0)
		return job__fail(EXIT_FAILED, strerror(-worker));
	if (!worker) {
		segments_server__ask(&server);
		code = job__work(job);
		if (interrupted && !job->args.follow)
			raise(interrupted);
		sinks__stop(&job->sinks);
		_exit(fflush(NULL) ? EXIT_FAILED : code);
	}
	if (interrupted)
		kill(worker, interrupted); /* it came before there was a process to pass it on to */
	segments_server__serve(&server);
	code = account__wait(worker);
	worker = 0;
	segments_server__free(&server);
	if (code >= 0)
		return code;
	if (!interrupted)
		log__error("the process that reads the streams was killed by signal %d", -code);
	return EXIT_FAILED;
}

static int job__run(struct job *job)
{
	int code = job__open(job);
	struct error err;
	bool keep;

	if (!code)
		code = job->account.apart ? job__work_apart(job) : job__work(job);
	/* a signal is the end of following, not of a merge */
	keep = (code == EXIT_DONE || code == EXIT_STRICT) && (!interrupted || job->args.follow);
	if (keep && sinks__commit(&job->sinks, &err))
		code = job__fail(EXIT_FAILED, err.text);
	sinks__close(&job->sinks);
	if (job->opened && outfile__close(&job->out, keep || code == EXIT_CLOSED, &err))
		code = job__fail(EXIT_FAILED, err.text);
	return code == EXIT_CLOSED ? EXIT_DONE : code;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int compact(const char *lake)
{
#ifdef HAVE_DUCKDB
	return lake__compact(lake);
#else
	(void)lake;
	return job__fail(EXIT_USAGE, "--compact: this collector was built without DuckDB");
#endif
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct job job = {0};
	bool follow;
	int code;

	log__init(cli.name, LOG_INFO);
	code = args__parse(&job.args, argv);
	if (job.args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON) {
		if (!job.args.compact)
			catch_signals(); /* a compaction can be killed at any point */
		if (job.args.compact)
			code = compact(job.args.compact);
		else if (job.args.list)
			code = sinks__list(stdout, job.args.plugin_dir) ? EXIT_DONE : EXIT_FAILED;
		else
			code = job__run(&job);
	}
	follow = job.args.follow;
	job__free(&job);
	if (interrupted && !follow)
		raise(interrupted); /* SA_RESETHAND: the default handler */
	return cli__end(code);
}
