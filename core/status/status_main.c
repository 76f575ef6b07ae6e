/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-status: asks a daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/status/status.h"
#include "core/text.h"

#define EXIT_NOT_RUNNING 3

struct args {
	char *state;
	bool json, quiet;
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 0, "DIR", "state", OPT_STRING, state,
		   "where the followers of sinks have their state: one, or a folder for each (default run.followers)",
		   .group = "Where"),
	CLI_OPTION(struct args, 0, NULL, "json", OPT_BOOL, json, "print an object", .group = "Output"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only", .group = "Other"),
	CLI_END,
};

static const struct cli cli = {
	"collector-status",
	.usage = "[OPTION]... [FOLDER]",
	.about =
		"Says of the daemon since when it runs and by which configuration, which runs are open, how much of the disk "
		"they take, what went wrong, and how far the followers of its sinks have got. FOLDER is its --output or "
		"--runtime; without it, those of the service: " STATUS_RUNTIME " or /var/lib/collector.",
	.options = options,
	.examples = "  collector status\n"
		    "      The service.\n"
		    "  collector status --json /data/runs\n"
		    "      A daemon with --output /data/runs, for a program.",
	.exit_status =
		"Exit status: 0 it runs, 3 it does not, 1 it cannot be asked, or does not answer, 2 the command line is "
		"wrong.",
};

/* Where its socket may be. */
struct place {
	const char *folder, *name;
};

static bool is_down(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR;
}

/* The first daemon that is there. */
static int ask(const struct place *places, char **text, const struct place **found)
{
	int err = -ENOENT;

	for (*found = places; (*found)->folder; (*found)++) {
		err = status_client__ask((*found)->folder, (*found)->name, text);
		if (!is_down(err))
			return err;
	}
	*found = places;
	return -ENOENT;
}

static int say_down(const struct args *args, const char *folder)
{
	struct text safe = {0};

	if (folder)
		text__safe(&safe, folder, strlen(folder));
	if (args->json)
		printf("{\"running\":false}\n");
	else
		printf("no daemon runs%s%s\n", folder ? " for " : "", safe.data ? safe.data : "");
	text__free(&safe);
	return EXIT_NOT_RUNNING;
}

static int print(const struct args *args, const struct status *status)
{
	struct text out = {.colour = log__colour(STDOUT_FILENO)};
	int code = EXIT_DONE;

	if (args->json)
		status_print__json(&out, status);
	else
		status_print__text(&out, status);
	if (out.error) {
		log__error("%s", strerror(ENOMEM));
		code = EXIT_FAILED;
	} else {
		fwrite(out.data, 1, out.size, stdout);
	}
	text__free(&out);
	return code;
}

static int show(const struct args *args, const char *folder)
{
	const struct place asked[] = {{folder, STATUS_SOCKET}, {folder, STATUS_HIDDEN}, {NULL, NULL}};
	const struct place service[] = {
		{STATUS_RUNTIME, STATUS_SOCKET}, {"/var/lib/collector", STATUS_HIDDEN}, {NULL, NULL}};
	const struct place *found;
	struct status status;
	char *text = NULL;
	int err = ask(folder ? asked : service, &text, &found), code;

	if (is_down(err))
		return say_down(args, folder);
	if (!err)
		err = status__read(&status, text);
	free(text);
	if (err) {
		log__error("%s/%s: %s", found->folder, found->name,
			   err == -EBADMSG     ? "the daemon's answer is not complete"
			   : err == -ETIMEDOUT ? "the daemon does not answer"
					       : strerror(-err));
		return EXIT_FAILED;
	}
	status_sinks__look(&status, args->state);
	code = print(args, &status);
	if (!code && !status.daemon.recorder) {
		log__warn("the recorder does not answer");
		code = EXIT_FAILED;
	}
	status__free(&status);
	return code;
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct args args = {0};
	int code;

	log__init(cli.name, LOG_INFO);
	code = cli__parse(&cli, &args, argv);
	if (args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON && *argv && argv[1])
		code = cli__usage(&cli, "%s: one folder at a time", argv[1]);
	if (code == CLI_GO_ON)
		code = show(&args, *argv);
	cli__free(&cli, &args);
	return cli__end(code);
}
