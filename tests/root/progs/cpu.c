/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that use CPU time in different ways, with what wait4 says they used. */
#include "witness.h"

#include <fcntl.h>

static void noop(int n)
{
	(void)n;
}

static void burn(int ms)
{
	burn_ms(ms);
}

static void *burn_thread(void *arg)
{
	burn_ms((intptr_t)arg);
	return NULL;
}

static void *burn_on(void *arg)
{
	for (;;)
		burn_ms(1000);
	return arg;
}

static void threads(int ms)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, burn_thread, (void *)(intptr_t)ms);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

/* Ends while its threads run. */
static void threads_running(int ms)
{
	pthread_t t;

	for (int i = 0; i < 8; i++)
		pthread_create(&t, NULL, burn_on, NULL);
	burn_ms(ms);
}

static void in_kernel(int n)
{
	static char buffer[1 << 20];
	int fd = open("/dev/zero", O_RDONLY);

	for (int i = 0; i < n * 1000; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < n * 10; i++)
		if (read(fd, buffer, sizeof(buffer)) != sizeof(buffer))
			_exit(1);
}

/* Giving memory back is work of the kernel after the process's last word. */
static void memory(int mib)
{
	size_t size = (size_t)mib << 20;

	memset(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, size);
}

static void sleeps(int ms)
{
	sleep_ms(ms);
}

static const struct {
	const char *name;
	void (*body)(int);
	int argument, times;
} cases[] = {
	{"noop", noop, 0, 300},		 {"burn", burn, 1, 20},	      {"burn", burn, 10, 10},
	{"burn", burn, 300, 2},		 {"threads", threads, 50, 2}, {"threads_running", threads_running, 30, 2},
	{"in_kernel", in_kernel, 20, 2}, {"memory", memory, 200, 2},  {"sleeps", sleeps, 100, 1},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int n = 0; n < cases[i].times; n++) {
			struct child c = {.name = cases[i].name, .argument = cases[i].argument, .before = boot_ns()};

			c.pid = fork();
			if (c.pid < 0)
				die("fork");
			if (!c.pid) {
				cases[i].body(cases[i].argument);
				_exit(0);
			}
			c.after = boot_ns();
			child__reap(&c);
		}
	}
	return 0;
}
