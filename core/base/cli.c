/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines of the programs: parser, --help, errors. */
#include "core/base/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/nearest.h"
#include "core/log.h"

#define HELP_WIDTH 80

int cli__usage(const struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log__vprint(LOG_ERROR, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'.\n", cli->name);
	return EXIT_USAGE;
}

int cli__end(int code)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (!errno) { /* an earlier write failed, and what has run since has its errno: the next one says why again */
		clearerr(stdout);
		putchar('\n');
		fflush(stdout);
	}
	if (errno == EPIPE)
		return code;
	log__error("cannot write to standard output: %s", strerror(errno ? errno : EIO));
	return code == EXIT_DONE ? EXIT_FAILED : code;
}

/* ---- help ---- */

/* Prints `text` wrapped; the cursor is at column `indent`, where its other lines begin as well. */
static void print_wrapped(const char *text, int indent)
{
	int n, width = HELP_WIDTH - indent;

	for (;; printf("%*s", indent, "")) {
		n = strcspn(text, "\n");
		if (n > width) {
			for (n = width; n && text[n] != ' '; n--)
				;
			n = n ? n : (int)strcspn(text, " \n");
		}
		printf("%.*s\n", n, text);
		text += n;
		if (!*text || !*++text)
			return;
	}
}

/* "  -o, --output FILE"; returns its length. */
static int option_head(const struct cli_option *option, char *head, size_t size)
{
	const char letter[] = {'-', option->letter, ',', '\0'};

	return snprintf(head, size, "  %-3s --%s%s%s", option->letter ? letter : "", option->opt.name,
			option->metavar ? " " : "", option->metavar ? option->metavar : "");
}

static void print_option(const struct cli_option *option, int column)
{
	const char *value = option->opt.value;
	char text[1024];

	if (option->group)
		printf("\n%s:\n", option->group);
	option_head(option, text, sizeof(text));
	printf("%-*s", column, text);
	snprintf(text, sizeof(text), "%s%s%s%s", option->opt.help, value ? " (default " : "", value ? value : "",
		 value ? ")" : "");
	print_wrapped(text, column);
}

static int print_help(const struct cli *cli)
{
	const char *label = "Usage:", *at = cli->usage;
	const struct cli_option *option;
	int n, column = 0;
	char head[256];

	for (; *at; at += n + (at[n] == '\n'), label = "      ") {
		n = strcspn(at, "\n");
		printf("%s %s %.*s\n", label, cli->name, n, at);
	}
	printf("\n");
	print_wrapped(cli->about, 0);
	for (option = cli->options; option->opt.name; option++) {
		n = option_head(option, head, sizeof(head)) + 2;
		column = n > column ? n : column;
	}
	for (option = cli->options; option->opt.name; option++)
		print_option(option, column);
	printf("\nExamples:\n");
	print_wrapped(cli->examples, 0);
	printf("\n");
	print_wrapped(cli->exit_status, 0);
	return EXIT_DONE;
}

/* ---- parsing ---- */

struct parser {
	const struct cli *cli;
	void *args;
	char **at; /* the next word */
};

static int choose(const struct cli_option *option, int *member, const char *value, struct error *err)
{
	struct nearest nearest = {.name = value};

	for (int i = 0; option->choices[i]; i++) {
		if (!strcmp(option->choices[i], value)) {
			*member = i;
			return 0;
		}
		nearest__offer(&nearest, option->choices[i]);
	}
	error__set(err, 0, "unknown %s \"%.64s\"", option->opt.name, value);
	nearest__append(&nearest, err);
	return -EINVAL;
}

static int set(const struct parser *parser, const struct cli_option *option, const char *value)
{
	void *member = (char *)parser->args + option->opt.offset;
	struct error err;
	int rc;

	if (option->choices)
		rc = choose(option, member, value, &err);
	else if (option->opt.type == OPT_LIST || option->opt.type == OPT_MAP)
		rc = opt__append(&option->opt, parser->args, value, &err);
	else
		rc = opt__set(&option->opt, parser->args, value, &err);
	return rc ? cli__usage(parser->cli, "--%s: %s", option->opt.name, err.text) : CLI_GO_ON;
}

