// SPDX-License-Identifier: BSD-2-Clause
/* Cases: every way to end, with what wait4 says of it. */
#include "tests/truth/truth.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void exit_codes(void)
{
	for (int code = 0; code < 256; code++) {
		struct birth b;

		if (born(&b))
			_exit(code);
		expect_cpu(&b, "execs=0 threads=1");
	}
}

static bool is_fatal(int n)
{
	switch (n) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return false;
	default:
		return true;
	}
}

/* By the system call: the C library keeps two real time signals to itself. */
void die_by(int n)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	sigemptyset(&none);
	syscall(SYS_rt_sigaction, n, &action, NULL, 8);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_kill, getpid(), n);
	sleep_ms(1000);
	_exit(98);
}

static void limit_core(rlim_t bytes)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){bytes, RLIM_INFINITY});
}

static void signals(void)
{
	for (int n = 1; n <= 64; n++) {
		struct birth b;

		if (!is_fatal(n))
			continue;
		if (born(&b)) {
			limit_core(0);
			die_by(n);
		}
		expect_end(&b, "execs=0");
	}
}

static void core_dumped(void)
{
	static const int numbers[] = {SIGQUIT, SIGSEGV, SIGABRT};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct birth b;

		if (born(&b)) {
			limit_core(RLIM_INFINITY);
			if (numbers[i] == SIGABRT)
				abort();
			die_by(numbers[i]);
		}
		expect_end(&b, "execs=0");
	}
}

static void *exit_group_later(void *code)
{
	sleep_ms(20);
	syscall(SYS_exit_group, (int)(intptr_t)code);
	return NULL;
}

static void *exit_later(void *code)
{
	sleep_ms(20);
	syscall(SYS_exit, (int)(intptr_t)code);
	return NULL;
}

static void group_from_thread(void)
{
	struct birth b;

	if (born(&b)) {
		start_thread(exit_group_later, 5);
		for (;;)
			pause();
	}
	expect_cpu(&b, "threads=2");
}

static void leader_first(void)
{
	struct birth b;

	if (born(&b)) {
		start_thread(exit_group_later, 7);
		syscall(SYS_exit, 3);
	}
	expect_cpu(&b, "threads=2");
}

static void leader_then_worker(void)
{
	struct birth b;

	if (born(&b)) {
		start_thread(exit_later, 9);
		syscall(SYS_exit, 3);
	}
	expect_cpu(&b, "threads=2");
}

static void leader_then_killed(void)
{
	struct birth b;

	if (born(&b)) {
		start_thread(spin, 0);
		syscall(SYS_exit, 4);
	}
	sleep_ms(60);
	kill(b.pid, SIGKILL);
	expect_cpu(&b, "threads=2");
}

static void killed_while_stopped(void)
{
	struct birth b;
	int status;

	if (born(&b)) {
		raise(SIGSTOP);
		_exit(1);
	}
	waitpid(b.pid, &status, WUNTRACED);
	kill(b.pid, SIGKILL);
	expect_end(&b, "execs=0");
}

static pthread_barrier_t together;

static void *exits_together(void *code)
{
	pthread_barrier_wait(&together);
	syscall(SYS_exit, (int)(intptr_t)code);
	return NULL;
}

static void threads_together(void)
{
	for (int n = 0; n < 30; n++) {
		struct birth b;

		if (born(&b)) {
			pthread_barrier_init(&together, NULL, 16);
			for (int i = 0; i < 15; i++)
				start_thread(exits_together, 6);
			pthread_barrier_wait(&together);
			syscall(SYS_exit, 6);
		}
		expect_end(&b, "threads=16");
	}
}

static void *nothing(void *argument)
{
	return argument;
}

static void threads_churn(void)
{
	struct birth b;

	if (born(&b)) {
		for (int i = 0; i < 60; i++) {
			pthread_t t[8];

			for (int j = 0; j < 8; j++)
				if (pthread_create(&t[j], NULL, nothing, NULL))
					_exit(99);
			for (int j = 0; j < 8; j++)
				pthread_join(t[j], NULL);
		}
		_exit(2);
	}
	expect_cpu(&b, "execs=0");
}

/* Nobody waits: the kernel reaps it, for its parent ignores SIGCHLD. */
static void autoreap(void)
{
	struct birth outer, inner;

	open_report();
	if (born(&outer)) {
		signal(SIGCHLD, SIG_IGN);
		if (born(&inner))
			_exit(19);
		report("%d %llu %llu", inner.pid, (unsigned long long)inner.before, (unsigned long long)inner.after);
		sleep_ms(100);
		_exit(kill(inner.pid, 0) == 0);
	}
	expect_end(&outer, "execs=0");
	sscanf(read_report(), "%d %lu %lu", &inner.pid, &inner.before, &inner.after);
	expect(&inner, "status=%d ppid=%d", 19 << 8, outer.pid);
}

static void reaped_late(void)
{
	struct birth b;

	if (born(&b)) {
		burn_ms(5);
		_exit(18);
	}
	sleep_ms(300);
	expect_cpu(&b, "execs=0 lasted_at_most=250");
}

const struct truth_case ending_cases[] = {
	{"exit_codes", "exit(0) to exit(255)", exit_codes, false},
	{"signals", "every signal that kills", signals, false},
	{"core_dumped", "signals with a core dump allowed", core_dumped, false},
	{"group_from_thread", "exit_group() by a thread that is not the leader", group_from_thread, false},
	{"leader_first", "the leader exits with 3, a thread then ends all with 7", leader_first, false},
	{"leader_then_worker", "the leader exits with 3, its last thread with 9", leader_then_worker, false},
	{"leader_then_killed", "the leader exits, the thread that spins on is killed", leader_then_killed, false},
	{"killed_while_stopped", "SIGKILL while stopped", killed_while_stopped, false},
	{"threads_together", "16 threads that exit at once, 30 times", threads_together, false},
	{"threads_churn", "480 short threads, 8 at a time", threads_churn, false},
	{"autoreap", "SIGCHLD ignored: nobody waits", autoreap, false},
	{"reaped_late", "a zombie for 300 ms", reaped_late, false},
	{0},
};
