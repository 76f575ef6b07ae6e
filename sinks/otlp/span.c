/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans: of a run, its tasks, and its processes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sinks/otlp/otlp.h"

#define S 1000000000LL
#define LONG_NS (1 * S) /* a process that is sent in any case */

enum {
	SPAN_TRACE_ID = 1,
	SPAN_SPAN_ID = 2,
	SPAN_TRACE_STATE = 3,
	SPAN_PARENT_ID = 4,
	SPAN_NAME = 5,
	SPAN_KIND = 6,
	SPAN_START = 7,
	SPAN_END = 8,
	SPAN_ATTRIBUTE = 9,
	SPAN_STATUS = 15,
	SPAN_FLAGS = 16,
};
enum { STATUS_MESSAGE = 2, STATUS_CODE = 3, STATUS_ERROR = 2 };
enum { KIND_INTERNAL = 1, KIND_SERVER = 2 };

#define FLAG_HAS_REMOTE 0x100
#define FLAG_REMOTE 0x200

int64_t otlp__time(const struct model_run *run, uint64_t boot_ns)
{
	return run->real_ns + (int64_t)(boot_ns - run->first_ts);
}

/* ---- what all have ---- */

struct span {
	const struct otlp *otlp;
	const struct model_run *run;
	uint8_t id[SPAN_ID], parent[SPAN_ID];
	bool has_parent, remote; /* remote: the parent is another program's */
	unsigned kind;
	uint64_t began_ns, ended_ns; /* boot clock */
};

static void put_head(struct buffer *out, const struct span *span, const char *name, size_t length)
{
	const struct otlp_env *env = &span->otlp->env;
	const struct otlp_run *run = span->run->user;
	uint64_t ended = EVENT_IS_NULL(span->ended_ns) ? span->run->last_ts : span->ended_ns;

	proto__bytes(out, SPAN_TRACE_ID, run->trace_id, TRACE_ID);
	proto__bytes(out, SPAN_SPAN_ID, span->id, SPAN_ID);
	if (env->state)
		proto__string(out, SPAN_TRACE_STATE, env->state);
	if (span->has_parent)
		proto__bytes(out, SPAN_PARENT_ID, span->parent, SPAN_ID);
	proto__text(out, SPAN_NAME, name, length);
	proto__uint(out, SPAN_KIND, span->kind);
	proto__fixed64(out, SPAN_START, (uint64_t)otlp__time(span->run, span->began_ns));
	proto__fixed64(out, SPAN_END, (uint64_t)otlp__time(span->run, ended > span->began_ns ? ended : span->began_ns));
	proto__fixed32(out, SPAN_FLAGS, env->flags | FLAG_HAS_REMOTE | (span->remote ? FLAG_REMOTE : 0));
}

static void put_error(struct buffer *out, const char *message)
{
	size_t open = proto__open(out, SPAN_STATUS);

	if (message)
		proto__text(out, STATUS_MESSAGE, message, strlen(message));
	proto__uint(out, STATUS_CODE, STATUS_ERROR);
	proto__close(out, open);
}

static void put_figures(struct buffer *out, uint64_t cpu_ns, uint64_t peak_bytes, const uint64_t *io)
{
	attribute__seconds(out, SPAN_ATTRIBUTE, "collector.cpu.time", cpu_ns);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.memory.peak", peak_bytes);
	if (!io)
		return;
	attribute__int(out, SPAN_ATTRIBUTE, "collector.io.read", io[MODEL_IO_READ_CHARS]);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.io.write", io[MODEL_IO_WRITE_CHARS]);
}

/* The reasons why figures are not there. */
static void put_missing(struct buffer *out, uint64_t cpu_ns, uint64_t peak_bytes, uint64_t io)
{
	const struct {
		const char *name;
		uint64_t value;
	} figures[] = {{"cpu.time", cpu_ns}, {"memory.peak", peak_bytes}, {"io", io}};
	char text[256];
	int n = 0;

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (EVENT_IS_NULL(figures[i].value))
			n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s: %s", n ? ", " : "", figures[i].name,
				      model_reason__name(EVENT_NULL_REASON(figures[i].value)));
	if (n)
		attribute__bytes(out, SPAN_ATTRIBUTE, "collector.missing", text, (size_t)n);
}

static int send_span(struct otlp *otlp, const struct model_run *run)
{
	const struct otlp_run *own = run->user;

	return outbox__add(otlp->outbox, OTLP_TRACES, &own->head, &otlp->item);
}

/* ---- a process ---- */

bool otlp__wants(const struct otlp *otlp, const struct model_row *row)
{
	if (row->outcome == MODEL_RUNNING)
		return false;
	return otlp->all || model_outcome__bad(row->outcome) ||
	       (!EVENT_IS_NULL(row->wall_ns) && row->wall_ns >= LONG_NS);
}

