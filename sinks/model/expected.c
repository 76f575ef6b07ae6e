/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures that their caller may have expected, as scripts do that test whether a tool refuses what is wrong:
 *
 *	if ./tool bad 2>/dev/null; then exit 1; fi
 *	./tool bad 2>err || true; grep -q usage err
 *
 *	out=$(./tool bad 2>&1) || case $out in *usage*) ...
 *
 * It ended at once by an exit code of its own, in no pipe, and its errors went to /dev/null, but not those of its caller; to
 * a file that a program which answers by its exit code has then searched with success, or has for another run of it; or into a
 * pipe that only the shell or script which started it can have read. A script that does not look at what its tools say may do
 * the first, too: that is a doubt, not an excuse. So it is for what had written nothing at all: a tool that fails has words for
 * it, and one that asks has an exit code:
 *
 *	./is_cached b || build b
 *
 * What a program exits with where it could not find out is an answer to many a script: cmp -s new old || cp new old. Rules know
 * which codes are such.
 *
 * And where make goes on, its Makefile says so: the message "[Makefile:3: all] Error 1 (ignored)" is not recorded of a make that
 * ends well.
 *
 * A question does not fail the run, and is suspected at most: a program looks for another one that is not there, and goes on
 * without it; a build script tries out what a compiler can do; tool 2>&1 | grep -i version. */
#include <string.h>

#include "sinks/model/again.h"
#include "sinks/steps/steps.h"

#define AT_ONCE_NS 1000000000ULL
#define SIGNALS 64
#define NO_WORD 1		 /* bytes: what Node starts has written one before its exec */
#define NO 1			 /* what grep, diff and alike answer by */
#define USAGE_CPU_NS 10000000ULL /* that it takes at most to say how it is called */
#define WORD_CPU_NS \
	5000000000ULL	/* the same, where an argument asks for that: of a JVM, or of Python with its modules */
#define USAGE_CHARS 200 /* more than a message: it has said how it is called */

/* Whether an argument is the file, by its path or relative to the folder. */
static bool names_file(const struct model_command *command, const struct model_text *file)
{
	const struct model_text *cwd = &command->cwd;
	const char *arg = command->args.data, *end = arg ? arg + command->args.length : NULL, *below = NULL;

	if (cwd->data && file->length > cwd->length && !memcmp(file->data, cwd->data, cwd->length))
		below = file->data + cwd->length + (file->data[cwd->length] == '/');
	for (; arg && arg < end; arg += strlen(arg) + 1) {
		const char *relative = strncmp(arg, "./", 2) ? arg : arg + 2;

		if (!strcmp(arg, file->data) || (below && !strcmp(relative, below)))
			return true;
	}
	return false;
}

/* By the code with which grep, diff and alike answer. */
static enum steps_exit said(struct model *model, const struct process *p)
{
	struct steps_program program = {.command = p->command,
					.parent = p->parent,
					.comm = p->row.comm,
					.depth = p->above,
					.forked = p->row.forked};

	return model->matcher ? steps_matcher__exit(model->matcher, &program, NO) : STEPS_FAILURE;
}

void expected__searched(struct model *model, const struct brood *brood, const struct process *child)
{
	for (uint32_t i = 0; child->command && !child->row.forked && i < brood->count; i++) {
		struct ending *bad = brood->bad[i];
		const struct model_command *command = bad->pub.command;

		if (!bad->searched && !bad->pub.row.forked && command && command->errors.data &&
		    child->row.start >= bad->pub.row.ended_ns && names_file(child->command, &command->errors))
			bad->searched = said(model, child) == STEPS_ANSWER;
	}
}

