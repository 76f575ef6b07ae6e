/* SPDX-License-Identifier: BSD-2-Clause */
/* A rule of steps, compiled, and how it is held against a program. Private to sinks/steps. */
#ifndef SINKS_STEPS_STEPS_RULE_H
#define SINKS_STEPS_STEPS_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "sinks/program/program.h"
#include "sinks/steps/steps.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define STEPS_TEXT_MAX 4096 /* bytes of a text that are looked at */
#define STEPS_NAME_MAX 256  /* of a step's name or id, with the NUL */

/* What a pattern is held against, cheapest first. */
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
	size_t count; /* 0: there is no such template */
};

struct steps_rule {
	char *set;     /* name of its set, or the file's path */
	int64_t depth; /* -1: any */
	bool outside;  /* only for a program that is in no task */
	struct steps_pattern *patterns;
	size_t patterns_count;
	struct steps_template step, id;
};

struct steps {
	struct steps_rule *rules;
	size_t count;
};

/* A ready-made set: its file, as text. The array is ended by one without a name. */
struct steps_ready {
	const char *name, *text;
};
extern const struct steps_ready steps_ready[];

/* ---- steps.c ---- */

/* Appends the rules of a document to `steps`: `text`, or where that is NULL the file at `path`. 0, or -EINVAL
 * with a sentence in `err`. */
int steps__read(struct steps *steps, const char *set, const char *path, const void *text, size_t length,
		struct error *err);

/* ---- steps_rule.c ---- */

struct tree;
struct tree_entry;

/* Appends the rule that is written there; reports what is wrong. `arg` is a struct steps_reading. */
struct steps_reading {
	struct steps *steps;
	const char *set;
};
void steps_rule__read(struct tree *tree, const struct tree_entry *entry, void *arg);
void steps_rule__free(struct steps_rule *rule);

/* ---- steps_template.c ---- */

/* Without a node there is no template. The rule has all its patterns. */
void steps_template__read(struct tree *tree, const struct tree_entry *entry, const struct steps_rule *rule,
			  struct steps_template *template);
void steps_template__free(struct steps_template *template);

/* ---- steps_tool.c ---- */

/* The tool that a program is about: "bwa mem" of sh -c 'mkdir -p out && bwa mem ...'; its name where there
 * is not a better one. `command` may be NULL. */
void steps_tool__name(const struct model_command *command, const char *comm, char out[STEPS_NAME_MAX]);

#endif
