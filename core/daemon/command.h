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

struct passwd;
struct pty;

struct command {
	pid_t pid;	 /* 0: none */
	struct pty *pty; /* its terminal, whose session's leader is its parent; NULL: this process is its parent */
	int go;		 /* pipe: a byte releases it, end of file cancels it */
	int error;	 /* pipe: its errno if exec fails */
	bool ended;
	int status; /* of waitpid() */
};

struct command_opts {
	const char *path; /* of the program, containing a slash: the child does not search PATH */
	char *const *argv;
	const struct passwd *user; /* run as this user, without capabilities and descriptors; NULL: unchanged */
	struct pty *pty;	   /* replaces the terminals of its descriptors 0 to 2; NULL: none are */
	bool in_session;	   /* it has the terminal of `pty`; else it only writes to that */
	bool clean_env;		   /* with `user`: pass only what environment__of() passes then */
	const sigset_t *mask;	   /* its signal mask */
	int out;		   /* its standard output; -1: inherited */
	bool apart;		   /* in a session of its own, where signals of the terminal do not reach it */
	bool deaf;		   /* discard the signals that it received while it waited */
};

#define COMMAND_PATH 4096

/* Finds the program as execvp() does: 0 with its path, COMMAND_NOT_FOUND or COMMAND_NOT_EXECUTABLE. */
int command__find(const char *file, char path[COMMAND_PATH]);

/* Forks the child, which waits. In a session it only forks the leader of that, and command__begin() the child: what is to
 * be known of the child's fork, such as its parent, is known before it. 0 or -errno. */
int command__fork(struct command *command, const struct command_opts *opts);
int command__begin(struct command *command);

/* Releases the child to exec. 0, or an exit code if exec failed, with its errno in *error. A child that does not get to
 * that, as the user has stopped it, is killed: ETIMEDOUT. */
int command__go(struct command *command, int *error);

/* Ends a child that still waits, and reaps it. */
void command__cancel(struct command *command);

/* Whether the child has exited; reaps it then. Does not block. */
bool command__ended(struct command *command);

/* Sends a signal to the child; `group`: with a terminal of its own, to the foreground group of that. */
void command__signal(struct command *command, int number, bool group);

/* The exit code for a wait status: the command's own, or 128 + the signal. */
int command__code(int status);

#endif