/* `value`: from --NAME=VALUE or -oVALUE; NULL: the next word. */
static int take(struct parser *parser, const struct cli_option *option, const char *value)
{
	void *member = (char *)parser->args + option->opt.offset;

	if (option->metavar) {
		if (!value && !*parser->at)
			return cli__usage(parser->cli, "--%s needs a value: write --%s %s", option->opt.name,
					  option->opt.name, option->metavar);
		return set(parser, option, value ? value : *parser->at++);
	}
	if (value)
		return cli__usage(parser->cli, "--%s takes no value", option->opt.name);
	if (option->letter == 'h')
		return print_help(parser->cli);
	if (option->letter == 'V')
		return printf("%s %s\n", parser->cli->name, PACKAGE_VERSION), EXIT_DONE;
	if (option->opt.type == OPT_UINT)
		++*(uint64_t *)member;
	else
		*(bool *)member = true;
	return CLI_GO_ON;
}

/* --NAME or --NAME=VALUE; splits the word in place. */
static int take_name(struct parser *parser, char *name)
{
	struct nearest nearest = {.name = name};
	const struct cli_option *option;
	const char *meant = NULL;
	char *value = strchr(name, '=');

	if (value)
		*value++ = '\0';
	for (option = parser->cli->options; option->opt.name; option++) {
		if (!strcmp(option->opt.name, name))
			return take(parser, option, value);
		nearest__offer(&nearest, option->opt.name);
		if (!strncmp(option->opt.name, name, strlen(name)))
			meant = option->opt.name; /* an abbreviation */
	}
	meant = meant ? meant : nearest.best;
	if (meant)
		return cli__usage(parser->cli, "unknown option --%s: did you mean --%s?", name, meant);
	return cli__usage(parser->cli, "unknown option --%s", name);
}

/* -q, -qv, -o VALUE, -oVALUE */
static int take_letters(struct parser *parser, const char *letters)
{
	const struct cli_option *option;
	int rc = CLI_GO_ON;

	for (; *letters && rc == CLI_GO_ON; letters++) {
		for (option = parser->cli->options; option->opt.name && option->letter != *letters; option++)
			;
		if (!option->opt.name)
			return cli__usage(parser->cli, "unknown option -%c", *letters);
		if (option->metavar)
			return take(parser, option, letters[1] ? letters + 1 : NULL);
		rc = take(parser, option, NULL);
	}
	return rc;
}

/* "-", "-5" and "-- a comment in SQL" are operands. */
static bool is_option(const char *word)
{
	return word[0] == '-' && isalpha((unsigned char)word[word[1] == '-' ? 2 : 1]);
}

int cli__parse(const struct cli *cli, void *args, char **argv)
{
	struct parser parser = {cli, args, argv + 1};
	const struct cli_option *option;
	bool operands_only = false;
	char *word, **operands = argv;
	int rc = CLI_GO_ON;

	for (option = cli->options; option->opt.name && rc == CLI_GO_ON; option++)
		rc = option->opt.value ? set(&parser, option, option->opt.value) : CLI_GO_ON;
	while (rc == CLI_GO_ON && (word = *parser.at)) {
		parser.at++;
		if (!operands_only && !strcmp(word, "--")) {
			operands_only = true;
		} else if (operands_only || !is_option(word)) {
			*operands++ = word;
			operands_only |= cli->command;
		} else {
			rc = word[1] == '-' ? take_name(&parser, word + 2) : take_letters(&parser, word + 1);
		}
	}
	*operands = NULL;
	return rc;
}

void cli__free(const struct cli *cli, void *args)
{
	const struct cli_option *option;

	for (option = cli->options; option->opt.name; option++) {
		const struct opt one[] = {option->opt, {.name = NULL}};

		opt__free(one, args);
	}
}
