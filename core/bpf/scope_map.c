/* SPDX-License-Identifier: BSD-2-Clause */
/* The scope, from user space. */
#include "core/bpf/scope_map.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/bpf/hook.h"
#include "core/bpf/object.h"
#include "core/bpf/scope.skel.h"
#include "core/log.h"
#include "core/bpf/types.h"

/* An entry whose process a scan did not find, and the time of the first such scan. */
struct missing {
	struct scope_key key;
	uint64_t since;
};

struct scope {
	struct scope_bpf *skel;
	struct bpf_unit unit;
	int map_fd;
	void (*seen)(void *arg, const struct scope_process *process); /* of the scan under way */
	void (*note)(void *arg, const struct scope_note *note);	      /* of the drain under way */
	void *arg;
	int entered, no_room; /* in this iteration of it */
	uint64_t existing_full;
	struct missing *missing;
	size_t missing_count;
};

static void on_event(void *arg, const void *event, size_t size)
{
	struct scope *scope = arg;

	if (scope->note) {
		if (size >= sizeof(struct scope_note))
			scope->note(scope->arg, event);
		return;
	}
	scope->entered += ((const struct scope_process *)event)->entered;
	scope->no_room += ((const struct scope_process *)event)->no_room;
	if (scope->seen)
		scope->seen(scope->arg, event);
}

/* Of the exec program, for its rules. Adoption does not depend on it, as fork programs are never skipped, and missed
 * exits are counted exactly. */
static bool misses_count(void *arg, const char *program)
{
	(void)arg;
	return !strncmp(program, "scope_exec", strlen("scope_exec"));
}

bool scope__kernel_marks_last_thread(void)
{
	return bpf__tracepoint_args("sched_process_exit") > 1;
}

bool scope__has_classic(void)
{
	return hook__has_classic("sched/sched_process_exit");
}

int scope__open(struct scope **out, const struct scope_opts *opts)
{
	struct scope *scope = calloc(1, sizeof(*scope));
	bool marks_last = scope__kernel_marks_last_thread();
	int err = -ENOMEM;

	if (!scope)
		return err;
	scope->map_fd = -1;
	scope->skel = scope_bpf__open_opts(bpf__open_opts());
	if (!scope->skel) {
		err = -errno;
		log__error("cannot open the scope's BPF object: %s", strerror(errno));
		goto out;
	}
	scope->unit.name = "core";
	scope->unit.skel = scope->skel->skeleton;
	scope->unit.misses_count = misses_count;
	scope->unit.event = on_event;
	scope->unit.arg = scope;
	bpf_program__set_autoload(scope->skel->progs.scope_exit, !marks_last);
	scope->skel->rodata->use_ended = !marks_last;
	scope->skel->rodata->all_run = opts->all_run;
	scope->skel->rodata->by_rules = opts->by_rules;
	bpf_map__set_max_entries(scope->skel->maps.ended, marks_last ? 1 : opts->max_processes);
	scope->map_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "scope", sizeof(struct scope_key), sizeof(struct scope_entry),
				       opts->max_processes, NULL);
	if (scope->map_fd < 0) {
		bool forbidden = errno == EPERM || errno == EACCES;

		err = -errno;
		log__error("cannot create the scope map: %s%s%s", strerror(-err), forbidden ? "; " : "",
			   forbidden ? bpf__forbidden() : "");
		goto out;
	}
	err = bpf_unit__share(&scope->unit, scope->map_fd, SCOPE_RING_BYTES);
out:
	if (err)
		scope__close(scope);
	else
		*out = scope;
	return err;
}

struct bpf_unit *scope__unit(struct scope *scope)
{
	return &scope->unit;
}

int scope__attach_first(struct scope *scope)
{
	return bpf_unit__attach(&scope->unit, NULL, "scope_free");
}

int scope__attach_last(struct scope *scope)
{
	return bpf_unit__attach(&scope->unit, "scope_free", NULL);
}

int scope__map_fd(const struct scope *scope)
{
	return scope->map_fd;
}

int scope__ring_fd(const struct scope *scope)
{
	return scope->unit.ring_fd;
}

static int runs_fd(const struct scope *scope)
{
	return bpf_map__fd(scope->skel->maps.runs);
}

int scope__open_run(struct scope *scope, uint32_t number)
{
	struct scope_run run = {};

	return bpf_map_update_elem(runs_fd(scope), &number, &run, BPF_NOEXIST) ? -errno : 0;
}

int scope__close_run(struct scope *scope, uint32_t number)
{
	struct scope_run run;

	if (bpf_map_lookup_elem(runs_fd(scope), &number, &run))
		return -errno;
	/* This may overwrite a concurrent update of the counts, which do not matter for a closed run. */
	run.closed = 1;
	return bpf_map_update_elem(runs_fd(scope), &number, &run, BPF_EXIST) ? -errno : 0;
}

/* Calls visit() with the key of every entry of a map with these keys, which it may delete. It gets the key only, as each
 * lookup costs: during a map system call the kernel runs no classic tracepoint program on that CPU. */
