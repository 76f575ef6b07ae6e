/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the limits of collector-diff and writes them as SQL. */
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
	{"wall", OPT_DURATION, offsetof(struct diff_limit, amount), NULL, 0, 0, "time of a task or program"},
	{"cpu", OPT_DURATION, offsetof(struct diff_limit, amount), NULL, 0, 0, "CPU time of a task or program"},
	{"peak_rss", OPT_SIZE, offsetof(struct diff_limit, amount), NULL, 0, 0, "largest peak"},
	{"count", OPT_UINT, offsetof(struct diff_limit, amount), NULL, 0, 0, "how many tasks or programs"},
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
	if (!sign && !strncmp(text, "verdict", strlen("verdict")))
		return fail_on__parse(&limit->verdicts, text, err);
	if (!sign || sign == text || !sign[1])
		return error__set(err, -EINVAL, "\"%s\" is not a limit; write METRIC>AMOUNT, such as 'peak_rss>10%%'",
				  text);
	if ((size_t)(sign - text) < sizeof(name))
		memcpy(name, text, sign - text);
	limit->metric = opt__find(metrics, name);
	if (!limit->metric) {
		near = opt__nearest(metrics, name);
		return error__set(err, -EINVAL, "\"%s\": unknown metric; %s%s", text, near ? "did you mean " : "use ",
				  near ? near : "wall, cpu, peak_rss, count or failed");
	}
	if (strchr(sign, '%'))
		return parse_percents(limit, sign + 1, err);
	if (opt__set(limit->metric, limit, sign + 1, &why))
		return error__set(err, -EINVAL, "\"%s\": %s", text, why.text);
	return 0;
}

/* Verdicts of the second run that the first has not. */
static void verdicts_sql(const struct fail_on *verdicts, struct text *sql)
{
	text__printf(sql, "SELECT kind, step, name FROM diff WHERE kind = 'verdict' AND count_a IS NULL AND (false");
	for (unsigned i = 0; i < VERDICT_KINDS; i++) {
		if (verdicts->proven[i])
			text__printf(sql, " OR starts_with(name, 'proven %s:')", verdict_kind__name(i));
		if (verdicts->likely[i])
			text__printf(sql, " OR starts_with(name, 'likely %s:')", verdict_kind__name(i));
	}
	text__printf(sql, ")");
}

void diff_limit__sql(const struct diff_limit *limit, struct text *sql)
{
	const char *name = limit->metric ? limit->metric->name : NULL, *unit = name ? unit_of(limit->metric) : NULL;

	if (!name) {
		verdicts_sql(&limit->verdicts, sql);
		return;
	}
	text__printf(sql, "SELECT kind, name, %s_a%s, %s_b%s FROM diff WHERE kind <> 'verdict' AND (", name, unit, name,
		     unit);
	if (limit->percent && *unit)
		text__printf(sql, "%s_percent > %.17g", name, limit->percents);
	else if (limit->percent)
		text__printf(sql, "100 * (%s_b - %s_a) > %.17g * %s_a", name, name, limit->percents, name);
	else if (*unit)
		text__printf(sql, "%s_b%s - %s_a%s > %" PRIu64, name, unit, name, unit, limit->amount);
	else /* a missing one counts as 0 */
		text__printf(sql, "coalesce(%s_b, 0) - coalesce(%s_a, 0) > %" PRIu64, name, name, limit->amount);
	text__printf(sql, ")");
}
