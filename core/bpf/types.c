/* SPDX-License-Identifier: BSD-2-Clause */
/* Features of the running kernel, from its BTF or by trying them. */
#include "core/bpf/types.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool file_contains(const char *path, const char *what)
{
	char text[256];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = 0;
	return strstr(text, what) != NULL;
}

/* The kernel's BTF, parsed once: it is megabytes, and used a dozen times while probes open. */
static struct btf *types;

const struct btf *bpf__types(void)
{
	if (!types)
		types = btf__parse(BTF_PATH, NULL);
	return types;
}

void bpf__forget(void)
{
	btf__free(types);
	types = NULL;
}

const char *bpf__unusable(void)
{
	if (file_contains("/sys/kernel/security/lockdown", "[confidentiality]"))
		return "kernel lockdown mode \"confidentiality\" forbids BPF programs to read kernel memory; "
		       "boot with lockdown=integrity or none";
	if (access(BTF_PATH, R_OK))
		return "this kernel has no BTF (" BTF_PATH "); "
		       "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, such as those of Debian, Ubuntu and Fedora";
	if (!bpf__types())
		return "this kernel's BTF (" BTF_PATH ") is empty or damaged";
	return NULL;
}

bool bpf__has_helper(int func)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, func, NULL) > 0;
}

static const struct btf_member *find_member(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *m = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, m++)
		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			return m;
	return NULL;
}

bool bpf__has_type(const char *type, const char *member)
{
	const struct btf *btf = bpf__types();
	bool has = false;
	int id;

	if (!btf)
		return false;
	id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	if (id > 0)
		has = !member || find_member(btf, btf__type_by_id(btf, id), member);
	return has;
}

int bpf__tracepoint_args(const char *name)
{
	const struct btf *btf = bpf__types();
	const struct btf_type *t;
	char type[128];
	int id;

	if (!btf)
		return -1;
	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	if (id <= 0)
		return -1;
	t = btf__type_by_id(btf, id);	   /* typedef */
	t = btf__type_by_id(btf, t->type); /* pointer */
	t = btf__type_by_id(btf, t->type); /* function; its first argument is void * */
	return btf_is_func_proto(t) ? btf_vlen(t) - 1 : -1;
}
