/* SPDX-License-Identifier: BSD-2-Clause */
/* Variables of the environment in the values of the configuration. */
#include "core/config/expand.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"

/* What stands between ${ and }. */
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

/* Writes the value of the reference text[0..length) to `out`. */
static int resolve(const char *text, size_t length, FILE *out, char *err, size_t size)
{
	struct reference reference;
	const char *value;
	char *name;

	if (parse(text, length, &reference))
		return fail_with(-EINVAL, err, size,
				 "\"${%.*s}\" is no reference: write ${env:NAME} or ${env:NAME:-default}, or $${",
				 (int)(length < 64 ? length : 64), text);
	name = strndup(reference.name, reference.name_length);
	if (!name)
		return fail_with(-ENOMEM, err, size, "out of memory");
	value = getenv(name);
	free(name);
	if (reference.fallback && (!value || !*value))
		fwrite(reference.fallback, 1, reference.fallback_length, out);
	else if (value)
		fputs(value, out);
	else
		return fail_with(
			-EINVAL, err, size, "the variable %.*s is not set: set it, or write ${env:%.*s:-default}",
			(int)reference.name_length, reference.name, (int)reference.name_length, reference.name);
	return 0;
}

static int expand(const char *text, FILE *out, char *err, size_t size)
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
			return fail_with(-EINVAL, err, size, "\"$%.64s\" has no end: close it by }, or write $${",
					 text);
		rc = resolve(text + 1, end - text - 1, out, err, size);
		if (rc)
			return rc;
		text = end;
	}
	return 0;
}

int expand__env(const char *text, char **out, char *err, size_t size)
{
	size_t length;
	FILE *stream;
	int rc;

	*out = NULL;
	stream = open_memstream(out, &length);
	if (!stream)
		return fail_with(-ENOMEM, err, size, "out of memory");
	rc = expand(text, stream, err, size);
	if (fclose(stream) && !rc)
		rc = fail_with(-ENOMEM, err, size, "out of memory");
	if (rc) {
		free(*out);
		*out = NULL;
	}
	return rc;
}
