/* SPDX-License-Identifier: BSD-2-Clause */
/* The caller's terminal: found, taken in raw mode while a command uses it through a pseudo-terminal, and given back. */
#ifndef CORE_ACCOUNT_TERMINAL_H
#define CORE_ACCOUNT_TERMINAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct terminal {
	int fd;	    /* a description of our own, non-blocking; -1: the caller has no terminal */
	bool taken; /* in raw mode */
	struct termios before, raw;
	pid_t guard; /* gives the terminal back if this process is killed */
	int guard_pipe;
};

/* The controlling terminal, else the one that is standard input, output or error. 0, also with no terminal, or -errno. */
int terminal__open(struct terminal *terminal);

/* Whether the process group has the terminal: outside of it, a read or a change of its modes is not for us. */
bool terminal__is_ours(const struct terminal *terminal);

/* Sets raw mode if the terminal is ours. Returns whether it is taken. */
bool terminal__take(struct terminal *terminal);

/* Restores the modes from before terminal__take(). */
void terminal__give_back(struct terminal *terminal);

void terminal__close(struct terminal *terminal); /* also gives it back */

#endif
