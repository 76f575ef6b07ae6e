// SPDX-License-Identifier: BSD-2-Clause
/* Cgroups of both versions, of a controller that one of them has at a time. */
#include "tests/truth/group.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/truth/truth.h"

bool group__put(const char *folder, const char *file, const char *text)
{
	char path[1024];
	int fd;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return done;
}

/* Where a hierarchy is mounted. */
static bool mounted(const char *type, const char *option, char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *entry;

	while (mounts && (entry = getmntent(mounts)))
		if (!strcmp(entry->mnt_type, type) && (!option || hasmntopt(entry, option))) {
			snprintf(path, size, "%s", entry->mnt_dir);
			break;
		}
	if (mounts)
		endmntent(mounts);
	return mounts && entry;
}

static bool hand_over(const char *top, char sign, const char *controller)
{
	char text[32];

	snprintf(text, sizeof(text), "%c%s", sign, controller);
	return group__put(top, "cgroup.subtree_control", text);
}

/* The controller belongs to one version at a time: it is taken from the other, which gives it up with some delay. */
static bool mount_v1(const char *controller, char *top, size_t size)
{
	char other[256];

	snprintf(top, size, "/tmp/truth-%s", controller);
	if (!getenv("TRUTH_GUEST") || !mounted("cgroup2", NULL, other, sizeof(other)))
		return false;
	hand_over(other, '-', controller);
	mkdir(top, 0755);
	for (int i = 0; i < 50 && (!i || errno == EBUSY); i++) {
		if (!mount("none", top, "cgroup", 0, controller))
			return true;
		sleep_ms(100);
	}
	return false;
}

bool group__make(struct group *g, int version, const char *controller, const char *name)
{
	char top[256];

	g->version = version;
	if (version == 1 && !mounted("cgroup", controller, top, sizeof(top)) && !mount_v1(controller, top, sizeof(top)))
		return false;
	if (version == 2 && (!mounted("cgroup2", NULL, top, sizeof(top)) || !hand_over(top, '+', controller)))
		return false;
	snprintf(g->path, sizeof(g->path), "%s/%s", top, name);
	return !mkdir(g->path, 0755) || errno == EEXIST;
}
