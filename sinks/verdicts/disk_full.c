/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that failed, and whose last words are that there is no room on a disk. No record has the error of a write itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/verdicts/detector.h"

/* What was said may come after the row: the verdict is made when there is reason for it, and kept if the text says so. */
static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct draft draft;

	(void)track;
	if (!model_outcome__bad(row->outcome) || row->propagated || row->benign || row->outcome == MODEL_OOM)
		return 0;
	draft = draft__new(VERDICT_DISK_FULL, VERDICT_LIKELY, row);
	draft.since_ns = draft.ended_ns = row->ended_ns;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " failed, and its last words are: ");
	text__printf(&draft.missing, "the error of the write itself: no record has it");
	text__printf(&draft.refute, "a message that speaks of another time");
	text__printf(&draft.next, "df and df -i of the file systems that it writes to; quota");
	return draft__add(verdicts, &draft);
}

/* The line of the C library's words for it, in the language of the collector or in English. */
static const char *line_with(const char *text, size_t length, const char *words, size_t *size)
{
	const char *at = memmem(text, length, words, strlen(words)), *end;

	if (!at)
		return NULL;
	end = memchr(at, '\n', (size_t)(text + length - at));
	while (at > text && at[-1] != '\n')
		at--;
	*size = (size_t)((end ? end : text + length) - at);
	return at;
}

static int confirm(struct verdict *verdict)
{
	const struct model_said *said = model_run__said(verdict->run, verdict->pid, verdict->start);
	struct text text = {0};
	const char *line = NULL;
	size_t size = 0;

	if (said && said->text)
		line = line_with(said->text, said->length, "No space left on device", &size);
	if (!line && said && said->text)
		line = line_with(said->text, said->length, strerror(ENOSPC), &size);
	verdict->dropped = !line;
	if (!line)
		return 0;
	text__printf(&text, "%s", verdict->evidence);
	text__safe(&text, line, size);
	if (text.error)
		return text.error;
	free((char *)verdict->evidence);
	verdict->evidence = text.data;
	return 0;
}

static int confirm_all(struct verdicts *verdicts)
{
	int err = 0;

	for (size_t i = 0; i < verdicts->count && !err; i++)
		if (verdicts->list[i]->kind == VERDICT_DISK_FULL)
			err = confirm(verdicts->list[i]);
	return err;
}

const struct detector detector_disk_full = {
	.index = DETECT_DISK_FULL,
	.about =
		{
			.kinds = "disk_full",
			.needs = "lifecycle.exit, output.text",
			.certainty = "likely",
			.text = "a process failed, and said that there is no space left",
		},
	.row = judge,
	.finish = confirm_all,
};
