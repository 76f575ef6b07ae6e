/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: which of several children's failures a process has passed on. */
#include "tests/unit/model_seen.h"

/* A run, told in a few words: at which millisecond what happens to which process. The first one is 10.
 *
 *	1 +11 grep x, 2 +12<11, 5 =12 wc -l 2>/dev/null, 8 -12, 9 -11 3, 9 "11 no such file, 10 -10 -9 12
 *
 * 11 is forked and executes grep, 12 is forked by 11 and later executes wc, whose errors go to /dev/null; 12 ends with 0, 11 with
 * 3 and these last words, and 10 by the signal 9 of 12.
 *
 *	1 +11 a |7, 2 +12 b 7|8, 3 +13, 4 |13 8|, 5 -13 127
 *
 * 11 writes to a pipe that 12 reads, which writes to another one, and so 13 reads that, as it fails. */
struct story {
	const char *name, *program, *text;
	const char *
		chain; /* the pids from the run's first process down to what began its failure, and what is before that */
};

/* Takes the pipes off the end of the words. */
static void pipes_of(char *words, uint32_t *in, uint32_t *out)
{
	char *at = strrchr(words, ' ');

	at = at && at[1 + strspn(at + 1, "0123456789|")] == '\0' && strchr(at, '|') ? at : NULL;
	*in = *out = 0;
	if (at && sscanf(at, " |%u", out) != 1)
		assert_int_equal(sscanf(at, " %u|%u", in, out) >= 1, 1);
	if (at)
		*at = '\0';
}

static void executes(uint64_t at, uint32_t pid, char *words)
{
	char exe[64], args[128] = "", *null = strstr(words, " 2>/dev/null"), *rest;
	uint32_t in, out;

	if (null)
		*null = '\0';
	pipes_of(words, &in, &out);
	snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(words, " "), words);
	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		snprintf(args + strlen(args), sizeof(args) - strlen(args), "%s|", word);
	EXEC(.at = at, .pid = pid, .exe = exe, .args = args, .in = in, .out = out,
	     .stderr_is = null ? "type=null|device=5|inode=5|" : "type=pipe|device=5|inode=null|");
}

static void says(struct seen *s, uint32_t pid, const char *words)
{
	const struct record record = {.pid = pid, .start = s->made.starts[pid]};
	const struct value text = {.type = VALUE_STRING, .string = words, .length = strlen(words)}, none = {0};
	const struct feed feed = {s->model, s->model->runs[0], &record, MODEL_SOURCES, {&text, &none, &none}, NULL};

	assert_int_equal(said__take(&feed), 0);
}

static void happens(struct seen *s, char *event)
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
	if (what == '|') {
		uint32_t in, out;

		pipes_of(event + words, &in, &out);
		FAILURE(.at = at * MS, .pid = pid, .in = in, .out = out);
		return;
	}
	if (what == '"') {
		says(s, pid, event + words + 1);
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
	for (const struct model_ending *e = model__run(s->model, 0)->ending; e; e = e->cause)
		if (e->before)
			snprintf(chain + strlen(chain), size - strlen(chain), " after %u", e->before->row.pid);
}

