/* SPDX-License-Identifier: BSD-2-Clause */
/* Environment variable substitution in values of the configuration. */
#include "core/config/expand.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"

/* The parts of ${...}. */
struct reference {
	const char *name, *fallback; /* fallback: NULL without :- */
	size_t name_length, fallback_length;
};

static int parse(const char *text, size_t length, struct reference *reference)
{
	const char *at = text, *end = text + length;

	if (length >= 4 && memcmp(at, "env:", 4) == 0)
		at += 4;
	memset(reference, 0, sizeof(*reference));
	reference->name = at;
	while (at < end && (isalnum((unsigned char)*at) || *at == '_'))
		at++;
	reference->name_length = at - reference->name;
	if (!reference->name_length || isdigit((unsigned char)*reference->name))
		return -EINVAL;
	if (end - at >= 2 && memcmp(at, ":-", 2) == 0) {
		reference->fallback = at + 2;
		reference->fallback_length = end - reference->fallback;
		return 0;
	}
	return at == end ? 0 : -EINVAL;
}

/* Writes a value to `out`, which may have `max` bytes. */
static int put(const char *value, size_t length, size_t max, FILE *out, struct error *err)
{
	if ((size_t)ftello(out) + length > max)
		return error__set(err, -E2BIG, "${env:NAME} expands to too much: use shorter variables, or fewer");
	fwrite(value, 1, length, out);
	return 0;
}

/* Writes the value of the reference text[0..length) to `out`. */
static int resolve(const char *text, size_t length, size_t max, FILE *out, struct error *err)
{
	struct reference reference;
	const char *value;
	char *name;

	if (parse(text, length, &reference))
		return error__set(
			err, -EINVAL,
			"\"${%.*s}\" is not a valid reference: write ${env:NAME} or ${env:NAME:-default}, or $${",
			(int)(length < 64 ? length : 64), text);
	name = strndup(reference.name, reference.name_length);
	if (!name)
		return error__set(err, -ENOMEM, "out of memory");
	value = getenv(name);
	free(name);
	if (reference.fallback && (!value || !*value))
		return put(reference.fallback, reference.fallback_length, max, out, err);
	if (value)
		return put(value, strlen(value), max, out, err);
	return error__set(err, -EINVAL, "environment variable %.*s is not set: set it, or write ${env:%.*s:-default}",
			  (int)reference.name_length, reference.name, (int)reference.name_length, reference.name);
}

static int expand(const char *text, size_t max, FILE *out, struct error *err)
{
	const char *end;
	int rc;

	for (; *text; text++) {
		if (text[0] != '$' || (text[1] != '$' && text[1] != '{')) {
			fputc(*text, out);
			continue;
		}
		text++;
		if (*text == '$') {
			fputc('$', out);
			continue;
		}
		end = strchr(text, '}');
		if (!end)
			return error__set(err, -EINVAL, "\"$%.64s\" is not closed: add }, or write $${", text);
		rc = resolve(text + 1, end - text - 1, max, out, err);
		if (rc)
			return rc;
		text = end;
	}
	return 0;
}

int expand__env(const char *text, size_t max, char **out, struct error *err)
{
	size_t length;
	FILE *stream;
	int rc;

	*out = NULL;
	stream = open_memstream(out, &length);
	if (!stream)
		return error__set(err, -ENOMEM, "out of memory");
	rc = expand(text, max, stream, err);
	if (fclose(stream) && !rc)
		rc = error__set(err, -ENOMEM, "out of memory");
	if (rc) {
		free(*out);
		*out = NULL;
	}
	return rc;
}