const char *model_expected__words(enum model_expected expected)
{
	static const char *const words[] = {
		[MODEL_EXPECTED_SILENCED] = "its errors went to /dev/null",
		[MODEL_EXPECTED_SEARCHED] = "its errors were searched",
		[MODEL_EXPECTED_ALIKE] = "the errors of another run of it were searched, which exited alike",
		[MODEL_EXPECTED_CAPTURED] = "what started it read its errors",
		[MODEL_EXPECTED_STATUS] = "the line of the shell that started it has $?",
		[MODEL_EXPECTED_ANSWER] = "it had written nothing, as what answers by its exit code",
		[MODEL_EXPECTED_UNSEEN] = "its errors went to /dev/null",
		[MODEL_EXPECTED_TESTED] = "it was below what runs tests",
		[MODEL_EXPECTED_DOUBT] = "its exit code may be an answer",
		[MODEL_EXPECTED_RECIPE] = "make went on, as after $(shell) or a recipe's line that begins with -",
		[MODEL_EXPECTED_NOT_EXECUTED] = "what started it got the error of the exec, and went on",
		[MODEL_EXPECTED_LOOKED_FOR] = "it was not found, which was to be seen by its exit code only",
		[MODEL_EXPECTED_ASKED] = "what started it, and exited 0, tries things out",
		[MODEL_EXPECTED_USAGE] = "it was called to say how it is called, or its version",
	};

	return words[expected];
}

static bool is_silenced(const struct process *parent, const struct ending *bad)
{
	return model_ending__is_silent(&bad->pub) && !(parent->command && parent->command->silent);
}

/* Whether the errors of another run of the program were searched that exited alike. Those of both went to files. */
static bool is_searched_for_alike(const struct brood *brood, const struct ending *bad)
{
	const struct model_command *command = bad->pub.command, *other;
	bool found = false;

	for (uint32_t i = 0; command && command->errors.data && i < brood->count; i++) {
		other = brood->bad[i]->searched ? brood->bad[i]->pub.command : NULL;
		found = found ||
			(other && model_row__status(&brood->bad[i]->pub.row) == model_row__status(&bad->pub.row) &&
			 same__program(command, other));
	}
	return found;
}

/* Whether a program leaves its children its own descriptor 2 unless it is asked to read that: not so Node, Java and Tcl. */
static bool reads_on_demand(const struct process *parent)
{
	static const char *const interpreters[] = {"python", "perl", "ruby"};
	const char *called = parent->command && parent->command->args.length ? parent->command->args.data : "";
	const char *name = basename(called);
	bool found = model_command__is_shell(parent->command, parent->row.comm);

	for (size_t i = 0; i < sizeof(interpreters) / sizeof(*interpreters); i++)
		found = found || !strncmp(name, interpreters[i], strlen(interpreters[i]));
	return found;
}

/* What reads what a tool says asks for more than whether it ended well, also if that was a signal. */
static bool is_captured(const struct process *parent, const struct ending *bad)
{
	return reads_on_demand(parent) && again__has_own_pipe(parent, bad);
}

/* ./tool; test $? -eq 3 */
static bool has_line_with_status(const struct process *parent)
{
	const char *line = model_command__shell_line(parent->command, parent->row.comm);

	return line && strstr(line, "$?");
}

/* Not one of a shell's for what it could not execute, or what a signal ended. */
static bool is_code_of_its_own(uint64_t code)
{
	return code != 126 && code != 127 && (code <= 128 || code > 128 + SIGNALS);
}

static enum model_expected seen_of(const struct process *parent, const struct ending *bad)
{
	bool exited = bad->pub.row.outcome == MODEL_FAILED;

	if (exited && is_silenced(parent, bad))
		return MODEL_EXPECTED_SILENCED;
	if (exited && bad->searched)
		return MODEL_EXPECTED_SEARCHED;
	if (exited && is_searched_for_alike(parent->brood, bad))
		return MODEL_EXPECTED_ALIKE;
	if (exited && has_line_with_status(parent))
		return MODEL_EXPECTED_STATUS;
	return is_captured(parent, bad) ? MODEL_EXPECTED_CAPTURED : MODEL_EXPECTED_NOT;
}

/* ---- questions ---- */

/* What hands the error of an exec to its parent, by a pipe, ends with it: Go, and then Python, Perl and Java. */
static bool is_of_runtime(uint64_t code)
{
	return code == 253 || code == 255;
}

/* Node, Rust and Ruby end it as shells do, and as what says by that code itself what it could not execute: xargs, make. */
static bool ends_by_itself(struct model *model, const struct process *parent)
{
	enum steps_exit says = said(model, parent);

	return says == STEPS_WRAPPER || says == STEPS_RUNNER;
}

/* Whether it is known what that was, and it was there, or was to do work. */
static bool was_to_work(const struct model_ending *ending)
{
	return *ending->row.tried_error && (strcmp(ending->row.tried_error, "ENOENT") != 0 || !ending->tried ||
					    !model_command__asks_little(ending->tried));
}

