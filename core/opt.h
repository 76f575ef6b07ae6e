/* SPDX-License-Identifier: BSD-2-Clause */
/* Option tables: one table serves the YAML, the command line, --list and the error messages.
 *
 * A table is an array of struct opt terminated by an entry without a name. The values are members of a
 * struct of the table's owner ("conf"): zeroed, then set to the defaults, then to what the user gave. */
#ifndef CORE_OPT_H
#define CORE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct opt_list {
	size_t n;
	char **items; /* terminated by NULL, all owned by the list; NULL for an empty list */
};

enum opt_type {
	OPT_BOOL,     /* bool: true, false */
	OPT_UINT,     /* uint64_t: an integer */
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
	const char *value; /* default, as a user would write it; NULL: none */
	uint64_t min, max; /* for numbers, in the base unit; both 0: no limits */
	const char *help;  /* one sentence, lower case, no final full stop */
};

/* OPT(struct cpu_conf, interval, OPT_DURATION, "1s", min, max, "time between samples") */
#define OPT(conf, member, type, value, min, max, help)                       \
	{                                                                    \
#member, type, offsetof(conf, member), value, min, max, help \
	}

/* Sets every default. `conf` must be zeroed. 0, or -EINVAL: the table rejects its own default (a bug, found
 * by the plugin tests). */
int opt__defaults(const struct opt *opts, void *conf);

/* Finds an option by name; NULL: not found. */
const struct opt *opt__find(const struct opt *opts, const char *name);

/* The option name most similar to a misspelled `name`, or NULL. */
const char *opt__nearest(const struct opt *opts, const char *name);

/* Sets one option from text, replacing its value (also that of a list or map).
 * 0, or -EINVAL with `err` set: what is wrong, and what to write instead. */
int opt__set(const struct opt *opt, void *conf, const char *text, struct error *err);

/* Appends one item to a list or map option (an item of a map is NAME=VALUE). 0 or -EINVAL, -ENOMEM. */
int opt__append(const struct opt *opt, void *conf, const char *item, struct error *err);

/* Sets options from "k=v,k=v" (as in `--sink NAME:k=v,k=v`), like opt__set(); unknown and repeated names
 * are errors. `text` may be NULL or empty. A backslash escapes the next character: `\,` does not end the
 * value. The items of a list or map are escaped a second time; one item of a map is also MAP.k=v, without that. */
int opt__parse(const struct opt *opts, void *conf, const char *text, struct error *err);

/* Sets *out to the option's value as opt__set() reads it, allocated, to be freed by the caller; NULL for a
 * string that is not set. 0 or -ENOMEM. */
int opt__format(const struct opt *opt, const void *conf, char **out);

/* Whether it has the same value in both. 1, 0, or -ENOMEM. */
int opt__same(const struct opt *opt, const void *a, const void *b);

/* Appends the option as `k=v`, as opt__parse() reads it, to *out (allocated; initially NULL). 0 or -ENOMEM. */
int opt__unparse(const struct opt *opt, const void *conf, char **out);

/* Frees the values of the options, not `conf` itself, which may be NULL. */
void opt__free(const struct opt *opts, void *conf);

const char *opt_type__name(enum opt_type type); /* "size", for --list and errors */

/* Formats a number as a user would write it for this type: 65536 as "64KiB", 1000000000 as "1s". */
void opt_type__format(enum opt_type type, uint64_t number, char *out, size_t size);

#endif
