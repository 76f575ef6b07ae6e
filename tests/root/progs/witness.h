/* SPDX-License-Identifier: BSD-2-Clause */
/* What the witnesses share: clocks, and one line of JSON for each child that ended. */
#ifndef WITNESS_H
#define WITNESS_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/made/settle.h"

static inline uint64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static inline void die(const char *what)
{
	perror(what);
	exit(99);
}

static inline void sleep_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	while (nanosleep(&t, &t) && errno == EINTR)
		continue;
}

/* Burns CPU time of the calling thread. */
static inline void burn_ms(unsigned ms)
{
	struct timespec t, end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000l;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while ((int64_t)(t.tv_sec - end.tv_sec) * 1000000000ll + t.tv_nsec - end.tv_nsec < 0);
}

/* A child between its fork and its reaping, as the kernel tells its parent. */
struct child {
	const char *name;
	int argument;
	pid_t pid;
	uint64_t before, after; /* its fork, by the boot clock */
};

/* Reaps it and says what became of it. */
static inline void child__reap(const struct child *c)
{
	struct rusage use;
	int status;

	settle(c->pid);
	if (wait4(c->pid, &status, __WALL, &use) != c->pid)
		die("wait4");
	printf("{\"case\":\"%s\",\"argument\":%d,\"pid\":%d,\"status\":%d,\"before\":%llu,\"after\":%llu,"
	       "\"reaped\":%llu,\"user_us\":%lld,\"system_us\":%lld,\"maxrss_kib\":%ld}\n",
	       c->name, c->argument, c->pid, status, (unsigned long long)c->before, (unsigned long long)c->after,
	       (unsigned long long)boot_ns(), use.ru_utime.tv_sec * 1000000ll + use.ru_utime.tv_usec,
	       use.ru_stime.tv_sec * 1000000ll + use.ru_stime.tv_usec, use.ru_maxrss);
	fflush(stdout);
}

#endif
