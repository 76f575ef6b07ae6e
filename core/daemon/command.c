/* SPDX-License-Identifier: BSD-2-Clause */
/* A child process that waits for its release before it execs. */
#include "core/daemon/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"

#define EXEC_TICK_MS 1000
#define EXEC_TICKS 60 /* a program on a slow network's file system takes less */

static int try(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? COMMAND_NOT_EXECUTABLE : COMMAND_NOT_FOUND;
	if (S_ISDIR(st.st_mode) || access(path, X_OK))
		return COMMAND_NOT_EXECUTABLE;
	return 0;
}

int command__find(const char *file, char path[COMMAND_PATH])
{
	const char *at = getenv("PATH"), *end;
	int worst = COMMAND_NOT_FOUND;
	size_t length = strlen(file);

	if (!length || length >= COMMAND_PATH)
		return COMMAND_NOT_FOUND;
	if (strchr(file, '/')) {
		memcpy(path, file, length + 1);
		return try(path);
	}
	for (at = at ? at : "/bin:/usr/bin"; at; at = *end ? end + 1 : NULL) {
		int n, code;

		end = strchrnul(at, ':');
		n = end - at;
		if (n + length + 2 > COMMAND_PATH)
			continue;
		snprintf(path, COMMAND_PATH, "%.*s/%s", n ? n : 1, n ? at : ".", file);
		code = try(path);
		if (!code)
			return 0;
		if (code == COMMAND_NOT_EXECUTABLE)
			worst = code;
	}
	return worst;
}

/* Ignoring a signal discards a pending one. */
static void discard_signals(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		signal(ending[i], SIG_IGN);
		signal(ending[i], SIG_DFL);
	}
}

/* As the user, away from the caller's terminal and descriptors. 0 or the errno. */
static int leave_caller(const struct command_opts *opts)
{
	int err = opts->pty ? session__replace_terminals(pty__slave(opts->pty)) : 0;

	if (err)
		return -err;
	user__close_on_exec();
	environ = environment__of(opts->user, environ, opts->clean_env);
	return environ ? -user__become(opts->user) : ENOMEM;
}

/* In the child, between fork and exec. Not limited to async-signal-safe functions: the parent had one thread then. */
static void child(const struct command_opts *opts, int go, int error)
{
	int err = opts->apart && setsid() < 0 ? errno : 0;
	char byte;

	if (!err && opts->user)
		err = leave_caller(opts);
	if (!opts->user && geteuid())
		err = -caps__limit(0); /* file capabilities are ours alone, ambient ones pass an exec */
	if (!err && opts->out >= 0 && dup2(opts->out, STDOUT_FILENO) < 0)
		err = errno;
	while (read(go, &byte, 1) != 1)
		if (errno != EINTR)
			_exit(COMMAND_FAILED); /* the parent has exited or cancelled */
	if (opts->deaf)
		discard_signals();
	sigprocmask(SIG_SETMASK, opts->mask, NULL);
	if (!err) {
		execvp(opts->path, opts->argv); /* runs a script without interpreter by the shell */
		err = errno;
	}
	if (write(error, &err, sizeof(err)) != sizeof(err))
		_exit(COMMAND_FAILED);
	_exit(err == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE);
}

struct start {
	const struct command_opts *opts;
	int go[2], error[2];
};

static void run_child(void *arg)
{
	const struct start *start = arg;

	close(start->go[1]);
	child(start->opts, start->go[0], start->error[1]);
}

/* The child's pid, 0 in a session, or -errno. */
static pid_t start_child(struct start *start)
{
	pid_t pid;

	if (start->opts->in_session)
		return pty__lead(start->opts->pty, run_child, start);
	pid = fork();
	if (!pid)
		run_child(start);
	return pid < 0 ? -errno : pid;
}

int command__fork(struct command *command, const struct command_opts *opts)
{
	struct start start = {.opts = opts};
	int err;
	pid_t pid;

	*command = (struct command){.go = -1, .error = -1};
	if (pipe2(start.go, O_CLOEXEC))
		return -errno;
	if (pipe2(start.error, O_CLOEXEC)) {
		err = -errno;
		goto no_error;
	}
	pid = start_child(&start);
	if (pid < 0) {
		err = pid;
		goto no_fork;
	}
	close(start.go[0]);
	close(start.error[1]);
	*command = (struct command){
		.pid = pid, .pty = opts->in_session ? opts->pty : NULL, .go = start.go[1], .error = start.error[0]};
	return 0;
no_fork:
	close(start.error[0]);
	close(start.error[1]);
no_error:
	close(start.go[0]);
	close(start.go[1]);
	return err;
}

int command__begin(struct command *command)
{
	pid_t pid = command->pty ? pty__start(command->pty) : -EINVAL;

	if (pid < 0)
		return pid;
	command->pid = pid;
	return 0;
}

/* Waits for the exec or its error. Another process of its user may have stopped the child. */
static bool execs(struct command *command)
{
	struct pollfd exec = {.fd = command->error, .events = POLLIN};

	for (int i = 0; i < EXEC_TICKS; i++) {
		if (poll(&exec, 1, EXEC_TICK_MS) > 0)
			return true;
		kill(command->pid, SIGCONT);
	}
	kill(command->pid, SIGKILL);
	return false;
}

int command__go(struct command *command, int *error)
{
	ssize_t n = 0;
	bool done;

	*error = 0;
	if (write(command->go, "", 1) != 1) {
		*error = errno;
		return COMMAND_FAILED;
	}
	close(command->go);
	command->go = -1;
	done = execs(command);
	if (done)
		n = read(command->error, error, sizeof(*error));
	close(command->error);
	command->error = -1;
	if (!done) {
		*error = ETIMEDOUT;
		return COMMAND_FAILED;
	}
	if (n != sizeof(*error))
		return 0;
	return *error == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE;
}

void command__cancel(struct command *command)
{
	if ((!command->pid && !command->pty) || command->go < 0)
		return;
	close(command->go);
	close(command->error);
	/* Its user may have stopped it. In a session it is the leader's to wait for. */
	if (command->pid)
		kill(command->pid, SIGKILL);
	while (!command->pty && waitpid(command->pid, &command->status, 0) < 0 && errno == EINTR)
		continue;
	*command = (struct command){.go = -1, .error = -1};
}

bool command__ended(struct command *command)
{
	if (!command->pid || command->ended)
		return command->ended;
	command->ended = command->pty ? pty__ended(command->pty, &command->status)
				      : waitpid(command->pid, &command->status, WNOHANG) == command->pid;
	return command->ended;
}

void command__signal(struct command *command, int number, bool group)
{
	if (command->pty)
		pty__signal(command->pty, number, group);
	else
		kill(command->pid, number);
}

int command__code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
