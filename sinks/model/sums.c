/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures over several rows: sums, the greatest, and why they are not whole. */
#include "sinks/model/process.h"

#include <string.h>

void figure__add(uint64_t *sum, uint64_t value)
{
	if (EVENT_IS_NULL(*sum))
		*sum = value;
	else if (!EVENT_IS_NULL(value))
		*sum += value;
}

void figure__set_greater(uint64_t *greatest, uint64_t value)
{
	if (EVENT_IS_NULL(*greatest) || (!EVENT_IS_NULL(value) && value > *greatest))
		*greatest = value;
}

void figure__note(uint8_t *why, uint64_t value, uint8_t partial)
{
	uint8_t reason = EVENT_IS_NULL(value) ? EVENT_NULL_REASON(value) : partial;

	if (!*why && reason != MODEL_REASON_REPLACED)
		*why = reason;
}

/* A first row sets what sums begin with. */
static void begin(struct sums *sums, const struct model_row *row)
{
	uint64_t null = EVENT_NULL(MODEL_REASON_ABSENT);

	sums->began_ns = row->began_ns;
	sums->cpu_ns = sums->user_ns = sums->system_ns = sums->cpu_from_ns = sums->cpu_until_ns = null;
	sums->peak_bytes = sums->sampled_bytes = null;
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		sums->io[i] = null;
}

void sums__add(struct sums *sums, const struct model_row *row)
{
	bool bound;
	uint64_t peak = model_row__peak(row, &bound);

	if (!sums->rows++)
		begin(sums, row);
	figure__add(&sums->cpu_ns, row->cpu_ns);
	figure__add(&sums->user_ns, row->user_ns);
	figure__add(&sums->system_ns, row->system_ns);
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		figure__add(&sums->io[i], row->io[i]);
	if (!EVENT_IS_NULL(row->cpu_span_ns)) {
		if (EVENT_IS_NULL(sums->cpu_from_ns))
			sums->cpu_from_ns = row->cpu_from_ns;
		figure__set_greater(&sums->cpu_until_ns, row->cpu_from_ns + row->cpu_span_ns);
	}
	figure__note(&sums->cpu_partial, row->cpu_ns, row->cpu_partial);
	figure__note(&sums->io_partial, row->io[0], row->io_partial);
	figure__set_greater(&sums->peak_bytes, peak);
	figure__set_greater(&sums->sampled_bytes, row->sampled_rss_bytes);
	figure__set_greater(&sums->hugetlb_bytes, row->hugetlb_bytes);
	/* one whose peak is not exact may have held more */
	if (!sums->peak_partial && EVENT_IS_NULL(row->peak_rss_bytes))
		sums->peak_partial = EVENT_NULL_REASON(row->peak_rss_bytes);
}

struct model_process sums__process(const struct sums *sums, const struct model_row *last)
{
	struct model_process process = {.row = *last, .programs = sums->rows};
	struct model_row *row = &process.row;

	row->began_ns = sums->began_ns;
	if (!EVENT_IS_NULL(last->wall_ns))
		row->wall_ns = last->began_ns + last->wall_ns - sums->began_ns;
	row->cpu_ns = sums->cpu_ns;
	if (!EVENT_IS_NULL(sums->cpu_from_ns)) {
		row->cpu_from_ns = sums->cpu_from_ns;
		row->cpu_span_ns = sums->cpu_until_ns - sums->cpu_from_ns;
	}
	row->user_ns = sums->user_ns;
	row->system_ns = sums->system_ns;
	memcpy(row->io, sums->io, sizeof(row->io));
	row->cpu_partial = sums->cpu_partial;
	row->io_partial = sums->io_partial;
	row->peak_rss_bytes = sums->peak_bytes;
	row->sampled_rss_bytes = sums->sampled_bytes;
	row->hugetlb_bytes = sums->hugetlb_bytes;
	process.peak_partial = sums->peak_partial;
	return process;
}
