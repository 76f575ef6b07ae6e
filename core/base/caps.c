/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities, by capget(2) and capset(2) without a library. */
#include "core/base/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int caps__get(uint64_t *effective, uint64_t *permitted)
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
	uint64_t effective, permitted = 0;

	return !caps__get(&effective, &permitted) && permitted & 1ULL << cap;
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

bool caps__lent(void)
{
	return geteuid() && getauxval(AT_SECURE);
}

void caps__suspend(void)
{
	uint64_t effective, permitted;

	if (!caps__get(&effective, &permitted))
		set(0, permitted);
}

void caps__resume(void)
{
	uint64_t effective, permitted;

	if (!caps__get(&effective, &permitted))
		set(permitted, permitted);
}

bool caps__suffice(uint64_t keep, bool (*test)(void *arg), void *arg)
{
	uint64_t effective, permitted;
	bool good;

	if (caps__get(&effective, &permitted) || set(keep & effective, permitted))
		return false;
	good = test(arg);
	set(effective, permitted);
	return good;
}

int caps__limit(uint64_t keep)
{
	uint64_t effective, permitted;
	int err = caps__get(&effective, &permitted);

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return err ? err : set(keep & permitted, keep & permitted);
}

int caps__empty_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	return 0;
}
