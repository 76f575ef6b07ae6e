/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-diff: what changed from one run to another, and whether it may. */
#include <errno.h>
#include <getopt.h>
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

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_CHANGED };

static const char help[] =
	"Usage: collector-diff [OPTION]... RUN_A RUN_B\n"
	"\n"
	"Says what changed from RUN_A to RUN_B: which steps and commands became slower, bigger, failed, appeared\n"
	"or vanished. Steps are compared by their names, commands by the shape of their arguments: numbers,\n"
	"hashes and temporary names count as equal. Figures are those of one execution on average, peaks\n"
	"the largest of all; what changed by less than 100 ms or 1 MiB has not changed.\n"
	"\n"
	"  -f, --fail-on METRIC>AMOUNT  exit with 3 if the metric of the run, a step or a command grew by more;\n"
	"                               may be repeated. METRIC: wall, cpu, peak_rss, executions, failed.\n"
	"                               AMOUNT: 10%, 5s, 200MiB, 0\n"
	"  -a, --all                    print what has not changed, too\n"
	"      --format FORMAT          table, csv, json, jsonl or parquet (default: table)\n"
	"  -o, --output FILE            write there, once it is whole, instead of to stdout\n"
	"      --steps RULES            what a step is: auto, none, a ready-made set's name, or a YAML file\n"
	"  -p, --plugin-dir DIR         look for sinks in DIR/sinks\n"
	"  -q, --quiet                  errors and broken limits only\n"
	"  -h, --help                   this text\n"
	"  -V, --version                the version\n"
	"\n"
	"Examples:\n"
	"  collector-diff runs/monday runs/latest\n"
	"      What changed since.\n"
	"  collector-diff --fail-on 'peak_rss>10%' --fail-on 'failed>0' baseline runs/latest\n"
	"      In CI: a step or command that needs a tenth more memory, or fails, fails the job.\n"
	"\n"
	"Exit status: 0 done, 1 failed while working, 2 wrong usage, 3 a limit is broken.\n";

enum { OPTION_FORMAT = 256, OPTION_STEPS };

