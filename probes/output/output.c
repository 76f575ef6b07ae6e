/* SPDX-License-Identifier: BSD-2-Clause */
/* The output probe: what a process that failed wrote last to its descriptor 2, what a task's script begins with, and what its
 * engine says of it. */
#include "core/probe.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/output/engine_log.h"
#include "probes/output/output.h"
#include "probes/output/output.skel.h"
#include "probes/output/seen.h"

_Static_assert(sizeof(struct output_text) == 32 + 2 * 8 + 2 * 4 + 2 * 12, "fields without gaps");
_Static_assert(sizeof(struct output_head) == 32 + 8 + 2 * 12, "fields without gaps");
_Static_assert(sizeof(struct output_log) == 32 + 2 * 8 + 3 * 12 + 4, "fields without gaps");
_Static_assert(sizeof(struct output_tail) == 32 + 8 + OUTPUT_BYTES, "layout shared with BPF");

struct output_conf {
	bool files, writes;
	struct opt_list task_files, task_heads, engine_logs;
};

static const struct opt options[] = {
	OPT(struct output_conf, files, OPT_BOOL, "true", 0, 0,
	    "read the end of the file that is a process's standard error, when it fails"),
	OPT(struct output_conf, task_files, OPT_LIST, ".command.err", 0, 0,
	    "files in the folder of a task, for the process that a workflow engine started there, where it fails"),
	OPT(struct output_conf, task_heads, OPT_LIST, ".command.run", 0, 0,
	    "files in the folder of a task that name it in their first KiB, read when a program gets one as an argument"),
	OPT(struct output_conf, engine_logs, OPT_LIST, "snakemake=.snakemake/log", 0, 0,
	    "PROGRAM=FOLDER of workflow engines: the file there that one has open is read as it starts programs"),
	OPT(struct output_conf, writes, OPT_BOOL, "false", 0, 0,
	    "record what is written to pipes and terminals; slows down every system call of the machine a little"),
	{0},
};

static const char *source_name(uint64_t source)
{
	return source == OUTPUT_FILE ? "file" : "write";
}

static const struct schema_field text_fields[] = {
	FIELD(struct output_text, fd, NULL, "the descriptor: 2"),
	FIELD(struct output_text, bytes, "bytes", "of the text, before redaction"),
	FIELD(struct output_text, cut, NULL, "bytes that were written before the text"),
	FIELD_NAME(struct output_text, source, "source", source_name, "file (read at the exit), or write"),
	FIELD(struct output_text, text, NULL, "the last lines"),
	FIELD(struct output_text, path, NULL, "the file; null: it was written to something else"),
	{0},
};

static const struct schema_field head_fields[] = {
	FIELD(struct output_head, bytes, "bytes", "of the text, before redaction"),
	FIELD(struct output_head, text, NULL, "what the file begins with"),
	FIELD(struct output_head, path, NULL, "the file"),
	{0},
};

