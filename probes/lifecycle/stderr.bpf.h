/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Descriptors 0 to 2 of a process: at its exec, and when it fails. Includes nothing. */
#ifndef PROBES_LIFECYCLE_STDERR_BPF_H
#define PROBES_LIFECYCLE_STDERR_BPF_H

const volatile bool want_failure;

/* A file whose path is to be walked; as last_path. */
struct stderr_place {
	struct path_stamp of; /* dentry NULL: none */
	struct path_buffer path;
};

struct failed_text {
	struct lifecycle_failure event;
	char text[LIFECYCLE_STDERR_ROOM + 3 * PATH_BYTES]; /* the last part is for the verifier only */
};

SCRATCH(exec_stderr, struct stderr_place);
SCRATCH(failed_stderr, struct stderr_place);
SCRATCH(failed_cwd, struct stderr_place);
SCRATCH(failed_event, struct failed_text);

/* Global functions, as lifecycle__walk_cwd(). */
__noinline int lifecycle__walk_stderr(void)
{
	struct stderr_place *place = scratch__get(&exec_stderr);

	if (place)
		path__walk(&place->path, place->of.vfs, place->of.dentry, false);
	return 0;
}

__noinline int lifecycle__walk_failed_stderr(void)
{
	struct stderr_place *place = scratch__get(&failed_stderr);

	if (place)
		path__walk(&place->path, place->of.vfs, place->of.dentry, false);
	return 0;
}

__noinline int lifecycle__walk_failed_cwd(void)
{
	struct stderr_place *place = scratch__get(&failed_cwd);

	if (place)
		path__walk(&place->path, place->of.vfs, place->of.dentry, false);
	return 0;
}

/* The first of the kernel's array, which never has fewer. NULL: closed. */
struct stderr_files {
	struct file *in, *out, *error;
};

static __always_inline struct stderr_files stderr__files(struct task_struct *task)
{
	struct stderr_files files = {0};

	bpf_probe_read_kernel(&files, sizeof(files), task->files->fdt->fd);
	return files;
}

/* The inode of a pipe, named or not. */
static __always_inline __u64 stderr__pipe(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFIFO)
		return EVENT_NULL(EVENT_REASON_NONE);
	return BPF_CORE_READ(inode, i_ino);
}

/* Where the next write goes. */
static __always_inline __u64 stderr__offset_in(struct file *file, struct inode *inode)
{
	return BPF_CORE_READ(file, f_flags) & O_APPEND ? BPF_CORE_READ(inode, i_size) : BPF_CORE_READ(file, f_pos);
}

/* All but the path, which is to be walked, of a regular file. */
static __always_inline void stderr__read(struct file *file, struct lifecycle_stderr *error, struct stderr_place *place)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	__builtin_memset(error, 0, sizeof(*error) - sizeof(error->map));
	place->of.dentry = NULL;
	error->mode = BPF_CORE_READ(inode, i_mode);
	error->inode = BPF_CORE_READ(inode, i_ino);
	error->rdev = BPF_CORE_READ(inode, i_rdev);
	error->device = BPF_CORE_READ(inode, i_sb, s_dev);
	if ((error->mode & S_IFMT) != S_IFREG)
		return;
	error->offset = stderr__offset_in(file, inode);
	error->size = BPF_CORE_READ(inode, i_size);
	place->of.vfs = BPF_CORE_READ(file, f_path.mnt);
	place->of.dentry = BPF_CORE_READ(file, f_path.dentry);
}

/* At an exec. */
static __always_inline void stderr__note(struct scope_stderr *noted, const struct lifecycle_stderr *error,
					 const struct stderr_place *place)
{
	noted->inode = place->of.dentry ? error->inode : 0;
	noted->from = error->offset;
	noted->vfs = (__u64)place->of.vfs;
	noted->dentry = (__u64)place->of.dentry;
	noted->device = error->device;
}

/* At a fork: a shell that runs no program keeps it open. Of a pipe or terminal too. */
static __always_inline void stderr__note_fork(struct scope_stderr *noted, struct task_struct *task)
{
	struct file *file = stderr__files(task).error;
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	noted->inode = BPF_CORE_READ(inode, i_ino);
	noted->from = stderr__offset_in(file, inode);
}

