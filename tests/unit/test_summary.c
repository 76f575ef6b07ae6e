/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/summary: numbers and strangers' text as people see them, and whole pages of made-up runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/format.h"
#include "core/sink.h"
#include "sinks/model/process.h"
#include "sinks/summary/page.h"
#include "tests/unit/sink_made.h"

#define MiB (1ULL << 20)

/* ---- numbers and text ---- */

static void durations_have_two_or_three_digits(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 s"},
		{1, "0 us"},
		{999 * 1000, "999 us"},
		{999600, "1.0 ms"},
		{9940 * 1000, "9.9 ms"},
		{9960 * 1000, "10 ms"},
		{350 * MS, "350 ms"},
		{999600000, "1.0 s"},
		{1200 * MS, "1.2 s"},
		{59940 * MS, "59.9 s"},
		{59960 * MS, "1m 00s"},
		{3599 * S, "59m 59s"},
		{3600 * S, "1h 00m"},
		{90000 * S, "1d 01h"},
		{UINT64_MAX - 300, "213503d 23h"},
	};
	char out[FORMAT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(format__duration(out, cases[i].ns), cases[i].text);
}

static void bytes_and_counts(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{10 * 1024, "10 KiB"},
		{1023 * MiB, "1023 MiB"},
		{MiB * 1024 - 1, "1.0 GiB"},
		{1434 * MiB, "1.4 GiB"},
		{UINT64_MAX - 300, "16 EiB"},
	};
	char out[FORMAT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(format__bytes(out, cases[i].bytes), cases[i].text);
	assert_string_equal(format__count(out, 999), "999");
	assert_string_equal(format__count(out, 1234567), "1,234,567");
}

static void strangers_text_cannot_reach_the_terminal(void **state)
{
	static const char hostile[] = "a\x1b[2Jb\rc\nd\xff\xc0\xaf\xe2\x80\xae"
				      "e\xc2\x9b"
				      "f\0g\x7f\xef\xbb\xbf";
	struct text text = {0};

	(void)state;
	text__safe(&text, hostile, sizeof(hostile) - 1);
	assert_string_equal(text.data, "a\\x1b[2Jb\\x0dc\\nd\\xff\\xc0\\xaf\\u202ee\\u009bf\\x00g\\x7f\\ufeff");
	text__free(&text);
	text__safe(&text, "na\xc3\xafve \xe5\x90\x8d", 10);
	assert_string_equal(text.data, "na\xc3\xafve \xe5\x90\x8d");
	text__free(&text);
}

