// SPDX-License-Identifier: BSD-2-Clause
/* Cases: where a process is, what it is called, which limit kills it, and who is nobody's business. */
#include "tests/truth/truth.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP "/sys/fs/cgroup/truth"

/* The program itself says where it is, by /proc/self/cwd. */
static void runs_here(void)
{
	struct birth b;

	open_report();
	if (born(&b))
		exec_child("cwd", NULL);
	expect_end(&b, "execs=1 cwd=%s", read_report());
}

static void in_folder(const char *path, void (*body)(const char *path))
{
	int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mkdir(path, 0700) || chdir(path))
		die(path);
	body(path);
	if (fchdir(back))
		die("fchdir");
	close(back);
	rmdir(path);
}

static int levels;

static void deeper(const char *path)
{
	if (levels-- > 0)
		in_folder("a-folder-with-a-name-that-takes-some-room", deeper);
	else
		runs_here();
	(void)path;
}

static void cwd_deep(void)
{
	levels = 60;
	in_folder("truth-deep", deeper);
}

static void gone(const char *path)
{
	char up[64];

	snprintf(up, sizeof(up), "../%s", path);
	if (rmdir(up))
		die(up);
	runs_here();
}

static void cwd_deleted(void)
{
	in_folder("truth-gone", gone);
}

static void *renames_itself(void *unused)
{
	prctl(PR_SET_NAME, "worker");
	sleep_ms(20);
	return unused;
}

/* A process is called as its leader is, whoever of its threads is the last. */
static void renamed(void)
{
	struct birth b;

	if (born(&b)) {
		pthread_t t;

		prctl(PR_SET_NAME, "the leader");
		pthread_create(&t, NULL, renames_itself, NULL);
		pthread_exit(NULL);
	}
	expect_end(&b, "comm=the_leader");
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

static void oom(void)
{
	struct birth b;

	put("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if ((mkdir(GROUP, 0755) && access(GROUP, F_OK)) || !put(GROUP "/memory.max", "31457280")) {
		expect_none("no_memory_controller");
		return;
	}
	put(GROUP "/memory.swap.max", "0");
	if (born(&b)) {
		put(GROUP "/cgroup.procs", "0");
		touch(take(100 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 100 * MIB);
		_exit(0);
	}
	expect_end(&b, "oom_limit=%d", 31457280);
	rmdir(GROUP);
}

void outside(void)
{
	for (int i = 0; i < 20; i++) {
		struct birth b;
		struct death d;

		if (born(&b))
			exec_child("exit", "1");
		reap(&b, &d);
		expect(&b, "absent=1");
		sleep_ms(50);
	}
}

const struct truth_case place_cases[] = {
	{"cwd_deep", "a working directory 60 folders down", cwd_deep, false},
	{"cwd_deleted", "a working directory that is gone", cwd_deleted, false},
	{"renamed", "threads that rename themselves", renamed, false},
	{"oom", "killed for want of memory, by a cgroup's limit of 30 MiB", oom, true},
	{0},
};
