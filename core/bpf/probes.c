/* SPDX-License-Identifier: BSD-2-Clause */
/* The stage driver. */
#include "core/bpf/probes.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/bpf/hook.h"
#include "core/bpf/settle.h"
#include "core/config/config.h"
#include "core/scope.h"

#define EVENT_MAX 65536 /* what travels through a ring at once */

struct probes {
	struct probe_unit **units; /* in order; their addresses are the rings' arguments */
	size_t count;
	probes_event event;
	void *arg;
};

static void publish(void *arg, const struct event *event, size_t size)
{
	struct probe_unit *unit = arg;

	unit->all->event(unit->all->arg, unit, event, size);
}

/* What was held back is told now that nothing better will come: a record in the order of its stream. When
 * the process ended is in its lifecycle's exit. */
static void publish_settled(void *arg, struct event *event, size_t size)
{
	event->ts = clock__boot();
	publish(arg, event, size);
}

/* The size of the event that begins at `piece`; 0: it is none of this probe's. */
static size_t size_of(void *arg, const void *piece)
{
	const struct probe_unit *unit = arg;
	const struct event *event = piece;

	return event && event->kind < unit->probe->events_count ? unit->probe->events[event->kind].size : 0;
}

static bool is_known(const struct probe_unit *unit, const struct event *event, size_t size)
{
	if (size < sizeof(*event) || size > EVENT_MAX)
		return false;
	return event->kind >= EVENT_KIND_INTERNAL ? unit->probe->event != NULL : size >= size_of((void *)unit, event);
}

static void on_event(void *arg, const void *data, size_t size)
{
	struct probe_unit *unit = arg;
	const struct event *event = data;

	if (!is_known(unit, event, size))
		return;
	if (unit->probe->event) {
		memcpy(unit->copy, data, size);
		event = unit->probe->event(unit->state, (struct event *)unit->copy, &size);
		if (!event || event->kind >= unit->probe->events_count)
			return;
	}
	if (event->flags & EVENT_PROVISIONAL) {
		if (!settle__hold(unit->settle, event, size))
			return;
		/* No memory to hold it: better early than never. */
	} else if (settle__count(unit->settle)) {
		settle__drop(unit->settle, event);
	}
	publish(unit, event, size);
}

static int open_unit(struct probe_unit *unit, int scope_fd)
{
	const struct probe *probe = unit->probe;
	int err;

	unit->settle = settle__new();
	unit->copy = malloc(EVENT_MAX);
	if (!unit->settle || !unit->copy)
		return -ENOMEM;
	unit->bpf.name = probe->name;
	unit->bpf.ends_counted = probe->end_event != NULL;
	err = probe->open(&unit->api, unit->conf->conf, &unit->bpf.skel, &unit->state);
	if (err) {
		unit->bpf.skel = NULL;
		return err;
	}
	err = bpf_unit__share(&unit->bpf, scope_fd, unit->conf->ring);
	if (!err)
		err = bpf_unit__load(&unit->bpf, on_event, unit);
	if (!err && probe->loaded)
		err = probe->loaded(unit->state);
	return err;
}

static void close_unit(struct probe_unit *unit)
{
	if (unit->bpf.skel) {
		bpf_unit__close(&unit->bpf);
		unit->probe->close(unit->state);
		unit->bpf.skel = NULL;
	}
	settle__free(unit->settle);
	free(unit->copy);
	free(unit);
}

/* A probe that failed: the start stops if it is required, else the rest goes on without it. */
static int leave_out(struct probes *probes, size_t i, int err)
{
	struct probe_unit *unit = probes->units[i];
	bool required = unit->conf->required;

	if (required)
		log__error("%s: it is required and cannot run: %s", unit->probe->name, strerror(-err));
	else
		log__warn("%s: left out, it cannot run here: %s; the rest goes on", unit->probe->name, strerror(-err));
	close_unit(unit);
	probes->count--;
	memmove(&probes->units[i], &probes->units[i + 1], (probes->count - i) * sizeof(probes->units[0]));
	for (; i < probes->count; i++)
		probes->units[i]->index = i;
	return required ? err : 0;
}

/* A plugin may crash in its open(). It does so in a child first, while nothing has been started yet. */
static int rehearse(struct probe_unit *unit)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		struct bpf_object_skeleton *skel;
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		struct rlimit no_core = {};
		void *state;

		setrlimit(RLIMIT_CORE, &no_core);
		dup2(null, STDERR_FILENO); /* what it has to say, it says in the real one */
		if (!unit->probe->open(&unit->api, unit->conf->conf, &skel, &state))
			unit->probe->close(state);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFSIGNALED(status))
		return 0;
	log__error("%s: its open() crashed: signal %d (%s)", unit->probe->name, WTERMSIG(status),
		   strsignal(WTERMSIG(status)));
	return -EFAULT;
}

