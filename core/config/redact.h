/* SPDX-License-Identifier: BSD-2-Clause */
/* Redacts secrets in arguments, paths and environments before anything is written to disk: by program
 * (core/config/redact_table.h) and by patterns.
 *
 * A pattern is a PCRE2 regular expression, matched against bytes. In each match, the text after group 1 is replaced by
 * `***`; the whole match is if group 1 does not exist or did not participate:
 *
 *	(--token=)\S+      --token=abc  ->  --token=***
 *	AKIA[A-Z0-9]{16}   AKIA...      ->  ***
 *
 * An option without "=" has its value in the next item of the list: if group 1 extends to the end of an item that
 * begins with `-`, the whole next item is redacted, unless it looks like `--another-option`:
 * (--token(?:=|\z))\S* also turns `--token abc` into `--token ***`.
 *
 * A text that could not be searched completely (match limit, out of memory) is redacted as a whole. */
#ifndef CORE_CONFIG_REDACT_H
#define CORE_CONFIG_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/record.h"

struct redact;

enum redact_where {
	REDACT_EVERYWHERE,
	REDACT_ARGUMENT, /* not in shell code */
	REDACT_CODE,	 /* only in shell code: the argument of sh -c */
};

/* The default patterns, terminated by an entry without a text. */
struct redact_pattern {
	enum redact_where where;
	size_t least;	       /* bytes of the shortest text that matches */
	const char *all, *any; /* a text that matches has all of these bytes, and one of those; NULL: no matter */
	const char *text;
};
extern const struct redact_pattern redact_default[];

/* Checks a pattern. 0, or -EINVAL with `err` set: what is wrong, and at which character. */
int redact__check(const char *pattern, struct error *err);

/* Compiles `n` patterns, after the default ones with the table of programs if `defaults`. 0, or -EINVAL or -ENOMEM with
 * `err` set. */
int redact__new(struct redact **redact, bool defaults, const char *const *patterns, size_t n, struct error *err);
void redact__free(struct redact *redact); /* takes NULL */

/* A record_filter (core/record.h). `redact` is a struct redact. Not thread-safe. */
bool redact__text(void *redact, enum record_place place, const char **text, size_t *length);

/* A redacted copy of a list terminated by NULL, such as argv; `redact` NULL: an unchanged copy. `first` is the place of
 * the first item: RECORD_LIST_FIRST of argv, RECORD_PAIR of NAME=VALUE. Adds to *count how many items were changed. Freed
 * by redact__list_free(). NULL: out of memory. */
char **redact__list(struct redact *redact, enum record_place first, const char *const *items, uint64_t *count);
void redact__list_free(char **items); /* takes NULL */

#endif
