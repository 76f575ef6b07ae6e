/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of collector-diff: how they are read, and what they are in SQL. */
#include "core/query/diff_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/opt.h"
#include "core/text.h"

/* The columns of a metric are its name, side and unit: wall_a_ns. */
static const struct opt metrics[] = {
	{"wall", OPT_DURATION, offsetof(struct diff_limit, amount), NULL, 0, 0, "time of an execution"},
	{"cpu", OPT_DURATION, offsetof(struct diff_limit, amount), NULL, 0, 0, "CPU time of an execution"},
	{"peak_rss", OPT_SIZE, offsetof(struct diff_limit, amount), NULL, 0, 0, "largest peak"},
	{"executions", OPT_UINT, offsetof(struct diff_limit, amount), NULL, 0, 0, "how many"},
	{"failed", OPT_UINT, offsetof(struct diff_limit, amount), NULL, 0, 0, "of them"},
	{0},
};

static const char *unit_of(const struct opt *metric)
{
	return metric->type == OPT_DURATION ? "_ns" : metric->type == OPT_SIZE ? "_bytes" : "";
}

static int parse_percents(struct diff_limit *limit, const char *text, struct error *err)
{
	char *end;

	limit->percent = true;
	limit->percents = strtod(text, &end);
	if (end == text || strcmp(end, "%") || !isfinite(limit->percents) || limit->percents < 0)
		return error__set(err, -EINVAL, "\"%s\": \"%s\" is not a percentage; write 10%% or 2.5%%", limit->text,
				  text);
	return 0;
}

int diff_limit__parse(struct diff_limit *limit, const char *text, struct error *err)
{
	const char *sign = strchr(text, '>'), *near;
	struct error why;
	char name[32] = "";

	*limit = (struct diff_limit){.text = text};
	if (!sign || sign == text || !sign[1])
		return error__set(err, -EINVAL, "\"%s\" is not a limit; write METRIC>AMOUNT, such as 'peak_rss>10%%'",
				  text);
	if ((size_t)(sign - text) < sizeof(name))
		memcpy(name, text, sign - text);
	limit->metric = opt__find(metrics, name);
	if (!limit->metric) {
		near = opt__nearest(metrics, name);
		return error__set(err, -EINVAL, "\"%s\": there is no such metric; %s%s", text,
				  near ? "did you mean " : "take ",
				  near ? near : "wall, cpu, peak_rss, executions or failed");
	}
	if (strchr(sign, '%'))
		return parse_percents(limit, sign + 1, err);
	if (opt__set(limit->metric, limit, sign + 1, &why))
		return error__set(err, -EINVAL, "\"%s\": %s", text, why.text);
	return 0;
}

void diff_limit__sql(const struct diff_limit *limit, struct text *sql)
{
	const char *name = limit->metric->name, *unit = unit_of(limit->metric);

	text__printf(sql, "SELECT kind, name, %s_a%s, %s_b%s FROM diff WHERE ", name, unit, name, unit);
	if (limit->percent && *unit)
		text__printf(sql, "%s_percent > %.17g", name, limit->percents);
	else if (limit->percent)
		text__printf(sql, "100 * (%s_b - %s_a) > %.17g * %s_a", name, name, limit->percents, name);
	else if (*unit)
		text__printf(sql, "%s_b%s - %s_a%s > %" PRIu64, name, unit, name, unit, limit->amount);
	else /* what is not there is there no times */
		text__printf(sql, "coalesce(%s_b, 0) - coalesce(%s_a, 0) > %" PRIu64, name, name, limit->amount);
}
