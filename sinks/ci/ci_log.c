/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines for the log of a CI job: it is kept even if the machine that runs the job dies. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sinks/ci/ci.h"

#define LINES_MAX 10U /* GitHub shows ten errors of a step; the last place is kept for the cause */

/* `variable`: that a runner of this kind sets to "true". */
static const struct {
	const char *name, *variable;
} logs[CI_LOGS] = {
	[CI_LOG_NONE] = {"none", NULL},
	[CI_LOG_GITHUB] = {"github", "GITHUB_ACTIONS"},
	[CI_LOG_GITLAB] = {"gitlab", "GITLAB_CI"},
};

bool ci_log__find(const char *name, enum ci_log *log)
{
	bool by_environment = !strcmp(name, "auto");

	*log = CI_LOG_NONE;
	for (int i = 0; i < CI_LOGS; i++) {
		const char *value = logs[i].variable ? getenv(logs[i].variable) : NULL;

		if (by_environment ? value && !strcmp(value, "true") : !strcmp(name, logs[i].name)) {
			*log = (enum ci_log)i;
			return true;
		}
	}
	return by_environment;
}

/* As GitHub's own toolkit does: `property` within the command, else after it. */
static void put_escaped(struct text *out, const char *safe, bool property)
{
	const char *special = property ? "%\r\n:," : "%\r\n";

	for (size_t n; *safe; safe += n) {
		n = strcspn(safe, special);
		text__put(out, safe, n);
		if (!n) {
			text__printf(out, "%%%02X", (unsigned char)*safe);
			n = 1;
		}
	}
}

struct line {
	const char *level;	 /* a command of GitHub: "error" */
	struct text title, text; /* safe; text: several lines */
	struct text file;
	unsigned number; /* in the file; 0: none */
};

static void put_github(struct text *out, const struct line *line)
{
	text__printf(out, "::%s title=", line->level);
	put_escaped(out, line->title.data, true);
	if (line->number) {
		text__printf(out, ",file=");
		put_escaped(out, line->file.data, true);
		text__printf(out, ",line=%u", line->number);
	}
	text__printf(out, "::");
	put_escaped(out, line->text.data, false);
	text__printf(out, "\n");
}

/* GitLab has sections that can be folded, and no annotations. */
static void put_gitlab(struct text *out, const struct line *line, uint32_t number)
{
	long long now = (long long)time(NULL);

	text__printf(out,
		     "section_start:%lld:collector_%u\r\x1b[0K%s: %s\n%s\nsection_end:%lld:collector_%u\r\x1b[0K\n",
		     now, number, line->level, line->title.data, line->text.data, now, number);
}

static void finish(struct text *out, struct ci_logged *logged, struct line *line)
{
	if (line->title.error || line->text.error || line->file.error)
		out->error = -ENOMEM;
	else if (logged->log == CI_LOG_GITHUB)
		put_github(out, line);
	else
		put_gitlab(out, line, logged->count);
	logged->count++;
	text__free(&line->title);
	text__free(&line->text);
	text__free(&line->file);
}

#define COMMAND_COLUMNS 200 /* the page has the origin's whole */
#define COLUMNS_MAX 2000    /* of what others wrote, on a line */

/* Moves the line on, cut if it is long. */
static void put_line(struct text *text, struct text *line)
{
	text__cut(text, line->data ? line->data : "", COLUMNS_MAX);
	if (line->error)
		text->error = line->error;
	text__free(line);
}

/* The last line that the process wrote, on a line of its own. */
static void put_said(struct text *text, const struct tally *tally, const struct model_said *said, const char *comm)
{
	struct text line = {0};
	struct story_line last;

	if (!story__message(said, &last, 1))
		return;
	text__printf(text, "\n");
	story__shared(&line, tally, said, comm);
	if (line.size) {
		put_line(text, &line);
		text__printf(text, "\n");
	}
	text__safe(&line, last.at, last.length);
	put_line(text, &line);
}

