/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-query: queries runs in SQL, or by named queries. Runs unprivileged. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/query/prompt.h"
#include "core/query/query.h"

struct args {
	char **paths;		 /* ended by NULL */
	struct opt_list folders; /* of queries */
	char *file, *output, *steps, *config, *plugin_dir;
	const char *query, *parameters[QUERY_PARAMETERS + 2]; /* one more, to detect too many */
	int format;					      /* -1: not given */
	bool list, schema, quiet;
	struct query_named named;
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 0, "FILE", "file", OPT_STRING, file, "read the query from FILE", .group = "The query"),
	CLI_OPTION(struct args, 'l', NULL, "list", OPT_BOOL, list, "list the named queries"),
	CLI_OPTION(struct args, 0, NULL, "schema", OPT_BOOL, schema,
		   "describe the tables and columns, with types and units"),
	CLI_OPTION(struct args, 0, "DIR", "queries", OPT_LIST, folders, "search DIR for queries first; repeatable"),
	CLI_OPTION(struct args, 0, "RULES", "steps", OPT_STRING, steps,
		   "what a step is: auto, none, a ready-made set's name, or a YAML file"),
	CLI_OPTION(struct args, 'c', "FILE", "config", OPT_STRING, config,
		   "give verdicts by the limits in this configuration, not by those of the run"),
	CLI_OPTION(struct args, 'F', "FORMAT", "format", OPT_UINT, format,
		   "table, csv, json, jsonl or parquet (default: by the ending of --output FILE, else table)",
		   .choices = query_formats, .group = "Output"),
	CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output,
		   "write there, once it is complete, instead of to stdout"),
	CLI_OPTION(struct args, 'p', "DIR", "plugin-dir", OPT_STRING, plugin_dir, "load sinks from DIR/sinks"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only", .group = "Other"),
	CLI_END,
};

static const struct cli cli = {
	"collector-query",
	.usage = "[OPTION]... RUN... [QUERY [PARAMETER]...]",
	.about =
		"Answers questions about runs. RUN is a run's folder, a link to one, a folder of runs, or a folder of Parquet "
		"files or a DuckDB file that collector-merge made; several are queried together. QUERY is a name from --list, or SQL in "
		"DuckDB's dialect; without it there is a prompt in a terminal, else the tables are listed.",
	.options = options,
	.examples = "  collector query runs/latest failed\n"
		    "      What failed, and why.\n"
		    "  collector query runs/latest slowest 50\n"
		    "      The 50 programs that took longest.\n"
		    "  collector query runs \"SELECT run, result, core_hours FROM runs ORDER BY began\"\n"
		    "      Every run in a folder.\n"
		    "  collector query runs/latest \"DESCRIBE processes\"\n"
		    "      The columns of a table, and their types.\n"
		    "  collector query -o big.parquet runs/latest \\\n"
		    "      \"FROM images WHERE peak_rss_bytes > 1e9\"\n"
		    "      Programs of more than a gigabyte, as a Parquet file.\n"
		    "\n"
		    "Queries of your own: NAME.sql in ~/.config/collector/queries.",
	.exit_status = "Exit status: 0 done, 1 failed while working, 2 wrong usage or wrong SQL.",
};

static int fail(int code, const char *sentence)
{
	/* DuckDB's errors have several lines; the later ones point into the first */
	char *copy = strdup(sentence), *at = copy, *line;

	while ((line = strsep(&at, "\n")))
		if (*line)
			log__error("%s", line);
	free(copy);
	return code;
}

/* The folders of queries: from the command line, the user's own, the installed ones. */
static int add_folders(struct args *args)
{
	static const struct opt folders = {.type = OPT_LIST, .offset = offsetof(struct args, folders)};
	char *config = dir__of_user("XDG_CONFIG_HOME", ".config"), *own = NULL;
	struct error err;
	int n = 0;

	if (config)
		n = asprintf(&own, "%s/collector/queries", config);
	n = n < 0 || (n && opt__append(&folders, args, own, &err)) || opt__append(&folders, args, QUERIESDIR, &err);
	free(config);
	free(own);
	return n ? fail(EXIT_FAILED, strerror(ENOMEM)) : CLI_GO_ON;
}

