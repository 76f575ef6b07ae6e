/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities, by capget(2) and capset(2) without a library. */
#include "core/daemon/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static int get(uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	*permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

bool caps__have(int cap)
{
	uint64_t effective = 0, permitted;

	return !get(&effective, &permitted) && effective & 1ULL << cap;
}

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

int caps__check(uint64_t needed, struct error *err)
{
	uint64_t effective, permitted;
	char missing[256] = "";
	size_t used = 0;

	if (get(&effective, &permitted) || !(needed & ~effective))
		return 0;
	error__set(err, 0, "missing capabilities:");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!(needed & ~effective & 1ULL << known[i].cap) || used >= sizeof(missing))
			continue;
		error__append(err, "%s %s (%s)", used ? "," : "", known[i].name, known[i].purpose);
		used += snprintf(missing + used, sizeof(missing) - used, "%s%s", used ? "," : "", known[i].name);
	}
	error__append(err, "; run as root (sudo), or once: setcap %s+ep %s", missing, "\"$(command -v collector)\"");
	return -EPERM;
}

static int set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = effective, .permitted = permitted},
		{.effective = effective >> 32, .permitted = permitted >> 32},
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int caps__drop(uint64_t keep, bool (*suffices)(void *arg), void *arg, uint64_t more)
{
	uint64_t effective, permitted;
	int err = get(&effective, &permitted);

	if (err)
		return err;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* First lower only the effective set: those of `more` can still be raised. */
	err = set(keep & permitted, permitted);
	if (!err && !suffices(arg))
		keep |= more;
	return err ? err : set(keep & permitted, keep & permitted);
}
