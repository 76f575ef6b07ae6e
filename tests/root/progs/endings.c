/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends children in every way there is, and says by wait4 how each ended. Usage: endings [CASE]... */
#include "witness.h"

#include "signals.h"

static void *thread_exits_group(void *arg)
{
	sleep_ms(20);
	syscall(SYS_exit_group, (int)(intptr_t)arg);
	return NULL;
}

static void *thread_exits_alone(void *arg)
{
	sleep_ms(20);
	syscall(SYS_exit, (int)(intptr_t)arg);
	return NULL;
}

static void *spin(void *arg)
{
	for (;;)
		__asm__ volatile("" : : "r"(arg) : "memory");
	return NULL;
}

static void start(void *(*body)(void *), intptr_t arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	if (pthread_create(&thread, &attr, body, (void *)arg))
		die("pthread_create");
}

/* ---- bodies of children ---- */

static void code(int n)
{
	_exit(n);
}

static void dumps_core(int n)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	setrlimit(RLIMIT_CORE, &limit);
	die_by(n);
}

static void group_from_thread(int n)
{
	start(thread_exits_group, n);
	for (;;)
		pause();
}

static void leader_first(int n)
{
	start(thread_exits_group, n);
	syscall(SYS_exit, 3);
}

static void leader_then_worker(int n)
{
	start(thread_exits_alone, n);
	syscall(SYS_exit, 3);
}

static void leader_first_then_killed(int n)
{
	start(spin, 0);
	syscall(SYS_exit, n);
}

static void stops(int n)
{
	raise(SIGSTOP);
	_exit(n);
}

static void spin_in_threads(void)
{
	for (int i = 0; i < 8; i++)
		start(spin, i);
}

static void threads_spin_then_code(int n)
{
	spin_in_threads();
	sleep_ms(20);
	_exit(n);
}

static void threads_spin(int n)
{
	(void)n;
	spin_in_threads();
	for (;;)
		pause(); /* the parent kills it */
}

static pthread_barrier_t together;

static void *exits_together(void *arg)
{
	pthread_barrier_wait(&together);
	syscall(SYS_exit, (int)(intptr_t)arg);
	return NULL;
}

static void sixteen_together(int n)
{
	pthread_barrier_init(&together, NULL, 16);
	for (int i = 0; i < 15; i++)
		start(exits_together, n);
	pthread_barrier_wait(&together);
	syscall(SYS_exit, n);
}

static void many_short_threads(int n)
{
	for (int i = 0; i < 500; i++) {
		pthread_t t[8];

		for (int j = 0; j < 8; j++)
			if (pthread_create(&t[j], NULL, (void *(*)(void *))getppid, NULL))
				die("pthread_create");
		for (int j = 0; j < 8; j++)
			pthread_join(t[j], NULL);
	}
	_exit(n);
}

static void aborts(int n)
{
	(void)n;
	abort();
}

static void faults(int n)
{
	*(volatile int *)(intptr_t)n = 0;
}

/* ---- cases ---- */

struct ending {
	const char *name;
	void (*body)(int);
	int from, to;
	int kill_by; /* sent by the parent, once the child has stopped or burnt for a while; 0: none */
	int times;
};

static const struct ending endings[] = {
	{"code", code, 0, 255, 0, 1},
	{"signal", die_by, 1, 64, 0, 1},
	{"core", dumps_core, SIGQUIT, SIGQUIT, 0, 1},
	{"core", dumps_core, SIGSEGV, SIGSEGV, 0, 1},
	{"abort", aborts, 0, 0, 0, 1},
	{"fault", faults, 8, 8, 0, 1},
	{"group_from_thread", group_from_thread, 5, 5, 0, 3},
	{"leader_first", leader_first, 7, 7, 0, 3},
	{"leader_then_worker", leader_then_worker, 9, 9, 0, 3},
	{"leader_first_then_killed", leader_first_then_killed, 4, 4, SIGKILL, 3},
	{"killed_while_stopped", stops, 0, 0, SIGKILL, 1},
	{"threads_spin_then_code", threads_spin_then_code, 4, 4, 0, 2},
	{"threads_spin_killed", threads_spin, 0, 0, SIGKILL, 2},
	{"sixteen_together", sixteen_together, 6, 6, 0, 40},
	{"many_short_threads", many_short_threads, 2, 2, 0, 1},
};

static void run_one(const struct ending *e, int argument)
{
	struct child c = {.name = e->name, .argument = argument};
	int status;

	c.before = boot_ns();
	c.pid = fork();
	if (c.pid < 0)
		die("fork");
	if (!c.pid) {
		e->body(argument);
		_exit(97);
	}
	c.after = boot_ns();
	if (e->body == stops)
		waitpid(c.pid, &status, WUNTRACED);
	else if (e->kill_by)
		sleep_ms(10);
	if (e->kill_by)
		kill(c.pid, e->kill_by);
	child__reap(&c);
}

static int is_wanted(const char *name, char **names)
{
	if (!*names)
		return 1;
	while (*names && strcmp(*names, name))
		names++;
	return *names != NULL;
}

int main(int argc, char **argv)
{
	(void)argc;
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, RLIM_INFINITY});
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const struct ending *e = &endings[i];

		if (!is_wanted(e->name, argv + 1))
			continue;
		for (int argument = e->from; argument <= e->to; argument++)
			for (int n = 0; n < e->times; n++)
				if (e->body != die_by || is_fatal(argument))
					run_one(e, argument);
	}
	return 0;
}
