/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns what the user selects into tables that are cheap to apply to each record. */
#include "core/merge/merge.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/base.h"
#include "core/opt.h"

#define SECOND 1000000000LL

/* "2026-03-01T12:00:00.5+01:00" as nanoseconds since 1970. */
static bool parse_rfc3339(const char *text, int64_t *ns)
{
	int64_t fraction = 0, unit = SECOND, offset = 0;
	struct tm tm = {0};
	int hours, minutes, length = 0;
	const char *at;

	at = strptime(text, "%Y-%m-%d", &tm);
	if (!at || !*at || !strchr("Tt ", *at))
		return false;
	at = strptime(at + 1, "%H:%M:%S", &tm);
	if (!at)
		return false;
	if (*at == '.')
		for (at++; isdigit((unsigned char)*at); at++, unit /= 10)
			fraction += (*at - '0') * (unit / 10);
	if (*at == 'Z' || *at == 'z') {
		at++;
	} else {
		if (sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &length) != 2 || length != 5 || !strchr("+-", *at))
			return false;
		offset = (hours * 3600 + minutes * 60) * (*at == '-' ? -1 : 1);
		at += 1 + length;
	}
	*ns = (timegm(&tm) - offset) * SECOND + fraction;
	return !*at;
}

struct moment {
	bool given, relative;
	int64_t ns;
};

static int parse_moment(const char *option, const char *text, struct moment *moment, struct error *err)
{
	static const struct opt duration = {"offset", OPT_DURATION, 0, NULL, 0, 0, NULL};
	struct error why;
	char seconds[64];
	uint64_t ns;

	if (!text)
		return 0;
	moment->given = true;
	if (parse_rfc3339(text, &moment->ns))
		return 0;
	moment->relative = true;
	snprintf(seconds, sizeof(seconds), "%ss", text);
	if (opt__set(&duration, &ns, text[strspn(text, "0123456789")] ? text : seconds, &why) || ns > INT64_MAX)
		return error__set(err, -EINVAL,
				  "%s: \"%s\" is not a time: write one such as 2026-03-01T12:00:00Z, or an offset "
				  "from the run's start such as 90s or 5m",
				  option, text);
	moment->ns = ns;
	return 0;
}

/* A run starts when the first of its streams does. */
static int64_t run__start(const struct merge *merge, const char *id)
{
	int64_t start = INT64_MAX;
	const struct stream_info *info;
	size_t i;

	for (i = 0; i < merge__streams(merge); i++) {
		info = merge__info(merge, i);
		if (!strcmp(info->run.id, id) && info->real_ns < start)
			start = info->real_ns;
	}
	return start;
}

static int64_t moment__at(const struct moment *moment, int64_t start, int64_t none)
{
	int64_t at;

	if (!moment->given)
		return none;
	if (!moment->relative)
		return moment->ns;
	return __builtin_add_overflow(start, moment->ns, &at) ? INT64_MAX : at;
}

/* "exit", "lifecycle.exit" or "lifecycle" */
static bool event__matches(const struct stream_event *event, const char *name)
{
	size_t stream = strlen(event->stream);

	if (!strcmp(name, event->name) || !strcmp(name, event->stream))
		return true;
	return !strncmp(name, event->stream, stream) && name[stream] == '.' && !strcmp(name + stream + 1, event->name);
}

/* Marks the events that `name` selects in every stream. */
static int filter__event(struct filter *filter, const struct merge *merge, const char *name, struct error *err)
{
	struct nearest nearest = {.name = name};
	const struct stream_info *info;
	const struct stream_event *event;
	char full[160];
	bool found = false;
	size_t i, kind;

	for (i = 0; i < filter->count; i++) {
		info = merge__info(merge, i);
		for (kind = 0; kind < info->events_count; kind++) {
			event = &info->events[kind];
			if (!event->name)
				continue;
			if (event__matches(event, name))
				found = filter->streams[i].kinds[kind] = true;
			else if (!found && kind >= SCHEMA_KIND_BASE) {
				snprintf(full, sizeof(full), "%s.%s", event->stream, event->name);
				nearest__offer(&nearest, full);
				nearest__offer(&nearest, event->name);
			}
		}
	}
	if (found)
		return 0;
	error__set(err, 0, "--event: no stream has \"%s\"", name);
	nearest__append(&nearest, err);
	return -EINVAL;
}

static int filter__events(struct filter *filter, const struct merge *merge, const char *const *events,
			  struct error *err)
{
	size_t i;
	int rc;

	if (!events || !*events)
		return 0;
	for (i = 0; i < filter->count; i++) {
		filter->streams[i].kinds = calloc(merge__info(merge, i)->events_count, sizeof(bool));
		if (!filter->streams[i].kinds)
			return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	}
	for (; *events; events++) {
		rc = filter__event(filter, merge, *events, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int filter__runs(struct filter *filter, const struct merge *merge, const char *const *runs, struct error *err)
{
	struct nearest nearest;
	const char *id;
	bool found;
	size_t i;

	for (i = 0; i < filter->count; i++)
		filter->streams[i].wanted = !runs || !*runs;
	for (; runs && *runs; runs++) {
		nearest = (struct nearest){.name = *runs};
		found = false;
		for (i = 0; i < filter->count; i++) {
			id = merge__info(merge, i)->run.id;
			if (!strcmp(id, *runs))
				found = filter->streams[i].wanted = true;
			else if (!i || strcmp(id, merge__info(merge, i - 1)->run.id))
				nearest__offer(&nearest, id);
		}
		if (!found) {
			error__set(err, 0, "--run: no stream belongs to a run \"%s\"", *runs);
			nearest__append(&nearest, err);
			return -EINVAL;
		}
	}
	return 0;
}

int filter__init(struct filter *filter, struct merge *merge, const struct filter_opts *opts, struct error *err)
{
	struct moment since = {0}, until = {0};
	int64_t start;
	size_t i;
	int rc;

	*filter = (struct filter){.count = merge__streams(merge)};
	filter->first = filter->count ? merge__info(merge, 0)->index : 0;
	filter->streams = calloc(filter->count ? filter->count : 1, sizeof(*filter->streams));
	if (!filter->streams)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	rc = parse_moment("--since", opts->since, &since, err);
	if (!rc)
		rc = parse_moment("--until", opts->until, &until, err);
	if (!rc)
		rc = filter__runs(filter, merge, opts->runs, err);
	if (!rc)
		rc = filter__events(filter, merge, opts->events, err);
	for (i = 0; i < filter->count && !rc; i++) {
		start = run__start(merge, merge__info(merge, i)->run.id);
		filter->streams[i].since = moment__at(&since, start, INT64_MIN);
		filter->streams[i].until = moment__at(&until, start, INT64_MAX);
		merge__select(merge, i, filter->streams[i].kinds);
	}
	return rc;
}

void filter__free(struct filter *filter)
{
	size_t i;

	for (i = 0; filter->streams && i < filter->count; i++)
		free(filter->streams[i].kinds);
	free(filter->streams);
	*filter = (struct filter){0};
}