static const struct schema_field log_fields[] = {
	FIELD(struct output_log, bytes, "bytes", "of the text, before redaction"),
	FIELD(struct output_log, log_bytes, "bytes", "of the log that were read by then"),
	FIELD(struct output_log, text, NULL, "whole lines, those that came since the event before"),
	FIELD(struct output_log, engine, NULL, "its name, by the option engine_logs"),
	FIELD(struct output_log, path, NULL, "the folder"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(OUTPUT_TEXT, struct output_text, "text", "what a process that failed wrote last", text_fields,
	      .flags = SCHEMA_SPARSE),
	EVENT(OUTPUT_HEAD, struct output_head, "head",
	      "what a file of a task begins with, at the exec that gets it as an argument", head_fields,
	      .flags = SCHEMA_SPARSE | SCHEMA_ARGS),
	EVENT(OUTPUT_LOG, struct output_log, "log",
	      "what a workflow engine has logged when it starts a program, which may be a job that the log names",
	      log_fields, .flags = SCHEMA_SPARSE | SCHEMA_ARGS),
};

struct output {
	const struct core_api *api;
	const struct output_conf *conf;
	struct engines engines;
	struct {
		union {
			struct event any;
			struct output_text event;
			struct output_head head;
			struct output_log log;
		};
		char text[OUTPUT_BYTES];
		char path[PATH_MAX], engine[ENGINE_NAME_MAX];
	} out;
};

/* From the begin of an event. */
#define TEXT_AT (offsetof(struct output, out.text) - offsetof(struct output, out))

/* The first line of a text whose beginning is cut is left out: a secret is found by what stands before it. */
static void skip_cut_line(const char **text, size_t *size)
{
	const char *end = *text + *size, *at = *text;

	while (at < end && *at != '\n' && *at != '\r')
		at++;
	at += at < end;
	*size = end - at;
	*text = at;
}

/* An event without a text. */
static struct output_text *begin(struct output *o, const struct event *head, enum output_source source)
{
	struct output_text *e = &o->out.event;

	*e = (struct output_text){
		.head = *head,
		.fd = 2,
		.source = source,
		.path = {.reason = EVENT_NOT_APPLICABLE},
	};
	e->head.kind = OUTPUT_TEXT;
	return e;
}

static void put_text(struct output *o, const char *text, size_t size, uint64_t cut)
{
	struct output_text *e = &o->out.event;
	size_t whole = size;

	if (cut)
		skip_cut_line(&text, &size);
	memcpy(o->out.text, text, size);
	e->bytes = size;
	e->cut = cut + (whole - size);
	e->text = (struct event_string){.offset = TEXT_AT, .length = size};
}

static void put_nothing(struct output *o, enum event_reason reason)
{
	struct output_text *e = &o->out.event;

	e->bytes = e->cut = EVENT_NULL(reason);
	e->text = (struct event_string){.reason = reason};
}

/* After the text. Returns the event, complete. */
static const struct event *put_path(struct output *o, struct event_string *to, const char *path, size_t *size)
{
	size_t length = strnlen(path, sizeof(o->out.path));

	*to = (struct event_string){.offset = offsetof(struct output, out.path) - offsetof(struct output, out),
				    .length = length};
	memcpy(o->out.path, path, length);
	*size = to->offset + length;
	return &o->out.any;
}

/* From the BPF program: the process has failed. */
static const struct event *output__event(void *state, struct event *event, size_t *size)
{
	const struct output_tail *tail = (const struct output_tail *)event;
	char text[OUTPUT_BYTES];
	struct output_text *e;
	size_t at, first;
	uint64_t kept;

	if (event->kind != OUTPUT_TAIL || *size < sizeof(*tail))
		return event;
	kept = tail->written < OUTPUT_BYTES ? tail->written : OUTPUT_BYTES;
	at = (tail->written - kept) % OUTPUT_BYTES;
	first = OUTPUT_BYTES - at;
	if (first > kept)
		first = kept;
	memcpy(text, tail->bytes + at, first);
	memcpy(text + first, tail->bytes, kept - first);
	e = begin(state, event, OUTPUT_WRITE);
	put_text(state, text, kept, tail->written - kept);
	*size = TEXT_AT + e->text.length;
	return &e->head;
}

/* ---- files, read by the keeper ---- */

static enum event_reason reason_of(int error)
{
	switch (-error) {
	case ENOENT: /* removed, renamed */
	case ENOTDIR:
	case ELOOP:
	case ESTALE: /* another file, or it was truncated */
		return EVENT_REASON_GONE;
	case EACCES:
	case EPERM:
		return EVENT_REASON_DENIED;
	case EAGAIN: /* the keeper has too much to do, or does not answer, or was killed */
	case ETIMEDOUT:
	case EPIPE:
	case ENOMEM:
		return EVENT_REASON_LOST;
	default:
		return EVENT_REASON_FAULT;
	}
}

/* It is from the time of the exec: readers know the file before the programs that follow. */
static const struct event *answer_head(struct output *o, const struct probe_answer *answer, struct event head,
				       size_t *size)
{
	struct output_head *e = &o->out.head;
	size_t length = answer->size < OUTPUT_HEAD_BYTES ? answer->size : OUTPUT_HEAD_BYTES;

	if (answer->error == -ENOENT) /* the argument was of another folder, or no file */
		return NULL;
	head.kind = OUTPUT_HEAD;
	head.ts = answer->ask->ts;
	*e = (struct output_head){.head = head, .bytes = length};
	e->text = (struct event_string){.offset = TEXT_AT, .length = length};
	if (answer->error) {
		e->bytes = EVENT_NULL(reason_of(answer->error));
		e->text = (struct event_string){.reason = reason_of(answer->error)};
	}
	memcpy(o->out.text, answer->text, e->text.length);
	return put_path(o, &e->path, answer->ask->path, size);
}

/* After the text and the path. Returns the event, complete. */
static const struct event *put_engine(struct output *o, const struct engine *engine, const char *path, size_t *size)
{
	struct output_log *e = &o->out.log;
	const struct event *event = put_path(o, &e->path, path, size);
	size_t length = strcspn(engine->name, "=");

	e->engine = (struct event_string){.offset = *size, .length = length};
	memcpy((char *)&o->out + *size, engine->name, length);
	*size += length;
	return event;
}

/* It has ended, or writes no log. */
static bool is_gone(int error)
{
	return error == -ESRCH || reason_of(error) == EVENT_REASON_GONE;
}

/* Its time, as it was asked, is just before the exec: what the engine had written by then says which job it is. */
static const struct event *answer_log(struct output *o, const struct probe_answer *answer, struct event head,
				      size_t *size)
{
	struct engine *engine = engine_log__find(&o->engines, answer->ask->pid, answer->ask->start);
	const char *text = answer->text;
	struct output_log *e = &o->out.log;
	size_t length;

	if (!engine)
		return NULL;
	if (is_gone(answer->error) && engine_log__ask_last(&o->engines, engine, answer->ask))
		return NULL;
	length = answer->error ? 0 : engine_log__take(engine, &text, answer->size, OUTPUT_BYTES);
	engine->asked = false;
	if (!answer->error)
		engine_log__ask_more(&o->engines, engine, answer->ask, answer->size == OUTPUT_BYTES);
	if (answer->error ? engine->failed || is_gone(answer->error) : !length)
		return NULL;
	engine->failed = answer->error;
	head.kind = OUTPUT_LOG;
	head.ts = answer->ask->ts;
	*e = (struct output_log){.head = head, .bytes = length, .log_bytes = engine->offset};
	e->text = (struct event_string){.offset = TEXT_AT, .length = length};
	if (answer->error) {
		e->bytes = EVENT_NULL(reason_of(answer->error));
		e->text = (struct event_string){.reason = reason_of(answer->error)};
	}
	memcpy(o->out.text, text, length);
	return put_engine(o, engine, answer->ask->path, size);
}

static const struct event *output__answer(void *state, const struct probe_answer *answer, size_t *size)
{
	const struct probe_ask *ask = answer->ask;
	const struct event head = {
		.ts = answer->ts,
		.start = ask->start,
		.pid = ask->pid,
		.tid = ask->pid,
		.run = ask->run,
	};
	struct output *o = state;

	if (ask->what == PROBE_ASK_HEAD)
		return answer_head(o, answer, head, size);
	if (ask->what == PROBE_ASK_LOG || ask->what == PROBE_ASK_LAST)
		return answer_log(o, answer, head, size);
	if (answer->error ? !ask->inode : !answer->size) /* such a file need not be there */
		return NULL;
	begin(o, &head, OUTPUT_FILE);
	if (answer->error || answer->size > OUTPUT_BYTES)
		put_nothing(o, reason_of(answer->error));
	else
		put_text(o, answer->text, answer->size, answer->skipped);
	return put_path(o, &o->out.event.path, ask->path, size);
}

static void ask_in(struct output *o, struct probe_ask ask, const char *folder, size_t length, const char *name)
{
	char path[PATH_MAX];

	ask.path = path;
	if (length < sizeof(path) &&
	    snprintf(path, sizeof(path), "%.*s/%s", (int)length, folder, name) < (int)sizeof(path))
		o->api->ask(o->api, &ask); /* more than can be asked now are left out */
}

static void ask_for_heads(struct output *o, const struct schema_event *schema, const struct event *event, size_t size)
{
	struct probe_ask ask = {
		.what = PROBE_ASK_HEAD, .run = event->run, .pid = event->pid, .start = event->start, .ts = event->ts};
	const struct opt_list *names = &o->conf->task_heads;
	size_t length = 0, folder_length = 0;
	const char *args = seen__find(schema, event, size, "args", &length);
	const char *folder = seen__find(schema, event, size, "cwd", &folder_length);

	for (size_t i = 0; i < names->n && args && folder; i++)
		if (seen__has_file(args, length, names->items[i]))
			ask_in(o, ask, folder, folder_length, names->items[i]);
}

/* Where the errors of a process that has failed are: the keeper reads them soon. */
static const struct event *failed(struct output *o, const struct schema_event *schema, const struct event *event,
				  size_t *size)
{
	struct probe_ask ask = {.what = PROBE_ASK_TAIL, .run = event->run, .pid = event->pid, .start = event->start};
	const struct opt_list *names = &o->conf->task_files;
	size_t length = 0, folder_length = 0;
	const char *map = seen__find(schema, event, *size, "stderr", &length);
	const char *folder = seen__find(schema, event, *size, "cwd", &folder_length);
	char path[PATH_MAX], number[24];
	int err = 0;

	if (!o->conf->files)
		return NULL;
	for (size_t i = 0; i < names->n && folder && seen__number(schema, event, "programs"); i++)
		ask_in(o, ask, folder, folder_length, names->items[i]);
	ask.path = seen__item(map, length, "path", path, sizeof(path));
	ask.device = strtoull(seen__item(map, length, "device", number, sizeof(number)), NULL, 10);
	ask.inode = strtoull(seen__item(map, length, "inode", number, sizeof(number)), NULL, 10);
	ask.offset = strtoull(seen__item(map, length, "offset", number, sizeof(number)), NULL, 10);
	ask.end = strtoull(seen__item(map, length, "size", number, sizeof(number)), NULL, 10);
	if (*path == '/' && ask.offset < ask.end)
		err = o->api->ask(o->api, &ask);
	else if (*path == '/' && ask.offset > ask.end) /* it was truncated */
		err = -ESTALE;
	if (!err)
		return NULL;
	begin(o, event, OUTPUT_FILE);
	put_nothing(o, reason_of(err));
	return put_path(o, &o->out.event.path, path, size);
}

static const struct event *output__seen(void *state, const struct schema_event *schema, const struct event *event,
					size_t *size)
{
	struct output *o = state;

	if (schema->role != SCHEMA_EXEC)
		return failed(o, schema, event, size);
	if (*o->api->events >> OUTPUT_HEAD & 1)
		ask_for_heads(o, schema, event, *size);
	if (*o->api->events >> OUTPUT_LOG & 1)
		engine_log__see(&o->engines, schema, event, *size);
	return NULL;
}

/* ---- begin and end ---- */

/* Without `writes` nothing is loaded into the kernel but the two maps, which are as small as can be. */
static int load_nothing(struct bpf_object *object)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		bpf_program__set_autoload(prog, false);
	}
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "tails"), 1);
}

