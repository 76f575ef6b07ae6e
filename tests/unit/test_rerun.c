/* SPDX-License-Identifier: BSD-2-Clause */
/* What is to be run again for a failure: it, or what ran it as another user or elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/model/process.h"
#include "sinks/totals/story.h"

#define STEPS 3

/* From the run's first process to what failed. */
struct step {
	const char *asked, *args; /* each item is ended by '|'; asked: NULL: args */
	const char *cwd;	  /* NULL: "/w" */
	uint64_t uid;
	uint32_t ns_pid; /* 0: the pid */
	bool forked;
};

static const struct {
	struct step steps[STEPS];
	const char *again;
} cases[] = {
	{{{.args = "sh|x|"}, {.args = "tool|a b|"}}, "cd /w && tool 'a b'"},
	/* another user; on the way to what failed, the last one that is not */
	{{{.args = "sh|x|"}, {.args = "sudo|-u|nobody|cat|s|"}, {.args = "cat|s|", .uid = 65534}},
	 "cd /w && sudo -u nobody cat s"},
	{{{.args = "sh|x|"}, {.args = "su|nobody|"}, {.args = "cat|s|", .uid = 65534, .cwd = "/gone (deleted)"}},
	 "cd /w && su nobody"},
	{{{.args = "sh|x|"}, {.asked = "setpriv|--reuid|9|cat|s|", .args = "cat|s|", .uid = 9}},
	 "cd /w && setpriv --reuid 9 cat s"},
	{{{.args = "sh|x|", .uid = 9}, {.args = "cat|s|", .uid = 9}}, "cd /w && cat s"},
	/* of a run that is elsewhere as a whole */
	{{{.args = "sh|x|", .ns_pid = 7}, {.args = "cat|s|", .ns_pid = 8}}, "cd /w && cat s"},
	/* a PID namespace, a root, a subshell */
	{{{.args = "runc|run|c|"}, {.args = "sh|-c|bwa|", .cwd = "/", .ns_pid = 1}}, "cd /w && runc run c"},
	{{{.args = "runc|run|c|"}, {.args = "sh|-c|bwa|", .ns_pid = 1}, {.args = "tail|", .ns_pid = 6}},
	 "cd /w && runc run c"},
	{{{.args = "sh|x|"},
	  {.asked = "chroot|/r|sh|-c|x|", .args = "sh|-c|x|", .cwd = "/"},
	  {.args = "tool|", .cwd = "/"}},
	 "cd /w && chroot /r sh -c x"},
	{{{.args = "sh|x|"}, {.args = "unshare|-m|sh|", .forked = true}, {.args = "tool|"}}, "cd /w && tool"},
	/* what only became it: its options are needed, its name alone is not */
	{{{.args = "sh|x|"}, {.asked = "prlimit|--as=1|tool|a|", .args = "tool|a|"}}, "cd /w && prlimit --as=1 tool a"},
	{{{.args = "sh|x|"}, {.asked = "env|tool|a|", .args = "tool|a|"}}, "cd /w && tool a"},
	{{{.args = "sh|x|"}, {.asked = "sh|-c|exec tool a|", .args = "tool|a|"}}, "cd /w && tool a"},
	{{{.args = "sh|x|"}, {.asked = "start|-x|atool|a|", .args = "tool|a|"}}, "cd /w && tool a"},
	/* nothing that could be */
	{{{.args = "sh|x|"}, {.args = "tool|", .cwd = "/w/t (deleted)"}}, NULL},
	{{{.args = "sh|x|"}, {.args = "sh|x|", .forked = true}}, NULL},
};

static struct model_list list_of(char bytes[256], const char *items)
{
	size_t n = items ? strlen(items) : 0;

	for (size_t i = 0; i < n; i++)
		bytes[i] = items[i] == '|' ? '\0' : items[i];
	return (struct model_list){.data = n ? bytes : NULL, .length = (uint32_t)n, .count = 1};
}

static struct model_command command_of(char bytes[256], const struct step *step, const char *items, uint64_t uid)
{
	const char *cwd = step->cwd && items == step->args ? step->cwd : "/w";
	struct model_command command = {.args = list_of(bytes, items), .uid = uid};

