/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives up privileges. */
#include "core/account/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/account/account.h"
#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/account/seccomp.h"
#include "core/log.h"
#include "core/probe.h"

#ifndef CAP_BPF
#define CAP_BPF 39
#endif

#define ACCOUNT "collector"
#define NOBODY 65534
#define NOBODY_ELSE 65533

static void __attribute__((format(printf, 2, 3))) add(struct privileges *p, const char *fmt, ...)
{
	size_t i = 0;
	va_list ap;

	while (p->remain[i])
		i++;
	va_start(ap, fmt);
	vsnprintf(p->text[i], sizeof(p->text[i]), fmt, ap);
	va_end(ap);
	p->remain[i] = p->text[i];
}

/* An account that is neither root's nor the watched user's. */
static void choose_account(struct privileges *p, uid_t watched)
{
	struct passwd *own = user__find(ACCOUNT, 0);

	if (own && own->pw_uid && own->pw_uid != watched) {
		p->uid = own->pw_uid;
		p->gid = own->pw_gid;
		snprintf(p->account, sizeof(p->account), ACCOUNT " (UID %u)", p->uid);
	} else {
		p->uid = p->gid = watched == NOBODY ? NOBODY_ELSE : NOBODY;
		snprintf(p->account, sizeof(p->account), "UID %u", p->uid);
	}
	free(own);
	p->changes = caps__have(CAP_SETUID) && caps__have(CAP_SETGID);
	if (p->changes || geteuid() == p->uid)
		return;
	add(p, "account: its caller's (UID %u), which cap_setuid and cap_setgid could change", geteuid());
	snprintf(p->account, sizeof(p->account), "UID %u", geteuid());
}

/* Before 5.19 bpf(2) needs CAP_BPF even for a map that is already open. */
static void choose_capabilities(struct privileges *p, struct probes *probes, bool (*works)(void *arg), void *arg)
{
	char names[128];

	for (size_t i = 0; probes && i < probes__count(probes); i++)
		p->keep |= probes__unit(probes, i)->probe->keeps;
	if (p->keep) {
		caps__names(p->keep, names, sizeof(names));
		add(p, "capabilities: %s, which a probe needs", names);
	}
	if (!caps__suffice(p->keep, works, arg)) {
		p->keep |= 1ULL << CAP_BPF;
		add(p, "capabilities: cap_bpf, which this kernel wants for reading BPF maps");
	}
	p->empties = caps__have(CAP_SETPCAP);
	if (!p->empties)
		add(p, "bounding set: not empty, as cap_setpcap is missing; no exec gains by it");
}

static int choose_syscalls(struct privileges *p, struct probes *probes)
{
	const char *unavailable = seccomp__unavailable();

	p->filters = !unavailable;
	if (unavailable)
		add(p, "system calls: all, as %s", unavailable);
	for (size_t i = 0; probes && i < probes__count(probes); i++) {
		const struct probe *probe = probes__unit(probes, i)->probe;

		for (const char *const *name = probe->syscalls; name && *name; name++) {
			int number = syscall__number(*name);
			int *more = reallocarray(p->syscalls, p->syscalls_count + 1, sizeof(*more));

			if (!more)
				return -ENOMEM;
			p->syscalls = more;
			if (number < 0) {
				log__error("%s: declares the system call \"%s\", which does not exist", probe->name,
					   *name);
				return -EINVAL;
			}
			p->syscalls[p->syscalls_count++] = number;
		}
	}
	return 0;
}

int privileges__plan(struct privileges *p, uid_t watched, struct probes *probes, bool (*works)(void *arg), void *arg)
{
	*p = (struct privileges){0};
	choose_account(p, watched);
	choose_capabilities(p, probes, works, arg);
	return choose_syscalls(p, probes);
}

void privileges__raise_limits(void)
{
	static const struct {
		int number;
		const char *name;
	} limits[] = {
		{RLIMIT_FSIZE, "RLIMIT_FSIZE"},
		{RLIMIT_CPU, "RLIMIT_CPU"},
		{RLIMIT_AS, "RLIMIT_AS"},
		{RLIMIT_DATA, "RLIMIT_DATA"},
	};
	static const struct rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit;

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		if (!setrlimit(limits[i].number, &any) || getrlimit(limits[i].number, &limit))
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(limits[i].number, &limit);
		if (limit.rlim_max != RLIM_INFINITY)
			log__warn(
				"the caller's hard limit %s=%llu holds for the record too: raising it takes CAP_SYS_RESOURCE",
				limits[i].name, (unsigned long long)limit.rlim_max);
	}
}

static int change_account(const struct privileges *p)
{
	if (!p->changes)
		return 0;
	return setgroups(0, NULL) || setresgid(p->gid, p->gid, p->gid) || setresuid(p->uid, p->uid, p->uid) ? -errno
													    : 0;
}

int privileges__drop(const struct privileges *p)
{
	static const struct rlimit none = {0}, any = {RLIM_INFINITY, RLIM_INFINITY};
	int err = 0;

	setrlimit(RLIMIT_NPROC, &any); /* the account's processes are not ours alone, and a thread is still to come */
	if (p->empties)
		err = caps__empty_bounding_set();
	if (!err && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		err = -errno;
	if (!err)
		err = change_account(p);
	if (!err)
		err = caps__limit(p->keep);
	if (!err && (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		     prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none)))
		err = -errno;
	if (err)
		log__error("cannot drop privileges: %s", strerror(-err));
	return err;
}

int privileges__filter(const struct privileges *p)
{
	int err = p->filters ? seccomp__install(p->syscalls, p->syscalls_count) : 0;

	if (err)
		log__error("cannot restrict the system calls: %s", strerror(-err));
	return err;
}

void privileges__free(struct privileges *p)
{
	free(p->syscalls);
}
