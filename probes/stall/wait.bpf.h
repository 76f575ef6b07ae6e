/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a sleeping thread waits for. Includes nothing: after core/probe.bpf.h and stall.h. */
#ifndef PROBES_STALL_WAIT_BPF_H
#define PROBES_STALL_WAIT_BPF_H

/* Kernel locks, as far as their owner. */
struct mutex {
	atomic_long_t owner;
} S_KERNEL;
struct semaphore {
	unsigned long last_holder;
} S_KERNEL;
struct rw_semaphore {
	atomic_long_t owner;
} S_KERNEL;

/* 6.15 made this list a hlist; of either only the first pointer is read. */
struct signal_struct___timers {
	struct list_head posix_timers;
} S_KERNEL;

/* The walk of a path in which a task is: opening a FIFO is a part of it. */
struct nameidata {
	struct path path;
} S_KERNEL;
struct task_struct___walking {
	struct nameidata *nameidata;
} S_KERNEL;

#define LOCK_BITS 3UL  /* of task->blocker: enum stall_lock */
#define OWNER_BITS 7UL /* flags in a lock's owner */

#if defined(__TARGET_ARCH_arm64)
enum { NR_FUTEX = 98 };
#else
enum { NR_FUTEX = 202 };
#endif
enum { FUTEX_WAIT = 0, FUTEX_LOCK_PI = 6, FUTEX_WAIT_BITSET = 9, FUTEX_WAIT_REQUEUE_PI = 11, FUTEX_LOCK_PI2 = 13 };
#define FUTEX_CMD_MASK 0x7f
#define FUTEX_PRIVATE 0x80
#define FUTEX_TID_MASK 0x3fffffff
#define FUTEX_WAITERS 0x80000000
#define TID_LIMIT (4 << 20) /* PID_MAX_LIMIT */

/* pthread_mutex_t of glibc. Other locks have 2, or FUTEX_WAITERS, in their word as well (stdio, Rust, Go, musl): after it is
 * not an owner, but what they protect. */
struct mutex_glibc {
	__u32 lock, count, owner, users, kind;
};
#define MUTEX_CONTENDED 2    /* its lock, unless it is robust: held, and waited for */
#define MUTEX_ROBUST 0x10    /* in its kind */
#define MUTEX_KINDS 0x3ff    /* bits that its kind may have */
#define MUTEX_USERS_MAX 4096 /* less than the upper half of a pointer */

/* pthread_mutex_t of musl, whose lock is its second word. */
struct mutex_musl {
	__u32 type, lock, waiters;
};
#define MUSL_OWNED \
	0x07 /* in its type: recursive, one that checks for errors, or robust: the lock has the owner's number */
#define MUSL_TYPES 0x8f

/* The word of a thread in a futex wait, read by the program that may sleep. */
struct word {
	__u64 look;
	__u64 word, owner; /* null with the reason */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STALL_PROCESSES);
	__type(key, __u32); /* tid */
	__type(value, struct word);
} words SEC(".maps");

static __always_inline void wait__state(struct stall_stuck *e, struct task_struct *task)
{
	unsigned int state = kfix__known_task_state(task);

	e->state[0] = state & STATE_SLEEPING  ? 'S'
		      : state & STATE_STOPPED ? 'T'
		      : state & STATE_TRACED  ? 't'
		      : state		      ? 'D'
					      : 'R';
	e->state[1] = 0;
	e->in_iowait = BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
	e->ptracer = task->ptrace ? (__u64)(__u32)BPF_CORE_READ(task, parent, tgid) : EVENT_NULL(EVENT_REASON_NONE);
}

/* The top of the kernel stack; functions of the scheduler are skipped by the kernel. */
static __always_inline void wait__channel(struct stall_stuck *e, struct task_struct *task)
{
	static const char format[] = "%ps";
	__u64 top = 0;
	long length;

	e->wait_channel = (struct event_string){.offset = __builtin_offsetof(struct stall_stuck, channel_text),
						.reason = EVENT_REASON_UNSUPPORTED};
	if (!has_snprintf)
		return;
	if (bpf_get_task_stack(task, &top, sizeof(top), 0) < (long)sizeof(top)) {
		e->wait_channel.reason = EVENT_REASON_FAULT;
		return;
	}
	length = bpf_snprintf(e->channel_text, sizeof(e->channel_text), format, &top, sizeof(top));
	if (length > 0 && length <= (long)sizeof(e->channel_text)) {
		e->wait_channel.length = length - 1;
		e->wait_channel.reason = EVENT_REASON_NONE;
	}
}

