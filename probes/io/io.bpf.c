// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* I/O of a process, from the kernel's task_io_accounting: sampled by a task iterator, and exact when the thread group
 * leader is freed. The kernel adds a thread's counters to the process's when the thread is released, and so those of a
 * child that the process has waited for: /proc/PID/io is the sum. Here they are apart: what the threads have, read at
 * their exits, and the rest. */
#include "core/probe.bpf.h"
#include "probes/io/io.h"

/* Of the exited threads, for a process that has or had several. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct scope_key);
	__type(value, struct io_account);
} exited SEC(".maps");

/* NULL: it never had several; the map is not asked. */
static __always_inline struct io_account *exited_of(const struct scope_key *key, const struct scope_entry *w)
{
	return w->threads_peak > 1 ? bpf_map_lookup_elem(&exited, key) : NULL;
}

/* In one read: with TASK_XACCT and TASK_IO_ACCOUNTING the kernel's struct is these seven in this order. */
static __always_inline void read_account(struct io_account *account, struct task_struct *task)
{
	bpf_core_read(account, sizeof(*account), &task->ioac);
}

static __always_inline void add(struct io_account *sum, const struct io_account *account)
{
	sum->read_chars += account->read_chars;
	sum->write_chars += account->write_chars;
	sum->read_syscalls += account->read_syscalls;
	sum->write_syscalls += account->write_syscalls;
	sum->read_bytes += account->read_bytes;
	sum->write_bytes += account->write_bytes;
	sum->cancelled_write_bytes += account->cancelled_write_bytes;
}

/* The same for threads that exit at the same time. */
static __always_inline void add_atomically(struct io_account *sum, const struct io_account *account)
{
	__sync_fetch_and_add(&sum->read_chars, account->read_chars);
	__sync_fetch_and_add(&sum->write_chars, account->write_chars);
	__sync_fetch_and_add(&sum->read_syscalls, account->read_syscalls);
	__sync_fetch_and_add(&sum->write_syscalls, account->write_syscalls);
	__sync_fetch_and_add(&sum->read_bytes, account->read_bytes);
	__sync_fetch_and_add(&sum->write_bytes, account->write_bytes);
	__sync_fetch_and_add(&sum->cancelled_write_bytes, account->cancelled_write_bytes);
}

static __always_inline __u64 rest(__u64 all, __u64 own)
{
	return all > own ? all - own : 0;
}

static __always_inline void set_children(struct io_event *e, const struct io_account *all)
{
	e->children.read_chars = rest(all->read_chars, e->own.read_chars);
	e->children.write_chars = rest(all->write_chars, e->own.write_chars);
	e->children.read_syscalls = rest(all->read_syscalls, e->own.read_syscalls);
	e->children.write_syscalls = rest(all->write_syscalls, e->own.write_syscalls);
	e->children.read_bytes = rest(all->read_bytes, e->own.read_bytes);
	e->children.write_bytes = rest(all->write_bytes, e->own.write_bytes);
	e->children.cancelled_write_bytes = rest(all->cancelled_write_bytes, e->own.cancelled_write_bytes);
}

/* What the process has been given: by released threads and by children. */
static __always_inline void read_given(struct io_account *account, struct signal_struct *signal)
{
	struct task_io_accounting *given = &signal->ioac;

	account->read_chars = given->rchar;
	account->write_chars = given->wchar;
	account->read_syscalls = given->syscr;
	account->write_syscalls = given->syscw;
	account->read_bytes = given->read_bytes;
	account->write_bytes = given->write_bytes;
	account->cancelled_write_bytes = given->cancelled_write_bytes;
}

static __always_inline void finish(struct io_event *e, const struct scope_entry *w, struct task_struct *leader,
				   bool final)
{
	e->exited_ns = scope__exited_ns(w);
	__builtin_memcpy(e->comm, leader->comm, EVENT_COMM);
	e->final = final;
	__builtin_memset(e->zero, 0, sizeof(e->zero));
}

/* Adds a thread that exits, unless it is the only one that there ever was. Returns the sum; NULL: it was. The
 * last one may get here before others, which then add theirs. */
static __always_inline struct io_account *keep_exited(const struct scope_key *key, const struct scope_entry *w,
						      const struct io_account *account, bool last)
{
	struct io_account *sum = exited_of(key, w), none = {};

	if (!sum && (!last || w->threads_peak > 1)) {
		bpf_map_update_elem(&exited, key, &none, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&exited, key);
		if (!sum) {
			lost__count(IO_EXIT);
			return NULL;
		}
	}
	if (sum)
		add_atomically(sum, account);
	return sum;
}

/* All of the process until then. */
ON_REPLACED(io_image, task, w)
{
	struct scope_key key = scope__key_of_leader(task);
	struct io_account account, *sum;
	struct io_event *e = event__reserve_leader(struct io_event, IO_IMAGE, task, w);
	struct signal_struct *signal = task->signal;

	if (!e)
		return;
	read_account(&account, task);
	e->own = account;
	sum = exited_of(&key, w);
	if (sum)
		add(&e->own, sum);
	read_given(&e->children, signal);
	add(&account, &e->children);
	set_children(e, &account);
	finish(e, w, task, true);
	event__submit(e);
}

