// SPDX-License-Identifier: BSD-2-Clause
/* Cases: peak memory of the program that ends, with what the kernel tells the program itself. */
#include "tests/truth/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <unistd.h>

static long before_free; /* KiB, where memory is given back before the end */

char *take(size_t bytes, int flags, int fd)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		die("mmap");
	return at;
}

void touch(char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 4096)
		((volatile char *)at)[i] = 1;
}

long read_kib(const char *path, const char *key)
{
	static char text[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;

	close(fd);
	text[n > 0 ? n : 0] = 0;
	line = strstr(text, key);
	return line ? strtol(line + strlen(key), NULL, 10) : 0;
}

/* smaps_rollup counts pages; VmHWM is from counters that lag a little on kernels from 6.2 on. */
long peak_kib(void)
{
	long now = read_kib("/proc/self/smaps_rollup", "Rss:"), most = read_kib("/proc/self/status", "VmHWM:");

	most = most > now ? most : now;
	return most > before_free ? most : before_free;
}

void say_peak(void)
{
	report("%.*s", 0 * (int)peak_kib(), ""); /* once for nothing, so that all the pages it needs are there */
	report("%ld", peak_kib());
	_exit(0);
}

static void expect_peak(const struct birth *b)
{
	expect_end(b, "peak=%s", read_report());
}

static void holds(size_t bytes, int flags)
{
	struct birth b;

	open_report();
	if (born(&b)) {
		touch(take(bytes, flags, -1), bytes);
		say_peak();
	}
	expect_peak(&b);
}

static void hold_100(void)
{
	holds(100 * MIB, MAP_PRIVATE | MAP_ANONYMOUS);
}
static void shared_30(void)
{
	holds(30 * MIB, MAP_SHARED | MAP_ANONYMOUS);
}

static void nothing_more(void)
{
	struct birth b;

	open_report();
	if (born(&b))
		say_peak();
	expect_peak(&b);
}

static void exec_small(void)
{
	struct birth b;

	open_report();
	if (born(&b))
		exec_child("peak", NULL);
	expect_peak(&b);
}

static void freed_80(void)
{
	struct birth b;

	open_report();
	if (born(&b)) {
		char *at = take(80 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

		touch(at, 80 * MIB);
		before_free = peak_kib();
		munmap(at, 80 * MIB);
		say_peak();
	}
	expect_peak(&b);
}

static void file_40(void)
{
	char path[] = "/tmp/truth-map-XXXXXX";
	struct birth b;
	int fd = mkstemp(path);

	if (fd < 0 || ftruncate(fd, 40 * MIB))
		die(path);
	open_report();
	if (born(&b)) {
		touch(take(40 * MIB, MAP_SHARED, fd), 40 * MIB);
		say_peak();
	}
	expect_peak(&b);
	close(fd);
	unlink(path);
}

/* Pages of 2 MB, where the kernel gives them; else there is nothing to compare. */
static void huge_16(void)
{
	struct birth b;
	const char *said;

	open_report();
	if (born(&b)) {
		char *at = take(18 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

		at = (char *)(((uintptr_t)at + 2 * MIB - 1) & ~(uintptr_t)(2 * MIB - 1));
		madvise(at, 16 * MIB, MADV_HUGEPAGE);
		touch(at, 16 * MIB);
		if (read_kib("/proc/self/smaps_rollup", "AnonHugePages:") >= 2048)
			say_peak();
		_exit(0);
	}
	said = read_report();
	if (*said)
		expect_end(&b, "peak=%s", said);
	else
		expect_none("no_transparent_huge_pages");
}

/* Pages of the pool for huge ones, which the kernel does not count as resident. */
static void hugetlb_8(void)
{
	struct birth b;
	const char *said;

	open_report();
	if (born(&b)) {
		char *at = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);

		if (at == MAP_FAILED)
			_exit(0);
		touch(at, 8 * MIB);
		say_peak();
	}
	said = read_report();
	if (*said)
		expect_end(&b, "peak=%s", said);
	else
		expect_none("no_pool_of_huge_pages");
}

static void set_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "truth: %s: cannot be set to %s\n", path, text);
	close(fd);
}

