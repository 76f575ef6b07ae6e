/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that could not be executed, where the process that wanted them failed. */
#include <stdlib.h>

#include "sinks/verdicts/detector.h"

#define NOT_EXECUTABLE 126 /* what shells exit with, and env, nice, xargs */
#define NOT_FOUND 127
#define MAKE_FAILED 2 /* also of what finds by itself that a tool is missing, and says so */

static bool exited_as_shells_do(const struct model_row *row)
{
	return row->exit_code == NOT_FOUND || row->exit_code == NOT_EXECUTABLE;
}

static bool is_missing(const struct model_row *row)
{
	if (!model_outcome__bad(row->outcome) || row->propagated || row->benign)
		return false;
	return exited_as_shells_do(row) || row->exit_code == MAKE_FAILED ||
	       (row->tried && row->forked && !EVENT_IS_NULL(row->exit_code));
}

/* Suspected: only what the process has said can show it. */
static enum verdict_certainty certainty_of(const struct model_row *row)
{
	if (row->tried)
		return VERDICT_PROVEN;
	return exited_as_shells_do(row) ? VERDICT_LIKELY : VERDICT_SUSPECTED;
}

/* known: the tool's name is, and nothing that comes later is to be asked. */
static int add(struct verdicts *verdicts, struct draft *draft, bool known)
{
	size_t before = verdicts->count;
	int err = draft__add(verdicts, draft);

	if (!err && verdicts->count > before)
		verdicts->list[before]->known = known;
	return err;
}

static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct draft draft;

	(void)track;
	if (!is_missing(row))
		return 0;
	draft = draft__new(VERDICT_MISSING_TOOL, certainty_of(row), row);
	draft.since_ns = draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	if (row->tried) {
		text__printf(&draft.evidence, " could not execute ");
		text__command(&draft.evidence, row->tried, "a program", false);
		text__printf(&draft.evidence, ": %s, and exited %u", row->tried_error, (unsigned)row->exit_code);
	} else {
		text__printf(&draft.evidence, " exited %u, as it could not execute a program",
			     (unsigned)row->exit_code);
	}
	text__printf(&draft.refute,
		     row->tried ? "a caller that was prepared for it" : "a program that exits so for another reason");
	text__printf(&draft.next, "install it, or put its folder into PATH");
	return add(verdicts, &draft, row->tried);
}

/* The caller went on and ended well: it may have been prepared for that, as one that tries several tools in turn. */
static int doubt(struct verdicts *verdicts, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	(void)pid;
	(void)by;
	for (size_t i = verdicts->count; i-- > 0;) {
		struct verdict *verdict = verdicts->list[i];

		if (verdict->kind != VERDICT_MISSING_TOOL || verdict->run != row->run || verdict->pid != row->pid ||
		    verdict->start != row->start)
			continue;
		if (verdict->certainty == VERDICT_PROVEN)
			verdict->certainty = VERDICT_LIKELY;
		break;
	}
	return 0;
}

/* A shell that found no file to execute has said so: its message names the tool. It may come after the row. */
static int name_tool(struct verdict *verdict)
{
	const struct model_said *said = model_run__said(verdict->run, verdict->pid, verdict->start);
	struct text text = {0};

	if (verdict->known)
		return 0;
	if (said && said->tool) {
		text__printf(&text, "%s: ", verdict->evidence);
		text__safe(&text, said->tool, strlen(said->tool));
		free((char *)verdict->evidence);
		verdict->evidence = text.data;
		verdict->certainty = VERDICT_LIKELY;
		return text.error;
	}
	verdict->dropped = verdict->certainty == VERDICT_SUSPECTED;
	text__printf(&text, "the tool's name: no exec was tried, and no message was recorded (probe output)");
	verdict->missing = text.data;
	return text.error;
}

static int name_tools(struct verdicts *verdicts)
{
	int err = 0;

	for (size_t i = 0; i < verdicts->count && !err; i++)
		if (verdicts->list[i]->kind == VERDICT_MISSING_TOOL)
			err = name_tool(verdicts->list[i]);
	return err;
}

const struct detector detector_missing_tool = {
	.index = DETECT_MISSING_TOOL,
	.about =
		{
			.kinds = "missing_tool",
			.needs = "lifecycle.exit",
			.proof = "lifecycle.exec_failed",
			.certainty =
				"proven by the exec's error; likely where the caller ended well, and by exit 127 or 126 alone",
			.text = "a program could not be executed, and the process that wanted it failed",
		},
	.row = judge,
	.hidden = doubt,
	.finish = name_tools,
};
