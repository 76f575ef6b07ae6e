/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The descriptors of the processes that a look reports, then those of all other processes that are the same pipe, FIFO,
 * eventfd or locked file, or the other end of the same socket. Includes nothing: after core/probe.bpf.h and stall.h. */
#ifndef PROBES_STALL_DESCRIPTOR_BPF_H
#define PROBES_STALL_DESCRIPTOR_BPF_H

struct pipe_inode_info {
	unsigned int readers, writers;
} S_KERNEL;

struct file_lock_context {
	struct list_head flc_flock, flc_posix;
} S_KERNEL;

/* 6.9 moved what all kinds of locks have to a struct of its own (69ab2ed1f9). */
struct file_lock_core {
	struct list_head flc_list;
	void *flc_owner;
	unsigned int flc_flags;
	struct file *flc_file;
} S_KERNEL;
struct file_lock___old {
	struct list_head fl_list;
	void *fl_owner;
	unsigned int fl_flags;
	struct file *fl_file;
} S_KERNEL;

enum { LOCK_POSIX = 1, LOCK_FLOCK = 2, LOCK_OFD = 1024 }; /* FL_* */
#define LOCKS_MAX 32					  /* of a file, that are looked at */
#define MAGIC_ANONYMOUS 0x09041934
#define MAGIC_PIDFD 0x50494446
#define NAME_PIDFD 0x005d64666469705bULL   /* "[pidfd]", the first eight bytes of an anonymous inode's name */
#define NAME_EVENTFD 0x6466746e6576655bULL /* "[eventfd" */

/* A key that is looked for among the descriptors of others. */
struct wanted {
	__u64 start; /* of a process that this look reports, and has the descriptor */
	__u32 pid, run;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STALL_WANTED);
	__type(key, __u64);
	__type(value, struct wanted);
} wanted SEC(".maps");

/* A descriptor, described. The pointers are volatile, as the verifier forbids arithmetic on typed ones: read back, they
 * are numbers. */
struct found {
	struct file *volatile file;
	struct inode *volatile inode;
	__u64 magic;
	struct keys keys; /* in `wanted` */
	struct stall_descriptor e;
};

SCRATCH(found_own, struct found);
SCRATCH(found_other, struct found);

/* ---- locks ---- */

struct locks {
	struct list_head *node, *end;
	void *process, *file;
	__u64 found; /* enum stall_locked */
};

static __noinline long next_lock(__u32 round, struct locks *locks)
{
	void *owner, *file, *node = locks->node;
	__u32 flags;

	if (!node || node == locks->end)
		return 1;
	locks->node = BPF_CORE_READ((struct list_head *)node, next);
	if (bpf_core_type_exists(struct file_lock_core)) {
		struct file_lock_core *lock = node - bpf_core_field_offset(struct file_lock_core, flc_list);

		owner = BPF_CORE_READ(lock, flc_owner);
		file = BPF_CORE_READ(lock, flc_file);
		flags = BPF_CORE_READ(lock, flc_flags);
	} else {
		struct file_lock___old *lock = node - bpf_core_field_offset(struct file_lock___old, fl_list);

		owner = BPF_CORE_READ(lock, fl_owner);
		file = BPF_CORE_READ(lock, fl_file);
		flags = BPF_CORE_READ(lock, fl_flags);
	}
	if (flags & LOCK_OFD ? file == locks->file : flags & LOCK_POSIX && owner == locks->process)
		locks->found = flags & LOCK_OFD ? STALL_OFD : STALL_POSIX;
	else if (flags & LOCK_FLOCK && file == locks->file)
		locks->found = STALL_FLOCK;
	return !EVENT_IS_NULL(locks->found);
}

static __always_inline void find_lock(struct locks *locks, struct list_head *list, bool loop)
{
	locks->end = list;
	locks->node = BPF_CORE_READ(list, next);
	EACH_ROUND(loop, LOCKS_MAX, next_lock, locks);
}

static __always_inline void describe_locks(struct found *f, struct task_struct *task, bool loop)
{
	struct inode *inode = f->inode;
	struct file_lock_context *context = BPF_CORE_READ(inode, i_flctx);
	struct locks locks = {
		.process = BPF_CORE_READ(task, files), .file = f->file, .found = EVENT_NULL(EVENT_REASON_NONE)};
	void *flock = (void *)context + bpf_core_field_offset(struct file_lock_context, flc_flock);
	void *posix = (void *)context + bpf_core_field_offset(struct file_lock_context, flc_posix);

	if (!context)
		return;
	find_lock(&locks, flock, loop);
	if (EVENT_IS_NULL(locks.found))
		find_lock(&locks, posix, loop);
	f->e.locked = locks.found;
	f->keys.own = (__u64)f->inode;
}

