/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree as one JSON object: a value that is not known is null, and `missing` says why. */
#include "sinks/top/view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* An object that is being written, and the reasons of its nulls. */
struct object {
	struct text *out;
	struct text missing;
	const char *comma;
};

static struct object object__begin(struct text *out)
{
	text__put(out, "{", 1);
	return (struct object){.out = out, .comma = ""};
}

static void object__end(struct object *object)
{
	if (object->missing.size)
		text__printf(object->out, ",\"missing\":{%s}", object->missing.data);
	text__put(object->out, "}", 1);
	object->out->error = object->out->error ? object->out->error : object->missing.error;
	text__free(&object->missing);
}

static void put_key(struct object *object, const char *key)
{
	text__printf(object->out, "%s\"%s\":", object->comma, key);
	object->comma = ",";
}

static void put_null(struct object *object, const char *key, unsigned reason)
{
	text__printf(object->out, "null");
	if (reason == EVENT_REASON_NONE) /* it does not apply */
		return;
	text__printf(&object->missing, "%s\"%s\":\"%s\"", object->missing.size ? "," : "", key,
		     model_reason__name(reason));
}

static void put_number(struct object *object, const char *key, uint64_t value)
{
	put_key(object, key);
	if (EVENT_IS_NULL(value))
		put_null(object, key, EVENT_NULL_REASON(value));
	else
		text__printf(object->out, "%" PRIu64, value);
}

/* Thousandths. */
static void put_milli(struct object *object, const char *key, uint64_t milli)
{
	put_key(object, key);
	if (EVENT_IS_NULL(milli))
		put_null(object, key, EVENT_NULL_REASON(milli));
	else
		text__printf(object->out, "%" PRIu64 ".%03" PRIu64, milli / 1000, milli % 1000);
}

static void put_bytes(struct object *object, const char *key, const char *bytes, size_t length)
{
	put_key(object, key);
	if (!bytes)
		text__printf(object->out, "null");
	else if (json__put_bytes(&object->out->buffer, bytes, length))
		object->out->error = -ENOMEM;
}

static void put_string(struct object *object, const char *key, const char *string)
{
	put_bytes(object, key, string, string ? strlen(string) : 0);
}

static void put_model_text(struct object *object, const char *key, const struct model_text *text)
{
	if (!text->data) {
		put_key(object, key);
		put_null(object, key, text->reason);
		return;
	}
	put_bytes(object, key, text->data, text->length);
}

static void put_figures(struct object *object, const struct live_node *node)
{
	const struct live_figures *own = &node->own;

	put_number(object, "age_ns", node->age_ns);
	put_number(object, "cpu_ns", own->cpu_ns);
	put_milli(object, "cpus", own->cpu_milli);
	put_number(object, "rss_bytes", own->rss_bytes);
	put_number(object, "read_bytes_per_second", own->read_rate);
	put_number(object, "write_bytes_per_second", own->written_rate);
}

static void put_counts(struct object *object, const struct live_node *node)
{
	put_number(object, "running", node->running);
	put_number(object, "ended", node->ended);
	put_number(object, "failed", node->failed);
}

static void put_command(struct object *object, const struct model_row *row)
{
	static const struct model_text absent = {.reason = MODEL_REASON_ABSENT};
	const struct model_command *command = row->command;
	struct text text = {0};

	text__whole_command(&text, command, row->comm, row->forked);
	put_bytes(object, "command", text.data ? text.data : "", text.size);
	put_model_text(object, "exe", command ? &command->exe : &absent);
	put_model_text(object, "cwd", command ? &command->cwd : &absent);
	text__free(&text);
}

