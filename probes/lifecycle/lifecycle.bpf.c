// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Fork, exec and exit of every watched process. */
#include "core/probe.bpf.h"
#include "probes/lifecycle/lifecycle.h"
#include "probes/lifecycle/exec_failed.bpf.h"
#include "probes/lifecycle/sender.bpf.h"
#include "probes/lifecycle/stderr.bpf.h"

#define PARTS_MAX 206 /* just over 6 MiB: more than the kernel allows for arguments and environment */
#define TEXT_BYTES 24576

const volatile bool want_env;

struct text_buffer {
	struct lifecycle_exec event;
	char text[TEXT_BYTES];
};

/* A path of the last exec on this CPU, cached: the next exec usually has the same. */
struct last_path {
	struct path_stamp of;
	struct cgroup *cgroup;
	struct path_buffer path;
};

SCRATCH(exec_text, struct text_buffer);
SCRATCH(exec_part, struct lifecycle_part);
SCRATCH(exec_cwd, struct last_path);
SCRATCH(exec_cgroup, struct last_path);

static __always_inline void parent_of(struct task_struct *task, __u32 *ppid, __u64 *start)
{
	struct task_struct *parent = task->real_parent;

	*ppid = parent->tgid;
	*start = parent->group_leader->start_boottime;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(lifecycle_fork, struct task_struct *child)
{
	struct lifecycle_fork *e;
	struct scope_entry *w;

	if (child->pid != child->tgid)
		return 0;
	w = scope__find_leader(child);
	if (!w)
		return 0;
	stderr__note_fork(&w->error, child);
	e = event__reserve_leader(struct lifecycle_fork, LIFECYCLE_FORK, child, w);
	if (!e)
		return 0;
	parent_of(child, &e->ppid, &e->parent_start);
	__builtin_memcpy(e->comm, child->comm, EVENT_COMM);
	e->ns_pid = process__ns_pid(child);
	event__submit(e);
	return 0;
}

/* Whether `bytes` more fit after the event. */
static __always_inline bool room(__u64 used, __u64 bytes)
{
	return used <= TEXT_BYTES - bytes;
}

static __always_inline __u64 put_path(struct text_buffer *b, __u64 used, const struct path_buffer *path,
				      struct event_string *string)
{
	__u64 length = path__length(path);

	string->offset = sizeof(b->event) + used;
	string->reason = path->reason;
	string->length = 0;
	if (!room(used, PATH_BYTES) || length > PATH_BYTES ||
	    bpf_probe_read_kernel(&b->text[used], length, &path->text[path->at & (PATH_BYTES - 1)])) {
		string->reason = EVENT_REASON_FAULT;
		return used;
	}
	string->length = length;
	return used + length;
}

/* Global functions, for kernels without bpf_loop(): the verifier checks each once, and not on every path through the
 * program. Their arguments must not be pointers, so these are in the scratch buffers. */
__noinline int lifecycle__walk_cwd(void)
{
	struct last_path *last = scratch__get(&exec_cwd);

	if (last)
		path__walk(&last->path, last->of.vfs, last->of.dentry, false);
	return 0;
}

__noinline int lifecycle__walk_cgroup(void)
{
	struct last_path *last = scratch__get(&exec_cgroup);

	if (last)
		path__of_cgroup(&last->path, last->cgroup, false);
	return 0;
}

/* Take the task's cgroup and descriptor 2, and the stamps of their paths. Only numbers remain of them: with typed pointers the
 * verifier would check the rest of the program once for each of their types. */
static __always_inline void take_cgroup(struct task_struct *task, struct last_path *last)
{
	struct cgroup *cgroup = path__task_cgroup(task);

	last->cgroup = cgroup;
	last->of.stamp = path__cgroup_stamp(cgroup);
}

static __always_inline void take_stderr(struct file *file, struct scope_entry *w, struct lifecycle_stderr *error,
					struct stderr_place *place)
{
	__builtin_memset(error, 0, sizeof(*error));
	error->map.reason = EVENT_REASON_FAULT;
	stderr__read(file, error, place);
	stderr__note(&w->error, error, place);
	if (place->of.dentry)
		path__stamp_untyped(&place->of);
}

/* Whether the path in the buffer is another one. */
static __always_inline bool is_other(const struct path_stamp *of)
{
	__u64 stamp = of->stamp;

	return !stamp || of->cached != stamp;
}

static __always_inline __u64 put_stderr(struct text_buffer *b, __u64 used, struct stderr_place *place, bool loop)
{
	struct event_map *map = &b->event.error.map;

	if (!room(used, LIFECYCLE_STDERR_ROOM))
		return used;
	used += LIFECYCLE_STDERR_ROOM;
	map->offset = sizeof(b->event) + used;
	map->reason = EVENT_REASON_NONE;
	if (!place->of.dentry)
		return used;
	if (is_other(&place->of)) {
		if (loop)
			path__walk(&place->path, place->of.vfs, place->of.dentry, true);
		else
			lifecycle__walk_stderr();
		place->of.cached = path__is_whole(&place->of) ? place->of.stamp : 0;
	}
	return put_path(b, used, &place->path, (struct event_string *)map);
}

static __always_inline __u64 put_cwd(struct text_buffer *b, __u64 used, struct last_path *last,
				     struct event_string *string, bool loop)
{
	if (is_other(&last->of)) {
		if (loop)
			path__walk(&last->path, last->of.vfs, last->of.dentry, true);
		else
			lifecycle__walk_cwd();
		last->of.cached = path__is_whole(&last->of) ? last->of.stamp : 0;
	}
	return put_path(b, used, &last->path, string);
}

static __always_inline __u64 put_cgroup(struct text_buffer *b, __u64 used, struct last_path *last,
					struct event_string *string, bool loop)
{
	if (is_other(&last->of)) {
		if (loop)
			path__of_cgroup(&last->path, last->cgroup, true);
		else
			lifecycle__walk_cgroup();
		last->of.cached = last->of.stamp;
	}
	return put_path(b, used, &last->path, string);
}

/* Sends the first part of the user memory between two addresses; returns its size. 0: there is none, or it failed. */
static __always_inline __u32 send_part(struct lifecycle_part *part, __u64 from, __u64 to, __u32 sent)
{
	__u64 length = to - from;

	if (from >= to)
		return 0;
	if (length > LIFECYCLE_PART_BYTES)
		length = LIFECYCLE_PART_BYTES;
	if (bpf_probe_read_user(part->bytes, length, (void *)from))
		return 0;
	part->offset = sent;
	part->length = length;
	if (bpf_ringbuf_output(&events, part, __builtin_offsetof(struct lifecycle_part, bytes) + length,
			       BPF_RB_FORCE_WAKEUP))
		return 0;
	return length;
}

struct parts {
	struct lifecycle_part *part;
	__u64 from, to;
	__u32 sent;
};

static __noinline long send_next(__u32 round, struct parts *parts)
{
	__u32 size = send_part(parts->part, parts->from, parts->to, parts->sent);

	parts->from += size;
	parts->sent += size;
	return !size;
}

/* Sends the memory in parts, after the head and area in the scratch buffer; returns the number of bytes sent. */
static __always_inline __u32 send_parts(__u64 from, __u64 to)
{
	struct parts parts = {.part = scratch__get(&exec_part), .from = from, .to = to};

	if (parts.part)
		bpf_loop(PARTS_MAX, send_next, &parts, 0);
	return parts.sent;
}

/* The same without bpf_loop(). All in registers: on the stack it exceeds the limit of 5.10's verifier. */
__noinline int lifecycle__send_parts(__u64 from, __u64 to)
{
	struct lifecycle_part *part = scratch__get(&exec_part);
	__u32 sent = 0, size;

	for (int i = 0; i < PARTS_MAX && part; i++) {
		size = send_part(part, from, to, sent);
		if (!size)
			break;
		from += size;
		sent += size;
	}
	return sent;
}

static __always_inline void put_parts(const struct event *head, __u64 from, __u64 to, __u32 area,
				      struct event_list *list, bool loop)
{
	struct lifecycle_part *part = scratch__get(&exec_part);

	list->offset = LIFECYCLE_PARTS;
	if (part) {
		part->head = *head;
		part->head.kind = LIFECYCLE_PART;
		part->area = area;
		part->zero = 0;
		list->length = loop ? send_parts(from, to) : (__u32)lifecycle__send_parts(from, to);
	}
	list->reason = list->length == to - from ? EVENT_REASON_NONE : EVENT_REASON_TRUNCATED;
}

/* The NUL-terminated strings between two user addresses. */
static __always_inline __u64 put_list(struct text_buffer *b, __u64 used, __u64 from, __u64 to, __u32 area,
				      struct event_list *list, bool loop)
{
	__u64 length = to - from;

	list->offset = sizeof(b->event) + used;
	list->length = 0;
	list->reason = 0;
	if (from >= to)
		return used;
	if (length > LIFECYCLE_INLINE || !room(used, LIFECYCLE_INLINE)) {
		put_parts(&b->event.head, from, to, area, list, loop);
		return used;
	}
	if (bpf_probe_read_user(&b->text[used], length, (void *)from)) {
		list->reason = EVENT_REASON_FAULT;
		return used;
	}
	list->length = length;
	return used + length;
}

static __always_inline void exec(struct task_struct *task, const char *filename, bool loop)
{
	struct scope_entry *w = scope__find_leader(task);
	struct last_path *cwd, *cgroup;
	struct mm_struct *mm = task->mm;
	struct stderr_place *error;
	const struct cred *cred;
	struct lifecycle_exec *e;
	struct stderr_files files;
	struct text_buffer *b;
	struct path *pwd;
	__u32 level;
	__u64 used; /* not 32 bits: the verifier of 5.10 loses the bounds of a register on truncation */
	long length;

	if (!w || !mm)
		return;
	b = scratch__get(&exec_text);
	cwd = scratch__get(&exec_cwd);
	cgroup = scratch__get(&exec_cgroup);
	error = scratch__get(&exec_stderr);
	if (!b || !cwd || !cgroup || !error)
		return;
	e = &b->event;
	event__head_of(&e->head, LIFECYCLE_EXEC, task, task, w, bpf_ktime_get_boot_ns());
	parent_of(task, &e->ppid, &e->parent_start);
	cred = task->cred;
	e->uid = cred->uid.val;
	e->gid = cred->gid.val;
	e->euid = cred->euid.val;
	e->egid = cred->egid.val;
	/* Typed pointers are loaded before the first branch: see scope__find_leader(). */
	files = stderr__files(task);
	level = task->thread_pid->level;
	pwd = &task->fs->pwd;
	take_cgroup(task, cgroup);
	path__stamp(pwd, &cwd->of);
	take_stderr(files.error, w, &e->error, error);
	e->stdin_pipe = stderr__pipe(files.in);
	e->stdout_pipe = stderr__pipe(files.out);
	e->ns_pid = process__pid_at(task, level);
	__builtin_memcpy(e->comm, task->comm, EVENT_COMM);

	e->exe.offset = sizeof(*e);
	e->exe.reason = 0;
	length = bpf_probe_read_kernel_str(b->text, PATH_BYTES, filename);
	used = length > 0 ? (length - 1) & (PATH_BYTES - 1) : 0; /* the mask is for 5.10's verifier */
	e->exe.length = used;

	used = put_cwd(b, used, cwd, &e->cwd, loop);
	used = put_cgroup(b, used, cgroup, &e->cgroup, loop);
	used = put_stderr(b, used, error, loop);

	used = put_list(b, used, mm->arg_start, mm->arg_end, LIFECYCLE_ARGS, &e->args, loop);
	e->env.offset = e->env.length = e->env.reason = 0;
	if (want_env)
		used = put_list(b, used, mm->env_start, mm->env_end, LIFECYCLE_ENV, (struct event_list *)&e->env, loop);
	if (used <= TEXT_BYTES)
		event__output(b, sizeof(*e) + used, LIFECYCLE_EXEC);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(lifecycle_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	exec(task, bprm->filename, false);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(lifecycle_exec_loop, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	exec(task, bprm->filename, true);
	return 0;
}

SEC("tp/sched/sched_process_exec")
int lifecycle_exec_classic(struct trace_event_raw_sched_process_exec *ctx)
{
	exec(bpf_get_current_task_btf(), classic__filename(ctx), true);
	return PASS;
}

static __always_inline void ended(struct task_struct *task, bool marked, bool loop)
{
	struct scope_entry *w = scope__ending(task, marked);
	struct task_struct *leader;
	struct lifecycle_exit *e;
	__u64 parent_start;
	int number, code;
	__u32 ppid;

	if (!w)
		return;
	leader = task->group_leader;
	parent_of(task, &ppid, &parent_start);
	code = process__exit_status(leader);
	if (code)
		stderr__failed(task, w, loop);
	e = event__reserve_exit_of(struct lifecycle_exit, LIFECYCLE_EXIT, task, leader, w);
	if (!e)
		return;
	number = code & 0x7f;
	e->signal = number ? (__u64)number : EVENT_NULL(EVENT_REASON_NONE);
	e->exit_code = number ? EVENT_NULL(EVENT_REASON_NONE) : (__u64)((code >> 8) & 0xff);
	e->core_dumped = (code & 0x80) != 0;
	e->stack_fault = false;
	e->duration_ns = e->head.ts - e->head.start;
	e->threads_peak = scope__threads_peak(w);
	e->ppid = ppid;
	e->parent_start = parent_start;
	__builtin_memcpy(e->comm, leader->comm, EVENT_COMM);
	__builtin_memset(e->zero, 0, sizeof(e->zero));
	__builtin_memset(e->sender_name, 0, sizeof(e->sender_name));
	e->zero2 = 0;
	if (number || request(w))
		put_sender(e, leader, w, number ? number : request(w), !number);
	else
		no_sender(e, EVENT_REASON_NONE);
	event__submit(e);
}

SEC("tp_btf/sched_process_exit")
int lifecycle_exit(__u64 *ctx)
{
	ended((void *)ctx[0], exit_is_marked && *(volatile __u64 *)&ctx[1], false);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int lifecycle_exit_loop(__u64 *ctx)
{
	ended((void *)ctx[0], exit_is_marked && *(volatile __u64 *)&ctx[1], true);
	return 0;
}

SEC("tp/sched/sched_process_exit")
int lifecycle_exit_classic(struct trace_event_raw_sched_process_exit *ctx)
{
	ended(bpf_get_current_task_btf(), ctx->group_dead, true);
	return PASS;
}