/* Whether it is a fork that was to execute a program and could not, and its parent has the error. */
static bool is_not_executed(struct model *model, const struct process *parent, const struct ending *bad)
{
	const struct model_row *row = &bad->pub.row;

	if (row->outcome != MODEL_FAILED || !bad->alone || row->ended_ns - row->start > AT_ONCE_NS ||
	    was_to_work(&bad->pub))
		return false;
	if (bad->says == STEPS_NOT_EXECUTED)
		return true;
	if (!row->forked || model_command__is_shell(parent->command, parent->row.comm) ||
	    (parent->run->pub.hears_execs && !*row->tried_error))
		return false;
	return is_of_runtime(row->exit_code) || (row->exit_code == 127 && !ends_by_itself(model, parent));
}

/* Not the last thing that a program does which fails: that ends by an exception. */
static bool has_gone_on(const struct process *parent, const struct ending *bad)
{
	return parent->standing == ENDED_OK || bad->followed_ns ||
	       parent->row.ended_ns - bad->pub.row.ended_ns > AT_ONCE_NS;
}

/* Whether it has passed no signal on. */
static bool has_only_exited(const struct model_ending *ending)
{
	while (ending && ending->row.outcome == MODEL_FAILED)
		ending = ending->cause;
	return !ending;
}

static enum model_expected question_of(struct model *model, const struct process *parent, enum steps_exit below,
				       const struct ending *bad)
{
	if (is_not_executed(model, parent, bad) && has_gone_on(parent, bad))
		return MODEL_EXPECTED_NOT_EXECUTED;
	if (model_row__looked_for(&bad->pub.row, bad->pub.command) && is_silenced(parent, bad) &&
	    has_gone_on(parent, bad))
		return MODEL_EXPECTED_LOOKED_FOR;
	if (parent->standing == ENDED_OK && below == STEPS_ASKED && has_only_exited(&bad->pub))
		return MODEL_EXPECTED_ASKED;
	return MODEL_EXPECTED_NOT;
}

/* What a process was called to say, where its words do not go the way of its parent's. */
enum asks {
	ASKS_NOTHING,
	ASKS_BY_WORD, /* by an argument: --version */
	ASKS_HEARD,   /* without arguments: what started it reads what it says of them */
	ASKS_UNHEARD, /* the same, to /dev/null or to a file: it may have been called to work as well */
};

/* A path of the pipeline's own: ./prepare, scripts/prepare.py. */
static bool is_relative(const struct model_command *command)
{
	struct model_list called = model_command__called(command);

	return called.data && *called.data != '/' && strchr(called.data, '/');
}

/* What reads what another one writes has something to do. */
static enum asks asks_of(const struct process *parent, const struct ending *bad)
{
	const struct model_row *row = &bad->pub.row;
	const struct model_command *command = row->forked ? NULL : bad->pub.command;
	bool apart = is_silenced(parent, bad) || again__has_own_errors(parent, bad);

	if (!command || bad->pub.cause || !apart || row->outcome != MODEL_FAILED ||
	    !is_code_of_its_own(row->exit_code) || again__has_beside(parent, bad, row->start))
		return ASKS_NOTHING;
	if (model_command__asks(command))
		return ASKS_BY_WORD;
	if (!bad->alone || !model_command__asks_little(command) || row->ended_ns - row->start > AT_ONCE_NS)
		return ASKS_NOTHING;
	if (again__has_own_pipe(parent, bad))
		return ASKS_HEARD;
	return bad->says == STEPS_RUNNER || is_relative(command) ? ASKS_NOTHING : ASKS_UNHEARD;
}

/* It ran no program: (echo >/dev/tcp/HOST/PORT), x=$(type tool). */
bool expected__asks_itself(const struct process *p)
{
	const struct model_row *row = &p->row;

	return row->forked && !p->has_forked && row->outcome == MODEL_FAILED && row->exit_code == 1 &&
	       model_command__is_shell(p->command, row->comm);
}

/* (cd nodir && tool) says so, unless that goes to /dev/null: then only the code was asked for. In a file there may be words of
 * others. */
