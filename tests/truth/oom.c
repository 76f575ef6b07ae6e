// SPDX-License-Identifier: BSD-2-Clause
/* Cases: killed for want of memory, by a limit of either version of cgroups. The kernel's own log is the witness
 * of who was killed and how big it was; the victim itself says in which cgroup it is. */
#include "tests/truth/group.h"
#include "tests/truth/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "truth-oom"

#define LIMIT 31457280
#define LIMIT_TEXT "31457280"

/* Where its limit is, and how its line in /proc/self/cgroup begins. */
static const struct {
	const char *limit, *own;
} versions[] = {[1] = {"memory.limit_in_bytes", "memory:"}, [2] = {"memory.max", "0::"}};

static bool make(struct group *g, int version)
{
	if (!group__make(g, version, "memory", NAME))
		return false;
	if (group__put(g->path, versions[version].limit, LIMIT_TEXT))
		return true;
	rmdir(g->path);
	return false;
}

/* The group that the caller is in, as the kernel says. */
static const char *own_group(const struct group *g)
{
	static char text[4096];
	FILE *file = fopen("/proc/self/cgroup", "re");
	const char *own = versions[g->version].own;
	char line[4096], *at;

	text[0] = 0;
	while (file && fgets(line, sizeof(line), file))
		if ((at = strstr(line, own)) && (at += strlen(own)))
			snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\n"), at);
	if (file)
		fclose(file);
	return text;
}

/* ---- the kernel's log ---- */

static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static long long log_kib(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? atoll(at + strlen(key)) : 0;
}

/* KiB that were resident when it was killed, by the log; -1: it does not say. */
static long long logged_rss(int fd, pid_t pid)
{
	char line[8192], key[64];
	ssize_t n;

	snprintf(key, sizeof(key), "Killed process %d ", pid);
	while (fd >= 0 && ((n = read(fd, line, sizeof(line) - 1)) > 0 || errno == EPIPE)) {
		line[n > 0 ? n : 0] = 0;
		if (strstr(line, key))
			return log_kib(line, "anon-rss:") + log_kib(line, "file-rss:") + log_kib(line, "shmem-rss:");
	}
	return -1;
}

static void expect_victim(const struct birth *b, int log, const char *group, pid_t trigger)
{
	char size[64] = "";
	long long rss;

	settle(b->pid);
	rss = logged_rss(log, b->pid);
	if (rss >= 0)
		snprintf(size, sizeof(size), "oom_rss=%lld ", rss);
	expect_end(b, "%ssent=memory_limit:SI_KERNEL oom_limit=%d oom_cgroup=%s oom_trigger=%d", size, LIMIT, group,
		   trigger);
}

static bool was_killed(const struct birth *b)
{
	siginfo_t info = {0};

	settle(b->pid);
	return !waitid(P_PID, b->pid, &info, WEXITED | WNOWAIT) && info.si_code == CLD_KILLED;
}

/* ---- cases ---- */

/* Enters the group, or one below it that has no limit, and says where the limit is. */
static void enter(const struct group *g, bool below)
{
	char path[600];

	group__put(g->path, "cgroup.procs", "0");
	report("%s", own_group(g));
	if (!below)
		return;
	snprintf(path, sizeof(path), "%s/below", g->path);
	group__put(path, "cgroup.procs", "0");
}

static void one_alone(const struct group *g, bool below)
{
	struct birth b;
	int log = open_log();

	open_report();
	if (born(&b)) {
		enter(g, below);
		touch(take(100 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 100 * MIB);
		_exit(0);
	}
	settle(b.pid);
	expect_victim(&b, log, read_report(), b.pid);
	close(log);
}

/* The big one sleeps while a small one wants more: the big one is killed, the small one goes on. The kernel would kill
 * it as well where the big one takes long to go: it may not, or, without the right to say so, wait4 is the witness. */
static void big_and_small(const struct group *g)
{
	int *big_is_there = (int *)take(4096, MAP_SHARED | MAP_ANONYMOUS, -1), log = open_log();
	struct birth big, small;
	const char *group;

	open_report();
	if (born(&big)) {
		enter(g, false);
		touch(take(20 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 20 * MIB);
		__atomic_store_n(big_is_there, 1, __ATOMIC_RELEASE);
		for (;;)
			pause();
	}
	while (!__atomic_load_n(big_is_there, __ATOMIC_ACQUIRE))
		sleep_ms(5);
	if (born(&small)) {
		group__put("/proc/self", "oom_score_adj", "-1000");
		group__put(g->path, "cgroup.procs", "0");
		touch(take(14 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), 14 * MIB);
		_exit(12);
	}
	settle(big.pid);
	group = read_report();
	expect_victim(&big, log, group, small.pid);
	if (was_killed(&small))
		expect_end(&small, "oom_limit=%d oom_cgroup=%s", LIMIT, group);
	else
		expect_end(&small, "no_oom=1");
	close(log);
}

static void in_group(int version)
{
	char below[600];
	struct group g;

	if (!make(&g, version)) {
		expect_none("no_memory_controller_of_that_version");
		return;
	}
	group__put(g.path, "memory.swap.max", "0");
	group__put(g.path, "memory.swappiness", "0");
	group__put(g.path, "memory.use_hierarchy", "1");
	one_alone(&g, false);
	big_and_small(&g);
	snprintf(below, sizeof(below), "%s/below", g.path);
	mkdir(below, 0755);
	one_alone(&g, true);
	rmdir(below);
	rmdir(g.path);
}

static void oom_v2(void)
{
	in_group(2);
}
static void oom_v1(void)
{
	in_group(1);
}

const struct truth_case oom_cases[] = {
	{"oom_v2", "killed by a cgroup's limit of 30 MiB: alone, for another, by the group above", oom_v2, false},
	{"oom_v1", "the same with version 1", oom_v1, false},
	{0},
};