/* Belongs to samples too, so that its name is not that of an event. */
ON_THREAD_EXIT(io_thread_exit, task, w, last)
{
	struct task_struct *leader = task->group_leader;
	struct signal_struct *signal = task->signal;
	struct scope_key key = {.pid = task->tgid, .start = leader->start_boottime};
	struct io_account account, *sum;
	struct io_event *e;

	read_account(&account, task);
	sum = keep_exited(&key, w, &account, last);
	if (!last)
		return;
	e = event__reserve_provisional_of(struct io_event, IO_EXIT, task, leader, w);
	if (!e)
		return;
	e->own = sum ? *sum : account;
	read_given(&e->children, signal);
	add(&account, &e->children);
	set_children(e, &account);
	finish(e, w, leader, false);
	event__submit(e);
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(io_exit_final, struct task_struct *task)
{
	struct scope_entry *w = scope__closed(task);
	struct io_account all, *sum;
	struct signal_struct *signal;
	struct scope_key key;
	struct io_event *e;

	if (!w)
		return 0;
	signal = task->signal;
	key = scope__key_of_leader(task);
	e = event__reserve_final(struct io_event, IO_EXIT, task, w);
	if (!e)
		return 0;
	sum = exited_of(&key, w);
	if (sum)
		e->own = *sum;
	else
		read_account(&e->own, task);
	read_given(&all, signal);
	set_children(e, &all);
	finish(e, w, task, true);
	event__submit(e);
	if (sum)
		bpf_map_delete_elem(&exited, &key);
	return 0;
}

/* The threads of a process: all of them, and those that live. */
struct sums {
	struct io_account all, alive;
};

static __noinline long add_next(__u32 round, struct threads *threads)
{
	struct sums *sums = threads->sums;
	struct io_account account;
	struct task_struct *task;

	if (threads__done(threads))
		return 1;
	task = threads__next(threads);
	read_account(&account, task);
	add(&sums->all, &account);
	if (!(BPF_CORE_READ(task, flags) & PF_EXITING))
		add(&sums->alive, &account);
	return 0;
}

/* Adds every thread of the process; false: it has more than THREADS_MAX. */
static __always_inline bool add_threads(struct sums *sums, struct signal_struct *signal, bool loop)
{
	struct threads threads = {.sums = sums};

	__builtin_memset(sums, 0, sizeof(*sums));
	threads__begin(&threads, signal);
	EACH_ROUND(loop, THREADS_MAX, add_next, &threads);
	return threads__done(&threads);
}

SCRATCH(sample, struct io_event);
SCRATCH(thread_sums, struct sums);

static __always_inline void set_null(struct io_account *account, __u32 reason)
{
	account->read_chars = account->write_chars = account->read_syscalls = account->write_syscalls =
		account->read_bytes = account->write_bytes = account->cancelled_write_bytes = EVENT_NULL(reason);
}

static __always_inline void set_sample(struct io_event *e, struct signal_struct *signal, struct sums *sums,
				       const struct scope_key *key, const struct scope_entry *w)
{
	struct io_account *sum = exited_of(key, w);

	e->own = sum ? *sum : sums->all;
	if (sum)
		add(&e->own, &sums->alive);
	read_given(&e->children, signal);
	add(&sums->all, &e->children);
	set_children(e, &sums->all);
}

static __always_inline __u64 fingerprint_of(const struct io_account *account)
{
	return account->read_chars + (account->write_chars << 20) + account->read_syscalls +
	       (account->write_syscalls << 40) + (account->read_bytes << 10) + (account->write_bytes << 30);
}

static __always_inline int sample_process(struct bpf_iter__task *ctx, bool loop)
{
	struct task_struct *task = ctx->task;
	struct io_event *e = scratch__get(&sample);
	struct sums *sums = scratch__get(&thread_sums);
	struct signal_struct *signal;
	struct scope_key key;
	struct scope_entry *w;
	__u64 fingerprint;

	if (!e || !sums || !task || task->pid != task->tgid)
		return 0;
	key = scope__key_of_leader(task);
	w = bpf_map_lookup_elem(&scope, &key);
	if (!w)
		return 0;
	signal = task->signal;
	if (process__is_denied(task)) {
		set_null(&e->own, EVENT_REASON_DENIED);
		set_null(&e->children, EVENT_REASON_DENIED);
	} else if (add_threads(sums, signal, loop)) {
		set_sample(e, signal, sums, &key, w);
	} else {
		set_null(&e->own, EVENT_REASON_BOUND);
		set_null(&e->children, EVENT_REASON_BOUND);
	}
	fingerprint = fingerprint_of(&e->own) + fingerprint_of(&e->children);
	if (!fingerprint || !scope__changed(w, fingerprint))
		return 0;
	event__head_of(&e->head, IO_SAMPLE, task, task, w, bpf_ktime_get_boot_ns());
	finish(e, w, task, false);
	e->final = event__close(&e->head, IO_EXIT, w, task);
	if (event__sample(ctx, e))
		scope__sampled(w, fingerprint);
	return 0;
}

SEC("iter/task")
int io_sample(struct bpf_iter__task *ctx)
{
	return sample_process(ctx, false);
}

SEC("iter/task")
int io_sample_loop(struct bpf_iter__task *ctx)
{
	return sample_process(ctx, true);
}
