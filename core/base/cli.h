/* SPDX-License-Identifier: BSD-2-Clause */
/* A program's command line as data: one table serves the parser, --help and the errors. */
#ifndef CORE_BASE_CLI_H
#define CORE_BASE_CLI_H

#include <stdbool.h>

#include "core/opt.h"

/* Exit codes of all programs. */
enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

enum { CLI_GO_ON = -1 };

struct cli_option {
	char letter;		    /* 0: none. One letter means the same in every program */
	const char *metavar;	    /* name of the value; NULL: a flag, which sets a bool or counts in a uint */
	struct opt opt;		    /* a list or map gets an item for each use */
	const char *const *choices; /* ended by NULL; the member is an int, which becomes the index */
	const char *group;	    /* heading, above the first option of a group */
};

/* clang-format off */
/* More fields may follow: CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output, "...", .group = "Output") */
#define CLI_OPTION(args, c, value, word, kind, member, text, ...) \
	{.letter = c, .metavar = value, .opt.name = word, .opt.type = kind, .opt.help = text, \
	 .opt.offset = offsetof(args, member), __VA_ARGS__}

/* Ends every table. */
#define CLI_END \
	{.letter = 'h', .opt.name = "help", .opt.help = "print this text"}, \
	{.letter = 'V', .opt.name = "version", .opt.help = "print the version"}, {0}
/* clang-format on */

/* Texts are wrapped by --help; a line break stays. */
struct cli {
	const char *name;  /* of the program */
	const char *usage; /* what follows the name; one line per form */
	const char *about;
	const struct cli_option *options;
	const char *examples, *exit_status;
	bool command; /* options end at the first operand, which is a command with options of its own */
};

/* Sets the defaults, then the options in `argv`, and moves the operands to argv[0] on, ended by NULL. Options
 * may stand before or after operands; `--` ends them. Returns CLI_GO_ON, or the exit code if --help or
 * --version was printed or an error was logged. Call cli__free() in any case. */
int cli__parse(const struct cli *cli, void *args, char **argv);

/* Logs a usage error and points at --help. Returns EXIT_USAGE. */
int cli__usage(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last call of a program that prints: what is on stdout must have arrived. Returns `code`, or EXIT_FAILED, logged, if
 * it has not; that the reader closed the pipe is not a failure. */
int cli__end(int code);

/* The program collector-NAME, in this one's folder, or where it was installed; to be freed. NULL: there is none. (beside.c) */
char *beside__find(const char *name);

/* Frees what the options own, not `args` itself. */
void cli__free(const struct cli *cli, void *args);

#endif
