/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds over the processes of each run, one run after the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/probe.h"
#include "probes/mem/limits.h"
#include "probes/mem/mem.h"
#include "probes/mem/together.h"

#define KNOWN_MAX 65536
#define FLYING_MAX 4 /* questions that are open */
#define CGROUPS_MAX 16
#define COST_MAX_NS 3600000000000 /* of one question */

#define PSS_VALUES 7

struct known {
	struct together_key {
		uint64_t start;
		uint32_t run, pid;
	} key;
	uint32_t local_pid;
	bool gone;
	bool borrows; /* its memory is its parent's, until its exec */
	uint64_t cgroup, rss;
	uint64_t last[PSS_VALUES]; /* as recorded */
};

struct together {
	const struct core_api *api;
	struct known *all; /* by run, then by age */
	size_t count, room;
	uint64_t sampled_at;
	bool changed; /* since the last round began */

	bool open;	   /* a round */
	uint64_t began;	   /* when its last sample was taken */
	int64_t credit_ns; /* CPU time of the keeper */
	uint64_t credited_at;
	struct together_key at; /* the process that was asked for last */
	bool totalled;		/* so is the cgroup of its run */
	unsigned flying;
	uint64_t asked;
	uint64_t processes, read, pss_bytes; /* of its run */
	uint64_t cgroup_run_processes;
	uint64_t run_began;

	struct mem_pss pss;
	struct mem_together total;
};

/* ---- the processes ---- */

static int compare(const struct together_key *a, const struct together_key *b)
{
	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* The first that is not before `key`. */
static size_t find_place(const struct together *t, const struct together_key *key)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (compare(&t->all[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct known *find(const struct together *t, const struct together_key *key)
{
	size_t i = find_place(t, key);

	return i < t->count && !compare(&t->all[i].key, key) ? &t->all[i] : NULL;
}

static struct known *add(struct together *t, const struct together_key *key)
{
	size_t i = find_place(t, key), room = t->room ? 2 * t->room : 64;
	struct known *more;

	if (t->count == KNOWN_MAX)
		return NULL;
	if (t->count == t->room) {
		more = reallocarray(t->all, room, sizeof(*more));
		if (!more)
			return NULL;
		t->all = more;
		t->room = room;
	}
	memmove(&t->all[i + 1], &t->all[i], (t->count++ - i) * sizeof(*t->all));
	t->all[i] = (struct known){.key = *key};
	return &t->all[i];
}

static struct together_key key_of(const struct event *e)
{
	return (struct together_key){.run = e->run, .start = e->start, .pid = e->pid};
}

void together__sample(struct together *t, const struct mem_event *e)
{
	struct together_key key = key_of(&e->head);
	struct known *known = find(t, &key);

	t->changed = true;
	t->sampled_at = e->head.ts;
	if (!known)
		known = add(t, &key);
	if (!known)
		return;
	known->gone = false;
	known->local_pid = e->local_pid;
	known->borrows = e->inherited_rss_bytes == EVENT_NULL(EVENT_REASON_SHARED);
	known->cgroup = e->cgroup_id;
	known->rss = e->rss_bytes;
}

void together__exit(struct together *t, const struct event *e)
{
	struct together_key key = key_of(e);
	struct known *known = find(t, &key);

	t->changed = true;
	if (known)
		known->gone = true;
}

static void forget_gone(struct together *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->count; i++)
		if (!t->all[i].gone)
			t->all[kept++] = t->all[i];
	t->count = kept;
}

/* ---- what the keeper has read ---- */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

uint64_t together__number(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		unsigned long long value;
		char *end;

		if (strncmp(at, name, length) || (at[length] != ':' && at[length] != ' '))
			continue;
		at += length + 1;
		at += strspn(at, " ");
		if (*at < '0' || *at > '9')
			break;
		value = strtoull(at, &end, 10);
		if (value > INT64_MAX / 1024) /* no limit, of version 1 */
			break;
		return strncmp(end, " kB", 3) ? value : value * 1024;
	}
	return EVENT_NULL(EVENT_REASON_NONE);
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return EVENT_IS_NULL(a) ? a : EVENT_IS_NULL(b) ? b : a + b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return EVENT_IS_NULL(a) ? a : EVENT_IS_NULL(b) || b > a ? EVENT_NULL(EVENT_REASON_UNSUPPORTED) : a - b;
}

static enum event_reason reason_of(int error)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		return EVENT_REASON_DENIED;
	case -ENOTSUP:
		return EVENT_REASON_UNSUPPORTED;
	case -ESRCH:
	case -ENOENT:
		return EVENT_REASON_GONE;
	default:
		return EVENT_REASON_LOST;
	}
}

