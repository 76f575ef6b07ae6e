/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields, and the text that goes over the socket: a line for each section, then its fields, each after a blank.
 *
 *	collector-status 1
 *	daemon
 *	 pid 4711
 *	run
 *	 run make-20260301T120000Z
 *	end
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/status/status.h"
#include "core/text.h"

#define FIRST_LINE "collector-status 1"
#define LAST_LINE "end"

#define FIELD(owner, member, type, ...)                                                                         \
	{                                                                                                       \
#member, type, offsetof(struct owner, member), sizeof(((struct owner *)0)->member), __VA_ARGS__ \
	}
#define DAEMON(member, ...) FIELD(status_daemon, member, __VA_ARGS__)
#define RUN(member, ...) FIELD(status_run, member, __VA_ARGS__)
#define SINK(member, ...) FIELD(status_sink, member, __VA_ARGS__)

const struct status_field status__daemon_fields[] = {
	DAEMON(version, STATUS_TEXT, "version", NULL),
	DAEMON(pid, STATUS_COUNT, "PID", NULL),
	DAEMON(since, STATUS_TIME, "running since", NULL),
	DAEMON(config, STATUS_TEXT, "configuration", NULL),
	DAEMON(rules, STATUS_COUNT, "rules", NULL),
	DAEMON(reloaded, STATUS_TIME, "last reload", NULL),
	DAEMON(refused, STATUS_TIME, "last refused reload", NULL),
	DAEMON(output, STATUS_TEXT, "output", NULL),
	DAEMON(recorder, STATUS_FLAG, "recorder answers", NULL),
	DAEMON(suspended, STATUS_FLAG, "stopped by limits.total", NULL),
	DAEMON(open, STATUS_COUNT, "open runs", "limit_open"),
	DAEMON(watched, STATUS_COUNT, "watched processes", NULL),
	DAEMON(kept, STATUS_COUNT, "runs on disk", "limit_runs"),
	DAEMON(disk_used, STATUS_BYTES, "disk used", "limit_total"),
	DAEMON(disk_free, STATUS_BYTES, "disk free", NULL),
	DAEMON(waits_for, STATUS_TEXT, "runs wait for sink", NULL),
	DAEMON(undelivered, STATUS_COUNT, "removed undelivered", NULL),
	DAEMON(followers, STATUS_TEXT, NULL, NULL),
	DAEMON(over_limit, STATUS_COUNT, "runs beyond limits", NULL),
	DAEMON(unrecorded, STATUS_COUNT, "runs that failed to open", NULL),
	DAEMON(dropped, STATUS_COUNT, "events not written", NULL),
	DAEMON(disk_error, STATUS_TEXT, "error of the disk", NULL),
	DAEMON(limit_run, STATUS_BYTES, NULL, NULL),
	DAEMON(limit_total, STATUS_BYTES, NULL, NULL),
	DAEMON(limit_age, STATUS_NS, NULL, NULL),
	DAEMON(limit_runs, STATUS_COUNT, NULL, NULL),
	DAEMON(limit_runs_per_user, STATUS_COUNT, NULL, NULL),
	DAEMON(limit_open, STATUS_COUNT, NULL, NULL),
	DAEMON(limit_open_per_user, STATUS_COUNT, NULL, NULL),
	{.name = NULL},
};

const struct status_field status__run_fields[] = {
	RUN(run, STATUS_TEXT, "RUN", NULL),
	RUN(name, STATUS_TEXT, NULL, NULL),
	RUN(uid, STATUS_COUNT, "UID", NULL),
	RUN(began, STATUS_TIME, NULL, NULL),
	RUN(wall_ns, STATUS_NS, "WALL", NULL),
	RUN(watched, STATUS_COUNT, "NOW", NULL),
	RUN(processes, STATUS_COUNT, "PROCESSES", NULL),
	RUN(bytes, STATUS_BYTES, "SIZE", NULL),
	RUN(lost, STATUS_COUNT, "LOST", NULL),
	{.name = NULL},
};

const struct status_field status__sink_fields[] = {
	SINK(sink, STATUS_TEXT, "SINK", NULL),
	SINK(follower, STATUS_TEXT, "FOLLOWER", NULL),
	SINK(saved, STATUS_TIME, "SAVED", NULL),
	SINK(delivered_runs, STATUS_COUNT, "DELIVERED", NULL),
	SINK(undelivered_runs, STATUS_COUNT, "RUNS LEFT", NULL),
	SINK(undelivered_bytes, STATUS_BYTES, "LEFT", NULL),
	SINK(why, STATUS_TEXT, "WHY", NULL),
	{.name = NULL},
};

