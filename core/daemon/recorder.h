/* SPDX-License-Identifier: BSD-2-Clause */
/* State of the recorder, and functions shared by its files. */
#ifndef CORE_DAEMON_RECORDER_H
#define CORE_DAEMON_RECORDER_H

#include <linux/types.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/account/account.h"
#include "core/config/config.h"
#include "core/opt.h"
#include "core/daemon/collector.h"
#include "core/scope.h"
#include "core/stream.h"

struct ask;
struct channel_message;
struct conf_rule;
struct probe;
struct probe_ask;
struct probe_unit;

#define RUNS_SWEEP_NS 10000000000ull /* between two sweeps, and from a drain to the next */
#define RUNS_SYNC_NS 5000000000ull   /* at least, from a write to the wait for the disk */
/* From a run's last process to the drain with which it ends: more than a BPF program takes. */
#define RUNS_OVER_NS 20000000ull
/* What is not drained yet happened after this time before the drain began: more than a BPF program takes. */
#define RUNS_PENDING_NS 20000000ull
#define RUN_FIRST 1 /* number of the run of the command, of --pid or of `all` */

/* One probe's ring buffer in the event loop. */
struct ring {
	struct recorder *recorder;
	struct probe_unit *unit;
	bool woken; /* since the last drain */
};

/* What probes have asked the keeper, oldest first. */
struct asks {
	struct ask *first, **end;
	size_t count, sent; /* sent: those that are with the keeper */
	uint32_t last_id;
	uint64_t dropped;
	bool silent; /* the keeper does not answer */
};

/* Rules and limits that the keeper has read. */
struct reload {
	char *data; /* what has arrived so far */
	size_t size, have;
	char *used; /* the texts of the rules in use; NULL: not reloaded yet */
	int timer;
};

struct recorder {
	const struct collector_opts *opts;
	const struct conf *conf;   /* `own` */
	struct conf own;	   /* that of opts, whose rules and limits a reload replaces */
	const struct passwd *user; /* --user */
	int channel;		   /* to the keeper */
	/* exit__notified() */
	void (*notified)(struct recorder *r, struct channel_message *message);
	bool lent;	   /* by file capabilities: only the caller's own is recorded */
	uint32_t only_uid; /* that of the caller then, or of --user; 0: none */
	struct privileges privileges;
	struct loop *loop;
	struct syncer *syncer;
	struct scope *scope;
	struct probes *probes;
	struct stream_writer_opts *streams;
	const char **stream_names;	    /* terminated by NULL */
	char **shown_command, **shown_tags; /* redacted, for the headers */
	struct record_privacy privacy;	    /* of every stream */
	char job[STREAM_JOB_TEXT];	    /* that the command is part of; "": none is known */
	struct opt_list verdicts;	    /* limits, for the headers */
	struct run *runs;
	uint64_t closing; /* runs that have ended, and are still brought to the disk */
	int drain_timer, mark_timer, sweep_timer, grace_timer, sync_timer, refusals_timer;
	struct ring *rings;	 /* per probe */
	int *sample_timers;	 /* per probe; -1: takes no samples */
	bool draining;		 /* the drain timer is armed */
	bool marking;		 /* the mark timer is armed */
	bool sweeping;		 /* the sweep timer is armed */
	bool sync_armed;	 /* the sync timer is armed */
	bool ending;		 /* the command has exited: waiting for its descendants */
	bool orphaned;		 /* the keeper has ended */
	uint64_t misses_read_at; /* when recursion misses were last read */
	uint64_t unrecorded;	 /* runs that could not be opened */
	uint64_t over_limit;	 /* runs that a limit did not allow */
	uint64_t refusals_until; /* boot clock, ns: until then further ones are only counted */
	uint64_t refusals;	 /* since they were last logged */
	uint64_t failures_until; /* the same for disk errors of runs */
	bool suspended;		 /* limits.total is reached */
	uint64_t space_asked_at; /* boot clock, ns: when the keeper was asked for space */
	uint64_t drained_at;	 /* when the rings were last drained */
	uint64_t full_seen, adopted_seen, refused_seen[SCOPE_REFUSED_COUNTS];
	uint64_t dropped; /* events that could not be written */
	int disk_error;
	struct asks asks;
	struct reload reload;
	int code;
};

/* ---- recorder.c ---- */
/* In a process of its own: starts all, gives up its privileges, records until the keeper says that it ends, or until the
 * watched processes have ended. Returns the exit code. */
int recorder__run(const struct collector_opts *opts, const struct passwd *user, int channel);

