/* SPDX-License-Identifier: BSD-2-Clause */
/* The stage driver: takes all probes through their stages, unwinds them in reverse, and hands what they
 * publish to one callback. A probe that fails is left out, or stops the start if it is required. */
#ifndef CORE_BPF_PROBES_H
#define CORE_BPF_PROBES_H

#include <stddef.h>
#include <stdint.h>

#include "core/bpf/object.h"
#include "core/probe.h"

struct conf_probe;
struct probes;

/* One probe on its way. */
struct probe_unit {
	const struct conf_probe *conf;
	const struct probe *probe;
	size_t index; /* of its stream in every run */
	struct core_api api;
	struct bpf_unit bpf;
	struct settle *settle;
	void *state;
	struct probes *all;
	uint64_t lost_seen[BPF_UNIT_KINDS]; /* the counters' values at the last look */
	uint64_t unreported_seen;	    /* likewise: ends that it told nothing of */
	_Alignas(8) unsigned char *copy;    /* of the event under way, for the probe to change */
};

/* A probe's event, finished, to be written. */
typedef void (*probes_event)(void *arg, struct probe_unit *unit, const struct event *event, size_t size);

/* Stages open to load. *count units of *units; 0 or -errno: a required one failed. */
int probes__open(struct probes **probes, const struct conf_probe *conf, size_t count, int scope_fd, probes_event event,
		 void *arg);
int probes__attach(struct probes *probes);

size_t probes__count(const struct probes *probes);
struct probe_unit *probes__unit(struct probes *probes, size_t i);

/* The kind of its event of this name; -1: there is none, or `name` is NULL. */
int probe_unit__kind(const struct probe_unit *unit, const char *name);

/* Hands on what waits in the unit's ring; runs its iterators. */
void probe_unit__drain(struct probe_unit *unit);
void probe_unit__sample(struct probe_unit *unit);

/* Tells of a process that was there before. */
void probe_unit__alive(struct probe_unit *unit, const struct probe_process *process);

/* No better word will come of this process (pid 0: of any): what is held is written. */
void probe_unit__settle(struct probe_unit *unit, uint32_t pid, uint64_t start);

/* Events of a kind (-1 : of some) that were lost since the last call, for each. */
void probe_unit__losses(struct probe_unit *unit, bool misses,
			void (*loss)(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause),
			void *arg);

/* Detaches, unloads, closes, in reverse. Takes NULL. */
void probes__close(struct probes *probes);

#endif
