/* SPDX-License-Identifier: BSD-2-Clause */
/* Outcomes of processes: statuses that are not failures, names. */
#include "sinks/model/process.h"

#include <string.h>

uint32_t model_row__status(const struct model_row *row)
{
	if (model_row__is_killed(row))
		return 128 + (uint32_t)row->signal;
	return EVENT_IS_NULL(row->exit_code) ? 0 : (uint32_t)row->exit_code;
}

void outcome__judge(struct process *process)
{
	struct model_row *row = &process->row;

	row->has_forked = process->has_forked;
	if (model_row__is_killed(row))
		row->outcome = process->oom || sender__is_oom(row) ? MODEL_OOM : MODEL_KILLED;
	else if (EVENT_IS_NULL(row->exit_code))
		row->outcome = MODEL_UNKNOWN;
	else
		row->outcome = row->exit_code ? MODEL_FAILED : MODEL_OK;
	process->standing = row->outcome == MODEL_OK ? ENDED_OK : ENDED_OTHER;
}

bool outcome__ends_run(const struct process *process)
{
	const struct process *root = process->run->root;
	const struct model_row *row = &process->row;
	bool below = root && row->ppid == root->row.pid && row->parent_start == root->row.start;

	return process == root || (below && stream_job__carries(&row->run->info->run, root->row.comm));
}

struct model_row model_run__end(const struct model_row *root)
{
	const struct model_ending *ending = root->run->ending;
	struct model_row row = ending && !ending->row.root ? ending->row : *root;

	if (!row.root)
		row.command = ending->command;
	return row;
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
	case MODEL_REASON_LATE:
		return "late";
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
		[EVENT_REASON_UNSUPPORTED] = "this kernel does not provide it",
		[EVENT_REASON_UNSEEN] = "it happened before recording began",
		[EVENT_REASON_LOST] = "the record of it was lost",
		[EVENT_REASON_BOUND] = "only a bound is known",
		[EVENT_REASON_SHARED] = "the memory belongs to another process too",
		[EVENT_REASON_DENIED] = "the collector may not read it",
		[EVENT_REASON_GONE] = "the process was gone before it could be read",
		[EVENT_REASON_EXCLUDED] = "the configuration excludes it",
		[MODEL_REASON_ABSENT] = "no record has it",
		[MODEL_REASON_OFF] = "its probe was switched off",
		[MODEL_REASON_REPLACED] = "it is counted for a later program of the process",
		[MODEL_REASON_RUNNING] = "the process had not ended",
		[MODEL_REASON_LATE] = "too many processes waited for theirs",
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
		return EVENT_NULL(run->pub.missing[source] ? EVENT_REASON_LOST : MODEL_REASON_OFF);
	if (running)
		return EVENT_NULL(MODEL_REASON_RUNNING);
	return EVENT_NULL(run->pub.lossy[source] ? EVENT_REASON_LOST : MODEL_REASON_ABSENT);
}
