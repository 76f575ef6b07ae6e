/* SPDX-License-Identifier: BSD-2-Clause */
/* The streams of a run, with a model of their own: what is kept of a run goes with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/otlp/otlp.h"

/* ---- as the model calls ---- */

static int on_run(void *arg, const struct model_run *model)
{
	struct otlp_set *set = arg;
	struct otlp_run *run = model->user;

	totals_run__init(&run->totals, model);
	otlp_id__trace(set->otlp, model, run->trace_id);
	otlp_id__run(model, run->span_id);
	otlp__resource(&run->head, set->otlp, model, true);
	return run->head.error ? run->head.error : otlp__active(set->otlp, model);
}

static int on_row(void *arg, const struct model_row *row)
{
	struct otlp_set *set = arg;
	struct otlp_run *run = row->run->user;
	int rc = totals__row(&run->totals, NULL, row);

	return rc || !set->verdicts ? rc : verdicts__row(set->verdicts, row);
}

static int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct otlp_set *set = arg;
	struct otlp_run *run = row->run->user;
	int rc = set->verdicts ? verdicts__hidden(set->verdicts, row, pid, by) : 0;

	bool suspected = set->verdicts && verdicts__suspects(set->verdicts, row);

	return rc ? rc : totals__hidden(&run->totals, NULL, NULL, row, suspected);
}

static int on_retried(void *arg, const struct model_row *row)
{
	struct otlp_set *set = arg;

	return set->verdicts ? verdicts__retried(set->verdicts, row) : 0;
}

static int on_ignored(void *arg, const struct model_row *row)
{
	struct otlp_set *set = arg;

	return set->verdicts ? verdicts__ignored(set->verdicts, row) : 0;
}

static int on_process(void *arg, const struct model_process *process)
{
	struct otlp *otlp = ((struct otlp_set *)arg)->otlp;
	int rc = otlp__wants(otlp, &process->row) ? otlp__process(otlp, process) : 0;

	if (!rc && otlp->sends[OTLP_LOGS] && model_outcome__bad(process->row.outcome) && !process->row.propagated)
		rc = otlp__log_failure(otlp, &process->row);
	return rc;
}

static int on_task(void *arg, const struct model_task *task)
{
	struct otlp *otlp = ((struct otlp_set *)arg)->otlp;
	int rc = otlp->sends[OTLP_METRICS] ? otlp_run__step(task->run->user, task) : 0;

	return rc ? rc : otlp__task(otlp, task);
}

static const struct model_calls calls = {
	.run = on_run,
	.row = on_row,
	.hidden = on_hidden,
	.retried = on_retried,
	.ignored = on_ignored,
	.process = on_process,
	.task = on_task,
	.run_room = sizeof(struct otlp_run),
};

/* ---- the set ---- */

void otlp_set__free(struct otlp_set *set)
{
	struct otlp *otlp = set->otlp;
	struct otlp_set **at = &otlp->sets;

	while (*at && *at != set)
		at = &(*at)->next;
	if (*at)
		*at = set->next;
	for (size_t i = 0; i < otlp->of_count; i++)
		if (otlp->of[i] == set)
			otlp->of[i] = NULL;
	for (size_t i = 0; set->model && i < model__runs(set->model); i++)
		otlp_run__free(model__run(set->model, i)->user);
	verdicts__free(set->verdicts);
	model__free(set->model);
	free(set);
}

static struct otlp_set *new_set(struct otlp *otlp, const struct stream_info *info)
{
	struct otlp_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	*set = (struct otlp_set){.next = otlp->sets, .otlp = otlp, .info = info, .first = otlp->records};
	otlp->sets = set;
	set->model = model__new(&calls, set, otlp->steps);
	set->verdicts = otlp->sends[OTLP_LOGS] ? verdicts__new() : NULL;
	if (!set->model || (otlp->sends[OTLP_LOGS] && !set->verdicts)) {
		otlp_set__free(set);
		return NULL;
	}
	if (set->verdicts)
		verdicts__of_model(set->verdicts, set->model);
	return set;
}

struct otlp_set *otlp_set__take(struct otlp *otlp, const struct stream_info *info)
{
	struct otlp_set *set = otlp->sets;

	while (set && (strcmp(set->info->run.id, info->run.id) != 0 || strcmp(set->info->host, info->host) != 0 ||
		       strcmp(set->info->boot_id, info->boot_id) != 0))
		set = set->next;
	return set ? set : new_set(otlp, info);
}

int otlp_set__record(struct otlp_set *set, const struct record *record)
{
	int rc = set->verdicts ? verdicts__record(set->verdicts, record) : 0;

	return rc ? rc : model__feed(set->model, record);
}

static int send_verdicts(struct otlp_set *set)
{
	int rc = set->verdicts ? verdicts__finish(set->verdicts) : 0;

	for (size_t i = 0; !rc && set->verdicts && i < verdicts__count(set->verdicts); i++) {
		const struct verdict *verdict = verdicts__get(set->verdicts, i);

		if (!verdict->muted && verdict->certainty >= VERDICT_LIKELY)
			rc = otlp__log_verdict(set->otlp, verdict);
	}
	return rc;
}

int otlp_set__end(struct otlp_set *set)
{
	int rc = set->verdicts ? verdicts__settle(set->verdicts) : 0;

	rc = rc ? rc : model__finish(set->model);
	rc = rc ? rc : send_verdicts(set);
	for (size_t i = 0; i < model__runs(set->model) && !rc; i++) {
		const struct model_run *run = model__run(set->model, i);

		rc = otlp__metrics(set->otlp, run);
		rc = rc ? rc : otlp__active(set->otlp, run);
		rc = rc ? rc : otlp__run(set->otlp, run, set->lost);
	}
	return rc;
}
