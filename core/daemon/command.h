/* SPDX-License-Identifier: BSD-2-Clause */
/* A child process: the run's command, or collector-merge for a sink. It is forked early, waits, and execs when
 * released, for example after the probes are attached. */
#ifndef CORE_DAEMON_COMMAND_H
#define CORE_DAEMON_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Exit codes, as env and timeout have them. */
enum { COMMAND_FAILED = 125, COMMAND_NOT_EXECUTABLE = 126, COMMAND_NOT_FOUND = 127 };

struct command {
	pid_t pid; /* 0: none */
	int go;	   /* pipe: a byte releases it, end of file cancels it */
	int error; /* pipe: its errno if exec fails */
	bool ended;
	int status; /* of waitpid() */
};

struct command_opts {
	const char *path; /* of the program, containing a slash: the child does not search PATH */
	char *const *argv;
	const struct passwd *user; /* run as this user, without capabilities; NULL: unchanged */
	const sigset_t *mask;	   /* its signal mask */
	int out;		   /* its standard output; -1: inherited */
	bool deaf;		   /* discard the signals that it received while it waited */
};

#define COMMAND_PATH 4096

/* Finds the program as execvp() does: 0 with its path, COMMAND_NOT_FOUND or COMMAND_NOT_EXECUTABLE. */
int command__find(const char *file, char path[COMMAND_PATH]);

/* Forks the child, which waits. 0 or -errno. */
int command__fork(struct command *command, const struct command_opts *opts);

/* Releases the child to exec. 0, or an exit code if exec failed, with its errno in *error. */
int command__go(struct command *command, int *error);

/* Ends a child that still waits, and reaps it. */
void command__cancel(struct command *command);

/* Whether the child has exited; reaps it then. Does not block. */
bool command__ended(struct command *command);

/* The exit code for a wait status: the command's own, or 128 + the signal. */
int command__code(int status);

#endif
