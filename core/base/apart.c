/* SPDX-License-Identifier: BSD-2-Clause */
/* The account that parses what other users wrote, and the drop to it. */
#include "core/base/apart.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/caps.h"
#include "core/base/cli.h"
#include "core/base/dir.h"
#include "core/log.h"

#define NAME "collector"
#define UNNAMED_UID 65534
#define UNNAMED_GID 65533 /* not 65534, which other processes have */
#define NEEDED (1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_CHOWN)

/* ---- which it is ---- */

/* Whether an id exists in this user namespace, by one of its maps. */
static bool is_mapped(const char *map, unsigned id)
{
	FILE *file = fopen(map, "re");
	unsigned first, outside, count;
	bool is = !file; /* a kernel without user namespaces */

	while (file && !is && fscanf(file, "%u %u %u", &first, &outside, &count) == 3)
		is = id >= first && id - first < count;
	if (file)
		fclose(file);
	return is;
}

static const struct passwd *find_caller(void)
{
	const char *sudo = getenv("SUDO_UID");
	unsigned long uid = sudo ? strtoul(sudo, NULL, 10) : 0;

	return uid ? getpwuid(uid) : NULL;
}

void account__find(struct account *account)
{
	uint64_t effective, permitted;
	const struct passwd *user;

	*account = (struct account){.uid = geteuid(), .gid = getegid()};
	account->apart = !caps__get(&effective, &permitted) && permitted;
	account->apart |= !geteuid() || getuid() != geteuid();
	if (geteuid() || (effective & NEEDED) != NEEDED)
		return;
	user = find_caller();
	account->shared = user;
	user = user ? user : getpwnam(NAME);
	if (!is_mapped("/proc/self/uid_map", user ? user->pw_uid : UNNAMED_UID) ||
	    !is_mapped("/proc/self/gid_map", user ? user->pw_gid : UNNAMED_GID))
		return;
	account->uid = user ? user->pw_uid : UNNAMED_UID;
	account->gid = user ? user->pw_gid : UNNAMED_GID;
	if (user)
		snprintf(account->name, sizeof(account->name), "%s", user->pw_name);
}

/* ---- the drop ---- */

static int become(const struct account *account)
{
	if (account->uid == geteuid())
		return setresuid(account->uid, account->uid, account->uid) ? -errno : 0;
	if (*account->name ? initgroups(account->name, account->gid) : setgroups(0, NULL))
		return -errno;
	if (setresgid(account->gid, account->gid, account->gid) || setresuid(account->uid, account->uid, account->uid))
		return -errno;
	return 0;
}

static int drop(const struct account *account)
{
	const struct rlimit none = {0};
	int rc;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	caps__empty_bounding_set(); /* needs CAP_SETPCAP; NO_NEW_PRIVS holds without it */
	rc = become(account);
	if (!rc)
		rc = caps__limit(0);
	if (!rc && setrlimit(RLIMIT_CORE, &none))
		rc = -errno;
	if (!rc && account->uid && !setuid(0))
		rc = -EPERM;
	if (account->uid != geteuid())
		unsetenv("HOME"); /* not the account's */
	/* another process of the account is not to look into this one */
	if (!rc && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		rc = -errno;
	return rc;
}

pid_t account__fork(const struct account *account)
{
	pid_t parent = getpid(), pid = fork();
	int rc;

	if (pid)
		return pid < 0 ? -errno : pid;
	rc = drop(account);
	if (rc)
		log__error("cannot drop to UID %u: %s", account->uid, strerror(-rc));
	if (rc || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
		_exit(EXIT_FAILED);
	return 0;
}

int account__wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

int account__call(const struct account *account, int (*work)(void *arg), void *arg)
{
	pid_t pid;
	int code;

	if (!account->apart)
		return work(arg);
	pid = account__fork(account);
	if (pid < 0) {
		log__error("cannot start a process: %s", strerror(-pid));
		return EXIT_FAILED;
	}
	if (!pid) {
		code = work(arg);
		_exit(fflush(NULL) ? EXIT_FAILED : code);
	}
	code = account__wait(pid);
	if (code >= 0)
		return code;
	log__error("the process that does the work was killed by signal %d", -code);
	return EXIT_FAILED;
}

/* ---- what it writes and reads ---- */

int account__give(const struct account *account, int fd)
{
	return account->uid == geteuid() || !fchown(fd, account->uid, account->gid) ? 0 : -errno;
}

static int take_one(int folder, const char *name, void *arg)
{
	const mode_t *mask = arg;
	struct stat st;
	int fd, rc;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISDIR(st.st_mode) && (!S_ISREG(st.st_mode) || st.st_nlink != 1))
		return -EPERM;
	/* not waiting if it is something else by now */
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fchown(fd, geteuid(), getegid()) || fchmod(fd, st.st_mode & 0777 & ~*mask) ? -errno : 0;
	if (!rc && S_ISDIR(st.st_mode))
		rc = dir__each(fd, take_one, arg);
	close(fd);
	return rc;
}

int account__take(const struct account *account, int fd)
{
	mode_t mask = umask(077);
	struct stat st;

	umask(mask);
	if (account->uid == geteuid())
		return 0;
	/* first the folder: then nothing in it can be swapped */
	if (fstat(fd, &st) || fchown(fd, geteuid(), getegid()))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return fchmod(fd, st.st_mode & 0666 & ~mask) ? -errno : 0;
	return fchmod(fd, 0700) ? -errno : dir__each(fd, take_one, &mask);
}

static int share_one(int folder, const char *name, void *arg)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = account__share(arg, fd);
	close(fd);
	return rc;
}

int account__share(const struct account *account, int folder)
{
	struct stat st;

	if (account->uid == geteuid())
		return 0;
	if (fstat(folder, &st) || fchown(folder, -1, account->gid) || fchmod(folder, S_ISDIR(st.st_mode) ? 0750 : 0640))
		return -errno;
	return S_ISDIR(st.st_mode) ? dir__each(folder, share_one, (void *)account) : 0;
}

static int is_closed(int folder, const char *name, void *arg)
{
	int fd = *name == '.' ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool can = fd < 0 || account__can_read(arg, fd);

	if (fd >= 0)
		close(fd);
	return !can;
}

/* Bits of a mode as for others. */
static unsigned bits_of(const struct account *account, const struct stat *st)
{
	return st->st_uid == account->uid   ? st->st_mode >> 6
	       : st->st_gid == account->gid ? st->st_mode >> 3
					    : st->st_mode;
}

bool account__can_list(const struct account *account, const struct stat *folder)
{
	return account->uid == geteuid() || (bits_of(account, folder) & 5) == 5;
}

bool account__can_read(const struct account *account, int fd)
{
	struct stat st;

	if (account->uid == geteuid())
		return true;
	if (fstat(fd, &st))
		return false;
	if (!S_ISDIR(st.st_mode))
		return bits_of(account, &st) & 4;
	return account__can_list(account, &st) && !dir__each(fd, is_closed, (void *)account);
}