/* It is closed by now: what is noted of it, if the dentry is still that of the file. */
static __always_inline void stderr__read_noted(const struct scope_stderr *noted, struct lifecycle_stderr *error,
					       struct stderr_place *place)
{
	struct dentry *dentry = (void *)noted->dentry;
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);

	if (!noted->dentry || BPF_CORE_READ(inode, i_ino) != noted->inode ||
	    BPF_CORE_READ(inode, i_sb, s_dev) != noted->device)
		return;
	error->mode = S_IFREG;
	error->inode = noted->inode;
	error->device = noted->device;
	error->size = BPF_CORE_READ(inode, i_size);
	place->of.vfs = (void *)noted->vfs;
	place->of.dentry = dentry;
}

/* The folder of a process whose parent is in another one: that of a task. */
static __always_inline bool stderr__enters(struct task_struct *task, struct stderr_place *place)
{
	struct dentry *above = BPF_CORE_READ(task, real_parent, fs, pwd.dentry);

	place->of.vfs = BPF_CORE_READ(task, fs, pwd.mnt);
	place->of.dentry = BPF_CORE_READ(task, fs, pwd.dentry);
	return place->of.dentry && place->of.dentry != above;
}

/* Appends a path that was walked. */
static __always_inline __u64 stderr__put(struct failed_text *b, __u64 used, const struct path_buffer *path,
					 struct event_string *string)
{
	__u64 length = path__length(path);

	string->offset = sizeof(b->event) + used;
	string->reason = path->reason;
	if (length > PATH_BYTES || used > LIFECYCLE_STDERR_ROOM + PATH_BYTES ||
	    bpf_probe_read_kernel(&b->text[used], length, &path->text[path->at & (PATH_BYTES - 1)])) {
		string->reason = EVENT_REASON_FAULT;
		return used;
	}
	string->length = length;
	return used + length;
}

/* The process has failed: an event, if its errors are in a file, or if its folder may be that of a task. */
static __always_inline void stderr__failed(struct task_struct *task, struct scope_entry *w, bool loop)
{
	struct stderr_place *place = scratch__get(&failed_stderr), *cwd = scratch__get(&failed_cwd);
	struct failed_text *b = scratch__get(&failed_event);
	struct lifecycle_failure *e = &b->event;
	struct lifecycle_stderr *error = &e->error;
	__u64 used = LIFECYCLE_STDERR_ROOM;
	struct stderr_files files;
	bool enters;

	if (!want_failure || !b || !place || !cwd)
		return;
	files = stderr__files(task);
	stderr__read(files.error, error, place);
	if (!error->mode)
		stderr__read_noted(&w->error, error, place);
	/* Opened since then: all that is in it may be its own. */
	error->offset = error->inode == w->error.inode ? w->error.from : 0;
	e->programs = process__execs(task);
	/* What runs the program of its parent began wherever that was then: its folder is in no other event. */
	enters = stderr__enters(task, cwd) || !e->programs;
	if (!place->of.dentry && !enters)
		return;
	event__head_of(&e->head, LIFECYCLE_FAILURE, task, task->group_leader, w, scope__exit_ts(w));
	e->stdin_pipe = stderr__pipe(files.in);
	e->stdout_pipe = stderr__pipe(files.out);
	e->uid = task->cred->uid.val;
	e->euid = task->cred->euid.val;
	__builtin_memset(&e->error.map, 0, sizeof(e->error.map));
	__builtin_memset(&e->cwd, 0, sizeof(e->cwd));
	e->cwd.reason = EVENT_NOT_APPLICABLE;
	e->error.map.offset = sizeof(*e) + used;
	if (place->of.dentry) {
		if (loop)
			path__walk(&place->path, place->of.vfs, place->of.dentry, true);
		else
			lifecycle__walk_failed_stderr();
		used = stderr__put(b, used, &place->path, (struct event_string *)&e->error.map);
	}
	if (enters) {
		if (loop)
			path__walk(&cwd->path, cwd->of.vfs, cwd->of.dentry, true);
		else
			lifecycle__walk_failed_cwd();
		used = stderr__put(b, used, &cwd->path, &e->cwd);
	}
	if (used <= LIFECYCLE_STDERR_ROOM + 2 * PATH_BYTES)
		event__output(b, sizeof(*e) + used, LIFECYCLE_FAILURE);
}

#endif
