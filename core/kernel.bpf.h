/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Kernel types, reduced to the members that our programs read. CO-RE relocates each member for the running
 * kernel, so order and completeness do not matter, and the build needs no BTF of a kernel. Members that
 * differ between kernels are in core/kfix.bpf.h. */
#ifndef CORE_KERNEL_BPF_H
#define CORE_KERNEL_BPF_H

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __s32 pid_t;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* From linux/bpf.h: ABI, hence fixed. */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_F_CURRENT_CPU = 0xffffffffULL };

#define S_KERNEL __attribute__((preserve_access_index))

typedef struct {
	__s32 counter;
} S_KERNEL atomic_t;

typedef struct {
	__s64 counter;
} S_KERNEL atomic64_t;

typedef struct {
	__s64 counter;
} S_KERNEL atomic_long_t;

typedef struct {
	__u32 val;
} S_KERNEL kuid_t;

typedef struct {
	__u32 val;
} S_KERNEL kgid_t;

struct list_head {
	struct list_head *next, *prev;
} S_KERNEL;

struct rlimit {
	unsigned long rlim_cur;
} S_KERNEL;

struct sched_info {
	unsigned long long run_delay;
} S_KERNEL;

struct hrtimer {
	__u8 state;
} S_KERNEL;

struct qstr {
	__u32 hash;
	__u32 len;
	const unsigned char *name;
} S_KERNEL;

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
} S_KERNEL;

struct dentry {
	struct hlist_bl_node d_hash;
	struct inode *d_inode;
	struct dentry *d_parent;
	struct qstr d_name;
} S_KERNEL;

struct vfsmount {
	struct dentry *mnt_root;
} S_KERNEL;

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
} S_KERNEL;

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
} S_KERNEL;

struct fs_struct {
	struct path root, pwd;
} S_KERNEL;

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
} S_KERNEL;

struct inode {
	unsigned short i_mode;
	kuid_t i_uid;
	unsigned long i_ino;
	__u32 i_rdev;
	__s64 i_size;
	struct super_block *i_sb;
	struct file_lock_context *i_flctx;
	void *i_private;
} S_KERNEL;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	void *private_data;
	__s64 f_pos;
} S_KERNEL;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
} S_KERNEL;

struct files_struct {
	struct fdtable *fdt;
} S_KERNEL;

struct kernfs_node {
	const char *name;
	unsigned int hash;
	__u64 id;
} S_KERNEL;

struct cgroup {
	struct kernfs_node *kn;
} S_KERNEL;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} S_KERNEL;

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
	unsigned long failcnt;
} S_KERNEL;

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
} S_KERNEL;

struct css_set {
	struct cgroup_subsys_state *subsys[1];
	struct cgroup *dfl_cgrp;
} S_KERNEL;

enum cgroup_subsys_id { memory_cgrp_id = 4 };

struct cfs_bandwidth {
	__s64 period; /* ns */
	__u64 quota;  /* ns; all bits set: none */
	int nr_periods;
	int nr_throttled;
	__u64 throttled_time;
} S_KERNEL;

struct task_group {
	struct cgroup_subsys_state css;
	struct task_group *parent;
	struct cfs_bandwidth cfs_bandwidth;
} S_KERNEL;

struct cred {
	kuid_t uid, euid, suid;
	kgid_t gid, egid;
} S_KERNEL;

struct mm_struct {
	unsigned long hiwater_rss;
	unsigned long total_vm;
	unsigned long stack_vm;
	atomic_long_t hugetlb_usage;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
} S_KERNEL;

struct task_io_accounting {
	__u64 rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled_write_bytes;
} S_KERNEL;

struct prev_cputime {
	__u64 utime, stime;
} S_KERNEL;

typedef struct {
	unsigned long sig[1];
} S_KERNEL sigset_t;

struct kernel_siginfo {
	int si_signo, si_errno, si_code;
} S_KERNEL;

struct sigaction {
	void *sa_handler;
} S_KERNEL;

struct k_sigaction {
	struct sigaction sa;
} S_KERNEL;

struct sighand_struct {
	struct k_sigaction action[1];
} S_KERNEL;

struct signal_struct {
	atomic_t live;
	int nr_threads;
	struct list_head thread_head;
	int group_exit_code;
	unsigned int flags;
	__u64 utime, stime;
	unsigned long nvcsw, nivcsw;
	unsigned long min_flt, maj_flt;
	unsigned long maxrss, cmaxrss;
	struct prev_cputime prev_cputime;
	unsigned long long sum_sched_runtime;
	struct task_io_accounting ioac;
	struct hrtimer real_timer;
	struct rlimit rlim[16];
	struct mm_struct *oom_mm; /* set once the OOM killer has selected it */
} S_KERNEL;

struct sched_entity {
	__u64 sum_exec_runtime;
} S_KERNEL;

struct ns_common {
	unsigned int inum;
} S_KERNEL;

struct pid_namespace {
	struct ns_common ns;
} S_KERNEL;

struct upid {
	int nr;
	struct pid_namespace *ns;
} S_KERNEL;

struct pid {
	unsigned int level; /* of the namespace it was created in; the initial one has 0 */
	struct upid numbers[1];
} S_KERNEL;

struct thread_info {
	unsigned long flags;
	__u32 status;
} S_KERNEL;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	int exit_state;
	int exit_code;
	unsigned int flags;
	pid_t pid, tgid;
	struct sched_entity se;
	struct sched_info sched_info;
	int nr_cpus_allowed;
	struct mm_struct *mm;
	struct task_struct *real_parent, *parent; /* parent: the tracer, if there is one */
	unsigned int ptrace;
	struct list_head children;
	unsigned in_iowait : 1;
	unsigned long blocker; /* since 6.16 */
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct list_head thread_node;
	__u64 utime, stime;
	unsigned long nvcsw, nivcsw;
	__u64 start_boottime;
	__u64 parent_exec_id, self_exec_id;
	unsigned long min_flt, maj_flt;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	sigset_t blocked;
	void *stack;
	struct css_set *cgroups;
	struct task_group *sched_task_group;
	struct task_io_accounting ioac;
} S_KERNEL;

#if defined(__TARGET_ARCH_arm64)
struct pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 orig_x0;
	__s32 syscallno;
} S_KERNEL;
#else
struct pt_regs {
	unsigned long si, di, dx, r10, r8, r9;
	unsigned long orig_ax;
	unsigned long sp;
} S_KERNEL;
#endif

struct linux_binprm {
	struct file *file;
	const char *filename;
	int argc;
} S_KERNEL;

/* Contexts of classic tracepoint programs. */
struct trace_event_raw_sched_process_exec {
	__u32 __data_loc_filename;
} S_KERNEL;

struct trace_event_raw_sched_process_exit {
	bool group_dead;
} S_KERNEL;

struct trace_event_raw_sys_exit {
	long ret;
} S_KERNEL;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} S_KERNEL;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} S_KERNEL;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} S_KERNEL;

struct bpf_map {
	__u32 id;
} S_KERNEL;

struct bpf_array {
	struct bpf_map map;
	void *pptrs[1];
} S_KERNEL;

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
} S_KERNEL;

#define SIGNAL_GROUP_EXIT 0x00000004
#define PF_KTHREAD 0x00200000
#define PF_EXITING 0x00000004
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFIFO 0010000
#define S_IFSOCK 0140000
#define S_IFCHR 0020000
#define O_APPEND 02000
#define MAGIC_PIPE 0x50495045 /* the file system of pipes without a name */

#endif
