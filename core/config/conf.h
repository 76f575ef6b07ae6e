/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration from a YAML file, checked completely before anything starts. The grammar is documented in
 * conf/collector.yaml.5. */
#ifndef CORE_CONFIG_CONF_H
#define CORE_CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config/verdict_limits.h"
#include "core/error.h"
#include "core/opt.h"
#include "core/probe.h"
#include "core/record.h"
#include "core/sink.h"

struct conf_run {
	char *name;
	struct opt_list tags; /* NAME=VALUE */
	char *output;	      /* NULL: the program's default */
	uint64_t grace;	      /* ns to wait for descendants after the command has exited */
	uint64_t max_processes;
	uint64_t latency; /* ns, from an event to a follower: about */
	char *followers;  /* FOLLOWERS/SINK is the state of the follower of a daemon's sink */
};

/* 0: no limit. */
struct conf_limits {
	uint64_t run;		      /* bytes of a run's streams; CONF_LIMIT_DEFAULT: not in the file */
	uint64_t segment;	      /* bytes of a stream's file, after which another one follows */
	uint64_t total;		      /* bytes of all runs in the daemon's output folder */
	uint64_t age;		      /* ns since the end of a run */
	uint64_t runs, runs_per_user; /* kept there */
	uint64_t open, open_per_user; /* recorded at once */
	bool drop_undelivered;	      /* rather than to refuse a new run */
};

#define CONF_LIMIT_DEFAULT UINT64_MAX
#define CONF_SEGMENT_LEAST (256ULL << 10)
#define CONF_LIMIT_RUN (2ULL << 30) /* the daemon's default */

enum conf_rule_kind { CONF_RULE_EXE, CONF_RULE_CGROUP, CONF_RULE_CWD, CONF_RULE_PID, CONF_RULE_ALL };

struct conf_rule {
	enum conf_rule_kind kind;
	char *pattern; /* of exe, cgroup, cwd: absolute, may be a glob; else NULL */
	char *name;    /* of the runs that it starts; NULL: run.name */
	uint32_t pid;
	int line, column;
};

struct conf_probe {
	char *name;
	const struct probe *probe;
	bool required;
	uint64_t ring, interval; /* bytes; ns, 0: takes no samples */
	struct opt_list events;	 /* names of the events to record; empty: all that are not off */
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
	struct conf_limits limits;
	struct conf_rule *rules;
	size_t rules_count;
	struct conf_probe *probes;
	size_t probes_count;
	struct conf_sink *sinks;
	size_t sinks_count;
	enum record_args args;	/* RECORD_ARGS_FULL: nothing is redacted */
	bool redact_default;	/* by the default patterns and the table of programs */
	struct opt_list redact; /* own patterns */
	struct verdict_limits verdicts;
};

/* Finds the plugins that a configuration names. Its results must live as long as the conf. */
struct conf_finder {
	/* NULL on error, with `err` set. */
	const struct probe *(*probe)(void *arg, const char *name, struct error *err);
	const struct sink *(*sink)(void *arg, const char *name, struct error *err);
	/* Names of all installed probes, terminated by NULL, owned by the finder. NULL: unknown. */
	char *const *(*probe_names)(void *arg);
	/* May be NULL. Says, before the first probe(), which ones will be asked for. */
	void (*expect)(void *arg, const char *name);
	/* Called once per error, about in the order of the file, and for plugins that are left out. */
	void (*report)(void *arg, enum log_level level, const char *sentence);
	void *arg;
};

/* Loads the file at `path`, or all defaults if it is NULL. 0, or -EINVAL after reporting all errors; then there is
 * nothing to free. */
int conf__load(struct conf *conf, const char *path, const struct conf_finder *finder);
/* The same from memory; `path` is for messages. For tests and fuzzing. */
int conf__load_memory(struct conf *conf, const char *path, const void *data, size_t size,
		      const struct conf_finder *finder);
void conf__free(struct conf *conf); /* takes NULL and a zeroed one */

extern const struct opt conf__run_options[]; /* of struct conf_run */

/* Checks the name of a run, for --name. 0, or -EINVAL with `err` set. */
int conf__check_name(const char *name, struct error *err);

#endif
