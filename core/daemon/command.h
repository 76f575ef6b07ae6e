/* SPDX-License-Identifier: BSD-2-Clause */
/* A child of ours: the run's command, or the program that prints the summary. It is made first, held back,
 * and let go later: by then it is in the scope, or we have dropped what it must not have had. */
#ifndef CORE_DAEMON_COMMAND_H
#define CORE_DAEMON_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Exit codes, as env and timeout have them. */
enum { COMMAND_FAILED = 125, COMMAND_NOT_EXECUTABLE = 126, COMMAND_NOT_FOUND = 127 };

struct command {
	pid_t pid; /* 0: none */
	int go;	   /* a byte lets it go, the end of file ends it */
	int error; /* its errno, should exec fail */
	bool ended;
	int status; /* as wait() gives it */
};

struct command_opts {
	const char *path; /* of the program, with a slash: there is nothing to search for in the child */
	char *const *argv;
	const struct passwd *user; /* become this user, without any capability; NULL: stay who we are */
	const sigset_t *mask;	   /* its signal mask */
	int out;		   /* its standard output; -1: ours */
	bool deaf;		   /* what it was sent while it waited is forgotten */
};

#define COMMAND_PATH 4096

/* Finds the program as execvp() would: 0 with its path, COMMAND_NOT_FOUND or COMMAND_NOT_EXECUTABLE. */
int command__find(const char *file, char path[COMMAND_PATH]);

/* Makes the child; it waits. 0 or -errno. */
int command__fork(struct command *command, const struct command_opts *opts);

/* Lets it exec. 0, or the exit code that says why it could not, with its errno in `error`. */
int command__go(struct command *command, int *error);

/* Ends a child that still waits. */
void command__cancel(struct command *command);

/* Asks, without waiting, whether it has ended; takes its status then. */
bool command__ended(struct command *command);

/* The exit code that tells a wait status: the command's own, or 128 + the signal. */
int command__code(int status);

#endif
