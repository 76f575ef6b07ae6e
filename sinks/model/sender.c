/* SPDX-License-Identifier: BSD-2-Clause */
/* Which process, or what of the kernel, sent the signal that ended a process or asked it to end, and where it stands. */
#include "sinks/model/process.h"

#include <string.h>

#include "sinks/steps/steps.h"

enum { SIGNAL_CODE = 7, SENDER, SENDER_PID, SENDER_START, SENDER_COMM }; /* fields of the role exit */

static uint8_t sender_of(const struct value *value)
{
	const char *name;

	for (uint8_t i = MODEL_SENDER_USER; (name = model_sender__name(i)); i++)
		if (value__is(value, name))
			return i;
	return MODEL_SENDER_UNKNOWN;
}

static bool is_child(const struct model_row *row, uint64_t pid, uint64_t start)
{
	return row->ppid == pid && row->parent_start == start;
}

static bool is_process(const struct model_row *row, uint64_t pid, uint64_t start)
{
	return row->pid == pid && row->start == start;
}

#define DEPTH_MAX 1000 /* a forged stream may have rings */

/* Not by p->ancestor alone, which skips those that have ended: they may have sent it just before. */
static bool is_above(const struct feed *feed, const struct process *p, uint64_t pid, uint64_t start)
{
	const struct process *parent;

	for (int i = 0; p && i < DEPTH_MAX; i++) {
		if (is_child(&p->row, pid, start))
			return true;
		parent = EVENT_IS_NULL(p->row.parent_start)
				 ? NULL
				 : process__find(feed->model, feed->run, p->row.ppid, p->row.parent_start);
		p = parent ? parent : p->ancestor;
		if (p && is_process(&p->row, pid, start))
			return true;
	}
	return false;
}

/* Whether this program sends signals for the one that has started it: kill(1), timeout(1), a shell with its own. */
static bool is_helper(const struct model_command *command, const char *comm)
{
	static const char *const helpers[] = {"kill", "pkill", "killall", "skill", "timeout"};
	const char *name = model_command__name(command, comm);

	for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++)
		if (!strcmp(name, helpers[i]))
			return true;
	return model_command__is_shell(command, comm);
}

static bool find_gone(const struct run *run, uint32_t pid, uint64_t start, struct gone *found)
{
	for (size_t i = 0; i < run->gone_count && i < GONE_MAX; i++)
		if (run->gone[i].pid == pid && run->gone[i].start == start) {
			*found = run->gone[i];
			return true;
		}
	return false;
}

/* A process of the run, there or gone. */
static bool find(const struct feed *feed, uint32_t pid, uint64_t start, struct gone *found)
{
	const struct process *p = process__find(feed->model, feed->run, pid, start);

	if (!p)
		return find_gone(feed->run, pid, start, found);
	*found = (struct gone){start, p->row.parent_start, pid, p->row.ppid, p->command, ""};
	memcpy(found->comm, p->row.comm, EVENT_COMM);
	return true;
}

static enum model_relation relation(const struct feed *feed, const struct process *p)
{
	const struct model_row *row = &p->row;
	struct gone sender;

	if (!row->sender_pid || EVENT_IS_NULL(row->sender_start))
		return MODEL_RELATION_NONE;
	if (is_process(row, row->sender_pid, row->sender_start))
		return MODEL_RELATION_ITSELF;
	if (!find(feed, row->sender_pid, row->sender_start, &sender))
		return MODEL_RELATION_OUTSIDE;
	if (is_child(row, row->sender_pid, row->sender_start))
		return MODEL_RELATION_PARENT;
	if (is_above(feed, p, row->sender_pid, row->sender_start))
		return MODEL_RELATION_ANCESTOR;
	if (is_helper(sender.command, sender.comm) && is_above(feed, p, sender.ppid, sender.parent_start))
		return MODEL_RELATION_HELPER;
	return MODEL_RELATION_RUN;
}

void sender__read(const struct feed *feed, struct process *process)
{
	uint64_t pid = value__number(feed->field[SENDER_PID]);
	struct model_row *row = &process->row;

	process__set_comm(row->signal_code, feed->field[SIGNAL_CODE]);
	row->sender = sender_of(feed->field[SENDER]);
	process__set_comm(row->sender_comm, feed->field[SENDER_COMM]);
	row->sender_pid = EVENT_IS_NULL(pid) ? 0 : (uint32_t)pid;
	row->sender_start = value__number(feed->field[SENDER_START]);
	row->sender_is = (uint8_t)relation(feed, process);
	row->sender_limit = feed->model->steps ? steps__limit(feed->model->steps, row->sender_comm) : NULL;
}
