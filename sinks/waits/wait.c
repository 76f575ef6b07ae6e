/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls that wait: what for, and where their time limit stands. */
#include <string.h>

#include "sinks/waits/stand.h"

enum limit {
	LIMIT_NONE,
	LIMIT_POINTER, /* NULL: none */
	LIMIT_NUMBER,  /* of milliseconds, negative: none */
};

#define NO_ARG 15

/* Arguments by number. */
static const struct call {
	const char *name;
	enum wait_how how;
	uint8_t from, to;
	enum limit limit;
	uint8_t limit_arg;
} calls[] = {
	{"read", WAIT_READ, 0, NO_ARG, 0, 0},
	{"readv", WAIT_READ, 0, NO_ARG, 0, 0},
	{"pread64", WAIT_READ, 0, NO_ARG, 0, 0},
	{"preadv", WAIT_READ, 0, NO_ARG, 0, 0},
	{"preadv2", WAIT_READ, 0, NO_ARG, 0, 0},
	{"recvfrom", WAIT_READ, 0, NO_ARG, 0, 0},
	{"recvmsg", WAIT_READ, 0, NO_ARG, 0, 0},
	{"recvmmsg", WAIT_READ, 0, NO_ARG, LIMIT_POINTER, 4},
	{"write", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"writev", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"pwrite64", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"pwritev", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"pwritev2", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"sendto", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"sendmsg", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"sendmmsg", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"vmsplice", WAIT_WRITE, NO_ARG, 0, 0, 0},
	{"splice", WAIT_MOVE, 0, 2, 0, 0},
	{"tee", WAIT_MOVE, 0, 1, 0, 0},
	{"sendfile", WAIT_MOVE, 1, 0, 0, 0},
	{"sendfile64", WAIT_MOVE, 1, 0, 0, 0},
	{"accept", WAIT_ACCEPT, 0, NO_ARG, 0, 0},
	{"accept4", WAIT_ACCEPT, 0, NO_ARG, 0, 0},
	{"connect", WAIT_CONNECT, 0, NO_ARG, 0, 0},
	{"wait4", WAIT_CHILD, NO_ARG, NO_ARG, 0, 0},
	{"waitpid", WAIT_CHILD, NO_ARG, NO_ARG, 0, 0},
	{"waitid", WAIT_CHILD, NO_ARG, NO_ARG, 0, 0},
	{"vfork", WAIT_VFORK, NO_ARG, NO_ARG, 0, 0},
	{"clone", WAIT_VFORK, NO_ARG, NO_ARG, 0, 0},
	{"clone3", WAIT_VFORK, NO_ARG, NO_ARG, 0, 0},
	{"futex", WAIT_FUTEX, NO_ARG, NO_ARG, LIMIT_POINTER, 3},
	{"flock", WAIT_FLOCK, 0, NO_ARG, 0, 0},
	{"fcntl", WAIT_FCNTL, 0, NO_ARG, 0, 0},
	{"fcntl64", WAIT_FCNTL, 0, NO_ARG, 0, 0},
	{"poll", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_NUMBER, 2},
	{"ppoll", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_POINTER, 2},
	{"select", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_POINTER, 4},
	{"pselect6", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_POINTER, 4},
	{"epoll_wait", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_NUMBER, 3},
	{"epoll_pwait", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_NUMBER, 3},
	{"epoll_pwait2", WAIT_POLL, NO_ARG, NO_ARG, LIMIT_POINTER, 3},
	{"pause", WAIT_SIGNAL, NO_ARG, NO_ARG, 0, 0},
	{"rt_sigsuspend", WAIT_SIGNAL, NO_ARG, NO_ARG, 0, 0},
	{"rt_sigtimedwait", WAIT_SIGNAL, NO_ARG, NO_ARG, LIMIT_POINTER, 2},
	{"open", WAIT_OPEN, NO_ARG, NO_ARG, 0, 0},
	{"openat", WAIT_OPEN, NO_ARG, NO_ARG, 0, 0},
	{"openat2", WAIT_OPEN, NO_ARG, NO_ARG, 0, 0},
	{"creat", WAIT_OPEN, NO_ARG, NO_ARG, 0, 0},
	{"msgrcv", WAIT_IPC, NO_ARG, NO_ARG, 0, 0},
	{"msgsnd", WAIT_IPC, NO_ARG, NO_ARG, 0, 0},
	{"semop", WAIT_IPC, NO_ARG, NO_ARG, 0, 0},
	{"semtimedop", WAIT_IPC, NO_ARG, NO_ARG, LIMIT_POINTER, 3},
	{"mq_timedreceive", WAIT_IPC, NO_ARG, NO_ARG, LIMIT_POINTER, 4},
	{"mq_timedsend", WAIT_IPC, NO_ARG, NO_ARG, LIMIT_POINTER, 4},
	{"nanosleep", WAIT_TIMED, NO_ARG, NO_ARG, 0, 0},
	{"clock_nanosleep", WAIT_TIMED, NO_ARG, NO_ARG, 0, 0},
	{"restart_syscall", WAIT_TIMED, NO_ARG, NO_ARG, 0, 0}, /* of a call with a limit, after a signal */
};

