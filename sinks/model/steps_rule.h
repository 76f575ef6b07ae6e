/* SPDX-License-Identifier: BSD-2-Clause */
/* A rule of steps, compiled, and how it is held against a program. Private to sinks/model. */
#ifndef SINKS_MODEL_STEPS_RULE_H
#define SINKS_MODEL_STEPS_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "sinks/model/model.h"
#include "sinks/model/steps.h"

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

/* Appends the rule that is written there; tells what is wrong. `arg` is a struct steps_reading. */
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
 * is no better one. `command` may be NULL. */
void steps_tool__name(const struct model_command *command, const char *comm, char out[STEPS_NAME_MAX]);

/* ---- steps_match.c ---- */

/* A program as the rules look at it. */
struct steps_program {
	const struct model_command *command, *parent; /* either may be NULL */
	const char *comm;
	int32_t depth; /* programs above it; -1: not known */
	bool inside;   /* it is in a task */
};

struct steps_matcher;

struct steps_matcher *steps_matcher__new(const struct steps *steps); /* NULL: out of memory */
void steps_matcher__free(struct steps_matcher *matcher);	     /* takes NULL */

/* The first rule at `from` or behind it that holds for the program; steps->count: none. Begin a program
 * with 0, then go on behind what was found. */
size_t steps_matcher__next(struct steps_matcher *matcher, const struct steps_program *program, size_t from);

/* What the templates of the rule that was found last make; the id may be "": it has none. */
const char *steps_matcher__step(const struct steps_matcher *matcher);
const char *steps_matcher__id(const struct steps_matcher *matcher);

#endif
