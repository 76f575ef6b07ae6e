/* SPDX-License-Identifier: BSD-2-Clause */
/* What the stream lifecycle says of a process. */
#include <errno.h>

#include "sinks/model/process.h"

enum { PPID, PARENT_START, COMM };			/* fields of every role of lifecycle */
enum { COMMAND = 3, ERROR = COMMAND + COMMAND_FIELDS }; /* exec, exec_failed, alive */
enum { EXIT_CODE = 3, SIGNAL, SIGNAL_NAME, CORE };	/* exit */

/* The process of a lifecycle record; one that is not known begins with it. */
static int lifecycle_process(const struct feed *f, struct process **process)
{
	uint64_t ppid = value__number(f->field[PPID]), parent_start = value__number(f->field[PARENT_START]);

	*process = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (*process)
		return 0;
	*process = process__new(f->model, f->run, f->record->pid, f->record->start,
				EVENT_IS_NULL(ppid) ? 0 : (uint32_t)ppid, parent_start);
	return *process ? row__close_outlived(f->model, *process) : -ENOMEM;
}

int life__fork(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.older)
		return err;
	process__set_comm(p->row.comm, f->field[COMM]);
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
	process__set_comm(p->row.comm, f->field[COMM]);
	return 0;
}

int life__exec(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	/* The first program begins with its process: what CPU that used before the exec is in its figures. */
	if (!err && (p->row.image || p->row.older)) {
		err = row__replaced(f->model, p, f->record->ts);
		p->row.began_ns = f->record->ts;
	}
	if (!err)
		err = set_command(f, p);
	if (err)
		return err;
	p->row.older = false;
	p->row.image++;
	return task__exec(f->model, p);
}

/* Creates no process: only a record of its life does. */
int life__exec_failed(const struct feed *f)
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
	process__set_comm(p->row.tried_error, f->field[ERROR]);
	return 0;
}

int life__alive(const struct feed *f)
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

int life__end(const struct feed *f)
{
	const struct value *core = f->field[CORE];
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->told[MODEL_LIFECYCLE])
		return err;
	if (!p->row.comm[0])
		process__set_comm(p->row.comm, f->field[COMM]);
	p->row.ended_ns = f->record->ts;
	p->row.exit_code = value__number(f->field[EXIT_CODE]);
	p->row.signal = value__number(f->field[SIGNAL]);
	process__set_comm(p->row.signal_name, f->field[SIGNAL_NAME]);
	p->row.core_dumped = core->type == VALUE_BOOL && core->boolean;
	rss__drop(p);
	set_reaper(f, p);
	outcome__judge(p);
	err = failure__settle(f->model, p);
	return err ? err : row__end_seen(f, p);
}
