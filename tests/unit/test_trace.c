/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/trace: lines of made-up tasks, beside Nextflow's own where it is asked for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/sink_made.h"

#define MiB (1ULL << 20)

#define RULES                                                             \
	"steps:\n"                                                        \
	"  - args: 'command.run (?<hash>[0-9a-f/]+)(?: (?<name>.*))?$'\n" \
	"    step: task ${name}\n"                                        \
	"    id: ${hash}\n"                                               \
	"  - args: '^job'\n"                                              \
	"    engine: above\n"

#define HEADER                                                                                                    \
	"task_id\thash\tnative_id\tname\tstatus\texit\tsubmit\tstart\tcomplete\tduration\trealtime\t%cpu\t%mem\t" \
	"rss\tvmem\tpeak_rss\tpeak_vmem\trchar\twchar\tsyscr\tsyscw\tread_bytes\twrite_bytes\tvol_ctxt\tinv_ctxt\n"

/* The sink with these options and the rules above. */
static struct page_test *begin(const char *options)
{
	char path[PATH_SIZE], all[256];
	struct page_test *t;

	snprintf(all, sizeof(all), "%s%ssteps=%s", options, *options ? "," : "", file_with(path, RULES));
	t = begin_with(all, 15);
	unlink(path);
	EXEC(.at = 1 * S, .pid = 10, .exe = "./nextflow", .args = "bash|./nextflow|");
	return t;
}

/* A task of four seconds: a shell, and a tool that uses 3 s of CPU and 500 MiB, of which a look saw 400. */
static void task(uint64_t ts, uint32_t pid, const char *args, int status)
{
	FORK(.at = ts, .pid = pid, .parent = 10, .comm = "bash");
	EXEC(.at = ts, .pid = pid, .exe = "/bin/bash", .args = args);
	FORK(.at = ts + 100 * MS, .pid = pid + 1, .parent = pid, .comm = "bash");
	EXEC(.at = ts + 100 * MS, .pid = pid + 1, .exe = "/bin/bwa", .args = "bwa|mem|");
	MEM_SAMPLED(.at = ts + 2 * S, .pid = pid, .bytes = 4 * MiB);
	MEM_SAMPLED(.at = ts + 2 * S, .pid = pid + 1, .bytes = 400 * MiB);
	END(.at = ts + 3900 * MS, .pid = pid + 1, STATUS(status), .cpu = 3 * S, .bytes = 500 * MiB);
	END(.at = ts + 4 * S, .pid = pid, STATUS(status), .cpu = 200 * MS, .bytes = 4 * MiB);
}

static void finish(void)
{
	END(.at = 100 * S, .pid = 10, .cpu = 1, .bytes = 1);
}

static void a_task_is_a_line_in_nextflows_columns(void **state)
{
	struct page_test *t = begin("");

	(void)state;
	task(2 * S, 20, "bash|command.run|ab/cdef12|align|", 0);
	finish();
	assert_string_equal(print(t, true),
			    HEADER "1\tab/cdef12\t20\ttask align\tCOMPLETED\t0\t-\t1763782574000\t1763782578000\t-\t"
				   "4000\t80.0\t-\t423624704\t423624704\t524288000\t-\t-\t-\t-\t-\t-\t-\t-\t-\n");
	end(t);
}

static void a_task_is_a_line_in_snakemakes_columns(void **state)
{
	struct page_test *t = begin("format=snakemake");

	(void)state;
	task(2 * S, 20, "bash|command.run|ab/cdef12|align|", 0);
	finish();
	assert_string_equal(print(t, true),
			    "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\tjobid\t"
			    "rule_name\n"
			    "4.0000\t0:00:04\t500.00\t404.00\t-\t-\t-\t-\t80.00\t3.20\tab/cdef12\ttask align\n");
	end(t);
}

static void exits_are_as_a_shell_says_them(void **state)
{
	struct page_test *t = begin("");
	const char *page;

	(void)state;
	task(2 * S, 20, "bash|command.run|ab/1|", 3);
	task(7 * S, 30, "bash|command.run|ab/2|", -9);
	FORK(.at = 12 * S, .pid = 40, .parent = 10, .comm = "bash");
	EXEC(.at = 12 * S, .pid = 40, .exe = "/bin/bash", .args = "bash|command.run|ab/3|");
	finish();
	page = print(t, true);
	assert_has(page, "\tab/1\t20\ttask\tFAILED\t3\t");
	assert_has(page, "\tab/2\t30\ttask\tFAILED\t137\t");
	assert_has(page, "\tab/3\t40\ttask\tRUNNING\t-\t-\t1763782584000\t-\t-\t88015\t-\t");
	end(t);
}

