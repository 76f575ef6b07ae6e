/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the filter from tables, without a library: what is privileged links as little as it can. */
#include "core/account/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/bpf/bpf.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* The frequent ones first. */
static const int plain[] = {
#ifdef __NR_epoll_wait
	__NR_epoll_wait,
#endif
	__NR_epoll_pwait,
	__NR_pwrite64,
	__NR_timerfd_settime,
	__NR_read,
	__NR_write,
	__NR_futex,
	/* the disk */
	__NR_fdatasync,
	__NR_fsync,
	__NR_sync_file_range,
	__NR_ftruncate,
	__NR_fstat,
	__NR_close,
	/* the keeper */
	__NR_sendmsg,
	__NR_sendto,
	__NR_recvmsg,
	__NR_ppoll,
#ifdef __NR_poll
	__NR_poll,
#endif
	/* memory, threads, time */
	__NR_brk,
	__NR_munmap,
	__NR_mremap,
	__NR_madvise,
	__NR_membarrier,
	__NR_rt_sigprocmask,
	__NR_rt_sigreturn,
	__NR_set_robust_list,
	__NR_rseq,
	__NR_gettid,
	__NR_getpid,
	__NR_writev,
	__NR_sched_yield,
	__NR_restart_syscall,
	__NR_clock_gettime,
	__NR_adjtimex, /* to read: it has no CAP_SYS_TIME */
	__NR_clock_nanosleep,
	__NR_nanosleep,
	__NR_getrandom,
	__NR_uname,
	__NR_epoll_ctl,
	__NR_exit,
	__NR_exit_group,
};

enum check { ONE_OF, WITH, WITHOUT }; /* the argument is one of the values; has, has not a bit of the first */

static const struct {
	int number, argument;
	enum check check;
	const uint32_t *values;
	size_t count;
} checked[] = {
	{__NR_bpf, 0, ONE_OF, bpf__commands, BPF_COMMANDS},
	{__NR_mmap, 2, WITHOUT, (const uint32_t[]){PROT_EXEC}, 1},
	{__NR_mprotect, 2, WITHOUT, (const uint32_t[]){PROT_EXEC}, 1},
	{__NR_fcntl, 1, ONE_OF, (const uint32_t[]){F_OFD_SETLK, F_OFD_GETLK, F_GETFL}, 3},
	{__NR_newfstatat, 3, WITH, (const uint32_t[]){AT_EMPTY_PATH}, 1}, /* libc's fstat() */
};

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define DENY (SECCOMP_RET_ERRNO | EPERM)

struct program {
	struct sock_filter *code;
	size_t count;
};

static void put(struct program *p, struct sock_filter instruction)
{
	p->code[p->count++] = instruction;
}

static void put_plain(struct program *p, int number)
{
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
	put(p, (struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
}

/* All values are below 2^32, and so is what the kernel looks at. */
static void put_checked(struct program *p, size_t i)
{
	size_t values = checked[i].count;
	int op = checked[i].check == ONE_OF ? BPF_JEQ : BPF_JSET;
	bool allow = checked[i].check != WITHOUT;

	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, checked[i].number, 0, 2 + 2 * values));
	put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) +
									      sizeof(uint64_t) * checked[i].argument));
	for (size_t v = 0; v < values; v++) {
		put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | op | BPF_K, checked[i].values[v], 0, 1));
		put(p, (struct sock_filter)RETURN(allow ? SECCOMP_RET_ALLOW : DENY));
	}
	put(p, (struct sock_filter)RETURN(allow ? DENY : SECCOMP_RET_ALLOW));
}

#define PLAIN (sizeof(plain) / sizeof(plain[0]))
#define CHECKED (sizeof(checked) / sizeof(checked[0]))

#ifdef ARCH
static int build(struct program *p, const int *more, size_t count)
{
	p->code = calloc(8 + 2 * (PLAIN + count) + 32 * CHECKED, sizeof(*p->code));
	if (!p->code)
		return -ENOMEM;
	put(p, (struct sock_filter)LOAD(arch));
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	put(p, (struct sock_filter)RETURN(DENY));
	put(p, (struct sock_filter)LOAD(nr));
	for (size_t i = 0; i < PLAIN; i++)
		put_plain(p, plain[i]);
	for (size_t i = 0; i < count; i++)
		put_plain(p, more[i]);
	for (size_t i = 0; i < CHECKED; i++)
		put_checked(p, i);
	put(p, (struct sock_filter)RETURN(DENY));
	return 0;
}
#endif

const char *seccomp__unavailable(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return "this is a build with sanitizers";
#elif !defined(ARCH)
	return "no filter is built for this architecture";
#else
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) ? "this kernel has no seccomp filters" : NULL;
#endif
}

int seccomp__install(const int *more, size_t count)
{
#ifdef ARCH
	struct program p = {0};
	int err = build(&p, more, count);
	struct sock_fprog program = {.len = p.count, .filter = p.code};

	/* SPEC_ALLOW: kernels before 5.16 would slow down the whole process. TSYNC also returns the ID of a thread. */
	if (!err && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program))
		err = errno ? -errno : -EBUSY;
	free(p.code);
	return err;
#else
	(void)more;
	(void)count;
	return -ENOSYS;
#endif
}
