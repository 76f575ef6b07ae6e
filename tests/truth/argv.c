// SPDX-License-Identifier: BSD-2-Clause
/* Cases: argv, with what the program itself reads in /proc/self/cmdline. Also the roles of `truth child`. */
#include "tests/truth/truth.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static char *const no_env[] = {NULL};

/* ---- roles ---- */

/* LENGTH:HASH of our argv as it lies in memory. */
static void say_args(void)
{
	static char part[65536];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	uint64_t hash = HASH_START;
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0) {
		hash = hash_bytes(hash, part, n);
		length += n;
	}
	close(fd);
	report("%zu:%llx", length, (unsigned long long)hash);
	_exit(0);
}

static void *exec_again(void *code)
{
	exec_child("exit", code);
	return NULL;
}

int child_main(int argc, char **argv)
{
	const char *role = argc > 0 ? argv[0] : "args";
	int number = argc > 1 ? atoi(argv[1]) : 0;
	struct timespec used;
	char left[16];

	if (!strcmp(role, "exit"))
		_exit(number);
	if (!strcmp(role, "chain")) {
		snprintf(left, sizeof(left), "%d", number - 1);
		exec_child(number > 1 ? "chain" : "exit", left);
	}
	if (!strcmp(role, "thread_exec")) {
		start_thread(exec_again, (intptr_t)argv[1]);
		for (;;)
			pause();
	}
	if (!strcmp(role, "sleep"))
		_exit(read(STDIN_FILENO, left, 1) ? 99 : number);
	if (!strcmp(role, "wait"))
		wait_for_file(argc > 1 ? argv[1] : "");
	if (!strcmp(role, "cwd")) {
		static char path[8192];
		ssize_t n = readlink("/proc/self/cwd", path, sizeof(path));

		report("%zd:%llx", n, (unsigned long long)hash_bytes(HASH_START, path, n));
		_exit(0);
	}
	if (!strcmp(role, "launcher")) {
		touch(take((size_t)number * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), (size_t)number * MIB);
		burn_ms(30);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
		report("image_cpu=%ld image_peak=%ld peak=", used.tv_sec * 1000000000 + used.tv_nsec, peak_kib());
		exec_child("peak", NULL);
	}
	if (!strcmp(role, "peak")) {
		touch(take((size_t)number * MIB + 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1), (size_t)number * MIB);
		say_peak();
	}
	say_args();
	return 0;
}

/* ---- cases ---- */

static void runs(char *const argv[])
{
	struct birth b;

	open_report();
	if (born(&b)) {
		execve(truth_path, argv, no_env);
		_exit(127);
	}
	expect_end(&b, "execs=1 args=%s", read_report());
}

static void argv_weird(void)
{
	runs((char *const[]){"truth", "child", "args", "", " ", "new\nline", "tab\t\"quote\" \\ '", "\x80\xff\xfe",
			     "\xc3\xa4\xe2\x82\xac", "\x01\x1b[31m\x7f", "", "", NULL});
}

static void argv_none(void)
{
	runs((char *const[]){NULL});
}

static char *text_of(size_t length, char c)
{
	char *text = malloc(length + 1);

	if (!text)
		die("malloc");
	memset(text, c, length);
	text[length] = 0;
	return text;
}

/* `count` arguments of `length` bytes each. */
static void many(size_t count, size_t length)
{
	char **argv = calloc(count + 4, sizeof(*argv));

	if (!argv)
		die("calloc");
	argv[0] = "truth";
	argv[1] = "child";
	argv[2] = "args";
	for (size_t i = 0; i < count; i++)
		argv[3 + i] = text_of(length, 'a' + i % 26);
	runs(argv);
	for (size_t i = 0; i < count; i++)
		free(argv[3 + i]);
	free(argv);
}

static void argv_4k(void)
{
	for (size_t length = 4060; length < 4100; length += 3)
		many(1, length);
}

static void argv_100k(void)
{
	many(1000, 100);
}
static void argv_one_128k(void)
{
	many(1, 128 * 1024 - 1);
}
static void argv_20000(void)
{
	many(20000, 5);
}
static void argv_2m(void)
{
	many(15, 128 * 1024 - 1);
}

const struct truth_case argv_cases[] = {
	{"argv_weird", "empty, newlines, quotes, bytes that are no UTF-8", argv_weird, false},
	{"argv_none", "argc 0", argv_none, false},
	{"argv_4k", "about 4 KiB, byte by byte", argv_4k, false},
	{"argv_one_128k", "one argument of 128 KiB, the kernel's limit", argv_one_128k, false},
	{"argv_100k", "1,000 arguments, 100 KB", argv_100k, false},
	{"argv_20000", "20,000 arguments", argv_20000, false},
	{"argv_2m", "about 2 MB, the kernel's limit", argv_2m, false},
	{0},
};
