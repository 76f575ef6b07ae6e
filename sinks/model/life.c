/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes the records of the stream lifecycle. */
#include <errno.h>
#include <string.h>

#include "sinks/model/again.h"

enum { PPID, PARENT_START, COMM };			/* fields of every role of lifecycle */
enum { FORK_NS_PID = 3 };				/* fork */
enum { COMMAND = 3, ERROR = COMMAND + COMMAND_FIELDS }; /* exec, exec_failed, alive */
enum { FOLDER, FAILED_STDERR, FAILED_PIPES };		/* failure */
enum { NS_PID = ERROR, PIPES };				/* exec, alive */
enum { EXIT_CODE = 3, SIGNAL, SIGNAL_NAME, CORE };	/* exit */

#define TRIED_MS 1000 /* what an exec that failed ends, ends so soon after it */

/* ---- an exec that failed ---- */

static uint32_t ms_of(const struct process *p, uint64_t ts)
{
	return (uint32_t)((ts - p->row.start) / 1000000);
}

static void forget_tried(struct process *p)
{
	model_command__unref(p->tried);
	p->tried = NULL;
	p->row.tried_error[0] = '\0';
}

/* As bash does a script without a #! line, in the process that could not execute it. */
static bool runs_it_itself(const struct process *p)
{
	return !strcmp(p->row.tried_error, "ENOEXEC") && model_command__is_shell(p->command, p->row.comm);
}

/* It goes on after an exec that failed, which is then not why it ends. What it runs itself stays its name. */
static void went_on(struct process *p)
{
	if (runs_it_itself(p))
		p->row.tried_error[0] = '\0';
	else if (*p->row.tried_error)
		forget_tried(p);
}

static void settle_tried(struct process *p)
{
	const struct model_row *row = &p->row;
	bool late = p->tried && ms_of(p, row->ended_ns) - p->tried_ms > TRIED_MS;

	if (runs_it_itself(p) ? row->exit_code != 126 : late && !model_row__exited_as_shells_do(row))
		went_on(p);
}

/* ---- records ---- */

/* The process of a lifecycle record; created if it is not known. */
static int lifecycle_process(const struct feed *f, struct process **process)
{
	uint64_t ppid = value__number(f->field[PPID]), parent_start = value__number(f->field[PARENT_START]);

	*process = process__find(f->model, f->run, f->record->pid, f->record->start);
	if (*process)
		return 0;
	*process = process__new(f->model, f->run, f->record->pid, f->record->start,
				EVENT_IS_NULL(ppid) ? 0 : (uint32_t)ppid, parent_start);
	if (!*process)
		return -ENOMEM;
	if ((*process)->ancestor) /* its parent */
		went_on((*process)->ancestor);
	return row__close_outlived(f->model, *process);
}

static void set_ns_pid(struct process *p, const struct value *value)
{
	uint64_t ns_pid = value__number(value);

	if (!EVENT_IS_NULL(ns_pid))
		p->row.ns_pid = (uint32_t)ns_pid;
}

int life__fork(const struct feed *f)
{
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.preexisting)
		return err;
	set_ns_pid(p, f->field[FORK_NS_PID]);
	process__set_comm(p->row.comm, f->field[COMM]);
	p->row.forked = true;
	if (!p->command)
		p->command = model_command__ref(p->parent);
	return 0;
}

static bool get_variable(const void *from, const char *name, char value[STREAM_JOB_VALUE])
{
	const char *found = model_command__variable(from, name);

	return found && stream_job__value(value, found, strlen(found));
}

/* Where no command was given, in a daemon, the run's first program says it; or of what a batch system has started, any. */
static void find_job(struct run *run, const struct process *p, const struct model_command *command)
{
	if (!*run->pub.job && run->root &&
	    ((p == run->root && !p->row.image) || stream_job__is_starter(run->root->row.comm)))
		stream_job__find(run->job, get_variable, command);
}

/* The pipes that its descriptors 0 and 1 are. */
static void set_pipes(struct pipes *pipes, const struct value *const fields[2])
{
	uint64_t in = value__number(fields[0]), out = value__number(fields[1]);

	*pipes = (struct pipes){.in = EVENT_IS_NULL(in) ? 0 : in, .out = EVENT_IS_NULL(out) ? 0 : out};
}

/* Takes the command. */
static void set_command(const struct feed *f, struct process *p, struct model_command *command)
{
	model_command__unref(p->command);
	p->command = command;
	p->below_known = false;
	forget_tried(p);
	p->row.forked = false;
	process__set_comm(p->row.comm, f->field[COMM]);
	find_job(f->run, p, command);
}

int life__exec(const struct feed *f)
{
	struct model_command *command;
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err)
		return err;
	command = model_command__new(&f->field[COMMAND], f->end);
	if (!command)
		return -ENOMEM;
	/* The first program begins with its process: CPU time before the exec counts as its own. */
	if (p->row.image || p->row.preexisting) {
		err = row__replaced(f->model, p, f->record->ts, command);
		p->row.began_ns = f->record->ts;
	}
	set_command(f, p, command);
	if (err)
		return err;
	set_ns_pid(p, f->field[NS_PID]);
	set_pipes(&p->pipes, &f->field[PIPES]);
	p->row.preexisting = false;
	if (!p->asked)
		p->asked = model_command__ref(p->command);
	p->row.image++;
	f->model->executed = p;
	return client__exec(f->model, p);
}

