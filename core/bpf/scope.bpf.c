// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The scope: the watched processes. A fork adds the child, sched_process_free of the thread group leader removes
 * it, and in between the exit of the last thread is marked. The core attaches scope_free after the probes and the
 * rest before them: at each of these hooks a probe finds the entry. All probes share the map `scope`; the ring
 * buffer `events` carries notes to the core. */
#include "core/probe.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct scope_run);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct scope_rule_key);
	__type(value, __u32);
} rules SEC(".maps");

/* Processes whose exit was seen, for kernels that do not mark the exit of the last thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct scope_key);
	__type(value, __u8);
} ended SEC(".maps");

/* Processes that the next scan adds, with all their descendants: pid in the collector's namespace -> run. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u32);
} wanted SEC(".maps");

__u32 rule_kinds; /* bit per scope_rule_kind that has a rule */
bool scan_enters; /* whether the scan adds processes or only lists them */

struct scratch {
	struct scope_rule_key key;
	struct path_buffer path;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} exec_scratch SEC(".maps");

const volatile bool by_rules;  /* there may be rules */
const volatile __u32 all_run;  /* `all: true`: the run of every process that has no other; else 0 */
const volatile bool use_ended; /* this kernel needs the map `ended` */

__u32 launcher; /* pid, in the pid namespace of this inode, whose children enter launch_run; 0: none */
__u32 launcher_ns;
__u32 launch_run;
__u64 scope_full; /* processes with no room in the scope map nor in `refused` */
__u64 refused_count[SCOPE_REFUSED_COUNTS];
__u64 adopted;	      /* processes whose fork was not seen */
__u64 exit_reporters; /* as scope_entry.reported: SCOPE_REPORTED for each probe that reports every process exit */
__u64 unreported[SCOPE_SLOTS]; /* exits that the probe of this slot did not report */

/* Runs are numbered per CPU: 5.10 has no atomic operation that returns a value. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} run_counter SEC(".maps");

/* Processes that had no room in the scope map, to count each of their lost events: key -> run. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct scope_key);
	__type(value, __u32);
} refused SEC(".maps");

enum entry { ENTERED, NO_RUN, NO_ROOM };

/* Those that enter, are refused and tried again are thread group leaders; at a fork and at an exec their only thread. */
static __always_inline enum entry enter(struct task_struct *task, __u32 number, __u32 threads, __u32 flags)
{
	struct scope_run *run = bpf_map_lookup_elem(&runs, &number);
	struct scope_key key = scope__key_of_leader(task);
	struct scope_entry w = {.run = number, .threads_peak = threads, .flags = flags};

	if (!run || run->closed)
		return NO_RUN;
	if (bpf_map_update_elem(&scope, &key, &w, BPF_NOEXIST))
		return NO_ROOM;
	__sync_fetch_and_add(&run->entered, 1);
	return ENTERED;
}

/* Adds a process whose fork was not seen. If the scope map is full, all of its events are lost. */
static __always_inline bool enter_late(struct task_struct *task, __u32 number, __u32 flags)
{
	enum entry entry = enter(task, number, 1, flags);

	if (entry == NO_ROOM)
		__sync_fetch_and_add(&scope_full, 1);
	return entry == ENTERED;
}

static __always_inline void enter_born(struct task_struct *child, __u32 number)
{
	struct scope_key key = scope__key_of_leader(child);
	struct scope_run *run;

	if (enter(child, number, 1, 0) != NO_ROOM)
		return;
	if (bpf_map_update_elem(&refused, &key, &number, BPF_NOEXIST)) {
		__sync_fetch_and_add(&scope_full, 1);
		return;
	}
	run = bpf_map_lookup_elem(&runs, &number);
	if (run)
		__sync_fetch_and_add(&run->entered, 1); /* the run is not over before its exit was counted */
	__sync_fetch_and_add(&refused_count[SCOPE_REFUSED_FORK], 1);
}

static __always_inline bool note(__u32 kind, __u32 run, const struct scope_key *key, __u32 rule, const char *text,
				 __u32 length)
{
	struct scope_note *n = bpf_ringbuf_reserve(&events, sizeof(*n), 0);

	if (!n)
		return false;
	n->kind = kind;
	n->run = run;
	n->key = *key;
	n->ts = bpf_ktime_get_boot_ns();
	n->rule = rule;
	n->length = length;
	n->uid = bpf_get_current_uid_gid();
	n->zero = 0;
	if (text)
		bpf_probe_read_kernel(n->text, SCOPE_TEXT, text);
	bpf_ringbuf_submit(n, BPF_RB_FORCE_WAKEUP);
	return true;
}

/* A process that was counted as entered has left. */
static __always_inline void leave(__u32 number, const struct scope_key *key)
{
	struct scope_run *run = bpf_map_lookup_elem(&runs, &number);

	if (!run)
		return;
	__sync_fetch_and_add(&run->left, 1);
	if (run->left == run->entered)
		note(SCOPE_NOTE_EMPTY, number, key, 0, NULL, 0);
}

