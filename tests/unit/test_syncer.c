/* SPDX-License-Identifier: BSD-2-Clause */
/* core/daemon/syncer.c: jobs on another thread, in order, all of them done before the end. */
#include "core/daemon/syncer.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JOBS 100

static int order[JOBS], done;
static pthread_t thread;
static bool blocked = true;

static void work(void *arg)
{
	sigset_t mask;

	order[done++] = *(int *)arg;
	thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	blocked = blocked && sigismember(&mask, SIGTERM) && sigismember(&mask, SIGCHLD) && sigismember(&mask, SIGALRM);
}

static void do_jobs(bool started)
{
	static int numbers[JOBS];
	static struct syncer_job jobs[JOBS];
	struct syncer *syncer = syncer__new();
	sigset_t before, after;

	assert_non_null(syncer);
	assert_null(syncer__done(syncer));
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	for (int i = 0; i < JOBS; i++) {
		if (started && i == JOBS / 2)
			assert_int_equal(syncer__start(syncer), 0);
		numbers[i] = i;
		jobs[i] = (struct syncer_job){.work = work, .arg = &numbers[i]};
		syncer__add(syncer, &jobs[i]);
	}
	syncer__finish(syncer);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (int number = 1; number < NSIG; number++)
		assert_int_equal(sigismember(&before, number), sigismember(&after, number));
	for (int i = 0; i < JOBS; i++) {
		assert_ptr_equal(syncer__done(syncer), &jobs[i]);
		assert_int_equal(order[i], i);
	}
	assert_null(syncer__done(syncer));
	assert_int_equal(done, JOBS);
	done = 0;
	syncer__free(syncer);
}

static void jobs_are_done_in_order_by_a_thread_without_signals(void **state)
{
	(void)state;
	do_jobs(true);
	assert_true(blocked && !pthread_equal(thread, pthread_self()));
}

static void without_a_thread_they_are_done_at_the_end(void **state)
{
	(void)state;
	do_jobs(false);
	assert_true(pthread_equal(thread, pthread_self()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jobs_are_done_in_order_by_a_thread_without_signals),
		cmocka_unit_test(without_a_thread_they_are_done_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
