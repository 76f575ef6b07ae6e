/* SPDX-License-Identifier: BSD-2-Clause */
/* How a function fails that says why in a sentence: `return error__set(err, -EINVAL, "%s: ...", path);`
 *
 * The struct is the caller's and need not be initialised: `text` is set exactly when the function failed. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#define ERROR_TEXT 4096

struct error {
	char text[ERROR_TEXT]; /* one sentence without a final full stop or newline; cut if it is longer */
};

/* Returns `rc`. */
int error__set(struct error *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Goes on in the sentence. */
void error__append(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