/* The run of a process that had no room at its fork; 0: no such process. */
static __always_inline __u32 refused_run(const struct scope_key *key)
{
	__u32 *number = refused_count[SCOPE_REFUSED_FORK] ? bpf_map_lookup_elem(&refused, key) : NULL;

	return number ? *number : 0;
}

/* At an exec: tries again, as there may be room by now. False: the process was not refused. */
static __always_inline bool enter_again(struct task_struct *task)
{
	struct scope_key key = scope__key_of_leader(task);
	__u32 number = refused_run(&key);

	if (!number)
		return false;
	if (enter(task, number, 1, 0) == NO_ROOM)
		__sync_fetch_and_add(&refused_count[SCOPE_REFUSED_EXEC], 1);
	else if (!bpf_map_delete_elem(&refused, &key))
		leave(number, &key);
	return true;
}

/* The exit of a process that had no room, counted when the leader is freed. */
static __always_inline void exit_refused(const struct scope_key *key)
{
	__u32 number = refused_run(key);

	if (!number || bpf_map_delete_elem(&refused, key) || !bpf_map_lookup_elem(&runs, &number))
		return;
	__sync_fetch_and_add(&refused_count[SCOPE_REFUSED_EXIT], 1);
	leave(number, key);
}

/* The run of the process that forks right now; 0: none. It is the child's parent, except with CLONE_PARENT. */
static __always_inline __u32 forker_run(const struct scope_key *parent)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct scope_key key = {.pid = bpf_get_current_pid_tgid() >> 32};
	struct scope_entry *w;

	if (parent->pid == key.pid)
		key.start = parent->start;
	else
		key.start = BPF_CORE_READ(task, group_leader, start_boottime);
	w = bpf_map_lookup_elem(&scope, &key);
	return w ? w->run : refused_run(&key);
}

/* Whether the current process is the launcher, which knows its pid in its own namespace only. */
static __always_inline bool is_launcher(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
	struct upid *upid = kfix__upid(pid, BPF_CORE_READ(pid, level));

	return BPF_CORE_READ(upid, nr) == (int)launcher && BPF_CORE_READ(upid, ns, ns.inum) == launcher_ns;
}

/* A fork: after sched_process_fork, before the child runs, and never skipped by the kernel. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(scope_fork, struct task_struct *child)
{
	struct scope_entry *w;
	struct scope_key parent;
	__u32 number, threads;

	if (child->pid != child->tgid) {
		w = scope__find(child);
		threads = w ? child->signal->nr_threads : 0;
		if (w && threads > w->threads_peak)
			w->threads_peak = threads;
		return 0;
	}
	parent = scope__key(child->real_parent);
	if (launcher && is_launcher()) {
		enter_born(child, launch_run);
		return 0;
	}
	number = forker_run(&parent);
	if (!number && !(child->flags & PF_KTHREAD))
		number = all_run;
	if (number)
		enter_born(child, number);
	return 0;
}

/* Looks up the key's text; starts a run for the process if the prefix of a rule matches. */
static __always_inline bool match(struct task_struct *task, struct scratch *s, __u8 kind, __u32 length)
{
	__u32 zero = 0, *counter, number;
	struct scope_run run = {};
	struct scope_key key;

	if (length > SCOPE_TEXT)
		length = SCOPE_TEXT;
	s->key.kind = kind;
	s->key.bits = 8 + 8 * length;
	counter = bpf_map_lookup_elem(&run_counter, &zero);
	if (!counter || !bpf_map_lookup_elem(&rules, &s->key))
		return false;
	number = SCOPE_RUN_RULE | ((*counter)++ & 0x1fffff) << 10 | (bpf_get_smp_processor_id() & 0x3ff);
	key = scope__key_of_leader(task);
	if (!bpf_map_update_elem(&runs, &number, &run, BPF_ANY) && enter(task, number, 1, 0) == ENTERED &&
	    note(SCOPE_NOTE_ENTER, number, &key, kind, s->key.text, length))
		return true;
	/* Without the note the core would not know of the run. */
	bpf_map_delete_elem(&scope, &key);
	bpf_map_delete_elem(&runs, &number);
	__sync_fetch_and_add(&scope_full, 1);
	return true;
}

static __always_inline bool match_path(struct task_struct *task, struct scratch *s, __u8 kind)
{
	__u32 length = path__length(&s->path);

	if (bpf_probe_read_kernel(s->key.text, SCOPE_TEXT, &s->path.text[s->path.at & (PATH_BYTES - 1)]))
		return false;
	return match(task, s, kind, length);
}

/* An exec of a process that is not watched: it may be the child of a watched process whose fork was not seen, or
 * match a rule. */
