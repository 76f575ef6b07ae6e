/* SPDX-License-Identifier: BSD-2-Clause */
/* Features of the running kernel, from its BTF or by trying them. */
#include "core/bpf/types.h"

#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return n >= 0;
}

static bool file_contains(const char *path, const char *what)
{
	char text[4096];

	return read_text(path, text, sizeof(text)) && strstr(text, what);
}

/* The kernel's BTF, parsed once: it is megabytes, and used a dozen times while probes open. */
static struct btf *types;

/* Since 6.16 the file can be mapped; before, the kernel gives 4 KiB a read. */
static struct btf *parse(void)
{
	int fd = open(BTF_PATH, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	void *data = size > 0 ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	struct btf *btf = data == MAP_FAILED ? btf__parse(BTF_PATH, NULL) : btf__new(data, size);

	if (data != MAP_FAILED)
		munmap(data, size);
	if (fd >= 0)
		close(fd);
	return btf;
}

const struct btf *bpf__types(void)
{
	if (!types)
		types = parse();
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

const char *bpf__confined(bool selinux, const char *label)
{
	static char text[1024];
	int length = strcspn(label, "\n");

	if (selinux && length)
		snprintf(
			text, sizeof(text),
			"SELinux may deny bpf(2) to the context %.*s: `ausearch -m AVC -ts recent` shows it; run in an "
			"unconfined context, or in a container with --security-opt label=disable",
			length, label);
	else if (strstr(label, "(enforce)"))
		snprintf(
			text, sizeof(text),
			"the AppArmor profile %.*s may deny bpf(2): `dmesg` shows it; allow `capability bpf, capability "
			"perfmon,` in it, or in a container add --security-opt apparmor=unconfined",
			(int)strcspn(label, " \n"), label);
	else
		return NULL;
	return text;
}

const char *bpf__forbidden(void)
{
	const char *confined;
	char label[512];

	if (file_contains("/proc/self/status", "Seccomp:\t2"))
		return "a seccomp filter forbids bpf(2) or perf_event_open(2); in a container, add "
		       "--security-opt seccomp=unconfined, or --cap-add SYS_ADMIN, to docker run or podman run";
	if (!read_text("/proc/self/attr/apparmor/current", label, sizeof(label)))
		read_text("/proc/self/attr/current", label, sizeof(label));
	confined = bpf__confined(file_contains("/sys/fs/selinux/enforce", "1"), label);
	if (confined)
		return confined;
	return "CAP_BPF and CAP_PERFMON are needed, and a security module may deny bpf(2): `dmesg` shows it";
}

bool bpf__has_helper(int func)
{
	static enum { UNKNOWN, HAS, LACKS } found[__BPF_FUNC_MAX_ID];

	if (func <= 0 || func >= __BPF_FUNC_MAX_ID)
		return libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, func, NULL) > 0;
	if (found[func] == UNKNOWN)
		found[func] = libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, func, NULL) > 0 ? HAS : LACKS;
	return found[func] == HAS;
}

/* No kernel has larger ones without the helper. */
uint64_t bpf__stack_bytes(void)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	if (bpf__has_helper(BPF_FUNC_task_pt_regs))
		return 0;
	return page > 16384 ? page : 16384;
}

static bool has_member(const struct btf *btf, const struct btf_type *type, const char *name)
{
	for (int i = 0; i < btf_vlen(type); i++) {
		uint32_t at = btf_is_enum(type) ? btf_enum(type)[i].name_off : btf_members(type)[i].name_off;

		if (!strcmp(btf__name_by_offset(btf, at), name))
			return true;
	}
	return false;
}

bool bpf__has_type(const char *type, const char *member)
{
	const struct btf *btf = bpf__types();
	int id;

	if (!btf)
		return false;
	id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	if (id <= 0)
		id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	return id > 0 && (!member || has_member(btf, btf__type_by_id(btf, id), member));
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

const char *bpf__next_step(int err)
{
	switch (-err) {
	case EPERM:
		return bpf__forbidden();
	case EMFILE:
		return "raise the limit of open files (ulimit -n)";
	case ENFILE:
		return "the host's limit of open files is reached (sysctl fs.file-max)";
	case EACCES:
		return "-v -v shows the verifier's log, unless a security module denied it (dmesg)";
	default:
		return "-v -v shows the verifier's log";
	}
}
