/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-query: asks runs in SQL, or by queries that have a name. Needs no rights. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/query/query.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

static const char help[] =
	"Usage: collector-query [OPTION]... RUN... [QUERY [PARAMETER]...]\n"
	"\n"
	"Answers questions about runs. RUN is a run's folder, a link to one, or a folder of Parquet files\n"
	"that collector-merge made; several are asked together. QUERY is a name that --list knows, or SQL\n"
	"as DuckDB speaks it; without it the tables are listed.\n"
	"\n"
	"  -f, --file FILE            the query is in FILE\n"
	"  -F, --format FORMAT        table, csv, json, jsonl or parquet (default: as FILE of --output is\n"
	"                             called, else table)\n"
	"  -o, --output FILE          write there, once it is whole, instead of to stdout\n"
	"  -s, --steps RULES          rules for steps: auto, none, a ready-made set's name, or a YAML file\n"
	"      --queries DIR          look for queries in DIR first; may be repeated\n"
	"  -l, --list                 list the queries that have a name\n"
	"  -p, --plugin-dir DIR       where collector-merge finds its sinks\n"
	"  -q, --quiet                errors only\n"
	"  -h, --help                 this text\n"
	"  -V, --version              the version\n"
	"\n"
	"Examples:\n"
	"  collector query runs/latest failed\n"
	"      What failed, and why.\n"
	"  collector query runs/latest slowest 50\n"
	"      The 50 programs that took longest.\n"
	"  collector query runs/* \"SELECT run, sum(cpu_ns) AS cpu_ns FROM processes GROUP BY run\"\n"
	"      CPU time of each run.\n"
	"  collector query runs/latest \"DESCRIBE processes\"\n"
	"      The columns of a table, and their types.\n"
	"  collector query -o big.parquet runs/latest \"FROM processes WHERE peak_rss_bytes > 1e9\"\n"
	"      Programs of more than a gigabyte, as a Parquet file.\n"
	"\n"
	"Queries of your own: NAME.sql in ~/.config/collector/queries.\n"
	"Exit status: 0 done, 1 failed while working, 2 wrong usage or wrong SQL.\n";

enum { OPTION_QUERIES = 256 };

