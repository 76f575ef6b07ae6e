/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes the probes through their stages. */
#include "core/bpf/probes.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/bpf/hook.h"
#include "core/bpf/scope_map.h"
#include "core/bpf/settle.h"
#include "core/bpf/syscall.h"
#include "core/bpf/types.h"
#include "core/config/config.h"
#include "core/scope.h"

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

	if (!err)
		err = bpf__set(*unit->bpf.skel->obj, "exit_is_marked", &(bool){scope__kernel_marks_last_thread()},
			       sizeof(bool));
	if (!err && unit->api.only_user)
		err = bpf__set(*unit->bpf.skel->obj, "only_user", unit->api.only_user, sizeof(__u32));
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
	int err;

	unit->settle = settle__new();
	unit->copy = malloc(PROBE_EVENT_MAX);
	if (!unit->settle || !unit->copy)
		return -ENOMEM;
	unit->bpf.misses_count = misses_count;
	unit->bpf.event = probe_unit__take;
	unit->bpf.arg = unit;
	err = open_object(unit);
	if (err)
		return err;
	choose_programs(unit);
	err = list_unavailable(unit);
	return err ? err : bpf_unit__share(&unit->bpf, scope_fd, unit->conf->ring);
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

struct rehearsal {
	struct probes *probes;
	int scope_fd;
};

static void rehearse_open(void *arg, size_t i)
{
	struct rehearsal *rehearsal = arg;
	struct probe_unit *unit = rehearsal->probes->units[i];

	if (!open_unit(unit, rehearsal->scope_fd) && unit->probe->close)
		unit->probe->close(unit->state);
}

/* Opens all probes in a child process first: if open() or the parsing of a damaged object crashes or hangs, nothing has
 * been started yet. */
static int rehearse_all(struct probes *probes, int scope_fd)
{
	struct rehearsal rehearsal = {probes, scope_fd};
	int result, err = 0;
	char fault[128];
	size_t at = 0;

	while (!err && (result = rehearse__from(rehearse_open, &rehearsal, &at, probes->count))) {
		log__error("%s: open() %s", probes->units[at]->probe->name,
			   rehearse__fault(result, fault, sizeof(fault)));
		if (result > 0 || result == -ETIME || result == -ECHILD)
			err = leave_out(probes, at, result < 0 ? result : -EFAULT);
		else
			err = result;
	}
	return err;
}

static struct probe_unit *unit_of(const struct core_api *api)
{
	return (struct probe_unit *)((char *)api - offsetof(struct probe_unit, api));
}

static int ask(const struct core_api *api, const struct probe_ask *ask)
{
	struct probe_unit *unit = unit_of(api);

	return unit->probe->answer && unit->all->calls.ask ? unit->all->calls.ask(unit->all->arg, unit, ask) : -EINVAL;
}

static int run(const struct core_api *api, const char *program)
{
	return probe_unit__run(unit_of(api), program);
}

static int add_unit(struct probes *probes, const struct conf_probe *conf)
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
	unit->bpf.on_demand = conf->probe->on_demand;
	unit->api = (struct core_api){
		.size = sizeof(unit->api),
		.events = &unit->events,
		.set = bpf__set,
		.has_helper = bpf__has_helper,
		.has_type = bpf__has_type,
		.tracepoint_args = bpf__tracepoint_args,
		.has_function = hook__has_function,
		.log = log__print,
		.only_user = probes->limits.only_user,
		.lent = probes->limits.lent,
		.ask = ask,
		.run = run,
		.syscall_name = syscall__name,
		.stack_bytes = bpf__stack_bytes,
	};
	err = take_slot(unit);
	probes->units[probes->count++] = unit;
	return err ? leave_out(probes, unit->index, err) : 0;
}

/* Takes every probe through one stage; those that fail are left out. */
static int each_unit(struct probes *probes, int (*stage)(struct probe_unit *unit, int arg), int arg)
{
	for (size_t i = 0; i < probes->count;) {
		int err = stage(probes->units[i], arg);

		if (!err)
			i++;
		else if ((err = leave_out(probes, i, err)))
			return err;
	}
	if (probes->count)
		return 0;
	log__error("no probe can run");
	return -ENOENT;
}

int probes__open(struct probes **out, const struct conf_probe *conf, size_t count, int scope_fd,
		 const struct probes_limits *limits, const struct probes_calls *calls, void *arg)
{
	struct probes *probes = calloc(1, sizeof(*probes));
	int err = 0;

	if (probes)
		probes->units = calloc(count + 1, sizeof(probes->units[0]));
	if (!probes || !probes->units) {
		log__error("no memory for the probes");
		free(probes);
		return -ENOMEM;
	}
	if (limits)
		probes->limits = *limits;
	probes->calls = *calls;
	probes->arg = arg;
	for (size_t i = 0; i < count && !err; i++)
		err = add_unit(probes, &conf[i]);
	if (!err)
		err = rehearse_all(probes, scope_fd);
	if (!err)
		err = each_unit(probes, open_unit, scope_fd);
	if (err)
		probes__close(probes);
	else
		*out = probes;
	return err;
}

static int loaded(struct probe_unit *unit, int arg)
{
	const struct probe *probe = unit->probe;

	(void)arg;
	if (unit->bpf.err || !probe->loaded)
		return unit->bpf.err;
	return probe->loaded(&unit->api, *unit->bpf.skel->obj, unit->state);
}

int probes__load(struct probes *probes, struct bpf_unit *core)
{
	struct bpf_unit **units = calloc(probes->count + 1, sizeof(*units));
	size_t count = 0;

	if (!units) {
		log__error("no memory to load the probes");
		return -ENOMEM;
	}
	if (core)
		units[count++] = core;
	for (size_t i = 0; i < probes->count; i++)
		units[count++] = &probes->units[i]->bpf;
	bpf_units__load(units, count);
	free(units);
	return core && core->err ? core->err : each_unit(probes, loaded, 0);
}

static int attach(struct probe_unit *unit, int reports_exec)
{
	if (reports_exec != (probe_unit__role(unit, SCHEMA_EXEC) >= 0))
		return 0;
	return bpf_unit__attach(&unit->bpf, NULL, NULL);
}

/* Programs at one hook run in the order in which they were attached. What others say of the program that an exec
 * replaces has an earlier time than the exec. */
int probes__attach(struct probes *probes)
{
	int err = each_unit(probes, attach, false);

	return err ? err : each_unit(probes, attach, true);
}

size_t probes__count(const struct probes *probes)
{
	return probes->count;
}

struct probe_unit *probes__unit(struct probes *probes, size_t i)
{
	return probes->units[i];
}

void probes__cut(struct probes *probes, uint64_t ts)
{
	probes->cut_at = ts;
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
