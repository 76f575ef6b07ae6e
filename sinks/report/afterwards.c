/* SPDX-License-Identifier: BSD-2-Clause */
/* What is known of rows only when all streams have been read: last words, the cause, and what these say of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/report/report.h"
#include "sinks/totals/story.h"

#define SAID_LINES 20

static struct intern_string *keep_lines(struct report *report, const struct model_said *said, int *err)
{
	const char *end = said->text + said->length, *at;
	struct intern_string *string;
	size_t lines = 0;
	char *copy;

	while (end > said->text && end[-1] == '\n')
		end--;
	for (at = end; at > said->text && (at[-1] != '\n' || ++lines < SAID_LINES); at--)
		;
	copy = at < end ? malloc(end - at) : NULL;
	if (!copy)
		return NULL;
	for (size_t i = 0; i < (size_t)(end - at); i++)
		copy[i] = at[i] == '\n' ? '\0' : at[i];
	string = intern__get(&report->strings, copy, (size_t)(end - at));
	if (!string)
		*err = -ENOMEM;
	free(copy);
	return string;
}

static struct intern_string *keep_text(struct report *report, struct text *text, int *err)
{
	struct intern_string *string = NULL;

	if (text->error)
		*err = text->error;
	else if (text->size && !(string = intern__get(&report->strings, text->data, text->size)))
		*err = -ENOMEM;
	text__free(text);
	return string;
}

static void put_notes(struct text *notes, const struct tally *tally, const struct model_ending *ending)
{
	struct text note = {0};
	const char *label;

	for (size_t i = 0; (label = story__note(&note, tally, ending, i)); i++) {
		if (note.size)
			text__printf(notes, "%s%s%c", label, note.data, '\0');
		if (note.error)
			notes->error = note.error;
		text__free(&note);
	}
}

/* Of the one that began it: the program that it could not start, and what to run again. */
static void take_origin(struct report *report, struct report_row *row, const struct model_ending *ending, int *err)
{
	const struct tally *tally = model__run(report->judged.on.model, row->run)->user;
	struct text wanted = {0}, again = {0}, before = {0}, notes = {0};

	story__wanted(&wanted, &ending->row, ending->command);
	row->wanted = keep_text(report, &wanted, err);
	story__again_whole(&again, ending);
	row->again = keep_text(report, &again, err);
	judged__before_cause(&before, report->judged.verdicts, ending);
	row->before = keep_text(report, &before, err);
	put_notes(&notes, tally, ending);
	row->notes = keep_text(report, &notes, err);
}

static void take_cause(struct report *report, struct report_row *row, const struct model_ending *ending, int *err)
{
	if (ending && !ending->cause && row->flags & REPORT_LAST)
		take_origin(report, row, ending, err);
	for (; ending && ending->cause; ending = ending->cause) {
		row->cause_pid = ending->cause->row.pid;
		row->cause_start = ending->cause->row.start;
	}
}

int rows__complete(struct report *report)
{
	int err = 0;

	for (size_t i = 0; i < report->rows.count && !err; i++) {
		struct report_row *row = keep__item(&report->rows, i);
		const struct model_run *run = model__run(report->judged.on.model, row->run);
		const struct model_said *said = NULL;
		const struct model_ending *ending;
		struct text file = {0};

		if (model_outcome__bad(row->outcome) && row->flags & REPORT_LAST)
			said = story__heard(run->user, row->pid, row->start);
		ending = model_ending__find(run->ending, row->pid, row->start);
		if (ending && ending == run->ending && row->flags & REPORT_LAST)
			row->flags |= REPORT_ENDS_RUN;
		take_cause(report, row, ending, &err);
		if (!said || !said->text)
			continue;
		row->said = keep_lines(report, said, &err);
		if (row->said)
			story__file(&file, run->user, said, row->name->data);
		row->said_in = keep_text(report, &file, &err);
	}
	return err;
}
