/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU time per interval of a task's life. */
#include "sinks/advise/busy.h"

#define WIDTH_MIN_NS 1000000000ULL

uint64_t busy__width(uint64_t interval_ns)
{
	return interval_ns > WIDTH_MIN_NS ? interval_ns : WIDTH_MIN_NS;
}

void busy__init(struct busy *busy, uint64_t began_ns, uint64_t interval_ns)
{
	*busy = (struct busy){.began_ns = began_ns, .width_ns = busy__width(interval_ns)};
}

static double cores(const struct busy *busy, uint64_t cpu_ns)
{
	return (double)cpu_ns / (double)busy->width_ns;
}

/* Retires intervals that are too old to change, to make room up to this one. */
static void move_to(struct busy *busy, uint64_t bin)
{
	uint64_t first = bin < BUSY_BINS ? 0 : bin - BUSY_BINS + 1;

	for (uint64_t i = 0; i < BUSY_BINS && busy->first + i < first; i++) {
		uint64_t *old = &busy->cpu_ns[(busy->first + i) % BUSY_BINS];

		if (cores(busy, *old) > busy->most)
			busy->most = cores(busy, *old);
		*old = 0;
	}
	if (busy->first < first)
		busy->first = first;
}

void busy__add(struct busy *busy, uint64_t from_ns, uint64_t until_ns, uint64_t cpu_ns)
{
	uint64_t span, begin, end;

	if (from_ns < busy->began_ns)
		from_ns = busy->began_ns;
	if (until_ns <= from_ns)
		until_ns = from_ns + 1;
	span = until_ns - from_ns;
	for (begin = from_ns; begin < until_ns; begin = end) {
		uint64_t bin = (begin - busy->began_ns) / busy->width_ns;
		uint64_t left = busy->width_ns - (begin - busy->began_ns) % busy->width_ns;

		/* a forged record's time may be the greatest there is */
		end = until_ns - begin > left ? begin + left : until_ns;
		move_to(busy, bin);
		if (bin >= busy->first)
			busy->cpu_ns[bin % BUSY_BINS] +=
				(uint64_t)((double)cpu_ns * (double)(end - begin) / (double)span);
	}
}

double busy__most(const struct busy *busy, uint64_t ended_ns)
{
	uint64_t whole = ended_ns > busy->began_ns ? (ended_ns - busy->began_ns) / busy->width_ns : 0;
	double most = busy->most;

	for (uint64_t bin = busy->first; bin < whole && bin < busy->first + BUSY_BINS; bin++)
		if (cores(busy, busy->cpu_ns[bin % BUSY_BINS]) > most)
			most = cores(busy, busy->cpu_ns[bin % BUSY_BINS]);
	return most;
}