static void text_is_cut_by_columns(void **state)
{
	static const struct {
		const char *in;
		size_t columns;
		const char *out;
		size_t used;
	} cases[] = {
		{"", 5, "", 0},
		{"abcde", 5, "abcde", 5},
		{"abcdef", 5, "abcd\xe2\x80\xa6", 5},
		{"abc", 0, "", 0},
		{"abc", 1, "\xe2\x80\xa6", 1},
		{"\xe5\x90\x8d\xe5\x90\x8d", 4, "\xe5\x90\x8d\xe5\x90\x8d", 4},
		{"\xe5\x90\x8d\xe5\x90\x8d", 3, "\xe5\x90\x8d\xe2\x80\xa6", 3},
		{"\xe5\x90\x8d\xe5\x90\x8d", 2, "\xe2\x80\xa6", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text text = {0};

		assert_int_equal(text__cut(&text, cases[i].in, cases[i].columns), cases[i].used);
		assert_string_equal(text.data, cases[i].out);
		text__free(&text);
	}
}

static void assert_command(const char *args, size_t length, const char *expected)
{
	struct model_command command = {.args = {args, (uint32_t)length, 1, 0}};
	struct text text = {0};

	text__command(&text, &command, "comm", false);
	assert_string_equal(text.data, expected);
	text__free(&text);
}

static void commands_are_shown_as_a_shell_takes_them(void **state)
{
	struct text text = {0};
	char *longest = malloc(2 * MiB);

	(void)state;
#define COMMAND(args, expected) assert_command(args, sizeof(args), expected)
	COMMAND("/usr/bin/bwa\0mem\0-t\08", "bwa mem -t 8");
	COMMAND("sh\0-c\0a b; c", "sh -c 'a b; c'");
	COMMAND("a\0", "a ''");
	COMMAND("a\0it's\0x\\y\n", "a $'it\\'s' $'x\\\\y\\n'");
	COMMAND("/", "/");
	assert_non_null(longest);
	memset(longest, '\x1b', 2 * MiB);
	longest[2 * MiB - 1] = '\0';
	{
		struct model_command command = {.args = {longest, 2 * MiB, 1, 0}};

		text__command(&text, &command, "", true);
		assert_true(text.size < 5000);
		assert_memory_equal(text.data, "fork of ", 8);
	}
	text__free(&text);
	{
		struct model_command script = {.exe = {"a/x.sh", 6, 0}, .args = {"bash\0-e\0a/x.sh\0b", 17, 4, 0}};

		text__command(&text, &script, "", false);
		assert_string_equal(text.data, "x.sh b");
	}
	text__free(&text);
	{
		struct model_command script = {.exe = {"./p1.sh", 7, 0}, .args = {"bash\0./p1.sh", 13, 2, 0}};

		text__command(&text, &script, "p1.sh", true);
		assert_string_equal(text.data, "a subshell of p1.sh");
	}
	text__free(&text);
	text__command(&text, NULL, "co\nmm", false);
	assert_string_equal(text.data, "[co\\nmm]");
	text__free(&text);
	free(longest);
}

/* ---- pages ---- */

/* A program under process 10, which began at 1 s. */
static void steps_are_shown_as_their_engine_does(void **state)
{
	static const struct {
		const char *step, *tag, *id, *shown;
	} cases[] = {
		{"ALIGN", "bee", "3f/ab12cd", "ALIGN (bee)"},
		{"ALIGN", NULL, "3f/ab12cd", "ALIGN 3f/ab12cd"},
		{"sort", "s=a", "sort:s=a", "sort (s=a)"},
		{"sort", NULL, "sort:", "sort"},
		{"sort", NULL, "sort", "sort"},
		{"sort", NULL, "sorted", "sort sorted"},
		{"sort", NULL, NULL, "sort"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text text = {0};

		text__step(&text, cases[i].step, cases[i].tag, cases[i].id);
		assert_string_equal(text.data, cases[i].shown);
		text__free(&text);
	}
}

static void program(uint64_t ts, uint32_t pid, const char *exe, const char *args, int status)
{
	FORK(.at = ts, .pid = pid, .parent = 10, .comm = "bash");
	EXEC(.at = ts, .pid = pid, .exe = exe, .args = args);
	END(.at = ts + 100 * MS, .pid = pid, STATUS(status), .cpu = 50 * MS, .bytes = 2 * MiB);
}

static void a_short_run_is_a_short_page(void **state)
{
	struct page_test *t = begin_with(NULL, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	program(2 * S, 11, "/bin/sleep", "sleep|1|", 0);
	END(.at = 5 * S, .pid = 10, .cpu = 150 * MS, .bytes = 4 * MiB);
	assert_string_equal(print(t, true), "variant-calling  r1  on node7, 2025-11-22 03:36:13 UTC\n"
					    "$ ./pipeline.sh --input samples.csv\n"
					    "\n"
					    "  verdict        exit 0\n"
					    "\n"
					    "  wall            4.0 s\n"
					    "  CPU            200 ms  0.05 cores on average\n"
					    "  peak memory   4.0 MiB  largest process: pipeline.sh\n"
					    "  processes           2  2 programs executed\n"
					    "\n"
					    "Commands by CPU time\n"
					    "      CPU  share     wall     peak  programs  command\n"
					    "   150 ms   75 %    4.0 s  4.0 MiB         1  pipeline.sh\n"
					    "    50 ms   25 %   100 ms  2.0 MiB         1  sleep\n");
	end(t);
}

/* The signal that ended it is not why. */
static void a_hang_comes_before_what_ended_it(void **state)
{
	struct page_test *t = begin_with("top=5", 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t i = 0; i < 12; i++)
		program((2 + 10 * i) * S, 11 + i, "/bin/nc", "nc|-z|db|5432|", 1);
	END(.at = 130 * S, .pid = 10, .cpu = 1, .bytes = 4 * MiB, .signal = 15, .sent_by = 31000);
	page = print(t, true);
	assert_has(page, "\nCause\n"
			 "  a likely hang of bash ./pipeline.sh (pid 10), see Verdicts; what ended it:\n"
			 "  SIGTERM  pipeline.sh\n");
	assert_has(page, "\n  likely  hang       pipeline.sh (pid 10) has started the same child 12 times");
	end(t);
}

static void a_crash_after_a_loop_is_no_end_of_a_hang(void **state)
{
	struct page_test *t = begin_with("top=5", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t i = 0; i < 12; i++)
		program((2 + 10 * i) * S, 11 + i, "/bin/nc", "nc|-z|db|5432|", 1);
	END(.at = 130 * S, .pid = 10, .cpu = 1, .bytes = 4 * MiB, .signal = 11, .sender = "kernel");
	assert_has(print(t, true), "\nCause\n  SIGSEGV  pipeline.sh\n");
	end(t);
}

static void the_rarest_failures_come_first_alike_ones_together(void **state)
{
	struct page_test *t = begin_with("top=5,failures=2", 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t i = 0; i < 3; i++)
		program((2 + i) * S, 11 + i, "/bin/qc", "qc|--strict|", 1);
	program(6 * S, 20, "/bin/grep", "grep|-q|x|", 1);
	program(7 * S, 21, "/bin/tool", "tool|", -1011);
	program(8 * S, 22, "/bin/late", "late|", 4);
	END(.at = 10 * S, .pid = 10, .cpu = 1, .bytes = 4 * MiB);
	page = print(t, true);
	assert_has(page, "processes           7  7 programs executed, 5 failed\n");
	assert_has(page, "verdict        exit 0  but 5 failures are hidden\n");
	assert_has(page, "\nFailed (5)\n"
			 "  SIGSEGV  tool\n"
			 "           HIDDEN  pid 21 at +6.1 s, core dumped, under pipeline.sh\n"
			 "  exit 4   late\n"
			 "           HIDDEN  pid 22 at +7.1 s, under pipeline.sh\n"
			 "  and 3 more of 1 other kind\n");
	assert_has(page, "Longest");
	end(t);
}

static void steps_are_summed_up_and_named_with_failures(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/make", .args = "make|-j2|");
	program(2 * S, 11, "/bin/sh", "sh|-c|bwa mem ref a > a.sam|", 0);
	FORK(.at = 3 * S, .pid = 12, .parent = 10, .comm = "make");
	EXEC(.at = 3 * S, .pid = 12, .exe = "/bin/sh", .args = "sh|-c|mkdir -p out; bwa mem ref b | sort|");
	FORK(.at = 3 * S, .pid = 13, .parent = 12, .comm = "sh");
	EXEC(.at = 3 * S, .pid = 13, .exe = "/bin/bwa", .args = "bwa|mem|ref|b|");
	END(.at = 4 * S, .pid = 13, .signal = 11, .cpu = 250 * MS, .bytes = 8 * MiB);
	END(.at = 4 * S, .pid = 12, .cpu = 50 * MS, .bytes = 2 * MiB);
	END(.at = 5 * S, .pid = 10, .cpu = 150 * MS, .bytes = 4 * MiB);
	page = print(t, true);
	assert_has(page, "\nSteps by CPU time\n"
			 "      CPU  share     wall     peak     tasks  failed  step\n"
			 "   350 ms   70 %    1.1 s  8.0 MiB         2       0  bwa mem\n"
			 "   150 ms   30 %                                      in no step\n"
			 "\nCommands");
	assert_has(page, "HIDDEN  pid 13 at +3.0 s, in step bwa mem, under sh -c");
	end(t);

	t = begin_with("steps=none", 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/make", .args = "make|");
	program(2 * S, 11, "/bin/sh", "sh|-c|bwa mem|", 0);
	END(.at = 5 * S, .pid = 10, .cpu = 150 * MS, .bytes = 4 * MiB);
	assert_has_not(print(t, true), "Steps");
	end(t);
}

static void a_run_that_fails_hides_nothing(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	program(2 * S, 11, "/bin/tool", "tool|", 3);
	END(.at = 5 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "verdict        exit 3\n");
	assert_has(page, "\nCause\n"
			 "  exit 3  tool\n"
			 "          pid 11 at +1.1 s, after 100 ms\n"
			 "          run again: cd / && tool\n"
			 "  passed on:\n"
			 "  exit 3  pipeline.sh\n"
			 "  exit 3    tool\n"
			 "  no last lines: what goes to a pipe or a terminal is recorded only by\n"
			 "  probes: {output: {writes: true}} in -c FILE, see collector.yaml(5)\n"
			 "\n"
			 "  wall");
	assert_has_not(page, "HIDDEN");
	assert_has_not(page, "ailures");
	end(t);
}

/* `until check; do ... done; exit 1`: the cause is one of them. */
static void what_the_cause_has_is_not_counted_twice(void **state)
{
	static const struct {
		uint64_t ends; /* the run */
		const char *others;
	} cases[] = {
		{6 * S, "2 times, first pid 11 at +1.1 s, under pipeline.sh\n"},
		{2500 * MS, "2 times, first pid 12 at +2.1 s, under pipeline.sh\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);
		const char *page;

		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		for (uint32_t k = 0; k < 3; k++) {
			if (cases[i].ends > (1 + k) * S && cases[i].ends < (2 + k) * S)
				END(.at = cases[i].ends, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
			program((2 + k) * S, 11 + k, "/bin/check", "check|", 3);
		}
		if (cases[i].ends > 5 * S)
			END(.at = cases[i].ends, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
		page = print(t, true);
		assert_has(page, "\nOther failures (2)\n  exit 3  check\n");
		assert_has(page, cases[i].others);
		end(t);
	}
}

/* make -k: each command that failed alike has its name, and the cause's is not one of the others'. */
static void what_failed_alike_is_named(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;
	char args[16];

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/make", .args = "make|-k|");
	for (uint32_t k = 0; k < 7; k++) {
		snprintf(args, sizeof(args), "check|%c|", (int)('a' + k));
		program((2 + k) * S, 11 + k, "/bin/check", args, 3);
	}
	END(.at = 12 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "Cause\n  exit 3  check a\n");
	assert_has(page,
		   "\nOther failures (6)\n  exit 3  check b\n          6 times, first pid 12 at +2.1 s, under make");
	assert_has(
		page,
		"\n          also: check c\n          also: check d\n          also: check e\n          also: check f\n"
		"          and 1 more\n");
	end(t);
}

/* A Ctrl-C ends all: the first of them is shown, the others are counted. */
static void what_a_ctrl_c_has_ended(void **state)
{
	static const char *const names[] = {"job", "cat", "tee"};
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/make", .args = "make|-j3|");
	for (uint32_t k = 0; k < 3; k++) {
		FORK(.at = 2 * S, .pid = 11 + k, .parent = 10, .comm = "make");
		EXEC(.at = 2 * S, .pid = 11 + k, .parent = 10, .exe = names[k], .args = names[k]);
	}
	for (uint32_t k = 0; k < 4; k++)
		END(.at = 5 * S + k, .pid = k < 3 ? 11 + k : 10, .signal = 2, .sender = "kernel",
		    .signal_code = "SI_KERNEL", .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "Cause\n  interrupted at its terminal; what that ended:\n  SIGINT  job\n");
	assert_has(page, "  2 more were ended by the same SIGINT\n");
	assert_has_not(page, "run again");
	assert_has_not(page, "Other failures");
	end(t);
}

/* What ends alike is one entry in one task only. */
static void failures_of_two_tasks_are_two(void **state)
{
	char path[] = "/tmp/steps.XXXXXX", options[64];
	static const char rules[] =
		"steps: [{args: '^job (?<step>\\w+) (?<tag>\\w+)', step: '${step}', tag: '${tag}'}]";
	static const char *const args[] = {"job|align|A|", "job|align|B|", "job|call|B|", "job|call|B|"};
	struct page_test *t;
	const char *page;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, rules, strlen(rules)), strlen(rules));
	close(fd);
	snprintf(options, sizeof(options), "steps=%s", path);
	t = begin_with(options, 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/make", .args = "make|-k|");
	for (uint32_t k = 0; k < 4; k++)
		program((2 + k) * S, 11 + k, "/bin/job", args[k], 3);
	END(.at = 7 * S, .pid = 10, .code = 2, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "Cause\n  exit 3  job align A\n");
	assert_has(page, "Other failures (3)\n  exit 3  job align B\n          pid 12 at +2.1 s, in step align (B)");
	assert_has(page, "  exit 3  job call B\n          2 times, first pid 13 at +3.1 s, in step call (B)");
	end(t);
	unlink(path);
}

/* A rule whose line runs jobs by GNU parallel: the rule is named as well, and alone where a job is named by its program only. */
static void a_job_within_a_rule_names_the_rule(void **state)
{
	static const struct {
		const char *shell, *exe, *job, *steps;
	} cases[] = {
		{"/bin/sh|-c|gzip -dc x.gz|", "/bin/gzip", "gzip|-dc|x.gz|", "in step split"},
		{"/bin/sh|-c|bwa mem x.fa|", "/bin/bwa", "bwa|mem|x.fa|", "in step bwa mem, within split"},
	};

	(void)state;
	for (int failed = 0; failed < 2; failed++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			struct page_test *t = begin_with(NULL, 7);
			char expected[128];

			EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/python3",
			     .args = "/usr/bin/python3|-m|snakemake|--target-jobs|split:|");
			FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "parallel");
			EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = "/usr/bin/perl",
			     .args = "perl|/usr/bin/parallel|x|");
			FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "sh");
			EXEC(.at = 3 * S, .pid = 12, .parent = 11, .exe = "/bin/sh", .args = cases[i].shell);
			EXEC(.at = 3 * S, .pid = 12, .parent = 11, .exe = cases[i].exe, .args = cases[i].job);
			END(.at = 4 * S, .pid = 12, .code = 3, .cpu = 1, .bytes = 1);
			END(.at = 5 * S, .pid = 11, .code = failed, .cpu = 1, .bytes = 1);
			END(.at = 6 * S, .pid = 10, .code = failed, .cpu = 1, .bytes = 1);
			snprintf(expected, sizeof(expected), failed ? ", %s\n" : ", %s, under", cases[i].steps);
			assert_has(print(t, true), expected);
			end(t);
		}
}

/* Two lines of it come first, then what it said; the whole stands once, where it can be copied. */
static void long_commands_are_wrapped_and_whole(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	char args[4096] = "tool|", whole[4096] = "tool";
	const char *page, *at;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(args + strlen(args), sizeof(args) - strlen(args), "--n%03d|", i);
		snprintf(whole + strlen(whole), sizeof(whole) - strlen(whole), " --n%03d", i);
	}
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	program(2 * S, 11, "/bin/tool", args, 3);
	END(.at = 5 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page,
		   "  exit 3  tool --n000 --n001 --n002 --n003 --n004 --n005 --n006 --n007 --n008 " TEXT_ELLIPSIS "\n"
		   "            --n291 --n292 --n293 --n294 --n295 --n296 --n297 --n298 --n299\n"
		   "          pid 11 at +1.1 s, after 100 ms\n  passed on:\n");
	at = strstr(page, "run again: cd / && tool");
	assert_non_null(at);
	at += strlen("run again: cd / && ");
	assert_memory_equal(at, whole, strlen(whole));
	assert_int_equal(at[strlen(whole)], '\n');
	end(t);
}

/* What bash makes of the line, as it is copied from the page. */
static void paste(const char *page, char *out, size_t size)
{
	const char *at = strstr(page, "run again: ");
	char path[PATH_SIZE], command[128];
	FILE *bash;
	size_t n;

	assert_non_null(at);
	at += strlen("run again: ");
	snprintf(command, sizeof(command), "timeout 5 bash --norc %s 2>&1", file_with(path, at));
	n = strcspn(at, "\n");
	assert_int_equal(truncate(path, (off_t)n), 0);
	bash = popen(command, "r");
	assert_non_null(bash);
	n = fread(out, 1, size - 1, bash);
	out[n] = '\0';
	assert_int_equal(pclose(bash), 0);
	unlink(path);
}

static void what_is_run_again_is_what_was_run(void **state)
{
	static const char *const args[] = {
		"import sys; print('bad thing'); sys.exit(7)   # and a blank or two where the page would break it",
		"two  blanks  kept  in  this  long  argument  that  is  wider  than  the  page  is  itself",
		"a\nb \"q\" 's' $(touch pwn) \u00fcn\u00ef;`x` \\e * ~ ! # {a,b} & > pwn",
		"-n",
		"",
		"\x1b[31m\xff\x07\t\r",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(args) / sizeof(*args); i++) {
		struct page_test *t = begin_with(NULL, 7);
		char cwd[] = "/tmp/rerun a\n'b' $(x) XXXXXX", whole[512], expected[1024], out[1024];

		assert_non_null(mkdtemp(cwd));
		snprintf(whole, sizeof(whole), "bash|-c|pwd; printf \"<%%s>\" \"$@\"|-|%s|last|", args[i]);
		snprintf(expected, sizeof(expected), "%s\n<%s><last>", cwd, args[i]);
		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "sh|./pipeline.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = "/bin/bash", .args = whole, .cwd = cwd);
		END(.at = 3 * S, .pid = 11, .parent = 10, .code = 3, .cpu = 1, .bytes = 1);
		END(.at = 4 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
		paste(print(t, true), out, sizeof(out));
		assert_string_equal(out, expected);
		assert_int_equal(rmdir(cwd), 0);
		end(t);
	}
}

/* What a compiler starts has its temporary files, which are gone; what make starts has not. What other drivers start is known by
 * its name or its arguments. */
static void a_part_is_run_again_by_its_driver(void **state)
{
	static const struct {
		const char *driver, *args, *part, *part_args, *again;
	} cases[] = {
		{"/usr/bin/gcc", "gcc|-o|p|m.o|", "/usr/bin/ld", "ld|/tmp/ccX.o|", "run again: cd / && gcc -o p m.o\n"},
		{"/usr/bin/arm-gcc", "arm-gcc|-c|m.c|", "/usr/bin/arm-as", "/x/arm-as|/tmp/ccX.s|",
		 "run again: cd / && arm-gcc -c m.c\n"},
		{"/usr/bin/make", "make|all|", "/usr/bin/ld", "ld|m.o|", "run again: cd / && ld m.o\n"},
		{"/bin/sh", "sh|-c|ld m.o; false|", "/usr/bin/ld", "ld|m.o|", "run again: cd / && ld m.o\n"},
		{"/usr/bin/gcc", "gcc|-o|p|m.o|", "/opt/bold", "bold|m.o|", "run again: cd / && bold m.o\n"},
		{"/usr/bin/cargo", "cargo|build|", "/usr/bin/rustc", "rustc|--crate-name|a|",
		 "run again: cd / && cargo build\n"},
		{"/usr/bin/python3", "python3|t.py|", "/usr/bin/rustc", "rustc|a.rs|",
		 "run again: cd / && rustc a.rs\n"},
		{"/usr/bin/go", "go|test|./...|", "/tmp/go-build12/b001/a.test", "/tmp/go-build12/b001/a.test|-test.v|",
		 "run again: cd / && go test ./...\n"},
		{"/usr/bin/go", "go|test|", "/opt/go-builder/x", "/opt/go-builder/x|",
		 "run again: cd / && /opt/go-builder/x\n"},
		{"/usr/bin/snakemake", "python3|/usr/bin/snakemake|-c2|", "/usr/bin/python3",
		 "python3|-m|snakemake|--target-jobs|a:|", "run again: cd / && python3 /usr/bin/snakemake -c2\n"},
		{"/usr/bin/pip", "pip|install|.|", "/usr/bin/python3",
		 "python3|/l/pyproject_hooks/_in_process.py|/tmp/tmp1|", "run again: cd / && pip install .\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);

		EXEC(.at = 1 * S, .pid = 10, .exe = "./build.sh", .args = "bash|./build.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = cases[i].driver, .args = cases[i].args, .cwd = "/");
		FORK(.at = 2 * S, .pid = 12, .parent = 11, .comm = "x");
		EXEC(.at = 2 * S, .pid = 12, .parent = 11, .exe = cases[i].part, .args = cases[i].part_args,
		     .cwd = "/");
		END(.at = 3 * S, .pid = 12, .parent = 11, .code = 1, .cpu = 1, .bytes = 1);
		END(.at = 3 * S, .pid = 11, .parent = 10, .code = 1, .cpu = 1, .bytes = 1);
		END(.at = 4 * S, .pid = 10, .code = 1, .cpu = 1, .bytes = 1);
		assert_has(print(t, true), cases[i].again);
		end(t);
	}
}

/* A script that only puts something before its own arguments says in one line what the program was called with in ten. */
static void a_script_is_run_again_where_it_has_become_the_program(void **state)
{
	static const struct {
		const char *exe, *script, *program, *again;
	} cases[] = {
		{"/usr/bin/mvn", "/bin/sh|/usr/bin/mvn|-q|test|", "java|-cp|x|Launcher|-q|test|",
		 "run again: cd / && /bin/sh /usr/bin/mvn -q test\n"},
		{"/usr/bin/mvn", "/bin/sh|/usr/bin/mvn|-q|test|", "java|Launcher|test|",
		 "run again: cd / && java Launcher test\n"},
		{"./start", "/bin/sh|./start|test|", "java|a-test|", "run again: cd / && java a-test\n"},
		{"./start", "/bin/sh|./start|", "java|Server|", "run again: cd / && java Server\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);

		EXEC(.at = 1 * S, .pid = 10, .exe = "./build.sh", .args = "bash|./build.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = cases[i].exe, .args = cases[i].script, .cwd = "/");
		EXEC(.at = 3 * S, .pid = 11, .parent = 10, .exe = "/usr/bin/java", .args = cases[i].program,
		     .cwd = "/");
		END(.at = 4 * S, .pid = 11, .parent = 10, .code = 1, .cpu = 1, .bytes = 1);
		END(.at = 4 * S, .pid = 10, .code = 1, .cpu = 1, .bytes = 1);
		assert_has(print(t, true), cases[i].again);
		end(t);
	}
}

static void an_engines_own_log_is_named(void **state)
{
	static const struct {
		const char *args, *log;
	} cases[] = {
		{"java|nextflow.cli.Launcher|run|main.nf|", "          its log: /w/.nextflow.log\n"},
		{"java|nextflow.cli.Launcher|-log|a b.log|run|main.nf|", "          its log: '/w/a b.log'\n"},
		{"java|nextflow.cli.Launcher|run|main.nf|-log|", NULL},
		{"java|-jar|tool.jar|-log|x|", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);

		EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/java", .args = cases[i].args, .cwd = "/w");
		END(.at = 4 * S, .pid = 10, .code = 1, .cpu = 1, .bytes = 1);
		assert_has(print(t, true), cases[i].log ? cases[i].log : "  exit 1  java");
		if (!cases[i].log)
			assert_has_not(print(t, true), "its log");
		end(t);
	}
}

/* Of an argument that nobody reads, its ends and how much is between them; no argument is left out. */
static void a_long_argument_is_shown_by_its_ends(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	char args[4096] = "tool|abcd";
	const char *page;
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 500; i++)
		strcat(args, "\xc3\xa4xyz");
	strcat(args, "e|--last|");
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	program(2 * S, 11, "/bin/tool", args, 3);
	END(.at = 5 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "  exit 3  tool abcd\u00e4xyz");
	assert_has(page, TEXT_ELLIPSIS);
	assert_has_not(page, TEXT_ELLIPSIS " "); /* it is one argument */
	assert_has(page, "xyze\n            --last\n          pid 11");
	assert_has_not(page, "run again"); /* a part of a command must not be run */
	assert_has(page, "its arguments in full: collector-query RUN \"SELECT command FROM images "
			 "WHERE pid = 11 AND exec = 1\"\n");
	for (const char *at = page; (at = strchr(at, '\n')); at++)
		lines++;
	assert_true(lines < 50);
	assert_true(utf8__valid(page, strlen(page)));
	end(t);

	t = begin_with(NULL, 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	args[5 + TEXT_ARGUMENT_MAX] = '|';
	args[6 + TEXT_ARGUMENT_MAX] = '\0';
	program(2 * S, 11, "/bin/tool", args, 3);
	END(.at = 5 * S, .pid = 10, .code = 3, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has_not(page, "characters]");
	assert_has_not(page, "in full");
	end(t);
}

static void a_failure_that_was_retried_with_success(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	program(2 * S, 11, "/usr/bin/curl", "curl|x|", 7);
	program(3 * S, 12, "/usr/bin/curl", "curl|x|", 7);
	program(4 * S, 13, "/usr/bin/curl", "curl|x|", 0);
	program(4 * S, 14, "/usr/bin/curl", "curl|y|", 7);
	program(5 * S, 15, "/usr/bin/curl", "curl|y|", 0);
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "6 programs executed, 3 retried with success\n");
	assert_has(page, "verdict        exit 0\n");
	assert_has(page, "\nRetried, ignored or timed out\n"
			 "  curl x: exit 7, retried, then 0; 2 times\n"
			 "  curl y: exit 7, retried, then 0\n");
	assert_has_not(page, "Failed");
	end(t);
}

/* Nothing waited, or was done, in between: so does a loop over other data. */
static void what_was_retried_at_once(void **state)
{
	struct page_test *t = begin_with(NULL, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t i = 0; i < 2; i++) {
		FORK(.at = 2 * S + i * 20 * MS, .pid = 11 + i, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S + i * 20 * MS, .pid = 11 + i, .exe = "/usr/bin/curl", .args = "curl|x|");
		END(.at = 2 * S + i * 20 * MS + 10 * MS, .pid = 11 + i, STATUS(i ? 0 : 7), .cpu = 1, .bytes = 1);
	}
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "  curl x: exit 7, retried, then 0 (unless that was for other data)\n");
	end(t);
}

/* Of two that failed alike the first was retried: the other one is shown. */
static void what_is_left_of_a_kind(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	program(2 * S, 11, "/usr/bin/curl", "curl|x|", 7);
	program(3 * S, 12, "/usr/bin/curl", "curl|y|", 7);
	program(4 * S, 13, "/usr/bin/curl", "curl|z|", 7);
	program(5 * S, 14, "/usr/bin/curl", "curl|x|", 0);
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "\n  exit 7  curl y\n          HIDDEN  2 times, first pid 12 at");
	assert_has(page, "  curl x: exit 7, retried, then 0\n");
	end(t);
}

/* A line each, whatever failed in it. */
static void tasks_that_were_ignored(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/java", .args = "java|-cp|x|nextflow.cli.Launcher|run|");
	for (uint32_t pid = 20; pid < 26; pid += 2) {
		FORK(.at = 2 * S, .pid = pid, .parent = 10, .comm = "java");
		EXEC(.at = 2 * S, .pid = pid, .exe = "/bin/bash", .args = "bash|-ue|.command.sh|",
		     .cwd = pid == 24 ? "/w/ab/cccccccccccccccccccccccccccccc" : "/w/ab/dddddddddddddddddddddddddddddd",
		     .env = pid == 24 ? "SLURM_JOB_NAME=nf-ALIGN_(2)|" : "SLURM_JOB_NAME=nf-SORT_(1)|");
		FORK(.at = 2 * S, .pid = pid + 1, .parent = pid, .comm = "bash");
		EXEC(.at = 2 * S, .pid = pid + 1, .exe = "/bin/tool", .args = "tool|");
		END(.at = 3 * S, .pid = pid + 1, .signal = 11, .cpu = MS, .bytes = MiB);
		END(.at = 3 * S, .pid = pid, .code = 139, .cpu = MS, .bytes = MiB);
	}
	END(.at = 4 * S, .pid = 10, .cpu = 50 * MS, .bytes = 2 * MiB);
	page = print(t, true);
	assert_has(page, "7 programs executed, 3 ignored\n");
	assert_has(page, "\nRetried, ignored or timed out\n"
			 "  SORT: exit 139, ignored; 2 times\n"
			 "  ALIGN: exit 139, ignored\n");
	assert_null(strstr(page, "Failed"));
	assert_null(strstr(page, "HIDDEN"));
	end(t);
}

static void a_program_that_could_not_be_executed_is_named(void **state)
{
	struct page_test *t = begin_with(NULL, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC_FAILED(.at = 3 * S, .pid = 11, .exe = "/opt/tool", .error = EACCES);
	END(.at = 4 * S, .pid = 11, .code = 126, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "  exit 126  /opt/tool\n"
				   "            HIDDEN  pid 11 at +3.0 s, under pipeline.sh\n"
				   "            not executable: tool (EACCES)\n");
	end(t);
}

/* A line that is too long for the terminal is not cut where its sense is. */
static void what_explains_a_failure_is_whole(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh",
	     .args = "bash|-c|an argument|of a command|that is wider|than the columns|of the terminal|to which it goes|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/usr/bin/make", .args = "make|all|");
	FORK(.at = 2 * S, .pid = 12, .parent = 11, .comm = "make");
	EXEC_FAILED(.at = 3 * S, .pid = 12, .exe = "./tool", .args = "./tool|", .error = ENOENT);
	END(.at = 4 * S, .pid = 12, .code = 127, .cpu = 1, .bytes = 1);
	END(.at = 4 * S, .pid = 11, .code = 127, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "\n            an ancestor ended 0: bash -c 'an argument' 'of a command' 'that is ");
	assert_has(page, "\n            command not found: tool (ENOENT: the file, or the interpreter of\n"
			 "              its first line)\n");
	end(t);
}

/* `ctest || true`: which of its tests failed. */
static void a_hidden_failure_of_tests_has_its_cause(void **state)
{
	struct page_test *t = begin_with(NULL, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = "/usr/bin/ctest", .args = "ctest|");
	for (uint32_t pid = 12; pid < 14; pid++) {
		FORK(.at = 2 * S, .pid = pid, .parent = 11, .comm = "ctest");
		EXEC(.at = 2 * S, .pid = pid, .parent = 11, .exe = "/bin/t",
		     .args = pid == 12 ? "t|align|" : "t|call|");
		END(.at = 3 * S, .pid = pid, .parent = 11, .code = 3, .cpu = 1, .bytes = 1);
	}
	END(.at = 4 * S, .pid = 11, .parent = 10, .code = 8, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "Failed (1)\n"
				   "  exit 8  ctest\n"
				   "          HIDDEN  pid 11 at +3.0 s, under pipeline.sh\n"
				   "          by exit 3 t align (pid 12), one of 2 that failed below ctest, which\n"
				   "            knows if it was meant to\n");
	end(t);
}

/* Its status, if that is another than that of what is below it. */
static void what_a_hidden_failure_became(void **state)
{
	static const struct {
		int inner, outer;
		const char *shown;
	} cases[] = {
		{6, 6, "          passed on: exit 6  sh -c inner\n  and 1 more that passed a failure on\n"},
		{1, 7, "          passed on: exit 7  sh -c outer\n  and 1 more that passed a failure on\n"},
		{6, 7, "          passed on: exit 6  sh -c inner\n          passed on: exit 7  sh -c outer\n\n"},
		{1, 1, "an ancestor ended 0: pipeline.sh\n  and 2 more that passed a failure on\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);

		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/sh", .args = "sh|-c|outer|");
		FORK(.at = 2 * S, .pid = 12, .parent = 11, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 12, .exe = "/bin/sh", .args = "sh|-c|inner|");
		FORK(.at = 2 * S, .pid = 13, .parent = 12, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 13, .exe = "/bin/tool", .args = "tool|");
		END(.at = 3 * S, .pid = 13, .code = 1, .cpu = 1, .bytes = 1);
		END(.at = 3 * S, .pid = 12, .code = cases[i].inner, .cpu = 1, .bytes = 1);
		END(.at = 4 * S, .pid = 11, .code = cases[i].outer, .cpu = 1, .bytes = 1);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
		assert_has(print(t, true), cases[i].shown);
		end(t);
	}
}

#define BY_MESSAGE "  which command was not found: what the shell said is not recorded;\n"
#define BY_EXEC "  what could not be executed, and why, is not recorded: see collector.yaml(5);\n"

static const char *const without_execs[] = {"exec_failed: not recorded (probes.lifecycle.events)", NULL};

/* The shell's message would name it, or the exec; the page says how to have that, once, unless that is recorded. */
static void a_command_that_nothing_names(void **state)
{
	static const struct {
		const char *exe, *args;
		int code;
		uint64_t written;
		const char *hint, *not ;
		const char *const *lacks;
	} cases[] = {
		{"./pipeline.sh", "bash|./pipeline.sh|", 127, 30, BY_MESSAGE, BY_EXEC, without_execs},
		{"./pipeline.sh", "bash|./pipeline.sh|", 127, 0, BY_EXEC, BY_MESSAGE, without_execs},
		{"./pipeline.sh", "bash|./pipeline.sh|", 126, 30, BY_EXEC, BY_MESSAGE, without_execs},
		{"/usr/bin/node", "node|-e|1|", 127, 30, BY_EXEC, BY_MESSAGE, without_execs},
		{"./pipeline.sh", "bash|./pipeline.sh|", 127, 0, NULL, BY_EXEC, NULL},
		{"/usr/bin/node", "node|-e|1|", 127, 30, NULL, BY_EXEC, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t io[MADE_IO] = {0, cases[i].written};
		const char *page, *said;
		struct page_test *t;

		sink_lacks = cases[i].lacks;
		t = begin_with(NULL, 15);
		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = cases[i].args);
		for (uint32_t pid = 11; pid < 13; pid++) {
			FORK(.at = 2 * S, .pid = pid, .parent = 10, .comm = pid == 11 ? "bash" : "node");
			END(.at = 3 * S, .pid = pid, .code = cases[i].code, .cpu = 1, .bytes = 1);
			IO_CLOSED(.at = 3 * S, .pid = pid, .io = io);
		}
		END(.at = 4 * S, .pid = 10, .code = 1, .cpu = 1, .bytes = 1);
		page = print(t, true);
		said = cases[i].hint ? strstr(page, cases[i].hint) : page;
		if (!said || (cases[i].hint && strstr(said + 4, cases[i].hint)) || strstr(page, cases[i].not ))
			fail_msg("%zu: %s", i, page);
		end(t);
	}
	sink_lacks = NULL;
}

/* By the arguments of a wrapper that became nothing else, and perhaps by those of a shell; not of what has forked. */
static void a_command_that_its_arguments_name(void **state)
{
	static const struct {
		const char *exe, *args;
		int code;
		bool forks;
		const char *shown;
	} cases[] = {
		{"/usr/bin/env", "/usr/bin/env|Rscript4|a.R|", 127, false,
		 "Rscript4: not found, in env Rscript4 a.R\n"},
		{"/usr/bin/env", "env|./tool|", 126, false, "./tool: could not be executed, in env ./tool\n"},
		{"/usr/sbin/chroot", "chroot|root|/bin/sh|", 127, false,
		 "            not found: the file, or the interpreter of its first line\n"},
		{"/bin/sh", "sh|-c|tscc x; y|", 127, false, "            command not found, likely tscc\n"},
		{"/bin/sh", "sh|-c|tscc x; y|", 127, true,
		 "            not found: a command, or the interpreter of a file\n"},
		{"/usr/bin/env", "env|tool|", 1, false, "  exit 1  env tool\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);

		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = cases[i].args);
		if (cases[i].forks) {
			FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
			EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = "/bin/tool", .args = "tool|");
			END(.at = 3 * S, .pid = 11, .parent = 10, .cpu = 1, .bytes = 1);
		}
		END(.at = 4 * S, .pid = 10, .code = cases[i].code, .cpu = 1, .bytes = 1);
		assert_has(print(t, true), cases[i].shown);
		end(t);
	}
}

#define TO_NULL "\n  no last lines: its standard error went to /dev/null\n"
#define BY_WRITES "  no last lines: what goes to a pipe or a terminal is recorded only by\n"

/* Of a cgroup that the run has entered, or what has come since its first record. */
static void forks_that_a_limit_refused(void **state)
{
	static const struct {
		uint64_t limit[2], refused[2];
		const char *fact;
	} cases[] = {
		{{0, 25}, {0, 15}, "  pids limit         25  of a cgroup (pids.max): 15 forks failed for it\n"},
		{{25, 25}, {7, 8}, "  pids limit         25  of a cgroup (pids.max): 1 fork failed for it\n"},
		{{25, 25}, {7, 7}, NULL},
		{{0, 25}, {0, 0}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);
		const char *page;

		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		for (uint64_t k = 0; k < 2; k++)
			TOTAL_READ(.at = (2 + k) * S, .pid = 10, .processes = 1, .read = 1, .bytes = MiB,
				   .pids_limit = cases[i].limit[k], .pids_refused = cases[i].refused[k]);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 4 * MiB);
		page = print(t, true);
		if (!strstr(page, "pids limit") != !cases[i].fact || (cases[i].fact && !strstr(page, cases[i].fact)))
			fail_msg("%zu: %s", i, page);
		end(t);
	}
}

/* Only where it says something of the run. */
static void the_charge_of_a_cgroup(void **state)
{
	static const struct {
		uint64_t charge, limit, processes;
		const char *fact;
	} cases[] = {
		{800 * MiB, 0, 9, NULL},
		{800 * MiB, 0, 1, "  cgroup        800 MiB  charged (4.0 MiB page cache): /jobs/7\n"},
		{20 * MiB, 0, 9, "  cgroup         20 MiB  charged (4.0 MiB page cache); 8 others in it: /jobs/7\n"},
		{800 * MiB, 900 * MiB, 2,
		 "  cgroup        800 MiB  charged of at most 900 MiB (4.0 MiB page cache); 1 oth" TEXT_ELLIPSIS "\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);
		const char *page;

		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 5 * MiB);
		TOTAL_READ(.at = 2 * S, .pid = 10, .processes = 1, .read = 1, .bytes = cases[i].charge,
			   .cgroup = "/jobs/7", .memory_limit = cases[i].limit, .held = cases[i].processes,
			   .cache = 4 * MiB);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 5 * MiB);
		page = print(t, true);
		if (!strstr(page, "  cgroup ") != !cases[i].fact || (cases[i].fact && !strstr(page, cases[i].fact)))
			fail_msg("%zu: %s", i, page);
		end(t);
	}
}

/* By samples, where a time limit was up before a verdict was due; not of what a script stops that has failed for itself. */
static void what_those_waited_for_that_were_ended(void **state)
{
	static const struct {
		const char *exe, *args, *call;
		uint64_t cpu;
		const char *shown;
	} cases[] = {
		{"/usr/bin/timeout", "timeout|4|tool|", "flock", 1 * MS,
		 "\n            timed out\n            meanwhile tool waited for a file lock (flock)\n"},
		{"/usr/bin/timeout", "timeout|4|tool|", "flock", 3 * S, NULL},
		{"/usr/bin/timeout", "timeout|4|tool|", "wait4", 1 * MS, NULL},
		{"/bin/sh", "sh|p.sh|", "accept", 1 * MS, NULL},
		{"/usr/bin/python3", "python3|p.py|", "accept", 1 * MS, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 15);
		const char *page;

		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = cases[i].args);
		FORK(.at = 1 * S, .pid = 11, .parent = 10, .comm = "x");
		EXEC(.at = 1 * S, .pid = 11, .parent = 10, .exe = "/bin/tool", .args = "tool|");
		CPU_SAMPLED(.at = 2 * S, .pid = 11, .cpu = 1 * MS, .state = 'S', .syscall = cases[i].call);
		END(.at = 5 * S, .pid = 11, .parent = 10, .signal = 15, .sent_by = 10, .comm = "x", .cpu = cases[i].cpu,
		    .bytes = 1);
		END(.at = 5 * S, .pid = 10, .code = 124, .cpu = 1, .bytes = 1);
		page = print(t, true);
		if (!strstr(page, "meanwhile") != !cases[i].shown || (cases[i].shown && !strstr(page, cases[i].shown)))
			fail_msg("%zu: %s", i, page);
		end(t);
	}
}

/* A server did not come up before a script gave up: grep -q, which the rules say answers, stands for what asks. */
static void what_was_asked_again_and_again(void **state)
{
	static const struct {
		int codes[3];
		const char *args;
		bool shown;
	} cases[] = {
		{{1, 1, 1}, "grep|-q|up|log|", true},
		{{1, 1, 0}, "grep|-q|up|log|", false},
		{{1, 0, 0}, "grep|-q|up|log|", false},
		{{0, 0, 0}, "grep|-q|up|log|", false},
		{{1, 1, 1}, NULL, false}, /* each of something else */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);
		const char *page;

		EXEC(.at = 1 * S, .pid = 10, .exe = "./start.sh", .args = "bash|./start.sh|");
		for (uint32_t k = 0; k < 3; k++) {
			static const char *const others[] = {"grep|-q|a|log|", "grep|-q|b|log|", "grep|-q|c|log|"};
			const char *args = cases[i].args ? cases[i].args : others[k];

			FORK(.at = (2 + k) * S, .pid = 11 + k, .parent = 10, .comm = "bash");
			EXEC(.at = (2 + k) * S, .pid = 11 + k, .parent = 10, .exe = "/usr/bin/grep", .args = args);
			END(.at = (2 + k) * S + MS, .pid = 11 + k, .parent = 10, .code = cases[i].codes[k], .cpu = 1,
			    .bytes = 1);
		}
		FORK(.at = 6 * S, .pid = 20, .parent = 10, .comm = "bash");
		EXEC(.at = 6 * S, .pid = 20, .parent = 10, .exe = "/usr/bin/sleep", .args = "sleep|1|");
		END(.at = 7 * S, .pid = 20, .parent = 10, .cpu = 1, .bytes = 1);
		END(.at = 8 * S, .pid = 10, .code = 5, .cpu = 1, .bytes = 1);
		page = print(t, true);
		if (!strstr(page, "before it 3 times exit 1 grep -q up log, which counts as an answer") !=
		    !cases[i].shown)
			fail_msg("%zu: %s", i, page);
		if (!cases[i].shown)
			assert_has_not(page, "before it");
		end(t);
	}
}

