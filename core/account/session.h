/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that leads the session of a pseudo-terminal: the parent of the command.
 *
 * The kernel discards a stop (Ctrl-Z) of a process group unless a process of the same session and another group is the
 * parent of one of its processes: without this process in between, the command could not be stopped. */
#ifndef CORE_ACCOUNT_SESSION_H
#define CORE_ACCOUNT_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

struct passwd;

enum session_what {
	/* To it. The value: */
	SESSION_START,	  /* whether the command has the terminal, or is in the background of it */
	SESSION_CONTINUE, /* the same */
	SESSION_SIGNAL,	  /* a signal for the command */
	SESSION_GROUP,	  /* a signal for the group that has the terminal, else for the command's */
	/* From it: */
	SESSION_STARTED, /* the command's pid; else -errno */
	SESSION_STOPPED, /* the signal that stopped the command */
	SESSION_EXITED,	 /* the command's wait status */
};

struct session_message {
	int what, value; /* enum session_what */
};

struct session_opts {
	int slave;  /* of the pseudo-terminal */
	int socket; /* of messages; SOCK_SEQPACKET */
	const struct passwd *user;
	void (*command)(void *arg); /* in the command's process; does not return */
	void *arg;
};

/* Leads the session until the socket's other end is closed; then the command, if it still runs, goes on without a
 * terminal. Runs as the user once the command has started. */
void session__lead(const struct session_opts *opts) __attribute__((noreturn));

/* Replaces those of the descriptors 0 to 2 that are terminals. 0 or -errno. */
int session__replace_terminals(int slave);

/* A message to or from the session. 0 or -errno; -EPIPE: the other end is gone. */
int session__send(int socket, enum session_what what, int value);
int session__receive(int socket, struct session_message *message);

#endif