static void a_sum_that_lacks_something_is_not_shown(void **state)
{
	struct page_test *t = begin("format=snakemake");

	(void)state;
	FORK(.at = 2 * S, .pid = 20, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 20, .exe = "/bin/bash", .args = "bash|command.run|ab/1|x|");
	FORK(.at = 3 * S, .pid = 21, .parent = 20, .comm = "bash");
	EXEC(.at = 3 * S, .pid = 21, .exe = "/bin/bwa", .args = "bwa|");
	END(.at = 5 * S, .pid = 21, .cpu = EVENT_NULL(EVENT_REASON_LOST), .bytes = 500 * MiB);
	END(.at = 6 * S, .pid = 20, .cpu = 200 * MS, .bytes = 4 * MiB);
	finish();
	assert_has(print(t, true), "\n4.0000\t0:00:04\t500.00\t-\t-\t-\t-\t-\t-\t-\tab/1\ttask x\n");
	end(t);
}

/* Until its exec a process is part of its parent's task. That may be over when the next sample comes, or go on. */
static void a_fork_that_leaves_for_another_task_takes_its_memory_along(void **state)
{
	struct page_test *t = begin("format=snakemake");
	const char *page;

	(void)state;
	FORK(.at = 1 * S, .pid = 20, .parent = 10, .comm = "bash");
	EXEC(.at = 1 * S, .pid = 20, .exe = "/bin/bash", .args = "bash|command.run|ab/1|");
	for (uint32_t pid = 30; pid <= 60; pid += 30) {
		uint64_t ts = pid * S;

		FORK(.at = ts, .pid = pid, .parent = 10, .comm = "bash");
		EXEC(.at = ts, .pid = pid, .exe = "/bin/bash",
		     .args = pid == 30 ? "bash|command.run|ab/2|" : "bash|command.run|ab/3|");
		FORK(.at = ts + 1 * S, .pid = pid + 1, .parent = pid, .comm = "bash");
		MEM_SAMPLED(.at = ts + 2 * S, .pid = pid, .bytes = 10 * MiB);
		MEM_SAMPLED(.at = ts + 2 * S, .pid = pid + 1, .bytes = 300 * MiB);
		if (pid == 30)
			END(.at = ts + 3 * S, .pid = pid, .cpu = 1, .bytes = 10 * MiB);
		EXEC(.at = ts + 14 * S, .pid = pid + 1, .exe = "/bin/bash", .args = "bash|command.run|ab/1|");
		if (pid == 60)
			MEM_SAMPLED(.at = ts + 15 * S, .pid = pid, .bytes = 200 * MiB);
		MEM_SAMPLED(.at = ts + 16 * S, .pid = pid + 1, .bytes = 400 * MiB);
		END(.at = ts + 17 * S, .pid = pid + 1, .cpu = 1, .bytes = 400 * MiB);
	}
	END(.at = 80 * S, .pid = 60, .cpu = 1, .bytes = 200 * MiB);
	END(.at = 81 * S, .pid = 20, .cpu = 1, .bytes = 1 * MiB);
	finish();
	page = print(t, true);
	assert_has(page, "\t310.00\t310.00\t-\t-\t-\t-\t0.00\t0.00\tab/2\ttask\n");
	assert_has(page, "\t310.00\t310.00\t-\t-\t-\t-\t0.00\t0.00\tab/3\ttask\n");
	assert_has(page, "\t400.00\t400.00\t-\t-\t-\t-\t0.00\t0.00\tab/1\ttask\n");
	end(t);
}

/* What a wrapper runs beside its job: it is not in the sums, and what it held when the job began is not either. */
static void a_wrapper_is_in_no_sum(void **state)
{
	struct page_test *t = begin("format=snakemake");

	(void)state;
	FORK(.at = 2 * S, .pid = 20, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 20, .exe = "/bin/bash", .args = "bash|command.run|ab/1|x|");
	FORK(.at = 2 * S, .pid = 21, .parent = 20, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 21, .exe = "/bin/tee", .args = "tee|");
	MEM_SAMPLED(.at = 3 * S, .pid = 20, .bytes = 100 * MiB);
	MEM_SAMPLED(.at = 3 * S, .pid = 21, .bytes = 100 * MiB);
	FORK(.at = 4 * S, .pid = 22, .parent = 20, .comm = "bash");
	EXEC(.at = 4 * S, .pid = 22, .exe = "/bin/bash", .args = "job|");
	MEM_SAMPLED(.at = 5 * S, .pid = 22, .bytes = 7 * MiB);
	END(.at = 6 * S, .pid = 21, .cpu = EVENT_NULL(EVENT_REASON_LOST), .bytes = 110 * MiB);
	MEM_SAMPLED(.at = 7 * S, .pid = 20, .bytes = 120 * MiB);
	MEM_SAMPLED(.at = 7 * S, .pid = 22, .bytes = 8 * MiB);
	END(.at = 8 * S, .pid = 22, .cpu = 1 * S, .bytes = 9 * MiB);
	END(.at = 9 * S, .pid = 20, .cpu = 200 * MS, .bytes = 130 * MiB);
	finish();
	assert_has(print(t, true), "\n4.0000\t0:00:04\t9.00\t8.00\t-\t-\t-\t-\t25.00\t1.00\tab/1\ttask x\n");
	end(t);
}