/* A script goes on beside its server, which has failed, and then fails by another command. */
static void what_failed_before(void **state)
{
	static const struct {
		uint64_t began_ns; /* the next command */
		bool shown;
	} cases[] = {{3 * S, true}, {5 * S, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);
		const char *page;

		EXEC(.at = 1 * S, .pid = 10, .exe = "./start.sh", .args = "bash|./start.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S, .pid = 11, .parent = 10, .exe = "/usr/bin/server", .args = "server|-p|1|");
		FORK(.at = cases[i].began_ns, .pid = 12, .parent = 10, .comm = "bash");
		EXEC(.at = cases[i].began_ns, .pid = 12, .parent = 10, .exe = "/usr/bin/sleep", .args = "sleep|9|");
		END(.at = 4 * S, .pid = 11, .parent = 10, .code = 3, .cpu = 1, .bytes = 1);
		END(.at = 9 * S, .pid = 12, .parent = 10, .cpu = 1, .bytes = 1);
		FORK(.at = 9 * S, .pid = 13, .parent = 10, .comm = "bash");
		EXEC(.at = 9 * S, .pid = 13, .parent = 10, .exe = "/usr/bin/client", .args = "client|x|");
		END(.at = 10 * S, .pid = 13, .parent = 10, .code = 7, .cpu = 1, .bytes = 1);
		END(.at = 10 * S, .pid = 10, .code = 7, .cpu = 1, .bytes = 1);
		page = print(t, true);
		assert_has(page, "Cause\n  exit 7  client x\n");
		if (!strstr(page, "before it exit 3 server -p 1 at +3.0 s") != !cases[i].shown)
			fail_msg("%zu: %s", i, page);
		end(t);
	}
}

/* `tool 2>&1 | tee log`: how to have its last lines, once, if it may have written any. */
static void a_cause_without_last_lines(void **state)
{
	static const struct {
		int status;
		uint64_t written;
		bool hint;
	} cases[] = {{2, 30, true}, {2, 0, false}, {-11, 30, false}, {0, 30, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t io[MADE_IO] = {0, cases[i].written};
		struct page_test *t = begin_with(NULL, 15);
		const char *page, *said;

		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		program(2 * S, 11, "/bin/tool", "tool|", cases[i].status);
		IO_CLOSED(.at = 3 * S, .pid = 11, .io = io);
		END(.at = 4 * S, .pid = 10, .code = cases[i].status ? 2 : 0, .cpu = 1, .bytes = 1);
		page = print(t, true);
		said = strstr(page, BY_WRITES);
		if (!said != !cases[i].hint || (said && strstr(said + 4, BY_WRITES)))
			fail_msg("%zu: %s", i, page);
		end(t);
	}
}

/* subprocess.run(["nosuch"]) in Python: its fork ends with 255, and a shell's that does so is another thing. */
static void a_fork_that_may_have_executed_nothing(void **state)
{
	static const struct {
		const char *exe, *args;
		bool hint;
		const char *const *lacks;
	} cases[] = {{"/usr/bin/python3", "python3|p.py|", true, without_execs},
		     {"/usr/bin/python3", "python3|p.py|", false, NULL},
		     {"/bin/bash", "bash|p.sh|", false, without_execs}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t;
		const char *page;

		sink_lacks = cases[i].lacks;
		t = begin_with(NULL, 7);
		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = cases[i].args);
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "x");
		END(.at = 3 * S, .pid = 11, .code = 255, .cpu = 1, .bytes = 1);
		END(.at = 4 * S, .pid = 10, .code = 1, .cpu = 1, .bytes = 1);
		page = print(t, true);
		if (!strstr(page, "  255 of a fork: often its program could not be executed;") != !cases[i].hint)
			fail_msg("%zu: %s", i, page);
		end(t);
	}
	sink_lacks = NULL;
}

