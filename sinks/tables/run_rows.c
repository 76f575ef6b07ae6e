/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the table of runs. */
#include "sinks/tables/table.h"

void run_sums__ended(struct run_sums *sums, const struct stream_state *stream)
{
	sums->lost += stream->lost;
	sums->lost_more |= stream->damaged_bytes || (!stream->complete && stream->life != STREAM_RUNNING);
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
		.result = totals_run__result(totals),
		.exit_code = totals->ended ? totals->end.exit_code : EVENT_NULL(MODEL_REASON_ABSENT),
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