static void a_strangers_name_cannot_break_the_line(void **state)
{
	struct page_test *t = begin("");

	(void)state;
	task(2 * S, 20, "bash|command.run|ab/1|a\tb\x1b[2J\xff|", 0);
	finish();
	assert_has(print(t, true), "\ttask a\\tb\\x1b[2J\\xff\tCOMPLETED\t");
	end(t);
}

static void ours_stand_beside_nextflows(void **state)
{
	static const char theirs[] = "task_id\thash\tname\texit\tpeak_rss\n"
				     "1\tab/1\tALIGN (s1)\t0\t300 MB\r\n"
				     "2\tab/2\tCACHED (s1)\t0\t-\n";
	char path[PATH_SIZE], options[128];
	struct page_test *t;
	const char *page;

	(void)state;
	snprintf(options, sizeof(options), "join=%s", file_with(path, theirs));
	t = begin(options);
	unlink(path);
	task(2 * S, 20, "bash|command.run|ab/1|x|", 0);
	task(7 * S, 30, "bash|command.run|ab/9|y|", 0);
	finish();
	page = print(t, true);
	assert_has(page,
		   "task_id\thash\tname\texit\tpeak_rss\tcollector_task_id\tcollector_hash\tcollector_native_id\t");
	assert_has(page, "\n1\tab/1\tALIGN (s1)\t0\t300 MB\t1\tab/1\t20\ttask x\tCOMPLETED\t0\t");
	assert_has(page, "\n-\tab/9\t-\t-\t-\t2\tab/9\t30\ttask y\tCOMPLETED\t0\t");
	assert_has(page, "\n2\tab/2\tCACHED (s1)\t0\t-\t-\t-\t-\t-\t-\t-\t");
	end(t);
}

static char said[512];

static void __attribute__((format(printf, 2, 3))) keep(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}

static void assert_refused(const char *options, int code, const char *why)
{
	struct sink_api api = {.size = sizeof(api), .out = -1, .columns = 80, .log = keep};
	void *conf = calloc(1, collector_sink->conf_size), *sink;
	struct error err;

	assert_non_null(conf);
	assert_int_equal(opt__defaults(collector_sink->options, conf), 0);
	assert_int_equal(opt__parse(collector_sink->options, conf, options, &err), 0);
	assert_int_equal(collector_sink->open(&api, conf, &sink), code);
	if (!strstr(said, why))
		fail_msg("\"%s\" is not in \"%s\"", why, said);
	opt__free(collector_sink->options, conf);
	free(conf);
}

static void what_cannot_be_is_refused(void **state)
{
	char path[PATH_SIZE], options[128];

	(void)state;
	assert_refused("format=excel", -EINVAL, "choose nextflow or snakemake");
	assert_refused("join=/nonexistent", -ENOENT, "/nonexistent: cannot open: No such file");
	assert_refused("join=/,format=nextflow", -EISDIR, "/: is a directory: give a file");
	assert_refused("join=x,format=snakemake", -EINVAL, "remove format=snakemake");
	snprintf(options, sizeof(options), "join=%s", file_with(path, "task_id\tname\n1\tx\n"));
	assert_refused(options, -EINVAL, ": names no column \"hash\"");
	unlink(path);
	snprintf(options, sizeof(options), "join=%s", file_with(path, ""));
	assert_refused(options, -EINVAL, "is empty");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_is_a_line_in_nextflows_columns),
		cmocka_unit_test(a_task_is_a_line_in_snakemakes_columns),
		cmocka_unit_test(exits_are_as_a_shell_says_them),
		cmocka_unit_test(a_sum_that_lacks_something_is_not_shown),
		cmocka_unit_test(a_fork_that_leaves_for_another_task_takes_its_memory_along),
		cmocka_unit_test(a_wrapper_is_in_no_sum),
		cmocka_unit_test(a_strangers_name_cannot_break_the_line),
		cmocka_unit_test(ours_stand_beside_nextflows),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
