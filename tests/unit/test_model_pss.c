/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model/pss.c, rss.c: what the processes of a run hold together, where their Pss was read. */
#include "tests/unit/model_seen.h"

#define MIB (1ULL << 20)
#define SHARERS 9

static const struct model_run *run_of(const struct seen *s)
{
	return model__run(s->model, 0);
}

static void finish(struct seen *s)
{
	assert_int_equal(model__finish(s->model), 0);
}

/* Nine processes share 200 MiB; each has 5 MiB of its own, and 2 MiB of files that others have too. */
static void begin_sharers(uint64_t at)
{
	for (uint32_t pid = 10; pid < 10 + SHARERS; pid++) {
		EXEC(.at = at, .pid = pid, .exe = "/bin/a", .args = "a|");
		MEM_SAMPLED(.at = at + 1 * S + pid, .pid = pid, .bytes = 207 * MIB, .shmem = 200 * MIB);
	}
}

static void read_sharers(uint64_t at)
{
	for (uint32_t pid = 10; pid < 10 + SHARERS; pid++)
		PSS_READ(.at = at + pid, .pid = pid, .anon = 5 * MIB, .file = 10 * 1024, .shmem = 200 * MIB / SHARERS);
}

#define SUM (SHARERS * (5 * MIB + 10 * 1024 + 200 * MIB / SHARERS))
/* The largest process has so much of the files and of what is shared. */
#define ONCE (SHARERS * 5 * MIB + 202 * MIB)

static void end_sharers(uint64_t at)
{
	for (uint32_t pid = 10; pid < 10 + SHARERS; pid++)
		END(.at = at + pid, .pid = pid, .cpu = 1, .bytes = 207 * MIB);
}

static void what_is_shared_counts_once(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	begin_sharers(1 * S);
	read_sharers(2 * S + 100);
	TOTAL_READ(.at = 2 * S + 200, .pid = 10, .processes = SHARERS, .read = SHARERS);
	end_sharers(5 * S);
	finish(s);
	assert_int_equal(run_of(s)->pss_peak_bytes, SUM);
	assert_int_equal(run_of(s)->rss_lower_bytes, ONCE);
	assert_int_equal(run_of(s)->rss_peak_bytes, ONCE);
	end(s);
}

/* What was added after the round, and is not read until the end, may be anybody's: it is added to the most. */
static void what_was_added_since_counts(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	begin_sharers(1 * S);
	read_sharers(2 * S + 100);
	TOTAL_READ(.at = 2 * S + 200, .pid = 10, .processes = SHARERS, .read = SHARERS);
	MEM_SAMPLED(.at = 4 * S, .pid = 11, .bytes = 307 * MIB, .shmem = 200 * MIB);
	MEM_SAMPLED(.at = 5 * S, .pid = 11, .bytes = 207 * MIB, .shmem = 200 * MIB);
	end_sharers(6 * S);
	finish(s);
	assert_int_equal(run_of(s)->pss_peak_bytes, SUM);
	assert_int_equal(run_of(s)->rss_peak_bytes, ONCE + 100 * MIB);
	end(s);
}

/* What was freed before the round may have been in one process only. */
static void what_was_freed_before_counts(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	begin_sharers(1 * S);
	MEM_SAMPLED(.at = 3 * S, .pid = 10, .bytes = 7 * MIB);
	read_sharers(3 * S);
	TOTAL_READ(.at = 3 * S + 200, .pid = 10, .processes = SHARERS, .read = SHARERS);
	end_sharers(5 * S);
	finish(s);
	assert_int_equal(run_of(s)->pss_peak_bytes, SUM);
	assert_int_equal(run_of(s)->rss_peak_bytes, ONCE + 200 * MIB);
	end(s);
}

/* What came or went while a round was read is in some figures of it and not in others. */
#define TOTAL_AT (2 * S + 200)
static void a_round_is_no_snapshot(void **state)
{
	static const struct {
		uint64_t sampled, bytes, pss;
	} rounds[] = {
		{2 * S + 150, 208 * MIB, EVENT_NULL(EVENT_REASON_BOUND)}, /* before its end */
		{3 * S, 307 * MIB, EVENT_NULL(EVENT_REASON_BOUND)},	  /* the next samples show much */
		{3 * S, 217 * MIB, SUM},				  /* they show little */
		{4 * S, 307 * MIB, SUM},				  /* those after the next */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rounds) / sizeof(*rounds); i++) {
		struct seen *s = begin(NULL, ALL);

		begin_sharers(1 * S);
		read_sharers(2 * S + 100);
		if (rounds[i].sampled < TOTAL_AT)
			MEM_SAMPLED(.at = rounds[i].sampled, .pid = 11, .bytes = rounds[i].bytes, .shmem = 200 * MIB);
		TOTAL_READ(.at = TOTAL_AT, .pid = 10, .processes = SHARERS, .read = SHARERS);
		if (rounds[i].sampled > TOTAL_AT)
			MEM_SAMPLED(.at = rounds[i].sampled, .pid = 11, .bytes = rounds[i].bytes, .shmem = 200 * MIB);
		end_sharers(6 * S);
		finish(s);
		assert_int_equal(run_of(s)->pss_peak_bytes, rounds[i].pss);
		end(s);
	}
}