/* tool 2>/dev/null: no option has them. */
static void a_cause_that_was_silenced(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/tool", .args = "tool|", .stderr_is = "type=null|device=5|inode=4|");
	END(.at = 3 * S, .pid = 11, .code = 2, .cpu = 1, .bytes = 1);
	END(.at = 4 * S, .pid = 10, .code = 2, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, TO_NULL);
	assert_has_not(page, BY_WRITES);
	end(t);
}

/* Not a word of what is short, or a small part of the run. */
static void what_goes_on_after_the_command(void **state)
{
	static const struct {
		uint64_t from, until;
		const char *wall;
	} cases[] = {
		{2 * S, 8 * S, "  wall            7.0 s  3.0 s of it after the command's end: sleep 6\n"},
		{2 * S, 5090 * MS, "  wall            4.1 s\n"},
		{4990 * MS, 5080 * MS, "  wall            4.1 s\n"},
		{2 * S, 4 * S, "  wall            4.0 s\n"},
	};
	struct page_test *t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		t = begin_with(NULL, 7);
		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		FORK(.at = cases[i].from, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = cases[i].from, .pid = 11, .exe = "/bin/sleep", .args = "sleep|6|");
		if (cases[i].until < 5 * S)
			END(.at = cases[i].until, .pid = 11, .cpu = 1, .bytes = 1);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
		if (cases[i].until > 5 * S)
			END(.at = cases[i].until, .pid = 11, .cpu = 1, .bytes = 1);
		assert_has(print(t, true), cases[i].wall);
		end(t);
	}
	/* What still runs goes on the longest. */
	t = begin_with(NULL, 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t pid = 11; pid < 14; pid++) {
		FORK(.at = pid == 12 ? 2 * S : 5100 * MS, .pid = pid, .parent = 10, .comm = "bash");
		EXEC(.at = pid == 12 ? 2 * S : 5100 * MS, .pid = pid, .exe = "/bin/tool",
		     .args = pid == 12 ? "writer|" : "sleep|1|");
	}
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
	END(.at = 8 * S, .pid = 11, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "  wall            7.0 s  3.0 s of it after the command's end: writer\n");
	end(t);
}