static void mem_hugetlb(void)
{
	set_text("/proc/sys/vm/nr_hugepages", "6");
	hugetlb_8();
	set_text("/proc/sys/vm/nr_hugepages", "0");
}

/* The disk of tests/kernels' machines; elsewhere nobody's swap is touched. */
#define SWAP "/dev/nvme0n1"

/* Most of it goes out to swap before the end: the peak stays what it was. */
static void swapped(void)
{
	struct birth b;
	const char *said;
	long swap;

	if (getenv("TRUTH_GUEST") && swapon(SWAP, 0))
		fprintf(stderr, "truth: %s: cannot be swapped to: %s\n", SWAP, strerror(errno));
	open_report();
	if (born(&b)) {
		char *at = take(40 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

		touch(at, 40 * MIB);
		before_free = peak_kib();
		madvise(at, 30 * MIB, MADV_PAGEOUT);
		swap = read_kib("/proc/self/status", "VmSwap:");
		if (swap >= 20 << 10)
			report("%ld swap=%ld", peak_kib(), swap);
		_exit(0);
	}
	said = read_report();
	if (getenv("TRUTH_GUEST"))
		swapoff(SWAP);
	if (*said)
		expect_end(&b, "peak=%s", said);
	else
		expect_none("no_swap");
}

/* wait4 says 400 MB of a child that was never larger than 1. */
static void parent_400(void)
{
	char *at = take(400 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	touch(at, 400 * MIB);
	exec_small();
	munmap(at, 400 * MIB);
}

static void parent_400_forks(void)
{
	char *at = take(400 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	touch(at, 400 * MIB);
	nothing_more(); /* has all of it, shared until somebody writes */
	munmap(at, 400 * MIB);
}

static void parent_100_child_200(void)
{
	char *at = take(100 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct birth b;

	touch(at, 100 * MIB);
	open_report();
	if (born(&b))
		exec_child("peak", "200");
	expect_peak(&b);
	munmap(at, 100 * MIB);
}

static void big_then_small(void)
{
	struct birth b;

	open_report();
	if (born(&b)) {
		touch(take(150 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 150 * MIB);
		exec_child("peak", NULL);
	}
	expect_peak(&b);
}

/* A program that holds 150 MB and works, then executes a small one. Each says what it has used. */
static void image(void)
{
	struct birth b;

	open_report();
	if (born(&b))
		exec_child("launcher", "150");
	expect_end(&b, "execs=2 %s", read_report());
}

const struct truth_case memory_cases[] = {
	{"mem_small", "nothing of its own", nothing_more, false},
	{"mem_exec", "a small program", exec_small, false},
	{"mem_100", "100 MB", hold_100, false},
	{"mem_shared_30", "30 MB shared", shared_30, false},
	{"mem_file_40", "40 MB of a file", file_40, false},
	{"mem_freed_80", "80 MB, given back before the end", freed_80, false},
	{"mem_huge_16", "16 MB of huge pages", huge_16, false},
	{"mem_hugetlb", "8 MB of the pool of huge pages, which is nobody's resident memory", mem_hugetlb, true},
	{"mem_swapped", "40 MB, of which 30 are swapped out", swapped, false},
	{"mem_parent_400", "a small program started by one of 400 MB", parent_400, false},
	{"mem_parent_400_forks", "a fork of a process of 400 MB", parent_400_forks, false},
	{"mem_parent_100", "200 MB, started by a process of 100 MB", parent_100_child_200, false},
	{"image", "a program of 150 MB and 30 ms that executes a small one", image, false},
	{"mem_big_then_small", "150 MB, then exec of a small program", big_then_small, false},
	{0},
};