	command.exe = (struct model_text){.data = command.args.data, .length = (uint32_t)strlen(command.args.data)};
	command.cwd = (struct model_text){.data = cwd, .length = (uint32_t)strlen(cwd)};
	return command;
}

static void what_is_to_be_run_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run run = {0};
		struct model_ending endings[STEPS];
		struct model_command commands[STEPS], asked[STEPS];
		char bytes[2][STEPS][256];
		struct text text = {0};
		uint32_t n = 0;

		memset(endings, 0, sizeof(endings));
		for (; n < STEPS && cases[i].steps[n].args; n++) {
			const struct step *step = &cases[i].steps[n];

			commands[n] = command_of(bytes[0][n], step, step->args, step->uid);
			asked[n] = command_of(bytes[1][n], step, step->asked ? step->asked : step->args,
					      step->asked ? 0 : step->uid);
			endings[n].row = (struct model_row){.run = &run.pub,
							    .pid = 10 + n,
							    .start = 10 + n,
							    .ns_pid = step->ns_pid ? step->ns_pid : 10 + n,
							    .forked = step->forked};
			endings[n].command = &commands[n];
			endings[n].asked = step->asked ? &asked[n] : step->forked ? NULL : &commands[n];
			if (n)
				endings[n - 1].cause = &endings[n];
		}
		run.pub.ending = endings;
		story__again(&text, &endings[n - 1]);
		if (cases[i].again)
			assert_string_equal(text.data, cases[i].again);
		else
			assert_int_equal(text.size, 0);
		text__free(&text);
	}
}

static void has_written(struct run *run, uint32_t pid, const char *words)
{
	const struct record record = {.pid = pid, .start = pid};
	struct value null = {.type = VALUE_NULL, .reason = EVENT_REASON_GONE};
	struct value value = {.type = VALUE_STRING, .string = words, .length = strlen(words)};
	const struct feed feed = {.run = run, .record = &record, .field = {&value, &null, &null}};

	assert_int_equal(said__take(&feed), 0);
}

#define JSON "{\"message\":\"mismatched types\"}\n{\"message\":\"1 error\"}\n"

/* What a compiler writes for its driver is not for people; what anything else writes may be all that there is. */
static void whose_words_are_shown(void **state)
{
	static const struct {
		const char *driver, *part, *words, *says;
		bool by_driver;
	} speakers[] = {
		{"cargo|build|", "rustc|a.rs|", JSON, "error[E0308]: mismatched types\n", true},
		{"cargo|build|", "rustc|a.rs|", "rest\"}\n" JSON, "error\n", true},
		{"cargo|build|", "rustc|a.rs|", "error: mismatched types\n", "error\n", false},
		{"cargo|build|", "rustc|a.rs|", JSON "killed\n", "error\n", false},
		{"cargo|build|", "rustc|a.rs|", JSON, "", false},
		{"make|", "server|", JSON, "make: *** [all] Error 1\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(speakers) / sizeof(*speakers); i++) {
		char bytes[2][256];
		struct step driver = {.args = speakers[i].driver}, part = {.args = speakers[i].part};
		struct model_command commands[] = {command_of(bytes[0], &driver, driver.args, 0),
						   command_of(bytes[1], &part, part.args, 0)};
		struct run run = {0};
		struct tally tally = {.run = {.run = &run.pub}};
		struct model_ending began = {.row = {.run = &run.pub, .pid = 4, .start = 4}, .command = &commands[1]};
		struct model_ending above = {
			.row = {.run = &run.pub, .pid = 3, .start = 3}, .command = &commands[0], .cause = &began};

		run.pub.ending = &above;
		has_written(&run, 3, speakers[i].says);
		has_written(&run, 4, speakers[i].words);
		assert_ptr_equal(story__speaker(&tally, &began), speakers[i].by_driver ? &above : &began);
		said__free_all(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_to_be_run_again),
					   cmocka_unit_test(whose_words_are_shown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
