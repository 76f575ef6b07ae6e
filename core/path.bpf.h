/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths of folders and of cgroups, built from the kernel's own structures. bpf_d_path() is not for
 * tracepoints, so the path is put together leaf first, from the end of a buffer towards its start. */
#ifndef CORE_PATH_BPF_H
#define CORE_PATH_BPF_H

#include "core/kfix.bpf.h"

#define PATH_BYTES 4096
#define PATH_PARTS 128

struct path_buffer {
	__u32 at;  /* where the path begins in text */
	__u32 why; /* EVENT_WHY_TRUNCATED: its beginning is missing */
	/* The second half only gives the verifier room for a component at the last offset. */
	char text[PATH_BYTES * 2];
};

static __always_inline __u32 path__length(const struct path_buffer *b)
{
	return (PATH_BYTES - b->at) & (PATH_BYTES * 2 - 1);
}

/* Puts "/name" before what is there. False: no room. */
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

/* The path of a folder up to the root of its mount namespace; an unlinked one is marked as /proc does. */
static __always_inline void path__of(struct path_buffer *b, struct path *path)
{
	struct dentry *dentry = BPF_CORE_READ(path, dentry);
	struct vfsmount *vfs = BPF_CORE_READ(path, mnt);
	struct mount *mount = (void *)vfs - bpf_core_field_offset(struct mount, mnt);
	struct dentry *root = BPF_CORE_READ(vfs, mnt_root);

	b->at = PATH_BYTES;
	b->why = 0;
	if (dentry != root && !BPF_CORE_READ(dentry, d_hash.pprev)) {
		b->at -= 10;
		__builtin_memcpy(&b->text[PATH_BYTES - 10], " (deleted)", 10);
	}
	for (int i = 0; i < PATH_PARTS; i++) {
		struct dentry *parent;
		struct qstr name;

		if (dentry == root) {
			struct mount *up = BPF_CORE_READ(mount, mnt_parent);

			if (up == mount)
				goto out;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			root = BPF_CORE_READ(up, mnt.mnt_root);
			mount = up;
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			goto out; /* of a mount that is detached */
		BPF_CORE_READ_INTO(&name.len, dentry, d_name.len);
		BPF_CORE_READ_INTO(&name.name, dentry, d_name.name);
		if (!path__prepend(b, name.name, name.len))
			break;
		dentry = parent;
	}
	b->why = 3; /* EVENT_WHY_TRUNCATED */
out:
	if (b->at == PATH_BYTES) {
		b->at = PATH_BYTES - 1;
		b->text[PATH_BYTES - 1] = '/';
	}
}

/* The path of a cgroup within its hierarchy; "/" is its root. */
static __always_inline void path__of_cgroup(struct path_buffer *b, struct cgroup *cgroup)
{
	struct kernfs_node *kn = BPF_CORE_READ(cgroup, kn);

	b->at = PATH_BYTES;
	b->why = 0;
	for (int i = 0; i < 64; i++) {
		struct kernfs_node *parent = kfix__kernfs_parent(kn);
		const char *name = BPF_CORE_READ(kn, name);
		char part[256];
		long length;

		if (!parent)
			goto out;
		length = bpf_probe_read_kernel_str(part, sizeof(part), name);
		if (length <= 0 || !path__prepend(b, part, length - 1))
			break;
		kn = parent;
	}
	b->why = 3; /* EVENT_WHY_TRUNCATED */
out:
	if (b->at == PATH_BYTES) {
		b->at = PATH_BYTES - 1;
		b->text[PATH_BYTES - 1] = '/';
	}
}

/* The state of the task's cgroup in the memory controller, of either hierarchy; NULL: there is none. */
static __always_inline struct cgroup_subsys_state *path__task_memory(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css = NULL;
	__u64 memory;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	memory = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	bpf_probe_read_kernel(&css, sizeof(css),
			      (void *)set + bpf_core_field_offset(struct css_set, subsys) + memory * 8);
	return css;
}

/* The task's cgroup: in the unified hierarchy, or where that is not in use, in version 1's hierarchy of
 * the memory controller. */
static __always_inline struct cgroup *path__task_cgroup(struct task_struct *task)
{
	struct cgroup *unified = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	struct cgroup_subsys_state *css;

	if (kfix__kernfs_parent(BPF_CORE_READ(unified, kn)))
		return unified;
	css = path__task_memory(task);
	return css ? BPF_CORE_READ(css, cgroup) : unified;
}

#endif
