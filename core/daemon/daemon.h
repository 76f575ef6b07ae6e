/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the daemon at work, and what its parts call of each other. */
#ifndef CORE_DAEMON_DAEMON_H
#define CORE_DAEMON_DAEMON_H

#include <linux/types.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/daemon/collector.h"
#include "core/daemon/command.h"
#include "core/scope.h"
#include "core/stream.h"

struct probe_unit;

#define RUN_FIRST 1 /* number of the run that we start ourselves */

/* One probe's ring, as the loop sees it. */
struct ring {
	struct collector *collector;
	struct probe_unit *unit;
	bool woken; /* since the last drain */
};

struct collector {
	const struct collector_opts *opts;
	const struct conf *conf;
	const struct passwd *user;  /* --user */
	const struct passwd *owner; /* of the run's folder, and of the summary's process */
	struct loop *loop;
	struct scope *scope;
	struct probes *probes;
	struct stream_writer_opts *streams;
	char **shown_command, **shown_tags; /* as the headers have them: without secrets */
	struct run *runs;
	struct command command;
	struct command *reports; /* one per sink that is fed at the end */
	size_t reports_count;
	char path[COMMAND_PATH]; /* of the command */
	sigset_t mask;		 /* as we found it */
	int signals;		 /* signalfd */
	int drain_timer, sweep_timer, grace_timer;
	struct ring *rings; /* per probe */
	int *sample_timers; /* per probe; -1: takes no samples */
	bool draining;	    /* the drain timer is armed */
	bool sweeping;	    /* the sweep timer is */
	bool ending;	    /* the command has ended: descendants are waited for */
	bool misses_asked;
	unsigned asked;	    /* times that somebody asked us to end */
	uint64_t misses_at; /* when recursion misses were last asked for */
	uint64_t full_seen, adopted_seen, refused_seen[SCOPE_REFUSED_COUNTS];
	uint64_t dropped; /* events no disk took */
	int disk_error;
	int code;
};

/* ---- flow.c: from the rings to disk ---- */
void drain__event(void *arg, struct probe_unit *unit, const struct event *event, size_t size); /* probes_event */
void drain__all(struct collector *c);		      /* everything that waits goes to disk; runs that are over end */
void drain__losses(struct collector *c, bool misses); /* loss counters that moved become `lost` records */
void drain__on_drain(void *arg);		      /* the collector's timer */
void drain__on_ring(void *arg);			      /* a struct ring's */
void drain__on_sample(void *arg);

/* ---- runs.c ---- */
struct run *runs__find(struct collector *c, uint32_t number);
int runs__open(struct collector *c, uint32_t number, const char *name); /* 0 or -errno, having logged why */
void runs__end(struct collector *c, struct run *run);
bool runs__is_empty(struct collector *c, const struct run *run);
void runs__empty(struct collector *c, uint32_t number); /* a run may have become empty */
bool runs__over(const struct collector *c);		/* whether some run is to end */
void runs__end_over(struct collector *c);
void runs__notes(struct collector *c); /* what the scope has to say */
void runs__on_ring(void *arg);

/* ---- ends.c ---- */
void exit__sweep_later(struct collector *c);
void exit__on_sweep(void *arg);
void exit__on_grace(void *arg);
void exit__on_signal(void *arg);

/* ---- reports.c ---- */
int reports__prepare(struct collector *c);
void reports__print(struct collector *c);

/* ---- present.c: lets in who is to be watched of those already there, with all their descendants ---- */
int existing__enter(struct collector *c);

/* ---- list_probe.c ---- */
void list__probe(FILE *out, const void *probe); /* what --list prints of a struct probe */

#endif
