/* SPDX-License-Identifier: BSD-2-Clause */
/* A pseudo-terminal between the caller's terminal and a command that runs as another user.
 *
 * On the caller's own terminal that user could type (TIOCSTI), read what is typed, and change its modes. All waits of
 * this file are bounded, but for those of the caller's loop. */
#ifndef CORE_ACCOUNT_PTY_H
#define CORE_ACCOUNT_PTY_H

#include <stdbool.h>
#include <sys/types.h>

struct passwd;
struct pty;

/* Opens it; *pty is NULL where the caller has no terminal. Blocks SIGTSTP, SIGCONT, SIGWINCH, SIGTTIN and SIGTTOU in this
 * thread: before others start. 0 or -errno. */
int pty__open(struct pty **pty, const struct passwd *user);

/* When it is readable, pty__work() is to be called. */
int pty__fd(const struct pty *pty);

/* Passes on what is there, and stops and continues this process's group together with the command. Does not block. */
void pty__work(struct pty *pty);

/* For processes of the user that write to the terminal. */
int pty__slave(const struct pty *pty);

/* Forks the leader of the command's session, which will be the command's parent and start it by command(arg): that does
 * not return. 0 or -errno. */
int pty__lead(struct pty *pty, void (*command)(void *arg), void *arg);
pid_t pty__leader(const struct pty *pty); /* 0: none */

/* Starts the command, which takes the terminal. Returns its pid or -errno. */
pid_t pty__start(struct pty *pty);

/* Whether the command has exited, with its wait status. Does not block. The terminal is the caller's again then; what
 * others still write is passed on. */
bool pty__ended(struct pty *pty, int *status);

/* Sends a signal to the command; `group`: as the terminal does, to the foreground group. */
void pty__signal(struct pty *pty, int number, bool group);

/* Writes what is left, and gives the terminal back. Takes NULL. */
void pty__close(struct pty *pty);

#endif
