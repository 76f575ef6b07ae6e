/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-diff: what changed from one run to another, and whether limits are exceeded. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/query/diff_limit.h"
#include "core/query/diff_sql.h"
#include "core/query/query.h"
#include "core/text.h"

enum { EXIT_CHANGED = 3 };

/* The columns that the table shows; other formats have the whole view. */
static const char table_sql[] = "SELECT change, kind, count_a, count_b, failed_a, failed_b, "
				"wall_a_ns, wall_b_ns, printf('%+.0f %%', nullif(round(wall_percent), 0)) AS \"wall\", "
				"cpu_a_ns, cpu_b_ns, printf('%+.0f %%', nullif(round(cpu_percent), 0)) AS cpu, "
				"peak_rss_a_bytes AS peak_a_bytes, peak_rss_b_bytes AS peak_b_bytes, "
				"printf('%+.0f %%', nullif(round(peak_rss_percent), 0)) AS peak, name FROM diff";

struct args {
	struct query_opts query;
	struct opt_list fail_on;
	struct diff_limit *limits; /* of fail_on */
	int format;		   /* enum query_format */
	char *output;
	bool all;
};

static const struct cli_option options[] = {
	CLI_OPTION(
		struct args, 0, "METRIC>AMOUNT", "fail-on", OPT_LIST, fail_on,
		"exit with 3 if the metric of the run, a step or a command grew by more; repeatable. METRIC: wall, cpu, "
		"peak_rss, count, failed. AMOUNT: 10%, 5s, 200MiB, 0. Or verdict[=KIND][:likely]: if RUN_B has one that "
		"RUN_A has not",
		.group = "What is compared"),
	CLI_OPTION(struct args, 'a', NULL, "all", OPT_BOOL, all, "print also what has not changed"),
	CLI_OPTION(struct args, 0, "RULES", "steps", OPT_STRING, query.steps,
		   "what a step is: auto, none, a ready-made set's name, or a YAML file"),
	CLI_OPTION(struct args, 'F', "FORMAT", "format", OPT_UINT, format,
		   "table, csv, json, jsonl or parquet (default table)", .choices = query_formats, .group = "Output"),
	CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output,
		   "write there, once it is complete, instead of to stdout"),
	CLI_OPTION(struct args, 'p', "DIR", "plugin-dir", OPT_STRING, query.plugin_dir, "load sinks from DIR/sinks"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, query.quiet, "print only errors and exceeded limits",
		   .group = "Other"),
	CLI_END,
};

static const struct cli cli = {
	"collector-diff",
	.usage = "[OPTION]... RUN_A RUN_B",
	.about =
		"Says what changed from RUN_A to RUN_B: which steps and commands became slower, bigger, failed, "
		"appeared or vanished. Steps are compared by their names, commands by the shape of their arguments: "
		"numbers, hashes and temporary names count as equal. Figures are those of one task or program on average, "
		"peaks the largest of all; changes below 100 ms or 1 MiB do not count.",
	.options = options,
	.examples = "  collector-diff runs/monday runs/latest\n"
		    "      What changed since.\n"
		    "  collector-diff --fail-on 'peak_rss>10%' --fail-on 'failed>0' \\\n"
		    "      baseline runs/latest\n"
		    "      In CI: a step or command that needs 10% more memory, or fails, fails\n"
		    "      the job.",
	.exit_status = "Exit status: 0 done, 1 failed while working, 2 wrong usage, 3 a limit is exceeded.",
};

static int args__parse(struct args *args, char **argv)
{
	int code = cli__parse(&cli, args, argv);
	struct error err;

	if (code != CLI_GO_ON)
		return code;
	if (!argv[0] || !argv[1] || argv[2])
		return cli__usage(&cli, "expected two runs: collector-diff RUN_A RUN_B");
	args->query.paths = (const char *const *)argv;
	args->limits = calloc(args->fail_on.n + 1, sizeof(*args->limits));
	if (!args->limits)
		return log__error("%s", strerror(ENOMEM)), EXIT_FAILED;
	for (size_t i = 0; i < args->fail_on.n; i++)
		if (diff_limit__parse(&args->limits[i], args->fail_on.items[i], &err))
			return cli__usage(&cli, "--fail-on: %s", err.text);
	return CLI_GO_ON;
}

static int print(struct query *query, const struct args *args, int out, struct error *err)
{
	struct text sql = {0};
	int rc;

	text__printf(&sql, "%s%s", args->format == QUERY_TABLE ? table_sql : "FROM diff",
		     args->all ? "" : " WHERE change <> '' OR kind = 'run'");
	rc = sql.error ? sql.error : query__print(query, sql.data, NULL, args->format, out, err);
	text__free(&sql);
	return rc;
}

