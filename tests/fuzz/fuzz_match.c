/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes up to a NUL are a pattern for paths and one for secrets, the rest are arguments. The default patterns look for
 * secrets in them too; what was found does not come back whole. */
#include <errno.h>
#include <string.h>

#include "core/config/glob.h"
#include "core/config/redact.h"
#include "tests/fuzz/fuzz.h"

/* A text matches itself where each character is escaped, and `**`. */
static void check_glob(const char *pattern, const char *text)
{
	char *escaped = malloc(2 * strlen(text) + 1), *at = escaped;

	EXPECT(escaped);
	for (const char *c = text; *c; c++) {
		*at++ = '\\';
		*at++ = *c;
	}
	*at = '\0';
	EXPECT(glob__match(escaped, text) && glob__match("**", text));
	EXPECT(glob__literal(pattern) <= strlen(pattern));
	glob__match(pattern, text);
	free(escaped);
}

static void redact_all(struct redact *redact, const char *at, const char *end)
{
	for (bool follows = false; at < end; follows = true) {
		size_t length = strnlen(at, end - at), before = length;
		const char *text = at;

		if (!redact__text(redact, follows ? RECORD_LIST_NEXT : RECORD_LIST_FIRST, &text, &length))
			EXPECT(text == at && length == before);
		for (size_t i = 0; i < length; i++)
			EXPECT(text[i] || text != at); /* every byte can be read */
		at += before + 1;
	}
}

static void check_redaction(const char *pattern, const char *at, const char *end)
{
	static struct redact *usual;
	struct redact *own = NULL;
	struct error err = {0};

	if (!usual)
		EXPECT(!redact__new(&usual, true, NULL, 0, &err));
	redact_all(usual, at, end);
	if (redact__check(pattern, &err)) {
		EXPECT(*err.text);
		return;
	}
	EXPECT(!redact__new(&own, false, &pattern, 1, &err));
	redact_all(own, at, end);
	redact__free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = calloc(1, size + 2), *rest;

	EXPECT(bytes);
	if (size)
		memcpy(bytes, data, size);
	rest = bytes + strnlen(bytes, size) + 1;
	check_glob(bytes, rest);
	check_redaction(bytes, rest, bytes + size);
	free(bytes);
	return 0;
}
