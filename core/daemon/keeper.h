/* SPDX-License-Identifier: BSD-2-Clause */
/* The keeper: the process that was started. It starts, waits for and signals the command, makes the runs' folders, and
 * starts the sinks at the end; its rights are those of the command. It passes the recorder what it opens. */
#ifndef CORE_DAEMON_KEEPER_H
#define CORE_DAEMON_KEEPER_H

#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/config/config.h"
#include "core/daemon/channel.h"
#include "core/daemon/collector.h"
#include "core/daemon/command.h"
#include "core/daemon/folder.h"
#include "core/resume/resume.h"

struct answerer;
struct conf;
struct loop;
struct proc_own;
struct pty;
struct rotate_run;
struct store;

struct status_server;

/* What `collector status` shows. */
struct keeper_status {
	struct status_server *server; /* NULL: there is none */
	int timer;		      /* for the recorder's answer */
	bool waiting;		      /* for that */
	uint64_t since;		      /* real time, ns */
};

/* The configuration, read again. */
struct keeper_reload {
	struct conf *offered, *used; /* to the recorder, which has not answered yet; by now. NULL: none */
	bool again;		     /* asked for meanwhile */
	uint64_t at, refused_at;     /* real time, ns: of the last one, and of the last one that failed */
};

/* The same signal within this time is one: timeout(1) signals its child and then its group. A terminal sends one for each key. */
#define KEEPER_REPEATED_NS 1000000000ull

struct keeper {
	const struct collector_opts *opts;
	const struct conf *conf; /* `own` */
	struct conf own;	 /* that of opts, whose rules, limits and sinks a reload replaces */
	struct keeper_reload reload;
	struct keeper_status status;
	struct passwd *entry;	    /* of both, or of the one that there is */
	const struct passwd *user;  /* --user */
	const struct passwd *owner; /* of the run's folder and of the sink processes */
	char path[COMMAND_PATH];    /* of the command */
	sigset_t mask;		    /* signal mask at the start */
	int signals;		    /* signalfd */
	int channel;		    /* to the recorder */
	pid_t recorder;
	struct loop *loop;
	int limit_timer;     /* for the end of the recording */
	struct store *store; /* the daemon's runs on disk; else NULL */
	int store_timer;
	bool store_soon, full; /* the timer is armed for a change; limits.total is reached, and the recorder knows */
	bool full_said;	       /* and the log */
	uint64_t full_until;   /* boot clock, ns: it is not said again before */
	struct delivered delivered;
	struct folder folder;	    /* of the run that is being opened */
	uint32_t uid;		    /* whose that run is */
	const char *name;	    /* of that run */
	char *run;		    /* path of the first run's folder */
	char **streams;		    /* names of its streams */
	struct rotate_run *rotated; /* runs whose streams have segments */
	struct command command;
	struct pty *pty;	   /* between the caller's terminal and the command of --user; NULL: they share it */
	struct answerer *answerer; /* reads what probes ask for; NULL: not yet, or it cannot */
	struct command *reports;   /* one process per sink, and the last ones without being asked for */
	size_t reports_count;
	int progress_timer;
	bool ready;	       /* everything is attached */
	bool ending;	       /* the recorder was asked to end, or has ended */
	bool stop;	       /* a signal asks for the end */
	bool alone;	       /* the recorder ended before it was done */
	unsigned stop_signals; /* SIGINT and SIGTERM received, but for repeated ones */
	uint32_t stop_signal;  /* the last one */
	uint64_t stopped_at;   /* boot clock, ns: when it came first */
	int code;
};

/* Until the command and the recorder have ended. Returns the exit code. */
int keeper__run(struct keeper *keeper);

/* ---- keeper_store.c: the daemon's runs on disk, and their limits; segments of any run ---- */
int keeper_store__start(struct keeper *k);			      /* 0 or -errno */
struct folder_opts keeper_store__folder_opts(const struct keeper *k); /* of the run that is opened */
/* Another run of this user: 0, or -errno with `err` set. */
int keeper_store__allow(struct keeper *k, uint32_t uid, struct error *err);
void keeper_store__kept(struct keeper *k, uint32_t run); /* the folder has its name */
/* Replies to MAKE_SEGMENT or FREE. */
void keeper_store__segment(struct keeper *k, struct channel_message *m);
void keeper_store__ended(struct keeper *k, uint32_t run);
void keeper_store__disk_is_full(struct keeper *k);
void keeper_store__free(struct keeper *k);
int keeper_store__reload(struct keeper *k); /* other limits and sinks: 0 or -ENOMEM */

/* ---- keeper_reload.c: SIGHUP ---- */
void keeper_reload__start(struct keeper *k);
void keeper_reload__done(struct keeper *k, int err); /* the recorder's answer */
void keeper_reload__free(struct keeper *k);

/* ---- keeper_status.c ---- */
void keeper_status__start(struct keeper *k); /* a daemon without it records, too */
void keeper_status__state(struct keeper *k, const struct channel_message *message);
void keeper_status__stop(struct keeper *k);

/* ---- answer.c: what probes ask for ---- */
/* Starts the thread that reads, with the rights that its caller has by now; it goes on until the process exits. NULL: it
 * cannot be started. */
struct answerer *answerer__start(int channel, const struct proc_own *own);
/* Takes a message ASK. What has no room is answered with -EAGAIN, as is all if `answerer` is NULL. */
void answerer__ask(struct answerer *answerer, int channel, const struct channel_message *message);

/* ---- reports.c ---- */
int reports__prepare(struct keeper *k);
void reports__start(struct keeper *k); /* those that are fed while the run goes on */
void reports__print(struct keeper *k);
void reports__free(struct keeper *k); /* those that still wait are ended */

#endif
