/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what a YAML file says, checked as a whole before anything starts.
 * The grammar is written up in conf/collector.yaml.5. */
#ifndef CORE_CONFIG_CONF_H
#define CORE_CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/opt.h"
#include "core/probe.h"
#include "core/sink.h"

struct conf_run {
	char *name;
	struct opt_list tags; /* NAME=VALUE */
	char *output;	      /* NULL: the program decides */
	uint64_t grace;	      /* ns to wait for descendants when the command has ended */
	uint64_t max_processes;
};

enum conf_rule_kind { CONF_RULE_EXE, CONF_RULE_CGROUP, CONF_RULE_CWD, CONF_RULE_PID, CONF_RULE_ALL };

struct conf_rule {
	enum conf_rule_kind kind;
	char *pattern; /* of exe, cgroup, cwd: absolute, may be a glob; else NULL */
	uint32_t pid;
	int line, column;
};

struct conf_probe {
	char *name;
	const struct probe *probe;
	bool required;
	uint64_t ring, interval; /* bytes; ns, 0: takes no samples */
	struct opt_list events;	 /* names of those to record; empty: all but those that are off */
	void *conf;		 /* probe->conf_size bytes, filled by probe->options */
	int line, column;	 /* 0: not in the file */
};

struct conf_sink {
	char *name;
	const struct sink *sink;
	char *text; /* "k=v,k=v" as opt__parse() reads it; "" for none */
	int line, column;
};

struct conf {
	struct conf_run run;
	struct conf_rule *rules;
	size_t rules_count;
	struct conf_probe *probes;
	size_t probes_count;
	struct conf_sink *sinks;
	size_t sinks_count;
	struct opt_list redact;
};

/* Where the configuration finds the plugins it names. What it gives back lives as long as the conf. */
struct conf_finder {
	/* NULL with a sentence in `err`, which says what instead. */
	const struct probe *(*probe)(void *arg, const char *name, struct error *err);
	const struct sink *(*sink)(void *arg, const char *name, struct error *err);
	/* Names of all probes that are installed, ended by NULL; the finder's. NULL: cannot tell. */
	char *const *(*probe_names)(void *arg);
	/* Called once for each error, about in the order of the file, and for what was left out. */
	void (*tell)(void *arg, enum log_level level, const char *sentence);
	void *arg;
};

/* Loads the file at `path`, or all defaults if it is NULL. 0, or -EINVAL having told every error that was
 * found: then there is nothing to free. */
int conf__load(struct conf *conf, const char *path, const struct conf_finder *finder);
/* The same from memory; `path` is for messages. For tests and fuzzing. */
int conf__load_memory(struct conf *conf, const char *path, const void *data, size_t size,
		      const struct conf_finder *finder);
void conf__free(struct conf *conf); /* takes NULL and a zeroed one */

/* Whether `name` can name a run: 0, or -EINVAL with a sentence. For --name. */
int conf__check_name(const char *name, struct error *err);

#endif
