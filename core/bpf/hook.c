/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks that not every kernel has. */
#include "core/bpf/hook.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/bpf/object.h"
#include "core/bpf/types.h"

#define RAW "tp_btf/"
#define CLASSIC "tp/"
#define LOOP "_loop"

/* 7.0 protects tracepoints by SRCU instead of disabling preemption (a46023d5616e); it added this guard type for
 * them alone. */
bool hook__raw_is_preempted(void)
{
	static enum { UNKNOWN, YES, NO } found; /* asked for each object, and the search goes through all types */
	const struct btf *types = found == UNKNOWN ? bpf__types() : NULL;

	if (types)
		found = btf__find_by_name_kind(types, "class_srcu_fast_notrace_t", BTF_KIND_TYPEDEF) > 0 ? YES : NO;
	return found == YES;
}

/* The root of tracefs: where it is mounted, else a detached mount of our own. */
static int open_tracefs(void)
{
	int fs, root = open("/sys/kernel/tracing", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root >= 0 && !faccessat(root, "events", F_OK, 0))
		return root;
	if (root >= 0)
		close(root);
	fs = syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	root = syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
		       ? -1
		       : syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	root = root < 0 ? -errno : root;
	close(fs);
	return root;
}

/* The id of a classic tracepoint, or -errno. */
static int id_of(const char *tracepoint)
{
	char path[256], text[32];
	int fd, root = open_tracefs();
	ssize_t n;

	if (root < 0)
		return root;
	snprintf(path, sizeof(path), "events/%s/id", tracepoint);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	n = n < 0 ? -errno : n;
	close(root);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return n;
	text[n] = 0;
	return atoi(text);
}

bool hook__has_classic(const char *tracepoint)
{
	return id_of(tracepoint) >= 0;
}

static struct bpf_link *attach_classic(struct bpf_program *prog)
{
	struct perf_event_attr attr = {.size = sizeof(attr), .type = PERF_TYPE_TRACEPOINT};
	int fd, id = id_of(bpf_program__section_name(prog) + strlen(CLASSIC));
	struct bpf_link *link;

	if (id < 0) {
		errno = -id;
		return NULL;
	}
	/* The program runs on all CPUs, although the event is opened for CPU 0. */
	attr.config = id;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link)
		close(fd);
	return link;
}

struct bpf_link *hook__attach(struct bpf_program *prog)
{
	if (!strncmp(bpf_program__section_name(prog), CLASSIC, strlen(CLASSIC)))
		return attach_classic(prog);
	switch (bpf_program__expected_attach_type(prog)) {
	case BPF_TRACE_ITER:
		return bpf_program__attach_iter(prog, NULL);
	case BPF_TRACE_RAW_TP:
	case BPF_TRACE_FENTRY:
		return bpf_program__attach_trace(prog);
	default:
		return bpf_program__attach(prog);
	}
}

/* What the programs of a section attach to: a type of the kernel's BTF, named after the rest of the section. */
static const struct target {
	const char *section;
	enum bpf_attach_type type;
	const char *name;
	int kind;
	uint32_t flags; /* of the program */
} targets[] = {
	{RAW, BPF_TRACE_RAW_TP, "btf_trace_%s", BTF_KIND_TYPEDEF, 0},
	{"iter/", BPF_TRACE_ITER, "bpf_iter_%s", BTF_KIND_FUNC, 0},
	{"iter.s/", BPF_TRACE_ITER, "bpf_iter_%s", BTF_KIND_FUNC, BPF_F_SLEEPABLE},
	{"fentry/", BPF_TRACE_FENTRY, "%s", BTF_KIND_FUNC, 0},
};

/* Called by libbpf before it loads a program, in any thread. */
static int find_target(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long index)
{
	const struct target *target = &targets[index];
	const char *rest = bpf_program__section_name(prog) + strlen(target->section);
	const struct btf *types = bpf__types();
	char name[256];

	/* Until here it had another type, for which libbpf does not parse the kernel's BTF. */
	bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
	opts->prog_flags |= target->flags;
	if (!opts->attach_btf_id) {
		snprintf(name, sizeof(name), target->name, rest);
		opts->attach_btf_id = types ? btf__find_by_name_kind(types, name, target->kind) : 0;
	}
	return (int)opts->attach_btf_id > 0 ? 0 : -ESRCH;
}

