/* SPDX-License-Identifier: BSD-2-Clause */
/* The program `collector`: its command line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/config/config.h"
#include "core/daemon/collector.h"
#include "core/daemon/command.h"
#include "core/daemon/recorder.h"
#include "core/daemon/doctor.h"
#include "core/daemon/loaded.h"
#include "core/log.h"
#include "core/merge/merge.h"
#include "core/probe.h"

/* Everything the command line says. */
struct line {
	char *config, *output, *name, *user, *plugin_dir, *follow, *state, *runtime;
	struct opt_list tags, pids;
	uint64_t grace, verbose; /* grace: UINT64_MAX: not given */
	bool no_summary, check, list, quiet, doctor, json, clean_env;
	pid_t *pid_numbers;
	char **command; /* NULL: none */
};

static const struct cli_option options[] = {
	CLI_OPTION(struct line, 0, "PID", "pid", OPT_LIST, pids, "follow this process; repeatable",
		   .group = "What is watched"),
	CLI_OPTION(struct line, 0, "NAME", "user", OPT_STRING, user,
		   "run the command as this user, without extra rights; the user owns the run's folder"),
	CLI_OPTION(struct line, 0, NULL, "clean-env", OPT_BOOL, clean_env,
		   "with --user: of the environment pass only TERM, PATH and the language"),
	CLI_OPTION(struct line, 0, "DURATION", "grace", OPT_DURATION, grace,
		   "how long to wait for descendants after the exit of the command (default 2s)",
		   .opt.max = 86400000000000),
	CLI_OPTION(struct line, 'c', "FILE", "config", OPT_STRING, config,
		   "configuration, see collector.yaml(5); without it, every probe with its defaults"),
	CLI_OPTION(struct line, 'o', "DIR", "output", OPT_STRING, output,
		   "where the run's folder is made (default ./runs; daemon: /var/lib/collector)", .group = "The run"),
	CLI_OPTION(struct line, 0, "SINK", "follow", OPT_STRING, follow,
		   "record nothing: feed the daemon's runs to this sink of the configuration, while they are recorded"),
	CLI_OPTION(struct line, 0, "DIR", "state", OPT_STRING, state,
		   "with --follow: where to keep how far the sink has got"),
	CLI_OPTION(struct line, 0, "DIR", "runtime", OPT_STRING, runtime,
		   "daemon: where to put the socket of `collector status` (default: hidden in the output folder)"),
	CLI_OPTION(struct line, 'n', "NAME", "name", OPT_STRING, name, "name of the run"),
	CLI_OPTION(struct line, 0, "NAME=VALUE", "tag", OPT_MAP, tags, "put a tag into every stream; repeatable"),
	CLI_OPTION(struct line, 0, NULL, "no-summary", OPT_BOOL, no_summary, "print no summary at the end"),
	CLI_OPTION(struct line, 0, NULL, "check", OPT_BOOL, check,
		   "check the configuration and its plugins, start nothing", .group = "The installation"),
	CLI_OPTION(struct line, 'l', NULL, "list", OPT_BOOL, list,
		   "list the plugins with their options, events, fields, units and hooks"),
	CLI_OPTION(struct line, 'p', "DIR", "plugin-dir", OPT_STRING, plugin_dir, "where the plugins are",
		   .opt.value = PLUGINDIR),
	CLI_OPTION(struct line, 0, NULL, "json", OPT_BOOL, json, "doctor: print an array of objects"),
	CLI_OPTION(struct line, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only, and no summary", .group = "Other"),
	CLI_OPTION(struct line, 'v', NULL, "verbose", OPT_UINT, verbose, "more; twice: the kernel's messages, too"),
	CLI_END,
};

static const struct cli cli = {
	"collector",
	.usage = "[OPTION]... [--] COMMAND [ARG]...\n"
		 "[OPTION]... --pid PID\n"
		 "[OPTION]... -c FILE\n"
		 "doctor [-c FILE] [--json]\n"
		 "ls [OPTION]... [FOLDER]\n"
		 "status [OPTION]... [FOLDER]\n"
		 "top [OPTION]... [RUN]...\n"
		 "merge|query|diff [OPTION]... RUN...",
	.about = "Watches every process of a pipeline from inside the kernel, however short it lives, and says what "
		 "ran, what failed and why, and where CPU time and memory went.\n"
		 "\n"
		 "  COMMAND    is started, and followed with all that it starts\n"
		 "  --pid PID  follows a running process and its descendants\n"
		 "  -c FILE    alone: daemon; the scope rules of FILE say what is watched\n"
		 "  doctor     says what this host can give, and the next step\n"
		 "\n"
		 "Programs for what was recorded, without root (`collector merge --help`):\n"
		 "  ls         collector-ls: the runs in a folder, their state and result\n"
		 "  status     collector-status: how the daemon stands, its runs and its sinks\n"
		 "  top        collector-top: what runs now, as a tree of steps and processes\n"
		 "  merge      collector-merge: a summary, a report, or every event by a sink\n"
		 "  query      collector-query: asks runs in SQL, or by queries that have a name\n"
		 "  diff       collector-diff: what became slower, bigger or failed between runs",
	.options = options,
	.examples = "  sudo collector -- ./pipeline.sh\n"
		    "      Watch it; the summary follows its end.\n"
		    "  sudo collector --user \"$USER\" -- snakemake --cores 8\n"
		    "      The pipeline itself does not run as root.\n"
		    "  collector merge runs/latest --sink jsonl\n"
		    "      Every event of the last run, as JSON.",
	.exit_status = "Exit status: the command's, or 128+N if signal N killed it; 125 collector itself failed, 126 "
		       "the command cannot be executed, 127 there is no such command, 2 the command line or the "
		       "configuration is wrong.",
	.command = true,
};

/* Programs of ours that a build may lack. */
static const struct {
	const char *name, *why;
} optional[] = {
#define NO_DUCKDB                                                                                                            \
	"DuckDB: install libduckdb and duckdb.h and build again (./configure --with-duckdb=PREFIX says where), or read the " \
	"run by collector-merge --sink jsonl"
	{"query", NO_DUCKDB},
	{"diff", NO_DUCKDB},
	{"top", "ncursesw: install libncurses-dev and build again"},
};

/* 0, or the exit code: `name` is a program of ours that is not here. */
static int lacks(const char *name)
{
	for (size_t i = 0; i < sizeof(optional) / sizeof(*optional); i++)
		if (!strcmp(name, optional[i].name)) {
			log__error("there is no collector-%s, as this collector was built without %s", name,
				   optional[i].why);
			return EXIT_USAGE;
		}
	return 0;
}

/* `collector NAME ...` runs collector-NAME, as git does; a command of that name needs `--` before it. Returns 0,
 * or the exit code. */
static int run_other(char **argv)
{
	bool name = argv[1] && argv[1][0] != '-' && !strchr(argv[1], '/');
	char *path = name ? beside__find(argv[1]) : NULL;

	if (!path)
		return name ? lacks(argv[1]) : 0;
	execv(path, argv + 1);
	log__error("%s: %s", path, strerror(errno));
	free(path);
	return 0;
}

static int parse_pids(struct line *line)
{
	static const struct opt pid = {.type = OPT_UINT, .min = 1, .max = 4194304};
	struct error err;
	uint64_t number;

	line->pid_numbers = calloc(line->pids.n + 1, sizeof(*line->pid_numbers));
	if (!line->pid_numbers)
		return COMMAND_FAILED;
	for (size_t i = 0; i < line->pids.n; i++) {
		if (opt__set(&pid, &number, line->pids.items[i], &err))
			return cli__usage(&cli, "--pid: %s", err.text);
		line->pid_numbers[i] = number;
	}
	return CLI_GO_ON;
}

static int parse(struct line *line, char **argv)
{
	int code;

	line->doctor = argv[1] && !strcmp(argv[1], "doctor");
	argv += line->doctor;
	code = cli__parse(&cli, line, argv);
	if (code == CLI_GO_ON)
		code = parse_pids(line);
	if (code != CLI_GO_ON)
		return code;
	line->command = *argv ? argv : NULL;
	if (line->command && line->pids.n)
		return cli__usage(&cli, "--pid follows a running process: give no command with it");
	if (line->user && !line->command)
		return cli__usage(&cli, "--user is for a command: give one");
	if (line->clean_env && !line->user)
		return cli__usage(&cli, "--clean-env is for the command of --user: give both");
	if (line->follow && (!line->state || line->command || line->pids.n))
		return cli__usage(&cli, "--follow is for the daemon's runs: give --state, and no command or --pid");
	return CLI_GO_ON;
}

/* ---- plugins ---- */

static int list(const char *dir)
{
	bool probes = list__plugins(stdout, &probe_kind, dir, list__probe);
	bool sinks = sinks__list(stdout, dir);

	return !probes || !sinks;
}

/* ---- what the command line sets over the file ---- */

static int override(struct conf *conf, const struct line *line)
{
	static const struct opt tags = OPT(struct conf, run.tags, OPT_MAP, NULL, 0, 0, "");
	static const struct opt name = OPT(struct conf, run.name, OPT_STRING, NULL, 0, 0, "");
	struct error err;

	if (line->name && (conf__check_name(line->name, &err) || opt__set(&name, conf, line->name, &err)))
		return cli__usage(&cli, "--name: %s", err.text);
	if (line->grace != UINT64_MAX)
		conf->run.grace = line->grace;
	if (conf->limits.run == CONF_LIMIT_DEFAULT)
		conf->limits.run = line->command || line->pids.n ? 0 : CONF_LIMIT_RUN;
	for (size_t i = 0; i < line->tags.n; i++)
		if (opt__append(&tags, conf, line->tags.items[i], &err))
			return cli__usage(&cli, "--tag: %s", err.text);
	if (!line->command && !line->pids.n && !conf->rules_count && !line->check && !line->doctor)
		return cli__usage(
			&cli, "nothing to watch: give a command, --pid, or a configuration with scope rules (daemon)");
	return 0;
}

static bool redacts(const struct conf *conf)
{
	return conf->args != RECORD_ARGS_FULL && (conf->redact_default || conf->redact.n);
}

static const char *output_of(const struct line *line, const struct conf *conf, bool daemon)
{
	if (line->output)
		return line->output;
	if (conf->run.output)
		return conf->run.output;
	return daemon ? "/var/lib/collector" : "runs";
}

static int follow(const struct line *line, const struct conf *conf)
{
	char *merge = beside__find("merge");
	struct collector_opts opts = {
		.conf = conf, .output = output_of(line, conf, true), .reporter = merge, .plugin_dir = line->plugin_dir};
	int code = EXIT_FAILED;

	if (merge)
		code = collector__follow(&opts, line->follow, line->state);
	else
		log__error("there is no collector-merge");
	free(merge);
	return code;
}

/* ---- the file, read again ---- */

struct reading {
	const struct line *line;
	const struct loaded *loaded;
};

struct reloaded {
	struct conf conf; /* first */
	struct loaded loaded;
};

static void drop(struct conf *conf)
{
	struct reloaded *again = (struct reloaded *)conf;

	if (!again)
		return;
	conf__free(conf);
	loaded__free(&again->loaded);
	free(again);
}

static struct conf *reload(void *arg)
{
	const struct reading *reading = arg;
	struct reloaded *again = calloc(1, sizeof(*again));
	struct conf_finder finder;

	if (!again)
		return NULL;
	again->loaded = (struct loaded){.dir = reading->line->plugin_dir, .base = reading->loaded};
	finder = loaded__finder(&again->loaded);
	if (!conf__load(&again->conf, reading->line->config, &finder) && !override(&again->conf, reading->line))
		return &again->conf;
	drop(&again->conf);
	return NULL;
}

static int watch(const struct line *line, const struct conf *conf, const struct loaded *loaded)
{
	struct reading reading = {line, loaded};
	bool daemon = !line->command && !line->pids.n;
	struct collector_opts opts = {
		.conf = conf,
		.command = line->command,
		.pids = line->pid_numbers,
		.pids_count = line->pids.n,
		.user = line->user,
		.clean_env = line->clean_env,
		.output = output_of(line, conf, daemon),
		.runtime = line->runtime,
		.plugin_dir = line->plugin_dir,
		.summary = !line->no_summary,
		.config = line->config,
		.reload = reload,
		.reload_arg = &reading,
		.drop = drop,
	};
	struct error err;
	char *reporter = line->quiet || daemon ? NULL : beside__find("merge");
	struct redact *redact = NULL;
	int code;

	if (redacts(conf) &&
	    redact__new(&redact, conf->redact_default, (const char *const *)conf->redact.items, conf->redact.n, &err)) {
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

static enum log_level level(const struct line *line)
{
	static const enum log_level levels[] = {LOG_WARN, LOG_INFO, LOG_DEBUG};

	return line->quiet ? LOG_ERROR : levels[line->verbose < 2 ? line->verbose : 2];
}

/* What the command line asks for, with the plugins that this takes. */
static int work(const struct line *line)
{
	struct loaded loaded = {.dir = line->plugin_dir};
	const struct conf_finder finder = loaded__finder(&loaded);
	struct conf conf = {0};
	int code;

	if (access("/proc/self/fd", F_OK)) {
		log__error("/proc is not mounted: processes are read there, and plugins are loaded by it");
		return COMMAND_FAILED;
	}
	if (line->list)
		return list(line->plugin_dir);
	code = conf__load(&conf, line->config, &finder) ? EXIT_USAGE : override(&conf, line);
	if (!code && line->doctor)
		code = doctor__run(&conf, &finder, line->json);
	else if (!code && !line->check)
		code = line->follow ? follow(line, &conf) : watch(line, &conf, &loaded);
	else if (!code)
		printf("%s: good\n", line->config ? line->config : "the defaults");
	conf__free(&conf);
	loaded__free(&loaded);
	return code;
}

/* So that nothing else takes their place; closed again where the command is executed. */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct line line = {.grace = UINT64_MAX};
	int code;

	open_standard_streams();
	log__init(cli.name, LOG_WARN);
	if (geteuid() != getuid()) {
		log__error("do not install collector set-user-ID: every user who starts it would be UID %u", geteuid());
		return EXIT_USAGE;
	}
	if (caps__lent())
		caps__suspend(); /* the caller's files are read with the caller's rights */
	code = run_other(argv);
	if (code)
		return code;
	code = parse(&line, argv);
	log__init(cli.name, level(&line));
	if (code == CLI_GO_ON)
		code = work(&line);
	free(line.pid_numbers);
	cli__free(&cli, &line);
	return cli__end(code);
}
