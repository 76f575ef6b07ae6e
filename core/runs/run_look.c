/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the header and the last blocks of a stream. */
#include "core/runs/run_look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/runs/run_job.h"
#include "core/text.h"

#define WHOLE_BYTES (256U << 10) /* of a stream that is read to its end: longer ones have no counts */
#define JOB_RECORDS 64		 /* in which the first program of a job is */

/* Of the records read: the first one's process, and its end. */
struct seen {
	uint32_t pid;
	uint64_t start, last_ts, last_exit;
	uint64_t exits, nonzero, exit_code, signal;
	struct run_tasks tasks;
};

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int)size - 1, text ? text : "");
}

static void put_header(struct listed *run, const struct stream_info *info)
{
	const char *const *command = info->run.command;
	struct text text = {0};
	size_t used = 0;

	copy(run->name, sizeof(run->name), info->run.name);
	copy(run->host, sizeof(run->host), info->host);
	copy(run->version, sizeof(run->version), info->collector);
	copy(run->job, sizeof(run->job), info->run.job);
	run->uid = info->run.uid;
	run->began_ns = info->real_ns;
	for (size_t i = 0; info->run.tags && info->run.tags[i] && used < sizeof(run->tags); i++)
		used += snprintf(run->tags + used, sizeof(run->tags) - used, "%s\n", info->run.tags[i]);
	for (size_t i = 0; command && command[i] && text.size < sizeof(run->command); i++) {
		text__printf(&text, "%s", i ? " " : "");
		text__argument(&text, command[i], strlen(command[i]));
	}
	copy(run->command, sizeof(run->command), text.data);
	run->timed = command && *command && !strcmp(basename(*command), "timeout");
	text__free(&text);
}

/* An event that says how a process ended: the one with an exit code. */
static void see_exit(struct seen *seen, const struct record *record, int code_field, int signal_field)
{
	struct value values[SCHEMA_FIELDS_MAX];
	bool coded, killed;

	if (record__values(record, values))
		return;
	coded = values[code_field].type == VALUE_UINT;
	killed = values[signal_field].type == VALUE_UINT;
	seen->exits++;
	seen->nonzero += killed || (coded && values[code_field].u);
	if (record->ts > seen->last_exit)
		seen->last_exit = record->ts;
	if (record->pid != seen->pid || record->start != seen->start)
		return;
	seen->exit_code = coded ? values[code_field].u : EVENT_NULL(EVENT_REASON_NONE);
	seen->signal = killed ? values[signal_field].u : EVENT_NULL(EVENT_REASON_NONE);
}

static void see(struct seen *seen, const struct record *record)
{
	int code = stream_event__field(record->event, "exit_code"),
	    number = stream_event__field(record->event, "signal");

	if (record->kind < SCHEMA_KIND_BASE)
		return;
	if (record->ts > seen->last_ts)
		seen->last_ts = record->ts;
	run_tasks__see(&seen->tasks, record);
	if (code >= 0 && number >= 0)
		see_exit(seen, record, code, number);
}

/* Of a run of the daemon its first program says it, or one of the next, if that is a batch system's. */
static void find_daemon_job(struct listed *run, struct seen *seen, struct stream_reader *reader, struct record *record)
{
	bool starter = run_job__is_starter(record);

	run_job__find(run->job, record);
	for (int i = 0; starter && !*run->job && i < JOB_RECORDS && stream_reader__next(reader, record) == 1; i++) {
		see(seen, record);
		run_job__find(run->job, record);
	}
}

/* Of what only carries a job, what it starts: that is at the beginning. */
static void see_tasks(struct seen *seen, struct stream_reader *reader, struct record *record)
{
	uint64_t done = 0, total;

	while (seen->tasks.pid && done < WHOLE_BYTES && stream_reader__next(reader, record) == 1) {
		see(seen, record);
		stream_reader__progress(reader, &done, &total);
	}
}

static bool find_event(struct stream_reader *reader, struct record *record)
{
	while (stream_reader__next(reader, record) == 1)
		if (record->kind >= SCHEMA_KIND_BASE)
			return true;
	return false;
}

