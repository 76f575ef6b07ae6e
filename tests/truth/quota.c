// SPDX-License-Identifier: BSD-2-Clause
/* Cases: a quota of CPU time, by either version of cgroups. The witness is the group's own cpu.stat, at the end. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/truth/group.h"
#include "tests/truth/truth.h"

/* What limits it to a fifth of a CPU, and the throttled time in cpu.stat with its unit in ns. */
static const struct {
	const char *period, *quota, *text, *stat;
	unsigned unit;
} versions[] = {
	[1] = {"cpu.cfs_period_us", "cpu.cfs_quota_us", "20000", "throttled_time", 1},
	[2] = {NULL, "cpu.max", "20000 100000", "throttled_usec", 1000},
};

static unsigned long long number_of(const struct group *g, const char *key)
{
	unsigned long long value = 0, at;
	char path[600], name[32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cpu.stat", g->path);
	file = fopen(path, "re");
	while (file && fscanf(file, "%31s %llu", name, &at) == 2)
		if (!strcmp(name, key))
			value = at;
	if (file)
		fclose(file);
	return value;
}

/* Some samples long. */
static void be_throttled(const struct group *g)
{
	uint64_t until = boot_ns() + 2500000000ULL;

	group__put(g->path, "cgroup.procs", "0");
	while (boot_ns() < until)
		;
	report("%llu,%llu,%llu", number_of(g, "nr_periods"), number_of(g, "nr_throttled"),
	       number_of(g, versions[g->version].stat) * versions[g->version].unit);
	_exit(0);
}

static void quota(int version)
{
	struct stat folder;
	struct group g;
	struct birth b;

	if (!group__make(&g, version, "cpu", "truth-quota") || stat(g.path, &folder)) {
		expect_none("no_cpu_controller_of_that_version");
		return;
	}
	if (versions[version].period)
		group__put(g.path, versions[version].period, "100000");
	if (!group__put(g.path, versions[version].quota, versions[version].text)) {
		expect_none("no_quota_of_cpu_time");
	} else {
		open_report();
		if (born(&b))
			be_throttled(&g);
		settle(b.pid);
		expect_end(&b, "quota=20000000,100000000,%llu,%s", (unsigned long long)folder.st_ino, read_report());
	}
	rmdir(g.path);
}

static void quota_v2(void)
{
	quota(2);
}
static void quota_v1(void)
{
	quota(1);
}

const struct truth_case quota_cases[] = {
	{"quota_v2", "2.5 s at a fifth of a CPU, by a cgroup's quota", quota_v2, false},
	{"quota_v1", "the same with version 1", quota_v1, false},
	{0},
};