static void read_values(uint64_t values[PSS_VALUES], const struct probe_answer *answer)
{
	const char *text = answer->text;

	values[0] = together__number(text, "Pss");
	values[1] = together__number(text, "Pss_Anon");
	values[2] = together__number(text, "Pss_File");
	values[3] = together__number(text, "Pss_Shmem");
	values[4] = sum(together__number(text, "Private_Clean"), together__number(text, "Private_Dirty"));
	values[5] = sum(together__number(text, "Shared_Clean"), together__number(text, "Shared_Dirty"));
	values[6] = together__number(text, "SwapPss");
	for (int i = 0; i < PSS_VALUES; i++)
		if (EVENT_IS_NULL(values[i]))
			values[i] = EVENT_NULL(answer->error ? reason_of(answer->error) : EVENT_REASON_UNSUPPORTED);
}

/* Begins an event of the process that the answer is about. */
static void set_head(struct event *head, const struct probe_answer *answer, enum mem_kind kind)
{
	*head = (struct event){
		.ts = answer->ts,
		.start = answer->ask->start,
		.pid = answer->ask->pid,
		.tid = answer->ask->pid,
		.run = answer->ask->run,
		.kind = kind,
	};
}

/* Recorded if it has changed. A process that has ended is no longer one of those that are to be read. */
static const struct event *take_pss(struct together *t, const struct probe_answer *answer, size_t *size)
{
	const struct probe_ask *ask = answer->ask;
	struct known *known = find(t, &(struct together_key){.run = ask->run, .start = ask->start, .pid = ask->pid});
	uint64_t values[PSS_VALUES];

	if (known && answer->error == -ESRCH)
		known->gone = true;
	if (!known || known->gone) {
		t->processes--;
		return NULL;
	}
	read_values(values, answer);
	if (!EVENT_IS_NULL(values[0])) {
		t->read++;
		t->pss_bytes += values[0];
	}
	if (!memcmp(values, known->last, sizeof(values)))
		return NULL;
	memcpy(known->last, values, sizeof(values));
	set_head(&t->pss.head, answer, MEM_PSS);
	t->pss.pss_bytes = values[0];
	t->pss.pss_anon_bytes = values[1];
	t->pss.pss_file_bytes = values[2];
	t->pss.pss_shmem_bytes = values[3];
	t->pss.private_bytes = values[4];
	t->pss.shared_bytes = values[5];
	t->pss.swap_pss_bytes = values[6];
	*size = sizeof(t->pss);
	return &t->pss.head;
}

static void take_cgroup_path(struct mem_together *total, const struct probe_answer *answer)
{
	static const char name[] = "cgroup ";
	bool there = !strncmp(answer->text, name, strlen(name));
	const char *path = there ? answer->text + strlen(name) : "";
	size_t length = strcspn(path, "\n");

	total->cgroup = (struct event_string){
		.offset = offsetof(struct mem_together, text),
		.length = length < sizeof(total->text) ? length : sizeof(total->text),
		.reason = length > sizeof(total->text) ? EVENT_REASON_TRUNCATED : EVENT_REASON_NONE,
	};
	if (!there)
		total->cgroup.reason = answer->error ? reason_of(answer->error) : EVENT_REASON_UNSUPPORTED;
	memcpy(total->text, path, total->cgroup.length);
}

/* The names of either version. */
static uint64_t number_of_two(const char *text, const char *v2, const char *v1)
{
	uint64_t value = together__number(text, v1);

	return EVENT_IS_NULL(value) ? together__number(text, v2) : value;
}

static uint64_t or_reason(uint64_t value, int error)
{
	return EVENT_IS_NULL(value) && error ? EVENT_NULL(reason_of(error)) : value;
}

/* Page cache includes shared memory, as the kernel counts. */
static const struct event *take_total(struct together *t, const struct probe_answer *answer, size_t *size)
{
	const char *text = answer->text;
	struct mem_together *e = &t->total;

	memset(e, 0, sizeof(*e));
	set_head(&e->head, answer, MEM_TOGETHER);
	e->processes = t->processes;
	e->processes_read = t->read;
	e->read_ns = now() - t->run_began;
	e->pss_bytes = t->read ? t->pss_bytes : EVENT_NULL(EVENT_REASON_DENIED);
	e->cgroup_bytes = or_reason(together__number(text, "current"), answer->error);
	e->cgroup_limit_bytes = or_reason(together__number(text, "max"), answer->error);
	e->cgroup_peak_bytes = or_reason(together__number(text, "peak"), answer->error);
	e->cgroup_anon_bytes = or_reason(number_of_two(text, "anon", "total_rss"), answer->error);
	e->cgroup_shmem_bytes = or_reason(number_of_two(text, "shmem", "total_shmem"), answer->error);
	e->cgroup_page_cache_bytes = or_reason(number_of_two(text, "file", "total_cache"), answer->error);
	e->cgroup_page_cache_bytes = less(e->cgroup_page_cache_bytes, e->cgroup_shmem_bytes);
	e->cgroup_processes = or_reason(together__number(text, "processes"), answer->error);
	e->cgroup_run_processes = t->cgroup_run_processes;
	limits__take(e, answer->text, answer->error ? reason_of(answer->error) : EVENT_REASON_NONE);
	take_cgroup_path(e, answer);
	*size = sizeof(*e);
	return &e->head;
}