static void each_entry(int fd, void (*visit)(void *arg, const struct scope_key *), void *arg)
{
	struct scope_key key, next;
	bool more = !bpf_map_get_next_key(fd, NULL, &next);

	while (more) {
		key = next;
		more = !bpf_map_get_next_key(fd, &key, &next);
		visit(arg, &key);
	}
}

struct forget {
	struct scope *scope;
	uint32_t run;
	size_t count;
};

static void forget_one(void *arg, const struct scope_key *key)
{
	struct forget *f = arg;
	int fd = scope__map_fd(f->scope);
	struct scope_entry w;

	if (!bpf_map_lookup_elem(fd, key, &w) && w.run == f->run && !bpf_map_delete_elem(fd, key))
		f->count++;
}

void scope__forget_run(struct scope *scope, uint32_t number)
{
	struct forget f = {.scope = scope, .run = number};

	scope__close_run(scope, number);
	each_entry(scope__map_fd(scope), forget_one, &f);
	bpf_map_delete_elem(runs_fd(scope), &number);
}

bool scope__works(const struct scope *scope)
{
	uint32_t none = 0;
	struct scope_run run;

	return !bpf_map_lookup_elem(runs_fd(scope), &none, &run) || errno == ENOENT;
}

uint64_t scope__alive(struct scope *scope, uint32_t number)
{
	struct scope_run run;

	if (bpf_map_lookup_elem(runs_fd(scope), &number, &run))
		return 0;
	return run.entered - run.left;
}

uint64_t scope__entered(struct scope *scope, uint32_t number)
{
	struct scope_run run;

	return bpf_map_lookup_elem(runs_fd(scope), &number, &run) ? 0 : run.entered;
}

void scope__expect_exit(struct scope *scope, uint32_t slot)
{
	scope->skel->bss->exit_reporters |= (uint64_t)SCOPE_REPORTED << 8 * slot;
}

uint64_t scope__unreported(const struct scope *scope, uint32_t slot)
{
	return scope->skel->bss->unreported[slot];
}

void scope__launch(struct scope *scope, pid_t launcher, uint32_t run)
{
	struct stat ns = {0};

	if (run && stat("/proc/self/ns/pid", &ns))
		log__warn("/proc/self/ns/pid: %s; the command is not watched in a PID namespace", strerror(errno));
	scope->skel->bss->launcher_ns = ns.st_ino ? ns.st_ino : PID_NS_INITIAL;
	scope->skel->bss->launch_run = run;
	scope->skel->bss->launcher = run ? launcher : 0;
}

static struct scope_rule_key rule_key(enum scope_rule_kind kind, const char *prefix, size_t length)
{
	struct scope_rule_key key = {.kind = kind};

	if (length > SCOPE_TEXT)
		length = SCOPE_TEXT;
	memcpy(key.text, prefix, length);
	key.bits = 8 + 8 * length;
	return key;
}

int scope__rule(struct scope *scope, enum scope_rule_kind kind, const char *prefix, size_t length)
{
	struct scope_rule_key key = rule_key(kind, prefix, length);
	uint32_t value = kind;

	return bpf_map_update_elem(bpf_map__fd(scope->skel->maps.rules), &key, &value, BPF_ANY) ? -errno : 0;
}

void scope__unrule(struct scope *scope, enum scope_rule_kind kind, const char *prefix, size_t length)
{
	struct scope_rule_key key = rule_key(kind, prefix, length);

	bpf_map_delete_elem(bpf_map__fd(scope->skel->maps.rules), &key);
}

void scope__set_kinds(struct scope *scope, uint32_t kinds)
{
	scope->skel->bss->rule_kinds = kinds;
}

int scope__want(struct scope *scope, uint32_t pid, uint32_t run)
{
	return bpf_map_update_elem(bpf_map__fd(scope->skel->maps.wanted), &pid, &run, BPF_ANY) ? -errno : 0;
}

static size_t size_of_process(void *arg, const void *event)
{
	(void)arg;
	return event ? sizeof(struct scope_process) : 0;
}

int scope__scan(struct scope *scope, bool enter, void (*seen)(void *arg, const struct scope_process *), void *arg)
{
	int err, entered = 0;

	scope->seen = seen;
	scope->arg = arg;
	scope->skel->bss->scan_enters = enter;
	do {
		scope->entered = scope->no_room = 0;
		err = bpf_unit__sample(&scope->unit, size_of_process);
		entered += scope->entered;
	} while (!err && scope->entered);
	scope->existing_full += scope->no_room;
	scope->skel->bss->scan_enters = false;
	scope->seen = NULL;
	return err ? err : entered;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct scope_key));
}

/* The state of a sweep: the processes that exist, and the entries without one. */
struct sweep {
	struct scope *scope;
	struct scope_key *found;
	size_t found_count, found_room;
	struct missing *missing;
	size_t missing_count, missing_room;
	uint64_t now, apart;
	void (*gone)(void *arg, const struct scope_key *key, const struct scope_entry *w);
	void *arg;
	int count, err;
};

