/* SPDX-License-Identifier: BSD-2-Clause */
/* The program `collector`: its command line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/collector.h"
#include "core/daemon/command.h"
#include "core/daemon/daemon.h"
#include "core/daemon/doctor.h"
#include "core/log.h"
#include "core/merge/merge.h"
#include "core/probe.h"

enum { EXIT_USAGE = 2 };
enum {
	OPT_TAG = 256,
	OPT_PID,
	OPT_USER,
	OPT_GRACE,
	OPT_NO_SUMMARY,
	OPT_CHECK,
	OPT_LIST_ALL,
	OPT_PLUGIN_DIR,
	OPT_VERSION,
	OPT_JSON
};

static const struct plugin_kind probe_kind = {"probes", PROBE_SYMBOL, PROBE_ABI, sizeof(struct probe),
					      sizeof(struct probe)};

/* Everything the command line says. */
struct line {
	const char *config, *output, *name, *user, *grace, *plugin_dir;
	char **tags;
	size_t tags_count;
	pid_t *pids;
	size_t pids_count;
	bool no_summary, check, list, quiet, doctor, json;
	enum log_level level;
	char **command; /* NULL: none */
};

/* Plugins that were loaded, found again by their names. */
struct loaded {
	const char *dir;
	struct plugin *plugins;
	size_t count;
	char **names; /* of all probes that are there; NULL: not asked yet */
};

static const char help[] =
	"Usage: collector [OPTION]... [--] COMMAND [ARG]...   watch a command and all that it starts\n"
	"       collector [OPTION]... --pid PID               follow a running process and its descendants\n"
	"       collector [OPTION]... -c FILE                 daemon: the scope rules of FILE say what is watched\n"
	"       collector doctor [-c FILE] [--json]           say what this host can give, and the next step\n"
	"\n"
	"Watches every process of a pipeline from inside the kernel, however short it lives, and says what ran,\n"
	"what failed and why, and where CPU time and memory went.\n"
	"\n"
	"  -c, --config FILE       configuration; see collector.yaml(5). Without: every probe, with defaults\n"
	"  -o, --output DIR        where the run's folder is made (default ./runs; daemon /var/lib/collector)\n"
	"  -n, --name NAME         name of the run\n"
	"      --tag NAME=VALUE    put a tag into every stream (repeatable)\n"
	"      --pid PID           follow this process (repeatable)\n"
	"      --user NAME         run the command as this user, without our rights; the run's folder is his\n"
	"      --grace DURATION    how long to wait for descendants after the command has ended (default 2s)\n"
	"      --no-summary        print no summary at the end\n"
	"      --check             check configuration and plugins, start nothing\n"
	"      --list              list the plugins with their options, events, fields, units and hooks\n"
	"      --plugin-dir DIR    where the plugins are (default " PLUGINDIR ")\n"
	"  -q, --quiet             only errors, and no summary\n"
	"  -v, --verbose           more (twice: what the kernel says too)\n"
	"      --version           print the version\n"
	"  -h, --help              print this\n"
	"\n"
	"Ends with the command's exit code, or 128+N if signal N killed it; 125: collector itself failed, 126: the\n"
	"command cannot be executed, 127: it is not there, 2: the command line or the configuration is wrong.\n"
	"\n"
	"Examples:\n"
	"  sudo collector -- ./pipeline.sh            watch it; the summary follows its end\n"
	"  sudo collector --user \"$USER\" -- snakemake --cores 8\n"
	"  collector-merge runs/latest --sink jsonl   every event of the last run, as JSON; no root needed\n";

