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
	const char *output;   /* output folder */
	const char *reporter; /* path of collector-merge; NULL: no summary at the end */
	const char *plugin_dir;
	bool quiet;
	struct redact *redact; /* NULL: nothing is redacted */
};

/* Runs until the command or the --pid processes have exited, or a signal ends the daemon. Returns the exit code. */
int collector__run(const struct collector_opts *opts);

#endif