static void *grown(void *array, size_t *room, size_t count, size_t size, int *err)
{
	void *more;

	if (count < *room)
		return array;
	more = reallocarray(array, *room ? *room * 2 : 256, size);
	if (!more) {
		*err = -ENOMEM;
		return array;
	}
	*room = *room ? *room * 2 : 256;
	return more;
}

static void note_found(void *arg, const struct scope_process *p)
{
	struct sweep *s = arg;

	if (!p->run)
		return;
	s->found = grown(s->found, &s->found_room, s->found_count, sizeof(*s->found), &s->err);
	if (!s->err)
		s->found[s->found_count++] = (struct scope_key){.pid = p->pid, .start = p->start};
}

static uint64_t missing_since(const struct sweep *s, const struct scope_key *key)
{
	const struct scope *scope = s->scope;

	for (size_t i = 0; i < scope->missing_count; i++)
		if (!compare_keys(&scope->missing[i].key, key))
			return scope->missing[i].since;
	return s->now;
}

/* Whether this process no longer exists, by two scans. */
static bool is_gone(struct sweep *s, const struct scope_key *key)
{
	uint64_t since;

	if (s->err || (s->found_count && bsearch(key, s->found, s->found_count, sizeof(*key), compare_keys)))
		return false;
	since = missing_since(s, key);
	if (s->now - since >= s->apart && s->now != since)
		return true;
	s->missing = grown(s->missing, &s->missing_room, s->missing_count, sizeof(*s->missing), &s->err);
	if (!s->err)
		s->missing[s->missing_count++] = (struct missing){.key = *key, .since = since};
	return false;
}

static void sweep_one(void *arg, const struct scope_key *key)
{
	struct sweep *s = arg;
	int fd = scope__map_fd(s->scope);
	struct scope_entry w;

	if (is_gone(s, key) && !bpf_map_lookup_elem(fd, key, &w) && !bpf_map_delete_elem(fd, key)) {
		s->count++;
		s->gone(s->arg, key, &w);
	}
}

/* The same for a process that had no room: its exit is lost, in all streams. */
static void sweep_refused(void *arg, const struct scope_key *key)
{
	struct sweep *s = arg;
	int fd = bpf_map__fd(s->scope->skel->maps.refused);
	struct scope_entry w = {0};

	if (is_gone(s, key) && !bpf_map_lookup_elem(fd, key, &w.run) && !bpf_map_delete_elem(fd, key)) {
		memset(w.reported, SCOPE_REPORTED, sizeof(w.reported)); /* counted here */
		__atomic_fetch_add(&s->scope->skel->bss->refused_count[SCOPE_REFUSED_EXIT], 1, __ATOMIC_RELAXED);
		s->count++;
		s->gone(s->arg, key, &w);
	}
}

int scope__sweep(struct scope *scope, uint64_t apart_ns,
		 void (*gone)(void *arg, const struct scope_key *, const struct scope_entry *), void *arg)
{
	struct sweep s = {.scope = scope, .now = clock__boot(), .apart = apart_ns, .gone = gone, .arg = arg};
	int err = scope__scan(scope, false, note_found, &s);

	if (err >= 0 && !s.err) {
		/* The scan may miss a process that enters while it runs: remove only entries missed twice. */
		if (s.found_count)
			qsort(s.found, s.found_count, sizeof(*s.found), compare_keys);
		each_entry(scope__map_fd(scope), sweep_one, &s);
		if (scope->skel->bss->refused_count[SCOPE_REFUSED_FORK])
			each_entry(bpf_map__fd(scope->skel->maps.refused), sweep_refused, &s);
		free(scope->missing);
		scope->missing = s.missing;
		scope->missing_count = s.missing_count;
		s.missing = NULL;
	}
	free(s.found);
	free(s.missing);
	return err < 0 ? err : s.err ? s.err : s.count;
}

size_t scope__missing(const struct scope *scope)
{
	return scope->missing_count;
}

int scope__notes(struct scope *scope, void (*note)(void *arg, const struct scope_note *), void *arg)
{
	int n;

	scope->note = note;
	scope->arg = arg;
	n = bpf_unit__drain(&scope->unit);
	scope->note = NULL;
	return n;
}

uint64_t scope__full(const struct scope *scope)
{
	return scope->skel->bss->scope_full + scope->existing_full;
}

uint64_t scope__refused(const struct scope *scope, enum scope_refused what)
{
	return scope->skel->bss->refused_count[what];
}

uint64_t scope__adopted(const struct scope *scope)
{
	return scope->skel->bss->adopted;
}

uint64_t scope__new_misses(struct scope *scope)
{
	return scope->skel->bss->rule_kinds ? bpf_unit__new_misses(&scope->unit) : 0;
}

void scope__close(struct scope *scope)
{
	if (!scope)
		return;
	bpf_unit__close(&scope->unit);
	scope_bpf__destroy(scope->skel);
	if (scope->map_fd >= 0)
		close(scope->map_fd);
	free(scope->missing);
	free(scope);
}