static const struct option longs[] = {
	{"config", required_argument, NULL, 'c'},
	{"output", required_argument, NULL, 'o'},
	{"name", required_argument, NULL, 'n'},
	{"tag", required_argument, NULL, OPT_TAG},
	{"pid", required_argument, NULL, OPT_PID},
	{"user", required_argument, NULL, OPT_USER},
	{"grace", required_argument, NULL, OPT_GRACE},
	{"no-summary", no_argument, NULL, OPT_NO_SUMMARY},
	{"check", no_argument, NULL, OPT_CHECK},
	{"list", no_argument, NULL, OPT_LIST_ALL},
	{"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR},
	{"quiet", no_argument, NULL, 'q'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* The program collector-NAME: beside this one, or where it was installed; NULL: there is none. */
static char *beside_us(const char *name)
{
	char self[4096], *path = NULL, *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
	slash = strrchr(self, '/');
	if (slash && asprintf(&path, "%.*s/collector-%s", (int)(slash - self), self, name) >= 0) {
		if (!access(path, X_OK))
			return path;
		free(path);
	}
	if (asprintf(&path, BINDIR "/collector-%s", name) < 0)
		return NULL;
	if (!access(path, X_OK))
		return path;
	free(path);
	return NULL;
}

static int add_pid(struct line *line, const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);
	pid_t *more;

	if (end == text || *end || pid < 1 || pid > 4194304) {
		log__error("--pid: \"%s\" is no process id; give a number from 1 to 4194304", text);
		return EXIT_USAGE;
	}
	more = reallocarray(line->pids, line->pids_count + 1, sizeof(*more));
	if (!more)
		return COMMAND_FAILED;
	line->pids = more;
	line->pids[line->pids_count++] = pid;
	return 0;
}

static int add_tag(struct line *line, char *text)
{
	char **more;

	if (!strchr(text, '=') || *text == '=') {
		log__error("--tag: \"%s\" is no tag; write NAME=VALUE", text);
		return EXIT_USAGE;
	}
	more = reallocarray(line->tags, line->tags_count + 1, sizeof(*more));
	if (!more)
		return COMMAND_FAILED;
	line->tags = more;
	line->tags[line->tags_count++] = text;
	return 0;
}

static int usage(void)
{
	fprintf(stderr, "Try 'collector --help'.\n");
	return EXIT_USAGE;
}

/* 0: go on; 1: done, leave with 0; otherwise the exit code. */
static int take_option(struct line *line, int option)
{
	switch (option) {
	case 'c':
		line->config = optarg;
		return 0;
	case 'o':
		line->output = optarg;
		return 0;
	case 'n':
		line->name = optarg;
		return 0;
	case OPT_TAG:
		return add_tag(line, optarg);
	case OPT_PID:
		return add_pid(line, optarg);
	case OPT_USER:
		line->user = optarg;
		return 0;
	case OPT_GRACE:
		line->grace = optarg;
		return 0;
	case OPT_NO_SUMMARY:
		line->no_summary = true;
		return 0;
	case OPT_CHECK:
		line->check = true;
		return 0;
	case OPT_LIST_ALL:
		line->list = true;
		return 0;
	case OPT_PLUGIN_DIR:
		line->plugin_dir = optarg;
		return 0;
	case 'q':
		line->quiet = line->no_summary = true;
		line->level = LOG_ERROR;
		return 0;
	case 'v':
		line->level = line->level < LOG_INFO ? LOG_INFO : LOG_DEBUG;
		return 0;
	case OPT_JSON:
		line->json = true;
		return 0;
	case OPT_VERSION:
		printf("collector %s\n", PACKAGE_VERSION);
		return 1;
	case 'h':
		fputs(help, stdout);
		return 1;
	default:
		return usage();
	}
}

/* Programs of ours that need DuckDB: the only ones that a build may lack. */
static const char *const optional[] = {"query", "diff"};

/* 0, or the exit code: `name` is a program of ours that is not here. */
static int lacks(const char *name)
{
	for (size_t i = 0; i < sizeof(optional) / sizeof(*optional); i++)
		if (!strcmp(name, optional[i])) {
			log__error(
				"this collector was built without DuckDB, so there is no collector-%s; install libduckdb and "
				"duckdb.h and build again (./configure --with-duckdb=PREFIX says where), or read the run by "
				"collector-merge --sink jsonl",
				name);
			return EXIT_USAGE;
		}
	return 0;
}

/* `collector NAME ...` runs collector-NAME, as git does; a command of that name needs `--` before it. Returns 0,
 * or the exit code. */
static int run_other(char **argv)
{
	bool name = argv[1] && argv[1][0] != '-' && !strchr(argv[1], '/');
	char *path = name ? beside_us(argv[1]) : NULL;

	if (!path)
		return name ? lacks(argv[1]) : 0;
	execv(path, argv + 1);
	log__error("%s: %s", path, strerror(errno));
	free(path);
	return 0;
}

static int parse(struct line *line, int argc, char **argv)
{
	int option, code;

	if (argv[1] && !strcmp(argv[1], "doctor")) {
		line->doctor = true;
		argv++;
		argc--;
	}
	while ((option = getopt_long(argc, argv, "+c:o:n:qvh", longs, NULL)) != -1) {
		code = take_option(line, option);
		if (code)
			return code;
	}
	if (optind < argc)
		line->command = &argv[optind];
	if (line->command && line->pids_count) {
		log__error("--pid follows what runs already: give no command with it");
		return usage();
	}
	if (line->user && !line->command) {
		log__error("--user is for a command: give one");
		return usage();
	}
	return 0;
}

/* ---- plugins ---- */

static const void *load(struct loaded *loaded, const struct plugin_kind *kind, const char *name, struct error *err)
{
	struct plugin *more = reallocarray(loaded->plugins, loaded->count + 1, sizeof(*more));

	if (!more) {
		error__set(err, 0, "out of memory");
		return NULL;
	}
	loaded->plugins = more;
	if (plugin__load(kind, loaded->dir, name, &more[loaded->count], err))
		return NULL;
	return more[loaded->count++].table;
}

static const struct probe *find_probe(void *arg, const char *name, struct error *err)
{
	return load(arg, &probe_kind, name, err);
}

static const struct sink *find_sink(void *arg, const char *name, struct error *err)
{
	return load(arg, &sink_kind, name, err);
}

static char *const *probe_names(void *arg)
{
	struct loaded *loaded = arg;

	if (!loaded->names && plugin__names(&probe_kind, loaded->dir, &loaded->names))
		loaded->names = NULL;
	return loaded->names;
}

static void tell(void *arg, enum log_level level, const char *sentence)
{
	(void)arg;
	log__print(level, "%s", sentence);
}

static void unload(struct loaded *loaded)
{
	while (loaded->count)
		plugin__unload(&loaded->plugins[--loaded->count]);
	free(loaded->plugins);
	plugin__names_free(loaded->names);
}

static int list(const char *dir)
{
	bool probes = list__plugins(stdout, &probe_kind, dir, list__probe);
	bool sinks = list__plugins(stdout, &sink_kind, dir, sinks__list);

	return !probes || !sinks;
}

/* ---- what the command line sets over the file ---- */

static int replace(char **value, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return COMMAND_FAILED;
	free(*value);
	*value = copy;
	return 0;
}

static int override(struct conf *conf, const struct line *line)
{
	static const struct opt tags = OPT(struct conf, run.tags, OPT_MAP, NULL, 0, 0, "");
	static const struct opt grace = OPT(struct conf, run.grace, OPT_DURATION, NULL, 0, 86400000000000ull, "");
	struct error err;

	if (line->name && (conf__check_name(line->name, &err) || replace(&conf->run.name, line->name))) {
		log__error("--name: %s", err.text);
		return EXIT_USAGE;
	}
	if (line->grace && opt__set(&grace, conf, line->grace, &err)) {
		log__error("--grace: %s", err.text);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < line->tags_count; i++) {
		if (opt__append(&tags, conf, line->tags[i], &err)) {
			log__error("--tag: %s", err.text);
			return EXIT_USAGE;
		}
	}
	if (!line->command && !line->pids_count && !conf->rules_count && !line->check && !line->doctor) {
		log__error("nothing to watch: give a command, --pid, or a configuration with scope rules (daemon)");
		return usage();
	}
	return 0;
}

static int watch(const struct line *line, const struct conf *conf)
{
	bool daemon = !line->command && !line->pids_count;
	struct collector_opts opts = {
		.conf = conf,
		.command = line->command,
		.pids = line->pids,
		.pids_count = line->pids_count,
		.user = line->user,
		.output = line->output	     ? line->output
			  : conf->run.output ? conf->run.output
			  : daemon	     ? "/var/lib/collector"
					     : "runs",
		.plugin_dir = line->plugin_dir,
	};
	struct error err;
	char *reporter = line->no_summary || daemon ? NULL : beside_us("merge");
	struct redact *redact = NULL;
	int code;

	if (conf->redact.n && redact__new(&redact, (const char *const *)conf->redact.items, conf->redact.n, &err)) {
		log__error("redact: %s", err.text);
		return COMMAND_FAILED;
	}
	opts.redact = redact;
	opts.reporter = reporter;
	code = collector__run(&opts);
	redact__free(redact);
	free(reporter);
	return code;
}

int main(int argc, char **argv)
{
	struct line line = {.plugin_dir = PLUGINDIR, .level = LOG_WARN};
	struct loaded loaded = {0};
	struct conf conf = {0};
	int code;

	log__init("collector", LOG_WARN);
	code = run_other(argv);
	if (code)
		return code;
	code = parse(&line, argc, argv);
	if (code)
		return code == 1 ? 0 : code;
	log__init("collector", line.level);
	loaded.dir = line.plugin_dir;
	if (line.list) {
		code = list(loaded.dir);
	} else {
		const struct conf_finder finder = {find_probe, find_sink, probe_names, tell, &loaded};

		if (conf__load(&conf, line.config, &finder))
			code = EXIT_USAGE;
		else
			code = override(&conf, &line);
		if (!code && line.doctor)
			code = doctor__run(&conf, line.json);
		else if (!code && !line.check)
			code = watch(&line, &conf);
		else if (!code)
			printf("%s: good\n", line.config ? line.config : "the defaults");
	}
	conf__free(&conf);
	unload(&loaded);
	free(line.tags);
	free(line.pids);
	return code;
}
