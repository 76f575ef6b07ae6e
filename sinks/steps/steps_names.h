/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of an engine's jobs, from its own log or trace file. Private to sinks/steps. */
#ifndef SINKS_STEPS_STEPS_NAMES_H
#define SINKS_STEPS_STEPS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/base.h"
#include "sinks/steps/steps_rule.h"

/* A list of paths of the file: "a, b". */
struct names_paths {
	const char *text; /* NULL: none */
	size_t count, length;
};

struct names_job {
	struct names_job *next;
	char *step, *tag;	/* in the names' text; tag may be "" */
	struct names_job *rule; /* the first job of its rule, which may be this one; it has: */
	const char *script;	/* name of the rule's script; NULL: not known */
	bool other;		/* the rule has no script */
	size_t unnamed;		/* its jobs that run a script, which of them is not known */
	const char *number;	/* of this job: as the log has it; NULL: none yet */
	bool taken;		/* its script or its line is known */
	bool said;		/* its line is in the log */
	uint64_t line;		/* a hash of that line; 0: of none */
	bool finished;		/* the log said so */
	struct names_paths input, output, log;
	unsigned lookup; /* the lookup that hits and given are of */
	size_t hits, given;
};

/* Lines that were read, cut up: the names are in them. */
struct names_text {
	struct names_text *next;
	char *text;
};

/* What a job is found by; several jobs may have the same. */
enum names_kind {
	NAMES_ID,
	NAMES_FOLDER,
	NAMES_STEP,
	NAMES_LINE, /* the first of a shell's */
	NAMES_OUTPUT,
	NAMES_LOG,
	NAMES_INPUT,
	NAMES_RULE,
	NAMES_SCRIPT,
	NAMES_SCRIPT_RULE
};

#define NAMES_RUNNING 256 /* jobs that a log has announced and not yet finished: the latest */

struct names_key {
	struct hash_node node;
	struct names_job *job;
	enum names_kind kind;
	unsigned lookup;
	const char *text;
	size_t length;
	const char *end; /* of what was read with it, as lines that end with NUL */
};

struct names {
	const char *set; /* of rules, to which the names belong */
	struct names_text *texts;
	size_t length; /* of all texts */
	struct hash keys;
	const char *end;	 /* of the text that is read */
	struct names_job *open;	 /* the one that the next line may be about; NULL: none */
	size_t indent;		 /* of that one, which is more in a group */
	struct names_job *shell; /* the one whose line for a shell may be the next; NULL: none */
	struct names_job *jobs;
	struct names_job *running[NAMES_RUNNING]; /* in the log's order */
	size_t running_count;
	bool failed;		   /* the next number is that of a job that has failed */
	struct names_job *failing; /* that job, of which the line may follow; NULL: none */
	unsigned lookups;
};

/* ---- steps_jobs.c ---- */

struct names_job *names__add(struct names *names); /* NULL: out of memory */
int names__add_key(struct names *names, struct names_job *job, enum names_kind kind, const char *text, size_t length);

/* The job of all with this key; NULL: none, or some with other names. */
const struct names_job *names__find(const struct names *names, enum names_kind kind, const char *text, size_t length);

/* The next key of this kind and text; `after` NULL: the first one. NULL: none. */
struct names_key *names_key__next(const struct names *names, struct names_key *after, enum names_kind kind,
				  const char *text, size_t length);
bool names_job__same(const struct names_job *a, const struct names_job *b); /* have one name */

/* The first job with this key that was found; NULL: none. */
struct names_job *names__first(const struct names *names, enum names_kind kind, const char *text, size_t length);

int names__keep(struct names *names, char *text); /* takes over `text` unless it fails: 0 or -ENOMEM */
void names__free(struct names *names);		  /* takes NULL */

/* The next path of a list, or NULL. `at` begins as paths->text. */
const char *names_paths__next(const struct names_paths *paths, const char **at, size_t *length);

/* ---- steps_script.c ---- */

void names_script__announce(struct names *names, struct names_job *job);
struct names_job *names_script__finish(struct names *names, const char *number); /* as in the log; NULL: none */
/* Another part of the log follows. Only then what is finished can be forgotten: a part is read some time after the program
 * began that it is read for. */
void names_script__settle(struct names *names);
void names_script__has_other(struct names *names, const char *rule); /* a line for the shell, or code of its own */

bool names_script__is(const struct model_command *command); /* it runs a script */
/* The job whose script this is; or with *sure false, one of its rule. NULL: it is none, or may be of several rules. */
const struct names_job *names_script__find(struct names *names, const struct model_command *command, bool *sure);

/* The only job that may be a line without any path; or with *sure false, one of its rule. NULL: none. */
const struct names_job *names_script__find_line(struct names *names, uint64_t line, bool *sure);

/* ---- steps_names.c ---- */

/* Replaces step and tag, as a rule of the names' set made them, by those of the job, and the id "" by "STEP:TAG"; leaves
 * them if there is not exactly one job. */
void names__apply(struct names *names, const struct model_command *command, char id[STEPS_NAME_MAX],
		  char step[STEPS_NAME_MAX], char tag[STEPS_NAME_MAX]);

/* ---- steps_log.c ---- */

/* Takes over `text`. 0 with *names NULL: it is another file, and `text` still the caller's. */
int names__read(char *text, size_t length, struct names **names);

#endif
