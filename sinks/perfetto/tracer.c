/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows, tasks of steps and runs as tracks, slices and instants. */
#include "sinks/perfetto/tracer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_SHOWN 200

/* Ranks of tracks among their parent's children. */
enum { RANK_CORES = 1, RANK_BYTES, RANK_LANES, RANK_GROUPS = 16, RANK_TIME = 1 << 20 };

static const char *const lanes[LANES] = {
	[LANE_FAILURES] = "failures",
	[LANE_HIDDEN] = "hidden failures",
	[LANE_LOST] = "lost events",
};

static uint64_t task_or_run(const struct trace_run *run, uint32_t task)
{
	return task ? tracer__task(run->run, task) : tracer__lane(run, LANE_RUN);
}

void tracer__counters(struct tracer *tracer, uint64_t track)
{
	packets__track(&tracer->packets, &(struct track){.uuid = tracer__counter(track, GAUGE_CORES),
							 .parent = track,
							 .kind = TRACK_CORES,
							 .rank = RANK_CORES,
							 .name = "CPU"});
	packets__track(&tracer->packets, &(struct track){.uuid = tracer__counter(track, GAUGE_BYTES),
							 .parent = track,
							 .kind = TRACK_BYTES,
							 .rank = RANK_BYTES,
							 .name = "memory"});
}

/* ---- time ---- */

/* Milliseconds fit for three weeks. */
static uint32_t rank(const struct trace_run *run, uint64_t ts)
{
	uint64_t ms = ts > run->run->first_ts ? (ts - run->run->first_ts) / 1000000 : 0;

	return RANK_TIME + (uint32_t)(ms < INT32_MAX - RANK_TIME ? ms : INT32_MAX - RANK_TIME);
}

/* Clocks of another boot or host are aligned by real time. */
static uint64_t shift_of(const struct model_run *run, const struct model_run *first)
{
	if (!strcmp(run->info->boot_id, first->info->boot_id))
		return 0;
	return ((uint64_t)run->real_ns - run->first_ts) - ((uint64_t)first->real_ns - first->first_ts);
}

/* ---- runs ---- */

struct trace_run *tracer__run(struct tracer *tracer, const struct model_run *run)
{
	struct trace_run *shown = run->user;

	if (shown->run)
		return shown;
	if (!tracer->first) {
		tracer->first = run;
		packets__clock(&tracer->packets, run->first_ts, run->real_ns);
	}
	shown->run = run;
	shown->shift = shift_of(run, tracer->first);
	return shown;
}

static void describe_lane(struct tracer *tracer, struct trace_run *run, enum lane lane)
{
	if (run->used[lane])
		return;
	run->used[lane] = true;
	packets__track(&tracer->packets, &(struct track){.uuid = tracer__lane(run, lane),
							 .parent = tracer__lane(run, LANE_RUN),
							 .rank = (uint32_t)(RANK_LANES + lane),
							 .name = lanes[lane]});
}

static struct model_list command_of(const struct model_run *run, struct text *text)
{
	const char *const *argv = run->info->run.command;
	struct model_list list = {0};

	for (; argv && *argv; argv++, list.count++)
		text__printf(text, "%s%c", *argv, '\0');
	list.data = text->data;
	list.length = (uint32_t)text->size;
	return list;
}

static int say_loss(void *arg, const char *safe)
{
	packets__string(arg, NOTE_LOSS, safe);
	return 0;
}

static void describe_run(struct tracer *tracer, const struct trace_run *run)
{
	const struct stream_info *info = run->run->info;
	struct packets *packets = &tracer->packets;
	struct text name = {0}, argv = {0};
	struct model_list command = command_of(run->run, &argv);
	uint64_t track = tracer__lane(run, LANE_RUN);

	text__safe(&name, info->run.id, strlen(info->run.id));
	if (info->run.name && *info->run.name) {
		text__printf(&name, " ");
		text__safe(&name, info->run.name, strlen(info->run.name));
	}
	packets__track(packets, &(struct track){.uuid = track,
						.rank = (uint32_t)run->run->index,
						.name = name.data ? name.data : "run"});
	packets__open(packets, EVENT_BEGIN, tracer__time(run, run->run->first_ts), track, CATEGORY_RUN,
		      info->run.name && *info->run.name ? info->run.name : info->run.id);
	packets__string(packets, NOTE_ID, info->run.id);
	packets__string(packets, NOTE_HOST, info->host);
	packets__string(packets, NOTE_KERNEL, info->kernel);
	packets__args(packets, NOTE_ARGS, &command);
	packets__number(packets, NOTE_PROGRAMS, run->programs);
	packets__number(packets, NOTE_FAILED, run->failed);
	packets__number(packets, NOTE_HIDDEN, run->hidden);
	packets__number(packets, NOTE_RSS_PEAK_BYTES, run->run->rss_peak_bytes);
	if (run->run->life != STREAM_ENDED)
		packets__string(packets, NOTE_STATE, stream_life__name(run->run->life));
	losses__each(&run->losses, run->run, say_loss, packets);
	packets__close(packets);
	packets__open(packets, EVENT_END, tracer__time(run, run->run->last_ts), track, CATEGORY_RUN, NULL);
	packets__close(packets);
	if (name.error || argv.error)
		packets->error = -ENOMEM;
	text__free(&name);
	text__free(&argv);
}

