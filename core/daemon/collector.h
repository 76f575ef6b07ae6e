/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon, from the first check to the last flush. */
#ifndef CORE_DAEMON_COLLECTOR_H
#define CORE_DAEMON_COLLECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct conf;
struct redact;

struct collector_opts {
	const struct conf *conf;
	char *const *command; /* run mode: argv, terminated by NULL; else NULL */
	const pid_t *pids;    /* --pid */
	size_t pids_count;
	const char *user;     /* --user, or NULL */
	bool clean_env;	      /* --clean-env */
	const char *output;   /* output folder */
	const char *runtime;  /* folder for the socket of `collector status`; NULL: the output folder */
	const char *reporter; /* path of collector-merge, for the sinks; NULL: none are fed */
	bool summary;	      /* also at the end */
	const char *plugin_dir;
	bool quiet;
	struct redact *redact; /* NULL: nothing is redacted */
	const char *config;    /* path of the file; NULL: defaults */
	/* Reads that file again, logging what is wrong with it: NULL then. */
	struct conf *(*reload)(void *arg);
	void *reload_arg;
	void (*drop)(struct conf *conf); /* what reload() returned; takes NULL */
};

/* Rules say what is watched, not the command line: runs begin and end, until a signal. */
static inline bool collector__is_daemon(const struct collector_opts *opts)
{
	return !opts->command && !opts->pids_count;
}

/* Runs until the command or the --pid processes have exited, or a signal ends the daemon. Returns the exit code. */
int collector__run(const struct collector_opts *opts);

/* Becomes a follower of the daemon's runs, those in `output`, for one sink of the configuration; `state` is a folder for its
 * cursors, and for output without a place of its own. Returns the exit code if that is not possible. */
int collector__follow(const struct collector_opts *opts, const char *sink, const char *state);

#endif
