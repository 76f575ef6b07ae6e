/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-query: asks runs in SQL, or by queries that have a name. Needs no rights. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/query/query.h"

struct args {
	char **paths;		 /* ended by NULL */
	struct opt_list folders; /* of queries */
	char *file, *output, *steps, *plugin_dir;
	const char *query, *parameters[QUERY_PARAMETERS + 2]; /* one too many is seen */
	int format;					      /* -1: not given */
	bool list, quiet;
	struct query_named named;
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 0, "FILE", "file", OPT_STRING, file, "the query is in FILE", .group = "The query"),
	CLI_OPTION(struct args, 'l', NULL, "list", OPT_BOOL, list, "list the queries that have a name"),
	CLI_OPTION(struct args, 0, "DIR", "queries", OPT_LIST, folders, "look for queries in DIR first; repeatable"),
	CLI_OPTION(struct args, 0, "RULES", "steps", OPT_STRING, steps,
		   "what a step is: auto, none, a ready-made set's name, or a YAML file"),
	CLI_OPTION(struct args, 'F', "FORMAT", "format", OPT_UINT, format,
		   "table, csv, json, jsonl or parquet (default: by the ending of --output FILE, else table)",
		   .choices = query_formats, .group = "Output"),
	CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output,
		   "write there, once it is complete, instead of to stdout"),
	CLI_OPTION(struct args, 'p', "DIR", "plugin-dir", OPT_STRING, plugin_dir,
		   "where collector-merge looks for DIR/sinks"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only", .group = "Other"),
	CLI_END,
};

static const struct cli cli = {
	"collector-query",
	.usage = "[OPTION]... RUN... [QUERY [PARAMETER]...]",
	.about =
		"Answers questions about runs. RUN is a run's folder, a link to one, or a folder of Parquet files that "
		"collector-merge made; several are asked together. QUERY is a name that --list knows, or SQL as "
		"DuckDB speaks it; without it the tables are listed.",
	.options = options,
	.examples = "  collector query runs/latest failed\n"
		    "      What failed, and why.\n"
		    "  collector query runs/latest slowest 50\n"
		    "      The 50 programs that took longest.\n"
		    "  collector query runs/* \"SELECT run, sum(cpu_ns) FROM processes GROUP BY run\"\n"
		    "      CPU time of each run.\n"
		    "  collector query runs/latest \"DESCRIBE processes\"\n"
		    "      The columns of a table, and their types.\n"
		    "  collector query -o big.parquet runs/latest \\\n"
		    "      \"FROM processes WHERE peak_rss_bytes > 1e9\"\n"
		    "      Programs of more than a gigabyte, as a Parquet file.\n"
		    "\n"
		    "Queries of your own: NAME.sql in ~/.config/collector/queries.",
	.exit_status = "Exit status: 0 done, 1 failed while working, 2 wrong usage or wrong SQL.",
};

static int fail(int code, const char *sentence)
{
	/* DuckDB's errors are of several lines, the later ones point at a place in the first */
	char *copy = strdup(sentence), *at = copy, *line;

	while ((line = strsep(&at, "\n")))
		if (*line)
			log__error("%s", line);
	free(copy);
	return code;
}

/* Where queries are looked for: as given, the user's own, those that were installed. */
static int add_folders(struct args *args)
{
	static const struct opt folders = {.type = OPT_LIST, .offset = offsetof(struct args, folders)};
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct error err;
	char *own = NULL;
	int n = 0;

	if (config && *config)
		n = asprintf(&own, "%s/collector/queries", config);
	else if (home)
		n = asprintf(&own, "%s/.config/collector/queries", home);
	n = n < 0 || (n && opt__append(&folders, args, own, &err)) || opt__append(&folders, args, QUERIESDIR, &err);
	free(own);
	return n ? fail(EXIT_FAILED, strerror(ENOMEM)) : CLI_GO_ON;
}

static bool is_name(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

/* A name of a query goes before a path of that name, which can be written ./NAME; but the first is a path. */
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

/* The format is given by name, else by the ending of the output's name. */
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
	add_defaults(args);
	return settle_format(args);
}

/* ---- the work ---- */

/* Without a query: what there is to ask. */
static int ask(const struct args *args, struct query *query, int out)
{
	char *overview = args->query ? NULL : query__overview(query);
	struct error err = {0};
	const char *sql = args->query ? args->query : overview;
	int rc = sql ? query__print(query, sql, args->parameters, args->format, out, &err) : -ENOMEM;

	free(overview);
	if (!rc || rc == -EPIPE)
		return EXIT_DONE; /* EPIPE: the reader closed the pipe; not an error */
	return fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, *err.text ? err.text : strerror(-rc));
}

static int run(const struct args *args)
{
	struct query_opts opts = {.paths = (const char *const *)args->paths,
				  .steps = args->steps,
				  .plugin_dir = args->plugin_dir,
				  .quiet = args->quiet};
	struct outfile out;
	struct query query;
	struct error err;
	int rc = query__open(&query, &opts, &err), code;

	if (rc) {
		code = fail(rc == -ENOENT || rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, err.text);
	} else if (outfile__open(&out, args->output, &err)) {
		code = fail(EXIT_FAILED, err.text);
	} else {
		code = ask(args, &query, out.fd);
		if (outfile__close(&out, code == EXIT_DONE, &err))
			code = fail(EXIT_FAILED, err.text);
	}
	query__close(&query);
	return code;
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct args args = {.format = -1};
	int code;

	log__init(cli.name, LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	code = args__parse(&args, argv);
	if (args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON && args.list)
		code = query_named__list((const char *const *)args.folders.items) ? EXIT_FAILED : EXIT_DONE;
	else if (code == CLI_GO_ON)
		code = run(&args);
	query_named__free(&args.named);
	cli__free(&cli, &args);
	return code;
}
