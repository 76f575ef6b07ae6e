/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths of directories and cgroups, built from dentries and kernfs nodes. bpf_d_path() is not available to
 * tracepoint programs. A path is built leaf first, from the end of the buffer towards its start. */
#ifndef CORE_PATH_BPF_H
#define CORE_PATH_BPF_H

#include "core/kfix.bpf.h"

#define PATH_BYTES 4096
#define PATH_PARTS 128

struct path_buffer {
	__u32 at;     /* offset of the path in text */
	__u32 reason; /* EVENT_REASON_TRUNCATED: its beginning is missing */
	/* The second half is for the verifier only: room for a component at the last offset. */
	char text[PATH_BYTES * 2];
};

static __always_inline __u32 path__length(const struct path_buffer *b)
{
	return (PATH_BYTES - b->at) & (PATH_BYTES * 2 - 1);
}

/* Prepends "/name". False: the buffer is full. */
static __always_inline bool path__prepend(struct path_buffer *b, const void *name, __u32 length)
{
	__u32 at = b->at;

	if (length > 255 || at < length + 1)
		return false;
	at -= length;
	if (bpf_probe_read_kernel(&b->text[at & (PATH_BYTES - 1)], length & 255, name))
		return false;
	at--;
	b->text[at & (PATH_BYTES - 1)] = '/';
	b->at = at;
	return true;
}

/* The members needed for one step up, in the layout of struct dentry: one read instead of three. */
struct path_step {
	struct dentry *parent;
	__u32 hash, length;
	const unsigned char *name;
};

static __always_inline void path__step(struct path_step *step, struct dentry *dentry)
{
	if (bpf_core_field_offset(struct dentry, d_name.name) ==
	    bpf_core_field_offset(struct dentry, d_parent) + __builtin_offsetof(struct path_step, name)) {
		bpf_probe_read_kernel(step, sizeof(*step), &dentry->d_parent);
		return;
	}
	BPF_CORE_READ_INTO(&step->parent, dentry, d_parent);
	BPF_CORE_READ_INTO(&step->length, dentry, d_name.len);
	BPF_CORE_READ_INTO(&step->name, dentry, d_name.name);
}

static __always_inline void path__begin(struct path_buffer *b)
{
	b->at = PATH_BYTES;
	b->reason = 3; /* EVENT_REASON_TRUNCATED */
}

static __always_inline void path__end(struct path_buffer *b)
{
	if (b->at == PATH_BYTES) {
		b->at = PATH_BYTES - 1;
		b->text[PATH_BYTES - 1] = '/';
	}
}

/* A walk from a directory up to the root of its mount namespace. */
struct path_walk {
	struct path_buffer *b;
	struct mount *mount;
	struct dentry *dentry, *root;
};

/* No direct loads: with a typed pointer in the first round the verifier cannot prune the following ones and exceeds
 * its limit of a million instructions. */
static __noinline long path__up(__u32 round, struct path_walk *walk)
{
	struct mount *mount = walk->mount, *up;
	struct dentry *dentry = walk->dentry;
	struct path_step step;

	if (dentry == walk->root) {
		up = BPF_CORE_READ(mount, mnt_parent);
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->root = BPF_CORE_READ(up, mnt.mnt_root);
		walk->mount = up;
		if (up == mount)
			walk->b->reason = 0;
		return up == mount;
	}
	path__step(&step, dentry);
	if (step.parent == dentry) { /* detached mount */
		walk->b->reason = 0;
		return 1;
	}
	walk->dentry = step.parent;
	return !path__prepend(walk->b, step.name, step.length);
}

/* The path of a directory; " (deleted)" is appended as in /proc. */
static __always_inline void path__walk(struct path_buffer *b, struct vfsmount *vfs, struct dentry *dentry, bool loop)
{
	struct dentry *root = BPF_CORE_READ(vfs, mnt_root);
	struct path_walk walk = {b, (void *)vfs - bpf_core_field_offset(struct mount, mnt), dentry, root};

	path__begin(b);
	if (dentry != root && !BPF_CORE_READ(dentry, d_hash.pprev)) {
		b->at -= 10;
		__builtin_memcpy(&b->text[PATH_BYTES - 10], " (deleted)", 10);
	}
	EACH_ROUND(loop, PATH_PARTS, path__up, &walk);
	path__end(b);
}

