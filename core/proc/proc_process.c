/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of one process, which is known by its pid and its start: a pid may be used again. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/proc/proc.h"

/* Field 22 of /proc/PID/stat, in clock ticks; the name before it may contain anything. 0: there is none. */
static unsigned long long start_ticks(const char *stat)
{
	const char *at = strrchr(stat, ')');

	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* With the offset of our time namespace, as the kernel shows it; the conversion to ticks rounds. */
static bool started_at(const char *stat, uint64_t start)
{
	uint64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
	uint64_t shown = start + (clock__ns(CLOCK_BOOTTIME) - clock__boot());
	unsigned long long ticks = start_ticks(stat);

	return ticks && ticks + 1 >= shown / tick_ns && ticks <= shown / tick_ns + 1;
}

int proc__append_file(struct proc_text *out, int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int err = fd < 0 ? -errno : 0;

	while (!err && out->length < out->size) {
		ssize_t n = read(fd, out->text + out->length, out->size - out->length);

		if (n < 0 && errno != EINTR)
			err = -errno;
		if (!n)
			break;
		out->length += n > 0 ? n : 0;
	}
	out->text[out->length] = 0;
	if (fd >= 0)
		close(fd);
	return err;
}

/* /proc may have been mounted in another PID namespace than ours: the initial one. */
static uint32_t number_in_proc(const struct probe_ask *ask)
{
	char self[16] = "";

	if (!ask->local_pid || (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) != getpid()))
		return ask->pid;
	return ask->local_pid;
}

int proc__open_process(const struct probe_ask *ask)
{
	char bytes[1025], path[32];
	struct proc_text stat = {.text = bytes, .size = sizeof(bytes) - 1};
	int fd;

	snprintf(path, sizeof(path), "/proc/%u", number_in_proc(ask));
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	if (!proc__append_file(&stat, fd, "stat") && started_at(stat.text, ask->start))
		return fd;
	close(fd);
	return -ESRCH;
}

/* ---- what it has open ---- */

#define DESCRIPTORS_MAX 4096 /* descriptors that are looked at */

/* Whether the descriptor is of a regular file in this folder itself. */
static bool is_in(int descriptors, const char *name, const char *folder)
{
	size_t length = strlen(folder);
	char path[PATH_MAX + 1];
	ssize_t n = readlinkat(descriptors, name, path, sizeof(path) - 1);
	struct stat st;

	if (n < 0)
		return false;
	path[n] = '\0';
	return !strncmp(path, folder, length) && path[length] == '/' && !strchr(path + length + 1, '/') &&
	       !fstatat(descriptors, name, &st, 0) && S_ISREG(st.st_mode);
}

struct search {
	const char *folder;
	int seen, found; /* found: a descriptor or -errno */
};

/* Opens that file by way of the descriptor: a path may lead to another one by now. */
static int open_if_in(int descriptors, const char *name, void *arg)
{
	struct search *search = arg;

	if (search->seen++ == DESCRIPTORS_MAX)
		return 1;
	if (!is_in(descriptors, name, search->folder))
		return 0;
	search->found = openat(descriptors, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	search->found = search->found < 0 ? -errno : search->found;
	return 1;
}

int proc__append_log(struct proc_text *out, const struct probe_ask *ask, int process)
{
	struct search search = {.folder = ask->path, .found = -ENOENT};
	int descriptors = dir__open(process, "fd");
	int err = descriptors < 0 ? descriptors : dir__each(descriptors, open_if_in, &search);

	if (descriptors >= 0)
		close(descriptors);
	if (err < 0 || search.found < 0)
		return err < 0 ? err : search.found;
	err = proc__append_between(out, search.found, ask->offset, ask->offset + out->size);
	close(search.found);
	return err;
}