static bool is_name(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

/* The first argument is a path. Later ones are named queries if such exist; write ./NAME for a path. */
static int find_query(struct args *args, char **words)
{
	const char *const *folders = (const char *const *)args->folders.items;
	struct error err = {0};
	char **word = words;
	size_t paths = 0, n = 0;

	for (; *word && !args->query; word++) {
		bool name = word > words && !args->file && is_name(*word);

		if (name && !query_named__load(&args->named, folders, *word, &err))
			args->query = args->named.sql;
		else if (word > words && access(*word, F_OK) && (args->file || !name))
			break;
		else if (name && access(*word, F_OK))
			return fail(EXIT_USAGE, err.text);
		else
			paths++;
	}
	if (!args->query && !args->file && *word)
		args->query = *word++;
	while (*word && n < QUERY_PARAMETERS + 1)
		args->parameters[n++] = *word++;
	args->paths = words;
	words[paths] = NULL;
	return CLI_GO_ON;
}

static int load_file(struct args *args)
{
	struct error err;

	if (query_named__read(&args->named, args->file, &err))
		return fail(EXIT_USAGE, err.text);
	args->query = args->named.sql;
	return CLI_GO_ON;
}

static void add_defaults(struct args *args)
{
	size_t n = 0;

	while (args->parameters[n])
		n++;
	for (; n < QUERY_PARAMETERS && args->named.defaults[n]; n++)
		args->parameters[n] = args->named.defaults[n];
}

/* The format: --format, else by the output's suffix. */
static int settle_format(struct args *args)
{
	const char *dot = args->output ? strrchr(args->output, '.') : NULL;

	for (int i = 0; i < QUERY_FORMATS && args->format < 0 && dot; i++)
		if (!strcmp(dot + 1, query_formats[i]))
			args->format = i;
	if (args->format < 0)
		args->format = QUERY_TABLE;
	if (args->format == QUERY_PARQUET && !args->output)
		return cli__usage(&cli, "a Parquet file needs a name: --output FILE");
	return CLI_GO_ON;
}

static int args__parse(struct args *args, char **argv)
{
	int rc = cli__parse(&cli, args, argv);

	if (rc == CLI_GO_ON)
		rc = add_folders(args);
	if (rc != CLI_GO_ON || args->list)
		return rc;
	if (!*argv)
		return cli__usage(&cli, "no run is given: collector-query RUN, for example runs/latest");
	rc = find_query(args, argv);
	if (rc == CLI_GO_ON && args->file)
		rc = load_file(args);
	if (rc != CLI_GO_ON)
		return rc;
	if (args->schema && args->query)
		return cli__usage(&cli, "--schema takes runs, and no query");
	add_defaults(args);
	return settle_format(args);
}

/* ---- the work ---- */

/* Without a query: lists or describes the tables. */
static int ask(const struct args *args, struct query *query, int out)
{
	char *overview = args->query ? NULL : args->schema ? query__schema(query) : query__overview(query);
	struct error err = {0};
	const char *sql = args->query ? args->query : overview;
	int rc = sql ? query__print(query, sql, args->parameters, args->format, out, &err) : -ENOMEM;

	free(overview);
	if (!rc || rc == -EPIPE)
		return EXIT_DONE; /* EPIPE: the reader closed the pipe; not an error */
	return fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, *err.text ? err.text : strerror(-rc));
}

/* Whether a person is asked for queries. */
static bool is_interactive(const struct args *args)
{
	return !args->query && !args->schema && !args->output && args->format == QUERY_TABLE && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO);
}

/* What is done by the account. */
struct job {
	const struct args *args;
	const struct query_opts *opts;
	struct query query;
	struct outfile out;
};

static int work(void *arg)
{
	struct job *job = arg;
	struct error err;
	char *history;
	int rc = query__open(&job->query, job->opts, &err);

	if (rc)
		return fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, err.text);
	if (!is_interactive(job->args))
		return ask(job->args, &job->query, job->out.fd);
	history = job->opts->account->apart ? NULL : prompt__history();
	rc = prompt__run(&job->query, history);
	free(history);
	return rc ? fail(EXIT_FAILED, strerror(-rc)) : EXIT_DONE;
}

static int run(const struct args *args)
{
	struct account account;
	struct query_opts opts = {.paths = (const char *const *)args->paths,
				  .steps = args->steps,
				  .config = args->config,
				  .plugin_dir = args->plugin_dir,
				  .sql = args->query,
				  .quiet = args->quiet,
				  .account = &account};
	struct job job = {args, &opts, {0}, {0}};
	struct error err;
	int rc, code;

	account__find(&account);
	rc = query__find(&job.query, &opts, &err);
	if (rc) {
		code = fail(rc == -ENOENT || rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, err.text);
	} else if (outfile__open(&job.out, args->output, &err)) {
		code = fail(EXIT_FAILED, err.text);
	} else {
		if (is_interactive(args))
			signal(SIGINT,
			       SIG_IGN); /* it ends a query, not this process, which may have to wait for another */
		code = outfile__work(&job.out, &account, work, &job);
		if (outfile__close(&job.out, code == EXIT_DONE, &err))
			code = fail(EXIT_FAILED, err.text);
	}
	query__close(&job.query);
	return code;
}

static int list(const char *const *folders)
{
	int rc = query_named__list(folders);

	if (rc)
		log__error("cannot list the queries: %s", strerror(-rc));
	return rc ? EXIT_FAILED : EXIT_DONE;
}

/* Two for each run of a folder. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct args args = {.format = -1};
	int code;

	log__init(cli.name, LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	allow_descriptors();
	code = args__parse(&args, argv);
	if (args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON && args.list)
		code = list((const char *const *)args.folders.items);
	else if (code == CLI_GO_ON)
		code = run(&args);
	query_named__free(&args.named);
	cli__free(&cli, &args);
	return cli__end(code);
}
