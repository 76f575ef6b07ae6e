/* SPDX-License-Identifier: BSD-2-Clause */
/* To end by each signal there is; for tests/truth too. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline bool is_fatal(int n)
{
	switch (n) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return false;
	default:
		return true;
	}
}

/* By the system call: the C library keeps two real time signals to itself. */
static inline void __attribute__((noreturn)) die_by(int n)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	sigemptyset(&none);
	syscall(SYS_rt_sigaction, n, &action, NULL, 8);
	sigprocmask(SIG_SETMASK, &none, NULL);
	syscall(SYS_kill, getpid(), n);
	sleep(1);
	_exit(98);
}

#endif