/* ---- programs ---- */

/* How it ended, in a word or two. */
static void say_end(struct text *text, const struct model_row *row)
{
	if (row->forked && *row->tried_error)
		text__printf(text, "%s", row->tried_error);
	else if (row->outcome == MODEL_OOM)
		text__printf(text, "out of memory");
	else if (!EVENT_IS_NULL(row->signal) && row->signal_name[0])
		text__safe(text, row->signal_name, strlen(row->signal_name));
	else if (model_row__is_killed(row))
		text__printf(text, "signal %llu", (unsigned long long)row->signal);
	else if (!EVENT_IS_NULL(row->exit_code))
		text__printf(text, "exit %llu", (unsigned long long)row->exit_code);
}

static const char *name_of(const struct model_row *row)
{
	return model_command__name(row->command, row->comm);
}

static void note_process(struct packets *packets, const struct model_row *row)
{
	packets__number(packets, NOTE_PID, row->pid);
	packets__number(packets, NOTE_PPID, row->ppid);
	if (row->command) {
		packets__args(packets, NOTE_ARGS, &row->command->args);
		packets__text(packets, NOTE_CWD, &row->command->cwd);
	}
	if (row->task) {
		packets__string(packets, NOTE_STEP, row->task->step);
		packets__string(packets, NOTE_ID, row->task->id);
		packets__number(packets, NOTE_TASK, row->task->number);
	}
}

static void how_it_ended(struct packets *packets, const struct model_row *row)
{
	packets__string(packets, NOTE_OUTCOME, model_outcome__name(row->outcome));
	packets__number(packets, NOTE_EXIT_CODE, row->exit_code);
	packets__number(packets, NOTE_SIGNAL, row->signal);
	packets__string(packets, NOTE_SIGNAL_NAME, row->signal_name);
	if (row->core_dumped)
		packets__number(packets, NOTE_CORE_DUMPED, 1);
	if (row->propagated)
		packets__number(packets, NOTE_PROPAGATED, 1);
	if (row->tried)
		packets__text(packets, NOTE_TRIED, &row->tried->exe);
	packets__string(packets, NOTE_TRIED_ERROR, row->tried_error);
}

static void what_it_used(struct packets *packets, const struct model_row *row)
{
	double cores = model__cores(row->cpu_ns, row->cpu_span_ns);

	packets__number(packets, NOTE_CPU_NS, row->cpu_ns);
	packets__number(packets, NOTE_USER_NS, row->user_ns);
	packets__number(packets, NOTE_SYSTEM_NS, row->system_ns);
	if (cores >= 0)
		packets__double(packets, NOTE_CORES, cores);
	packets__number(packets, NOTE_PEAK_RSS_BYTES, row->peak_rss_bytes);
	packets__number(packets, NOTE_READ_BYTES, row->io[MODEL_IO_READ_BYTES]);
	packets__number(packets, NOTE_WRITE_BYTES, row->io[MODEL_IO_WRITE_BYTES]);
}

/* Adds an instant to its parent's track, and a flow from it to the first program. */
static bool start_flow(struct tracer *tracer, const struct trace_run *run, const struct model_row *row)
{
	bool known = row->depth > 0 && !EVENT_IS_NULL(row->parent_start) && !row->preexisting && row->image <= 1;
	uint64_t parent = tracer__process(row->run, row->ppid, row->parent_start);

	if (!known)
		return false;
	packets__open(&tracer->packets, EVENT_INSTANT, tracer__time(run, row->start), parent, CATEGORY_START,
		      name_of(row));
	packets__flow(&tracer->packets, tracer__process(row->run, row->pid, row->start), false);
	packets__close(&tracer->packets);
	return true;
}

