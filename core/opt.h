/* SPDX-License-Identifier: BSD-2-Clause */
/* Options declared as data: one table serves the YAML, the command line, --list and the errors.
 *
 * A table is an array of struct opt ended by an entry without a name. The values live in a struct of
 * the option's owner ("conf"), zeroed, then filled with the defaults, then with what the user set. */
#ifndef CORE_OPT_H
#define CORE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct opt_list {
	size_t n;
	char **items; /* each owned by the list; ended by NULL; NULL for an empty list */
};

enum opt_type {
	OPT_BOOL,     /* bool: true, false */
	OPT_UINT,     /* uint64_t: a whole number */
	OPT_SIZE,     /* uint64_t: bytes; 8MiB, 64k, 512 */
	OPT_DURATION, /* uint64_t: nanoseconds; 100ms, 1s, 2m, 1h */
	OPT_STRING,   /* char *, owned by the conf; NULL unless set or defaulted */
	OPT_LIST,     /* struct opt_list; YAML sequence of strings; on the command line: a,b,c */
	OPT_MAP,      /* struct opt_list of NAME=VALUE; YAML mapping of strings */
};

struct opt {
	const char *name;
	enum opt_type type;
	size_t offset;	   /* in the conf */
	const char *value; /* default, written as a user would; NULL: none */
	uint64_t min, max; /* for numbers, in the base unit; both 0: any */
	const char *help;  /* one sentence, lower case, without the final stop */
};

/* OPT(struct cpu_conf, interval, OPT_DURATION, "1s", min, max, "time between samples") */
#define OPT(conf, member, type, value, min, max, help)                       \
	{                                                                    \
#member, type, offsetof(conf, member), value, min, max, help \
	}

/* Sets every default. `conf` must be zeroed. Returns 0 or -EINVAL: a default that its own table
 * refuses, which is a bug that the plugin tests find. */
int opt__defaults(const struct opt *opts, void *conf);

/* Finds an option by name; NULL if there is none. */
const struct opt *opt__find(const struct opt *opts, const char *name);

/* The name nearest to `name` that could have been meant, or NULL. */
const char *opt__nearest(const struct opt *opts, const char *name);

/* Sets one option from text; replaces what was there (a list or map is replaced as a whole).
 * Returns 0 or -EINVAL with a sentence in `err` that says what is wrong and what instead. */
int opt__set(const struct opt *opt, void *conf, const char *text, struct error *err);

/* Appends one item to a list or map option (an item of a map is NAME=VALUE). 0 or -EINVAL, -ENOMEM. */
int opt__append(const struct opt *opt, void *conf, const char *item, struct error *err);

/* Sets options from "k=v,k=v" (the tail of `--sink NAME:k=v,k=v`). As opt__set; unknown and repeated
 * names are errors too. `text` may be NULL or empty. A backslash takes the next character as it is:
 * `\,` does not end the value. The items of a list or map have a second level of the same. */
int opt__parse(const struct opt *opts, void *conf, const char *text, struct error *err);

/* Gives back the option's value in *out, allocated, as opt__set() reads it; NULL for a string that is
 * not set. 0 or -ENOMEM. */
int opt__format(const struct opt *opt, const void *conf, char **out);

/* Appends the option as `k=v` to *out (allocated; NULL at first), which opt__parse() reads. 0 or -ENOMEM. */
int opt__unparse(const struct opt *opt, const void *conf, char **out);

/* Frees what the options own; the conf itself stays the caller's. Takes NULL conf. */
void opt__free(const struct opt *opts, void *conf);

const char *opt_type__name(enum opt_type type); /* "size", as --list and errors say it */

/* A number as a user would write it in an option of this type: 65536 is "64KiB", 1000000000 "1s". */
void opt_type__format(enum opt_type type, uint64_t number, char *out, size_t size);

#endif
