/* SPDX-License-Identifier: BSD-2-Clause */
/* Why the run failed, in Markdown. */
#include "core/format.h"
#include "sinks/ci/ci.h"

#define CHAIN_MAX 12	  /* processes that passed a failure on: the first ones and the last */
#define SHOWN_COLUMNS 200 /* of a command of the cause; the origin's stands below whole */

void ci_item__code(struct text *item, struct text *safe, size_t columns)
{
	markdown__code(item, safe->data ? safe->data : "", columns);
	if (safe->error)
		item->error = safe->error;
	text__free(safe);
}

void ci_item__lines(struct text *item, const struct story_line *lines, size_t count)
{
	if (count)
		text__printf(item, "\n<pre>");
	for (size_t i = 0; i < count; i++) {
		struct text safe = {0};

		text__safe(&safe, lines[i].at, lines[i].length);
		markdown__text(item, safe.data ? safe.data : "");
		text__printf(item, i + 1 < count ? "\n" : "</pre>\n");
		if (safe.error)
			item->error = safe.error;
		text__free(&safe);
	}
}

/* The last lines of a process, as they stood. */
void ci_item__said(struct text *item, const struct tally *tally, struct tally_process of, const char *comm, size_t most)
{
	const struct model_said *said = story__heard(tally, of.pid, of.start);
	struct story_line lines[CI_SAID_MAX];
	size_t n = story__message(said, lines, most);
	struct text file = {0};

	if (n)
		story__file(&file, tally, said, comm);
	if (file.size) {
		text__printf(item, "\n");
		ci_item__code(item, &file, CI_COLUMNS);
		text__printf(item, "\n");
	}
	ci_item__lines(item, lines, n);
	text__free(&file);
}

/* From the run's first process down to the origin. */
static void put_chain(struct text *item, const struct tally *tally, const struct model_ending *ending)
{
	char how[STORY_ENDING];
	struct story_line line;
	uint32_t count = 0, i = 0;

	for (const struct model_ending *e = ending; e; e = e->cause)
		count++;
	if (count > 1)
		text__printf(item, "\nPassed on by:\n\n");
	for (; ending && ending->cause; ending = ending->cause, i++) {
		struct text command = {0};

		if (count > CHAIN_MAX && i == CHAIN_MAX / 2)
			text__printf(item, "- and %u more\n", count - CHAIN_MAX);
		if (count > CHAIN_MAX && i >= CHAIN_MAX / 2 && i < count - CHAIN_MAX / 2)
			continue;
		story__command(&command, ending);
		text__printf(item, "- **%s** ", story__ending(how, &ending->row));
		ci_item__code(item, &command, SHOWN_COLUMNS);
		if (story__own_line(tally, ending, &line)) {
			text__safe(&command, line.at, line.length);
			text__printf(item, "<br>");
			ci_item__code(item, &command, SHOWN_COLUMNS);
		}
		text__printf(item, "\n");
	}
}

/* A line of the origin: what `say` appends, if anything. */
static void put_detail(struct text *item, const char *before, void (*say)(struct text *, const struct model_ending *),
		       const struct model_ending *cause, size_t columns)
{
	struct text safe = {0};

	say(&safe, cause);
	if (safe.size) {
		text__printf(item, "<br>%s", before);
		ci_item__code(item, &safe, columns);
	}
	text__free(&safe);
}

void ci_item__line(struct text *item, const char *safe, const char *after)
{
	if (!safe)
		return;
	text__printf(item, "<br>");
	markdown__code(item, safe, CI_COLUMNS);
	text__printf(item, "%s", after);
}

/* What is known of other processes. */
static void put_others(struct text *item, const struct tally *tally, const struct model_ending *cause)
{
	struct text safe = {0};
	const char *label;

	for (size_t i = 0; (label = story__note(&safe, tally, cause, i)); i++) {
		if (safe.size) {
			text__printf(item, "<br>%s", label);
			ci_item__code(item, &safe, CI_COLUMNS);
		}
		text__free(&safe);
	}
}

static void put_again(struct text *item, const struct model_ending *cause, size_t columns, bool cut)
{
	put_detail(item, "in ", story__folder, cause, columns);
	put_detail(item, "its log: ", story__log, cause, columns);
	put_detail(item, "run again: ", story__again, cause, columns);
	if (cut)
		put_detail(item, "its command: ", story__in_full, cause, columns);
	put_detail(item, "its arguments in full: ", story__whole, cause, columns);
	put_detail(item, "with the environment's ", story__environment, cause, CI_COLUMNS);
}

static void put_before(struct text *item, const struct verdicts *verdicts, const struct model_ending *cause)
{
	struct text before = {0};

	judged__before_cause(&before, verdicts, cause);
	if (before.size) {
		markdown__text(item, before.data);
		text__printf(item, "<br>");
	}
	if (before.error)
		item->error = before.error;
	text__free(&before);
}

void ci_cause__put(struct text *item, const struct tally *tally, const struct verdicts *verdicts, size_t columns)
{
	const struct model_ending *cause = story__origin(&tally->run), *speaker;
	const struct model_run *run = tally->run.run;
	struct text safe = {0}, shown = {0};
	bool cut;
	char how[STORY_ENDING];

	if (!cause)
		return;
	text__printf(item, "\n#### Cause\n\n");
	put_before(item, verdicts, cause);
	text__printf(item, "**%s** ", story__ending(how, &cause->row));
	story__subject(&safe, cause);
	cut = story__shorten(&shown, safe.data ? safe.data : "", SHOWN_COLUMNS);
	ci_item__code(item, &shown, columns);
	text__free(&safe);
	put_detail(item, "", story__how, cause, CI_COLUMNS);
	put_others(item, tally, cause);
	put_detail(item, "", story__limit, cause, CI_COLUMNS);
	text__printf(item, "<br>");
	story__circumstances(&safe, run, cause);
	ci_item__code(item, &safe, CI_COLUMNS);
	if (!cut)
		put_again(item, cause, columns, false);
	text__printf(item, "\n");
	speaker = story__speaker(tally, cause);
	if (speaker != cause && story__heard(tally, speaker->row.pid, speaker->row.start)) {
		text__printf(item, "\nLast lines of ");
		story__command(&safe, speaker);
		ci_item__code(item, &safe, SHOWN_COLUMNS);
		text__printf(item, ":\n");
	}
	ci_item__said(item, tally, (struct tally_process){.pid = speaker->row.pid, .start = speaker->row.start},
		      speaker->row.comm, CI_SAID_MAX);
	put_chain(item, tally, run->ending);
	if (cut) { /* what is long comes last */
		text__printf(item, "\n");
		put_again(item, cause, columns, true);
		text__printf(item, "\n");
	}
}
