/* SPDX-License-Identifier: BSD-2-Clause */
/* The status for people and for programs, by its fields. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "core/base/base.h"
#include "core/format.h"
#include "core/status/status.h"
#include "core/text.h"

#define SECOND 1000000000ull
#define LABEL 26 /* columns */

/* ---- for people ---- */

static void put_moment(struct text *out, uint64_t ns)
{
	uint64_t now = clock__ns(CLOCK_REALTIME);
	char time[32] = "", age[FORMAT_SIZE];
	time_t seconds = ns / SECOND;
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &tm);
	text__printf(out, "%s, %s ago", time, format__duration(age, now > ns ? now - ns : 0));
}

static void put_value(struct text *out, const struct status_field *field, const void *of)
{
	const char *value = (const char *)of + field->offset;
	uint64_t number = field->type == STATUS_TEXT ? 0 : status_field__number(field, of);
	char figure[FORMAT_SIZE];

	switch (field->type) {
	case STATUS_TEXT:
		text__safe(out, value, strlen(value));
		break;
	case STATUS_COUNT:
		text__printf(out, "%" PRIu64, number);
		break;
	case STATUS_BYTES:
		text__printf(out, "%s", format__bytes(figure, number));
		break;
	case STATUS_TIME:
		if (number)
			put_moment(out, number);
		break;
	case STATUS_NS:
		text__printf(out, "%s", format__duration(figure, number));
		break;
	case STATUS_FLAG:
		text__printf(out, "%s", number ? "yes" : "no");
		break;
	}
}

/* Of what there is none, no line. */
static bool is_there(const struct status_field *field, const void *of)
{
	return field->type == STATUS_TEXT   ? *((const char *)of + field->offset)
	       : field->type == STATUS_TIME ? status_field__number(field, of) != 0
					    : true;
}

static void put_lines(struct text *out, const struct status_field *fields, const void *of)
{
	for (const struct status_field *field = fields; field->name; field++) {
		const struct status_field *limit = field->of ? status_field__find(fields, field->of) : NULL;

		if (!field->label || !is_there(field, of))
			continue;
		text__printf(out, "%-*s", LABEL, field->label);
		put_value(out, field, of);
		if (limit && status_field__number(limit, of)) {
			text__printf(out, " of ");
			put_value(out, limit, of);
		}
		text__printf(out, "\n");
	}
}

/* An array of structs as a table. */
struct rows {
	const struct status_field *fields;
	const char *all;
	size_t count, size;
};

static size_t put_cell(struct text *out, const struct rows *rows, const struct status_field *field, size_t row)
{
	size_t before = out->size;

	if (row)
		put_value(out, field, rows->all + (row - 1) * rows->size);
	else
		text__printf(out, "%s", field->label);
	return out->size - before;
}

static size_t width_of(const struct rows *rows, const struct status_field *field)
{
	size_t width = 0;

	for (size_t row = 0; row <= rows->count; row++) {
		struct text cell = {0};
		size_t length = put_cell(&cell, rows, field, row);

		width = length > width ? length : width;
		text__free(&cell);
	}
	return width;
}

/* One of texts that are all empty is not shown. */
static bool is_shown(const struct rows *rows, const struct status_field *field)
{
	bool shown = field->type != STATUS_TEXT;

	for (size_t i = 0; i < rows->count; i++)
		shown |= is_there(field, rows->all + i * rows->size);
	return shown && field->label;
}

static void put_table(struct text *out, const struct rows *rows)
{
	size_t width[16] = {0};

	if (!rows->count)
		return;
	for (size_t i = 0; rows->fields[i].name; i++)
		width[i] = is_shown(rows, &rows->fields[i]) ? width_of(rows, &rows->fields[i]) : 0;
	for (size_t row = 0; row <= rows->count; row++) {
		size_t blanks = 0;

		text__style(out, row ? TEXT_PLAIN : TEXT_BOLD);
		text__printf(out, "%s", row ? "" : "\n");
		for (size_t i = 0; rows->fields[i].name; i++) {
			if (!width[i])
				continue;
			text__printf(out, "%*s", (int)blanks, "");
			blanks = width[i] + 2 - put_cell(out, rows, &rows->fields[i], row);
		}
		text__printf(out, "\n");
	}
	text__style(out, TEXT_PLAIN);
}

void status_print__text(struct text *out, const struct status *status)
{
	const struct rows runs = {status__run_fields, (char *)status->runs, status->runs_count, sizeof(*status->runs)};
	const struct rows sinks = {status__sink_fields, (char *)status->sinks, status->sinks_count,
				   sizeof(*status->sinks)};

	put_lines(out, status__daemon_fields, &status->daemon);
	put_table(out, &runs);
	put_table(out, &sinks);
}

/* ---- for programs ---- */

static void put_string(struct text *out, const char *value)
{
	struct text safe = {0};

	if (!utf8__valid(value, strlen(value)))
		text__safe(&safe, value, strlen(value));
	if (json__put_utf8(&out->buffer, safe.data ? safe.data : value, safe.data ? safe.size : strlen(value)))
		out->error = -1;
	text__free(&safe);
}

static void put_time(struct text *out, uint64_t ns)
{
	time_t seconds = ns / SECOND;
	char time[40] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_string(out, time);
}

static void put_json_value(struct text *out, const struct status_field *field, const void *of)
{
	const char *value = (const char *)of + field->offset;

	if (!is_there(field, of))
		text__printf(out, "null");
	else if (field->type == STATUS_TEXT)
		put_string(out, value);
	else if (field->type == STATUS_TIME)
		put_time(out, status_field__number(field, of));
	else if (field->type == STATUS_FLAG)
		text__printf(out, "%s", status_field__number(field, of) ? "true" : "false");
	else
		text__printf(out, "%" PRIu64, status_field__number(field, of));
}

static void put_members(struct text *out, const struct status_field *field, const void *of, const char *mark)
{
	for (; field->name; field++, mark = ",") {
		text__printf(out, "%s\"%s\":", mark, field->name);
		put_json_value(out, field, of);
	}
}

static void put_array(struct text *out, const char *name, const struct rows *rows)
{
	text__printf(out, ",\n\"%s\":[", name);
	for (size_t i = 0; i < rows->count; i++) {
		text__printf(out, "%s\n{", i ? "," : "");
		put_members(out, rows->fields, rows->all + i * rows->size, "");
		text__printf(out, "}");
	}
	text__printf(out, "]");
}

void status_print__json(struct text *out, const struct status *status)
{
	const struct rows runs = {status__run_fields, (char *)status->runs, status->runs_count, sizeof(*status->runs)};
	const struct rows sinks = {status__sink_fields, (char *)status->sinks, status->sinks_count,
				   sizeof(*status->sinks)};

	text__printf(out, "{\"running\":true");
	put_members(out, status__daemon_fields, &status->daemon, ",");
	put_array(out, "runs", &runs);
	put_array(out, "sinks", &sinks);
	text__printf(out, "}\n");
}
