/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes the records of rounds in which the memory of all processes of a run was read, and that of their cgroup. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/process.h"

enum { PSS_BYTES, PSS_ANON, PSS_FILE, PSS_SHMEM };
enum {
	PROCESSES,
	PROCESSES_READ,
	READ_NS,
	CGROUP,
	CGROUP_BYTES,
	CGROUP_CACHE,
	CGROUP_PROCESSES,
	CGROUP_RUN_PROCESSES,
	PIDS_LIMIT,
	PIDS_REFUSED,
	CGROUP_LIMIT,
};

int pss__process(const struct feed *f)
{
	struct process *p = process__find(f->model, f->run, f->record->pid, f->record->start);
	uint64_t anon = value__number(f->field[PSS_ANON]), file = value__number(f->field[PSS_FILE]);
	uint64_t shmem = value__number(f->field[PSS_SHMEM]);

	if (!p || p->wait_since)
		return 0;
	p->pss = (struct pss){value__number(f->field[PSS_BYTES]), anon, file, shmem};
	if (EVENT_IS_NULL(anon) || EVENT_IS_NULL(file) || EVENT_IS_NULL(shmem))
		p->pss.bytes = EVENT_IS_NULL(p->pss.bytes) ? p->pss.bytes : anon;
	return 0;
}

/* Processes that were asked for and could not be read. */
static uint64_t refused(const struct feed *f)
{
	const struct hash *all = &f->model->processes;
	uint64_t count = 0;

	for (struct hash_node *node = hash__any(all, NULL); node; node = hash__any(all, node)) {
		const struct process *p = process__of(node);

		count += p->run == f->run && EVENT_IS_NULL(p->pss.bytes) &&
			 p->pss.bytes != EVENT_NULL(MODEL_REASON_ABSENT);
	}
	return count;
}

static bool is_same(const char *path, const struct value *value)
{
	size_t length = value->type == VALUE_STRING ? value->length : 0;

	return path && strlen(path) == length && !memcmp(path, value->string, length);
}

/* Of several cgroups that in which the processes held most; of that one the highest charge. */
static int take_cgroup(const struct feed *f)
{
	struct model_run *pub = &f->run->pub;
	const struct value *path = f->field[CGROUP];
	uint64_t bytes = value__number(f->field[CGROUP_BYTES]), held = f->run->rss.bytes;
	uint64_t all = value__number(f->field[CGROUP_PROCESSES]), own = value__number(f->field[CGROUP_RUN_PROCESSES]);
	uint64_t others = EVENT_NULL(EVENT_REASON_NONE);

	if (EVENT_IS_NULL(bytes)) {
		if (!pub->cgroup)
			pub->cgroup_bytes = bytes;
		return 0;
	}
	if (!EVENT_IS_NULL(all) && !EVENT_IS_NULL(own))
		others = all > own ? all - own : 0;
	if (!is_same(pub->cgroup, path)) {
		if (pub->cgroup && held <= f->run->cgroup_held)
			return 0;
		free(f->run->cgroup);
		pub->cgroup = f->run->cgroup =
			path->type == VALUE_STRING ? strndup(path->string, path->length) : strdup("");
		if (!pub->cgroup)
			return -ENOMEM;
		pub->cgroup_bytes = 0;
		pub->cgroup_others = others;
	}
	f->run->cgroup_held = held > f->run->cgroup_held ? held : f->run->cgroup_held;
	if (EVENT_IS_NULL(pub->cgroup_others) || others < pub->cgroup_others)
		pub->cgroup_others = others;
	if (bytes >= pub->cgroup_bytes) {
		pub->cgroup_bytes = bytes;
		pub->cgroup_cache_bytes = value__number(f->field[CGROUP_CACHE]);
		pub->cgroup_limit_bytes = value__number(f->field[CGROUP_LIMIT]);
	}
	return 0;
}

/* What the first record of the run has was refused before, perhaps; in a cgroup that it enters later, all counts. */
static void take_pids(const struct feed *f)
{
	struct pids *pids = &f->run->pids;
	uint64_t limit = value__number(f->field[PIDS_LIMIT]), count = value__number(f->field[PIDS_REFUSED]);
	bool first = !pids->seen;

	pids->seen = true;
	if (EVENT_IS_NULL(limit) || EVENT_IS_NULL(count))
		return;
	if (pids->limit != limit) {
		pids->limit = limit;
		pids->before = first ? count : 0;
	}
	if (count > pids->before && count - pids->before > f->run->pub.pids_refused) {
		f->run->pub.pids_refused = count - pids->before;
		f->run->pub.pids_limit = limit;
	}
}

int pss__total(const struct feed *f)
{
	uint64_t processes = value__number(f->field[PROCESSES]), read = value__number(f->field[PROCESSES_READ]);
	uint64_t ts = f->record->ts, read_ns = value__number(f->field[READ_NS]);

	if (!EVENT_IS_NULL(processes) && !EVENT_IS_NULL(read) && processes <= read + refused(f) && read_ns <= ts)
		rss__total(f->model, f->run, ts - read_ns, ts);
	take_pids(f);
	return take_cgroup(f);
}
