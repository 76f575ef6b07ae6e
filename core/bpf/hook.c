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

/* 7.0 protects tracepoints by SRCU instead of disabling preemption (a46023d5616e); it added this guard type for
 * them alone. */
bool hook__raw_is_preempted(void)
{
	const struct btf *types = bpf__types();

	return types && btf__find_by_name_kind(types, "class_srcu_fast_notrace_t", BTF_KIND_TYPEDEF) > 0;
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

struct bpf_link *hook__attach_classic(struct bpf_program *prog)
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

void hook__choose(struct bpf_object *object)
{
	struct bpf_program *prog;

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

		if (!strncmp(section, CLASSIC, strlen(CLASSIC)) && has_raw(object, strrchr(section, '/') + 1))
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
