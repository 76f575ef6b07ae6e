/* SPDX-License-Identifier: BSD-2-Clause */
/* Hides secrets in arguments, paths and environments before the first byte reaches a disk.
 *
 * A pattern is a regular expression in PCRE2's syntax, matched against bytes. In each match, what
 * follows the pattern's group 1 is replaced by `***`; without a group 1 that took part, all of it is:
 *
 *	(--token=)\S+      --token=abc  ->  --token=***
 *	AKIA[A-Z0-9]{16}   AKIA...      ->  ***
 *
 * An option's name alone has its value in the next item of the list: where group 1 reaches the end of
 * an item that begins with `-`, nothing is left in it to hide, and the next item is hidden as a whole
 * (unless it looks like `--another-option`): (--token(?:=|\z))\S* also turns `--token abc` into
 * `--token ***`.
 *
 * A text that could not be searched to its end (a limit was hit, no memory) is hidden as a whole. */
#ifndef CORE_CONFIG_REDACT_H
#define CORE_CONFIG_REDACT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"

struct redact;

/* The patterns that hold unless the user gives others; ended by NULL. */
extern const char *const redact_default[];

/* 0, or -EINVAL with a sentence in `err` that says what is wrong in the pattern, and where. */
int redact__check(const char *pattern, struct error *err);

/* Compiles `n` patterns. 0; -EINVAL or -ENOMEM with a sentence in `err`. */
int redact__new(struct redact **redact, const char *const *patterns, size_t n, struct error *err);
void redact__free(struct redact *redact); /* takes NULL */

/* A record_filter (core/record.h). `redact` is a struct redact; not for two threads at once. */
bool redact__text(void *redact, bool follows, const char **text, size_t *length);

/* A copy of a list that is ended by NULL, such as argv, with its secrets hidden; freed by
 * redact__list_free(). `redact` NULL: nothing is hidden. NULL: out of memory. */
char **redact__list(struct redact *redact, const char *const *items);
void redact__list_free(char **items); /* takes NULL */

#endif