static bool has_writes(const struct output *o)
{
	return o->conf->writes && !o->api->lent;
}

static const char *const *output__unavailable(void *state)
{
	static const char *const without_writes[] = {"text.source: file only, without the option writes", NULL};

	return has_writes(state) ? without_writes + 1 : without_writes;
}

static bool is_name(const char *item)
{
	return *item && !strchr(item, '/');
}

static int check(const struct core_api *api, const char *option, const struct opt_list *list,
		 bool (*is)(const char *item), const char *what)
{
	for (size_t i = 0; i < list->n; i++) {
		if (is(list->items[i]))
			continue;
		api->log(LOG_ERROR, "output: %s: \"%s\" is not %s", option, list->items[i], what);
		return -EINVAL;
	}
	return 0;
}

static int output__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	struct output *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	*state = o;
	o->api = api;
	o->conf = conf;
	o->engines.api = api;
	o->engines.logs = &o->conf->engine_logs;
	if (o->conf->writes && api->lent)
		api->log(LOG_WARN, "output: writes: not with file capabilities");
	if (check(api, "task_files", &o->conf->task_files, is_name, "the name of a file") ||
	    check(api, "task_heads", &o->conf->task_heads, is_name, "the name of a file") ||
	    check(api, "engine_logs", &o->conf->engine_logs, engine_log__is_valid,
		  "PROGRAM=FOLDER, with a folder below the working one"))
		return -EINVAL;
	return has_writes(o) ? 0 : load_nothing(object);
}

PROBE(output, "the last lines of standard error of every process that failed", events, .options = options,
      .conf_size = sizeof(struct output_conf), .ring_bytes = 512 << 10, .open = output__open, .close = free,
      .unavailable = output__unavailable, .event = output__event, .seen = output__seen, .answer = output__answer);
