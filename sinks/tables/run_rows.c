/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the table of runs. */
#include "sinks/tables/table.h"

#define TIMED_OUT 124 /* the exit code of timeout(1) */

void run_sums__ended(struct run_sums *sums, const struct stream_state *stream)
{
	sums->lost += stream->lost;
	sums->lost_more |= stream->damaged_bytes || (!stream->complete && stream->life != STREAM_RUNNING);
}

static bool is_timeout(const struct totals_run *totals)
{
	const char *const *command = totals->run->info->run.command, *slash;

	if (totals->root.exit_code != TIMED_OUT || !command || !*command)
		return false;
	slash = strrchr(*command, '/');
	return !strcmp(slash ? slash + 1 : *command, "timeout");
}

/* NULL: its end is not known. */
static const char *result_of(const struct totals_run *totals)
{
	const struct model_row *root = &totals->root;

	if (!totals->ended)
		return NULL;
	switch (root->outcome) {
	case MODEL_OK:
		return "success";
	case MODEL_FAILED:
		return is_timeout(totals) ? "timeout" : "failure";
	case MODEL_KILLED:
		return !strcmp(root->signal_name, "SIGINT") || !strcmp(root->signal_name, "SIGTERM") ? "cancellation"
												     : "failure";
	case MODEL_OOM:
		return "error";
	case MODEL_RUNNING:
	case MODEL_UNKNOWN:
		break;
	}
	return NULL;
}

static void set_times(struct run_row *row, const struct totals_run *totals)
{
	const struct model_run *run = totals->run;

	row->began_ns = row->ended_ns = row->wall_ns = row->boot_epoch_ns = EVENT_NULL(MODEL_REASON_ABSENT);
	if (!run->begun)
		return;
	row->began_ns = EVENT_IS_NULL(totals->began_ns) || totals->preexisting ? run->first_ts : totals->began_ns;
	row->wall_ns = totals_run__wall(totals);
	row->ended_ns = run->life == STREAM_RUNNING ? EVENT_NULL(MODEL_REASON_RUNNING) : row->began_ns + row->wall_ns;
	row->boot_epoch_ns = run->real_ns - run->first_ts;
}

struct run_row run_sums__row(const struct run_sums *sums)
{
	const struct totals_run *totals = &sums->totals;
	struct run_row row = {
		.run = totals->run,
		.state = stream_life__name(totals->run->life),
		.result = result_of(totals),
		.exit_code = totals->ended ? totals->root.exit_code : EVENT_NULL(MODEL_REASON_ABSENT),
		.cpu_ns = totals->cpu.known ? totals->cpu.value : EVENT_NULL(MODEL_REASON_ABSENT),
		.cpu_partial = totals->cpu.known && totals->cpu.missing ? EVENT_REASON_BOUND : 0,
		.processes = totals->processes,
		.failed = totals->failed,
		.hidden = totals->hidden,
		.lost = sums->lost,
		.lost_partial = sums->lost_more ? EVENT_REASON_BOUND : 0,
	};

	set_times(&row, totals);
	return row;
}