/* A script that an answer has ended: the page has only what was not meant, the others the query. */
static void a_suspicion_is_on_no_page(void **state)
{
	struct page_test *t;
	const char *page;

	(void)state;
	for (int sure = 0; sure < 2; sure++) {
		t = begin_with(NULL, 7);
		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/sh", .args = "sh|step.sh|");
		FORK(.at = 2 * S, .pid = 12, .parent = 11, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 12, .exe = "/bin/grep", .args = "grep|-q|x|");
		END(.at = 3 * S, .pid = 12, .code = 1, .cpu = 1, .bytes = 1);
		END(.at = 3 * S, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
		if (sure)
			program(4 * S, 13, "/bin/sh", "sh|step.sh|", 1);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
		page = print(t, true);
		assert_has(page, sure ? "exit 0  but 1 failure is hidden\n" : "verdict        exit 0\n");
		assert_has(page, sure ? "4 programs executed, 1 failed\n" : "3 programs executed\n");
		if (sure)
			assert_has(page, "Failed (1)\n  exit 1  sh step.sh\n          HIDDEN  pid 13 at ");
		else
			assert_has_not(page, "ailed");
		end(t);
	}
}

/* #!/usr/bin/env nosuchpython */
static void a_script_whose_interpreter_is_missing(void **state)
{
	struct page_test *t = begin_with(NULL, 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "./a.py", .args = "/usr/bin/env|nosuchpython|./a.py|");
	END(.at = 3 * S, .pid = 11, .code = 127, .cpu = 1, .bytes = 1);
	END(.at = 4 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "\n            command not found\n");
	end(t);
}

static struct page_test *ended_by_oom(uint64_t bytes)
{
	struct page_test *t = begin_with(NULL, 7);

	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/cc1plus", .args = "cc1plus|");
	OOM_KILL(.at = 3 * S, .pid = 11, .bytes = bytes, .peak = 119 * MiB, .cgroup = "/jobs/7");
	END(.at = 3 * S, .pid = 11, .signal = 9, .sender = "memory_limit", .signal_code = "SI_KERNEL", .cpu = 1,
	    .bytes = 1);
	END(.at = 4 * S, .pid = 10, .code = 137, .cpu = 1, .bytes = 1);
	return t;
}

/* The cause has the limit that ended it. */
static void an_oom_that_ends_the_run(void **state)
{
	struct page_test *t = ended_by_oom(119 * MiB);

	(void)state;
	assert_has(print(t, true), "\n            limit 120 MiB, usage 120 MiB, its own 119 MiB, cgroup /jobs/7\n"
				   "            largest others: ");
	end(t);

	/* the second one of its kind */
	t = begin_with(NULL, 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t i = 0; i < 2; i++) {
		FORK(.at = (2 + i) * S, .pid = 11 + i, .parent = 10, .comm = "bash");
		EXEC(.at = (2 + i) * S, .pid = 11 + i, .exe = "/bin/cc1plus", .args = "cc1plus|");
		OOM_KILL(.at = (3 + i) * S, .pid = 11 + i, .bytes = MiB, .peak = (119 + i) * MiB, .cgroup = "/jobs/7");
		END(.at = (3 + i) * S, .pid = 11 + i, .signal = 9, .sender = "memory_limit", .cpu = 1, .bytes = 1);
	}
	END(.at = 5 * S, .pid = 10, .code = 137, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "\n            limit 121 MiB, usage 121 MiB, its own 1.0 MiB, cgroup /jobs/7\n");
	end(t);

	/* what has filled it is in no process: a tmpfs */
	t = ended_by_oom(3 * MiB);
	assert_has(print(t, true), "\n            limit 120 MiB, usage 120 MiB, its own 3.0 MiB, cgroup /jobs/7\n"
				   "            largest others: no sample; 117 MiB in no process: tmpfs, page cache\n");
	end(t);
}

/* Rows of one command that different processes have ended are two kinds of failure. */
static void the_sender_of_a_signal_is_named(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	for (uint32_t pid = 11; pid < 14; pid++) {
		FORK(.at = 2 * S, .pid = pid, .parent = 10, .comm = "bash");
		EXEC(.at = 3 * S, .pid = pid, .exe = "/opt/tool", .args = "tool|");
	}
	END(.at = 4 * S, .pid = 11, .signal = 9, .sent_by = 8, .comm = "earlyoom", .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 12, .signal = 9, .sent_by = 12, .comm = "tool", .cpu = 1, .bytes = 1);
	END(.at = 6 * S, .pid = 13, .signal = 9, .sent_by = 10, .comm = "bash", .cpu = 1, .bytes = 1);
	END(.at = 7 * S, .pid = 10, .code = 1, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "Other failures (1)\n");
	assert_has(page, "           sent by earlyoom (pid 8), outside of the run: limit of memory\n");
	assert_has(page, "           sent by itself\n");
	end(t);
}

static void what_an_exec_replaced_says_by_what(void **state)
{
	struct page_test *t = begin_with("top=1", 7);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/nice", .args = "nice|/opt/tool|");
	EXEC(.at = 4 * S, .pid = 11, .exe = "/opt/tool", .args = "/opt/tool|");
	END(.at = 4500 * MS, .pid = 11, .cpu = 50 * MS, .bytes = 2 * MiB);
	END(.at = 5 * S, .pid = 10, .cpu = 150 * MS, .bytes = 4 * MiB);
	assert_has(print(t, true), "  nice /opt/tool  (replaced by tool)\n");
	end(t);
}

static void what_is_missing_is_explained(void **state)
{
	struct page_test *t = begin_with(NULL, 1U << LIFECYCLE);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	EXIT(.at = 5 * S, .pid = 10);
	page = print(t, true);
	assert_has(page, "        -      -    4.0 s        -         1  pipeline.sh\n");
	assert_has(page, "- CPU time not known for 1 of 1: its probe was switched off\n");
	end(t);

	t = begin_with(NULL, 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 300 * MiB);
	END(.at = 5 * S, .pid = 10, .cpu = 4 * MS, .bytes = EVENT_NULL(EVENT_REASON_BOUND));
	page = print(t, true);
	assert_has(page, "\xe2\x89\xa5"
			 "300 MiB  largest process");
	assert_has(page, "\xe2\x89\xa5 peak memory not known for 1 of 1: only a bound is known\n");
	end(t);
}

/* Samples miss what is gone between two of them; the kernel's own peak of one process does not. */
static void what_one_process_held_all_held(void **state)
{
	static const struct {
		uint64_t sampled, peak;
		const char *line;
	} cases[] = {
		{3 * MiB, 605 * MiB,
		 "               \xe2\x89\xa5"
		 "605 MiB  all at once: the largest alone; sampled: 5.0 MiB\n"},
		{300 * MiB, 301 * MiB, "                302 MiB  at most at once, sampled; at least 301 MiB\n"},
		{300 * MiB, 100 * MiB, "                302 MiB  at most at once, sampled; at least 300 MiB\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct page_test *t = begin_with(NULL, 7);

		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 2 * S, .pid = 11, .exe = "/usr/bin/perl", .args = "perl|x|");
		MEM_SAMPLED(.at = 3 * S, .pid = 10, .bytes = 2 * MiB);
		MEM_SAMPLED(.at = 3 * S, .pid = 11, .bytes = cases[i].sampled);
		END(.at = 4 * S, .pid = 11, .cpu = 1, .bytes = cases[i].peak);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 2 * MiB);
		assert_has(print(t, true), cases[i].line);
		end(t);
	}
}

