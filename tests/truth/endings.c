// SPDX-License-Identifier: BSD-2-Clause
/* Cases: every way to end, with what wait4 says of it. */
#include "tests/truth/truth.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/root/progs/signals.h"

static void exit_codes(void)
{
	for (int code = 0; code < 256; code++) {
		struct birth b;

		if (born(&b))
			_exit(code);
		expect_cpu(&b, "execs=0 threads=1");
	}
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
		if (n == SIGPIPE || n == SIGXFSZ) /* since 7.x as write() sends them */
			expect_end(&b, "execs=0");
		else
			expect_end(&b, "execs=0 sent=user:SI_USER sender_pid=%d", b.pid);
	}
}

/* A process that ends as `body` does, once its parent has done what `send` does. */
static void sent(void (*body)(void), void (*send)(pid_t), const char *how)
{
	struct birth b;

	if (born(&b)) {
		limit_core(0);
		body();
		_exit(97);
	}
	if (send) {
		sleep_ms(30);
		send(b.pid);
		expect_end(&b, "sent=%s sender_pid=%d", how, getpid());
	} else {
		expect_end(&b, "sent=%s", how);
	}
}

static void waits(void)
{
	for (;;)
		pause();
}

static void leads_group(void)
{
	setpgid(0, 0);
	waits();
}

static void to_group(pid_t pid)
{
	kill(-pid, SIGTERM);
}

static void to_thread(pid_t pid)
{
	syscall(SYS_tgkill, pid, pid, SIGTERM);
}

static void queued(pid_t pid)
{
	sigqueue(pid, SIGTERM, (union sigval){0});
}

static void forged(pid_t pid)
{
	siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_TIMER};

	syscall(SYS_rt_sigqueueinfo, pid, SIGTERM, &info);
}

static void twice(pid_t pid)
{
	pid_t other;

	kill(pid, SIGKILL);
	other = fork();
	if (!other)
		_exit(kill(pid, SIGKILL) ? 1 : 0);
	waitpid(other, NULL, 0);
}

static void alarms(void)
{
	alarm(1);
	waits();
}

static void times_out(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
	struct itimerspec soon = {.it_value = {.tv_nsec = 10000000}};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &soon, NULL))
		die("timer");
	waits();
}

static void not_mapped(void)
{
	volatile char *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap((void *)at, 4096);
	*at = 1;
}

static void closed_pipe(void)
{
	int fds[2];

	if (!pipe(fds) && !close(fds[0]) && write(fds[1], "", 1))
		_exit(96);
}

static void file_limit(void)
{
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){1, 1});
	if (ftruncate(memfd_create("big", 0), 4096))
		_exit(96);
}

static void cpu_limit(void)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){1, 5});
	spin(NULL);
}

static void forbidden(void)
{
	if (!call_forbidden())
		die("seccomp");
}

static void sent_by_parent(void)
{
	sent(leads_group, to_group, "user:SI_USER");
	sent(waits, to_thread, "user:SI_TKILL");
	sent(waits, queued, "user:SI_QUEUE");
	sent(waits, forged, "user:SI_TIMER");
	sent(waits, twice, "user:SI_USER");
}

static void sent_by_kernel(void)
{
	sent(alarms, NULL, "timer:SI_KERNEL");
	sent(times_out, NULL, "timer:SI_TIMER");
	sent(not_mapped, NULL, "kernel:SEGV_MAPERR");
	sent(closed_pipe, NULL, "kernel:SI_USER");
	sent(file_limit, NULL, "kernel:SI_USER");
	sent(cpu_limit, NULL, "kernel:SI_KERNEL");
}

/* Up to 5.15 it is ended without a signal. */
static void sent_by_seccomp(void)
{
	sent(forbidden, NULL, "kernel:SYS_SECCOMP");
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
	expect_cpu(&b, "threads=2 sent=user:SI_USER sender_pid=%d", getpid());
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
	expect_end(&b, "execs=0 sent=user:SI_USER sender_pid=%d", getpid());
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

/* The keeper of a zombie outlives us, and waits for it only then. */
static void reaped_after_us(void)
{
	pid_t us = getpid();
	struct birth outer, keeper, b;

	open_report();
	if (born(&outer)) {
		if (born(&keeper)) {
			if (born(&b)) {
				burn_ms(5);
				_exit(22);
			}
			settle(b.pid);
			close_report();
			while (!kill(us, 0))
				sleep_ms(20);
			expect_cpu(&b, "execs=0 reaped_after=%llu", (unsigned long long)boot_ns());
			_exit(23);
		}
		report("%d %lu %lu", keeper.pid, keeper.before, keeper.after);
		_exit(0);
	}
	expect_end(&outer, "execs=0");
	sscanf(read_report(), "%d %lu %lu", &keeper.pid, &keeper.before, &keeper.after);
	expect(&keeper, "status=%d execs=0 born_of=%d", 23 << 8, outer.pid);
}

const struct truth_case ending_cases[] = {
	{"exit_codes", "exit(0) to exit(255)", exit_codes, false},
	{"signals", "every signal that kills", signals, false},
	{"sent_by_parent", "signals sent to a group, a thread, queued, forged as a timer's, twice", sent_by_parent,
	 false},
	{"sent_by_kernel", "timers, a fault, a closed pipe, limits of CPU time and of a file", sent_by_kernel, false},
	{"sent_by_seccomp", "a system call that seccomp forbids", sent_by_seccomp, false},
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
	{"reaped_after_us", "a zombie for which its parent waits only after the end of the command", reaped_after_us,
	 false},
	{0},
};
