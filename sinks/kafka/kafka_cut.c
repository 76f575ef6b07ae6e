/* SPDX-License-Identifier: BSD-2-Clause */
/* A message that is larger than the broker takes, without some of the arguments. It works on the bytes that were written: within
 * a string a quote has a backslash before it, so that what looks like a key is one. */
#include <errno.h>
#include <string.h>

#include "sinks/kafka/kafka.h"

#define ARGS ",\"args\":["
#define MISSING ",\"missing\":\""
#define REASON "args=truncated"

/* The end of a string or object of base64 that begins there. */
static const uint8_t *skip_item(const uint8_t *at, const uint8_t *end)
{
	if (*at == '{')
		return memchr(at, '}', end - at) ? (uint8_t *)memchr(at, '}', end - at) + 1 : end;
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\';
	return at < end ? at + 1 : end;
}

/* The end of the last of the items that take at most so many bytes; *close: where the list is closed. */
static const uint8_t *fit_items(const uint8_t *begin, const uint8_t *end, size_t bytes, const uint8_t **close)
{
	const uint8_t *kept = begin;

	for (*close = begin; *close < end && **close != ']';) {
		*close = skip_item(*close + (**close == ','), end);
		if ((size_t)(*close - begin) <= bytes)
			kept = *close;
	}
	return kept;
}

/* The reasons that `missing`, the last key, has; NULL: there is none. */
static const uint8_t *reasons_of(const uint8_t *json, const uint8_t *end)
{
	const uint8_t *at = end - 2; /* "} */

	if (end - json < 2 || *at != '"')
		return NULL;
	while (at > json && at[-1] != '"')
		at--;
	if ((size_t)(at - json) < strlen(MISSING) || memcmp(at - strlen(MISSING), MISSING, strlen(MISSING)) != 0)
		return NULL;
	return at;
}

int kafka_cut__args(const uint8_t *json, size_t size, size_t limit, struct buffer *out)
{
	const uint8_t *end = json + size, *args = memmem(json, size, ARGS, strlen(ARGS));
	const uint8_t *reasons = reasons_of(json, end), *rest = end - 1, *kept, *close;
	const char *add = reasons ? "," REASON "\"}" : MISSING REASON "\"}";
	size_t fixed;

	if (!args)
		return -E2BIG;
	args += strlen(ARGS);
	if (reasons && memmem(reasons, end - reasons, "args=", 5))
		add = "\"}";
	if (reasons)
		rest = end - 2;
	fit_items(args, end, 0, &close);
	fixed = (size_t)(args - json) + (size_t)(rest - close) + strlen(add);
	if (close >= rest || fixed > limit)
		return -E2BIG;
	kept = fit_items(args, end, limit - fixed, &close);
	out->size = 0;
	buffer__append(out, json, kept - json);
	buffer__append(out, close, rest - close);
	return buffer__append(out, add, strlen(add));
}