static __always_inline void read_word(struct stall_stuck *e, __u32 tid, __u64 reason)
{
	struct word *word = has_words ? bpf_map_lookup_elem(&words, &tid) : NULL;

	e->futex_word = e->futex_owner = EVENT_NULL(reason);
	if (word && word->look == look.number) {
		e->futex_word = word->word;
		e->futex_owner = word->owner;
	}
}

static __always_inline void wait__syscall(struct stall_stuck *e, struct task_struct *task)
{
	struct kfix_syscall call = {};
	bool compat = kfix__is_32_bit(task);

	kfix__syscall(&call, kfix__registers(task, stack_bytes));
	__builtin_memcpy(e->args, call.args, sizeof(e->args));
	e->number = call.number;
	if (compat || call.number < 0)
		e->number = EVENT_NULL(compat ? EVENT_REASON_UNSUPPORTED : EVENT_REASON_NONE);
	read_word(e, task->pid,
		  e->number != NR_FUTEX ? EVENT_REASON_NONE
		  : has_words		? EVENT_REASON_FAULT
					: EVENT_REASON_UNSUPPORTED);
}

static __always_inline void wait__blocker(struct stall_stuck *e, struct task_struct *task)
{
	__u64 blocker, owner = 0;
	void *lock;

	e->blocker = e->blocker_lock = EVENT_NULL(EVENT_REASON_UNSUPPORTED);
	if (!bpf_core_field_exists(task->blocker))
		return;
	blocker = task->blocker;
	e->blocker = e->blocker_lock = EVENT_NULL(EVENT_REASON_NONE);
	if (!blocker)
		return;
	lock = (void *)(blocker & ~LOCK_BITS);
	e->blocker_lock = blocker & LOCK_BITS;
	if (e->blocker_lock == STALL_MUTEX)
		owner = BPF_CORE_READ((struct mutex *)lock, owner.counter);
	else if (e->blocker_lock != STALL_SEMAPHORE)
		owner = BPF_CORE_READ((struct rw_semaphore *)lock, owner.counter);
	else if (bpf_core_field_exists(((struct semaphore *)0)->last_holder))
		owner = BPF_CORE_READ((struct semaphore *)lock, last_holder);
	owner &= ~OWNER_BITS;
	if (owner)
		e->blocker = BPF_CORE_READ((struct task_struct *)owner, pid);
}

struct children {
	struct list_head *node, *end;
	__u64 count;
};

static __noinline long count_child(__u32 round, struct children *children)
{
	struct list_head *node = children->node;

	if (node == children->end)
		return 1;
	children->node = BPF_CORE_READ(node, next);
	children->count++;
	return 0;
}

/* Of either kind of list: an empty one has no first element, or is its own. */
static __always_inline bool has_timers(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	void *first = NULL, *list = (void *)signal + bpf_core_field_offset(struct signal_struct___timers, posix_timers);

	bpf_probe_read_kernel(&first, sizeof(first), list);
	if (first && first != list)
		return true;
	return !bpf_core_field_exists(signal->real_timer.state) || BPF_CORE_READ(signal, real_timer.state);
}

static __always_inline void wait__children(struct stall_stuck *e, struct task_struct *task, bool loop)
{
	struct children children = {.node = BPF_CORE_READ(task, children.next)};

	children.end = (void *)task + bpf_core_field_offset(struct task_struct, children);
	EACH_ROUND(loop, 1024, count_child, &children);
	e->children = children.node == children.end ? children.count : EVENT_NULL(EVENT_REASON_BOUND);
	e->timer = has_timers(task);
}

/* The FIFO that it waits to open: it has no descriptor yet. */
static __always_inline void wait__opening(struct stall_stuck *e, struct task_struct *task, bool loop)
{
	struct place *place = scratch__get(&place_of);
	struct task_struct___walking *walking = (void *)task;
	struct nameidata *walk;
	struct dentry *dentry;

	e->opening = (struct event_string){.offset = __builtin_offsetof(struct stall_stuck, opening_text),
					   .reason = EVENT_REASON_UNSUPPORTED};
	if (!place || !bpf_core_type_exists(struct nameidata) || !bpf_core_field_exists(walking->nameidata))
		return;
	e->opening.reason = EVENT_NOT_APPLICABLE;
	walk = BPF_CORE_READ(walking, nameidata);
	if (!walk)
		return;
	dentry = BPF_CORE_READ(walk, path.dentry);
	if ((BPF_CORE_READ(dentry, d_inode, i_mode) & S_IFMT) != S_IFIFO)
		return;
	place->dentry = dentry;
	place->vfs = BPF_CORE_READ(walk, path.mnt);
	place__put(place, &e->opening, e->opening_text, loop);
}