/* ---- all kinds ---- */

/* Before 6.9 a pidfd is an anonymous inode. */
static __always_inline void describe_pidfd(struct found *f)
{
	struct inode *inode = f->inode;
	struct file *file = f->file;
	struct pid *pid = f->magic == MAGIC_PIDFD ? BPF_CORE_READ(inode, i_private) : BPF_CORE_READ(file, private_data);
	struct upid *upid = kfix__upid(pid, 0);

	f->e.peer = (__u32)BPF_CORE_READ(upid, nr);
}

static __always_inline void describe_anonymous(struct found *f)
{
	struct file *file = f->file;
	const char *name = (const char *)BPF_CORE_READ(file, f_path.dentry, d_name.name);
	__u64 begin;

	bpf_probe_read_kernel_str(f->e.path_text, STALL_ANONYMOUS, name);
	__builtin_memcpy(&begin, f->e.path_text, sizeof(begin));
	if (begin == NAME_PIDFD)
		describe_pidfd(f);
	else if (begin == NAME_EVENTFD)
		f->keys.own = (__u64)BPF_CORE_READ(file, private_data);
}

static __always_inline void describe_pipe(struct found *f)
{
	struct file *file = f->file;
	struct pipe_inode_info *pipe = BPF_CORE_READ(file, private_data);

	f->keys.own = (__u64)f->inode;
	f->e.readers = BPF_CORE_READ(pipe, readers);
	f->e.writers = BPF_CORE_READ(pipe, writers);
}

/* Fills the event but for its head and path. */
static __always_inline void found__describe(struct found *f, struct task_struct *task, struct file *file, __u32 fd,
					    bool loop)
{
	struct stall_descriptor *e = &f->e;
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 mode = file->f_mode;

	__builtin_memset(e, 0, __builtin_offsetof(struct stall_descriptor, path_text));
	__builtin_memset(e->path_text, 0, STALL_ANONYMOUS);
	f->file = file;
	f->inode = inode;
	f->keys = (struct keys){};
	f->magic = BPF_CORE_READ(inode, i_sb, s_magic);
	e->look = look.number;
	e->fd = fd;
	e->device = BPF_CORE_READ(inode, i_sb, s_dev);
	e->inode = BPF_CORE_READ(inode, i_ino);
	e->rdev = BPF_CORE_READ(inode, i_rdev);
	e->file_mode = BPF_CORE_READ(inode, i_mode);
	e->open_file = mix((__u64)f->file ^ salt) >> 1;
	e->readers = e->writers = e->peer = e->locked = EVENT_NULL(EVENT_REASON_NONE);
	e->type = f->magic == MAGIC_PIPE ? STALL_PIPE : f->magic == MAGIC_PIDFD ? STALL_PIDFD : STALL_BY_MODE;
	e->mode[0] = mode & 1 ? 'r' : mode & 2 ? 'w' : 0;
	e->mode[1] = (mode & 3) == 3 ? 'w' : 0;
	e->owner_pid = task->tgid;
	e->owner_start = BPF_CORE_READ(leader, start_boottime);
	BPF_CORE_READ_INTO(&e->owner_comm, leader, comm);
	if (f->magic == MAGIC_ANONYMOUS) {
		e->type = STALL_BY_NAME;
		describe_anonymous(f);
	} else if (f->magic == MAGIC_PIDFD) {
		describe_pidfd(f);
	} else if ((e->file_mode & S_IFMT) == S_IFIFO) {
		describe_pipe(f);
	} else if ((e->file_mode & S_IFMT) == S_IFSOCK) {
		f->keys.own = (__u64)f->inode;
		describe_socket(e, &f->keys, file);
	} else if ((e->file_mode & S_IFMT) == S_IFREG) {
		describe_locks(f, task, loop);
	}
}

