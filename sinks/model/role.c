/* SPDX-License-Identifier: BSD-2-Clause */
/* What each kind of event says of a process. */
#include "sinks/model/process.h"

#include <errno.h>
#include <string.h>

enum { PPID, PARENT_START, COMM };			/* fields of every role of lifecycle */
enum { COMMAND = 3, ERROR = COMMAND + COMMAND_FIELDS }; /* exec, exec_failed, alive */
enum { EXIT_CODE = 3, SIGNAL, SIGNAL_NAME, CORE };	/* exit */

void role__comm(char *comm, const struct value *value)
{
	size_t n = value->type == VALUE_STRING ? value->length : 0;

	if (!n)
		return;
	if (n > EVENT_COMM - 1)
		n = EVENT_COMM - 1;
	memcpy(comm, value->string, n);
	comm[n] = '\0';
}

int role__close_outlived(struct model *model, const struct process *process)
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
	return *process ? role__close_outlived(f->model, *process) : -ENOMEM;
}

int role__told_end(const struct feed *feed, struct process *process)
{
	process->told[feed->source] = true;
	process__wait(process);
	for (int i = 0; i < MODEL_SOURCES; i++)
		if (feed->run->pub.has[i] && !process->told[i])
			return 0;
	process->ready = process->owing;
	return process->ready ? 0 : row__last(feed->model, process);
}

static int take_fork(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.older)
		return err;
	role__comm(p->row.comm, f->field[COMM]);
	p->row.forked = true;
	if (!p->command)
		p->command = model_command__ref(p->parent);
	return 0;
}

static int set_command(const struct feed *f, struct process *p)
{
	struct model_command *command = model_command__new(&f->field[COMMAND], f->end);

	if (!command)
		return -ENOMEM;
	model_command__unref(p->command);
	model_command__unref(p->tried);
	p->command = command;
	p->tried = NULL;
	p->row.tried_error[0] = '\0';
	p->row.forked = false;
	role__comm(p->row.comm, f->field[COMM]);
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
	return task__exec(f->model, p);
}

/* Tells nothing of a process that is not known: a record of its life does. */
static int take_exec_failed(const struct feed *f)
{
	struct process *p = process__find(f->model, f->run, f->record->pid, f->record->start);
	struct model_command *tried;

	if (!p)
		return 0;
	tried = model_command__new(&f->field[COMMAND], f->end);
	if (!tried)
		return -ENOMEM;
	model_command__unref(p->tried);
	p->tried = tried;
	role__comm(p->row.tried_error, f->field[ERROR]);
	return 0;
}

static int take_alive(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.forked || p->row.older)
		return err;
	p->row.older = true;
	err = set_command(f, p);
	return err ? err : task__exec(f->model, p);
}

/* The one that can wait for it now: what it read and wrote may become part of that one's account. */
static void set_reaper(const struct feed *f, struct process *p)
{
	uint64_t ppid = value__number(f->field[PPID]), start = value__number(f->field[PARENT_START]);
	struct process *reaper;

	if (!f->run->pub.has[MODEL_IO] || EVENT_IS_NULL(ppid) || EVENT_IS_NULL(start))
		return;
	reaper = process__find(f->model, f->run, (uint32_t)ppid, start);
	if (!reaper || reaper == p || reaper->wait_since)
		return;
	reaper->refs++;
	reaper->owing++;
	p->reaper = reaper;
}

static int take_end(const struct feed *f)
{
	const struct value *core = f->field[CORE];
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->told[MODEL_LIFECYCLE])
		return err;
	if (!p->row.comm[0])
		role__comm(p->row.comm, f->field[COMM]);
	p->row.ended_ns = f->record->ts;
	p->row.exit_code = value__number(f->field[EXIT_CODE]);
	p->row.signal = value__number(f->field[SIGNAL]);
	role__comm(p->row.signal_name, f->field[SIGNAL_NAME]);
	p->row.core_dumped = core->type == VALUE_BOOL && core->boolean;
	usage__drop_rss(p);
	set_reaper(f, p);
	outcome__judge(p);
	err = failure__settle(f->model, p);
	return err ? err : role__told_end(f, p);
}

/* In the order of enum model_io. */
#define IO_FIGURES                                                                                   \
	"read_chars", "write_chars", "read_syscalls", "write_syscalls", "read_bytes", "write_bytes", \
		"cancelled_write_bytes"

/* clang-format off */
static const struct role roles[] = {
	{ "lifecycle", "fork", MODEL_LIFECYCLE, take_fork, { "ppid", "parent_start", "comm" } },
	{ "lifecycle", "exec", MODEL_LIFECYCLE, take_exec,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid", "env" } },
	{ "lifecycle", "exec_failed", MODEL_LIFECYCLE, take_exec_failed,
	  { NULL, NULL, NULL, "exe", "args", NULL, NULL, NULL, "error" } },
	{ "lifecycle", "alive", MODEL_LIFECYCLE, take_alive,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid", "env" } },
	{ "lifecycle", "exit", MODEL_LIFECYCLE, take_end,
	  { "ppid", "parent_start", "comm", "exit_code", "signal", "signal_name", "core_dumped" } },
	{ "cpu", "sample", MODEL_CPU, usage__cpu, { "cpu_ns", "user_ns", "system_ns", "comm" } },
	{ "cpu", "exit", MODEL_CPU, usage__cpu_end, { "cpu_ns", "user_ns", "system_ns", "comm" } },
	{ "io", "sample", MODEL_IO, usage__io, { IO_FIGURES, "comm" } },
	{ "io", "exit", MODEL_IO, usage__io_end, { IO_FIGURES, "comm", "final" } },
	{ "mem", "sample", MODEL_MEM, usage__mem, { "rss_bytes", "comm" } },
	{ "mem", "exit", MODEL_MEM, usage__mem_end, { "peak_rss_bytes", "comm" } },
	{ "mem", "oom_kill", MODEL_MEM, usage__oom_kill, { NULL, "comm" } },
};
/* clang-format on */

const struct role *role__find(const struct stream_event *event)
{
	for (size_t i = 0; event->name && event->stream && i < sizeof(roles) / sizeof(*roles); i++)
		if (!strcmp(event->stream, roles[i].stream) && !strcmp(event->name, roles[i].event))
			return &roles[i];
	return NULL;
}