/* A round that has not read all says nothing; of a process that cannot be read, the reason stays. */
static void a_round_may_not_read_all(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	begin_sharers(1 * S);
	read_sharers(2 * S + 100);
	TOTAL_READ(.at = 2 * S + 200, .pid = 10, .processes = SHARERS, .read = SHARERS - 1);
	end_sharers(5 * S);
	finish(s);
	assert_int_equal(run_of(s)->pss_peak_bytes, EVENT_NULL(MODEL_REASON_ABSENT));
	assert_int_equal(run_of(s)->rss_peak_bytes, SHARERS * 207 * MIB);
	end(s);

	s = begin(NULL, ALL);
	begin_sharers(1 * S);
	read_sharers(2 * S + 100);
	PSS_READ(.at = 2 * S + 150, .pid = 12, .bytes = EVENT_NULL(EVENT_REASON_DENIED));
	TOTAL_READ(.at = 2 * S + 200, .pid = 10, .processes = SHARERS, .read = SHARERS - 1);
	end_sharers(5 * S);
	finish(s);
	assert_int_equal(run_of(s)->pss_peak_bytes, EVENT_NULL(EVENT_REASON_DENIED));
	assert_int_equal(run_of(s)->rss_peak_bytes, SHARERS * 207 * MIB);
	end(s);
}

/* Two steps map the same file; each alone would need all of it. One process is not readable: that of the other step. */
static void a_step_does_not_share_with_others(void **state)
{
	struct seen *s = begin("steps: [{args: '^a', step: a}, {args: '^b', step: b}]", ALL);
	const char *args[] = {"a|", "b|", "a|"};

	(void)state;
	EXEC(.at = 1 * S, .pid = 9, .exe = "/bin/sh", .args = "sh|");
	for (uint32_t i = 0; i < 3; i++) {
		EXEC(.at = 1 * S, .pid = 10 + i, .parent = 9, .exe = "/bin/x", .args = args[i]);
		MEM_SAMPLED(.at = 2 * S + i, .pid = 10 + i, .bytes = 302 * MIB, .shmem = 295 * MIB);
		PSS_READ(.at = 2 * S + 200 + i, .pid = 10 + i, .anon = 5 * MIB, .file = 2 * MIB, .shmem = 100 * MIB);
	}
	PSS_READ(.at = 2 * S + 210, .pid = 11, .bytes = EVENT_NULL(EVENT_REASON_DENIED));
	TOTAL_READ(.at = 2 * S + 220, .pid = 10, .processes = 3, .read = 2);
	for (uint32_t i = 0; i < 3; i++)
		END(.at = 5 * S + i, .pid = 10 + i, .cpu = 1, .bytes = 302 * MIB);
	END(.at = 6 * S, .pid = 9, .cpu = 1, .bytes = MIB);
	finish(s);
	assert_int_equal(s->tasks_count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct model_task *task = &s->tasks[i].task;

		assert_int_equal(task->rss_peak_bytes, 302 * MIB);
		assert_int_equal(task->pss_peak_bytes,
				 strcmp(s->tasks[i].step, "b") ? 107 * MIB : EVENT_NULL(EVENT_REASON_DENIED));
	}
	end(s);
}

static void the_cgroup_beside_it(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 7 * MIB);
	assert_null(run_of(s)->cgroup);
	TOTAL_READ(.at = 2 * S + 1, .pid = 10, .processes = 1, .bytes = EVENT_NULL(EVENT_REASON_UNSUPPORTED));
	assert_int_equal(run_of(s)->cgroup_bytes, EVENT_NULL(EVENT_REASON_UNSUPPORTED));
	TOTAL_READ(.at = 3 * S, .pid = 10, .cgroup = "/a", .processes = 1, .bytes = 90 * MIB, .cache = 80 * MIB,
		   .held = 4);
	TOTAL_READ(.at = 4 * S, .pid = 10, .cgroup = "/a", .processes = 1, .bytes = 70 * MIB, .cache = 9 * MIB,
		   .held = 2);
	TOTAL_READ(.at = 5 * S, .pid = 10, .cgroup = "/b", .processes = 1, .bytes = 900 * MIB, .cache = 9 * MIB,
		   .held = 50);
	assert_string_equal(run_of(s)->cgroup, "/a");
	assert_int_equal(run_of(s)->cgroup_bytes, 90 * MIB);
	assert_int_equal(run_of(s)->cgroup_cache_bytes, 80 * MIB);
	assert_int_equal(run_of(s)->cgroup_others, 1);
	/* It has moved, and holds more now. */
	MEM_SAMPLED(.at = 6 * S, .pid = 10, .bytes = 8 * MIB);
	TOTAL_READ(.at = 6 * S + 1, .pid = 10, .cgroup = "/b", .processes = 1, .bytes = 9 * MIB, .cache = MIB,
		   .held = 1);
	assert_string_equal(run_of(s)->cgroup, "/b");
	assert_int_equal(run_of(s)->cgroup_bytes, 9 * MIB);
	assert_int_equal(run_of(s)->cgroup_cache_bytes, MIB);
	assert_int_equal(run_of(s)->cgroup_others, 0);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shared_counts_once),	cmocka_unit_test(what_was_added_since_counts),
		cmocka_unit_test(what_was_freed_before_counts), cmocka_unit_test(a_round_may_not_read_all),
		cmocka_unit_test(a_round_is_no_snapshot),	cmocka_unit_test(a_step_does_not_share_with_others),
		cmocka_unit_test(the_cgroup_beside_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