/* The same of a step's tasks, in the report's tables. */
static void what_one_process_held_its_task_held(void **state)
{
	struct totals_groups steps = {0};
	const struct model_task task = {.step = "a", .peak_rss_bytes = 605 * MiB, .rss_peak_bytes = 3 * MiB};
	const struct model_task other = {.step = "a", .peak_rss_bytes = 2 * MiB, .rss_peak_bytes = 3 * MiB};
	const struct totals_group *step;
	struct hash_node **list;

	(void)state;
	assert_int_equal(totals__task(&steps, &other), 0);
	list = hash__sorted(&steps.hash, NULL);
	assert_non_null(list);
	step = totals_group__of(list[0]);
	assert_int_equal(step->together, 3 * MiB);
	assert_int_equal(totals__task(&steps, &task), 0);
	assert_int_equal(step->together, 605 * MiB);
	free(list);
	totals_groups__free(&steps);
}

static void losses_are_never_hidden(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	LOST(.at = 3 * S, .stream = LIFECYCLE, .count = 1000, .since = 2 * S, .cause = "ring_full");
	LOST(.at = 4 * S, .stream = LIFECYCLE, .count = 234, .since = 3 * S, .cause = "ring_full");
	LOST(.at = 4 * S, .stream = CPU, .count = EVENT_NULL(EVENT_REASON_NONE), .since = 3 * S, .cause = "truncated");
	LOST(.at = 4 * S, .stream = MEM, .count = 123456789012345, .since = 3 * S, .cause = "ring_full");
	page = print(t, false);
	assert_has(page, "lifecycle: 1,234 records lost between +1.0 s and +3.0 s: the ring was full\n");
	assert_has(page, "  mem: 123,456,789,012,345 records lost between +2.0 s and +3.0 s: the ring was\n    full\n");
	assert_has(page, "cpu: an unknown number of records lost between +2.0 s and +3.0 s");
	assert_has(page, "mem: has no end");
	assert_has_not(page, "cpu: has no end");
	assert_has(page, "1 whose end was not seen");
	end(t);
}

static void who_still_runs_is_listed(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/usr/bin/agent", .args = "agent|-d|");
	END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "\nStill running at the end\n");
	assert_has(page, "       11  agent -d\n");
	end(t);
}

/* Nothing is lost: the wall time is until now, and programs run since their begin. */
static void a_run_that_goes_on(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 3 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 3 * S, .pid = 11, .parent = 10, .exe = "/usr/bin/agent", .args = "agent|-d|");
	page = print_as(t, STREAM_RUNNING, 13 * S);
	assert_has(page, "  wall           12.0 s  so far\n");
	assert_has(page, "  processes           2  2 programs executed, 2 still running\n");
	assert_has(page, "  state         running  for 12.0 s, 2 processes\n");
	assert_has_not(page, "verdict");
	assert_has(page, "\nRunning now\n     wall      CPU     peak     since      pid  command\n"
			 "   10.0 s        -        -    +2.0 s       11  agent -d\n");
	assert_has_not(page, "The record is not complete");
	assert_has_not(page, "incomplete");
	assert_has_not(page, "at the end");
	end(t);
}

/* The account of a process is closed some time after its exit. */
static void accounts_that_are_still_to_come(void **state)
{
	for (int running = 0; running < 2; running++) {
		struct page_test *t = begin_with(NULL, 7);
		const char *page;

		(void)state;
		EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
		FORK(.at = 3 * S, .pid = 11, .parent = 10, .comm = "bash");
		EXEC(.at = 3 * S, .pid = 11, .parent = 10, .exe = "/bin/true", .args = "true|");
		EXIT(.at = 4 * S, .pid = 11, .parent = 10);
		page = print_as(t, running ? STREAM_RUNNING : STREAM_ENDED, 13 * S);
		assert_int_equal(!strstr(page, "the end of 1 process is missing, which other streams have"), running);
		end(t);
	}
}

