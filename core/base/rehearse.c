/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs foreign code in a child process first. */
#include "core/base/rehearse.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"

#define MS 1000000
#define SECOND 1000000000ULL

static void child(void (*act)(void *arg), void *arg, pid_t parent, int done)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct rlimit no_core = {};

	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		signal(crashes[i], SIG_DFL); /* a handler would take the crash for one of ours */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setrlimit(RLIMIT_CORE, &no_core);
	dup2(null, STDOUT_FILENO); /* what it prints, it prints again when it is called for real */
	dup2(null, STDERR_FILENO);
	act(arg);
	_exit(write(done, "", 1) != 1);
}

/* Until the child says that it is done, or has gone. 0, -ETIME, or -ECHILD: gone. */
static int wait_for(int fd)
{
	uint64_t now = clock__ns(CLOCK_MONOTONIC), until = now + REHEARSE_SECONDS * SECOND;
	struct pollfd pipe = {fd, POLLIN, 0};
	char byte;
	int n = 0;

	for (; n <= 0 && now < until; now = clock__ns(CLOCK_MONOTONIC))
		n = poll(&pipe, 1, (until - now) / MS + 1);
	if (n <= 0)
		return -ETIME;
	return read(fd, &byte, 1) == 1 ? 0 : -ECHILD;
}

int rehearse__run(void (*act)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid;
	int ends[2], status = 0, rc;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		child(act, arg, parent, ends[1]);
	rc = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (!rc) {
		rc = wait_for(ends[0]);
		if (rc == -ETIME)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	return rc == -ECHILD && WIFSIGNALED(status) ? WTERMSIG(status) : rc;
}

/* The child counts in shared memory how far it has come. */
struct series {
	void (*act)(void *arg, size_t i);
	void *arg;
	size_t count;
	volatile size_t *current;
};

static void act_on_each(void *arg)
{
	struct series *series = arg;

	for (; *series->current < series->count; ++*series->current)
		series->act(series->arg, *series->current);
}

int rehearse__from(void (*act)(void *arg, size_t i), void *arg, size_t *at, size_t count)
{
	size_t *current = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct series series = {act, arg, count, current};
	int result;

	if (current == MAP_FAILED)
		return -errno;
	*current = *at;
	do {
		*at = *current;
		result = *at < count ? rehearse__run(act_on_each, &series) : 0;
		/* One that crashed after others is tried again alone: they may be the cause. */
	} while (result && result != -ETIME && *current != *at);
	*at = *current;
	munmap(current, sizeof(*current));
	return result;
}

const char *rehearse__fault(int result, char *out, size_t size)
{
	if (result > 0)
		snprintf(out, size, "crashed: signal %d (%s)", result, strsignal(result));
	else if (result == -ETIME)
		snprintf(out, size, "has not returned within %d s", REHEARSE_SECONDS);
	else if (result == -ECHILD)
		snprintf(out, size, "ended the process");
	else
		snprintf(out, size, "cannot be tried in a child: %s", strerror(-result));
	return out;
}
