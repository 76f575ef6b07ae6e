/* SPDX-License-Identifier: BSD-2-Clause */
/* The caller's terminal. */
#include "core/account/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/account/user.h"

/* Opened anew: O_NONBLOCK belongs to the description, which the caller's shell shares. */
static int open_terminal(int *fd)
{
	const int flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;

	*fd = open("/dev/tty", flags);
	for (int i = STDIN_FILENO; *fd < 0 && i <= STDERR_FILENO; i++) {
		char path[32];

		if (!isatty(i))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		*fd = open(path, flags);
		if (*fd < 0)
			return -errno;
	}
	return 0;
}

/* ---- the guard ---- */

struct state {
	bool taken;
	struct termios before;
};

/* Knows the state until this process's parent is gone. A shell with job control has the terminal back by then, and its
 * own modes in it. */
static void guard(const struct terminal *terminal, int in)
{
	const int keep[] = {terminal->fd, in, -1};
	struct state state = {0};
	sigset_t all;

	prctl(PR_SET_NAME, "collector-tty");
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	user__close_but(keep);
	caps__limit(0);
	while (read(in, &state, sizeof(state)) == sizeof(state))
		continue;
	if (state.taken && terminal__is_ours(terminal))
		tcsetattr(terminal->fd, TCSANOW, &state.before);
	_exit(0);
}

static int start_guard(struct terminal *terminal)
{
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	terminal->guard = fork();
	if (!terminal->guard)
		guard(terminal, ends[0]);
	err = terminal->guard < 0 ? -errno : 0;
	close(ends[0]);
	terminal->guard_pipe = ends[1];
	return err;
}

static void inform_guard(const struct terminal *terminal)
{
	struct state state;

	memset(&state, 0, sizeof(state));
	state.taken = terminal->taken;
	state.before = terminal->before;
	if (write(terminal->guard_pipe, &state, sizeof(state)) != sizeof(state))
		return; /* it was killed: the terminal is only ours to restore */
}

/* ---- from start to end ---- */

int terminal__open(struct terminal *terminal)
{
	int err;

	*terminal = (struct terminal){.guard_pipe = -1};
	err = open_terminal(&terminal->fd);
	if (err || terminal->fd < 0)
		return err;
	return tcgetattr(terminal->fd, &terminal->before) ? -errno : start_guard(terminal);
}

bool terminal__is_ours(const struct terminal *terminal)
{
	pid_t group = tcgetpgrp(terminal->fd);

	return group < 0 || group == getpgrp(); /* of another session: it has no job control for us */
}

/* Only what raw mode changes: a shell may have set the rest meanwhile. */
static bool is_raw(const struct termios *modes, const struct termios *raw)
{
	return modes->c_lflag == raw->c_lflag && modes->c_iflag == raw->c_iflag && modes->c_oflag == raw->c_oflag;
}

bool terminal__take(struct terminal *terminal)
{
	struct termios now;

	if (!terminal__is_ours(terminal) || tcgetattr(terminal->fd, &now))
		return false;
	if (!terminal->taken || !is_raw(&now, &terminal->raw))
		terminal->before = now;
	terminal->raw = terminal->before;
	cfmakeraw(&terminal->raw);
	if (tcsetattr(terminal->fd, TCSANOW, &terminal->raw))
		return false;
	terminal->taken = true;
	inform_guard(terminal);
	return true;
}

void terminal__give_back(struct terminal *terminal)
{
	if (!terminal->taken)
		return;
	/* Not after what is still to be written: a terminal that takes nothing would hold us. */
	tcsetattr(terminal->fd, TCSANOW, &terminal->before);
	terminal->taken = false;
	inform_guard(terminal);
}

void terminal__close(struct terminal *terminal)
{
	if (terminal->fd < 0)
		return;
	terminal__give_back(terminal);
	if (terminal->guard_pipe >= 0)
		close(terminal->guard_pipe);
	if (terminal->guard > 0)
		waitpid(terminal->guard, NULL, 0); /* it ends with the pipe: no other process has that */
	close(terminal->fd);
	terminal->fd = -1;
}
