/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that failed, and whose last words are that there is no room on a disk. No record has the error of a write itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sinks/detector/detector.h"
#include "sinks/model/ending.h"

#define MARK_WROTE_LITTLE 1
#define LITTLE_BYTES 4096 /* not more than messages take */

/* What was said may come after the row: the verdict is made when there is reason for it, and kept if the text says so. */
static int judge(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct draft draft;

	(void)track;
	if (!model_outcome__bad(row->outcome) || row->propagated || row->benign || row->outcome == MODEL_OOM)
		return 0;
	draft = draft__new(VERDICT_DISK_FULL, VERDICT_LIKELY, row);
	draft.since_ns = draft.ended_ns = row->ended_ns;
	draft.mark = row->io[MODEL_IO_WRITE_CHARS] <= LITTLE_BYTES && !row->io_partial ? MARK_WROTE_LITTLE : 0;
	text__process(&draft.evidence, row);
	text__printf(&draft.evidence, " failed, and ");
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

/* The last place; NULL: none. */
static const char *find(const char *text, size_t length, const char *sought)
{
	const char *last = NULL;
	size_t size = strlen(sought);

	for (; length >= size; text++, length--)
		if (!strncasecmp(text, sought, size))
			last = text;
	return last;
}

static const char *later(const char *a, const char *b)
{
	return !a || (b && b > a) ? b : a;
}

/* Where a text says it last, also in the language of the collector; NULL: nowhere. */
static const char *find_any(const char *text, size_t length)
{
	const char *at = later(find(text, length, strerror(ENOSPC)), find(text, length, strerror(EDQUOT)));

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		at = later(at, find(text, length, words[i]));
	return at;
}

#define LAST_LINES 4

static bool is_indented(const char *line)
{
	return *line == ' ' || *line == '\t';
}

/* Whether a line only says that it ends, or where: R, Go, tar, Rust. */
static bool is_closing(const char *line, size_t size)
{
	static const char *const closing[] = {"Calls: ", "Execution halted", "exit status ",
					      "exiting", "aborted",	     "note: "};

	for (size_t i = 0; i < sizeof(closing) / sizeof(*closing); i++)
		if (find(line, size, closing[i]))
			return true;
	return false;
}

/* Lines after it; what is indented belongs to the line before. `others`: without those that only say that it ends. */
static uint32_t count_after(const char *text, size_t length, const char *line, size_t size, bool others)
{
	const char *end = text + length, *at = line + size, *next;
	uint32_t after = 0;

	for (; at && at + 1 < end; at = next) {
		next = memchr(at + 1, '\n', (size_t)(end - at - 1));
		if (!is_indented(at + 1) && at[1] != '\n' &&
		    !(others && is_closing(at + 1, (size_t)((next ? next : end) - at - 1))))
			after++;
	}
	return after;
}

/* Whether the line is of the last ones, and is not quoted by a later one. Where the program has written little, and said
 * something else after it, it may quote what it has read: "history: job 17: No space left on device". */
static bool is_last_word(const struct verdict *verdict, const struct model_said *said, const char *line, size_t size)
{
	uint32_t after = count_after(said->text, said->length, line, size, false);

	if (verdict->mark == MARK_WROTE_LITTLE && count_after(said->text, said->length, line, size, true))
		return false;
	return after <= LAST_LINES && !(after && is_indented(line));
}

/* The same error of what is on no disk: tables of the kernel. */
static bool is_of_kernel(const char *line, size_t size)
{
	static const char *const tables[] = {
		"semaphore", "semget",	      "inotify", "shmget", "shared memory segment",
		"msgget",    "message queue", "cgroup",
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (find(line, size, tables[i]))
			return true;
	return false;
}

/* Whether nothing comes after the line. */
static bool is_last_line(const char *text, size_t length, const char *line, size_t size)
{
	while (length && text[length - 1] == '\n')
		length--;
	return line + size >= text + length;
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

/* What it said or, if nothing of that is known, the nearest of those that passed its failure on to the run's end and have
 * words: what it wrote to a pipe may be in the file of one of them. */
static const struct model_said *words_of(const struct verdict *verdict)
{
	const struct model_said *own = model_run__said(verdict->run, verdict->pid, verdict->start), *above = NULL,
				*said;
	const struct model_ending *e = verdict->run->ending;

	if (own && own->text)
		return own;
	for (; e && (e->row.pid != verdict->pid || e->row.start != verdict->start); e = e->cause) {
		said = model_run__said(verdict->run, e->row.pid, e->row.start);
		above = said && said->text ? said : above;
	}
	return e ? above : NULL;
}

static int confirm(struct verdict *verdict)
{
	const struct model_said *said = words_of(verdict);
	struct text text = {0};
	const char *line = NULL;
	size_t size = 0;

	if (said)
		line = line_of(said->text, said->length, &size);
	verdict->dropped = !line || is_of_kernel(line, size);
	if (verdict->dropped)
		return 0;
	if (!is_last_word(verdict, said, line, size))
		verdict->certainty = VERDICT_SUSPECTED;
	text__printf(&text, "%s%s: ", verdict->evidence,
		     said->pid != verdict->pid				  ? "what passed that on has written"
		     : is_last_line(said->text, said->length, line, size) ? "its last words are"
									  : "one of its last lines is");
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
			.certainty = "likely; suspected if it said more after that, or quoted it",
			.text = "a process failed, and said that there is no space left, or that its quota is used up",
		},
	.row = judge,
	.finish = confirm_all,
};
