/* SPDX-License-Identifier: BSD-2-Clause */
/* The sinks that are fed at the end of a run, each by a process without our rights. */
#include "core/daemon/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config/config.h"
#include "core/daemon/run.h"
#include "core/log.h"

/* A process that will feed one sink with the run: unprivileged from its birth, held back until the end. A
 * page goes to standard error, any other output into the run's folder. */
static void prepare_report(struct collector *c, const char *name, bool page, const char *suffix, const char *options)
{
	char *spec = NULL, *output = NULL;
	char *argv[] = {(char *)c->opts->reporter,
			"--quiet",
			"--plugin-dir",
			(char *)c->opts->plugin_dir,
			c->runs->path,
			"--sink",
			NULL,
			page ? NULL : "--output",
			NULL,
			NULL};
	struct command_opts opts = {.path = argv[0],
				    .argv = argv,
				    .user = c->owner,
				    .mask = &c->mask,
				    .out = STDERR_FILENO,
				    .deaf = true}; /* a Ctrl-C is for the command */
	int err = -ENOMEM;

	if (asprintf(&spec, "%s%s%s", name, *options ? ":" : "", options) >= 0 &&
	    asprintf(&output, "%s/merged.%s", c->runs->path, suffix ? suffix : name) >= 0) {
		argv[6] = spec;
		if (!page)
			argv[8] = output;
		err = command__fork(&c->reports[c->reports_count], &opts);
	}
	if (err)
		log__warn("%s will not be fed at the end: %s", name, strerror(-err));
	else
		c->reports_count++;
	free(output);
	free(spec);
}

int reports__prepare(struct collector *c)
{
	const struct conf *conf = c->conf;

	c->reports = calloc(conf->sinks_count + 1, sizeof(*c->reports));
	if (!c->reports)
		return -ENOMEM;
	for (size_t i = 0; i < conf->sinks_count; i++) {
		const struct sink *sink = conf->sinks[i].sink;

		prepare_report(c, conf->sinks[i].name, sink->page, sink->suffix, conf->sinks[i].text);
	}
	if (!conf->sinks_count)
		prepare_report(c, PAGE_SINK, true, NULL, "");
	return 0;
}

/* Lets the reports go, one after the other, in the order they were asked for. */
void reports__print(struct collector *c)
{
	for (size_t i = 0; i < c->reports_count; i++) {
		int err;

		if (command__go(&c->reports[i], &err))
			continue;
		while (!command__ended(&c->reports[i])) {
			sigset_t set;
			int number;

			sigemptyset(&set);
			sigaddset(&set, SIGCHLD);
			sigwait(&set, &number);
		}
	}
}