void expected__spoke(struct process *p, const struct model_said *said)
{
	struct ending *ending = p->ending;

	if (!ending || !ending->question || said->path || !said->length)
		return;
	ending->question = ending->pub.row.benign = p->row.benign = false;
	p->row.outcome = ending->pub.row.outcome;
}

/* ---- as a process ends, or hides ---- */

/* Also what it has only passed on. */
static void expect(struct ending *bad, enum model_expected expected)
{
	for (; bad && expected; bad = (struct ending *)bad->pub.cause)
		bad->pub.expected = expected;
}

void expected__settle(struct model *model, const struct process *parent, enum steps_exit below)
{
	const struct brood *brood = parent->brood;

	for (uint32_t i = 0; brood && i < brood->count; i++) {
		struct ending *bad = brood->bad[i];
		const struct model_row *row = &bad->pub.row;
		bool exited = row->outcome == MODEL_FAILED;
		enum model_expected question =
			row->benign ? MODEL_EXPECTED_NOT : question_of(model, parent, below, bad);

		expect(bad, question);
		bad->fate->answered = question;
		bad->asks = question || row->benign ? ASKS_NOTHING : asks_of(parent, bad);
		bad->pub.beside = again__has_beside(parent, bad, bad->pub.row.ended_ns);
		if (question || row->benign || (!exited && row->outcome != MODEL_KILLED) ||
		    (exited && !is_code_of_its_own(row->exit_code)) || row->ended_ns - row->start > AT_ONCE_NS)
			continue;
		if (bad->pub.beside)
			continue;
		expect(bad, seen_of(parent, bad));
		bad->may_answer = exited && !row->propagated && bad->alone;
	}
}

/* A failure that its parent has not passed on may be an answer to that, or to a subshell of it. */
static bool may_be_meant(const struct ending *ending, const struct model_row *row, const struct process *by)
{
	return ending->says == STEPS_DOUBT && !ending->pub.beside && row->parent == by->command;
}

/* To a shell, or to a subshell of it. */
static bool is_foreground(const struct ending *ending, const struct model_row *row, const struct process *by)
{
	return row->outcome == MODEL_FAILED && is_code_of_its_own(row->exit_code) && !ending->pub.beside &&
	       row->parent == by->command && model_command__is_shell(by->command, by->row.comm);
}

/* What failed at its work has a message for it. Where none is recorded, as of /dev/null, what was found by PATH is a tool, which
 * asks for arguments. */
static bool has_said_usage(const struct ending *ending, const struct model_row *row, const struct model_said *said)
{
	struct model_list called = model_command__called(ending->pub.command);

	if (model_row__counts_written(row))
		return row->io[MODEL_IO_WRITE_CHARS] >= USAGE_CHARS;
	if (said)
		return said->cut + said->written >= USAGE_CHARS;
	return model_ending__is_silent(&ending->pub) && !strchr(called.data, '/');
}

static bool says_usage(const struct ending *ending, const struct model_row *row, const struct process *by,
		       const struct model_said *said)
{
	uint64_t most = ending->asks == ASKS_BY_WORD ? WORD_CPU_NS : USAGE_CPU_NS;

	return ending->asks && row->parent == by->command && (EVENT_IS_NULL(row->cpu_ns) || row->cpu_ns <= most) &&
	       (ending->asks != ASKS_UNHEARD || has_said_usage(ending, row, said));
}

void expected__hidden(struct ending *ending, const struct model_row *row, const struct process *by,
		      const struct model_said *said)
{
	bool counted = model_row__counts_written(row);

	if (ending && ending->tested)
		ending->pub.expected = MODEL_EXPECTED_TESTED;
	else if (ending && says_usage(ending, row, by, said))
		ending->pub.expected = MODEL_EXPECTED_USAGE;
	if (!ending || ending->pub.expected)
		return;
	if (recipe__may_ignore(by->command))
		ending->pub.expected = MODEL_EXPECTED_RECIPE;
	else if (may_be_meant(ending, row, by))
		ending->pub.expected = MODEL_EXPECTED_DOUBT;
	else if (ending->may_answer && counted && row->io[MODEL_IO_WRITE_CHARS] <= NO_WORD)
		ending->pub.expected = MODEL_EXPECTED_ANSWER;
	ending->pub.foreground = is_foreground(ending, row, by);
	ending->pub.uncounted = ending->may_answer && !counted && !ending->pub.foreground && !ending->pub.expected;
}
