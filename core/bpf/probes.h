/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes all probes through their stages, undoes these in reverse order, and passes the events that the probes
 * publish to one callback. A probe that fails is left out; a required one aborts the start. Not thread-safe. */
#ifndef CORE_BPF_PROBES_H
#define CORE_BPF_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bpf/object.h"
#include "core/probe.h"

struct conf_probe;
struct probes;

#define PROBE_EVENT_MAX 65536 /* bytes of one event in the ring buffer */

/* One probe. */
struct probe_unit {
	const struct conf_probe *conf;
	const struct probe *probe;
	size_t index;	 /* of its stream in every run */
	int slot;	 /* in the scope map's entries; -1: none */
	uint64_t events; /* recorded ones, a bit per kind */
	struct core_api api;
	struct bpf_unit bpf;
	struct settle *settle;
	const char **unavailable; /* for the stream's header, terminated by NULL */
	char *unrecorded;	  /* the texts in it of events that are not recorded */
	bool opened;
	void *state;
	struct probes *all;
	uint64_t lost_seen[BPF_UNIT_KINDS]; /* the counters' values when last read */
	uint64_t unreported_seen;	    /* the same for processes whose exit it did not report */
	uint64_t invalid;		    /* invalid events since the last probe_unit__losses() */
	_Alignas(8) unsigned char *copy;    /* of the current event, for the probe to modify */
};

struct probes_calls {
	/* A completed event, to be written; valid during the call. */
	void (*event)(void *arg, struct probe_unit *unit, const struct event *event, size_t size);
	/* core_api.ask of this probe. */
	int (*ask)(void *arg, struct probe_unit *unit, const struct probe_ask *ask);
};

/* core_api.only_user and core_api.lent. */
struct probes_limits {
	const uint32_t *only_user;
	bool lent;
};

struct probes {
	struct probe_unit **units; /* in order; allocated one by one, as callbacks keep their addresses */
	size_t count;
	uint64_t cut_at; /* boot clock, ns; later events are dropped. 0: none */
	struct probes_limits limits;
	struct probes_calls calls;
	void *arg;
};

/* Stages open and share; `limits` NULL: none. 0, or -errno if a required probe failed or none is left, logged; so do the next
 * two. */
int probes__open(struct probes **probes, const struct conf_probe *conf, size_t count, int scope_fd,
		 const struct probes_limits *limits, const struct probes_calls *calls, void *arg);
/* Stage load; with the core's own object, unless that is NULL. */
int probes__load(struct probes *probes, struct bpf_unit *core);
int probes__attach(struct probes *probes);

size_t probes__count(const struct probes *probes);
struct probe_unit *probes__unit(struct probes *probes, size_t i);

/* Drops the events of all probes from this time of the boot clock on, in ns. */
void probes__cut(struct probes *probes, uint64_t ts);

/* Detaches, unloads, closes, in reverse. Takes NULL. */
void probes__close(struct probes *probes);

/* ---- probe_unit.c: one running probe ---- */

/* The kind of the event that a program belongs to, by its name; -1: none. */
int probe__kind_of(const struct probe *probe, const char *program);

/* The kind of the recorded event with this role; -1: none. */
int probe_unit__role(const struct probe_unit *unit, enum schema_role role);

/* Whether it takes samples: it has an attached task iterator. Valid after the attach. */
bool probe_unit__samples(const struct probe_unit *unit);

/* Handles an event from the kernel: completes it, and holds it if it is provisional or publishes it. */
void probe_unit__take(void *unit, const void *event, size_t size);
size_t probe_unit__size_of(void *unit, const void *event); /* of the event that begins there; 0: invalid */

/* Publishes the pending events of the ring buffer; runs the task iterators. */
void probe_unit__drain(struct probe_unit *unit);
void probe_unit__sample(struct probe_unit *unit);
int probe_unit__run(struct probe_unit *unit, const char *program); /* core_api.run */

/* Publishes the probe's event for an existing process. */
void probe_unit__existing(struct probe_unit *unit, const struct probe_process *process);

/* Publishes the probe's event for an answer of the keeper. */
void probe_unit__answer(struct probe_unit *unit, const struct probe_answer *answer);

/* No final event will follow for this process (pid 0: for any process): publishes the provisional ones. */
void probe_unit__settle(struct probe_unit *unit, uint32_t pid, uint64_t start);

/* Calls loss() for the events of each kind (-1: unknown) that were lost since the last call; with `misses` also for
 * skipped program runs. */
void probe_unit__losses(struct probe_unit *unit, bool misses,
			void (*loss)(void *arg, struct probe_unit *unit, int kind, uint64_t count, const char *cause),
			void *arg);

#endif