static const struct option options[] = {
	{"file", required_argument, NULL, 'f'},
	{"format", required_argument, NULL, 'F'},
	{"output", required_argument, NULL, 'o'},
	{"steps", required_argument, NULL, 's'},
	{"queries", required_argument, NULL, OPTION_QUERIES},
	{"list", no_argument, NULL, 'l'},
	{"plugin-dir", required_argument, NULL, 'p'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

struct args {
	const char **paths, **folders; /* each ended by NULL */
	size_t folders_count;
	char *own_folder; /* of the user's queries */
	const char *file, *output, *steps, *plugin_dir, *query;
	const char *parameters[QUERY_PARAMETERS + 2]; /* one too many is seen */
	int format;				      /* -1: not told */
	bool list, quiet, done;
	struct query_named named;
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

static int args__take(struct args *args, int option)
{
	switch (option) {
	case 'f':
		args->file = optarg;
		return EXIT_DONE;
	case 'F':
		return (args->format = query_format__find(optarg)) < 0 ? EXIT_USAGE : EXIT_DONE;
	case 'o':
		args->output = optarg;
		return EXIT_DONE;
	case 's':
		args->steps = optarg;
		return EXIT_DONE;
	case OPTION_QUERIES:
		args->folders[args->folders_count++] = optarg;
		return EXIT_DONE;
	case 'l':
		args->list = true;
		return EXIT_DONE;
	case 'p':
		args->plugin_dir = optarg;
		return EXIT_DONE;
	case 'q':
		args->quiet = true;
		return EXIT_DONE;
	case 'h':
		fputs(help, stdout);
		args->done = true;
		return EXIT_DONE;
	case 'V':
		puts("collector-query " PACKAGE_VERSION);
		args->done = true;
		return EXIT_DONE;
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
}

/* Where queries are looked for: as told, the user's own, those that were installed. */
static int add_folders(struct args *args)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n = -1;

	if (config && *config)
		n = asprintf(&args->own_folder, "%s/collector/queries", config);
	else if (home)
		n = asprintf(&args->own_folder, "%s/.config/collector/queries", home);
	if (n < 0)
		args->own_folder = NULL;
	else
		args->folders[args->folders_count++] = args->own_folder;
	args->folders[args->folders_count] = QUERIESDIR;
	return EXIT_DONE;
}

static bool is_name(const char *word)
{
	return word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

/* A name of a query goes before a path of that name, which can be written ./NAME; but the first is a path. */
static int find_query(struct args *args, int argc, char **argv)
{
	struct error err = {0};
	int i, n = 0;

	for (i = 0; i < argc && !args->query; i++) {
		bool name = i && !args->file && is_name(argv[i]);

		if (name && !query_named__load(&args->named, args->folders, argv[i], &err))
			args->query = args->named.sql;
		else if (i && access(argv[i], F_OK) && (args->file || !name))
			break;
		else if (name && access(argv[i], F_OK))
			return fail(EXIT_USAGE, err.text);
		else
			args->paths[n++] = argv[i];
	}
	if (!args->query && !args->file && i < argc)
		args->query = argv[i++];
	for (n = 0; i < argc && n < QUERY_PARAMETERS + 1; i++)
		args->parameters[n++] = argv[i];
	return EXIT_DONE;
}

static int load_file(struct args *args)
{
	struct error err;

	if (query_named__read(&args->named, args->file, &err))
		return fail(EXIT_USAGE, err.text);
	args->query = args->named.sql;
	return EXIT_DONE;
}

static void add_defaults(struct args *args)
{
	size_t n = 0;

	while (args->parameters[n])
		n++;
	for (; n < QUERY_PARAMETERS && args->named.defaults[n]; n++)
		args->parameters[n] = args->named.defaults[n];
}

/* A file's name tells its format. */
static int settle_format(struct args *args)
{
	const char *dot = args->output ? strrchr(args->output, '.') : NULL;

	for (int i = 0; i < QUERY_FORMATS && args->format < 0 && dot; i++)
		if (!strcmp(dot + 1, query_formats[i]))
			args->format = i;
	if (args->format < 0)
		args->format = QUERY_TABLE;
	if (args->format == QUERY_PARQUET && !args->output) {
		log__error("a Parquet file needs a name: --output FILE");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int args__parse(struct args *args, int argc, char **argv)
{
	int option, rc = EXIT_DONE;

	*args = (struct args){.format = -1};
	args->paths = calloc(argc + 1, sizeof(char *));
	args->folders = calloc(argc + 3, sizeof(char *));
	if (!args->paths || !args->folders)
		return fail(EXIT_FAILED, strerror(ENOMEM));
	while (!rc && !args->done && (option = getopt_long(argc, argv, "+f:F:o:s:lp:qhV", options, NULL)) >= 0)
		rc = args__take(args, option);
	if (!rc)
		rc = add_folders(args);
	if (rc || args->done || args->list)
		return rc;
	if (optind == argc) {
		log__error("no run is given: collector-query RUN, for example runs/latest");
		return EXIT_USAGE;
	}
	rc = find_query(args, argc - optind, argv + optind);
	if (!rc && args->file)
		rc = load_file(args);
	if (!rc)
		add_defaults(args);
	return rc ? rc : settle_format(args);
}

static void args__free(struct args *args)
{
	query_named__free(&args->named);
	free(args->own_folder);
	free(args->folders);
	free(args->paths);
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
		return EXIT_DONE; /* who reads us has seen enough */
	return fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, *err.text ? err.text : strerror(-rc));
}

static int run(const struct args *args)
{
	struct query_opts opts = {
		.paths = args->paths, .steps = args->steps, .plugin_dir = args->plugin_dir, .quiet = args->quiet};
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

int main(int argc, char **argv)
{
	struct args args;
	int code;

	log__init("collector-query", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	code = args__parse(&args, argc, argv);
	if (code == EXIT_USAGE)
		fputs("Try 'collector-query --help'.\n", stderr);
	else if (!code && args.list)
		code = query_named__list(args.folders) ? EXIT_FAILED : EXIT_DONE;
	else if (!code && !args.done)
		code = run(&args);
	args__free(&args);
	return code;
}
