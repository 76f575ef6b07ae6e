/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that failed, and whose last words are that there is no room on a disk. No record has the error of a write itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* Of the C library in English, and of programs that have words of their own: databases, zip, and tar, which does not ask why less
 * was written. */
static const char *const words[] = {
	"No space left on device", "Disk quota exceeded", "disk is full", "disk full", "Wrote only ",
};

static const char *find(const char *text, size_t length, const char *sought)
{
	size_t size = strlen(sought);

	for (; length >= size; text++, length--)
		if (!strncasecmp(text, sought, size))
			return text;
	return NULL;
}

/* Where a text says it, also in the language of the collector; NULL: nowhere. */
static const char *find_any(const char *text, size_t length)
{
	const char *at = find(text, length, strerror(ENOSPC));

	for (size_t i = 0; !at && i < sizeof(words) / sizeof(*words); i++)
		at = find(text, length, words[i]);
	return at ? at : find(text, length, strerror(EDQUOT));
}

/* The line that says it. */
static const char *line_of(const char *text, size_t length, size_t *size)
{
	const char *at = find_any(text, length), *end;

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
		line = line_of(said->text, said->length, &size);
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
			.text = "a process failed, and said that there is no space left, or that its quota is used up",
		},
	.row = judge,
	.finish = confirm_all,
};
