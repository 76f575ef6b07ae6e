/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts for a sink that has no model of its own. */
#include "sinks/judging/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps.h"

struct judge {
	const struct sink_api *api;
	const char *name;
	struct steps *steps;
	struct model *model;
	struct verdicts *verdicts;
	uint32_t streams;
};

static int on_row(void *arg, const struct model_row *row)
{
	return verdicts__row(((struct judge *)arg)->verdicts, row);
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	return verdicts__hidden(((struct judge *)arg)->verdicts, row, pid, by);
}

static int on_retried(void *arg, const struct model_row *row)
{
	return verdicts__retried(((struct judge *)arg)->verdicts, row);
}

static int on_ignored(void *arg, const struct model_row *row)
{
	return verdicts__ignored(((struct judge *)arg)->verdicts, row);
}

int judge__open(struct judge **judge, const struct sink_api *api, const char *name)
{
	static const struct model_calls calls = {
		.row = on_row, .hidden = on_hidden, .retried = on_retried, .ignored = on_ignored};
	struct judge *made = calloc(1, sizeof(*made));
	struct error err;
	int rc;

	error__set(&err, 0, "not enough memory");
	rc = made ? steps__load("auto", &made->steps, &err) : -ENOMEM;
	if (!rc) {
		made->api = api;
		made->name = name;
		made->model = model__new(&calls, made, made->steps);
		made->verdicts = verdicts__new();
		rc = made->model && made->verdicts ? 0 : -ENOMEM;
	}
	if (rc) {
		api->log(LOG_ERROR, "%s: %s", name, err.text);
		judge__free(made);
		return rc;
	}
	verdicts__of_model(made->verdicts, made->model);
	*judge = made;
	return 0;
}

int judge__stream(struct judge *judge, const struct stream_info *info)
{
	int err = judge ? verdicts__stream(judge->verdicts, info) : 0;

	if (!judge)
		return 0;
	if (info->index >= judge->streams)
		judge->streams = info->index + 1;
	return err ? err : model__stream(judge->model, info);
}

int judge__record(struct judge *judge, const struct record *record)
{
	int err = judge ? verdicts__record(judge->verdicts, record) : 0;

	return err || !judge ? err : model__feed(judge->model, record);
}

void judge__ended(struct judge *judge, const struct stream_info *info, const struct stream_state *state)
{
	if (judge)
		model__ended(judge->model, info, state);
}

/* ---- records ---- */

struct verdict_event {
	struct event head;
	char kind[32], certainty[16];
	__u64 since, ended;
	struct event_string texts[7];
};

#define TEXT(i, name, help) FIELD_AS(struct verdict_event, texts[i], name, NULL, help)

static const struct schema_field verdict_fields[] = {
	FIELD(struct verdict_event, kind, NULL, "what is wrong"),
	FIELD(struct verdict_event, certainty, NULL, "proven or likely"),
	TEXT(0, "command", "of the process"),
	TEXT(1, "step", "of the pipeline"),
	FIELD(struct verdict_event, since, "ns", "boot clock: since when it holds"),
	FIELD(struct verdict_event, ended, "ns", "boot clock: until when; null: it still holds"),
	TEXT(2, "evidence", "one sentence with names and numbers"),
	TEXT(3, "refute", "what would prove it wrong"),
	TEXT(4, "next", "what to do"),
	TEXT(5, "members", "the processes and threads involved"),
	TEXT(6, "evidence_missing", "what could not be looked at, and why"),
	{.name = NULL},
};
#define FIELDS (sizeof(verdict_fields) / sizeof(*verdict_fields) - 1)

static const struct schema_event verdict_schema = {
	.name = "verdict", .help = "what is wrong", .fields = verdict_fields, .size = sizeof(struct verdict_event)};

/* A stream that no file has. */
struct own_stream {
	struct stream_info info;
	struct stream_event events[SCHEMA_KIND_BASE + 1];
	struct stream_field fields[FIELDS];
	uint64_t seq;
	const struct model_run *run;
};