static const struct call *call_of(const struct stand_thread *thread)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(thread->syscall, calls[i].name))
			return &calls[i];
	return NULL;
}

static bool has_limit(const struct stand_thread *thread, const struct call *call)
{
	uint64_t value = thread->args[call->limit_arg];

	return (call->limit == LIMIT_POINTER && value) || (call->limit == LIMIT_NUMBER && (int32_t)value >= 0);
}

/* An int in a register of 64 bits. */
static uint64_t descriptor(const struct stand_thread *thread, uint8_t arg)
{
	return arg == NO_ARG ? ~0ULL : (uint32_t)thread->args[arg];
}

/* The operations are the same on all architectures. */
static void look_at_futex(struct wait *wait, const struct stand_thread *thread)
{
	const unsigned private = 128, realtime = 256;
	unsigned operation = thread->args[1] & ~(uint64_t)(private | realtime);

	/* FUTEX_WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2 */
	if (operation != 0 && operation != 6 && operation != 9 && operation != 11 && operation != 13)
		wait->how = WAIT_UNKNOWN;
	wait->private = thread->args[1] & private;
	wait->expected = (uint32_t)thread->args[2];
}

static void look_at_child(struct wait *wait, const struct stand_thread *thread)
{
	bool by_type = !strcmp(thread->syscall, "waitid"); /* P_PID is 1 */
	int32_t pid = by_type ? (thread->args[0] == 1 ? (int32_t)thread->args[1] : 0) : (int32_t)thread->args[0];

	wait->pid = pid > 0 ? pid : 0;
}

/* By what its arguments say. */
static void refine(struct wait *wait, const struct stand_thread *thread)
{
	const unsigned clone_vfork = 0x4000;

	switch (wait->how) {
	case WAIT_FUTEX:
		look_at_futex(wait, thread);
		break;
	case WAIT_CHILD:
		look_at_child(wait, thread);
		break;
	case WAIT_FCNTL: /* F_SETLKW, F_SETLKW64, F_OFD_SETLKW */
		if (thread->args[1] != 7 && thread->args[1] != 14 && thread->args[1] != 38)
			wait->how = WAIT_UNKNOWN;
		break;
	case WAIT_VFORK: /* clone3 has its flags in memory, and waits for nothing else */
		if (!strcmp(thread->syscall, "clone") && !(thread->args[0] & clone_vfork))
			wait->how = WAIT_UNKNOWN;
		break;
	case WAIT_OPEN: /* else of a file on a server that does not answer */
		if (thread->state == 'D')
			wait->how = WAIT_DISK;
		break;
	default:
		break;
	}
}

/* flock -w SECONDS and alike have no other way than a timer to limit it. Any other call, a timer may be there to interrupt. */
static bool is_lock(const struct call *call)
{
	return call && (call->how == WAIT_FLOCK || call->how == WAIT_FCNTL);
}

struct wait wait__of(const struct stand_thread *thread)
{
	const struct call *call = call_of(thread);
	struct wait wait = {.from = ~0ULL, .to = ~0ULL};

	if (!EVENT_IS_NULL(thread->ptracer) || thread->state == 't')
		wait.how = WAIT_TRACED;
	else if (thread->state == 'T')
		wait.how = WAIT_STOPPED;
	else if (thread->timer && !is_lock(call))
		wait.how = WAIT_TIMED;
	else if (!EVENT_IS_NULL(thread->blocker))
		wait.how = WAIT_KERNEL_LOCK;
	else if (!call || thread->args_count != STAND_ARGS)
		wait.how = thread->state == 'D' ? WAIT_DISK : WAIT_UNKNOWN;
	else if (has_limit(thread, call))
		wait.how = WAIT_TIMED;
	else {
		wait.how = call->how;
		wait.from = descriptor(thread, call->from);
		wait.to = descriptor(thread, call->to);
		wait.limited = thread->timer;
		refine(&wait, thread);
	}
	/* A wait that no signal ends is for the kernel itself: a disk, a server. */
	if (thread->state == 'D' && wait.how != WAIT_VFORK && wait.how != WAIT_KERNEL_LOCK && wait.how != WAIT_TRACED)
		wait.how = WAIT_DISK;
	return wait;
}