/* Once, for all streams. */
static void a_collector_that_was_killed(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	FORK(.at = 3 * S, .pid = 11, .parent = 10, .comm = "bash");
	LOST(.at = 3 * S, .stream = LIFECYCLE, .count = EVENT_NULL(EVENT_REASON_NONE), .since = 3 * S,
	     .cause = "truncated");
	LOST(.at = 3 * S, .stream = CPU, .count = 7, .since = 2 * S, .cause = "ring_full");
	page = print_as(t, STREAM_CRASHED, 0);
	assert_has(page, "  state         crashed  the collector was killed, or could not write\n");
	assert_has(page, "\n  record       incomplete  what it lacks is at the end\n");
	assert_has(page, "\nThe record is not complete\n"
			 "  the collector was killed, or could not write: its record ends at +2.0 s\n"
			 "  cpu: 7 records lost between +1.0 s and +2.0 s: the ring was full\n");
	assert_has_not(page, "has no end");
	assert_has_not(page, "unknown number");
	assert_has_not(page, "still running");
	end(t);

	t = begin_with(NULL, 7);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|./pipeline.sh|");
	LOST(.at = 3 * S, .stream = CPU, .count = 7, .since = 2 * S, .cause = "disk_full");
	page = print_as(t, STREAM_CRASHED, 0);
	assert_has(page, "  state         crashed  the disk was full\n");
	assert_has(page, "\n  the disk was full: its record ends at +");
	end(t);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	static const char evil[] = "x\x1b]0;owned\x07\xff"
				   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|"
				   "\xe2\x80\xae"
				   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb|";
	struct page_test *t = begin_with(NULL, 7);
	size_t columns = 0;
	bool copied = false;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/e\x1bvil", .args = evil);
	for (uint32_t i = 0; i < 8; i++)
		program((2 + i) * S, 11 + i, "/bin/e\x1bvil", evil, (int)i);
	LOST(.at = 3 * S, .stream = LIFECYCLE, .count = 1000, .since = 2 * S,
	     .cause = "e\x1bvil evil evil evil evil evil");
	END(.at = 20 * S, .pid = 10, .cpu = 1, .bytes = 1);
	for (const char *c = print(t, false); *c; c++) {
		assert_true(*c == '\n' || !((unsigned char)*c < 0x20 || *c == 0x7f));
		if (*c == '\n')
			columns = 0, copied = false;
		else if ((*c & 0xc0) != 0x80)
			assert_true(++columns <= 80 || copied);
		copied = copied || !strncmp(c, "its command: ", strlen("its command: "));
	}
	end(t);
}

/* The number by which every table, query and verdict has it; that in its namespace is an addition. Nothing of it is cut. */
static void a_process_has_the_pid_of_the_host(void **state)
{
	struct page_test *t = begin_with("top=2", 7);
	const char *page;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/runc", .args = "runc|run|c|");
	for (uint32_t i = 0; i < 4; i++) {
		FORK(.at = 2 * S, .pid = 11001 + i, .parent = 10, .ns_pid = 1 + i, .comm = "runc");
		EXEC(.at = 2 * S, .pid = 11001 + i, .exe = "/bin/a-tool-of-the-step", .args = "a-tool-of-the-step|");
		END(.at = (3 + i) * S, .pid = 11001 + i, .code = i == 1 ? 9 : 0, .cpu = 1, .bytes = 9 * MiB);
	}
	END(.at = 9 * S, .pid = 10, .code = 9, .cpu = 1, .bytes = 1);
	page = print(t, true);
	assert_has(page, "pid 11002 (2 in its namespace) at +3.0 s, after 2.0 s");
	assert_has(page, "run again: cd / && runc run c\n");
	assert_has(page, "    4.0 s     0 us  9.0 MiB    11004  a-tool-of-the-step\n");
	end(t);
}

static void each_run_has_its_block(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	struct made other;
	const char *page;

	(void)state;
	made__init(&other, "r2", take, t);
	for (uint32_t i = 0; i < STREAMS; i++) {
		other.info[i].index = STREAMS + i;
		assert_int_equal(collector_sink->stream(t->sink, &other.info[i]), 0);
	}
	/* The same pid and start in both. */
	EXEC(.of = &t->made, .at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	EXEC(.of = &other, .at = 1 * S, .pid = 10, .exe = "/bin/b", .args = "b|");
	END(.of = &t->made, .at = 2 * S, .pid = 10, .cpu = 1, .bytes = 1);
	END(.of = &other, .at = 2 * S, .pid = 10, .code = 5, .cpu = 1, .bytes = 1);
	assert_int_equal(other.err, 0);
	page = print(t, true);
	assert_has(page, "variant-calling  r1  on");
	assert_has(page, "variant-calling  r2  on");
	assert_has(page, "  exit 5  b\n");
	made__free(&other);
	end(t);
}

static void an_empty_run_says_so(void **state)
{
	struct page_test *t = begin_with(NULL, 7);

	(void)state;
	assert_has(print(t, true), "no records\n");
	end(t);
}

static void distinct_commands_are_capped(void **state)
{
	struct page_test *t = begin_with(NULL, 7);
	char name[32];

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "./pipeline.sh", .args = "bash|");
	for (uint32_t i = 0; i < 10100; i++) {
		snprintf(name, sizeof(name), "/bin/c%u", i);
		program(2 * S + i * MS, 11 + i, name, "c|", 0);
	}
	END(.at = 30 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_has(print(t, true), "(other)");
	end(t);
}

static const struct {
	const char *text;
	size_t most;
	const char *shown;
} said_pages[] = {
	{"one\n", 5, "  | one\n"},
	{"one", 5, "  | one\n"},
	{"\n\none\n\n\ntwo\n\n", 5, "  | one\n  | two\n"},
	{"1\n2\n3\n4\n5\n6\n7\n", 5, "  | 3\n  | 4\n  | 5\n  | 6\n  | 7\n"},
	{"1\n2\n3\n", 1, "  | 3\n"},
	{" 1%\r 2%\r 3%\nthe end\r\n", 5, "  |  3%\n  | the end\n"},
	{"a\x1b[2J\x07\xff\xc3\n", 5, "  | a\\x07\\xff\\xc3\n"},
	{"a very long line that does not fit by any means, as it goes on and on\n", 5,
	 "  | a very long line " TEXT_ELLIPSIS " it goes on and on\n"},
	{"writing to /scratch/a/very/long/path: No space left\n", 5,
	 "  | writing to /scrat" TEXT_ELLIPSIS "ath: No space left\n"},
	{"\xc3\xa4\xc3\xb6\xc3\xbc\n", 5, "  | \xc3\xa4\xc3\xb6\xc3\xbc\n"},
	{"", 5, NULL},
	{"\n\r\n", 5, NULL},
	{NULL, 5, NULL},
};

static void lines_are_shown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(said_pages) / sizeof(said_pages[0]); i++) {
		struct run run = {0};
		const struct tally tally = {.run = {.run = &run.pub}};
		struct text text = {0};
		const struct record record = {.pid = 3, .start = 7};
		const char *words = said_pages[i].text;
		struct value null = {.type = VALUE_NULL, .reason = EVENT_REASON_GONE};
		struct value value = {.type = VALUE_STRING, .string = words, .length = words ? strlen(words) : 0};
		const struct feed feed = {
			.run = &run, .record = &record, .field = {words ? &value : &null, &null, &null}};
		struct page page = {.text = &text, .tally = &tally, .columns = 40};

		assert_int_equal(said__take(&feed), 0);
		page__said(&page, (struct tally_process){.pid = 3, .start = 7}, "tool", 2, said_pages[i].most);
		if (said_pages[i].shown && (!text.data || strcmp(text.data, said_pages[i].shown) != 0))
			fail_msg("\"%s\": \"%s\"", said_pages[i].text, text.data ? text.data : "");
		if (!said_pages[i].shown)
			assert_int_equal(text.size, 0);
		text__free(&text);
		said__free_all(&run);
	}
}

static void has_written(struct run *run, uint32_t pid, const char *words)
{
	const struct record record = {.pid = pid, .start = 7};
	struct value null = {.type = VALUE_NULL, .reason = EVENT_REASON_GONE};
	struct value value = {.type = VALUE_STRING, .string = words, .length = strlen(words)};
	const struct feed feed = {.run = run, .record = &record, .field = {&value, &null, &null}};

	assert_int_equal(said__take(&feed), 0);
}

/* Its words are shown, but for those of what is below it in the same file. Rows come in any order. */
static void what_passed_a_failure_on_has_words_of_its_own(void **state)
{
	static const char *const words[] = {"bad magic\n", "bad magic\n", "bad magic\nERROR: no align\n",
					    "bad magic\nERROR: no align\n", "x\ny\nno samples\n"};
	static const uint32_t order[] = {3, 1, 4, 2};
	struct model_ending endings[5] = {{.row.pid = 1, .row.start = 7}};
	struct run run = {0};
	struct tally tally = {.run = {.run = &run.pub}};
	struct tally_failure kind = {.row = {.pid = 1, .start = 7, .exit_code = 1, .outcome = MODEL_FAILED}};
	struct story_passer passers[STORY_PASSERS];

	(void)state;
	for (uint32_t i = 0; i < 5; i++)
		has_written(&run, i + 1, words[i]);
	for (uint32_t i = 1; i < 5; i++)
		endings[i].cause = &endings[i - 1];
	for (uint32_t i = 0; i < 4; i++) {
		struct model_row row = kind.row;

		row.pid = order[i] + 1;
		row.ending = &endings[order[i]];
		assert_int_equal(tally__passed(&tally, &row), 0);
	}
	assert_int_equal(story__passers(&tally, &kind, passers), 2);
	assert_int_equal(passers[0].row->pid, 3);
	assert_int_equal(passers[0].count, 1);
	assert_memory_equal(passers[0].lines[0].at, "ERROR: no align\n", passers[0].lines[0].length + 1);
	assert_int_equal(passers[1].row->pid, 5);
	assert_int_equal(passers[1].count, 2);
	assert_memory_equal(passers[1].lines[1].at, "no samples\n", passers[1].lines[1].length + 1);
	kind.row.pid = 2;
	assert_int_equal(story__passers(&tally, &kind, passers), 0);
	hash__free_all(&tally.passers, offsetof(struct tally_passer, node));
	said__free_all(&run);
}

