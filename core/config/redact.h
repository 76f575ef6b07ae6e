/* SPDX-License-Identifier: BSD-2-Clause */
/* Redacts secrets in arguments, paths and environments before anything is written to disk.
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

struct redact;

/* The default patterns, terminated by NULL. */
extern const char *const redact_default[];

/* Checks a pattern. 0, or -EINVAL with `err` set: what is wrong, and at which character. */
int redact__check(const char *pattern, struct error *err);

/* Compiles `n` patterns. 0, or -EINVAL or -ENOMEM with `err` set. */
int redact__new(struct redact **redact, const char *const *patterns, size_t n, struct error *err);
void redact__free(struct redact *redact); /* takes NULL */

/* A record_filter (core/record.h). `redact` is a struct redact. Not thread-safe. */
bool redact__text(void *redact, bool follows, const char **text, size_t *length);

/* A redacted copy of a list terminated by NULL, such as argv; `redact` NULL: an unchanged copy. Freed by
 * redact__list_free(). NULL: out of memory. */
char **redact__list(struct redact *redact, const char *const *items);
void redact__list_free(char **items); /* takes NULL */

#endif
