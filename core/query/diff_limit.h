/* SPDX-License-Identifier: BSD-2-Clause */
/* A limit on the change between two runs: "peak_rss>10%", "wall>5s", "failed>0", "verdict=leak:likely". */
#ifndef CORE_QUERY_DIFF_LIMIT_H
#define CORE_QUERY_DIFF_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/verdict.h"

struct opt;
struct text;

struct diff_limit {
	const char *text;	  /* as the user wrote it; borrowed */
	const struct opt *metric; /* NULL: of verdicts */
	struct fail_on verdicts;
	bool percent;
	double percents;
	uint64_t amount; /* in the metric's unit, unless `percent` */
};

/* 0, or -EINVAL with a sentence. */
int diff_limit__parse(struct diff_limit *limit, const char *text, struct error *err);

/* Appends the query that selects from the view `diff` what exceeds the limit. */
void diff_limit__sql(const struct diff_limit *limit, struct text *sql);

#endif