static const char *const sides[] = {"a_", "b_"};

/* Finds the two runs. */
static int find(struct query *query, const struct query_opts *opts, struct error *err)
{
	int rc = query__find(query, opts, err);

	if (!rc && query->count != 2)
		rc = error__set(err, -EINVAL, "%s is the same run as %s", opts->paths[1], opts->paths[0]);
	if (!rc && query->running)
		log__warn(
			"a run has not ended: its figures still grow, and what it has not started yet counts as vanished");
	return rc;
}

/* Creates the views of both sides and the one that compares them. */
static int compare(struct query *query, const struct query_opts *opts, struct error *err)
{
	int rc = query__open(query, opts, err);

	return rc ? rc : query__run(query, diff_sql, err);
}

static int count_of(struct query *query, const char *sql, int64_t *count, struct error *err)
{
	duckdb_data_chunk chunk = NULL;
	duckdb_result result;
	int rc = 0;

	if (duckdb_query(query->connection, sql, &result) != DuckDBSuccess)
		rc = error__set(err, -EINVAL, "%s", duckdb_result_error(&result));
	else if (!(chunk = duckdb_fetch_chunk(result)))
		rc = error__set(err, -EIO, "DuckDB returned no count");
	else
		*count = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return rc;
}

/* Reports what exceeds a limit; sets *exceeded if anything does. */
static int check(struct query *query, const struct diff_limit *limit, bool *exceeded, struct error *err)
{
	struct text sql = {0}, counting = {0};
	int64_t count = 0;
	int rc;

	diff_limit__sql(limit, &sql);
	text__printf(&counting, "SELECT count(*) FROM (%s)", sql.error ? "" : sql.data);
	rc = sql.error ? sql.error : counting.error;
	if (!rc)
		rc = count_of(query, counting.data, &count, err);
	if (!rc && count) {
		*exceeded = true;
		log__error("--fail-on '%s':", limit->text);
		rc = query__print(query, sql.data, NULL, QUERY_TABLE, STDERR_FILENO, err);
	}
	text__free(&counting);
	text__free(&sql);
	return rc;
}

/* What is done by the account. */
struct job {
	const struct args *args;
	const struct query_opts *opts;
	struct query query;
	struct outfile out;
};

static int fail(int rc, int code, const struct error *err)
{
	if (rc == -EPIPE)
		return EXIT_DONE; /* EPIPE: the reader closed the pipe; not an error */
	log__error("%s", *err->text ? err->text : strerror(-rc));
	return code;
}

static bool is_usage(int rc)
{
	return rc == -ENOENT || rc == -EINVAL || rc == -ENOTDIR;
}

static int work(void *arg)
{
	struct job *job = arg;
	const struct args *args = job->args;
	struct error err = {0};
	bool exceeded = false;
	int rc = compare(&job->query, job->opts, &err), code = is_usage(rc) ? EXIT_USAGE : EXIT_FAILED;

	if (!rc)
		rc = print(&job->query, args, job->out.fd, &err);
	for (size_t i = 0; i < args->fail_on.n && !rc; i++)
		rc = check(&job->query, &args->limits[i], &exceeded, &err);
	return rc ? fail(rc, code, &err) : exceeded ? EXIT_CHANGED : EXIT_DONE;
}

static int run(const struct args *args)
{
	struct account account;
	struct query_opts opts = args->query;
	struct job job = {args, &opts, {0}, {0}};
	struct error err = {0};
	int rc, code;

	account__find(&account);
	opts.account = &account;
	opts.prefixes = sides;
	rc = find(&job.query, &opts, &err);
	code = is_usage(rc) ? EXIT_USAGE : EXIT_FAILED;
	if (!rc)
		rc = outfile__open(&job.out, args->output, &err);
	if (rc) {
		code = fail(rc, code, &err);
	} else {
		code = outfile__work(&job.out, &account, work, &job);
		rc = outfile__close(&job.out, code == EXIT_DONE || code == EXIT_CHANGED, &err);
		if (rc)
			code = fail(rc, EXIT_FAILED, &err);
	}
	query__close(&job.query);
	return code;
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct args args = {.format = QUERY_TABLE};
	int code;

	log__init(cli.name, LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	code = args__parse(&args, argv);
	if (args.query.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON)
		code = run(&args);
	free(args.limits);
	cli__free(&cli, &args);
	return cli__end(code);
}