static const struct option options[] = {
	{"fail-on", required_argument, NULL, 'f'},
	{"all", no_argument, NULL, 'a'},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"output", required_argument, NULL, 'o'},
	{"steps", required_argument, NULL, OPTION_STEPS},
	{"plugin-dir", required_argument, NULL, 'p'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/* What the table shows of the view; other formats have all of it. */
static const char table_sql[] =
	"SELECT change, kind, executions_a AS runs_a, executions_b AS runs_b, failed_a, failed_b, "
	"wall_a_ns, wall_b_ns, printf('%+.0f %%', nullif(round(wall_percent), 0)) AS \"wall\", "
	"cpu_a_ns, cpu_b_ns, printf('%+.0f %%', nullif(round(cpu_percent), 0)) AS cpu, "
	"peak_rss_a_bytes AS peak_a_bytes, peak_rss_b_bytes AS peak_b_bytes, "
	"printf('%+.0f %%', nullif(round(peak_rss_percent), 0)) AS peak, name FROM diff";

struct args {
	struct query_opts query;
	struct diff_limit *limits;
	size_t limits_count;
	int format; /* enum query_format */
	const char *output;
	bool all, done; /* done: help or version was printed */
};

static int args__take(struct args *args, int option)
{
	struct error err;

	switch (option) {
	case 'f':
		if (!diff_limit__parse(&args->limits[args->limits_count++], optarg, &err))
			return EXIT_DONE;
		log__error("--fail-on: %s", err.text);
		return EXIT_USAGE;
	case 'a':
		args->all = true;
		return EXIT_DONE;
	case OPTION_FORMAT:
		return (args->format = query_format__find(optarg)) < 0 ? EXIT_USAGE : EXIT_DONE;
	case 'o':
		args->output = optarg;
		return EXIT_DONE;
	case OPTION_STEPS:
		args->query.steps = optarg;
		return EXIT_DONE;
	case 'p':
		args->query.plugin_dir = optarg;
		return EXIT_DONE;
	case 'q':
		args->query.quiet = true;
		return EXIT_DONE;
	case 'h':
	case 'V':
		fputs(option == 'h' ? help : "collector-diff " PACKAGE_VERSION "\n", stdout);
		args->done = true;
		return EXIT_DONE;
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
}

static int args__parse(struct args *args, int argc, char **argv)
{
	int option, rc = EXIT_DONE;

	*args = (struct args){.limits = calloc(argc, sizeof(*args->limits))};
	if (!args->limits) {
		log__error("%s", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	while (!rc && !args->done && (option = getopt_long(argc, argv, "f:ao:p:qhV", options, NULL)) >= 0)
		rc = args__take(args, option);
	if (!rc && !args->done && argc - optind != 2) {
		log__error("two runs are compared: collector-diff RUN_A RUN_B");
		rc = EXIT_USAGE;
	}
	if (rc == EXIT_USAGE)
		fputs("Try 'collector-diff --help'.\n", stderr);
	args->query.paths = (const char *const *)argv + optind;
	return rc;
}

static int print(struct query *query, const struct args *args, struct error *err)
{
	struct outfile out;
	struct text sql = {0};
	int rc = outfile__open(&out, args->output, err);

	if (rc)
		return rc;
	text__printf(&sql, "%s%s", args->format == QUERY_TABLE ? table_sql : "FROM diff",
		     args->all ? "" : " WHERE change <> '' OR kind = 'run'");
	rc = sql.error ? sql.error : query__print(query, sql.data, NULL, args->format, out.fd, err);
	text__free(&sql);
	if (outfile__close(&out, !rc, err) && !rc)
		rc = -EIO;
	return rc;
}

/* Makes the views of either side, and what compares them. */
static int compare(struct query *query, const struct query_opts *opts, struct error *err)
{
	static const char *const sides[] = {"a_", "b_"};
	struct query_opts with = *opts;
	int rc;

	with.prefixes = sides;
	rc = query__open(query, &with, err);
	if (!rc && query->count != 2)
		rc = error__set(err, -EINVAL, "%s is the same run as %s", opts->paths[1], opts->paths[0]);
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
		rc = error__set(err, -EIO, "DuckDB gives no count");
	else
		*count = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return rc;
}

/* Says what breaks a limit. *broken is left as it is if nothing does. */
static int check(struct query *query, const struct diff_limit *limit, bool *broken, struct error *err)
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
		*broken = true;
		log__error("--fail-on '%s':", limit->text);
		rc = query__print(query, sql.data, NULL, QUERY_TABLE, STDERR_FILENO, err);
	}
	text__free(&counting);
	text__free(&sql);
	return rc;
}

static int run(const struct args *args)
{
	struct error err = {0};
	struct query query;
	bool broken = false;
	int rc = compare(&query, &args->query, &err), code = EXIT_FAILED;

	if (rc == -ENOENT || rc == -EINVAL || rc == -ENOTDIR)
		code = EXIT_USAGE;
	if (!rc)
		rc = print(&query, args, &err);
	for (size_t i = 0; i < args->limits_count && !rc; i++)
		rc = check(&query, &args->limits[i], &broken, &err);
	query__close(&query);
	if (rc == -EPIPE)
		return EXIT_DONE; /* who reads us has seen enough */
	if (rc)
		return log__error("%s", *err.text ? err.text : strerror(-rc)), code;
	return broken ? EXIT_CHANGED : EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct args args;
	int code;

	log__init("collector-diff", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	code = args__parse(&args, argc, argv);
	if (args.query.quiet)
		log__init("collector-diff", LOG_ERROR);
	if (!code && !args.done)
		code = run(&args);
	free(args.limits);
	return code;
}