static void slice(struct tracer *tracer, const struct trace_run *run, const struct model_row *row)
{
	uint64_t track = tracer__process(row->run, row->pid, row->start);
	struct packets *packets = &tracer->packets;
	bool flow = start_flow(tracer, run, row);

	packets__open(packets, EVENT_BEGIN, tracer__time(run, row->began_ns), track,
		      row->forked ? CATEGORY_FORK : CATEGORY_PROGRAM, name_of(row));
	if (flow)
		packets__flow(packets, tracer__process(row->run, row->pid, row->start), true);
	note_process(packets, row);
	how_it_ended(packets, row);
	what_it_used(packets, row);
	packets__close(packets);
	if (EVENT_IS_NULL(row->ended_ns))
		return; /* still running, or its end is unknown */
	packets__open(packets, EVENT_END, tracer__time(run, row->began_ns + row->wall_ns), track, CATEGORY_PROGRAM,
		      NULL);
	packets__close(packets);
}

static void describe_process(struct tracer *tracer, const struct trace_run *run, const struct model_row *row)
{
	struct text *name = &(struct text){0};
	uint64_t parent = task_or_run(run, row->task ? row->task->number : 0);

	if (!row->task && row->depth > 0 && !EVENT_IS_NULL(row->parent_start))
		parent = tracer__process(row->run, row->ppid, row->parent_start);
	text__safe(name, name_of(row), strnlen(name_of(row), NAME_MAX_SHOWN));
	text__printf(name, " %u", row->pid);
	packets__track(&tracer->packets, &(struct track){.uuid = tracer__process(row->run, row->pid, row->start),
							 .parent = parent,
							 .rank = rank(run, row->start),
							 .name = name->data ? name->data : ""});
	if (name->error)
		tracer->packets.error = name->error;
	text__free(name);
}

static void failure(struct tracer *tracer, struct trace_run *run, const struct model_row *row, enum lane lane,
		    const char *by)
{
	uint64_t ts = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	struct text *name = &(struct text){0};

	describe_lane(tracer, run, lane);
	text__printf(name, "%.*s: ", NAME_MAX_SHOWN,
		     row->forked && row->tried ? model_command__name(row->tried, row->comm) : name_of(row));
	say_end(name, row);
	packets__open(&tracer->packets, EVENT_INSTANT, tracer__time(run, ts), tracer__lane(run, lane),
		      lane == LANE_HIDDEN ? CATEGORY_HIDDEN : CATEGORY_FAILURE, name->data ? name->data : "");
	note_process(&tracer->packets, row);
	how_it_ended(&tracer->packets, row);
	packets__string(&tracer->packets, NOTE_HIDDEN_BY, by);
	packets__close(&tracer->packets);
	if (name->error)
		tracer->packets.error = name->error;
	text__free(name);
}

int tracer__row(void *arg, const struct model_row *row)
{
	struct tracer *tracer = arg;
	struct trace_run *run = tracer__run(tracer, row->run);

	slice(tracer, run, row);
	if (row->last)
		describe_process(tracer, run, row);
	run->programs += !row->forked;
	if (model_outcome__bad(row->outcome)) {
		run->failed += !row->propagated;
		failure(tracer, run, row, LANE_FAILURES, NULL);
	}
	return curves__ended(tracer, run, row);
}

int tracer__hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct tracer *tracer = arg;
	struct trace_run *run = tracer__run(tracer, row->run);

	(void)pid;
	run->hidden++;
	failure(tracer, run, row, LANE_HIDDEN, model_command__name(by, ""));
	return 0;
}

/* ---- steps ---- */

/* The track of all tasks of a step within the task around them. */
static uint64_t group_of(struct tracer *tracer, struct trace_run *run, const struct model_task *task)
{
	static const uint64_t key[2]; /* tracks have the same numbers in every trace */
	uint64_t step = hash__siphash(key, task->step, strlen(task->step));
	uint64_t track = tracer__number(OF_GROUP, task->run, task->parent, step);
	struct text *name = &(struct text){0};
	struct hash_node *node;

	if (hash__first(&tracer->groups, track))
		return track;
	node = calloc(1, sizeof(*node));
	if (!node || hash__add(&tracer->groups, node, track)) {
		free(node);
		tracer->packets.error = -ENOMEM;
		return track;
	}
	text__safe(name, task->step, strlen(task->step));
	packets__track(&tracer->packets, &(struct track){.uuid = track,
							 .parent = task_or_run(run, task->parent),
							 .rank = (uint32_t)(RANK_GROUPS + run->groups++),
							 .name = name->data ? name->data : ""});
	if (name->error)
		tracer->packets.error = name->error;
	text__free(name);
	return track;
}

