/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads one line of the collector's JSONL: an object whose values are plain, or a list or object of plain ones. */
#ifndef TESTS_TRUTH_JSON_H
#define TESTS_TRUTH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	const char *at;
	bool bad; /* it was no JSON; sticky */
};

/* The next member of an object, or false at its end. The value is to be read or skipped before the next. */
bool json__next(struct json *j, char *key, size_t size);

/* The next item of a list: call with `first` true once before the first. */
bool json__item(struct json *j, bool *first);

#define JSON_NULL UINT64_MAX
uint64_t json__number(struct json *j); /* null: JSON_NULL; true 1, false 0 */

/* A string, or {"base64": "..."}, decoded. Hands out at most `size` bytes; the whole length is returned. */
size_t json__string(struct json *j, char *out, size_t size);

void json__skip(struct json *j);

#endif
