/* SPDX-License-Identifier: BSD-2-Clause */
/* A limit to what may change between two runs: "peak_rss>10%", "wall>5s", "failed>0". */
#ifndef CORE_QUERY_DIFF_LIMIT_H
#define CORE_QUERY_DIFF_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct opt;
struct text;

struct diff_limit {
	const char *text; /* as it was given; borrowed */
	const struct opt *metric;
	bool percent;
	double percents;
	uint64_t amount; /* in the metric's unit, unless `percent` */
};

/* 0, or -EINVAL with a sentence. */
int diff_limit__parse(struct diff_limit *limit, const char *text, struct error *err);

/* Appends the query for what breaks it, of the view `diff`. */
void diff_limit__sql(const struct diff_limit *limit, struct text *sql);

#endif