static void describe_task(struct tracer *tracer, struct trace_run *run, const struct model_task *task)
{
	struct text *name = &(struct text){0};

	text__safe(name, task->step, strlen(task->step));
	text__printf(name, " ");
	if (task->id)
		text__safe(name, task->id, strlen(task->id));
	else
		text__printf(name, "#%u", task->number);
	packets__track(&tracer->packets, &(struct track){.uuid = tracer__task(task->run, task->number),
							 .parent = group_of(tracer, run, task),
							 .rank = rank(run, task->began_ns),
							 .name = name->data ? name->data : ""});
	if (name->error)
		tracer->packets.error = name->error;
	text__free(name);
}

int tracer__step(void *arg, const struct model_task *task)
{
	struct tracer *tracer = arg;
	struct packets *packets = &tracer->packets;
	struct trace_run *run = tracer__run(tracer, task->run);
	uint64_t track = tracer__task(task->run, task->number);
	const struct {
		enum note note;
		uint64_t value;
	} numbers[] = {{NOTE_TASK, task->number},
		       {NOTE_PID, task->pid},
		       {NOTE_EXIT_CODE, task->exit_code},
		       {NOTE_SIGNAL, task->signal},
		       {NOTE_CPU_NS, task->cpu_ns},
		       {NOTE_USER_NS, task->user_ns},
		       {NOTE_SYSTEM_NS, task->system_ns},
		       {NOTE_PEAK_RSS_BYTES, task->peak_rss_bytes},
		       {NOTE_RSS_PEAK_BYTES, task->rss_peak_bytes},
		       {NOTE_READ_BYTES, task->io[MODEL_IO_READ_BYTES]},
		       {NOTE_WRITE_BYTES, task->io[MODEL_IO_WRITE_BYTES]},
		       {NOTE_PROGRAMS, task->rows},
		       {NOTE_PROCESSES, task->processes},
		       {NOTE_FAILED, task->failed},
		       {NOTE_HIDDEN, task->hidden}};

	describe_task(tracer, run, task);
	packets__open(packets, EVENT_BEGIN, tracer__time(run, task->began_ns), track, CATEGORY_STEP, task->step);
	packets__string(packets, NOTE_ID, task->id);
	packets__string(packets, NOTE_OUTCOME, model_outcome__name(task->outcome));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		packets__number(packets, numbers[i].note, numbers[i].value);
	packets__close(packets);
	if (!EVENT_IS_NULL(task->ended_ns)) {
		packets__open(packets, EVENT_END, tracer__time(run, task->ended_ns), track, CATEGORY_STEP, NULL);
		packets__close(packets);
	}
	curves__step(tracer, run, task);
	return 0;
}

/* ---- losses ---- */

/* Only for a run with records: others are not shown. */
static struct trace_run *run_of(struct tracer *tracer, const struct stream_info *info)
{
	const struct model_run *run = model__run_of(tracer->on.model, info);

	return run && run->begun ? tracer__run(tracer, run) : NULL;
}

int tracer__lost(void *arg, const struct record *record)
{
	struct tracer *tracer = arg;
	struct trace_run *run = run_of(tracer, record->info);
	struct losses *one = calloc(1, sizeof(*one));

	if (!run || !one) {
		free(one);
		return run ? -ENOMEM : 0;
	}
	losses__take(one, record);
	describe_lane(tracer, run, LANE_LOST);
	packets__open(&tracer->packets, EVENT_INSTANT, tracer__time(run, record->ts), tracer__lane(run, LANE_LOST),
		      CATEGORY_LOST, record->info->stream);
	losses__each(one, run->run, say_loss, &tracer->packets);
	packets__close(&tracer->packets);
	free(one);
	return 0;
}

int tracer__finish(struct tracer *tracer)
{
	curves__finish(tracer);
	for (size_t i = 0; i < model__runs(tracer->on.model); i++) {
		const struct model_run *run = model__run(tracer->on.model, i);

		if (run->begun)
			describe_run(tracer, tracer__run(tracer, run));
	}
	return packets__flush(&tracer->packets);
}

void tracer__free(struct tracer *tracer)
{
	curves__free(tracer);
	hash__free_all(&tracer->groups, 0);
	packets__free(&tracer->packets);
}