/* The last block of the segment before the last one; -1: that is the first one. */
static void see_before(struct seen *seen, struct stream_reader *first, int *fd)
{
	struct stream_reader *before = first;
	struct record record;
	struct error err;

	if (*fd >= 0) {
		int code = stream_reader__open_fd(&before, *fd, "", &err);

		*fd = -1; /* it is the reader's, also if that fails */
		if (code)
			return;
	}
	if (!stream_reader__skip_to_last(before))
		while (stream_reader__next(before, &record) == 1)
			see(seen, &record);
	if (before != first)
		stream_reader__close(before);
}

/* The stream of ends has the run's first process first. Of a longer one only the last block follows: of `last`, which may be
 * another segment. If nothing came after that was begun, of the one before. */
static void put_ends(struct listed *run, struct stream_reader *reader, struct stream_reader *last, int *before,
		     bool whole)
{
	struct seen seen = {.exit_code = EVENT_NULL(EVENT_REASON_LOST), .signal = EVENT_NULL(EVENT_REASON_LOST)};
	const struct stream_state *state = stream_reader__state(last);
	const struct stream_info *info = stream_reader__info(reader);
	struct record record;
	uint64_t began = 0;

	if (find_event(reader, &record)) {
		seen.pid = record.pid;
		seen.start = record.start;
		/* an existing process has no begin in the run */
		began = record.start >= (uint64_t)info->boot_ns && record.start < record.ts ? record.start : record.ts;
		run->began_ns = record.real_ns - (record.ts - began);
		run_tasks__begin(&seen.tasks, &info->run, &record);
		see(&seen, &record);
		find_daemon_job(run, &seen, reader, &record);
	}
	if (!whole)
		see_tasks(&seen, reader, &record);
	if (!whole && stream_reader__skip_to_last(last))
		return;
	while (stream_reader__next(last, &record) == 1)
		see(&seen, &record);
	if (last != reader && !seen.last_exit)
		see_before(&seen, reader, before);
	if (!began)
		return;
	if (state->life == STREAM_RUNNING)
		seen.last_ts = state->until_ns;
	else if (seen.last_exit)
		seen.last_ts = seen.last_exit;
	run->wall_ns = seen.last_ts - began;
	run->exit_code = seen.exit_code;
	run->signal = seen.signal;
	run_tasks__end(&seen.tasks, whole, *run->job, &run->exit_code, &run->signal);
	if (whole && !state->lost && !state->uncounted) {
		run->processes = seen.exits;
		run->nonzero = seen.nonzero;
	}
}

static bool has_ends(const struct stream_info *info)
{
	for (uint32_t kind = SCHEMA_KIND_BASE; kind < info->events_count; kind++)
		if (info->events[kind].name && stream_event__field(&info->events[kind], "exit_code") >= 0)
			return true;
	return false;
}

static struct stream_reader *open_reader(struct listed *run, int fd)
{
	struct stream_reader *reader;
	struct error err;

	if (!stream_reader__open_fd(&reader, fd, "", &err))
		return reader;
	copy(run->why, sizeof(run->why), err.text);
	return NULL;
}

static enum stream_life life_of(const struct stream_reader *last)
{
	return stream_reader__goes_on(last) ? STREAM_UNKNOWN : stream_reader__state(last)->life;
}

static uint32_t count_streams(const struct stream_info *info)
{
	uint32_t count = 0;

	while (info->streams && info->streams[count])
		count++;
	return count;
}

void run__look(struct listed *run, const struct run_file *file)
{
	struct record record;
	struct stat st;
	bool whole = file->last < 0 && !fstat(file->fd, &st) && st.st_size <= WHOLE_BYTES, ends;
	struct stream_reader *reader = open_reader(run, file->fd);
	struct stream_reader *last = file->last < 0 ? reader : open_reader(run, file->last);
	int before = file->before;

	if (reader && last) {
		ends = has_ends(stream_reader__info(reader));
		if (!run->read || ends)
			put_header(run, stream_reader__info(reader));
		if (ends)
			put_ends(run, reader, last, &before, whole);
		else if (!stream_reader__skip_to_last(last))
			while (stream_reader__next(last, &record) == 1)
				;
		run->life = stream_life__of_both(run->read ? run->life : STREAM_ENDED, life_of(last));
		run->read = true;
		run->streams++;
		run->recorded = count_streams(stream_reader__info(reader));
	}
	stream_reader__close(reader);
	if (last != reader)
		stream_reader__close(last);
	if (before >= 0)
		close(before);
}
