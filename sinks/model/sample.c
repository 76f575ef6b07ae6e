/* SPDX-License-Identifier: BSD-2-Clause */
/* A process between two samples. */
#include "sinks/model/process.h"

static int report_sample(struct model *model, struct process *p, enum model_source source, uint64_t until_ns,
			 uint64_t amount)
{
	/* What an earlier program used since the last sample is in this one. */
	uint64_t begin_ns = source == MODEL_CPU ? p->row.start : p->row.began_ns;
	uint64_t from_ns = p->sampled_ns[source] ? p->sampled_ns[source] : begin_ns;
	struct model_sample sample = {.row = process__row(p), .source = source, .until_ns = until_ns};

	sample.from_ns = from_ns < until_ns ? from_ns : until_ns;
	sample.cpu_ns = source == MODEL_CPU ? amount : EVENT_NULL(EVENT_REASON_NONE);
	sample.rss_bytes = source == MODEL_MEM ? amount : EVENT_NULL(EVENT_REASON_NONE);
	return model->calls.sample(model->arg, &sample);
}

/* CPU time that no sample has reported yet; 0: none. */
static uint64_t take_cpu(struct process *p)
{
	uint64_t total = p->total[FIGURE_CPU], used;

	if (EVENT_IS_NULL(total) || total <= p->sampled_cpu_ns)
		return 0;
	used = total - p->sampled_cpu_ns;
	p->sampled_cpu_ns = total;
	return used;
}

int sample__taken(struct model *model, struct process *process, enum model_source source, uint64_t ts)
{
	uint64_t ended_ns = process->row.ended_ns, amount = process->held.rss;
	int err = 0;

	if (!model->calls.sample)
		return 0;
	if (!EVENT_IS_NULL(ended_ns) && ts > ended_ns)
		ts = ended_ns;
	if (source == MODEL_CPU)
		amount = take_cpu(process);
	if (source == MODEL_MEM || amount)
		err = report_sample(model, process, source, ts, amount);
	process->sampled_ns[source] = ts;
	process->sampled_bytes = process->held.rss;
	return err;
}

/* When the CPU time of the last report was used up: after the exit, if the row's span goes on until then. */
static uint64_t cpu_until(const struct model_row *row, uint64_t until_ns)
{
	uint64_t spent_ns = EVENT_IS_NULL(row->cpu_span_ns) ? 0 : row->cpu_from_ns + row->cpu_span_ns;

	return spent_ns > until_ns ? spent_ns : until_ns;
}

/* What it held since its last sample, or its peak if there was none. */
static int report_held(struct model *model, struct process *p, uint64_t until_ns)
{
	uint64_t bytes = p->sampled_ns[MODEL_MEM] ? p->sampled_bytes : p->row.peak_rss_bytes;

	if (p->held_reported)
		return 0;
	p->held_reported = true;
	return EVENT_IS_NULL(bytes) ? 0 : report_sample(model, p, MODEL_MEM, until_ns, bytes);
}

int sample__ended(struct model *model, struct process *process)
{
	const struct model_row *row = &process->row;
	bool peak_comes = process->run->pub.has[MODEL_MEM] && !process->reported[MODEL_MEM];

	if (!model->calls.sample || EVENT_IS_NULL(row->ended_ns) || (!process->sampled_ns[MODEL_MEM] && peak_comes))
		return 0;
	return report_held(model, process, row->ended_ns);
}

int sample__last(struct model *model, struct process *process)
{
	const struct model_row *row = &process->row;
	uint64_t until_ns = EVENT_IS_NULL(row->ended_ns) ? process->run->pub.last_ts : row->ended_ns;
	uint64_t used = 0;
	int err = 0;

	if (!model->calls.sample)
		return 0;
	if (!EVENT_IS_NULL(row->cpu_ns))
		used = take_cpu(process);
	if (used)
		err = report_sample(model, process, MODEL_CPU, cpu_until(row, until_ns), used);
	return err ? err : report_held(model, process, until_ns);
}