/* ---- drain.c: from the ring buffers to disk ---- */
void drain__event(void *arg, struct probe_unit *unit, const struct event *event, size_t size);
void drain__all(struct recorder *r);		     /* writes all pending events and losses; ends runs that are over */
void drain__losses(struct recorder *r, bool misses); /* writes increases of the loss counters as `lost` records */
void drain__on_drain(void *arg);		     /* struct recorder */
void drain__on_mark(void *arg);			     /* struct recorder */
void drain__on_ring(void *arg);			     /* struct ring */
void drain__on_scope_ring(void *arg);		     /* struct recorder */
void drain__on_sample(void *arg);		     /* struct ring */

/* ---- runs.c ---- */
void runs__drain_soon(struct recorder *r); /* a drain of all ring buffers, after a while */
struct run *runs__find(struct recorder *r, uint32_t number);
/* Starts the run of a process of this user, by this rule; NULL: by none. 0, or -errno; logged, but not each of many. */
int runs__open(struct recorder *r, uint32_t number, uint32_t uid, const struct conf_rule *rule);
void runs__on_refusals(void *arg);		 /* struct recorder: the timer that logs how many there were */
void runs__suspend(struct recorder *r, bool on); /* limits.total */
/* A disk error of a run: logged once; on a full disk the keeper is asked for space. */
void runs__failed_write(struct recorder *r, struct run *run, int err);
void runs__end(struct recorder *r, struct run *run);
bool runs__is_empty(struct recorder *r, const struct run *run);
void runs__empty(struct recorder *r, uint32_t number); /* marks the run as over if it is empty */
bool runs__over(const struct recorder *r);	       /* whether any run is over */
/* Ends runs that are over, and were when the drain of all ring buffers that began at `drained_at` was still to come. */
void runs__end_over(struct recorder *r, uint64_t drained_at);
/* Asks the keeper for files of further segments, where the run needs them; takes one from it. */
void runs__ask_segments(struct recorder *r, struct run *run);
void runs__take_segment(struct recorder *r, struct channel_message *message);
/* Asks the keeper to clear segments that are delivered, if limits.run is near. */
void runs__ask_space(struct recorder *r, struct run *run);
void runs__take_space(struct recorder *r, const struct channel_message *message);
void runs__sync_later(struct recorder *r);  /* what has been written is to go to the disk */
void runs__on_sync(void *arg);		    /* struct recorder */
void runs__synced(struct recorder *r);	    /* handles what the syncer has done */
void runs__notes(struct recorder *r);	    /* handles the notes of the scope */
void runs__sweep_later(struct recorder *r); /* for processes whose exit was missed */

/* ---- exit.c ---- */
void exit__on_sweep(void *arg);
void exit__on_grace(void *arg);
void exit__on_message(void *arg);
/* By a message of the keeper; NULL: it has ended. */
void exit__notified(struct recorder *r, struct channel_message *message);

/* ---- recorder_reload.c ---- */
void recorder_reload__take(struct recorder *r, const struct channel_message *message);
void recorder_reload__on_timer(void *arg); /* struct recorder */
void recorder_reload__free(struct recorder *r);

/* ---- recorder_state.c ---- */
void recorder_state__send(struct recorder *r); /* to the keeper */

/* ---- ask.c ---- */
/* Waits for a reply of the keeper; what else arrives goes to r->notified. 0, or -errno: also the keeper's. */
int ask__await(struct recorder *r, uint32_t kind, uint32_t run, struct channel_message *reply);
/* The next message, if one comes in this time, goes to r->notified. */
void ask__any(struct recorder *r, int timeout_ms);

/* ---- ask_keeper.c: what probes ask the keeper to read ---- */
int ask_keeper__ask(void *recorder, struct probe_unit *unit, const struct probe_ask *ask); /* core_api.ask */
void ask_keeper__answer(struct recorder *r, const struct channel_message *message);
void ask_keeper__expire(struct recorder *r);			/* gives up what it has not answered for long */
bool ask_keeper__waits(const struct recorder *r, uint32_t run); /* whether a question about this run is open */
/* Up to where a stream of the run has all its events, as far as answers are still to come: `until`, or less. */
uint64_t ask_keeper__reached(const struct recorder *r, uint32_t run, size_t stream, uint64_t until);
void ask_keeper__finish(struct recorder *r); /* waits for the last answers, for a while */

/* ---- existing.c: adds the existing processes to watch, with all their descendants ---- */
int existing__enter(struct recorder *r);

/* ---- list_probe.c ---- */
/* What the probe may do after the start: "capabilities: none; system calls: none". */
void list__privileges(const struct probe *probe, char *out, size_t size);
void list__probe(FILE *out, const void *probe); /* prints a struct probe for --list */

#endif
