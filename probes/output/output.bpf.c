// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What watched processes write to a pipe or terminal that is their descriptor 2: the last bytes of those that fail. Loaded
 * only with the option `writes`: its hook slows down every system call of the machine a little. */
#include "core/probe.bpf.h"
#include "probes/output/output.h"

#define PARTS_MAX 16 /* of a writev */
#define PROCESSES 1024
#define MEM_MAJOR 1

/* Not on demand: that allocates, which kernels before 6.1 forbid in any context. */
struct tail {
	struct output_tail tail;
	char verifier[OUTPUT_BYTES]; /* for a copy that begins at the last byte */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PROCESSES);
	__type(key, struct scope_key);
	__type(value, struct tail);
} tails SEC(".maps");

/* A tail's initial value; the stack is too small. */
SCRATCH(no_tail, struct tail);

#if defined(__TARGET_ARCH_arm64)
enum { NR_WRITE = 64, NR_WRITEV = 66 };
#define SYSCALL_NUMBER(regs) ((regs)->syscallno)
#define SYSCALL_FIRST(regs) ((regs)->orig_x0) /* the result is in its register */
#define SYSCALL_SECOND(regs) ((regs)->regs[1])
#else
enum { NR_WRITE = 1, NR_WRITEV = 20 };
#define SYSCALL_NUMBER(regs) ((regs)->orig_ax)
#define SYSCALL_FIRST(regs) ((regs)->di)
#define SYSCALL_SECOND(regs) ((regs)->si)
#endif

/* Whether the descriptor is number 2 or the same: a shell's echo >&2 writes to 1, which it has made a copy of 2. A regular
 * file is read when the process fails; what goes to /dev/null is not meant to be kept. */
static __always_inline bool is_taken(struct task_struct *task, __u64 descriptor)
{
	struct file *pair[2] = {}, **files = BPF_CORE_READ(task, files, fdt, fd), *file;
	__u32 type;

	if (bpf_probe_read_kernel(pair, sizeof(pair), &files[1]) || (descriptor == 1 && pair[0] != pair[1]))
		return false;
	file = pair[1];
	type = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;
	return type == S_IFIFO || type == S_IFSOCK ||
	       (type == S_IFCHR && BPF_CORE_READ(file, f_inode, i_rdev) >> 20 != MEM_MAJOR);
}

/* What another user's program writes is hidden, but not what goes to the run's owner: to a pipe or terminal of its own. */
static __always_inline bool is_hidden(struct task_struct *task)
{
	struct file *error = NULL, **files = BPF_CORE_READ(task, files, fdt, fd);

	return process__is_denied(task) && (bpf_probe_read_kernel(&error, sizeof(error), &files[2]) ||
					    BPF_CORE_READ(error, f_inode, i_uid.val) != only_user);
}

static __always_inline struct output_tail *find_tail(struct scope_key *key)
{
	struct tail *tail = bpf_map_lookup_elem(&tails, key);

	if (tail)
		return &tail->tail;
	tail = scratch__get(&no_tail);
	if (!tail || bpf_map_update_elem(&tails, key, tail, BPF_NOEXIST)) {
		lost__count(OUTPUT_TEXT);
		return NULL;
	}
	tail = bpf_map_lookup_elem(&tails, key);
	return tail ? &tail->tail : NULL;
}

/* Appends the last bytes of one part. Threads that write at the same time may mix their bytes. */
static __always_inline void append(struct output_tail *tail, __u64 from, __u64 length)
{
	__u64 keep = length < OUTPUT_BYTES ? length : OUTPUT_BYTES, first, at;

	from += length - keep;
	at = (tail->written + length - keep) & (OUTPUT_BYTES - 1);
	first = OUTPUT_BYTES - at;
	if (first > keep)
		first = keep;
	bpf_probe_read_user(&tail->bytes[at], first, (void *)from);
	if (keep > first)
		bpf_probe_read_user(tail->bytes, (keep - first) & (OUTPUT_BYTES - 1), (void *)(from + first));
	tail->written += length;
}

static __always_inline void append_parts(struct output_tail *tail, __u64 parts, __u64 left)
{
	struct {
		__u64 from, length;
	} part;

	for (int i = 0; i < PARTS_MAX && left; i++) {
		if (bpf_probe_read_user(&part, sizeof(part), (void *)(parts + i * sizeof(part))))
			break;
		if (part.length > left)
			part.length = left;
		append(tail, part.from, part.length);
		left -= part.length;
	}
	tail->written += left;
}

static __always_inline void written(struct pt_regs *regs, long result)
{
	struct output_tail *tail;
	struct task_struct *task;
	struct scope_key key;
	__u64 number, descriptor;

	if (result <= 0)
		return;
	number = SYSCALL_NUMBER(regs);
	descriptor = SYSCALL_FIRST(regs);
	if ((number != NR_WRITE && number != NR_WRITEV) || (descriptor != 1 && descriptor != 2))
		return;
	task = (void *)bpf_get_current_task();
	key = (struct scope_key){.pid = BPF_CORE_READ(task, tgid),
				 .start = BPF_CORE_READ(task, group_leader, start_boottime)};
	if (!bpf_map_lookup_elem(&scope, &key) || kfix__is_32_bit(task) || !is_taken(task, descriptor) ||
	    is_hidden(task))
		return;
	tail = find_tail(&key);
	if (!tail)
		return;
	if (number == NR_WRITE)
		append(tail, SYSCALL_SECOND(regs), result);
	else
		append_parts(tail, SYSCALL_SECOND(regs), result);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(output_text_written, struct pt_regs *regs, long result)
{
	written(regs, result);
	return 0;
}

SEC("tp/raw_syscalls/sys_exit")
int output_text_written_classic(struct trace_event_raw_sys_exit *ctx)
{
	written((void *)bpf_task_pt_regs(bpf_get_current_task_btf()), ctx->ret);
	return PASS;
}

ON_PROCESS_EXIT(output_text_ended, task, w)
{
	struct scope_key key = scope__key(task);
	struct tail *found = bpf_map_lookup_elem(&tails, &key);
	struct output_tail *tail;

	if (!found)
		return;
	tail = &found->tail;
	if (process__exit_status(task->group_leader)) {
		event__head_of(&tail->head, OUTPUT_TAIL, task, task->group_leader, w, scope__exit_ts(w));
		if (bpf_ringbuf_output(&events, tail, sizeof(*tail), event__wake(tail->head.ts)))
			lost__count(OUTPUT_TEXT);
	}
	bpf_map_delete_elem(&tails, &key);
}