ON_ANY_EXEC(scope_exec, task, filename)
{
	struct scope_entry *w = scope__find_leader(task);
	struct scope_key parent;
	struct scratch *s;
	__u32 zero = 0;
	long length;

	if (w)
		return;
	parent = scope__key(task->real_parent);
	if (enter_again(task))
		return;
	w = bpf_map_lookup_elem(&scope, &parent);
	if (w) {
		if (enter_late(task, w->run, 0))
			__sync_fetch_and_add(&adopted, 1);
		return;
	}
	if (!by_rules || !rule_kinds)
		return;
	s = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!s)
		return;
	if (rule_kinds & (1 << SCOPE_RULE_EXE)) {
		length = bpf_probe_read_kernel_str(s->key.text, SCOPE_TEXT, filename);
		if (length > 1 && match(task, s, SCOPE_RULE_EXE, length - 1))
			return;
		path__of(&s->path, &BPF_CORE_READ(task, mm, exe_file)->f_path, false);
		if (match_path(task, s, SCOPE_RULE_EXE))
			return;
	}
	if (rule_kinds & (1 << SCOPE_RULE_CWD)) {
		path__of(&s->path, &task->fs->pwd, false);
		if (match_path(task, s, SCOPE_RULE_CWD))
			return;
	}
	if (rule_kinds & (1 << SCOPE_RULE_CGROUP)) {
		path__of_cgroup(&s->path, path__task_cgroup(task), false);
		match_path(task, s, SCOPE_RULE_CGROUP);
	}
}

/* Before 6.16: signal->live is 0 for every thread that gets here after the last one decremented it. Only the first
 * of these counts. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(scope_exit, struct task_struct *task)
{
	struct scope_key key;
	struct scope_entry *w;
	__u8 one = 1;

	/* The leader's exit_code is set before it gives its mm up: until then this is not the last one yet, the leader is. */
	if (task->signal->live.counter || (task->group_leader != task && task->group_leader->mm))
		return 0;
	key = scope__key(task);
	w = bpf_map_lookup_elem(&scope, &key);
	if (w && !bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST))
		w->exit_tid = task->pid;
	return 0;
}

/* Called when the leader is freed: a probe that has not reported the exit by now never will. */
static __always_inline void count_unreported(const struct scope_entry *w)
{
	__u64 missing = exit_reporters & ~*(__u64 *)w->reported;

	for (int i = 0; i < SCOPE_SLOTS && missing; i++, missing >>= 8)
		if (missing & 1)
			__sync_fetch_and_add(&unreported[i], 1);
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(scope_free, struct task_struct *task)
{
	struct scope_key key;
	struct scope_entry *w;
	__u32 number;

	if (task->pid != task->tgid)
		return 0;
	key = scope__key_of_leader(task);
	w = bpf_map_lookup_elem(&scope, &key);
	if (!w) {
		exit_refused(&key);
		return 0;
	}
	number = w->run;
	count_unreported(w);
	bpf_map_delete_elem(&scope, &key);
	if (use_ended)
		bpf_map_delete_elem(&ended, &key);
	leave(number, &key);
	return 0;
}

/* The run of a process found by the scan; 0: none. */
static __always_inline __u32 scan_run(struct task_struct *task, const struct scope_key *parent, __u32 pid)
{
	__u32 *number;
	struct scope_entry *w;

	if (task->exit_state || task->flags & PF_KTHREAD)
		return 0;
	number = bpf_map_lookup_elem(&wanted, &pid);
	if (number)
		return *number;
	w = bpf_map_lookup_elem(&scope, parent);
	return w ? w->run : all_run;
}

/* Lists every process. Adds those that are wanted and children of watched ones; repeated until none is added, it
 * finds all descendants. The list also reveals entries whose process no longer exists. */
SEC("iter/task")
int scope_scan(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct scope_process p = {};
	struct scope_key parent;
	struct scope_entry *w;
	__u32 threads;

	if (!task || task->pid != task->tgid)
		return 0;
	threads = task->signal->nr_threads;
	parent = scope__key(task->real_parent);
	w = scope__find_leader(task);
	p.ts = bpf_ktime_get_boot_ns();
	p.start = task->start_boottime;
	p.pid = task->tgid;
	p.ppid = parent.pid;
	p.parent_start = parent.start;
	p.local_pid = process__local_pid(task);
	p.dead = task->exit_state != 0;
	if (w) {
		p.run = w->run;
	} else if (scan_enters) {
		enum entry entry;

		p.run = scan_run(task, &parent, p.local_pid);
		entry = p.run ? enter(task, p.run, threads, SCOPE_EXISTING) : NO_RUN;

		p.entered = entry == ENTERED;
		p.no_room = entry == NO_ROOM;
	} else {
		struct scope_key key = scope__key_of_leader(task);

		p.run = refused_run(&key);
	}
	bpf_seq_write(seq, &p, sizeof(p));
	return 0;
}
