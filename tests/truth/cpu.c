// SPDX-License-Identifier: BSD-2-Clause
/* Cases: CPU time, with wait4's sum as the witness.
 *
 * Both come from the same account; it is exact to the nanosecond and wait4 cuts user and system time to
 * microseconds each. The rest of the tolerance (see check.c) is for the last instructions of a process. */
#include "tests/truth/truth.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void noop(void)
{
	for (int i = 0; i < 100; i++) {
		struct birth b;

		if (born(&b))
			_exit(0);
		expect_cpu(&b, "execs=0");
	}
}

static void burn(unsigned ms, int times)
{
	for (int i = 0; i < times; i++) {
		struct birth b;

		if (born(&b)) {
			burn_ms(ms);
			_exit(0);
		}
		expect_cpu(&b, "cpu_at_least=%u", ms * 1000);
	}
}

static void burn_1(void)
{
	burn(1, 20);
}
static void burn_10(void)
{
	burn(10, 10);
}
static void burn_300(void)
{
	burn(300, 2);
}

static void *burn_thread(void *ms)
{
	burn_ms((intptr_t)ms);
	return NULL;
}

static pthread_barrier_t all_there;

static void *burn_together(void *ms)
{
	pthread_barrier_wait(&all_there);
	return burn_thread(ms);
}

static void threads_joined(void)
{
	struct birth b;

	if (born(&b)) {
		pthread_t t[4];

		pthread_barrier_init(&all_there, NULL, 4);
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, burn_together, (void *)50);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		_exit(0);
	}
	expect_cpu(&b, "threads=5 cpu_at_least=200000");
}

static void threads_64(void)
{
	struct birth b;

	if (born(&b)) {
		for (int i = 0; i < 63; i++)
			start_thread(burn_thread, 3); /* some die early, some are killed at work */
		burn_ms(20);
		_exit(0);
	}
	expect_cpu(&b, "execs=0");
}

static void threads_spin(void)
{
	struct birth b;

	if (born(&b)) {
		for (int i = 0; i < 8; i++)
			start_thread(spin, 0);
		burn_ms(20);
		_exit(4);
	}
	expect_cpu(&b, "threads=9");
}

static void threads_spin_killed(void)
{
	int ready[2];
	struct birth b;

	if (pipe(ready))
		die("pipe");
	if (born(&b)) {
		for (int i = 0; i < 7; i++)
			start_thread(spin, 0);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		spin(NULL);
	}
	if (read(ready[0], &(char){0}, 1) != 1)
		die("read");
	close(ready[0]);
	close(ready[1]);
	sleep_ms(200); /* of work for all of them */
	kill(b.pid, SIGKILL);
	expect_cpu(&b, "threads=8");
}

static void in_kernel(void)
{
	static char buffer[MIB];
	struct birth b;

	if (born(&b)) {
		int fd = open("/dev/zero", O_RDONLY);

		for (int i = 0; i < 20000; i++)
			syscall(SYS_getppid);
		for (int i = 0; i < 200; i++)
			if (read(fd, buffer, sizeof(buffer)) != sizeof(buffer))
				_exit(1);
		_exit(0);
	}
	expect_cpu(&b, "execs=0");
}

/* Giving the memory back is work after the process's last word. */
static void in_exit(void)
{
	struct birth b;

	if (born(&b)) {
		touch(take(150 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 150 * MIB);
		_exit(0);
	}
	expect_cpu(&b, "execs=0");
}

static void sleeps(void)
{
	struct birth b;

	if (born(&b)) {
		sleep_ms(100);
		_exit(0);
	}
	expect_cpu(&b, "execs=0");
}

/* While it lives somebody asks for its times, as ps does: the kernel takes nothing back of what it told. */
static void looked_at(void)
{
	for (int i = 0; i < 10; i++) {
		char path[64], text[512];
		struct birth b;
		int fd;

		if (born(&b)) {
			burn_us(700);
			sleep_ms(20);
			for (int j = 0; j < 60000; j++)
				syscall(SYS_getppid);
			_exit(0);
		}
		sleep_ms(10);
		snprintf(path, sizeof(path), "/proc/%d/stat", b.pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, text, sizeof(text)) < 0)
			die(path);
		close(fd);
		expect_cpu(&b, "execs=0");
	}
}

static uint64_t delayed, read_at; /* sums over all threads, at the end of each */

/* The delay is the second number. */
static void *waits_its_turn(void *unused)
{
	unsigned long long delay = 0;
	char path[64];
	FILE *file;

	burn_ms(30);
	snprintf(path, sizeof(path), "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*u %llu", &delay) != 1)
		_exit(95);
	__atomic_add_fetch(&delayed, delay, __ATOMIC_RELAXED);
	__atomic_add_fetch(&read_at, boot_ns(), __ATOMIC_RELAXED);
	fclose(file);
	return unused;
}

static void share_one_cpu(void)
{
	pthread_t threads[3];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, waits_its_turn, NULL);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	waits_its_turn(NULL);
	report("%llu %llu", (unsigned long long)delayed, (unsigned long long)read_at);
	_exit(0);
}

static void run_delay(void)
{
	unsigned long long low, at;
	struct birth b;
	struct death d;

	open_report();
	if (born(&b))
		share_one_cpu();
	reap(&b, &d);
	if (sscanf(read_report(), "%llu %llu", &low, &at) == 2)
		expect(&b, "status=%d run_delay=%llu:%llu", d.status, low,
		       low + 4 * (unsigned long long)boot_ns() - at);
	else
		expect_none("no_schedstat");
}

const struct truth_case cpu_cases[] = {
	{"noop", "nothing at all, 100 times", noop, false},
	{"burn_1", "1 ms, 20 times", burn_1, false},
	{"burn_10", "10 ms, 10 times", burn_10, false},
	{"burn_300", "300 ms, twice", burn_300, false},
	{"threads_joined", "4 threads of 50 ms", threads_joined, false},
	{"threads_64", "64 threads of which some die early", threads_64, false},
	{"threads_spin", "8 threads that spin when the leader exits", threads_spin, false},
	{"threads_spin_killed", "8 threads that spin when they are killed", threads_spin_killed, false},
	{"in_kernel", "system calls and copies", in_kernel, false},
	{"looked_at", "somebody asks for its times while it lives, 10 times", looked_at, false},
	{"in_exit", "150 MB to give back at the end", in_exit, false},
	{"run_delay", "4 threads of 30 ms on one CPU, of which 3 end early", run_delay, false},
	{"sleeps", "100 ms asleep", sleeps, false},
	{0},
};