/* Its task; with all processes, the process that started it; else the run. */
static void set_parent(struct span *span, const struct model_row *row)
{
	const struct otlp_run *run = row->run->user;
	const struct model_task *task = row->task;
	bool inside = task && (task->pid != row->pid || task->start != row->start);

	if (span->otlp->all && row->depth > 0 && (inside || !task) && !EVENT_IS_NULL(row->parent_start))
		otlp_id__process(row->run, row->ppid, row->parent_start, span->parent);
	else if (task)
		otlp_id__task(task, span->parent);
	else
		memcpy(span->parent, run->span_id, SPAN_ID);
	span->has_parent = true;
}

static void put_creation(struct buffer *out, const struct model_row *row)
{
	int64_t at = otlp__time(row->run, row->start);
	time_t seconds = (time_t)(at / S);
	char text[64];
	struct tm tm;
	int n;

	if (at < 0 || !gmtime_r(&seconds, &tm))
		return;
	n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ", tm.tm_year + 1900, tm.tm_mon + 1,
		     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (long long)(at % S));
	attribute__bytes(out, SPAN_ATTRIBUTE, "process.creation.time", text, (size_t)n);
}

/* How it ended; a killed one has no exit code. */
static void put_end(struct buffer *out, const struct model_row *row)
{
	char code[16];

	if (row->outcome != MODEL_KILLED && row->outcome != MODEL_OOM)
		attribute__int(out, SPAN_ATTRIBUTE, "process.exit.code", row->exit_code);
	attribute__string(out, SPAN_ATTRIBUTE, "collector.outcome", model_outcome__name(row->outcome));
	if (!model_outcome__bad(row->outcome))
		return;
	snprintf(code, sizeof(code), "exit %" PRIu32, model_row__status(row));
	attribute__string(out, SPAN_ATTRIBUTE, "error.type",
			  row->outcome == MODEL_FAILED ? code + 5
			  : row->outcome == MODEL_OOM  ? "oom"
						       : row->signal_name);
	put_error(out, row->outcome == MODEL_FAILED ? code
		       : row->outcome == MODEL_OOM  ? "out of memory"
						    : row->signal_name);
}

int otlp__process(struct otlp *otlp, const struct model_process *process)
{
	const struct model_row *row = &process->row;
	struct span span = {.otlp = otlp,
			    .run = row->run,
			    .kind = KIND_INTERNAL,
			    .began_ns = row->began_ns,
			    .ended_ns = row->ended_ns};
	const char *name = model_command__name(row->command, row->comm);
	struct buffer *out = &otlp->item;
	bool bound;
	uint64_t peak = model_row__peak(row, &bound);

	out->size = 0;
	otlp_id__process(row->run, row->pid, row->start, span.id);
	set_parent(&span, row);
	put_head(out, &span, name, strlen(name));
	attribute__string(out, SPAN_ATTRIBUTE, "process.executable.name", name);
	if (row->command && row->command->exe.data && !row->forked)
		attribute__bytes(out, SPAN_ATTRIBUTE, "process.executable.path", row->command->exe.data,
				 row->command->exe.length);
	attribute__int(out, SPAN_ATTRIBUTE, "process.pid", row->pid);
	attribute__int(out, SPAN_ATTRIBUTE, "process.parent_pid", row->ppid);
	put_creation(out, row);
	if (otlp->args && row->command && row->command->args.count && !row->forked)
		attribute__list(out, SPAN_ATTRIBUTE, "process.command_args", &row->command->args);
	if (row->task)
		attribute__string(out, SPAN_ATTRIBUTE, "collector.step", row->task->step);
	put_figures(out, row->cpu_ns, peak, row->io);
	put_missing(out, row->cpu_ns, peak, row->io[MODEL_IO_READ_CHARS]);
	put_end(out, row);
	return send_span(otlp, row->run);
}

/* ---- a task ---- */

static const char *task_result(const struct model_task *task)
{
	static const char *const results[] = {
		[MODEL_OK] = "success", [MODEL_FAILED] = "failure", [MODEL_KILLED] = "failure",
		[MODEL_OOM] = "error",	[MODEL_UNKNOWN] = "error",
	};

	return results[task->outcome];
}

/* The work folder as a URL. */
static void put_folder(struct buffer *out, const struct model_task *task)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	const struct model_text *cwd = task->command ? &task->command->cwd : NULL;
	struct text url = {0};

	if (!cwd || !cwd->data || *cwd->data != '/')
		return;
	text__printf(&url, "file://");
	for (uint32_t i = 0; i < cwd->length; i++) {
		if (memchr(plain, cwd->data[i], sizeof(plain) - 1))
			text__put(&url, &cwd->data[i], 1);
		else
			text__printf(&url, "%%%02X", (unsigned char)cwd->data[i]);
	}
	if (!url.error)
		attribute__bytes(out, SPAN_ATTRIBUTE, "cicd.pipeline.task.run.url.full", url.data, url.size);
	text__free(&url);
}

