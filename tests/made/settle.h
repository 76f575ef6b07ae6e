/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting until an ended child has left its CPU: it can be reaped a little before, and what wait4 reads then is short of
 * its last instructions, and of whole milliseconds where the machine is loaded or a virtual CPU is taken away just then. */
#ifndef TESTS_MADE_SETTLE_H
#define TESTS_MADE_SETTLE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Whether it is on a CPU. The kernel answers a question for its system call only when it is not. */
static inline bool settle__running(pid_t pid)
{
	char path[64], text[8] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return !strncmp(text, "running", 7);
}

/* Waits for the child's end without reaping it, and then until it has left its CPU; half a second at most. */
static inline void settle(pid_t child)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	siginfo_t info;

	while (waitid(P_PID, child, &info, WEXITED | WNOWAIT | __WALL) && errno == EINTR)
		continue;
	for (int i = 0; i < 500 && settle__running(child); i++)
		nanosleep(&pause, NULL);
}

#endif
