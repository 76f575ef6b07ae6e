/* SPDX-License-Identifier: BSD-2-Clause */
/* What each kind of event says of a process. */
#include "sinks/model/process.h"

#include <errno.h>
#include <string.h>

enum { PPID, PARENT_START, COMM };		   /* fields of every role of lifecycle */
enum { EXE = 3, ARGS, CWD, UID, ERROR };	   /* exec, exec_failed, alive */
enum { EXIT_CODE = 3, SIGNAL, SIGNAL_NAME, CORE }; /* exit */
enum { FIRST, OTHER_COMM = FIGURES };		   /* cpu and mem */

static void set_comm(char *comm, const struct value *value)
{
	size_t n = value->type == VALUE_STRING ? value->length : 0;

	if (!n)
		return;
	if (n > EVENT_COMM - 1)
		n = EVENT_COMM - 1;
	memcpy(comm, value->string, n);
	comm[n] = '\0';
}

/* A missed end leaves a process open. That its pid was given to another tells that it has ended. */
static int close_outlived(struct model *model, const struct process *process)
{
	struct process *old;
	int err;

	while ((old = process__outlived(model, process))) {
		process__wait(old);
		err = row__last(model, old);
		if (err)
			return err;
	}
	return 0;
}

/* The process of a lifecycle record; one that is not known begins with it. */
static int lifecycle_process(const struct feed *f, struct process **process)
{
	uint64_t ppid = value__number(f->field[PPID]), parent_start = value__number(f->field[PARENT_START]);

	*process = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (*process)
		return 0;
	*process = process__new(f->model, f->run, f->record->pid, f->record->start,
				EVENT_IS_NULL(ppid) ? 0 : (uint32_t)ppid, parent_start);
	return *process ? close_outlived(f->model, *process) : -ENOMEM;
}

/* The process of any other record; NULL where lifecycle should have told of it and has not. */
static int other_process(const struct feed *f, struct process **process, const struct value *comm)
{
	*process = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (*process || f->run->pub.has[MODEL_LIFECYCLE])
		return 0;
	*process = process__new(f->model, f->run, f->record->pid, f->record->start, 0,
				EVENT_NULL(MODEL_WHY_OFF));
	if (!*process)
		return -ENOMEM;
	set_comm((*process)->row.comm, comm);
	return close_outlived(f->model, *process);
}

/* One stream has told of the end: the row goes out when all have. */
static int told_end(const struct feed *f, struct process *p)
{
	p->told[f->source] = true;
	process__wait(p);
	for (int i = 0; i < MODEL_SOURCES; i++)
		if (f->run->pub.has[i] && !p->told[i])
			return 0;
	return row__last(f->model, p);
}

static int take_fork(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.older)
		return err;
	set_comm(p->row.comm, f->field[COMM]);
	p->row.forked = true;
	if (!p->command)
		p->command = command__ref(p->parent);
	return 0;
}

static int set_command(const struct feed *f, struct process *p)
{
	struct model_command *command =
		command__new(f->field[EXE], f->field[ARGS], f->field[CWD], f->field[UID], f->end);

	if (!command)
		return -ENOMEM;
	command__unref(p->command);
	command__unref(p->tried);
	p->command = command;
	p->tried = NULL;
	p->row.tried_error[0] = '\0';
	p->row.forked = false;
	set_comm(p->row.comm, f->field[COMM]);
	return 0;
}

static int take_exec(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (!err && (p->row.image || p->row.older))
		err = row__replaced(f->model, p, f->record->ts);
	if (!err)
		err = set_command(f, p);
	if (err)
		return err;
	p->row.older = false;
	p->row.image++;
	p->row.began_ns = f->record->ts;
	return 0;
}

/* Tells nothing of a process that is not known: a record of its life does. */
static int take_exec_failed(const struct feed *f)
{
	struct process *p = process__find(f->model, f->run, f->record->pid, f->record->start);
	struct model_command *tried;

	if (!p)
		return 0;
	tried = command__new(f->field[EXE], f->field[ARGS], f->field[CWD], f->field[UID], f->end);
	if (!tried)
		return -ENOMEM;
	command__unref(p->tried);
	p->tried = tried;
	set_comm(p->row.tried_error, f->field[ERROR]);
	return 0;
}

static int take_alive(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.forked || p->row.older)
		return err;
	p->row.older = true;
	return set_command(f, p);
}

static int take_end(const struct feed *f)
{
	const struct value *core = f->field[CORE];
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->told[MODEL_LIFECYCLE])
		return err;
	if (!p->row.comm[0])
		set_comm(p->row.comm, f->field[COMM]);
	p->row.ended_ns = f->record->ts;
	p->row.exit_code = value__number(f->field[EXIT_CODE]);
	p->row.signal = value__number(f->field[SIGNAL]);
	set_comm(p->row.signal_name, f->field[SIGNAL_NAME]);
	p->row.core_dumped = core->type == VALUE_BOOL && core->boolean;
	process__drop_rss(p);
	outcome__judge(p);
	err = failure__settle(f->model, p);
	return err ? err : told_end(f, p);
}

