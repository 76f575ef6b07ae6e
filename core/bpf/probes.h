/* SPDX-License-Identifier: BSD-2-Clause */
/* The stage driver: takes all probes through their stages, unwinds them in reverse, and hands what they
 * publish to one callback. A probe that fails is left out, or stops the start if it is required. */
#ifndef CORE_BPF_PROBES_H
#define CORE_BPF_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bpf/object.h"
#include "core/probe.h"

struct conf_probe;
struct probes;

#define PROBE_EVENT_MAX 65536 /* bytes of what travels through a ring at once */

/* One probe on its way. */
struct probe_unit {
	const struct conf_probe *conf;
	const struct probe *probe;
	size_t index;	 /* of its stream in every run */
	int slot;	 /* in the scope map's entries; -1: it needs none */
	uint64_t events; /* that are recorded, a bit per kind */
	struct core_api api;
	struct bpf_unit bpf;
	struct settle *settle;
	const char **unavailable; /* for the stream's header, ended by NULL */
	char *unrecorded;	  /* text of those the user left out */
	bool opened;
	void *state;
	struct probes *all;
	uint64_t lost_seen[BPF_UNIT_KINDS]; /* the counters' values when last read */
	uint64_t unreported_seen;	    /* likewise: processes whose exit it did not report */
	uint64_t invalid;		    /* events of its own making that are none, since the last losses */
	_Alignas(8) unsigned char *copy;    /* of the event under way, for the probe to change */
};

/* A probe's event, finished, to be written. */
typedef void (*probes_event)(void *arg, struct probe_unit *unit, const struct event *event, size_t size);

struct probes {
	struct probe_unit **units; /* in order; their addresses are the rings' arguments */
	size_t count;
	probes_event event;
	void *arg;
};

/* Stages open to load. *count units of *units; 0 or -errno: a required one failed. */
int probes__open(struct probes **probes, const struct conf_probe *conf, size_t count, int scope_fd, probes_event event,
		 void *arg);
int probes__attach(struct probes *probes);

size_t probes__count(const struct probes *probes);
struct probe_unit *probes__unit(struct probes *probes, size_t i);

/* Detaches, unloads, closes, in reverse. Takes NULL. */
void probes__close(struct probes *probes);

/* ---- probe_unit.c: one probe at work ---- */

/* The event that a program serves, by its name: its kind, or -1 for none. */
int probe__kind_of(const struct probe *probe, const char *program);

/* The kind of its event with this role that is recorded; -1: there is none. */
int probe_unit__role(const struct probe_unit *unit, enum schema_role role);

/* Whether it takes samples: an iterator waits for its tick. Once it is attached. */
bool probe_unit__samples(const struct probe_unit *unit);

/* Takes an event from the kernel: finishes it, holds it back while it is provisional, publishes it. */
void probe_unit__take(void *unit, const void *event, size_t size);
size_t probe_unit__size_of(void *unit, const void *event); /* of the event that begins there; 0: none of its own */

/* Hands on what waits in the unit's ring; runs its iterators. */
void probe_unit__drain(struct probe_unit *unit);
void probe_unit__sample(struct probe_unit *unit);

/* A process that existed before. */
void probe_unit__existing(struct probe_unit *unit, const struct probe_process *process);

/* No final event will follow for this process (pid 0: for any): writes the provisional ones. */
void probe_unit__settle(struct probe_unit *unit, uint32_t pid, uint64_t start);

/* Events of a kind (-1: of some) that were lost since the last call, for each. */
void probe_unit__losses(struct probe_unit *unit, bool misses,
			void (*loss)(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause),
			void *arg);

#endif
