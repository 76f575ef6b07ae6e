/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads /proc for the event of an existing process. */
#include "core/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/lifecycle/alive.h"
#include "probes/lifecycle/lifecycle.h"

/* The real id of a line of /proc/PID/status, and the effective one after it. */
static __u32 status_ids(const char *status, const char *key, __u32 *effective)
{
	const char *line = strstr(status, key);
	char *end = NULL;
	__u32 id = line ? strtoul(line + strlen(key), &end, 10) : (__u32)-1;

	*effective = line ? strtoul(end, NULL, 10) : (__u32)-1;
	return id;
}

/* The last number of a line: of a process's pids, that in its own namespace. */
static __u32 last_id(const char *status, const char *key)
{
	const char *line = strstr(status, key);
	__u32 id = -1, number;
	char *end;

	/* a tab that no number follows would be looked at again and again */
	for (line = line ? line + strlen(key) : ""; *line == '\t'; line = end) {
		number = strtoul(line, &end, 10);
		if (end == line)
			break;
		id = number;
	}
	return id;
}

/* The pids come after the supplementary groups: 65,536 of ten digits at most. */
#define STATUS_MAX (768 << 10)

void alive__read_ids(int proc, struct lifecycle_exec *e)
{
	static char status[STATUS_MAX];
	int fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t n;

	while (fd >= 0 && size < sizeof(status) - 1 && (n = read(fd, status + size, sizeof(status) - 1 - size)) > 0)
		size += n;
	if (fd >= 0)
		close(fd);
	status[size] = 0;
	e->ns_pid = last_id(status, "\nNSpid:");
	e->uid = status_ids(status, "\nUid:", &e->euid);
	e->gid = status_ids(status, "\nGid:", &e->egid);
}

void alive__read_comm(int proc, struct lifecycle_exec *e)
{
	int fd = openat(proc, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, e->comm, sizeof(e->comm));

	if (fd >= 0)
		close(fd);
	e->comm[n > 0 ? n - 1 : 0] = 0;
}

/* The number after `key` in /proc/PID/fdinfo/2. */
static unsigned long long info(const char *text, const char *key, int base)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

static __u32 kernel_device(unsigned major, unsigned minor)
{
	return major << DEVICE_MINOR_BITS | minor;
}

void alive__read_stderr(int proc, struct lifecycle_stderr *error)
{
	int fd = openat(proc, "fdinfo/2", O_RDONLY | O_CLOEXEC);
	char text[512];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	struct statx st;

	if (fd >= 0)
		close(fd);
	/* A server that does not answer is not waited for. */
	if (n < 0 || statx(proc, "fd/2", AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_SIZE, &st)) {
		error->map = (struct event_map){.reason = errno == EACCES ? EVENT_REASON_DENIED : EVENT_REASON_GONE};
		return;
	}
	text[n] = 0;
	error->mode = st.stx_mode;
	error->inode = st.stx_ino;
	error->device = kernel_device(st.stx_dev_major, st.stx_dev_minor);
	error->rdev = kernel_device(st.stx_rdev_major, st.stx_rdev_minor);
	error->size = st.stx_size;
	error->offset = info(text, "flags:", 8) & O_APPEND ? st.stx_size : info(text, "pos:", 10);
	if (!S_ISREG(error->mode))
		error->map.length = 0; /* "pipe:[1]" */
}

__u64 alive__pipe(int proc, const char *name)
{
	struct statx st;

	if (!statx(proc, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st))
		return S_ISFIFO(st.stx_mode) ? st.stx_ino : EVENT_NULL(EVENT_REASON_NONE);
	if (errno == EACCES || errno == EPERM)
		return EVENT_NULL(EVENT_REASON_DENIED);
	/* Closed, unless the process has gone, and the folder of its descriptors with it. */
	return EVENT_NULL(faccessat(proc, "fd", F_OK, 0) ? EVENT_REASON_GONE : EVENT_REASON_NONE);
}
