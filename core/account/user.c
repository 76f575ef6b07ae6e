/* SPDX-License-Identifier: BSD-2-Clause */
/* Becoming another user. */
#include "core/account/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/base.h"

#define FIRST 3

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define RANGE_CLOEXEC 4 /* CLOSE_RANGE_CLOEXEC, since 5.11 */

/* The limits that allow something to a process without capabilities; back to the kernel's defaults, as there is no PAM
 * here. Those that only restrain it pass, as su has it: the caller may have set them for the command. */
static const int priority_limits[] = {RLIMIT_NICE, RLIMIT_RTPRIO};

/* libc's own entry is overwritten by the next search. */
struct passwd *user__find(const char *name, uid_t uid)
{
	struct passwd *user = NULL, *found, *larger;
	size_t size = 1024;
	char *text;
	int err;

	do {
		size *= 2;
		larger = realloc(user, size);
		if (!larger)
			break;
		user = larger;
		text = (char *)(user + 1);
		err = name ? getpwnam_r(name, user, text, size - sizeof(*user), &found)
			   : getpwuid_r(uid, user, text, size - sizeof(*user), &found);
		if (!err && found)
			return user;
	} while (err == ERANGE);
	free(user);
	return NULL;
}

int user__become(const struct passwd *user)
{
	const struct rlimit none = {0, 0};

	for (size_t i = 0; i < sizeof(priority_limits) / sizeof(priority_limits[0]); i++)
		if (setrlimit(priority_limits[i], &none))
			return -errno;
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
		return -errno;
	if (user->pw_uid && caps__limit(0))
		return -EPERM;
	/* Whatever fs.suid_dumpable says: descriptors of ours are open until the exec. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* Possession of the caller's keyring gives its keys. Kernels without keyrings have none to give. */
	syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	umask(umask(077) | 022); /* as sudo has it */
	return 0;
}

/* Calls one(arg, fd) for each descriptor above 2. */
static void each_descriptor(void (*one)(void *arg, int fd), void *arg)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct rlimit limit;

	if (!dir) {
		if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1 << 20)
			limit.rlim_cur = 1 << 20;
		for (int fd = FIRST; fd < (int)limit.rlim_cur; fd++)
			one(arg, fd);
		return;
	}
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd >= FIRST && fd != dirfd(dir))
			one(arg, fd);
	}
	closedir(dir);
}

static void set_cloexec(void *arg, int fd)
{
	(void)arg;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void user__close_on_exec(void)
{
	if (syscall(SYS_close_range, FIRST, UINT_MAX, RANGE_CLOEXEC))
		each_descriptor(set_cloexec, NULL);
}

static void close_unless_kept(void *arg, int fd)
{
	for (const int *keep = arg; *keep >= 0; keep++)
		if (*keep == fd)
			return;
	close(fd);
}

void user__close_but(const int *keep)
{
	each_descriptor(close_unless_kept, (void *)keep);
}
