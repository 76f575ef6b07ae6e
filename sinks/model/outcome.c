/* SPDX-License-Identifier: BSD-2-Clause */
/* What an end means: the outcome, the statuses that are not failures, their names. */
#include "sinks/model/process.h"

#include <signal.h>
#include <string.h>

/* Programs that answer a question by their exit code, and the code that means "no". */
static const struct {
	const char *name;
	uint64_t exit_code;
} answers[] = {
	{"grep", 1}, {"egrep", 1}, {"fgrep", 1}, {"zgrep", 1}, {"diff", 1},
	{"cmp", 1},  {"test", 1},  {"[", 1},	 {"expr", 1},
};

static bool is_answer(const struct process *p)
{
	const char *name = model_command__name(p->command, p->row.comm);

	if (p->row.forked)
		return false;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		if (p->row.exit_code == answers[i].exit_code && !strcmp(name, answers[i].name))
			return true;
	return false;
}

static bool killed(const struct model_row *row)
{
	return !EVENT_IS_NULL(row->signal) && row->signal;
}

/* As a shell says how a child ended; 0 also where it is not known. */
static uint32_t status_of(const struct model_row *row)
{
	if (killed(row))
		return 128 + (uint32_t)row->signal;
	return EVENT_IS_NULL(row->exit_code) ? 0 : (uint32_t)row->exit_code;
}

static bool is_benign(const struct process *p, uint32_t status)
{
	if (p->row.outcome == MODEL_KILLED)
		return p->row.signal == SIGPIPE; /* it wrote to a pipe whose reader had enough */
	if (p->row.outcome != MODEL_FAILED)
		return false;
	/* A subshell ends with the answer of its last command. */
	return is_answer(p) || (p->row.forked && p->child_benign && p->child_status == status);
}

void outcome__judge(struct process *process)
{
	struct model_row *row = &process->row;
	uint32_t status = status_of(row);
	struct process *parent;

	if (killed(row))
		row->outcome = row->oom_killed ? MODEL_OOM : MODEL_KILLED;
	else if (EVENT_IS_NULL(row->exit_code))
		row->outcome = MODEL_UNKNOWN;
	else
		row->outcome = row->exit_code ? MODEL_FAILED : MODEL_OK;
	process->standing = row->outcome == MODEL_OK ? ENDED_OK : ENDED_OTHER;

	row->benign = is_benign(process, status);
	if (row->benign)
		row->outcome = MODEL_OK;
	row->propagated = row->outcome == MODEL_FAILED && !process->child_benign && process->child_status == status;

	parent = process->ancestor;
	if (status && parent && parent->standing == LIVES) {
		parent->child_status = status;
		parent->child_benign = row->benign;
	}
}

const char *model_outcome__name(enum model_outcome outcome)
{
	static const char *const names[] = {
		[MODEL_UNKNOWN] = "unknown", [MODEL_OK] = "ok",	  [MODEL_FAILED] = "failed",
		[MODEL_KILLED] = "killed",   [MODEL_OOM] = "oom", [MODEL_RUNNING] = "running",
	};

	return names[outcome];
}

const char *model_reason__name(unsigned reason)
{
	const char *name;

	switch (reason) {
	case MODEL_REASON_ABSENT:
		return "absent";
	case MODEL_REASON_OFF:
		return "off";
	case MODEL_REASON_REPLACED:
		return "replaced";
	case MODEL_REASON_RUNNING:
		return "running";
	default:
		name = event_reason__name(reason);
		return name ? name : "unknown";
	}
}

const char *model_reason__text(unsigned reason)
{
	static const char *const texts[] = {
		[EVENT_REASON_NONE] = "it does not apply",
		[EVENT_REASON_RELEASED] = "the kernel had released it already",
		[EVENT_REASON_FAULT] = "the process's memory could not be read",
		[EVENT_REASON_TRUNCATED] = "it was cut",
		[EVENT_REASON_UNSUPPORTED] = "this kernel does not tell",
		[EVENT_REASON_UNSEEN] = "it happened before the collector watched",
		[EVENT_REASON_LOST] = "the record of it was lost",
		[EVENT_REASON_BOUND] = "only a bound is known",
		[EVENT_REASON_SHARED] = "the memory belongs to another process too",
		[EVENT_REASON_DENIED] = "the collector may not read it",
		[EVENT_REASON_GONE] = "the process was gone before it could be asked",
		[MODEL_REASON_ABSENT] = "no record of it came",
		[MODEL_REASON_OFF] = "its probe was switched off",
		[MODEL_REASON_REPLACED] = "it is counted with the program the process went on as",
		[MODEL_REASON_RUNNING] = "the process had not ended",
	};

	if (reason >= sizeof(texts) / sizeof(*texts) || !texts[reason])
		return "the reason is not known";
	return texts[reason];
}

uint64_t reason__explained(const struct run *run, enum model_source source, uint64_t value, bool running)
{
	if (!EVENT_IS_NULL(value) || EVENT_NULL_REASON(value) != MODEL_REASON_ABSENT)
		return value;
	if (!run->pub.has[source])
		return EVENT_NULL(MODEL_REASON_OFF);
	if (running)
		return EVENT_NULL(MODEL_REASON_RUNNING);
	return EVENT_NULL(run->pub.lossy[source] ? EVENT_REASON_LOST : MODEL_REASON_ABSENT);
}
