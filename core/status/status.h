/* SPDX-License-Identifier: BSD-2-Clause */
/* What a daemon says of itself over a socket, and the client that asks. Header of the room.
 *
 * The daemon sends its answer as text to each client that may connect, without reading a question, and closes. Tables of
 * fields say what there is: they write the text, read it, and print it. */
#ifndef CORE_STATUS_STATUS_H
#define CORE_STATUS_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct text;

#define STATUS_RUNTIME "/run/collector" /* of the service */
#define STATUS_SOCKET "status"		/* in the runtime folder */
#define STATUS_HIDDEN ".status"		/* in the output folder, where there is no runtime folder */

/* Strings are empty, and times 0, where there is none; a limit of 0 is none. */
struct status_daemon {
	uint64_t pid;
	char version[32];
	uint64_t since; /* real time, ns, as all here */
	char config[1024];
	uint64_t rules, reloaded, refused; /* the last reload; the last one that failed */
	char output[1024];
	uint64_t recorder;			  /* whether it has answered: else the next ones are 0 */
	uint64_t open, watched;			  /* runs, processes */
	uint64_t suspended;			  /* limits.total is reached: nothing is recorded */
	uint64_t over_limit, unrecorded, dropped; /* runs not recorded for a limit, for an error; events not written */
	char disk_error[128];			  /* the first one */
	uint64_t kept, disk_used, disk_free;	  /* runs; bytes */
	char waits_for[64], followers[1024];	  /* a sink for which runs stay that would have gone; run.followers */
	uint64_t undelivered;			  /* runs that went all the same */
	uint64_t limit_run, limit_total, limit_age, limit_runs, limit_runs_per_user, limit_open, limit_open_per_user;
};

/* One that is recorded now. */
struct status_run {
	char run[128], name[72];
	uint64_t uid, began, wall_ns;
	uint64_t watched, processes; /* now; so far */
	uint64_t bytes, lost;	     /* of its streams; events */
};

/* A sink of the configuration. The daemon says its name, its follower's files the rest. */
struct status_sink {
	char sink[64];
	char follower[16]; /* runs, stopped, none, unknown */
	char why[128];	   /* it is unknown */
	uint64_t saved;	   /* when it last saved how far it has got */
	uint64_t delivered_runs, undelivered_runs, undelivered_bytes;
};

struct status {
	struct status_daemon daemon;
	struct status_run *runs;
	size_t runs_count;
	struct status_sink *sinks;
	size_t sinks_count;
};

void status__free(struct status *status);

/* ---- status_fields.c ---- */

enum status_type { STATUS_TEXT, STATUS_COUNT, STATUS_BYTES, STATUS_TIME, STATUS_NS, STATUS_FLAG };

struct status_field {
	const char *name; /* in the text and in JSON */
	enum status_type type;
	size_t offset, size;
	const char *label; /* for people; NULL: not shown */
	const char *of;	   /* name of the limit beside it, or NULL */
};

/* Ended by one without a name. */
extern const struct status_field status__daemon_fields[], status__run_fields[], status__sink_fields[];

uint64_t status_field__number(const struct status_field *field, const void *of);
const struct status_field *status_field__find(const struct status_field *fields, const char *name);

void status__write(struct text *out, const struct status *status);
/* 0, -ENOMEM, or -EBADMSG: it is not complete, or something else. Changes `text`. */
int status__read(struct status *status, char *text);

/* ---- status_server.c ---- */

struct status_server;

/* Listens in a folder; `ask` is called when a client waits: status_server__answer() is to follow. 0, or -errno with a
 * sentence: -EADDRINUSE if another process does. */
int status_server__open(struct status_server **server, int folder, const char *name, void (*ask)(void *arg), void *arg,
			struct error *err);
int status_server__fd(
	const struct status_server *server); /* readable: call status_server__work(), which does not block */
void status_server__work(struct status_server *server);
/* To all that wait; `keep`: and to those that come soon after. */
void status_server__answer(struct status_server *server, const struct text *text, bool keep);
void status_server__close(struct status_server *server); /* takes NULL */

/* ---- status_client.c ---- */

/* The answer of the daemon that listens in the folder under this name, to be freed. 0, or -errno: -ENOENT, -ECONNREFUSED:
 * there is none; -ETIMEDOUT: it does not answer; -EBADMSG: no more than a part came. */
int status_client__ask(const char *folder, const char *name, char **text);

/* ---- status_sinks.c ---- */

/* Finds out about the sinks by their followers' files: STATE/SINK, or STATE itself, is a follower's --state. NULL: what the
 * daemon says. */
void status_sinks__look(struct status *status, const char *state);

/* ---- status_print.c ---- */

void status_print__text(struct text *out, const struct status *status);
void status_print__json(struct text *out, const struct status *status);

#endif
