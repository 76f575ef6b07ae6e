/* SPDX-License-Identifier: BSD-2-Clause */
/* To end by each signal there is; for tests/truth too. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
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

/* Makes a system call that a filter of its own forbids. False: there can be no such filter. */
static inline bool call_forbidden(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(*filter), .filter = filter};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return false;
	syscall(SYS_getppid);
	return true;
}

#endif
