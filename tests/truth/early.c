// SPDX-License-Identifier: BSD-2-Clause
/* Processes that are there before the collector: what it finds of them, and that their whole account is told at
 * their end. Run by suite.sh: truth early EXPECT GO. */
#include "tests/truth/truth.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *go;
static int *there; /* threads that have come to where they wait */

static void make_file(const char *path, const char *suffix)
{
	char whole[4096];

	snprintf(whole, sizeof(whole), "%s%s", path, suffix);
	close(open(whole, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
}

void wait_for(const char *path, const char *suffix)
{
	char whole[4096];

	snprintf(whole, sizeof(whole), "%s%s", path, suffix);
	while (access(whole, F_OK))
		sleep_ms(20);
}

void wait_for_file(const char *path)
{
	make_file(path, ".there");
	wait_for(path, "");
	say_peak();
}

static void arrive(void)
{
	__atomic_add_fetch(there, 1, __ATOMIC_RELEASE);
	wait_for(go, "");
}

static void *arrives(void *unused)
{
	arrive();
	return unused;
}

/* Works before and after; the account has both. */
static void works(struct birth *b)
{
	if (born(b)) {
		burn_ms(30);
		arrive();
		burn_ms(5);
		_exit(31);
	}
}

/* Its program, arguments and folder are found, its peak is of its whole life. */
static void has_program(struct birth *b)
{
	if (born(b)) {
		execl(truth_path, "truth", "child", "wait", go, "", "new\nline", "\xff", NULL);
		_exit(127);
	}
}

/* Its threads were all there before. */
static void has_threads(struct birth *b)
{
	if (born(b)) {
		for (int i = 0; i < 3; i++)
			start_thread(arrives, 0);
		arrive();
		sleep_ms(60);
		_exit(33);
	}
}

static void is_killed(struct birth *b)
{
	if (born(b))
		for (;;)
			pause();
}

/* LENGTH:HASH of its arguments, and of its folder, as /proc has them now. */
static void look(const struct birth *b, char *out, size_t size)
{
	char path[64], text[8192], folder[4096];
	ssize_t n, m;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", b->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text));
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/cwd", b->pid);
	m = readlink(path, folder, sizeof(folder));
	if (n < 0 || m < 0)
		die("look");
	snprintf(out, size, "alive=1 execs=0 args=%zd:%llx cwd=%zd:%llx", n,
		 (unsigned long long)hash_bytes(HASH_START, text, n), m,
		 (unsigned long long)hash_bytes(HASH_START, folder, m));
}

void early(const char *path)
{
	enum { WORKS, PROGRAM, THREADS, KILLED, COUNT };
	void (*const make[COUNT])(struct birth *) = {works, has_program, has_threads, is_killed};
	struct birth b[COUNT], own = {.pid = getpid(), .after = ~0ull}, late;
	char found[COUNT][256];

	go = path;
	current = "early";
	there = (int *)take(4096, MAP_SHARED | MAP_ANONYMOUS, -1);
	open_report();
	for (int i = 0; i < COUNT; i++)
		make[i](&b[i]);
	while (__atomic_load_n(there, __ATOMIC_ACQUIRE) < 5)
		sleep_ms(5);
	wait_for(go, ".there");
	for (int i = 0; i < COUNT; i++)
		look(&b[i], found[i], sizeof(found[i]));
	make_file(go, ".ready");
	wait_for(go, "");
	if (born(&late))
		_exit(34);
	kill(b[KILLED].pid, SIGTERM);
	expect_cpu(&b[WORKS], "cpu_at_least=35000 %s", found[WORKS]);
	expect_cpu(&b[PROGRAM], "peak=%s %s", read_report(), found[PROGRAM]);
	expect_cpu(&b[KILLED], "%s", found[KILLED]);
	expect_cpu(&late, "threads=1 execs=0 ppid=%d", getpid());
	expect(&own, "status=0 alive=1");
	current = "early_threads"; /* how many there ever were is not to be known */
	expect_cpu(&b[THREADS], "threads=4 %s", found[THREADS]);
}
