/* SPDX-License-Identifier: BSD-2-Clause */
/* What a process did between two samples of it. */
#include "sinks/model/process.h"

static int tell(struct model *model, struct process *p, enum model_source source, uint64_t until_ns, uint64_t amount)
{
	uint64_t from_ns = p->looked_ns[source] ? p->looked_ns[source] : p->row.began_ns;
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

	if (EVENT_IS_NULL(total) || total <= p->looked_cpu_ns)
		return 0;
	used = total - p->looked_cpu_ns;
	p->looked_cpu_ns = total;
	return used;
}

int sample__taken(struct model *model, struct process *process, enum model_source source, uint64_t ts)
{
	uint64_t ended_ns = process->row.ended_ns, amount = process->rss_bytes;
	int err = 0;

	if (!model->calls.sample)
		return 0;
	if (!EVENT_IS_NULL(ended_ns) && ts > ended_ns)
		ts = ended_ns;
	if (source == MODEL_CPU)
		amount = take_cpu(process);
	if (source == MODEL_MEM || amount)
		err = tell(model, process, source, ts, amount);
	process->looked_ns[source] = ts;
	process->looked_rss_bytes = process->rss_bytes;
	return err;
}

int sample__last(struct model *model, struct process *process)
{
	const struct model_row *row = &process->row;
	uint64_t until_ns = EVENT_IS_NULL(row->ended_ns) ? process->run->pub.last_ts : row->ended_ns;
	uint64_t bytes = process->looked_ns[MODEL_MEM] ? process->looked_rss_bytes : row->peak_rss_bytes;
	uint64_t used = 0;
	int err = 0;

	if (!model->calls.sample)
		return 0;
	if (!EVENT_IS_NULL(row->cpu_ns))
		used = take_cpu(process);
	if (used)
		err = tell(model, process, MODEL_CPU, until_ns, used);
	if (!err && !EVENT_IS_NULL(bytes))
		err = tell(model, process, MODEL_MEM, until_ns, bytes);
	return err;
}