static void open_own(struct own_stream *own, const struct judge *judge, const struct model_run *run)
{
	memset(own, 0, sizeof(*own));
	own->run = run;
	own->info = *run->info;
	own->info.index = judge->streams + (uint32_t)run->index;
	own->info.stream = "verdicts";
	own->info.events = own->events;
	own->info.events_count = SCHEMA_KIND_BASE + 1;
	for (size_t i = 0; i < FIELDS; i++)
		own->fields[i] = (struct stream_field){verdict_fields[i].name, verdict_fields[i].unit,
						       verdict_fields[i].help, verdict_fields[i].type};
	own->events[SCHEMA_KIND_BASE] = (struct stream_event){.name = verdict_schema.name,
							      .help = verdict_schema.help,
							      .stream = own->info.stream,
							      .fields_count = FIELDS,
							      .fields = own->fields};
}

static int put_texts(struct buffer *event, const struct verdict *verdict)
{
	const char *const texts[] = {verdict->command, verdict->step,	 verdict->evidence, verdict->refute,
				     verdict->next,    verdict->members, verdict->missing};
	int err = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && !err; i++) {
		struct event_string at = {(__u32)event->size, texts[i] ? (__u32)strlen(texts[i]) : 0,
					  texts[i] ? EVENT_REASON_NONE : EVENT_NOT_APPLICABLE};

		err = texts[i] ? buffer__append(event, texts[i], at.length) : 0;
		((struct verdict_event *)event->data)->texts[i] = at;
	}
	return err;
}

/* As a probe would pack it, and a reader reads it. */
static int pass(struct own_stream *own, const struct verdict *verdict,
		int (*take)(void *arg, const struct record *record), void *arg)
{
	struct verdict_event head = {.head = {.ts = verdict->since_ns,
					      .start = verdict->start,
					      .pid = verdict->pid,
					      .tid = verdict->pid,
					      .run = own->run->number},
				     .since = verdict->since_ns,
				     .ended = EVENT_IS_NULL(verdict->ended_ns) ? EVENT_NULL(EVENT_REASON_NONE)
									       : verdict->ended_ns};
	struct record record = {.info = &own->info, .event = &own->events[SCHEMA_KIND_BASE], .added = true};
	struct buffer event = {0}, packed = {0};
	int err;

	strcpy(head.kind, verdict_kind__name(verdict->kind));
	strcpy(head.certainty, verdict_certainty__name(verdict->certainty));
	err = buffer__append(&event, &head, sizeof(head));
	if (!err)
		err = put_texts(&event, verdict);
	if (!err)
		err = record__pack(&packed, &verdict_schema, SCHEMA_KIND_BASE, own->seq++, (const void *)event.data,
				   event.size, NULL);
	if (!err) {
		record__head(packed.data, packed.size, &record);
		record.real_ns = own->run->real_ns + (int64_t)(verdict->since_ns - own->run->first_ts);
		err = take(arg, &record);
	}
	buffer__free(&event);
	buffer__free(&packed);
	return err;
}

const struct verdicts *judge__settle(struct judge *judge)
{
	int err = verdicts__settle(judge->verdicts);

	if (!err)
		err = model__finish(judge->model);
	if (!err)
		err = verdicts__finish(judge->verdicts);
	return err ? NULL : judge->verdicts;
}

int judge__finish(struct judge *judge, int (*take)(void *arg, const struct record *record), void *arg)
{
	struct own_stream *own = calloc(model__runs(judge->model) + 1, sizeof(*own));
	int err = own && judge__settle(judge) ? 0 : -ENOMEM;

	for (size_t i = 0; i < model__runs(judge->model) && !err; i++)
		open_own(&own[i], judge, model__run(judge->model, i));
	for (size_t i = 0; !err && i < verdicts__count(judge->verdicts); i++) {
		const struct verdict *verdict = verdicts__get(judge->verdicts, i);

		if (verdict->certainty < VERDICT_LIKELY || verdict->muted)
			continue;
		if (!take && judge->api->verdict)
			judge->api->verdict(judge->api, verdict_kind__name(verdict->kind),
					    verdict->certainty == VERDICT_PROVEN, verdict->evidence);
		if (take)
			err = pass(&own[verdict->run->index], verdict, take, arg);
	}
	free(own);
	if (err && err != -EPIPE)
		judge->api->log(LOG_ERROR, "%s: %s", judge->name, strerror(-err));
	return err;
}

void judge__free(struct judge *judge)
{
	if (!judge)
		return;
	verdicts__free(judge->verdicts);
	model__free(judge->model);
	steps__free(judge->steps);
	free(judge);
}
