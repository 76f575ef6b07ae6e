/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that leads the session of a pseudo-terminal. */
#include "core/account/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/account/user.h"

struct session {
	const struct session_opts *opts;
	pid_t command; /* 0: it has exited, and its pid may be another process's */
	int signals;
};

int session__send(int socket, enum session_what what, int value)
{
	struct session_message message = {what, value};

	return send(socket, &message, sizeof(message), MSG_NOSIGNAL) == sizeof(message) ? 0 : -errno;
}

int session__receive(int socket, struct session_message *message)
{
	ssize_t n;

	do
		n = recv(socket, message, sizeof(*message), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*message) ? 0 : n < 0 ? -errno : -EPIPE;
}

int session__replace_terminals(int slave)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd) && dup2(slave, fd) < 0)
			return -errno;
	return 0;
}

/* SIGTTOU is blocked: this process itself is in the background. */
static void give_terminal(const struct session *session, bool foreground)
{
	pid_t group = foreground && session->command ? getpgid(session->command) : getpgrp();

	tcsetpgrp(session->opts->slave, group < 0 ? session->command : group);
}

static void signal_group(const struct session *session, int number)
{
	pid_t group = tcgetpgrp(session->opts->slave);

	if (group <= 0 || group == getpgrp())
		group = session->command ? getpgid(session->command) : 0;
	if (group > 0)
		killpg(group, number);
}

static void on_child(struct session *session)
{
	struct signalfd_siginfo info;
	int status;

	if (read(session->signals, &info, sizeof(info)) < 0 || !session->command)
		return;
	while (waitpid(session->command, &status, WNOHANG | WUNTRACED) == session->command) {
		if (WIFSTOPPED(status)) {
			session__send(session->opts->socket, SESSION_STOPPED, WSTOPSIG(status));
			continue;
		}
		session->command = 0;
		session__send(session->opts->socket, SESSION_EXITED, status);
		return;
	}
}

/* Returns whether there may be more. */
static bool on_message(struct session *session)
{
	struct session_message message;

	if (session__receive(session->opts->socket, &message))
		return false;
	switch (message.what) {
	case SESSION_CONTINUE:
		give_terminal(session, message.value);
		if (session->command)
			killpg(getpgid(session->command), SIGCONT);
		break;
	case SESSION_SIGNAL:
		if (session->command)
			kill(session->command, message.value);
		break;
	case SESSION_GROUP:
		signal_group(session, message.value);
		break;
	}
	return true;
}

/* Its PID, or -errno. */
static int start_command(struct session *session, bool foreground)
{
	const struct session_opts *opts = session->opts;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		if (foreground)
			tcsetpgrp(opts->slave, getpid());
		opts->command(opts->arg);
		_exit(1); /* not reached */
	}
	if (pid > 0)
		setpgid(pid, pid); /* whichever is first */
	session->command = pid > 0 ? pid : 0;
	return pid > 0 ? pid : -errno;
}

/* Nothing of the caller's stays open; the user could not trace this process, but has no reason to. */
static int leave_caller(const struct session *session)
{
	const int keep[] = {session->opts->slave, session->opts->socket, session->signals, -1};
	int null = open("/dev/null", O_RDWR);

	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	user__close_but(keep);
	return null < 0 ? -errno : user__become(session->opts->user);
}

void session__lead(const struct session_opts *opts)
{
	struct session session = {.opts = opts};
	struct session_message message;
	sigset_t set;
	int started;

	prctl(PR_SET_NAME, "collector-pty");
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	session.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (setsid() < 0 || session.signals < 0 || ioctl(opts->slave, TIOCSCTTY, 0) ||
	    session__receive(opts->socket, &message))
		_exit(1);
	started = start_command(&session, message.value);
	/* before the command can do anything */
	if (leave_caller(&session) || session__send(opts->socket, SESSION_STARTED, started))
		_exit(1);
	for (bool more = true; more;) {
		struct pollfd fds[] = {{.fd = session.signals, .events = POLLIN},
				       {.fd = opts->socket, .events = POLLIN}};

		if (poll(fds, 2, -1) < 0)
			break;
		if (fds[0].revents)
			on_child(&session);
		if (fds[1].revents)
			more = on_message(&session);
	}
	/* The hangup that follows is then for this process alone. */
	give_terminal(&session, false);
	_exit(0);
}
