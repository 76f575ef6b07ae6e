/* SPDX-License-Identifier: BSD-2-Clause */
/* What is missing from a run's record. */
#include "sinks/model/losses.h"

#include <errno.h>
#include <string.h>

#include "core/format.h"
#include "sinks/model/model.h"

/* ---- reading ---- */

static void copy(char *to, size_t size, const struct value *value)
{
	size_t n = value->type == VALUE_STRING ? value->length : 0;

	if (n > size - 1)
		n = size - 1;
	if (n)
		memcpy(to, value->string, n);
	to[n] = '\0';
}

static void add(struct losses *losses, const struct record_lost *lost)
{
	struct loss *loss = NULL;
	size_t i;

	for (i = 0; i < losses->count; i++) {
		loss = &losses->all[i];
		if (!strcmp(loss->lost.stream_lost, lost->stream_lost) && !strcmp(loss->lost.cause, lost->cause) &&
		    !strcmp(loss->lost.event_lost, lost->event_lost))
			break;
	}
	if (i == losses->count) {
		if (i == LOSSES_MAX)
			return;
		loss = &losses->all[losses->count++];
		loss->lost = *lost;
		loss->lost.count = 0;
	}
	if (EVENT_IS_NULL(lost->count))
		loss->uncounted = true;
	else
		loss->lost.count += lost->count;
	if (lost->since < loss->lost.since)
		loss->lost.since = lost->since;
	if (lost->head.ts > loss->lost.head.ts)
		loss->lost.head.ts = lost->head.ts;
}

void losses__take(struct losses *losses, const struct record *record)
{
	struct record_lost lost = {.head.ts = record->ts};
	struct value values[SCHEMA_FIELDS_MAX];
	static const struct {
		const char *name;
		size_t offset, size; /* size 0: a number */
	} fields[] = {
		{"stream_lost", offsetof(struct record_lost, stream_lost), sizeof(lost.stream_lost)},
		{"event_lost", offsetof(struct record_lost, event_lost), sizeof(lost.event_lost)},
		{"cause", offsetof(struct record_lost, cause), sizeof(lost.cause)},
		{"count", offsetof(struct record_lost, count), 0},
		{"since", offsetof(struct record_lost, since), 0},
	};

	if (record->event->fields_count > SCHEMA_FIELDS_MAX || record__values(record, values))
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		int field = stream_event__field(record->event, fields[i].name);
		char *to = (char *)&lost + fields[i].offset;
		uint64_t number;

		if (field < 0)
			continue;
		number = values[field].type == VALUE_UINT ? values[field].u : EVENT_NULL(EVENT_REASON_NONE);
		if (fields[i].size)
			copy(to, fields[i].size, &values[field]);
		else
			memcpy(to, &number, sizeof(number));
	}
	add(losses, &lost);
}

void losses__ended(struct losses *losses, const struct stream_info *info, const struct stream_state *stream)
{
	if (stream->complete || stream->life == STREAM_RUNNING)
		return;
	for (size_t i = 0; i < losses->count; i++)
		if (!strcmp(losses->all[i].lost.stream_lost, info->stream) &&
		    !strcmp(losses->all[i].lost.cause, "truncated"))
			return;
	if (losses->open_count < LOSSES_STREAMS)
		losses->open[losses->open_count++] = info->stream;
}

/* ---- reporting ---- */