/* Above the cause: an error of its own, no echo of that, no progress. */
static void what_passed_the_cause_on_has_an_error_of_its_own(void **state)
{
	static const struct {
		const char *words, *shown; /* NULL: nothing */
	} cases[] = {
		{"WARN\nrun.sh: line 5: UNDEFD: unbound variable\n", "run.sh: line 5: UNDEFD: unbound variable"},
		{"Traceback\n  File \"x\"\nValueError: no column\n", "ValueError: no column"},
		{"WARN\nERROR: only 50 genes\n", "ERROR: only 50 genes"},
		{"tool: error: cannot open x\n", NULL},
		{"+ tool x\n", NULL},
		{"run.sh: line 4: 17 Killed tool x\n", NULL},
		{"make: *** [Makefile:3: all] Error 1\n", NULL},
		{"subprocess.CalledProcessError: Command 'x' returned non-zero exit status 1.\n", NULL},
		{"Error in rule sort:\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model_ending origin = {.row = {.pid = 1, .start = 7}};
		struct model_ending above = {.row = {.pid = 2, .start = 7}, .cause = &origin};
		struct run run = {.pub.ending = &above};
		struct tally tally = {.run = {.run = &run.pub}};
		struct story_line line;
		bool found;

		has_written(&run, 1, "reading\ntool: error: cannot open x\n");
		has_written(&run, 2, cases[i].words);
		found = story__own_line(&tally, &above, &line);
		if (found != (cases[i].shown != NULL))
			fail_msg("%s", cases[i].words);
		if (found) {
			assert_int_equal(line.length, strlen(cases[i].shown));
			assert_memory_equal(line.at, cases[i].shown, line.length);
		}
		assert_false(story__own_line(&tally, &origin, &line));
		said__free_all(&run);
	}
}

#define NOT_KNOWN EVENT_NULL(MODEL_REASON_OFF)

/* A file has grown by 12 bytes while process 3 had it open as its standard error. */
static const struct {
	uint64_t own, below; /* bytes that it wrote, and its child */
	uint64_t signal;
	const char *shown;
	const char *words;	  /* NULL: "theirs" */
	bool in_chain, beside[2]; /* of the run's end; whether something ran beside the first of that, beside itself */
} shared_files[] = {
	{12, 0, 0, .shown = "  its standard error: /w/log\n  | theirs\n"},
	{0, 12, 0, .shown = "  its standard error: /w/log\n  | theirs\n"},
	{5, 2, 0, .shown = "  others write to this file, too: /w/log\n  | theirs\n"},
	{0, 0, 0, .shown = NULL},
	{0, 0, 9, .shown = "  others write to this file, too: /w/log\n  | theirs\n"}, /* what it started may live on */
	{NOT_KNOWN, 0, 0, .shown = "  others may write to this file, too: /w/log\n  | theirs\n"},
	{12, NOT_KNOWN, 0, .shown = "  others may write to this file, too: /w/log\n  | theirs\n"},
	/* it was alone, or its lines name it */
	{NOT_KNOWN, 0, 0, "  its standard error: /w/log\n  | theirs\n", .in_chain = true},
	{NOT_KNOWN, 0, 0, "  others may write to this file, too: /w/log\n  | theirs\n", .in_chain = true,
	 .beside = {1}},
	{NOT_KNOWN, 0, 0, "  others may write to this file, too: /w/log\n  | theirs\n", .in_chain = true,
	 .beside = {0, 1}},
	{NOT_KNOWN, 0, 0, "  its standard error: /w/log\n  | /bin/tool: no x\n", "/bin/tool: no x\n", .in_chain = true,
	 .beside = {0, 1}},
	{NOT_KNOWN, 0, 0, "  its standard error: /w/log\n  | tool: no x\n", .words = "tool: no x\n"},
	{NOT_KNOWN, 0, 0, "  others may write to this file, too: /w/log\n  | the tool failed\n",
	 .words = "the tool failed\n"},
	{5, 2, 0, "  others write to this file, too: /w/log\n  | tool: no x\n", .words = "tool: no x\n"},
};

static void lines_of_a_file_may_be_of_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shared_files) / sizeof(shared_files[0]); i++) {
		struct model_ending own = {.row = {.pid = 3, .start = 7}, .beside = shared_files[i].beside[1]};
		struct model_ending first = {.row.pid = 2, .cause = &own, .beside = shared_files[i].beside[0]};
		struct run run = {.pub.ending = shared_files[i].in_chain ? &first : NULL};
		struct tally tally = {.run = {.run = &run.pub}};
		const struct record record = {.pid = 3, .start = 7};
		const char *words = shared_files[i].words ? shared_files[i].words : "theirs\n";
		const struct value text = {.type = VALUE_STRING, .string = words, .length = strlen(words)};
		const struct value cut = {.type = VALUE_UINT, .u = 5};
		const struct value path = {.type = VALUE_STRING, .string = "/w/log", .length = 6};
		const struct feed feed = {.run = &run, .record = &record, .field = {&text, &cut, &path}};
		struct model_row child = {.pid = 4, .start = 8, .ppid = 3, .parent_start = 7, .outcome = MODEL_OK};
		struct model_row row = {
			.pid = 3, .start = 7, .signal = shared_files[i].signal, .outcome = MODEL_FAILED};
		struct text shown = {0};
		struct page page = {.text = &shown, .tally = &tally, .columns = 60};

		child.io[MODEL_IO_WRITE_CHARS] = shared_files[i].below;
		row.io[MODEL_IO_WRITE_CHARS] = shared_files[i].own;
		assert_int_equal(wrote__process(&tally.wrote, &child), 0);
		assert_int_equal(wrote__process(&tally.wrote, &row), 0);
		assert_int_equal(said__take(&feed), 0);
		page__said(&page, (struct tally_process){.pid = 3, .start = 7}, "tool", 2, 5);
		if (!shared_files[i].shown)
			assert_int_equal(shown.size, 0);
		else
			assert_string_equal(shown.data, shared_files[i].shown);
		text__free(&shown);
		wrote__free(&tally.wrote);
		said__free_all(&run);
	}
}

/* Of a chain of three, 1 to 3 from the run's first process down, of which the last says nothing: whose lines are shown. */
static const struct {
	uint64_t wrote[2]; /* bytes; the lines are 12 of each */
	uint32_t speaker;
} speakers[] = {
	{{12, 12}, 2}, {{12, NOT_KNOWN}, 1}, /* those of 2 may be of another job */
	{{12, 5}, 2},  {{NOT_KNOWN, NOT_KNOWN}, 2}, {{NOT_KNOWN, 12}, 2},
};

static void whose_lines_say_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(speakers) / sizeof(speakers[0]); i++) {
		struct model_ending endings[3] = {{.row = {.pid = 1, .start = 7}},
						  {.row = {.pid = 2, .start = 7}},
						  {.row = {.pid = 3, .start = 7}}};
		struct run run = {.pub.ending = &endings[0]};
		struct tally tally = {.run = {.run = &run.pub}};
		const struct value text = {.type = VALUE_STRING, .string = "theirs\n", .length = 7};
		const struct value cut = {.type = VALUE_UINT, .u = 5};
		const struct value path = {.type = VALUE_STRING, .string = "/w/log", .length = 6};

		for (uint32_t k = 0; k < 2; k++) {
			const struct record record = {.pid = k + 1, .start = 7};
			const struct feed feed = {.run = &run, .record = &record, .field = {&text, &cut, &path}};
			struct model_row row = {.pid = k + 1, .start = 7, .outcome = MODEL_FAILED};

			row.io[MODEL_IO_WRITE_CHARS] = speakers[i].wrote[k];
			row.parent_start = EVENT_NULL(MODEL_REASON_ABSENT);
			endings[k].cause = &endings[k + 1];
			assert_int_equal(wrote__process(&tally.wrote, &row), 0);
			assert_int_equal(said__take(&feed), 0);
		}
		if (story__speaker(&tally, &endings[2])->row.pid != speakers[i].speaker)
			fail_msg("case %zu", i);
		wrote__free(&tally.wrote);
		said__free_all(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_two_or_three_digits),
		cmocka_unit_test(bytes_and_counts),
		cmocka_unit_test(strangers_text_cannot_reach_the_terminal),
		cmocka_unit_test(text_is_cut_by_columns),
		cmocka_unit_test(commands_are_shown_as_a_shell_takes_them),
		cmocka_unit_test(steps_are_shown_as_their_engine_does),
		cmocka_unit_test(a_short_run_is_a_short_page),
		cmocka_unit_test(a_hang_comes_before_what_ended_it),
		cmocka_unit_test(a_crash_after_a_loop_is_no_end_of_a_hang),
		cmocka_unit_test(the_rarest_failures_come_first_alike_ones_together),
		cmocka_unit_test(steps_are_summed_up_and_named_with_failures),
		cmocka_unit_test(a_run_that_fails_hides_nothing),
		cmocka_unit_test(what_the_cause_has_is_not_counted_twice),
		cmocka_unit_test(what_failed_alike_is_named),
		cmocka_unit_test(failures_of_two_tasks_are_two),
		cmocka_unit_test(a_job_within_a_rule_names_the_rule),
		cmocka_unit_test(what_a_ctrl_c_has_ended),
		cmocka_unit_test(long_commands_are_wrapped_and_whole),
		cmocka_unit_test(what_is_run_again_is_what_was_run),
		cmocka_unit_test(a_part_is_run_again_by_its_driver),
		cmocka_unit_test(an_engines_own_log_is_named),
		cmocka_unit_test(a_script_is_run_again_where_it_has_become_the_program),
		cmocka_unit_test(a_long_argument_is_shown_by_its_ends),
		cmocka_unit_test(a_failure_that_was_retried_with_success),
		cmocka_unit_test(what_was_retried_at_once),
		cmocka_unit_test(what_is_left_of_a_kind),
		cmocka_unit_test(tasks_that_were_ignored),
		cmocka_unit_test(a_program_that_could_not_be_executed_is_named),
		cmocka_unit_test(what_explains_a_failure_is_whole),
		cmocka_unit_test(a_hidden_failure_of_tests_has_its_cause),
		cmocka_unit_test(a_command_that_nothing_names),
		cmocka_unit_test(a_command_that_its_arguments_name),
		cmocka_unit_test(what_a_hidden_failure_became),
		cmocka_unit_test(what_passed_a_failure_on_has_words_of_its_own),
		cmocka_unit_test(what_passed_the_cause_on_has_an_error_of_its_own),
		cmocka_unit_test(forks_that_a_limit_refused),
		cmocka_unit_test(the_charge_of_a_cgroup),
		cmocka_unit_test(what_those_waited_for_that_were_ended),
		cmocka_unit_test(what_was_asked_again_and_again),
		cmocka_unit_test(what_failed_before),
		cmocka_unit_test(a_cause_without_last_lines),
		cmocka_unit_test(a_cause_that_was_silenced),
		cmocka_unit_test(a_fork_that_may_have_executed_nothing),
		cmocka_unit_test(what_goes_on_after_the_command),
		cmocka_unit_test(a_suspicion_is_on_no_page),
		cmocka_unit_test(a_script_whose_interpreter_is_missing),
		cmocka_unit_test(an_oom_that_ends_the_run),
		cmocka_unit_test(the_sender_of_a_signal_is_named),
		cmocka_unit_test(what_an_exec_replaced_says_by_what),
		cmocka_unit_test(what_is_missing_is_explained),
		cmocka_unit_test(what_one_process_held_all_held),
		cmocka_unit_test(what_one_process_held_its_task_held),
		cmocka_unit_test(losses_are_never_hidden),
		cmocka_unit_test(who_still_runs_is_listed),
		cmocka_unit_test(a_run_that_goes_on),
		cmocka_unit_test(accounts_that_are_still_to_come),
		cmocka_unit_test(a_collector_that_was_killed),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(a_process_has_the_pid_of_the_host),
		cmocka_unit_test(each_run_has_its_block),
		cmocka_unit_test(an_empty_run_says_so),
		cmocka_unit_test(lines_are_shown),
		cmocka_unit_test(lines_of_a_file_may_be_of_others),
		cmocka_unit_test(whose_lines_say_most),
		cmocka_unit_test(distinct_commands_are_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