static void put_process(struct text *out, const struct live_node *node)
{
	const struct model_live *live = &node->live;
	const struct model_row *row = live->row;
	struct object object = object__begin(out);
	char state[2] = {live->state, '\0'};

	put_number(&object, "pid", row->pid);
	put_number(&object, "start", row->start);
	put_number(&object, "ppid", row->ppid);
	put_number(&object, "parent_start", row->parent_start);
	put_string(&object, "comm", row->comm);
	put_command(&object, row);
	put_key(&object, "state");
	if (live->state && utf8__valid(state, 1))
		json__put_utf8(&out->buffer, state, 1);
	else
		put_null(&object, "state",
			 EVENT_IS_NULL(live->threads) ? EVENT_NULL_REASON(live->threads) : MODEL_REASON_ABSENT);
	put_number(&object, "threads", live->threads);
	put_string(&object, "step", row->task ? row->task->step : NULL);
	put_string(&object, "tag", row->task ? row->task->tag : NULL);
	put_string(&object, "id", row->task ? row->task->id : NULL);
	put_figures(&object, node);
	put_number(&object, "read_bytes", live->io[MODEL_IO_READ_BYTES]);
	put_number(&object, "write_bytes", live->io[MODEL_IO_WRITE_BYTES]);
	put_number(&object, "read_chars", live->io[MODEL_IO_READ_CHARS]);
	put_number(&object, "write_chars", live->io[MODEL_IO_WRITE_CHARS]);
	object__end(&object);
}

static void put_task(struct text *out, const struct live_node *node)
{
	struct object object = object__begin(out);

	put_string(&object, "tag", node->task->tag);
	put_string(&object, "id", node->task->id);
	put_number(&object, "processes", node->running);
	put_figures(&object, node);
	object__end(&object);
}

typedef void (*put_node)(struct text *out, const struct live_node *node);

/* The nodes of a kind in `in`, at any depth, as an array. */
static void put_all(struct object *object, const char *key, const struct live_node *in, enum live_kind kind,
		    put_node put)
{
	const struct live_node *end = live_node__next(in, true);
	const char *comma = "";

	put_key(object, key);
	text__put(object->out, "[", 1);
	for (const struct live_node *node = in->first; node && node != end; node = live_node__next(node, false)) {
		if (node->kind != kind || (kind == LIVE_TASK && !node->running))
			continue;
		text__printf(object->out, "%s\n", comma);
		put(object->out, node);
		comma = ",";
	}
	text__put(object->out, "]", 1);
}

static void put_step(struct text *out, const struct live_node *node)
{
	struct object object = object__begin(out);

	put_string(&object, "step", node->step);
	put_counts(&object, node);
	put_figures(&object, node);
	put_all(&object, "tasks", node, LIVE_TASK, put_task);
	object__end(&object);
}

static void put_run(struct text *out, const struct live_node *node)
{
	const struct totals_run *totals = &((const struct live_run *)node->run->user)->totals;
	const struct stream_info *info = node->run->info;
	struct object object = object__begin(out);

	put_string(&object, "run", info->run.id);
	put_string(&object, "name", info->run.name);
	put_string(&object, "host", info->host);
	put_string(&object, "state", stream_life__name(node->run->life));
	put_counts(&object, node);
	put_number(&object, "hidden", totals->hidden);
	put_number(&object, "lost", losses__count(&totals->losses));
	put_figures(&object, node);
	put_all(&object, "steps", node, LIVE_STEP, put_step);
	put_all(&object, "processes", node, LIVE_PROCESS, put_process);
	object__end(&object);
}

static void put_verdict(struct text *out, const struct verdict_found *verdict, const char *evidence)
{
	struct object object = object__begin(out);

	put_string(&object, "kind", verdict_kind__name(verdict->kind));
	put_string(&object, "certainty", verdict_certainty__name(verdict->certainty));
	put_number(&object, "pid", verdict->pid);
	put_number(&object, "start", verdict->start);
	put_number(&object, "since", verdict->since_ns);
	put_bytes(&object, "evidence", evidence, verdict->length);
	object__end(&object);
}

int json__put(struct text *out, const struct live_tree *tree, const struct buffer *found)
{
	struct verdict_found verdict;
	const char *comma = "", *evidence;
	size_t at = 0;

	text__printf(out, "{\"runs\":[");
	for (const struct live_node *run = tree->runs; run; run = run->next, comma = ",") {
		text__printf(out, "%s\n", comma);
		put_run(out, run);
	}
	text__printf(out, "],\"verdicts\":[");
	for (comma = ""; (evidence = verdict_found__next(found, &at, &verdict)); comma = ",") {
		text__printf(out, "%s\n", comma);
		put_verdict(out, &verdict, evidence);
	}
	text__printf(out, "]}\n");
	return out->error;
}
