/* SPDX-License-Identifier: BSD-2-Clause */
/* Existing processes: those that started before the collector. */
#include "core/daemon/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/daemon/rules.h"
#include "core/daemon/run.h"
#include "core/log.h"

/* The processes of one scan, in order of their start time. */
struct existing {
	struct scope_process *all;
	size_t count, room;
	bool failed;
};

static void note_existing(void *arg, const struct scope_process *process)
{
	struct existing *p = arg;

	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 1024;
		void *more = reallocarray(p->all, room, sizeof(*p->all));

		if (!more) {
			p->failed = true;
			return;
		}
		p->all = more;
		p->room = room;
	}
	p->all[p->count++] = *process;
}

/* The name of a process in /proc, which may have been mounted in another PID namespace than ours: the initial one. */
static uint32_t number_in_proc(const struct scope_process *process)
{
	char self[16] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) != getpid())
		return process->pid;
	return process->local_pid;
}

static int compare_starts(const void *a, const void *b)
{
	const struct scope_process *p = a, *q = b;

	return (p->start > q->start) - (p->start < q->start);
}

static const struct scope_process *find_process(const struct existing *p, uint32_t pid)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->all[i].pid == pid)
			return &p->all[i];
	return NULL;
}

/* Whether an ancestor is the root of a run. */
static bool below_root(const struct existing *p, const struct scope_process *process)
{
	for (size_t depth = 0; depth < p->count; depth++) {
		process = find_process(p, process->ppid);
		if (!process || process->run)
			return process;
	}
	return false;
}

/* The recorder or its keeper. */
static bool is_own(const struct scope_process *process)
{
	return process->local_pid == (uint32_t)getpid() || process->local_pid == (uint32_t)getppid();
}

/* Starts a run for each process that matches a rule and has no such ancestor. */
static int want_by_rules(struct recorder *r)
{
	struct existing p = {0};
	uint32_t number = RUN_FIRST;
	int err = scope__scan(r->scope, false, note_existing, &p);

	if (err < 0 || p.failed)
		goto out;
	qsort(p.all, p.count, sizeof(*p.all), compare_starts);
	for (size_t i = 0; i < p.count; i++) {
		const struct conf_rule *rule;

		if (p.all[i].dead || is_own(&p.all[i]) || below_root(&p, &p.all[i]))
			continue;
		rule = rules__find(r->conf, number_in_proc(&p.all[i]));
		if (!rule)
			continue;
		p.all[i].run = ++number;
		err = scope__open_run(r->scope, number);
		if (err)
			goto out;
		err = runs__open(r, number, rules__user(number_in_proc(&p.all[i])), rule);
		if (err) {
			scope__forget_run(r->scope, number);
			continue; /* logged: a full disk or a limit keeps no daemon from starting */
		}
		log__info("run %s: started by PID %u, which existed, rule on line %d", r->runs->id,
			  number_in_proc(&p.all[i]), rule->line);
		err = scope__want(r->scope, p.all[i].local_pid, number);
		if (err)
			goto out;
	}
	err = 0;
out:
	free(p.all);
	return p.failed ? -ENOMEM : err < 0 ? err : 0;
}

static void report_existing(void *arg, const struct scope_process *process)
{
	struct recorder *r = arg;
	struct probe_process p = {
		.ts = process->ts,
		.start = process->start,
		.parent_start = process->parent_start,
		.pid = process->pid,
		.ppid = process->ppid,
		.run = process->run,
	};
	char path[32];

	if (!process->entered)
		return;
	snprintf(path, sizeof(path), "/proc/%u", number_in_proc(process));
	p.proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p.proc < 0)
		return; /* it has exited; its exit is still recorded */
	for (size_t i = 0; i < probes__count(r->probes); i++)
		probe_unit__existing(probes__unit(r->probes, i), &p);
	close(p.proc);
}

int existing__enter(struct recorder *r)
{
	const struct collector_opts *opts = r->opts;
	int entered, err = 0;

	for (size_t i = 0; i < opts->pids_count && !err; i++)
		err = scope__want(r->scope, opts->pids[i], RUN_FIRST);
	if (!err && !opts->pids_count)
		err = want_by_rules(r);
	entered = err ? err : scope__scan(r->scope, true, report_existing, r);
	if (entered < 0) {
		log__error("cannot find the existing processes: %s", strerror(-entered));
		return entered;
	}
	if (!entered && opts->pids_count) {
		log__error("--pid: no such process");
		return -ESRCH;
	}
	log__info("%d existing processes are watched", entered);
	return 0;
}