/* ---- futexes ---- */

/* Finds a thread by its number in the process's PID namespace. */
struct search {
	struct threads threads;
	__u32 level, number, found;
};

static __noinline long compare_next(__u32 round, struct search *search)
{
	struct task_struct *task;
	struct upid *upid;

	if (threads__done(&search->threads))
		return 1;
	task = threads__next(&search->threads);
	upid = kfix__upid(BPF_CORE_READ(task, thread_pid), search->level);
	if ((__u32)BPF_CORE_READ(upid, nr) != search->number)
		return 0;
	search->found = BPF_CORE_READ(task, pid);
	return 1;
}

static __always_inline __u64 find_owner(struct task_struct *task, __u32 number, bool private)
{
	struct search search = {.level = BPF_CORE_READ(task, thread_pid, level), .number = number};

	threads__begin(&search.threads, BPF_CORE_READ(task, signal));
	bpf_loop(THREADS_MAX, compare_next, &search, 0);
	if (search.found)
		return search.found;
	if (private)
		return EVENT_NULL(EVENT_REASON_GONE);
	/* A thread of another process: its number, where that is the same in all namespaces. */
	return search.level ? EVENT_NULL(EVENT_REASON_UNSUPPORTED) : number;
}

static __always_inline bool is_glibc(const struct mutex_glibc *mutex)
{
	return mutex->users && mutex->users <= MUTEX_USERS_MAX && !(mutex->kind & ~MUTEX_KINDS) &&
	       mutex->owner <= TID_LIMIT;
}

static __always_inline bool is_musl(struct task_struct *task, __u64 lock)
{
	struct mutex_musl mutex = {};

	return !bpf_copy_from_user_task(&mutex, sizeof(mutex), (void *)lock - sizeof(mutex.type), task, 0) &&
	       mutex.type & MUSL_OWNED && !(mutex.type & ~MUSL_TYPES) && mutex.waiters &&
	       mutex.waiters <= MUTEX_USERS_MAX;
}

/* The owner's number, by the word or the mutex that it is part of; 0: not a wait for an owner. */
static __always_inline __u32 owner_of(struct task_struct *task, const struct kfix_syscall *call, __u32 word)
{
	__u32 command = call->args[1] & FUTEX_CMD_MASK, expected = call->args[2], owner = word & FUTEX_TID_MASK;
	struct mutex_glibc mutex = {};
	bool glibc;

	if (command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2)
		return owner;
	if ((command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET) || word != expected ||
	    (word != MUTEX_CONTENDED && !(word & FUTEX_WAITERS)))
		return 0;
	glibc = !bpf_copy_from_user_task(&mutex, sizeof(mutex), (void *)call->args[0], task, 0) && is_glibc(&mutex);
	if (word == MUTEX_CONTENDED)
		return glibc ? mutex.owner : 0;
	if (owner > TID_LIMIT)
		return 0;
	return (glibc && mutex.kind & MUTEX_ROBUST && mutex.owner == owner) || is_musl(task, call->args[0]) ? owner : 0;
}

/* The only program that may sleep: user memory of another task may have to be read from disk. */
SEC("iter.s/task")
int stall_stuck_words(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct kfix_syscall call = {};
	struct word word = {.look = look.number};
	struct scope_key key = {};
	__u32 value = 0, owner, tid;

	if (!task)
		return 0;
	key.pid = BPF_CORE_READ(task, tgid);
	key.start = BPF_CORE_READ(task, group_leader, start_boottime);
	if (!still__find(&key) || kfix__is_32_bit(task))
		return 0;
	kfix__syscall(&call, kfix__registers(task, 0));
	if (call.number != NR_FUTEX)
		return 0;
	word.word = word.owner = EVENT_NULL(EVENT_REASON_FAULT);
	if (!bpf_copy_from_user_task(&value, sizeof(value), (void *)call.args[0], task, 0)) {
		word.word = value;
		owner = owner_of(task, &call, value);
		word.owner =
			owner ? find_owner(task, owner, call.args[1] & FUTEX_PRIVATE) : EVENT_NULL(EVENT_REASON_NONE);
	}
	tid = BPF_CORE_READ(task, pid);
	bpf_map_update_elem(&words, &tid, &word, BPF_ANY);
	return 0;
}

#endif