static void log_kind(struct text *out, struct ci_logged *logged, const struct tally *tally, struct tally_failure *kind,
		     bool last)
{
	struct tally_process beside = story__beside(tally, kind);
	bool hidden = last && kind->hidden == story__beside_chain(tally, kind);
	struct line line = {.level = hidden ? "warning" : "error"};
	struct text subject = {0};
	char how[STORY_ENDING];

	text__printf(&line.title, "%s%s", hidden ? "hidden failure, " : "", story__ending(how, &kind->row));
	story__kind_subject(&subject, tally, kind);
	put_line(&line.text, &subject);
	text__printf(&line.text, "\n");
	story__kind(&line.text, tally, kind);
	if (kind->how)
		text__printf(&line.text, "\n%s", kind->how);
	put_said(&line.text, tally, story__heard(tally, beside.pid, beside.start), kind->row.comm);
	finish(out, logged, &line);
	kind->announced = true;
}

static void log_cause(struct text *out, struct ci_logged *logged, const struct tally *tally)
{
	const struct model_ending *cause = story__origin(&tally->run), *speaker;
	const struct model_run *run = tally->run.run;
	struct line line = {.level = "error"};
	const struct model_said *said;
	struct text command = {0}, words = {0};
	char how[STORY_ENDING];

	speaker = story__speaker(tally, cause);
	said = story__heard(tally, speaker->row.pid, speaker->row.start);
	text__printf(&line.title, "cause, %s", story__ending(how, &cause->row));
	story__subject(&command, cause);
	story__shorten(&line.text, command.data ? command.data : "", COMMAND_COLUMNS);
	text__free(&command);
	text__printf(&line.text, "\n");
	story__circumstances(&line.text, run, cause);
	story__how(&words, cause);
	if (words.size)
		text__printf(&line.text, "\n");
	put_line(&line.text, &words);
	put_said(&line.text, tally, said, speaker->row.comm);
	if (!ci_location__find(&line.file, &line.number, said, cause->command ? &cause->command->cwd : NULL,
			       getenv("GITHUB_WORKSPACE")))
		line.number = 0;
	finish(out, logged, &line);
}

static int by_order(const void *a, const void *b)
{
	uint64_t x = tally_failure__of(*(struct hash_node *const *)a)->order;
	uint64_t y = tally_failure__of(*(struct hash_node *const *)b)->order;

	return x < y ? -1 : x > y;
}

/* Whether the process that began the run's failure is of a kind that has its line. */
static bool is_said(const struct tally *tally, const struct model_ending *cause)
{
	const struct tally_failure *kind = tally__failure(tally, cause);

	return kind && kind->announced;
}

void ci_log__failures(struct text *out, struct ci_logged *logged, const struct tally *tally, bool last)
{
	const struct model_ending *cause = last ? story__origin(&tally->run) : NULL;
	struct hash_node **list;

	if (logged->log == CI_LOG_NONE)
		return;
	list = hash__sorted(&tally->failures, by_order);
	if (!list)
		out->error = -ENOMEM;
	if (cause && !is_said(tally, cause))
		log_cause(out, logged, tally);
	for (size_t i = 0; list && i < tally->failures.count && logged->count < (last ? LINES_MAX : LINES_MAX - 1);
	     i++) {
		struct tally_failure *kind = tally_failure__of(list[i]);

		if (!kind->announced && story__beside_chain(tally, kind))
			log_kind(out, logged, tally, kind, last);
	}
	free(list);
}

void ci_log__limit(struct text *out, struct ci_logged *logged, const struct tally *tally)
{
	struct line line = {.level = "warning"};
	char number[FORMAT_SIZE];

	if (logged->log == CI_LOG_NONE || logged->count >= LINES_MAX)
		return;
	story__pids_limit(&line.text, number, &tally->run);
	if (!line.text.size)
		return;
	text__printf(&line.title, "pids limit %s", number);
	finish(out, logged, &line);
}

void ci_log__verdicts(struct text *out, struct ci_logged *logged, const struct tally *tally,
		      const struct verdicts *verdicts)
{
	if (logged->log == CI_LOG_NONE)
		return;
	for (size_t i = 0; i < verdicts__count(verdicts) && logged->count < LINES_MAX; i++) {
		const struct verdict *verdict = verdicts__get(verdicts, i);
		struct line line = {.level = verdict->certainty == VERDICT_PROVEN ? "warning" : "notice"};

		if (verdict->run != tally->run.run || verdict->muted || !judged__shows(verdict))
			continue;
		text__printf(&line.title, "%s, %s", verdict_kind__name(verdict->kind),
			     verdict_certainty__name(verdict->certainty));
		text__cut(&line.text, verdict->evidence, COLUMNS_MAX);
		text__printf(&line.text, "\n%s", verdict->next);
		finish(out, logged, &line);
	}
}