int otlp__task(struct otlp *otlp, const struct model_task *task)
{
	const struct otlp_run *run = task->run->user;
	struct model_task around = {.run = task->run, .number = task->parent};
	struct span span = {.otlp = otlp,
			    .run = task->run,
			    .has_parent = true,
			    .kind = KIND_INTERNAL,
			    .began_ns = task->began_ns,
			    .ended_ns = task->ended_ns};
	uint64_t peak = model_task__memory(task);
	struct buffer *out = &otlp->item;
	char number[16];

	if (task->outcome == MODEL_RUNNING)
		return 0;
	out->size = 0;
	otlp_id__task(task, span.id);
	if (task->parent)
		otlp_id__task(&around, span.parent);
	else
		memcpy(span.parent, run->span_id, SPAN_ID);
	snprintf(number, sizeof(number), "%" PRIu32, task->number);
	put_head(out, &span, task->step, strlen(task->step));
	attribute__string(out, SPAN_ATTRIBUTE, "cicd.pipeline.task.name", task->step);
	attribute__string(out, SPAN_ATTRIBUTE, "cicd.pipeline.task.run.id", task->id && *task->id ? task->id : number);
	put_folder(out, task);
	attribute__string(out, SPAN_ATTRIBUTE, "cicd.pipeline.task.run.result", task_result(task));
	attribute__string(out, SPAN_ATTRIBUTE, "collector.task.tag", task->tag);
	attribute__string(out, SPAN_ATTRIBUTE, "collector.task.rules", task->rules);
	attribute__int(out, SPAN_ATTRIBUTE, "process.pid", task->pid);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.processes", task->processes);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.failed", task->failed);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.hidden", task->hidden);
	put_figures(out, task->cpu_ns, peak, task->io);
	put_missing(out, task->cpu_ns, peak, task->io[MODEL_IO_READ_CHARS]);
	if (model_outcome__bad(task->outcome)) {
		attribute__string(out, SPAN_ATTRIBUTE, "error.type", model_outcome__name(task->outcome));
		put_error(out, NULL);
	}
	return send_span(otlp, task->run);
}

/* ---- a run ---- */

/* A host, or a collector, that went away leaves a run without an end. */
static const char *run_result(const struct totals_run *totals)
{
	const char *result = totals_run__result(totals);

	return result ? result : "error";
}

static void put_run(struct buffer *out, const struct totals_run *totals, uint64_t lost)
{
	const char *result = run_result(totals);

	attribute__string(out, SPAN_ATTRIBUTE, "cicd.pipeline.action.name", "RUN");
	attribute__string(out, SPAN_ATTRIBUTE, "cicd.pipeline.result", result);
	if (totals->ended && totals->end.outcome != MODEL_KILLED && totals->end.outcome != MODEL_OOM)
		attribute__int(out, SPAN_ATTRIBUTE, "process.exit.code", totals->end.exit_code);
	attribute__string(out, SPAN_ATTRIBUTE, "collector.run.state", stream_life__name(totals->run->life));
	attribute__int(out, SPAN_ATTRIBUTE, "collector.processes", totals->processes);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.failed", totals->failed);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.hidden", totals->hidden);
	attribute__int(out, SPAN_ATTRIBUTE, "collector.lost", lost);
	put_figures(out, totals->cpu.known ? totals->cpu.value : EVENT_NULL(MODEL_REASON_ABSENT), totals->peak.bytes,
		    NULL);
	if (strcmp(result, "success") != 0) {
		attribute__string(out, SPAN_ATTRIBUTE, "error.type",
				  totals->ended && *totals->end.signal_name ? totals->end.signal_name : result);
		put_error(out, result);
	}
}

int otlp__run(struct otlp *otlp, const struct model_run *run, uint64_t lost)
{
	const struct otlp_run *own = run->user;
	const struct totals_run *totals = &own->totals;
	struct span span = {.otlp = otlp, .run = run, .kind = KIND_SERVER};
	struct text name = {0};
	int rc;

	if (!run->begun || run->life == STREAM_RUNNING)
		return 0;
	span.began_ns = EVENT_IS_NULL(totals->began_ns) || totals->preexisting ? run->first_ts : totals->began_ns;
	span.ended_ns = span.began_ns + totals_run__wall(totals);
	memcpy(span.id, own->span_id, SPAN_ID);
	span.has_parent = span.remote = otlp->env.traced;
	memcpy(span.parent, otlp->env.parent_id, SPAN_ID);
	text__printf(&name, "RUN %s", totals_run__name(run->info));
	otlp->item.size = 0;
	rc = name.error;
	if (!rc) {
		put_head(&otlp->item, &span, name.data, name.size);
		put_run(&otlp->item, totals, lost);
		rc = send_span(otlp, run);
	}
	text__free(&name);
	return rc;
}