uint64_t status_field__number(const struct status_field *field, const void *of)
{
	uint64_t number;

	memcpy(&number, (const char *)of + field->offset, sizeof(number));
	return number;
}

const struct status_field *status_field__find(const struct status_field *fields, const char *name)
{
	while (fields->name && strcmp(fields->name, name))
		fields++;
	return fields->name ? fields : NULL;
}

void status__free(struct status *status)
{
	free(status->runs);
	free(status->sinks);
	*status = (struct status){0};
}

/* ---- writing ---- */

/* A path may have a line break; here it is shown as such no more. */
static void put_line(struct text *out, const char *value)
{
	for (; *value; value++)
		text__put(out, *value == '\n' ? "?" : value, 1);
}

static void put_section(struct text *out, const char *name, const struct status_field *field, const void *of)
{
	text__printf(out, "%s\n", name);
	for (; field->name; field++) {
		text__printf(out, " %s ", field->name);
		if (field->type == STATUS_TEXT)
			put_line(out, (const char *)of + field->offset);
		else
			text__printf(out, "%" PRIu64, status_field__number(field, of));
		text__put(out, "\n", 1);
	}
}

void status__write(struct text *out, const struct status *status)
{
	text__printf(out, FIRST_LINE "\n");
	put_section(out, "daemon", status__daemon_fields, &status->daemon);
	for (size_t i = 0; i < status->runs_count; i++)
		put_section(out, "run", status__run_fields, &status->runs[i]);
	for (size_t i = 0; i < status->sinks_count; i++)
		put_section(out, "sink", status__sink_fields, &status->sinks[i]);
	text__printf(out, LAST_LINE "\n");
}

/* ---- reading ---- */

/* The section that the next lines belong to. */
struct section {
	const struct status_field *fields; /* NULL: of a later version */
	void *of;
};

static void *append(void *array, size_t *count, size_t size, void **added)
{
	char *more = reallocarray(array, *count + 1, size);

	if (!more)
		return NULL;
	*added = memset(more + (*count)++ * size, 0, size);
	return more;
}

static int begin(struct section *section, struct status *status, const char *name)
{
	void *more = status;

	*section = (struct section){0};
	if (!strcmp(name, "daemon")) {
		*section = (struct section){status__daemon_fields, &status->daemon};
	} else if (!strcmp(name, "run")) {
		section->fields = status__run_fields;
		more = append(status->runs, &status->runs_count, sizeof(*status->runs), &section->of);
		status->runs = more ? more : status->runs;
	} else if (!strcmp(name, "sink")) {
		section->fields = status__sink_fields;
		more = append(status->sinks, &status->sinks_count, sizeof(*status->sinks), &section->of);
		status->sinks = more ? more : status->sinks;
	}
	return more ? 0 : -ENOMEM;
}

/* Unknown fields are a later version's. */
static void take_field(const struct section *section, char *line)
{
	char *value = strchr(line, ' '), *to;
	const struct status_field *field;
	uint64_t number;

	if (!value || !section->fields)
		return;
	*value++ = '\0';
	field = status_field__find(section->fields, line);
	if (!field)
		return;
	to = (char *)section->of + field->offset;
	if (field->type == STATUS_TEXT) {
		size_t length = strnlen(value, field->size - 1);

		memcpy(to, value, length);
		to[length] = '\0';
	} else {
		number = strtoull(value, NULL, 10);
		memcpy(to, &number, sizeof(number));
	}
}

int status__read(struct status *status, char *text)
{
	char *save, *line = strtok_r(text, "\n", &save);
	struct section section = {0};
	int err = 0;

	*status = (struct status){0};
	if (!line || strcmp(line, FIRST_LINE))
		return -EBADMSG;
	while ((line = strtok_r(NULL, "\n", &save)) && !err) {
		if (!strcmp(line, LAST_LINE))
			return 0;
		if (*line == ' ')
			take_field(&section, line + 1);
		else
			err = begin(&section, status, line);
	}
	status__free(status);
	return err ? err : -EBADMSG;
}