static __always_inline void found__path(struct found *f, struct place *place, bool loop)
{
	struct event_string *path = &f->e.path;
	struct file *file = f->file;
	__u32 type = f->e.file_mode & S_IFMT;

	path->reason = EVENT_NOT_APPLICABLE;
	path->offset = __builtin_offsetof(struct stall_descriptor, path_text);
	if (f->e.type != STALL_BY_MODE || type == S_IFSOCK)
		return;
	place->vfs = BPF_CORE_READ(file, f_path.mnt);
	place->dentry = BPF_CORE_READ(file, f_path.dentry);
	place__put(place, path, f->e.path_text, loop);
}

/* Threads mostly share the descriptors of their process: since 5.11 the kernel skips those that do. */
static __always_inline bool has_its_own(struct task_struct *task)
{
	return task->pid == task->tgid || BPF_CORE_READ(task, files) != BPF_CORE_READ(task, group_leader, files);
}

static __always_inline void want(struct scope_key *process, const struct scope_entry *w, __u64 key)
{
	struct wanted want = {.pid = process->pid, .start = process->start, .run = w->run};

	if (key && bpf_map_update_elem(&wanted, &key, &want, BPF_ANY))
		look.full = 1;
}

static __always_inline int put_own(struct bpf_iter__task_file *ctx, bool loop)
{
	struct found *f = scratch__get(&found_own);
	struct place *place = scratch__get(&place_of);
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct scope_entry *w;
	struct scope_key key;
	struct still *still;

	if (!f || !place || !task || !file || !has_its_own(task))
		return 0;
	key = key_of(task);
	still = still__watched(&key, &w);
	if (!still || process__is_denied(task))
		return 0;
	found__describe(f, task, file, ctx->fd, loop);
	found__path(f, place, loop);
	f->e.watched = true;
	put_head(&f->e.head, STALL_DESCRIPTOR, &key, key.pid, w->run);
	want(&key, w, f->keys.own);
	want(&key, w, f->keys.peer);
	if (event__sample(ctx, &f->e))
		still->descriptors++;
	return 0;
}

SEC("iter/task_file")
int stall_descriptor_own(struct bpf_iter__task_file *ctx)
{
	return put_own(ctx, false);
}

SEC("iter/task_file")
int stall_descriptor_own_loop(struct bpf_iter__task_file *ctx)
{
	return put_own(ctx, true);
}

/* Whether it can be one that is wanted at all: most are not. */
static __always_inline bool may_be_wanted(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 type = BPF_CORE_READ(inode, i_mode) & S_IFMT;

	return type == S_IFIFO || type == S_IFSOCK || BPF_CORE_READ(inode, i_sb, s_magic) == MAGIC_ANONYMOUS ||
	       (type == S_IFREG && BPF_CORE_READ(inode, i_flctx));
}

/* The event of a process that is not watched is one of the process that wants to know. */
static __always_inline void head_of_other(struct stall_descriptor *e, struct scope_key *owner, const struct wanted *by)
{
	struct scope_entry *w = bpf_map_lookup_elem(&scope, owner);
	struct scope_key process = {.pid = by->pid, .start = by->start};

	e->watched = w != NULL;
	e->path = (struct event_string){.reason = EVENT_NOT_APPLICABLE};
	put_head(&e->head, STALL_DESCRIPTOR, w ? owner : &process, w ? owner->pid : by->pid, w ? w->run : by->run);
}

static __always_inline int put_other(struct bpf_iter__task_file *ctx, bool loop)
{
	struct found *f = scratch__get(&found_other);
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct wanted *by;
	struct scope_key key;

	if (!f || !task || !file || !has_its_own(task) || !may_be_wanted(file))
		return 0;
	found__describe(f, task, file, ctx->fd, loop);
	by = f->keys.own ? bpf_map_lookup_elem(&wanted, &f->keys.own) : NULL;
	if (!by)
		return 0;
	if (process__is_denied(task)) { /* a pipe counts its holders itself */
		look.denied |= (f->e.file_mode & S_IFMT) != S_IFIFO;
		return 0;
	}
	key = key_of(task);
	if (still__find(&key))
		return 0;
	head_of_other(&f->e, &key, by);
	if (event__sample(ctx, &f->e))
		look.holders++;
	return 0;
}

SEC("iter/task_file")
int stall_descriptor_other(struct bpf_iter__task_file *ctx)
{
	return put_other(ctx, false);
}

SEC("iter/task_file")
int stall_descriptor_other_loop(struct bpf_iter__task_file *ctx)
{
	return put_other(ctx, true);
}

#endif
