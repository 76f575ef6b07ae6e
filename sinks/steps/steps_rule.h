/* SPDX-License-Identifier: BSD-2-Clause */
/* A compiled rule of steps. Private to sinks/steps. */
#ifndef SINKS_STEPS_STEPS_RULE_H
#define SINKS_STEPS_STEPS_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "sinks/program/program.h"
#include "sinks/steps/steps.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_TEXT_MAX 4096 /* bytes of a text that are searched */

/* What a pattern is matched against, cheapest first. */
enum steps_subject { STEPS_ENV, STEPS_EXE, STEPS_CWD, STEPS_PARENT, STEPS_ARGS, STEPS_FILE, STEPS_SUBJECTS };

struct steps_pattern {
	enum steps_subject subject;
	char *name; /* of STEPS_ENV the variable, of STEPS_FILE the file; else NULL */
	pcre2_code *code;
	uint32_t groups;
};

enum steps_part_kind { STEPS_TEXT, STEPS_GROUP, STEPS_COMMAND, STEPS_TOOL };

/* A piece of a template. */
struct steps_part {
	enum steps_part_kind kind;
	char *text;		 /* of STEPS_TEXT */
	uint32_t pattern, group; /* of STEPS_GROUP: which of the rule's patterns captures it */
};

struct steps_template {
	struct steps_part *parts;
	size_t count; /* 0: no such template */
};

struct steps_rule {
	char *set;     /* name of its set, or the file's path */
	int64_t depth; /* -1: any */
	bool outside;  /* only for programs in no task */
	enum steps_engine engine;
	struct steps_pattern *patterns;
	size_t patterns_count;
	struct steps_template step, id, tag;
};

/* A compiled rule of exits. */
struct steps_exit_rule {
	struct steps_rule rule; /* its set and conditions */
	char **commands;	/* names of programs; none: any */
	size_t commands_count;
	bool forked, alone, silent, waited;
	bool codes[256], any_code; /* as a shell reports them: 128 + signal */
	enum steps_exit is, below;
};

/* Programs that end others at a limit. */
struct steps_limit {
	char **commands; /* their names */
	size_t commands_count;
	char *limit; /* "memory" */
};

/* Programs that let a server do their work. */
struct steps_client {
	struct steps_exit_rule rule; /* its conditions and commands; the codes with which it has reached no server */
	struct steps_rule server;    /* of the server's own command line; no pattern: it is never a part of the run */
};

struct names; /* steps_names.h */

struct steps {
	struct steps_rule *rules;
	size_t count;
	struct steps_exit_rule *exits;
	size_t exits_count;
	struct steps_limit *limits;
	size_t limits_count;
	struct steps_client *clients;
	size_t clients_count;
	struct names *names; /* NULL: none */
	bool all;	     /* all ready-made sets are there */
};

/* A ready-made set: its file, as text. The array is ended by one without a name. */
struct steps_ready {
	const char *name, *text;
};
extern const struct steps_ready steps_ready[];

/* ---- steps.c ---- */

/* Appends the rules of a document to `steps`: `text`, or if that is NULL the file at `path`. 0, or -EINVAL with a
 * sentence in `err`. */
int steps__read(struct steps *steps, const char *set, const char *path, const void *text, size_t length,
		struct error *err);

/* ---- steps_rule.c ---- */

struct tree;
struct tree_entry;

/* Appends the rule at this node; reports errors. `arg` is a struct steps_reading. */
struct steps_reading {
	struct steps *steps;
	const char *set;
};
void steps_rule__read(struct tree *tree, const struct tree_entry *entry, void *arg);
void steps_rule__free(struct steps_rule *rule);

/* The value at this node, true or false; reports errors. */
bool steps_rule__bool(struct tree *tree, const struct tree_entry *entry);

/* Conditions that rules of steps and of exits share: their names, the first of enum steps_condition, and what reads one. */
#define STEPS_CONDITION_NAMES "exe", "args", "cwd", "parent", "env"
enum steps_condition { STEPS_IF_EXE, STEPS_IF_ARGS, STEPS_IF_CWD, STEPS_IF_PARENT, STEPS_IF_ENV, STEPS_CONDITIONS };
void steps_rule__condition(struct tree *tree, const struct tree_entry *entry, struct steps_rule *rule,
			   enum steps_condition condition);

/* ---- steps_exit.c ---- */

/* As steps_rule__read(). */
void steps_exit__read(struct tree *tree, const struct tree_entry *entry, void *arg);
void steps_exit__read_code(struct tree *tree, const struct tree_entry *entry, void *rule); /* an item of a list */
void steps_exit__free(struct steps_exit_rule *rule);

/* ---- steps_limit.c ---- */

/* As steps_rule__read(). */
void steps_limit__read(struct tree *tree, const struct tree_entry *entry, void *arg);
void steps_limit__free(struct steps_limit *limit);

/* Adds the name at this node to a list; reports errors. `count`, that of the names, stays if there is none. */
void steps_limit__add_name(struct tree *tree, const struct tree_entry *entry, char ***names, size_t *count);

/* ---- steps_client.c ---- */

/* As steps_rule__read(). */
void steps_client__read(struct tree *tree, const struct tree_entry *entry, void *arg);
void steps_client__free(struct steps_client *client);

/* ---- steps_template.c ---- */

/* `node` NULL: no template. Call after all patterns have been read. */
void steps_template__read(struct tree *tree, const struct tree_entry *entry, const struct steps_rule *rule,
			  struct steps_template *template);
void steps_template__free(struct steps_template *template);

/* ---- steps_tool.c ---- */

/* The tool that a program is about: "bwa mem" of sh -c 'mkdir -p out && bwa mem ...'; its own name if there is no
 * better one. `command` may be NULL. */
void steps_tool__name(const struct model_command *command, const char *comm, char out[STEPS_NAME_MAX]);

#endif