/* A name of an error or a signal, as the kernel's headers have it: what else a forged record says is not shown. */
static void set_name(char name[EVENT_COMM], const struct value *field)
{
	process__set_comm(name, field);
	if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+")])
		*name = '\0';
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
	p->tried_ms = ms_of(p, f->record->ts);
	set_name(p->row.tried_error, f->field[ERROR]);
	return 0;
}

/* Whether it is an empty file, the one that its program has had as descriptor 2: tests have files of their own there. */
static bool is_empty(const struct process *p, const struct feed *f)
{
	const struct model_text *errors = p->command && !p->row.forked ? &p->command->errors : NULL;
	struct value type = value__item_of(f->field[FAILED_STDERR], f->end, "type");
	struct value size = value__item_of(f->field[FAILED_STDERR], f->end, "size");
	struct value path = value__item_of(f->field[FAILED_STDERR], f->end, "path");
	bool other = errors && errors->data && path.type == VALUE_STRING && !value__is(&path, errors->data);

	return value__is(&type, "file") && value__is(&size, "0") && !other;
}

/* Creates no process, as that. */
int life__failure(const struct feed *f)
{
	struct process *p = process__find(f->model, f->run, f->record->pid, f->record->start);
	const struct value *cwd = f->field[FOLDER];
	struct value type = value__item_of(f->field[FAILED_STDERR], f->end, "type");

	if (p) {
		p->row.silenced = value__is(&type, "null");
		p->row.unwritten = is_empty(p, f);
	}
	if (p && p->row.forked)
		set_pipes(&p->pipes, &f->field[FAILED_PIPES]);
	if (!p || !p->row.forked || p->folder || cwd->type != VALUE_STRING)
		return 0;
	p->folder = strndup(cwd->string, cwd->length);
	return p->folder ? 0 : -ENOMEM;
}

int life__alive(const struct feed *f)
{
	struct model_command *command;
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->row.image || p->row.forked || p->row.preexisting)
		return err;
	command = model_command__new(&f->field[COMMAND], f->end);
	if (!command)
		return -ENOMEM;
	p->row.preexisting = true;
	set_ns_pid(p, f->field[NS_PID]);
	set_pipes(&p->pipes, &f->field[PIPES]);
	set_command(f, p, command);
	return task__exec(f->model, p, p->command);
}

/* In records of 0.1.0: the process that can now wait for it, and whose I/O account then includes its own. */
static void set_reaper(const struct feed *f, struct process *p)
{
	uint64_t ppid = value__number(f->field[PPID]), start = value__number(f->field[PARENT_START]);
	struct process *reaper;

	if (!f->run->pub.has[MODEL_IO] || f->run->own_io || EVENT_IS_NULL(ppid) || EVENT_IS_NULL(start))
		return;
	reaper = process__find(f->model, f->run, (uint32_t)ppid, start);
	if (!reaper || reaper == p || reaper->wait_since)
		return;
	reaper->refs++;
	reaper->owing++;
	p->reaper = reaper;
}

/* A process that was to execute a program which could not be executed (it is missing), or which it ran itself: the task that
 * it would have been. */
static int enter_tried(struct model *model, struct process *p)
{
	bool failed = !EVENT_IS_NULL(p->row.exit_code) && p->row.exit_code;

	return failed && p->row.forked && p->tried ? task__exec(model, p, p->tried) : 0;
}

/* What only carries a job has exited 0 also where that failed: it does not hide that. */
static void settle_job(struct process *p)
{
	struct run *run = p->run;

	if (p != run->root && !run->job_failed && model_outcome__bad(p->row.outcome) && outcome__ends_run(p))
		run->job_failed = ending__ref(p->ending);
	if (p == run->root && p->row.outcome == MODEL_OK && run->job_failed) {
		run->pub.ending = &run->job_failed->pub;
		p->standing = ENDED_OTHER;
	}
}

int life__end(const struct feed *f)
{
	const struct value *core = f->field[CORE];
	struct process *p;
	int err = lifecycle_process(f, &p);

	if (err || p->reported[MODEL_LIFECYCLE])
		return err;
	if (!p->row.comm[0])
		process__set_comm(p->row.comm, f->field[COMM]);
	p->row.ended_ns = f->record->ts;
	p->row.exit_code = value__number(f->field[EXIT_CODE]);
	p->row.signal = value__number(f->field[SIGNAL]);
	set_name(p->row.signal_name, f->field[SIGNAL_NAME]);
	p->row.core_dumped = value__is_true(core);
	settle_tried(p);
	err = enter_tried(f->model, p);
	if (err)
		return err;
	sender__read(f, p);
	rss__drop(p);
	client__ended(f->model, p);
	set_reaper(f, p);
	outcome__judge(p);
	err = failure__take_served(f->model, p);
	if (!err)
		err = cause__judge(f->model, p);
	if (!err)
		settle_job(p);
	if (!err)
		err = said__expect(p);
	task__note_end(p->task, &p->row, p->ending, p->begun);
	if (!err)
		err = failure__adopt(f->model, p);
	/* If that was its end: its engine may end before its account is closed. */
	if (!err && p->task)
		err = retry__task(f->model, p->task);
	task__ended(f->model, p->task);
	if (!err)
		err = sample__ended(f->model, p);
	if (!err)
		err = failure__settle(f->model, p);
	return err ? err : row__end_seen(f, p);
}

int life__said(const struct feed *f)
{
	uint32_t pid = f->record->pid;
	struct process *p = process__find(f->model, f->run, pid, f->record->start);
	int err = said__take(f);
	const struct model_said *said = model_run__said(&f->run->pub, pid, f->record->start);

	if (!err && p && said)
		expected__spoke(p, said);
	return err;
}