/* ---- a round ---- */

static int ask(struct together *t, enum probe_ask_what what, const struct known *known)
{
	const struct probe_ask ask = {
		.what = what,
		.run = known->key.run,
		.pid = known->key.pid,
		.local_pid = known->local_pid,
		.start = known->key.start,
	};
	int err = t->api->ask(t->api, &ask);

	t->flying += !err;
	return err;
}

/* The next process of the run. Those that are younger than the round wait for the next one. */
static const struct known *next(struct together *t)
{
	size_t i = find_place(t, &t->at);

	if (i < t->count && !compare(&t->all[i].key, &t->at))
		i++;
	while (i < t->count && t->all[i].key.run == t->at.run && (t->all[i].gone || t->all[i].borrows))
		i++;
	if (i == t->count || t->all[i].key.run != t->at.run || t->all[i].key.start > t->began)
		return NULL;
	return &t->all[i];
}

static void ask_some(struct together *t)
{
	const struct known *known;

	while (t->flying < FLYING_MAX && (known = next(t))) {
		t->at = known->key;
		t->processes++;
		if (t->asked < TOGETHER_READ_MAX && !ask(t, PROBE_ASK_SMAPS, known))
			t->asked++;
	}
}

/* The largest process of the run in the cgroup whose processes have the most memory. */
static const struct known *largest(struct together *t)
{
	struct {
		uint64_t id, rss, processes;
		const struct known *largest;
	} groups[CGROUPS_MAX] = {0};
	size_t count = 0, most = 0, g;

	for (size_t i = find_place(t, &(struct together_key){.run = t->at.run}); i < t->count; i++) {
		const struct known *known = &t->all[i];

		if (known->key.run != t->at.run)
			break;
		for (g = 0; g < count && groups[g].id != known->cgroup;)
			g++;
		if (known->gone || g == CGROUPS_MAX)
			continue;
		count += g == count;
		groups[g].id = known->cgroup;
		groups[g].rss += known->rss;
		groups[g].processes++;
		if (!groups[g].largest || known->rss > groups[g].largest->rss)
			groups[g].largest = known;
		if (groups[g].rss > groups[most].rss)
			most = g;
	}
	t->cgroup_run_processes = groups[most].processes;
	return groups[most].largest;
}

static bool ask_total(struct together *t)
{
	const struct known *known = t->totalled ? NULL : largest(t);

	t->totalled = true;
	return known && !ask(t, PROBE_ASK_CGROUP, known);
}

/* From the next run on; false: that was the last. */
static bool next_run(struct together *t)
{
	size_t i = find_place(t, &(struct together_key){.run = t->at.run + 1});

	if (i == t->count || t->at.run == UINT32_MAX)
		return false;
	t->at = (struct together_key){.run = t->all[i].key.run};
	t->asked = t->processes = t->read = t->pss_bytes = 0;
	t->run_began = now();
	t->totalled = false;
	return true;
}

static void go_on(struct together *t)
{
	do {
		ask_some(t);
		if (t->flying || ask_total(t))
			return;
	} while (next_run(t));
	t->open = false;
}

static bool has_credit(struct together *t)
{
	uint64_t at = now();

	t->credit_ns += (int64_t)((at - t->credited_at) / TOGETHER_SHARE);
	t->credited_at = at;
	if (t->credit_ns > TOGETHER_CREDIT_NS)
		t->credit_ns = TOGETHER_CREDIT_NS;
	return t->credit_ns > 0;
}

void together__round(struct together *t)
{
	if (t->open || !t->changed || !has_credit(t))
		return;
	forget_gone(t);
	t->changed = false;
	t->open = true;
	t->began = t->sampled_at;
	t->at = (struct together_key){0};
	if (next_run(t))
		go_on(t);
	else
		t->open = false;
}

const struct event *together__answer(struct together *t, const struct probe_answer *answer, size_t *size)
{
	bool total = answer->ask->what == PROBE_ASK_CGROUP;
	const struct event *event;

	t->flying--;
	t->credit_ns -= answer->cost_ns < COST_MAX_NS ? answer->cost_ns : COST_MAX_NS;
	event = total ? take_total(t, answer, size) : take_pss(t, answer, size);
	go_on(t);
	return event;
}

struct together *together__new(const struct core_api *api)
{
	struct together *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->api = api;
	t->credit_ns = TOGETHER_CREDIT_NS;
	t->credited_at = now();
	return t;
}

void together__free(struct together *t)
{
	if (t)
		free(t->all);
	free(t);
}