static int add_unit(struct probes *probes, const struct conf_probe *conf, int scope_fd)
{
	struct probe_unit *unit = calloc(1, sizeof(*unit));
	int err;

	if (!unit)
		return -ENOMEM;
	unit->conf = conf;
	unit->probe = conf->probe;
	unit->all = probes;
	unit->index = probes->count;
	unit->api = (struct core_api){
		.size = sizeof(unit->api),
		.bpf_opts = bpf__open_opts(),
		.scope_slot = unit->index,
		.has_helper = bpf__has_helper,
		.has_type = bpf__has_type,
		.tracepoint_args = bpf__tracepoint_args,
		.log = log__print,
		.has_function = hook__has_function,
	};
	probes->units[probes->count++] = unit;
	if (unit->index >= SCOPE_SLOTS) {
		log__error("%s: no more than %d probes can run at once", unit->probe->name, SCOPE_SLOTS);
		err = -E2BIG;
	} else {
		err = rehearse(unit);
	}
	if (!err)
		err = open_unit(unit, scope_fd);
	return err ? leave_out(probes, unit->index, err) : 0;
}

int probes__open(struct probes **out, const struct conf_probe *conf, size_t count, int scope_fd, probes_event event,
		 void *arg)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	int err = 0;

	if (!probes)
		return -ENOMEM;
	probes->event = event;
	probes->arg = arg;
	probes->units = calloc(count + 1, sizeof(probes->units[0]));
	if (!probes->units)
		err = -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = add_unit(probes, &conf[i], scope_fd);
	if (!err && !probes->count) {
		log__error("no probe can run: there is nothing to watch with");
		err = -ENOENT;
	}
	if (err)
		probes__close(probes);
	else
		*out = probes;
	return err;
}

int probes__attach(struct probes *probes)
{
	for (size_t i = 0; i < probes->count;) {
		size_t before = probes->count;
		int err = bpf_unit__attach(&probes->units[i]->bpf, NULL, NULL);

		if (err)
			err = leave_out(probes, i, err);
		if (err)
			return err;
		i += probes->count == before;
	}
	return probes->count ? 0 : -ENOENT;
}

size_t probes__count(const struct probes *probes)
{
	return probes->count;
}

struct probe_unit *probes__unit(struct probes *probes, size_t i)
{
	return probes->units[i];
}

int probe_unit__kind(const struct probe_unit *unit, const char *name)
{
	const struct schema_event *events = unit->probe->events;

	for (size_t i = 0; name && i < unit->probe->events_count; i++)
		if (events[i].name && !strcmp(events[i].name, name))
			return i;
	return -1;
}

void probe_unit__drain(struct probe_unit *unit)
{
	bpf_unit__drain(&unit->bpf);
}

void probe_unit__sample(struct probe_unit *unit)
{
	int err = bpf_unit__sample(&unit->bpf, size_of);

	if (err)
		log__warn("%s: cannot take a sample: %s", unit->probe->name, strerror(-err));
}

void probe_unit__alive(struct probe_unit *unit, const struct probe_process *process)
{
	const struct event *event;
	size_t size;

	if (!unit->probe->alive)
		return;
	event = unit->probe->alive(unit->state, process, &size);
	if (event)
		publish(unit, event, size);
}

void probe_unit__settle(struct probe_unit *unit, uint32_t pid, uint64_t start)
{
	settle__give(unit->settle, pid, start, publish_settled, unit);
}

void probe_unit__losses(struct probe_unit *unit, bool misses,
			void (*loss)(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause),
			void *arg)
{
	for (int kind = 0; kind < BPF_UNIT_KINDS; kind++) {
		uint64_t now = unit->bpf.lost[kind], moved = now - unit->lost_seen[kind];

		unit->lost_seen[kind] = now;
		if (moved)
			loss(arg, unit, kind, moved, "ring_full");
	}
	if (misses) {
		uint64_t moved = bpf_unit__new_misses(&unit->bpf);

		if (moved)
			loss(arg, unit, -1, moved, "recursion");
	}
}

void probes__close(struct probes *probes)
{
	if (!probes)
		return;
	while (probes->count) {
		struct probe_unit *unit = probes->units[--probes->count];

		close_unit(unit);
	}
	free(probes->units);
	free(probes);
}
