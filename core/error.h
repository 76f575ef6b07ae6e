/* SPDX-License-Identifier: BSD-2-Clause */
/* Error messages of functions that fail: `return error__set(err, -EINVAL, "%s: ...", path);`
 *
 * The caller owns the struct and need not initialise it: `text` is valid only after a failure. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#define ERROR_TEXT 4096

struct error {
	char text[ERROR_TEXT]; /* one sentence, no final full stop or newline; truncated if longer */
};

/* Returns `rc`. */
int error__set(struct error *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Appends to the text. */
void error__append(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
