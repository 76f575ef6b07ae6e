/* SPDX-License-Identifier: BSD-2-Clause */
/* core/diff_limit: what a limit says, and what it is in SQL. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/query/diff_limit.h"
#include "core/text.h"

static void assert_sql(const char *text, const char *expected)
{
	struct diff_limit limit;
	struct text sql = {0};
	struct error err;

	assert_int_equal(diff_limit__parse(&limit, text, &err), 0);
	diff_limit__sql(&limit, &sql);
	assert_string_equal(sql.data, expected);
	text__free(&sql);
}

#define OTHERS "WHERE kind <> 'verdict' AND ("

static void test_sql(void **state)
{
	(void)state;
	assert_sql("peak_rss>10%",
		   "SELECT kind, name, peak_rss_a_bytes, peak_rss_b_bytes FROM diff " OTHERS "peak_rss_percent > 10)");
	assert_sql("wall>2.5%", "SELECT kind, name, wall_a_ns, wall_b_ns FROM diff " OTHERS "wall_percent > 2.5)");
	assert_sql("cpu>5s",
		   "SELECT kind, name, cpu_a_ns, cpu_b_ns FROM diff " OTHERS "cpu_b_ns - cpu_a_ns > 5000000000)");
	assert_sql("peak_rss>1MiB", "SELECT kind, name, peak_rss_a_bytes, peak_rss_b_bytes FROM diff " OTHERS
				    "peak_rss_b_bytes - peak_rss_a_bytes > 1048576)");
	assert_sql("failed>0", "SELECT kind, name, failed_a, failed_b FROM diff " OTHERS
			       "coalesce(failed_b, 0) - coalesce(failed_a, 0) > 0)");
	assert_sql("count>50%",
		   "SELECT kind, name, count_a, count_b FROM diff " OTHERS "100 * (count_b - count_a) > 50 * count_a)");
	assert_sql("verdict=leak", "SELECT kind, step, name FROM diff WHERE kind = 'verdict' AND count_a IS NULL AND "
				   "(false OR starts_with(name, 'proven leak:'))");
	assert_sql("verdict=spin:likely",
		   "SELECT kind, step, name FROM diff WHERE kind = 'verdict' AND count_a IS NULL "
		   "AND (false OR starts_with(name, 'proven spin:') OR "
		   "starts_with(name, 'likely spin:'))");
}

static void test_errors(void **state)
{
	static const char *const cases[][2] = {
		{"peak_rss", "\"peak_rss\" is not a limit; write METRIC>AMOUNT, such as 'peak_rss>10%'"},
		{">10%", "is not a limit"},
		{"wall>", "is not a limit"},
		{"peak_rs>10%", "unknown metric; did you mean peak_rss"},
		{"colour>10%", "unknown metric; use wall, cpu"},
		{"a_name_that_is_longer_than_any_metric>1", "unknown metric"},
		{"wall>ten%", "\"ten%\" is not a percentage; write 10% or 2.5%"},
		{"wall>10%%", "is not a percentage"},
		{"wall>-1%", "is not a percentage"},
		{"wall>nan%", "is not a percentage"},
		{"wall>10", "10"},
		{"peak_rss>5s", "5s"},
		{"failed>-1", "-1"},
		{"verdicts", "write verdict, verdict=KIND or verdict=KIND:likely"},
		{"verdict=lek", "unknown kind of verdict: did you mean \"leak\"?"},
		{"verdict=", "unknown kind of verdict"},
		{"verdict=leak:proven", "only \":likely\" can follow"},
	};
	struct diff_limit limit;
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		err.text[0] = '\0';
		assert_int_equal(diff_limit__parse(&limit, cases[i][0], &err), -EINVAL);
		if (!strstr(err.text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sql),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
