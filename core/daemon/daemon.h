/* SPDX-License-Identifier: BSD-2-Clause */
/* State of the running daemon, and functions shared by its files. */
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

struct probe;
struct probe_unit;

#define RUNS_SWEEP_NS 10000000000ull /* between two sweeps, and from a drain to the next */
#define RUN_FIRST 1		     /* number of the run of the command, of --pid or of `all` */

/* One probe's ring buffer in the event loop. */
struct ring {
	struct collector *collector;
	struct probe_unit *unit;
	bool woken; /* since the last drain */
};

struct collector {
	const struct collector_opts *opts;
	const struct conf *conf;
	const struct passwd *user;  /* --user */
	const struct passwd *owner; /* of the run's folder and of the sink processes */
	struct loop *loop;
	struct scope *scope;
	struct probes *probes;
	struct stream_writer_opts *streams;
	char **shown_command, **shown_tags; /* redacted, for the headers */
	struct run *runs;
	struct command command;
	struct command *reports; /* one process per sink, run at the end */
	size_t reports_count;
	char path[COMMAND_PATH]; /* of the command */
	sigset_t mask;		 /* signal mask at the start */
	int signals;		 /* signalfd */
	int drain_timer, sweep_timer, grace_timer;
	struct ring *rings;	 /* per probe */
	int *sample_timers;	 /* per probe; -1: takes no samples */
	bool draining;		 /* the drain timer is armed */
	bool sweeping;		 /* the sweep timer is armed */
	bool ending;		 /* the command has exited: waiting for its descendants */
	unsigned stop_signals;	 /* SIGINT and SIGTERM received */
	uint64_t misses_read_at; /* when recursion misses were last read */
	uint64_t full_seen, adopted_seen, refused_seen[SCOPE_REFUSED_COUNTS];
	uint64_t dropped; /* events that could not be written */
	int disk_error;
	int code;
};

/* ---- drain.c: from the ring buffers to disk ---- */
void drain__event(void *arg, struct probe_unit *unit, const struct event *event, size_t size); /* probes_event */
void drain__all(struct collector *c); /* writes all pending events and losses; ends runs that are over */
void drain__losses(struct collector *c, bool misses); /* writes increases of the loss counters as `lost` records */
void drain__on_drain(void *arg);		      /* struct collector */
void drain__on_ring(void *arg);			      /* struct ring */
void drain__on_scope_ring(void *arg);		      /* the collector's */
void drain__on_sample(void *arg);		      /* struct ring */

/* ---- runs.c ---- */
struct run *runs__find(struct collector *c, uint32_t number);
int runs__open(struct collector *c, uint32_t number, const char *name); /* 0 or -errno, logged */
void runs__end(struct collector *c, struct run *run);
bool runs__is_empty(struct collector *c, const struct run *run);
void runs__empty(struct collector *c, uint32_t number); /* marks the run as over if it is empty */
bool runs__over(const struct collector *c);		/* whether any run is over */
void runs__end_over(struct collector *c);
void runs__notes(struct collector *c);	     /* handles the notes of the scope */
void runs__sweep_later(struct collector *c); /* for processes whose exit was missed */

/* ---- exit.c ---- */
void exit__on_sweep(void *arg);
void exit__on_grace(void *arg);
void exit__on_signal(void *arg);

/* ---- reports.c ---- */
int reports__prepare(struct collector *c);
void reports__print(struct collector *c);

/* ---- existing.c: adds the existing processes to watch, with all their descendants ---- */
int existing__enter(struct collector *c);

/* ---- list_probe.c ---- */
/* What the probe may do after the start: "capabilities: none; system calls: none". */
void list__privileges(const struct probe *probe, char *out, size_t size);
void list__probe(FILE *out, const void *probe); /* prints a struct probe for --list */

#endif
