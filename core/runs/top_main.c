/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-top: chooses runs, and has collector-merge feed them to the sink top. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/runs/runs.h"

static const char *const formats[] = {"text", "json", NULL};

struct args {
	char *plugin_dir;
	int format;
	bool once, quiet;
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 0, NULL, "once", OPT_BOOL, once, "print what there is now, and end", .group = "Output"),
	CLI_OPTION(struct args, 'F', "FORMAT", "format", OPT_UINT, format, "text or json (default text), of --once",
		   .choices = formats),
	CLI_OPTION(struct args, 'p', "DIR", "plugin-dir", OPT_STRING, plugin_dir, "load the sink from DIR/sinks",
		   .opt.value = PLUGINDIR, .group = "Other"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only"),
	CLI_END,
};

static const struct cli cli = {
	"collector-top",
	.usage = "[OPTION]... [RUN]...",
	.about =
		"Shows runs as they are: their steps and processes as a tree, with age, CPU, memory, I/O and state. RUN is "
		"a run's folder, or a folder of such: of its runs those that run. Without it, ./runs, or if that is not "
		"there /var/lib/collector.",
	.options = options,
	.examples = "  collector top\n"
		    "      What runs, until q is pressed.\n"
		    "  collector top --once --format json runs/latest |\n"
		    "      jq '.runs[].processes[] | select(.cpus > 2)'\n"
		    "      Which processes use more than two CPUs now.",
	.exit_status =
		"Exit status: 0 done, 1 failed while working, 2 the command line is wrong, or there is no such run.",
};

/* The command line of collector-merge. */
struct line {
	char **words; /* ended by NULL */
	size_t count;
};

static int line__add(struct line *line, const char *word)
{
	char **words = reallocarray(line->words, line->count + 2, sizeof(*words));

	if (!words)
		return -ENOMEM;
	line->words = words;
	words[line->count] = strdup(word);
	if (!words[line->count])
		return -ENOMEM;
	words[++line->count] = NULL;
	return 0;
}

static void line__free(struct line *line)
{
	for (size_t i = 0; i < line->count; i++)
		free(line->words[i]);
	free(line->words);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int add_run(struct line *line, const char *folder, const struct listed *run)
{
	char *path = NULL;
	int rc = asprintf(&path, "%s/%s", folder, run->id) < 0 ? -ENOMEM : line__add(line, path);

	free(path);
	return rc;
}

/* Of a folder, the runs that run: root opens them for a process that cannot. Without one, of a folder that holds some, the
 * newest, if `newest`. 0 or -errno, logged. */
static int add_runs_of(struct line *line, const char *folder, const struct account *account, bool newest)
{
	size_t before = line->count;
	struct run_list list;
	struct error err;
	int rc = run_list__read(&list, folder, account, &err);

	if (rc)
		log__error("%s", err.text);
	for (size_t i = 0; !rc && i < list.count; i++)
		if (list.runs[i].read && list.runs[i].life == STREAM_RUNNING)
			rc = add_run(line, folder, &list.runs[i]);
	for (size_t i = 0; !rc && newest && i < list.count && line->count == before; i++)
		if (list.runs[i].read)
			rc = add_run(line, folder, &list.runs[i]);
	run_list__free(&list);
	return rc;
}

/* A folder of runs is followed itself too, for those to come, unless root's process could not list it. What holds no run is
 * a run, or its streams. */
static int add_path(struct line *line, const char *path, const struct account *account, bool once)
{
	size_t before = line->count;
	struct stat st;
	int rc;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return line__add(line, path);
	rc = add_runs_of(line, path, account, once);
	if (rc || (line->count > before && (once || !account__can_list(account, &st))))
		return rc;
	return line__add(line, path);
}

static int add_paths(struct line *line, const struct args *args, char *const *paths)
{
	struct account account;
	int rc = 0;

	account__find(&account);
	for (; *paths && !rc; paths++)
		rc = add_path(line, *paths, &account, args->once);
	return rc;
}

static int add_words(struct line *line, const struct args *args, char *const *paths)
{
	const char *words[] = {"collector-merge", "--plugin-dir", args->plugin_dir, "--sink",
			       args->format ? SCREEN_SINK ":format=json" : SCREEN_SINK};
	const struct {
		const char *word;
		bool is;
	} more[] = {
		{"--quiet", args->quiet || !args->once}, /* what is missing is on the screen */
		{"--follow", !args->once},
		{"--running", !args->once},
		{"--", true},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !rc; i++)
		rc = line__add(line, words[i]);
	for (size_t i = 0; i < sizeof(more) / sizeof(*more) && !rc; i++)
		if (more[i].is)
			rc = line__add(line, more[i].word);
	return rc ? rc : add_paths(line, args, paths);
}

/* Returns only if it fails. */
static int run_merge(const struct args *args, char *const *paths)
{
	char *program = beside__find("merge");
	struct line line = {0};
	int rc = add_words(&line, args, paths), code = EXIT_FAILED;

	if (rc == -ENOENT || rc == -ENOTDIR) {
		code = EXIT_USAGE;
	} else if (rc) {
		log__error("%s", strerror(-rc));
	} else if (!program) {
		log__error("there is no collector-merge beside this program");
	} else {
		execv(program, line.words);
		log__error("%s: %s", program, strerror(errno));
	}
	line__free(&line);
	free(program);
	return code;
}

static int show(const struct args *args, char *const *paths)
{
	static char here[] = "runs", daemon[] = "/var/lib/collector";
	char *standard[] = {is_folder(here) ? here : daemon, NULL};

	if (!*paths && !is_folder(standard[0]))
		return cli__usage(&cli, "no run is given, and there is neither runs here nor /var/lib/collector");
	if (!args->once && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)))
		return cli__usage(&cli, "this is not a terminal: use --once");
	return run_merge(args, *paths ? paths : standard);
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct args args = {0};
	int code;

	log__init(cli.name, LOG_INFO);
	code = cli__parse(&cli, &args, argv);
	if (args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON && args.format && !args.once)
		code = cli__usage(&cli, "--format is for --once: give both");
	if (code == CLI_GO_ON)
		code = show(&args, argv);
	cli__free(&cli, &args);
	return cli__end(code);
}