static __always_inline void path__of(struct path_buffer *b, struct path *path, bool loop)
{
	path__walk(b, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry), loop);
}

/* Where a mount is mounted, in the layout of struct mount: one read. */
struct path_place {
	struct mount *parent;
	struct dentry *mountpoint;
};

/* Input of a stamp. In a map, because the verifier forbids arithmetic on typed pointers. */
struct path_stamp {
	/* In memory, and not in a register: there the verifier would check the rest of the program once for 0 and once for others. */
	volatile __u64 stamp; /* of the path; 0: too deep */
	__u64 cached;	      /* of the path in the buffer; 0: none */
	struct vfsmount *vfs;
	struct dentry *dentry;
	struct path_place place;
};

static __always_inline struct mount *path__mount(struct vfsmount *vfs)
{
	return (void *)vfs - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline void path__place(struct path_place *place, struct mount *mount)
{
	if (bpf_core_field_offset(struct mount, mnt_mountpoint) ==
	    bpf_core_field_offset(struct mount, mnt_parent) + __builtin_offsetof(struct path_place, mountpoint)) {
		bpf_probe_read_kernel(place, sizeof(*place), &mount->mnt_parent);
		return;
	}
	BPF_CORE_READ_INTO(&place->parent, mount, mnt_parent);
	BPF_CORE_READ_INTO(&place->mountpoint, mount, mnt_mountpoint);
}

/* A hash that identifies a directory's path, made from the hashes of the names instead of the names; 0: the path
 * is too deep. Uses typed pointers, whose loads cost next to nothing. Covers the path up to its mount only:
 * see path__is_whole(). */
static __always_inline void path__stamp(struct path *path, volatile struct path_stamp *s)
{
	struct vfsmount *vfs = path->mnt;
	struct dentry *dentry = path->dentry, *root = vfs->mnt_root;
	__u64 stamp;

	s->vfs = vfs;
	s->dentry = dentry;
	stamp = ((__u64)s->vfs ^ (__u64)s->dentry << 1) + !dentry->d_hash.pprev;
	path__place((void *)&s->place, path__mount(s->vfs));
	stamp ^= (__u64)s->place.parent << 2 ^ (__u64)s->place.mountpoint << 3;
	for (int i = 0; i < PATH_PARTS; i++) {
		if (dentry == root) {
			s->stamp = stamp;
			return;
		}
		stamp = (stamp ^ dentry->d_name.hash) * 0x9e3779b97f4a7c15ull;
		dentry = dentry->d_parent;
	}
	s->stamp = 0;
}

/* The same for the members `vfs` and `dentry`, whose pointers are untyped: a read for each name. */
static __always_inline void path__stamp_untyped(struct path_stamp *s)
{
	struct vfsmount *vfs = s->vfs;
	struct dentry *dentry = s->dentry, *root = BPF_CORE_READ(vfs, mnt_root);
	struct path_step step = {.parent = dentry};
	__u64 stamp = ((__u64)vfs ^ (__u64)dentry << 1) + !BPF_CORE_READ(dentry, d_hash.pprev);

	path__place(&s->place, path__mount(vfs));
	stamp ^= (__u64)s->place.parent << 2 ^ (__u64)s->place.mountpoint << 3;
	for (int i = 0; i < PATH_PARTS; i++) {
		if (step.parent == root) {
			s->stamp = stamp;
			return;
		}
		path__step(&step, step.parent);
		stamp = (stamp ^ step.hash) * 0x9e3779b97f4a7c15ull;
	}
	s->stamp = 0;
}

/* Whether the stamp covers the complete path: the mount is the root mount, or is mounted on the root of the mount
 * above it, which has no parent. */
static __always_inline bool path__is_whole(const struct path_stamp *s)
{
	struct mount *above = s->place.parent;

	return above == path__mount(s->vfs) ||
	       (BPF_CORE_READ(above, mnt_parent) == above && BPF_CORE_READ(above, mnt.mnt_root) == s->place.mountpoint);
}

/* The same for a cgroup; a rename changes the hash of the name. */
static __always_inline __u64 path__cgroup_stamp(struct cgroup *cgroup)
{
	__u64 parent_at = kfix__kernfs_parent_at();
	struct kernfs_node *kn = cgroup->kn;
	__u64 stamp = 1;

	for (int i = 0; i < 64; i++) {
		struct kernfs_node *parent = kfix__kernfs_parent(kn, parent_at);

		if (!parent)
			return stamp;
		stamp = (stamp ^ kn->id ^ (__u64)kn->hash << 32) * 0x9e3779b97f4a7c15ull;
		kn = parent;
	}
	return 0;
}

/* A walk from a cgroup up to the root of its hierarchy. */
struct path_cgroup_walk {
	struct path_buffer *b;
	struct kernfs_node *kn;
	__u64 parent_at;
};

static __noinline long path__cgroup_up(__u32 round, struct path_cgroup_walk *walk)
{
	struct kernfs_node *kn = walk->kn, *parent = NULL;
	const char *name = BPF_CORE_READ(kn, name);
	char part[256];
	long length;

	bpf_probe_read_kernel(&parent, sizeof(parent), (void *)kn + walk->parent_at);
	if (!parent) {
		walk->b->reason = 0;
		return 1;
	}
	walk->kn = parent;
	length = bpf_probe_read_kernel_str(part, sizeof(part), name);
	return length <= 0 || !path__prepend(walk->b, part, length - 1);
}

/* The path of a cgroup within its hierarchy; "/" is its root. */
static __always_inline void path__of_cgroup(struct path_buffer *b, struct cgroup *cgroup, bool loop)
{
	struct path_cgroup_walk walk = {b, BPF_CORE_READ(cgroup, kn), kfix__kernfs_parent_at()};

	path__begin(b);
	EACH_ROUND(loop, 64, path__cgroup_up, &walk);
	path__end(b);
}

/* A task's cgroup_subsys_state of the memory controller, cgroup v1 or v2, by its task->cgroups; NULL: none. */
static __always_inline struct cgroup_subsys_state *path__memory_of(struct css_set *set)
{
	__u64 memory;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	memory = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	return *(struct cgroup_subsys_state **)((void *)set + bpf_core_field_offset(struct css_set, subsys) +
						memory * 8);
}

/* The memory limit that a task's cgroups have reached. */
struct memory_limit {
	struct cgroup *cgroup;
	__u64 max_pages, usage_pages;
	bool failed; /* if none has: one has failed charges before */
};

/* The nearest cgroup whose memory usage is at its limit, within a batch of charges. False: none is. */
static __always_inline bool path__memory_limit(struct task_struct *task, struct memory_limit *limit)
{
	struct cgroup_subsys_state *css = path__memory_of(task->cgroups);

	limit->failed = false;
	for (int i = 0; i < 16 && css; i++) {
		struct mem_cgroup *memcg = (void *)css - bpf_core_field_offset(struct mem_cgroup, css);

		limit->usage_pages = BPF_CORE_READ(memcg, memory.usage.counter);
		limit->max_pages = BPF_CORE_READ(memcg, memory.max);
		limit->cgroup = BPF_CORE_READ(css, cgroup);
		if (limit->usage_pages + 512 >= limit->max_pages)
			return true;
		if (BPF_CORE_READ(memcg, memory.failcnt))
			limit->failed = true;
		css = BPF_CORE_READ(css, parent);
	}
	return false;
}

/* The task's cgroup: in the unified hierarchy or, if that is not in use, in the v1 hierarchy of the memory
 * controller. */
static __always_inline struct cgroup *path__task_cgroup(struct task_struct *task)
{
	struct css_set *set = task->cgroups;
	struct cgroup *unified = set->dfl_cgrp;
	struct cgroup_subsys_state *css;

	if (kfix__kernfs_parent(unified->kn, kfix__kernfs_parent_at()))
		return unified;
	css = path__memory_of(set);
	return css ? css->cgroup : unified;
}

#endif