static int take_cpu(const struct feed *f)
{
	uint64_t cpu_ns = value__number(f->field[FIRST + FIGURE_CPU]);
	struct process *p;
	int err = other_process(f, &p, f->field[OTHER_COMM]);

	if (err || !p)
		return err;
	/* Samples and the end come by different ways: the greatest is the latest. */
	if (EVENT_IS_NULL(p->total[FIGURE_CPU]) || (!EVENT_IS_NULL(cpu_ns) && cpu_ns >= p->total[FIGURE_CPU]))
		for (int i = 0; i < FIGURES; i++)
			p->total[i] = value__number(f->field[FIRST + i]);
	p->sampled = true;
	return 0;
}

static int take_cpu_end(const struct feed *f)
{
	struct process *p;
	int err = take_cpu(f);

	p = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (!err && !p)
		f->run->pub.unmatched++;
	return err || !p ? err : told_end(f, p);
}

/* A round of samples takes a while; what all hold together is looked at between two rounds. */
static void add_rss(struct run *run, struct process *p, uint64_t ts, uint64_t rss)
{
	if (ts - run->rss_tick > run->pub.rss_interval_ns / 2 &&
	    (EVENT_IS_NULL(run->pub.rss_peak_bytes) || run->rss_bytes > run->pub.rss_peak_bytes))
		run->pub.rss_peak_bytes = run->rss_bytes;
	if (ts - run->rss_tick > run->pub.rss_interval_ns / 2)
		run->rss_tick = ts;
	run->rss_bytes += rss - p->rss_bytes;
	p->rss_bytes = rss;
}

static int take_mem(const struct feed *f)
{
	uint64_t rss = value__number(f->field[FIRST]);
	struct process *p;
	int err = other_process(f, &p, f->field[OTHER_COMM]);

	if (err || !p || EVENT_IS_NULL(rss))
		return err;
	if (EVENT_IS_NULL(p->row.sampled_rss_bytes) || rss > p->row.sampled_rss_bytes)
		p->row.sampled_rss_bytes = rss;
	if (!p->wait_since)
		add_rss(f->run, p, f->record->ts, rss);
	return 0;
}

static int take_mem_end(const struct feed *f)
{
	struct process *p;
	int err = other_process(f, &p, f->field[OTHER_COMM]);

	if (!err && !p)
		f->run->pub.unmatched++;
	if (err || !p)
		return err;
	p->row.peak_rss_bytes = value__number(f->field[FIRST]);
	process__drop_rss(p);
	return told_end(f, p);
}

static int take_oom_kill(const struct feed *f)
{
	struct process *p;
	int err = other_process(f, &p, f->field[OTHER_COMM]);

	if (err || !p)
		return err;
	p->row.oom_killed = true;
	if (p->row.outcome == MODEL_KILLED)
		p->row.outcome = MODEL_OOM;
	return 0;
}

/* clang-format off */
static const struct role roles[] = {
	{ "lifecycle", "fork", MODEL_LIFECYCLE, take_fork, { "ppid", "parent_start", "comm" } },
	{ "lifecycle", "exec", MODEL_LIFECYCLE, take_exec,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid" } },
	{ "lifecycle", "exec_failed", MODEL_LIFECYCLE, take_exec_failed,
	  { NULL, NULL, NULL, "exe", "args", NULL, NULL, "error" } },
	{ "lifecycle", "alive", MODEL_LIFECYCLE, take_alive,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid" } },
	{ "lifecycle", "exit", MODEL_LIFECYCLE, take_end,
	  { "ppid", "parent_start", "comm", "exit_code", "signal", "signal_name", "core_dumped" } },
	{ "cpu", "sample", MODEL_CPU, take_cpu, { "cpu_ns", "user_ns", "system_ns", "comm" } },
	{ "cpu", "exit", MODEL_CPU, take_cpu_end, { "cpu_ns", "user_ns", "system_ns", "comm" } },
	{ "mem", "sample", MODEL_MEM, take_mem, { "rss_bytes", NULL, NULL, "comm" } },
	{ "mem", "exit", MODEL_MEM, take_mem_end, { "peak_rss_bytes", NULL, NULL, "comm" } },
	{ "mem", "oom_kill", MODEL_MEM, take_oom_kill, { NULL, NULL, NULL, "comm" } },
};
/* clang-format on */

const struct role *role__find(const struct stream_event *event)
{
	for (size_t i = 0; event->name && event->stream && i < sizeof(roles) / sizeof(*roles); i++)
		if (!strcmp(event->stream, roles[i].stream) && !strcmp(event->name, roles[i].event))
			return &roles[i];
	return NULL;
}
