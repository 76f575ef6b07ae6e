/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities that are needed, and how to grant them. */
#include "core/account/caps_check.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static const struct {
	int cap;
	const char *name, *purpose;
} known[] = {
	{CAP_BPF, "cap_bpf", "to load BPF programs"},
	{CAP_PERFMON, "cap_perfmon", "to attach them to the kernel's tracepoints"},
	{CAP_DAC_READ_SEARCH, "cap_dac_read_search", "to read /sys/kernel/tracing"},
	{CAP_SYS_PTRACE, "cap_sys_ptrace", "to read /proc of other users' processes"},
	{CAP_SETUID, "cap_setuid", "for --user"},
	{CAP_SETGID, "cap_setgid", "for --user"},
	{CAP_CHOWN, "cap_chown", "to change the owner of the run's folder"},
	{CAP_KILL, "cap_kill", "to forward signals to another user's command"},
};

void caps__names(uint64_t set, char *out, size_t size)
{
	size_t used = 0;

	snprintf(out, size, "none");
	for (unsigned cap = 0; cap < 64 && used < size; cap++) {
		const char *name = NULL;

		if (!(set >> cap & 1))
			continue;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (known[i].cap == (int)cap)
				name = known[i].name;
		used += name ? snprintf(out + used, size - used, "%s%s", used ? ", " : "", name)
			     : snprintf(out + used, size - used, "%scap_%u", used ? ", " : "", cap);
	}
}

#define USER_NS_INITIAL 0xEFFFFFFDu /* inode of the initial user namespace, fixed in the kernel */

static bool in_namespace(const char *path, ino_t initial)
{
	struct stat st;

	return !stat(path, &st) && st.st_ino != initial;
}

bool caps__in_container(void)
{
	return in_namespace("/proc/self/ns/pid", PID_NS_INITIAL);
}

/* The options of docker and podman that give what is missing. */
static void append_options(struct error *err, uint64_t missing)
{
	error__append(err, "; in a container, add to docker run or podman run:");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!(missing & 1ULL << known[i].cap))
			continue;
		error__append(err, " --cap-add ");
		for (const char *c = known[i].name + strlen("cap_"); *c; c++)
			error__append(err, "%c", toupper(*c));
	}
}

int caps__check(uint64_t needed, struct error *err)
{
	uint64_t effective, permitted;
	char missing[256] = "";
	size_t used = 0;

	if (in_namespace("/proc/self/ns/user", USER_NS_INITIAL))
		return error__set(
			err, -EPERM,
			"in a user namespace: its capabilities do not extend to BPF; run the collector outside of "
			"it, in a container with docker run --userns=host, or podman as root");
	if (caps__get(&effective, &permitted) || !(needed & ~permitted))
		return 0;
	error__set(err, 0, "missing capabilities:");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!(needed & ~permitted & 1ULL << known[i].cap) || used >= sizeof(missing))
			continue;
		error__append(err, "%s %s (%s)", used ? "," : "", known[i].name, known[i].purpose);
		used += snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? "," : "", known[i].name);
	}
	if (caps__in_container())
		append_options(err, needed & ~permitted);
	else
		error__append(err,
			      "; run as root (sudo), or let a group of users watch their own processes: f=$(command -v "
			      "collector); chgrp GROUP \"$f\"; chmod 0750 \"$f\"; setcap %s+ep \"$f\"",
			      missing);
	return -EPERM;
}
