/* SPDX-License-Identifier: BSD-2-Clause */
/* What has ended of each run, summed up. */
#include "sinks/live/live.h"

static struct live_run *room_of(const struct model_run *run)
{
	return run->user;
}

int live_run__appears(void *arg, const struct model_run *run)
{
	(void)arg;
	totals_run__init(&room_of(run)->totals, run);
	return 0;
}

int live_run__row(void *arg, const struct model_row *row)
{
	(void)arg;
	return totals__row(&room_of(row->run)->totals, NULL, row);
}

int live_run__hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct live_run *run = room_of(row->run);

	(void)arg;
	(void)pid;
	(void)by;
	return totals__hidden(&run->totals, NULL, &run->steps, row, false);
}

int live_run__retried(void *arg, const struct model_row *row)
{
	(void)arg;
	return totals__retried(&room_of(row->run)->totals, NULL, row);
}

int live_run__ignored(void *arg, const struct model_row *row)
{
	(void)arg;
	return totals__ignored(&room_of(row->run)->totals, NULL, row);
}

int live_run__task(void *arg, const struct model_task *task)
{
	(void)arg;
	return totals__task(&room_of(task->run)->steps, task);
}

void live_run__free_all(const struct model *model)
{
	for (size_t i = 0; model && i < model__runs(model); i++)
		totals_groups__free(&room_of(model__run(model, i))->steps);
}
