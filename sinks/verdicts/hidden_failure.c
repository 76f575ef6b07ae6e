/* SPDX-License-Identifier: BSD-2-Clause */
/* Failures that an ancestor hides by exiting 0, as the model knows them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/ending.h"
#include "sinks/detector/detector.h"

enum { MARK_READER_LEFT = 1, MARK_UNCOUNTED = 2, MARK_UNLESS_SAID = 4, MARK_WROTE = 8 };

static void put_end(struct text *text, const struct model_row *row)
{
	struct text how = {0};

	model_row__how(row, &how);
	if (row->outcome == MODEL_OOM)
		text__printf(text, "was killed");
	else if (model_row__is_killed(row))
		text__printf(text, "was ended by %s", *row->signal_name ? row->signal_name : "a signal");
	else
		text__printf(text, "exited %u", (unsigned)row->exit_code);
	if (how.size)
		text__printf(text, row->outcome == MODEL_OOM ? " %s" : ", %s", how.data);
	text__free(&how);
}

/* A script that ended as the answer that came last, such as that of grep, may stop at it by set -e, or pass it on as its own. */
static bool is_answer(const struct model_row *row)
{
	const struct model_ending *cause = row->ending ? row->ending->cause : NULL;

	return cause && cause->row.benign && model_row__status(row) == model_row__status(&cause->row);
}

/* A tool may be looked for, and a limit of time how the command was to end: timeout 60 ./search; [ $? = 124 ]. What ends so in
 * a pipe is seen by few scripts, but a monitor beside the work may be given its time, too. */
static enum verdict_certainty certainty_of(const struct model_row *row)
{
	enum model_expected expected = row->ending ? row->ending->expected : MODEL_EXPECTED_NOT;
	bool timed_out = model_row__timed_out(row);

	if (is_answer(row) || expected == MODEL_EXPECTED_TESTED || model_row__looked_for(row, row->command) ||
	    (timed_out && !(row->ending && row->ending->beside)))
		return VERDICT_SUSPECTED;
	return timed_out || expected || (row->ending && (row->ending->foreground || row->ending->uncounted))
		       ? VERDICT_LIKELY
		       : VERDICT_PROVEN;
}

/* In English, and in the language of the collector. */
static bool says_broken_pipe(const struct model_said *said)
{
	static const char words[] = "Broken pipe";
	const char *own = strerror(EPIPE);

	return said && said->text &&
	       (memmem(said->text, said->length, words, strlen(words)) ||
		memmem(said->text, said->length, own, strlen(own)));
}

/* With how it ended as the evidence so far, and the process as a member. */
static struct draft begin(enum verdict_certainty certainty, const struct model_row *row)
{
	struct draft draft = draft__new(VERDICT_HIDDEN_FAILURE, certainty, row);

	draft.since_ns = draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " ");
	put_end(&draft.evidence, row);
	text__member(&draft.members, row->pid, 0);
	return draft;
}

/* Where SIGPIPE is ignored, as below systemd, Jenkins and Python, a writer whose reader has had enough fails by a message. */
static bool left_by_reader(const struct model_row *row)
{
	return row->ending && row->ending->reader_left &&
	       says_broken_pipe(model_run__said(row->run, row->pid, row->start));
}

static int judge(struct verdicts *verdicts, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	const char *expected = row->ending ? model_expected__words(row->ending->expected) : NULL;
	struct draft draft;

	if (row->propagated)
		return 0;
	draft = begin(left_by_reader(row) ? VERDICT_SUSPECTED : certainty_of(row), row);
	if (row->ending)
		draft.mark = (row->ending->reader_left ? MARK_READER_LEFT : 0) |
			     (row->ending->uncounted && draft.certainty == VERDICT_LIKELY ? MARK_UNCOUNTED : 0);
	text__printf(&draft.evidence, ", and ");
	text__command(&draft.evidence, by, "an ancestor", false);
	text__printf(&draft.evidence, " (pid %u) above it exited 0", pid);
	if (expected)
		text__printf(&draft.evidence, "; it was expected, perhaps: %s", expected);
	else if (row->ending && row->ending->foreground)
		text__printf(&draft.evidence, "; a shell that went on may have expected that, as by ||");
	if (draft.mark & MARK_UNCOUNTED)
		text__printf(&draft.missing,
			     "how much it had written, which an answer by an exit code does not (probe io)");
	text__member(&draft.members, pid, 0);
	text__printf(&draft.refute, "a check of its exit status that was meant to accept this one");
	text__printf(&draft.next,
		     "let the ancestor fail with it: set -e, pipefail, check=True; or a rule that accepts it");
	return draft__add(verdicts, &draft);
}