static const char *cause_of(const char *cause)
{
	static const struct {
		const char *cause, *text;
	} texts[] = {
		{"ring_full", "the ring was full"},
		{"recursion", "the kernel skipped the program"},
		{"scope_full", "the table of watched processes was full"},
		{"unseen", "the kernel did not show it"},
		{"disk_full", "the disk was full"},
		{"limit", "a limit of the configuration was reached"},
		{"EIO", "the disk failed"},
		{"damage", "the file is damaged"},
		{"truncated", "the file ends early"},
		{"missing", "the file is missing"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(cause, texts[i].cause))
			return texts[i].text;
	return cause;
}

static uint64_t since_begin(const struct model_run *run, uint64_t ts)
{
	return ts > run->first_ts ? ts - run->first_ts : 0;
}

static void say(struct text *line, const struct loss *loss, const struct model_run *run)
{
	char count[FORMAT_SIZE], from[FORMAT_SIZE], to[FORMAT_SIZE];
	const struct record_lost *lost = &loss->lost;
	const char *cause = cause_of(lost->cause);

	text__safe(line, lost->stream_lost, strlen(lost->stream_lost));
	if (*lost->event_lost) {
		text__printf(line, ".");
		text__safe(line, lost->event_lost, strlen(lost->event_lost));
	}
	text__printf(line, ": ");
	if (lost->count || !loss->uncounted)
		text__printf(line, "%s%s record%s lost", loss->uncounted ? "more than " : "",
			     format__count(count, lost->count), lost->count == 1 ? "" : "s");
	else
		text__printf(line, "an unknown number of records lost");
	format__duration(from, since_begin(run, lost->since));
	format__duration(to, since_begin(run, lost->head.ts));
	if (strcmp(from, to))
		text__printf(line, " between +%s and +%s: ", from, to);
	else
		text__printf(line, " at +%s: ", to);
	text__safe(line, cause, strlen(cause));
}

/* Passes the line on, unless out of memory, and frees it. */
static int hand_out(struct text *line, int (*take)(void *arg, const char *safe), void *arg)
{
	int err = line->error ? line->error : take(arg, line->data);

	text__free(line);
	return err;
}

/* Said once for the run, with the reason. */
static bool is_of_crash(const struct loss *loss, const struct model_run *run)
{
	return run->life == STREAM_CRASHED && !strcmp(loss->lost.cause, "truncated");
}

const char *losses__crash(const struct losses *losses)
{
	static const char *const disk[] = {"disk_full", "EIO"};

	for (size_t i = 0; i < losses->count; i++)
		for (size_t k = 0; k < sizeof(disk) / sizeof(*disk); k++)
			if (!strcmp(losses->all[i].lost.cause, disk[k]))
				return cause_of(disk[k]);
	return "the collector was killed, or could not write";
}

static void say_crash(struct text *line, const struct losses *losses, const struct model_run *run)
{
	char end[FORMAT_SIZE];

	text__printf(line, "%s", losses__crash(losses));
	if (run->begun)
		text__printf(line, ": its record ends at +%s", format__duration(end, since_begin(run, run->last_ts)));
}

int losses__each(const struct losses *losses, const struct model_run *run, int (*line)(void *arg, const char *safe),
		 void *arg)
{
	static const char *const streams[MODEL_SOURCES] = {
		[MODEL_LIFECYCLE] = "lifecycle", [MODEL_CPU] = "cpu", [MODEL_MEM] = "mem", [MODEL_IO] = "io"};
	char number[FORMAT_SIZE];
	struct text text = {0};
	int err = 0;

	model_run__clients(run, &text);
	if (text.size || text.error) {
		text__printf(&text, ": only the client was seen, not what its server did for it outside of the run");
		err = hand_out(&text, line, arg);
	}
	if (run->life == STREAM_CRASHED && !err) {
		say_crash(&text, losses, run);
		err = hand_out(&text, line, arg);
	}
	for (size_t i = 0; i < losses->count && !err; i++) {
		if (is_of_crash(&losses->all[i], run))
			continue;
		say(&text, &losses->all[i], run);
		err = hand_out(&text, line, arg);
	}
	for (size_t i = 0; run->life != STREAM_CRASHED && i < losses->open_count && !err; i++) {
		text__safe(&text, losses->open[i], strlen(losses->open[i]));
		text__printf(&text, ": has no end: the collector was killed, could not write, or still runs");
		err = hand_out(&text, line, arg);
	}
	for (int i = 0; i < MODEL_SOURCES && !err; i++) {
		if (!run->endless[i] || run->life == STREAM_RUNNING) /* still to come */
			continue;
		text__printf(&text, "%s: the end of %s process%s is missing, which other streams have", streams[i],
			     format__count(number, run->endless[i]), run->endless[i] == 1 ? "" : "es");
		err = hand_out(&text, line, arg);
	}
	if (run->unmatched && !err) {
		text__printf(&text, "%s exit records belong to a process that is not known",
			     format__count(number, run->unmatched));
		err = hand_out(&text, line, arg);
	}
	return err;
}

uint64_t losses__count(const struct losses *losses)
{
	uint64_t count = 0;

	for (size_t i = 0; i < losses->count; i++)
		count += losses->all[i].lost.count;
	return count;
}