static void assert_story(const struct story *story)
{
	struct seen *s = begin(NULL, ALL);
	char program[64], text[512], chain[64], *rest;

	snprintf(program, sizeof(program), "%s", story->program);
	snprintf(text, sizeof(text), "%s", story->text);
	executes(MS / 2, 10, program);
	for (char *event = strtok_r(text, ",", &rest); event; event = strtok_r(NULL, ",", &rest))
		happens(s, event);
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

/* a | b, where both fail: the first, unless it only lost its reader. */
static void a_pipe_of_which_two_fail(void **state)
{
	static const struct story stories[] = {
		{"at once", "bash x", "1 +11 a, 2 +12, 3 -11 127, 4 =12 b, 6 -12 1, 7 -10 1", "10 11"},
		{"forked later", "bash x", "1 +11 a |7, 3 -11 3, 4 +12 b 7|, 6 -12 4, 7 -10 4", "10 11"},
		{"forked later, what could not be executed", "bash x",
		 "1 +11, 2 |11 |7, 3 -11 127, 4 +12 b 7|, 6 -12 4, 7 -10 4", "10 11"},
		{"forked later, in a script without a word", "bash x",
		 "1 +11 a |7 2>/dev/null, 3 -11 127, 4 +12 b 7|, 6 -12 4, 7 -10 4", "10 11"},
		{"forked later, of three", "bash x",
		 "1 +11 a |7, 3 -11 3, 4 +12 b 7|8, 6 -12 3, 7 +13 c 8|, 8 -13 4, 9 -10 4", "10 11"},
		{"the reader first", "bash x", "1 +11 a, 1 +12 b, 4 -12 3, 5 -11 1, 6 -10 1", "10 12"},
		{"a writer that lost its reader", "bash x",
		 "1 +11 yes, 1 +12 head, 1 +13 grep x, 3 -12, 4 -11 -13, 5 -13 1, 6 -10 1", "10 13"},
		{"an answer of what got nothing", "bash x", "1 +11 a |7, 3 -11 3, 4 +12 grep x 7|, 5 -12 1, 6 -10 1",
		 "10 11"},
	};

	(void)state;
	assert_stories(stories);
}

/* a || { handler; exit 1; }, and traps. */
static void a_handler_that_fails(void **state)
{
	static const struct story stories[] = {
		{"of its own status", "bash x", "1 +11 a, 3 -11 5, 4 +12 rm t, 5 -12 1, 6 -10 1", "10 11"},
		{"of the same status", "bash x", "1 +11 a, 3 -11 1, 4 +12 umount t, 5 -12 1, 6 -10 1", "10 11"},
		{"not found", "bash x", "1 +11 a, 3 -11 5, 4 +12, 5 -12 127, 6 +13 date, 7 -13, 8 -10 99", "10 11"},
		{"of the handler's status", "bash x",
		 "1 +11 a, 3 -11 5, 4 +12 umount x 2>/dev/null, 5 -12 32, 6 -10 32", "10 11"},
		{"an answer", "bash x", "1 +11 a, 3 -11 3, 4 +12 rm x 2>/dev/null, 5 -12 1, 6 -10 1", "10 11"},
		{"tests, counted", "bash x", "1 +11 t 1, 2 -11, 3 +12 t 2, 4 -12 1, 5 +13 t 3, 6 -13 1, 7 -10 1",
		 "10 12"},
		{"one of many, whose status it is", "bash x",
		 "1 +11 a, 2 -11 1, 3 +12 b, 4 -12 2, 5 +13 c, 6 -13 3, 7 +14 d, 8 -14 4, 9 -10 4", "10 14 after 11"},
		{"the last of many, with a status of its own", "bash x",
		 "1 +11 a, 2 -11 1, 3 +12 b, 4 -12 2, 5 +13 c, 6 -13 3, 7 +14 d, 8 -14 4, 9 -10 9", "10 14 after 11"},
		{"something between", "bash x", "1 +11 a, 3 -11 3, 4 +12 c, 5 -12, 6 +13 b, 7 -13 4, 8 -10 4", "10 13"},
		{"a silent question before", "bash x",
		 "1 +11 umount x 2>/dev/null, 3 -11 32, 4 +12 b, 5 -12 5, 6 -10 1", "10 12"},
		{"a silent look for a tool before", "bash x",
		 "1 +11 a 2>/dev/null, 3 -11 127, 4 +12 b, 5 -12 5, 6 -10 1", "10 12"},
		{"an answer before", "bash x", "1 +11 grep x, 3 -11 1, 4 +12 b, 5 -12 5, 6 -10 1", "10 12"},
		{"commands, the last of which has the status", "bash x",
		 "1 +11 a, 3 -11 4, 203 +12 b, 205 -12 3, 206 -10 3", "10 12 after 11"},
		{"long before", "bash x", "1 +11 a, 3 -11 3, 2000 +12 b, 2001 -12 5, 2002 -10 1", "10 12"},
		{"attempts", "bash x", "1 +11 a 1, 3 -11 3, 4 +12 a 1, 5 -12 3, 6 +13 rm t, 7 -13 5, 8 -10 1", "10 12"},
		{"no shell", "python3 x.py", "1 +11 a, 3 -11 3, 4 +12 b, 5 -12 5, 6 -10 5", "10 12"},
	};

	(void)state;
	assert_stories(stories);
}

/* a || echo no a; b, which ends the script; and a, then b, which reads what a was to make. */
static void a_failure_after_one_that_was_handled(void **state)
{
	static const struct story stories[] = {
		{"of another status", "bash x", "1 +11 a x.bed, 3 -11 1, 4 +12 b y.bam, 5 -12 3, 6 -10 3",
		 "10 12 after 11"},
		{"of the same status", "bash x", "1 +11 a x.bed, 3 -11 1, 4 +12 b y.bam, 5 -12 1, 6 -10 1",
		 "10 12 after 11"},
		{"what could not be executed", "bash x", "1 +11 a, 3 -11 1, 4 +12, 5 -12 127, 6 -10 127",
		 "10 12 after 11"},
		{"a crash", "bash x", "1 +11 a, 3 -11 1, 4 +12 b, 5 -12 -11 12, 6 -10 139", "10 12 after 11"},
		{"for long", "bash x", "1 +11 a, 3 -11 1, 4 +12 b, 4000 -12 1, 4001 -10 1", "10 12 after 11"},
		{"two of them", "bash x", "1 +11 a, 2 -11 1, 3 +12 b, 4 -12 1, 5 +13 c, 6 -13 1, 7 -10 1",
		 "10 13 after 11"},
		{"its file", "bash x", "1 +11 a -o ./x.bam, 3 -11 3, 4 +12 b x.bam, 5 -12 1, 6 -10 1", "10 11"},
		{"its file, by an option", "bash x", "1 +11 a --out=x.bam, 3 -11 3, 4 +12 b x.bam, 5 -12 1, 6 -10 1",
		 "10 11"},
		{"its file, later", "bash x",
		 "1 +11 a x.bam, 3 -11 3, 4 +12 date, 5 -12, 1500 +13 b x.bam, 1505 -13 1, 1506 -10 1", "10 11"},
		{"a script that goes on", "bash x",
		 "1 +11 a, 2 -11 1, 3 +12 b x.bam, 4 -12 1, 5 +13 c x.bam, 6 -13 1, 7 -10 1", "10 11"},
		{"the same archive", "bash x",
		 "1 +11 java -jar p.jar a, 3 -11 1, 4 +12 java -jar p.jar b, 5 -12 1, 6 -10 1", "10 12 after 11"},
		{"another command of its tool", "bash x",
		 "1 +11 a view x.vcf, 3 -11 1, 4 +12 a index y.vcf, 5 -12 1, 6 -10 1", "10 12 after 11"},
		{"of the same kind, by a code of its own", "bash x",
		 "1 +11 a view x.vcf, 3 -11 255, 4 +12 a view y.vcf, 5 -12 255, 6 -10 255", "10 12 after 11"},
		{"its own, which it says", "bash x.sh",
		 "1 +11 a, 3 -11 1, 4 +12 b, 5 -12, 6 -10 1, 6 \"10 x.sh: line 4: SAMPLE: unbound variable", "10"},
		{"not its own", "bash x.sh", "1 +11 a, 3 -11 1, 4 +12 b, 5 -12, 6 -10 1, 6 \"10 no more samples",
		 "10 11"},
		{"an exception of another program", "python3 x.py", "1 +11 a, 3 -11 1, 4 +12 b, 5 -12 255, 6 -10 1",
		 "10 12"},
	};

	(void)state;
	assert_stories(stories);
}

/* The first in time, unless the runner went on after it as if it were none. */
static void of_several_below_a_runner(void **state)
{
	static const char text[] = "1 +11 a, 3 -11 3, 4 +12 b, 5 -12 5, 6 -10 2",
			  together[] = "1 +11 a, 1 +12 b, 3 -11 3, 5 -12 5, 6 -10 2";
	static const struct story stories[] = {
		{"asked to go on", "make -k", text, "10 11"},
		{"among other options", "make -skj2 all", text, "10 11"},
		{"by its long name", "snakemake --cores 1 --keep-going", text, "10 11"},
		{"an option's value", "make -Ckit all", text, "10 12"},
		{"a line that begins with a -", "make", text, "10 12"},
		{"beside each other", "make -j2", together, "10 11"},
		{"before the engine looks", "java -cp x nextflow.cli.Launcher run x",
		 "1 +11 a, 3 -11 3, 4 +12 b, 500 -12 5, 600 -10 1", "10 11"},
		{"one that the engine ignores", "java -cp x nextflow.cli.Launcher run x",
		 "1 +11 a, 3 -11 3, 2000 +12 b, 2001 -12 5, 2002 -10 1", "10 12"},
		{"asked to end from outside", "snakemake", "1 +11 a, 3 -11 3, 4 +12 b, 500 -12 -15 10, 600 -10 1 9",
		 "10"},
		{"asked with its jobs", "snakemake", "1 +11 a, 3 -11 3, 4 +12 b, 500 -12 -2 9, 600 -10 1 9", "10 12"},
		{"asked by what started it", "snakemake", "1 +11 a, 3 -11 3, 4 -10 1 10", "10 11"},
		{"an answer before", "make -k", "1 +11 grep x, 3 -11 1, 4 +12 b, 5 -12 5, 6 -10 2", "10 12"},
		{"one that is done again", "make -k", "1 +11 a, 3 -11 3, 4 +12 b, 5 -12 5, 6 +13 a, 7 -13, 8 -10 2",
		 "10 12"},
	};

	(void)state;
	assert_stories(stories);
}

/* for i in 1 2 3; do ask && break; sleep 1; done; echo "not up"; exit 1 */
static void what_was_waited_for(void **state)
{
	static const char asks[] = "1 +11 server, 2 +12 ask, 3 -11 3, 4 -12 1, 5 +13 sleep, 6 -13, 7 +14 ask, 8 -14 1, "
				   "9 +15 sleep, 10 -15, 11 -10 1";
	static const struct story stories[] = {
		{"a server that failed", "bash x", asks, "10 11"},
		{"asked by what answers", "bash x",
		 "1 +11 server, 2 +12 grep x, 3 -11 3, 4 -12 1, 5 +13 sleep, 6 -13, 7 +14 grep x, 8 -14 1, "
		 "9 +15 sleep, 10 -15, 11 -10 1",
		 "10 11"},
		{"without a wait at the end", "bash x",
		 "1 +11 server, 2 +12 ask, 3 -11 3, 4 -12 1, 5 +13 sleep, 6 -13, 7 +14 ask, 8 -14 1, 11 -10 1",
		 "10 11"},
		{"no server", "bash x",
		 "1 +11 ask, 2 -11 7, 3 +12 sleep, 4 -12, 5 +13 ask, 6 -13 7, 7 +14 sleep, 8 -14, 9 -10 1", "10 13"},
		{"no server, by what answers", "bash x",
		 "1 +11 grep x, 2 -11 1, 3 +12 sleep, 4 -12, 5 +13 grep x, 6 -13 1, 7 +14 sleep, 8 -14, 9 -10 1", "10"},
		{"a server that was not looked at", "bash x",
		 "1 +11 server, 2 +12 a, 3 -11 3, 4 -12, 305 +13 ask, 306 -13 1, 307 -10 1", "10 13 after 11"},
		{"a failure that was waited for", "bash x",
		 "1 +11 tool, 2 -11 3, 3 +12 ask, 4 -12 7, 5 +13 sleep, 6 -13, 7 +14 ask, 8 -14 7, 9 -10 7", "10 14"},
		{"a server that was stopped", "bash x",
		 "1 +11 server, 2 +12 ask, 3 -12 1, 4 +13 sleep, 5 -13, 6 +14 ask, 7 -14 1, 8 -11 143, 9 -10 1",
		 "10 14"},
		{"no shell", "python3 x.py", asks, "10 14"},
	};

	(void)state;
	assert_stories(stories);
}

/* By a sibling, or by the parent itself, which passes the status on: that says of what the run died. */
static void a_child_that_is_meant_to_be_killed(void **state)
{
	static const struct story stories[] = {
		{"by a watchdog", "bash x.sh",
		 "1 +11 tool, 2 +12 bash watchdog.sh, 3 -11 -9 12, 3 -12, 4 -10 137, "
		 "4 \"10 x.sh: line 4: 11 Killed tool",
		 "10 11"},
		{"by its parent", "python3 x.py", "1 +11 tool, 3 -11 -9 10, 4 -10 137", "10 11"},
		{"with SIGTERM", "python3 x.py", "1 +11 tool, 3 -11 -15 10, 4 -10 143", "10 11"},
		{"another status", "python3 x.py", "1 +11 tool, 3 -11 -9 10, 4 -10 1", "10"},
		{"and more done since", "python3 x.py", "1 +11 tool, 3 -11 -9 10, 4 +12 a, 5 -12, 6 -10 137", "10"},
		{"long ago", "python3 x.py", "1 +11 tool, 3 -11 -9 10, 2000 -10 137", "10"},
		{"the parent was asked to end", "python3 x.py", "1 +11 tool, 3 -11 -15 10, 4 -10 143 12", "10"},
		{"an answer, and a message", "bash x.sh",
		 "1 +11 grep x, 3 -11 1, 4 -10 1, 4 \"10 x.sh: line 4: cd: /x: No such file or directory", "10"},
	};

	(void)state;
	assert_stories(stories);
}

/* kill 0, also in a trap, in whatever order those of the group exit. */
static void what_ends_its_group(void **state)
{
	static const struct story stories[] = {
		{"the child exits first", "bash x", "1 +11 sleep, 3 -11 -15 10, 4 -10 -15 10", "10"},
		{"itself exits first", "bash x", "1 +11 sleep, 3 -10 -15 10, 4 -11 -15 10", "10"},
		{"after a failure", "bash x", "1 +11 sleep, 2 +12 tool, 3 -12 3, 4 -11 -15 10, 5 -10 -15 10", "10 12"},
		{"after a failure, itself first", "bash x",
		 "1 +11 sleep, 2 +12 tool, 3 -12 3, 4 -10 -15 10, 5 -11 -15 10", "10 12"},
		{"long after a failure", "bash x", "1 +12 tool, 3 -12 3, 2000 -10 -15 10", "10"},
		{"after a success", "bash x", "1 +12 tool, 3 -12 3, 4 +13 a, 5 -13, 6 -10 -15 10", "10"},
		{"a crash", "bash x", "1 +12 tool, 3 -12 3, 4 -10 -11 10", "10"},
		{"no shell", "python3 x.py", "1 +12 tool, 3 -12 3, 4 -10 -15 10", "10"},
	};

	(void)state;
	assert_stories(stories);
}

/* What tries things out, or runs its tests in itself, says itself what was wrong; what runs tests as programs passes one on. */
static void below_what_runs_tests(void **state)
{
	static const struct {
		const char *program, *chain;
	} drivers[] = {
		{"python3 -m pytest -q", "10"},
		{"python3 /usr/bin/pytest -q", "10"},
		{"python3 -m unittest -q test_a", "10"},
		{"python3 tests/test_all.py", "10"},
		{"cmake -B b .", "10"},
		{"cmake --build b", "10 11"},
		{"meson setup b", "10"},
		{"meson test -C b", "10 11"},
		{"python3 /usr/bin/meson test -C b", "10 11"},
		{"ctest -j2", "10 11"},
		{"node /usr/bin/npm test", "10 11"},
		{"python3 -m tox", "10 11"},
		{"perl /usr/bin/prove t", "10 11"},
		{"sh ./autogen.sh", "10 11"},
		{"perl /usr/bin/autoreconf -fi", "10 11"},
		{"python3 /opt/conda/bin/conda run tool", "10 11"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		assert_story(&(struct story){drivers[i].program, drivers[i].program, "1 +11 tool, 2 -11 1, 3 -10 1",
					     drivers[i].chain});
}

static void a_transfer_of_git(void **state)
{
	static const struct story stories[] = {
		{"a clone", "git clone x",
		 "1 +11 git remote-http origin x, 2 +12<11 git-remote-http x, 3 -12 128, 4 -11 128, 5 -10 128",
		 "10 11 12"},
		{"a question", "bash x",
		 "1 +11 git ls-remote x, 1 +12<11 git remote-http x, 2 -12 128, 3 -11 128, 4 -10 128", "10 11"},
	};

	(void)state;
	assert_stories(stories);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_in_a_pipe),	 cmocka_unit_test(a_pipe_of_which_two_fail),
		cmocka_unit_test(a_handler_that_fails),	 cmocka_unit_test(a_child_that_is_meant_to_be_killed),
		cmocka_unit_test(below_what_runs_tests), cmocka_unit_test(what_ends_its_group),
		cmocka_unit_test(a_transfer_of_git),	 cmocka_unit_test(of_several_below_a_runner),
		cmocka_unit_test(what_was_waited_for),	 cmocka_unit_test(a_failure_after_one_that_was_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
