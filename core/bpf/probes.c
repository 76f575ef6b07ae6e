/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes the probes through their stages. */
#include "core/bpf/probes.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
#include "core/bpf/types.h"

/* Assigns a slot to a probe that samples or reports exits; others have none. */
static int take_slot(struct probe_unit *unit)
{
	const struct probe *probe = unit->probe;
	bool needed = probe->interval_ns;
	int slot = 0;

	for (size_t i = 0; i < probe->events_count; i++)
		needed |= probe->events[i].role == SCHEMA_EXIT;
	unit->slot = -1;
	if (!needed)
		return 0;
	for (size_t i = 0; i < unit->all->count; i++)
		if (unit->all->units[i]->slot >= slot)
			slot = unit->all->units[i]->slot + 1;
	if (slot >= SCOPE_SLOTS) {
		log__error("%s: at most %d probes that sample or report process exits can run at once", probe->name,
			   SCOPE_SLOTS);
		return -E2BIG;
	}
	unit->slot = slot;
	return 0;
}

/* The events that the configuration names, else all that are not off. */
static uint64_t configured_events(const struct conf_probe *conf)
{
	const struct schema_event *events = conf->probe->events;
	uint64_t bits = 0;

	for (size_t kind = 0; kind < conf->probe->events_count; kind++) {
		bool named = !conf->events.n && !(events[kind].flags & SCHEMA_OFF);

		for (size_t i = 0; i < conf->events.n && events[kind].name; i++)
			named |= !strcmp(conf->events.items[i], events[kind].name);
		bits |= (uint64_t)named << kind;
	}
	return bits;
}

/* Excludes the programs of events that are not recorded from the load. */
static void choose_programs(struct probe_unit *unit)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, *unit->bpf.skel->obj)
	{
		int kind = probe__kind_of(unit->probe, bpf_program__name(prog));

		if (kind >= 0 && !(unit->events >> kind & 1))
			bpf_program__set_autoload(prog, false);
	}
}

/* For the stream's header: what the probe lists as unavailable, and the events that are not recorded. */
static int list_unavailable(struct probe_unit *unit)
{
	const struct probe *probe = unit->probe;
	const char *const *own = probe->unavailable ? probe->unavailable(unit->state) : NULL;
	uint64_t configured = configured_events(unit->conf);
	size_t count = 0, n = 0;
	char *text;

	while (own && own[count])
		count++;
	unit->unavailable = calloc(count + probe->events_count + 1, sizeof(*unit->unavailable));
	unit->unrecorded = text = calloc(probe->events_count + 1, 128);
	if (!unit->unavailable || !text)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		unit->unavailable[n++] = own[i];
	for (size_t kind = 0; kind < probe->events_count; kind++, text += 128) {
		if ((configured | unit->events) >> kind & 1 || !probe->events[kind].name)
			continue;
		snprintf(text, 128, "%s: not recorded (probes.%s.events)", probe->events[kind].name, probe->name);
		unit->unavailable[n++] = text;
	}
	return 0;
}

static int open_object(struct probe_unit *unit)
{
	const struct probe *probe = unit->probe;
	size_t size = 0;
	const void *elf = probe->elf ? probe->elf(&size) : NULL;
	int err = bpf_unit__open(&unit->bpf, elf, size);

	if (!err && unit->slot >= 0)
		err = bpf__set(*unit->bpf.skel->obj, "scope_slot", &(__u32){unit->slot}, sizeof(__u32));
	if (!err && probe->open) {
		err = probe->open(&unit->api, unit->conf->conf, *unit->bpf.skel->obj, &unit->state);
		unit->opened = true;
	}
	return err;
}

static bool misses_count(void *arg, const char *program)
{
	const struct probe *probe = ((struct probe_unit *)arg)->probe;
	int kind = probe__kind_of(probe, program);

	return kind < 0 || (probe->events[kind].role != SCHEMA_EXIT && !(probe->events[kind].flags & SCHEMA_SPARSE));
}

static int open_unit(struct probe_unit *unit, int scope_fd)
{
	const struct probe *probe = unit->probe;
	int err;

	unit->settle = settle__new();
	unit->copy = malloc(PROBE_EVENT_MAX);
	if (!unit->settle || !unit->copy)
		return -ENOMEM;
	unit->bpf.misses_count = misses_count;
	err = open_object(unit);
	if (err)
		return err;
	choose_programs(unit);
	err = list_unavailable(unit);
	if (!err)
		err = bpf_unit__share(&unit->bpf, scope_fd, unit->conf->ring);
	if (!err)
		err = bpf_unit__load(&unit->bpf, probe_unit__take, unit);
	if (!err && probe->loaded)
		err = probe->loaded(&unit->api, *unit->bpf.skel->obj, unit->state);
	return err;
}

static void close_unit(struct probe_unit *unit)
{
	bpf_unit__close(&unit->bpf);
	if (unit->opened && unit->probe->close)
		unit->probe->close(unit->state);
	bpf_unit__destroy(&unit->bpf);
	settle__free(unit->settle);
	free(unit->unavailable);
	free(unit->unrecorded);
	free(unit->copy);
	free(unit);
}

/* Removes a probe that failed. Returns `err` if it is required, else 0. */
static int leave_out(struct probes *probes, size_t i, int err)
{
	struct probe_unit *unit = probes->units[i];
	bool required = unit->conf->required;

	if (required)
		log__error("%s: required probe cannot run: %s", unit->probe->name, strerror(-err));
	else
		log__warn("%s: cannot run: %s; continuing without this probe", unit->probe->name, strerror(-err));
	close_unit(unit);
	probes->count--;
	memmove(&probes->units[i], &probes->units[i + 1], (probes->count - i) * sizeof(probes->units[0]));
	for (; i < probes->count; i++)
		probes->units[i]->index = i;
	return required ? err : 0;
}

/* Calls open() in a child process first: if it crashes, nothing has been started yet. */
static int rehearse(struct probe_unit *unit)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		struct rlimit no_core = {};

		setrlimit(RLIMIT_CORE, &no_core);
		dup2(null, STDERR_FILENO); /* the second open() logs the same messages */
		if (!open_object(unit) && unit->probe->close)
			unit->probe->close(unit->state);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFSIGNALED(status))
		return 0;
	log__error("%s: open() crashed: signal %d (%s)", unit->probe->name, WTERMSIG(status),
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
	unit->events = configured_events(conf);
	unit->bpf.name = conf->probe->name;
	unit->api = (struct core_api){
		.size = sizeof(unit->api),
		.events = &unit->events,
		.set = bpf__set,
		.has_helper = bpf__has_helper,
		.has_type = bpf__has_type,
		.tracepoint_args = bpf__tracepoint_args,
		.has_function = hook__has_function,
		.log = log__print,
	};
	err = take_slot(unit);
	probes->units[probes->count++] = unit;
	if (!err)
		err = rehearse(unit);
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
		log__error("no probe can run");
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