void hook__init(void)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .cookie = i, .prog_prepare_load_fn = find_target);

		libbpf_register_prog_handler(targets[i].section, BPF_PROG_TYPE_RAW_TRACEPOINT, targets[i].type, &opts);
	}
}

static bool is_raw(const struct bpf_program *prog, const char *name)
{
	const char *section = bpf_program__section_name(prog);

	return !strncmp(section, RAW, strlen(RAW)) && !strcmp(section + strlen(RAW), name);
}

static bool has_raw(const struct bpf_object *object, const char *name)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		if (is_raw(prog, name))
			return true;
	}
	return false;
}

static void choose_for(struct bpf_object *object, struct bpf_program *classic, const char *name)
{
	struct bpf_program *prog;

	if (!hook__raw_is_preempted() || !hook__has_classic(bpf_program__section_name(classic) + strlen(CLASSIC))) {
		bpf_program__set_autoload(classic, false);
		return;
	}
	bpf_object__for_each_program(prog, object)
	{
		if (is_raw(prog, name))
			bpf_program__set_autoload(prog, false);
	}
}

/* NAME, if this program is called NAME_loop; else NULL. */
static struct bpf_program *without_loop(const struct bpf_object *object, const struct bpf_program *loop)
{
	size_t length = strlen(bpf_program__name(loop)), tail = strlen(LOOP);
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		const char *name = bpf_program__name(prog);

		if (strlen(name) + tail == length && !strncmp(name, bpf_program__name(loop), length - tail) &&
		    !strcmp(bpf_program__name(loop) + length - tail, LOOP))
			return prog;
	}
	return NULL;
}

void hook__choose(struct bpf_object *object)
{
	struct bpf_program *prog, *other;

	bpf_object__for_each_program(prog, object)
	{
		other = without_loop(object, prog);
		if (other)
			bpf_program__set_autoload(bpf__has_helper(BPF_FUNC_loop) ? other : prog, false);
	}
	bpf_object__for_each_program(prog, object)
	{
		const char *section = bpf_program__section_name(prog);

		if (!strncmp(section, CLASSIC, strlen(CLASSIC)) && has_raw(object, strrchr(section, '/') + 1))
			choose_for(object, prog, strrchr(section, '/') + 1);
	}
}

int hook__list(const void *elf, size_t size, void (*each)(void *arg, const char *hook, const char *program), void *arg)
{
	struct bpf_object *object = elf ? bpf_object__open_mem(elf, size, NULL) : NULL;
	struct bpf_program *prog, *other;

	if (!object)
		return elf ? -errno : -ENOEXEC;
	bpf_object__for_each_program(prog, object)
	{
		const char *section = bpf_program__section_name(prog), *classic = NULL;
		char both[256];

		if (without_loop(object, prog) ||
		    (!strncmp(section, CLASSIC, strlen(CLASSIC)) && has_raw(object, strrchr(section, '/') + 1)))
			continue;
		bpf_object__for_each_program(other, object)
		{
			const char *name = bpf_program__section_name(other);

			if (!strncmp(name, CLASSIC, strlen(CLASSIC)) && is_raw(prog, strrchr(name, '/') + 1))
				classic = name;
		}
		snprintf(both, sizeof(both), "%s%s%s", section, classic ? " or " : "", classic ? classic : "");
		each(arg, both, bpf_program__name(prog));
	}
	bpf_object__close(object);
	return 0;
}

/* Attaches an empty program to the function's entry and detaches it. */
bool hook__has_function(const char *name)
{
	static const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FENTRY);
	const struct btf *types = bpf__types();
	int prog, link, id = types ? btf__find_by_name_kind(types, name, BTF_KIND_FUNC) : -1;

	if (id <= 0)
		return false;
	opts.attach_btf_id = id;
	prog = bpf_prog_load(BPF_PROG_TYPE_TRACING, "has_function", "Dual BSD/GPL", nothing, 2, &opts);
	link = prog < 0 ? -1 : bpf_raw_tracepoint_open(NULL, prog);
	if (prog >= 0)
		close(prog);
	if (link >= 0)
		close(link);
	return link >= 0;
}