static int suspect(struct verdicts *verdicts, const struct model_row *row)
{
	struct draft draft = begin(VERDICT_SUSPECTED, row);

	text__printf(&draft.evidence, ", and %s", model_expected__words(row->ending->expected));
	text__printf(&draft.refute, "a check that was to know only whether it ends well");
	text__printf(&draft.next, "send its errors to a file, and look at its exit status");
	return draft__add(verdicts, &draft);
}

/* Whether what it says of its errors comes where its caller's does: by the same pipe or file, or to a terminal. */
static bool speaks_to_all(const struct model_row *row)
{
	const struct model_command *command = row->command, *parent = row->parent;

	if (!command || !parent || model_ending__is_silent(row->ending) || command->pipe != parent->pipe)
		return false;
	return command->errors.length == parent->errors.length &&
	       (!command->errors.data || !strcmp(command->errors.data, parent->errors.data));
}

/* An answer with an error's text that was left to be read: gzip -t in a loop that looks at nothing, find -exec check {} \;. A
 * script that looks at the code may leave the text as well. */
static int answered(struct verdicts *verdicts, const struct model_row *row)
{
	struct draft draft;

	if (!row->ending || !row->ending->answer || row->forked || !speaks_to_all(row))
		return 0;
	draft = begin(VERDICT_SUSPECTED, row);
	draft.mark =
		MARK_UNLESS_SAID | (model_row__counts_written(row) && row->io[MODEL_IO_WRITE_CHARS] ? MARK_WROTE : 0);
	text__printf(&draft.evidence, ", which counts as an answer, and its words were left to be read");
	text__printf(&draft.refute, "a check of its exit status");
	text__printf(&draft.next, "let its caller look at its exit status, or send the words to /dev/null");
	return draft__add(verdicts, &draft);
}

/* Below what threw its words away, as make >/dev/null 2>&1 || true does: it may have been tried only. */
static int unseen(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	int err = answered(verdicts, row);

	(void)track;
	if (err)
		return err;
	return row->ending && row->ending->expected == MODEL_EXPECTED_UNSEEN && !row->ending->cause
		       ? suspect(verdicts, row)
		       : 0;
}

static int question(struct verdicts *verdicts, const struct model_row *row)
{
	return row->ending && model_expected__is_question(row->ending->expected) && !row->propagated
		       ? suspect(verdicts, row)
		       : 0;
}

/* What was retried, unless it was the next turn of a loop over other data: no record says which. */
static int doubt(struct verdicts *verdicts, const struct model_row *row)
{
	struct draft draft;

	if (row->propagated || !row->ending || !row->ending->unsure)
		return 0;
	draft = begin(VERDICT_SUSPECTED, row);
	text__printf(&draft.evidence, ", and the same was done again and ended well: for other data, perhaps");
	text__printf(&draft.refute, "a loop that ends as soon as the command ends well");
	text__printf(&draft.next,
		     "give the data as an argument, or record the variable that has them (env of the probe lifecycle)");
	return draft__add(verdicts, &draft);
}

/* What has words has not answered by an exit code alone, also if no record counts what it has written. Those of a writer whose
 * reader has had enough may come late as well, in a stream of their own. */
static void confirm(struct verdict *verdict)
{
	const struct model_said *said = model_run__said(verdict->run, verdict->pid, verdict->start);

	/* In a file there may be words of others. */
	if (verdict->mark & MARK_UNLESS_SAID)
		verdict->dropped = !said || !said->length || (said->path && !(verdict->mark & MARK_WROTE));
	else if (verdict->mark & MARK_READER_LEFT && says_broken_pipe(said)) {
		verdict->certainty = VERDICT_SUSPECTED;
	} else if (verdict->mark & MARK_UNCOUNTED && verdict->certainty == VERDICT_LIKELY && said && said->length) {
		verdict->certainty = VERDICT_PROVEN;
		free((char *)verdict->missing);
		verdict->missing = NULL;
	}
}

static int confirm_all(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++)
		if (verdicts->list[i]->kind == VERDICT_HIDDEN_FAILURE)
			confirm(verdicts->list[i]);
	return 0;
}

const struct detector detector_hidden_failure = {
	.index = DETECT_HIDDEN_FAILURE,
	.about =
		{
			.kinds = "hidden_failure",
			.needs = "lifecycle.fork, lifecycle.exit",
			.certainty = "proven; likely or suspected where what called it may have expected that",
			.text = "a program failed, and an ancestor exited 0",
		},
	.row = unseen,
	.ignored = question,
	.hidden = judge,
	.retried = doubt,
	.finish = confirm_all,
};
