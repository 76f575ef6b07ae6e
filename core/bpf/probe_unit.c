/* SPDX-License-Identifier: BSD-2-Clause */
/* One running probe: its events from the kernel to its stream, and lost events. */
#include <errno.h>
#include <string.h>

#include "core/base/base.h"
#include "core/bpf/probes.h"
#include "core/bpf/settle.h"
#include "core/config/config.h"
#include "core/log.h"

/* ---- its tables ---- */

int probe__kind_of(const struct probe *probe, const char *program)
{
	size_t length = strlen(probe->name), best = 0;
	int kind = -1;

	if (strncmp(program, probe->name, length) || program[length] != '_')
		return -1;
	program += length + 1;
	for (size_t i = 0; i < probe->events_count; i++) {
		const char *event = probe->events[i].name;

		length = event ? strlen(event) : 0;
		if (length <= best || strncmp(program, event, length) || (program[length] && program[length] != '_'))
			continue;
		best = length;
		kind = i;
	}
	return kind;
}

int probe_unit__role(const struct probe_unit *unit, enum schema_role role)
{
	for (size_t i = 0; i < unit->probe->events_count; i++)
		if (unit->probe->events[i].role == role && unit->events >> i & 1)
			return i;
	return -1;
}

bool probe_unit__samples(const struct probe_unit *unit)
{
	return unit->conf->interval && unit->bpf.samplers_count;
}

/* ---- events ---- */

static void publish(void *arg, const struct event *event, size_t size)
{
	struct probe_unit *unit = arg;

	if (event->kind < unit->probe->events_count && !(unit->events >> event->kind & 1))
		return; /* a program that outputs two kinds of events, of which only the other is recorded */
	unit->all->calls.event(unit->all->arg, unit, event, size);
}

/* A provisional event that no final one will replace. The current time keeps the stream in order; the time of the
 * exit is in a field of the event. */
static void publish_settled(void *arg, struct event *event, size_t size)
{
	event->ts = clock__boot();
	publish(arg, event, size);
}

size_t probe_unit__size_of(void *arg, const void *data)
{
	const struct probe_unit *unit = arg;
	const struct event *event = data;

	return event && event->kind < unit->probe->events_count ? unit->probe->events[event->kind].size : 0;
}

/* Whether these bytes are a valid event of the probe, or one internal to it. */
static bool is_known(struct probe_unit *unit, const struct event *event, size_t size, bool internal)
{
	size_t least;

	if (size < sizeof(*event))
		return false;
	if (event->kind >= EVENT_KIND_INTERNAL)
		return internal;
	least = probe_unit__size_of(unit, event);
	return least && size >= least;
}

/* An event of the probe's own making, or NULL. */
static void publish_own(struct probe_unit *unit, const struct event *event, size_t size, uint32_t run)
{
	if (event && (!is_known(unit, event, size, false) || event->run != run))
		unit->invalid++;
	else if (event)
		publish(unit, event, size);
}

/* Passes an event to the probes that look at those of others. */
static void show(struct probe_unit *unit, const struct event *event, size_t size)
{
	for (size_t i = 0; i < unit->all->count; i++) {
		struct probe_unit *other = unit->all->units[i];
		const struct event *made;
		size_t made_size = size;

		if (other == unit || !other->probe->seen)
			continue;
		made = other->probe->seen(other->state, &unit->probe->events[event->kind], event, &made_size);
		publish_own(other, made, made_size, event->run);
	}
}

void probe_unit__take(void *arg, const void *data, size_t size)
{
	struct probe_unit *unit = arg;
	const struct event *event = data;
	bool known = size <= PROBE_EVENT_MAX && is_known(unit, event, size, unit->probe->event);

	if (known && unit->probe->event) {
		uint32_t run = event->run;

		memcpy(unit->copy, data, size);
		event = unit->probe->event(unit->state, (struct event *)unit->copy, &size);
		if (!event)
			return;
		known = is_known(unit, event, size, false) && event->run == run;
	}
	if (!known) {
		unit->invalid++;
		return;
	}
	if (unit->all->cut_at && event->ts > unit->all->cut_at)
		return;
	if (event->flags & EVENT_PROVISIONAL) {
		if (!settle__hold(unit->settle, event, size))
			return;
		/* No memory to hold it: publish it now. */
	} else if (settle__count(unit->settle)) {
		settle__drop(unit->settle, event);
	}
	publish(unit, event, size);
	if (unit->probe->events[event->kind].flags & SCHEMA_SHOWN)
		show(unit, event, size);
}

void probe_unit__drain(struct probe_unit *unit)
{
	bpf_unit__drain(&unit->bpf);
}

void probe_unit__sample(struct probe_unit *unit)
{
	int err = bpf_unit__sample(&unit->bpf, probe_unit__size_of);

	if (err)
		log__warn("%s: cannot sample: %s", unit->probe->name, strerror(-err));
	if (unit->probe->sampled)
		unit->probe->sampled(unit->state);
}

int probe_unit__run(struct probe_unit *unit, const char *program)
{
	return bpf_unit__run(&unit->bpf, program, probe_unit__size_of);
}

void probe_unit__existing(struct probe_unit *unit, const struct probe_process *process)
{
	const struct event *event;
	size_t size = 0;

	if (!unit->probe->existing)
		return;
	event = unit->probe->existing(unit->state, process, &size); /* sets `size` before it is passed on */
	publish_own(unit, event, size, process->run);
}

void probe_unit__answer(struct probe_unit *unit, const struct probe_answer *answer)
{
	size_t size = 0;
	const struct event *event = unit->probe->answer(unit->state, answer, &size);

	publish_own(unit, event, size, answer->ask->run);
}

void probe_unit__settle(struct probe_unit *unit, uint32_t pid, uint64_t start)
{
	settle__give(unit->settle, pid, start, publish_settled, unit);
}

void probe_unit__losses(struct probe_unit *unit, bool misses,
			void (*loss)(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause),
			void *arg)
{
	uint64_t moved;

	for (int kind = 0; kind < BPF_UNIT_KINDS; kind++) {
		moved = unit->bpf.lost[kind] - unit->lost_seen[kind];
		unit->lost_seen[kind] += moved;
		if (moved)
			loss(arg, unit, kind, moved, "ring_full");
	}
	if (unit->invalid)
		loss(arg, unit, -1, unit->invalid, "invalid");
	unit->invalid = 0;
	moved = misses ? bpf_unit__new_misses(&unit->bpf) : 0;
	if (moved)
		loss(arg, unit, -1, moved, "recursion");
}
