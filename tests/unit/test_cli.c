/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines: how options and operands are read, what --help prints, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/cli.h"
#include "core/log.h"

static const char *const colours[] = {"red", "green", NULL};

struct args {
	bool quiet, all;
	uint64_t verbose, count;
	char *output;
	struct opt_list tags, names;
	int colour;
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 'o', "FILE", "output", OPT_STRING, output,
		   "write there, which is a long sentence that does not fit into what is left of one line of the help",
		   .group = "First", .opt.value = "a.out"),
	CLI_OPTION(struct args, 't', "NAME=VALUE", "tag", OPT_MAP, tags, "a tag"),
	CLI_OPTION(struct args, 'n', "NAME", "name", OPT_LIST, names, "a name"),
	CLI_OPTION(struct args, 0, "N", "count", OPT_UINT, count, "a count", .opt.min = 2, .opt.max = 9),
	CLI_OPTION(struct args, 'c', "COLOUR", "colour", OPT_UINT, colour, "a colour", .choices = colours),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only", .group = "Second"),
	CLI_OPTION(struct args, 'a', NULL, "all", OPT_BOOL, all, "all"),
	CLI_OPTION(struct args, 'v', NULL, "verbose", OPT_UINT, verbose, "more"),
	CLI_END,
};

static const struct cli cli = {
	.name = "prog",
	.usage = "[OPTION]... FILE...\n--all",
	.about = "About it.",
	.options = options,
	.examples = "  prog x",
	.exit_status = "Exit status: 0 done.",
};

static struct args args;
static char *words[16], printed[4096];

/* Parses a line whose words stand between blanks; `printed` is what was written to `fd`. */
static int parse_as(const struct cli *as, const char *line, int fd)
{
	static char copy[256];
	int pipes[2], saved = dup(fd), rc;
	char *at = copy, *word;
	size_t n = 0;
	ssize_t size;

	cli__free(as, &args);
	args = (struct args){.colour = -1};
	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&at, " ")))
		words[n++] = word;
	words[n] = NULL;
	fflush(NULL);
	assert_int_equal(pipe(pipes), 0);
	dup2(pipes[1], fd);
	rc = cli__parse(as, &args, words);
	fflush(NULL);
	dup2(saved, fd);
	close(pipes[1]);
	close(saved);
	size = read(pipes[0], printed, sizeof(printed) - 1);
	printed[size > 0 ? size : 0] = '\0';
	close(pipes[0]);
	return rc;
}

static void assert_words(const char *expected)
{
	char joined[256] = "";

	for (char **word = words; *word; word++)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", word > words ? " " : "",
			 *word);
	assert_string_equal(joined, expected);
}

static void parse(const char *line)
{
	assert_int_equal(parse_as(&cli, line, STDERR_FILENO), CLI_GO_ON);
	assert_string_equal(printed, "");
}

static void test_options(void **state)
{
	(void)state;
	parse("prog");
	assert_words("");
	assert_string_equal(args.output, "a.out");
	assert_false(args.quiet);
	parse("prog --output=x --count 3 --colour green -q -t a=1 --tag=b=2,3 -n x,y -nz");
	assert_string_equal(args.output, "x");
	assert_int_equal(args.count, 3);
	assert_int_equal(args.colour, 1);
	assert_true(args.quiet);
	assert_int_equal(args.tags.n, 2);
	assert_string_equal(args.tags.items[1], "b=2,3");
	assert_int_equal(args.names.n, 2);
	assert_string_equal(args.names.items[0], "x,y");
	assert_string_equal(args.names.items[1], "z");
	parse("prog -qvavofile -o= --output -");
	assert_true(args.quiet && args.all);
	assert_int_equal(args.verbose, 2);
	assert_string_equal(args.output, "-");
	parse("prog -o -q");
	assert_string_equal(args.output, "-q");
	assert_false(args.quiet);
}

static void test_operands(void **state)
{
	struct cli command = cli;

	(void)state;
	parse("prog one -q two --all three -ox");
	assert_words("one two three");
	assert_true(args.quiet && args.all);
	assert_string_equal(args.output, "x");
	parse("prog one -- -q -- --all");
	assert_words("one -q -- --all");
	assert_false(args.quiet || args.all);
	parse("prog - -5 -- x");
	assert_words("- -5 x");
	command.command = true;
	assert_int_equal(parse_as(&command, "prog -q run -a -- --output", STDERR_FILENO), CLI_GO_ON);
	assert_words("run -a -- --output");
	assert_true(args.quiet && !args.all);
	assert_int_equal(parse_as(&command, "prog -- -a", STDERR_FILENO), CLI_GO_ON);
	assert_words("-a");
}

static void test_mistakes(void **state)
{
	static const char *const cases[][2] = {
		{"prog --outptu x", "unknown option --outptu: did you mean --output?"},
		{"prog --outptu=x", "unknown option --outptu: did you mean --output?"},
		{"prog --verb", "unknown option --verb: did you mean --verbose?"},
		{"prog --zzzzzzzz", "unknown option --zzzzzzzz\n"},
		{"prog -qx", "unknown option -x"},
		{"prog x --output", "--output needs a value: write --output FILE"},
		{"prog -qo", "--output needs a value: write --output FILE"},
		{"prog --quiet=yes", "--quiet takes no value"},
		{"prog --count x", "--count: \"x\" is not a number: write a whole number"},
		{"prog --count 10", "--count: 10 is out of range: write 2 to 9"},
		{"prog -c gren", "--colour: unknown colour \"gren\": did you mean \"green\"?"},
		{"prog -c blue", "--colour: unknown colour \"blue\": choose from red, green"},
		{"prog -t x", "--tag: \"x\" has no name or no value: write NAME=VALUE"},
		{"prog -t x=1 -t x=2", "--tag: duplicate \"x\": remove one"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse_as(&cli, cases[i][0], STDERR_FILENO), EXIT_USAGE);
		if (!strstr(printed, cases[i][1]) || !strstr(printed, "\nTry 'prog --help'.\n"))
			fail_msg("%s: %s", cases[i][0], printed);
	}
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(parse_as(&cli, "prog x --help --nonsense", STDOUT_FILENO), EXIT_DONE);
	assert_string_equal(printed, "Usage: prog [OPTION]... FILE...\n"
				     "       prog --all\n"
				     "\n"
				     "About it.\n"
				     "\n"
				     "First:\n"
				     "  -o, --output FILE     write there, which is a long sentence that does not fit\n"
				     "                        into what is left of one line of the help (default\n"
				     "                        a.out)\n"
				     "  -t, --tag NAME=VALUE  a tag\n"
				     "  -n, --name NAME       a name\n"
				     "      --count N         a count\n"
				     "  -c, --colour COLOUR   a colour\n"
				     "\n"
				     "Second:\n"
				     "  -q, --quiet           errors only\n"
				     "  -a, --all             all\n"
				     "  -v, --verbose         more\n"
				     "  -h, --help            print this text\n"
				     "  -V, --version         print the version\n"
				     "\n"
				     "Examples:\n"
				     "  prog x\n"
				     "\n"
				     "Exit status: 0 done.\n");
	assert_int_equal(parse_as(&cli, "prog -qV", STDOUT_FILENO), EXIT_DONE);
	assert_string_equal(printed, "prog " PACKAGE_VERSION "\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_help),
	};
	int rc;

	log__init("prog", LOG_INFO);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	cli__free(&cli, &args);
	return rc;
}
