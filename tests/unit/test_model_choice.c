/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: which of several children's failures a process has passed on. */
#include "tests/unit/model_seen.h"

/* A run, told in a few words: at which millisecond what happens to which process. The first one is 10.
 *
 *	1 +11 grep x, 2 +12<11, 5 =12 wc -l 2>/dev/null, 8 -12, 9 -11 3, 10 -10 -9 12
 *
 * 11 is forked and executes grep, 12 is forked by 11 and later executes wc, whose errors go to /dev/null; 12 ends with 0, 11 with
 * 3, and 10 by the signal 9 of 12. */
struct story {
	const char *name, *program, *text;
	const char *chain; /* the pids from the run's first process down to what began its failure */
};

static void executes(uint64_t at, uint32_t pid, char *words)
{
	char exe[64], args[128] = "", *null = strstr(words, " 2>/dev/null"), *rest;

	if (null)
		*null = '\0';
	snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(words, " "), words);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		snprintf(args + strlen(args), sizeof(args) - strlen(args), "%s|", word);
	EXEC(.at = at, .pid = pid, .exe = exe, .args = args,
	     .stderr_is = null ? "type=null|device=5|inode=5|" : "type=pipe|device=5|inode=null|");
}

static void happens(char *event)
{
	uint32_t pid, by = 0;
	unsigned long at;
	uint32_t parent = 10;
	int words = 0, status = 0;
	char what;

	assert_int_equal(sscanf(event, "%lu %c%u%n<%u%n", &at, &what, &pid, &words, &parent, &words) >= 3, 1);
	if (what == '-') {
		sscanf(event + words, "%d %u", &status, &by);
		END(.at = at * MS, .pid = pid, STATUS(status), .sent_by = by, .comm = "x", .cpu = 1, .bytes = 1);
		return;
	}
	if (what == '+')
		FORK(.at = at * MS, .pid = pid, .parent = parent, .comm = "sh");
	if (event[words])
		executes(at * MS, pid, event + words + 1);
}

static void chain_of(const struct seen *s, char *chain, size_t size)
{
	*chain = '\0';
	for (const struct model_ending *e = model__run(s->model, 0)->ending; e; e = e->cause)
		snprintf(chain + strlen(chain), size - strlen(chain), "%s%u", *chain ? " " : "", e->row.pid);
}

static void assert_story(const struct story *story)
{
	struct seen *s = begin(NULL, ALL);
	char program[64], text[512], chain[64], *rest;

	snprintf(program, sizeof(program), "%s", story->program);
	snprintf(text, sizeof(text), "%s", story->text);
	executes(MS / 2, 10, program);
	for (char *event = strtok_r(text, ",", &rest); event; event = strtok_r(NULL, ",", &rest))
		happens(event);
	assert_int_equal(model__finish(s->model), 0);
	chain_of(s, chain, sizeof(chain));
	if (strcmp(chain, story->chain))
		fail_msg("%s: %s", story->name, chain);
	end(s);
}

#define assert_stories(stories)                                           \
	for (size_t i = 0; i < sizeof(stories) / sizeof(*(stories)); i++) \
	assert_story(&(stories)[i])

/* grep x f | sort | uniq with pipefail: the others may execute, and even be forked, only after the answer. */
static void an_answer_in_a_pipe(void **state)
{
	static const struct story stories[] = {
		{"forked before, executes later", "bash x", "1 +11 grep x f, 2 +12, 3 -11 1, 5 =12 wc, 9 -12, 10 -10 1",
		 "10 11"},
		{"forked later, all at once", "bash x",
		 "1 +11 grep x f, 3 -11 1, 4 +12 sort, 5 +13 uniq, 8 -13, 9 -12, 10 -10 1", "10 11"},
		{"one after the other", "bash x",
		 "1 +11 grep x f, 3 -11 1, 4 +12 sort, 5 -12, 6 +13 uniq, 8 -13, 9 -10 1", "10"},
		{"a status of its own", "bash x", "1 +11 grep x f, 3 -11 1, 4 +12 sort, 5 -12, 6 -10 2", "10"},
		{"long after", "bash x", "1 +11 grep x f, 3 -11 1, 4 +12 sort, 2000 -12, 2001 -10 1", "10"},
		{"a condition", "bash x", "1 +11 grep -q x f, 3 -11 1, 4 +12 sort, 5 -12, 6 -10 1", "10"},
		{"a silent question", "bash x", "1 +11 ls x 2>/dev/null, 3 -11 2, 4 +12 sort, 5 -12, 6 -10 2", "10"},
		{"what looks around", "python3 x.py", "1 +11 grep x f, 3 -11 1, 4 +12 sort, 5 -12, 6 -10 1", "10"},
	};

	(void)state;
	assert_stories(stories);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_in_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
