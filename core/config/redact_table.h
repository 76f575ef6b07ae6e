/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of programs whose arguments are secret by position: `-pSECRET` of mysql, but not `-p` of mkdir. The grammar
 * is documented in conf/redact/programs, from which the built-in table is made. */
#ifndef CORE_CONFIG_REDACT_TABLE_H
#define CORE_CONFIG_REDACT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

#define REDACT_RULES_MAX 64  /* of a program */
#define REDACT_TOKENS_MAX 12 /* of a rule */

enum redact_value {
	REDACT_LITERAL, /* a word that must match */
	REDACT_OPTION,	/* an option: the tokens after it are its values */
	REDACT_FLAGS,	/* letters of options without a value, which may be clustered */
	REDACT_OTHER,	/* `_`: any argument, not a secret */
	REDACT_SECRET,
	REDACT_NAME,	/* if this is the name of a secret, the next argument is one */
	REDACT_SCRIPT,	/* shell code */
	REDACT_PROGRAM, /* a program, with its arguments after it */
	REDACT_COMMAND, /* the same; arguments before the first program in the table are skipped */
};

struct redact_token {
	enum redact_value value;
	bool unsure;	      /* a REDACT_SECRET that may as well be a file, a number, a word like "true" */
	bool glued;	      /* an option with its value in the same argument only */
	char separator, stop; /* of USER:SECRET@HOST; 0: the whole argument is secret, to its end */
	uint32_t length;
	const char *text; /* of a literal, an option, or flags */
};

struct redact_rule {
	uint32_t count;
	uint32_t option; /* index of the REDACT_OPTION; REDACT_TOKENS_MAX if there is none */
	struct redact_token tokens[REDACT_TOKENS_MAX];
};

struct redact_program {
	size_t rules_count;
	struct redact_rule *rules;
	const char *flags; /* "" if no flags can be clustered */
	bool long_options; /* -key is not -k with the value ey */
};

struct redact_table;

/* The built-in table, made from conf/redact/programs by the build. */
extern const char redact_programs[];

/* Parses a table. 0, or -EINVAL or -ENOMEM with `err` set: which line, what is wrong. */
int redact_table__new(struct redact_table **table, const char *text, struct error *err);
void redact_table__free(struct redact_table *table); /* takes NULL */

/* The program by its path or name, as in argv[0]: also a login shell, with a version, a script's suffix, or the tag of an image.
 * NULL: not in the table. */
const struct redact_program *redact_table__find(const struct redact_table *table, const char *path, size_t length);
/* The rules of every program, or NULL. */
const struct redact_program *redact_table__any(const struct redact_table *table);

/* Where one command line is. */
struct redact_line {
	const struct redact_table *table;
	const struct redact_program *program; /* NULL: not in the table */
	const struct redact_token *pending;   /* values that come, of the option before */
	uint32_t pending_count;
	bool started, operands;	      /* `operands`: after `--` */
	uint8_t at[REDACT_RULES_MAX]; /* tokens that a rule has matched */
};

/* What one argument is. */
struct redact_verdict {
	enum redact_value
		value;	 /* OPTION: of the table, with its value to come; OTHER: not a secret; LITERAL: unknown */
	size_t from, to; /* of a REDACT_SECRET: which bytes */
};

void redact_line__start(struct redact_line *line, const struct redact_table *table);
/* The next argument, beginning with argv[0]. */
struct redact_verdict redact_line__next(struct redact_line *line, const char *text, size_t length);

/* NAME=VALUE before a command. */
bool redact_line__is_assignment(const char *text, size_t length);

#endif
