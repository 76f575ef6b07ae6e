/* SPDX-License-Identifier: BSD-2-Clause */
/* A child process that waits for its release before it execs. */
#include "core/daemon/command.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/daemon/caps.h"

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

static bool always(void *arg)
{
	(void)arg;
	return true;
}

static int become(const struct passwd *user)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
		return errno;
	if (user->pw_uid && caps__drop(0, always, NULL, 0))
		return EPERM;
	setenv("HOME", user->pw_dir, 1);
	setenv("USER", user->pw_name, 1);
	setenv("LOGNAME", user->pw_name, 1);
	return 0;
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

/* In the child, between fork and exec. Not limited to async-signal-safe functions: the parent has one thread. */
static void child(const struct command_opts *opts, int go, int error)
{
	int err = 0;
	char byte;

	if (opts->user)
		err = become(opts->user);
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

int command__fork(struct command *command, const struct command_opts *opts)
{
	int go[2], error[2], err;
	pid_t pid;

	*command = (struct command){.go = -1, .error = -1};
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = -errno;
		goto no_error;
	}
	pid = fork();
	if (pid < 0) {
		err = -errno;
		goto no_fork;
	}
	if (!pid) {
		close(go[1]);
		child(opts, go[0], error[1]);
	}
	close(go[0]);
	close(error[1]);
	*command = (struct command){.pid = pid, .go = go[1], .error = error[0]};
	return 0;
no_fork:
	close(error[0]);
	close(error[1]);
no_error:
	close(go[0]);
	close(go[1]);
	return err;
}

int command__go(struct command *command, int *error)
{
	ssize_t n;

	*error = 0;
	if (write(command->go, "", 1) != 1)
		return COMMAND_FAILED;
	close(command->go);
	command->go = -1;
	do
		n = read(command->error, error, sizeof(*error));
	while (n < 0 && errno == EINTR);
	close(command->error);
	command->error = -1;
	if (n != sizeof(*error))
		return 0;
	return *error == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_EXECUTABLE;
}

void command__cancel(struct command *command)
{
	if (!command->pid || command->go < 0)
		return;
	close(command->go);
	close(command->error);
	while (waitpid(command->pid, &command->status, 0) < 0 && errno == EINTR)
		continue;
	*command = (struct command){.go = -1, .error = -1};
}

bool command__ended(struct command *command)
{
	if (command->pid && !command->ended && waitpid(command->pid, &command->status, WNOHANG) == command->pid)
		command->ended = true;
	return command->ended;
}

int command__code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
