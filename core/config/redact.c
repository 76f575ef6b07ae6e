/* SPDX-License-Identifier: BSD-2-Clause */
/* Redacts texts with PCRE2 patterns, compiled once, with JIT if available. */
#include "core/config/redact.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/buffer.h"
#include "core/base/base.h"

#define HIDDEN "***"
#define HARMLESS 64 /* size of the cache of texts without a match; a power of two */
#define HARMLESS_BYTES 94
#define MATCH_LIMIT 1000000 /* steps of one search: bounds catastrophic backtracking to milliseconds */

struct pattern {
	pcre2_code *code;
	bool jit;
};

/* A text without a match, cached: programs, directories and options recur. */
struct harmless {
	uint16_t length;
	char text[HARMLESS_BYTES];
};

struct redact {
	size_t n;
	struct pattern *patterns;
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	struct buffer buffers[2]; /* a pattern reads from one and writes to the other */
	struct harmless harmless[HARMLESS];
	bool named; /* the last text was an option without its value: the next one is a secret */
};

static int compile(pcre2_code **code, const char *pattern, struct error *err)
{
	PCRE2_UCHAR sentence[256];
	PCRE2_SIZE at;
	int rc;

	/* Bytes, not UTF-8: arguments are arbitrary bytes. */
	*code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF, &rc, &at, NULL);
	if (*code)
		return 0;
	pcre2_get_error_message(rc, sentence, sizeof(sentence));
	return error__set(err, -EINVAL, "\"%.200s\" is not a valid regular expression: %s, at character %zu", pattern,
			  (const char *)sentence, (size_t)at + 1);
}

int redact__check(const char *pattern, struct error *err)
{
	pcre2_code *code;
	int rc = compile(&code, pattern, err);

	pcre2_code_free(code);
	return rc;
}

void redact__free(struct redact *redact)
{
	size_t i;

	if (!redact)
		return;
	for (i = 0; redact->patterns && i < redact->n; i++)
		pcre2_code_free(redact->patterns[i].code);
	free(redact->patterns);
	pcre2_match_data_free(redact->match);
	pcre2_match_context_free(redact->context);
	pcre2_jit_stack_free(redact->stack);
	buffer__free(&redact->buffers[0]);
	buffer__free(&redact->buffers[1]);
	free(redact);
}

int redact__new(struct redact **redact, const char *const *patterns, size_t n, struct error *err)
{
	struct redact *new = calloc(1, sizeof(*new));
	int rc = 0;

	*redact = NULL;
	if (!new)
		return error__set(err, -ENOMEM, "out of memory");
	new->patterns = calloc(n ? n : 1, sizeof(*new->patterns));
	new->match = pcre2_match_data_create(2, NULL); /* the match and its group 1 */
	new->context = pcre2_match_context_create(NULL);
	new->stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL);
	if (!new->patterns || !new->match || !new->context || !new->stack) {
		rc = error__set(err, -ENOMEM, "out of memory");
		goto out;
	}
	pcre2_set_match_limit(new->context, MATCH_LIMIT);
	pcre2_jit_stack_assign(new->context, NULL, new->stack);
	for (; new->n < n &&rc == 0; new->n++) {
		struct pattern *pattern = &new->patterns[new->n];

		rc = compile(&pattern->code, patterns[new->n], err);
		/* Without JIT (memory may not be both writable and executable) it is only slower. */
		pattern->jit = rc == 0 && pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
	}
out:
	if (rc) {
		redact__free(new);
		return rc;
	}
	*redact = new;
	return 0;
}

static int search(struct redact *redact, const struct pattern *pattern, const char *text, size_t length, size_t from)
{
	/* pcre2_jit_match() skips checks that cost more than the search in a short text. */
	return (pattern->jit ? pcre2_jit_match : pcre2_match)(pattern->code, (PCRE2_SPTR)text, length, from, 0,
							      redact->match, redact->context);
}

/* Copies `text` to `out` with the matches redacted. Returns 1, 0 if there was no match (and nothing was copied), or
 * -errno if the search failed. *name_alone: a group 1 extended to the end of the text. */
static int apply(struct redact *redact, const struct pattern *pattern, const char *text, size_t length,
		 struct buffer *out, bool *name_alone)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(redact->match);
	size_t from = 0, copied = 0, hide;
	bool group;
	int rc = 0;

	out->size = 0;
	while (from <= length && (rc = search(redact, pattern, text, length, from)) >= 0) {
		/* A group in a lookaround may lie outside of the match: then redact the whole match. */
		group = rc != 1 && at[3] != PCRE2_UNSET && at[3] >= at[0] && at[3] <= at[1];
		hide = group ? at[3] : at[0];
		if (hide < at[1]) {
			if (buffer__append(out, text + copied, hide - copied) ||
			    buffer__append(out, HIDDEN, strlen(HIDDEN)))
				return -ENOMEM;
			copied = at[1];
		} else if (group && hide == length) {
			*name_alone = true;
		}
		from = at[1] > from ? at[1] : from + 1;
	}
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		return -EIO;
	if (!out->size)
		return 0;
	return buffer__append(out, text + copied, length - copied) ? -ENOMEM : 1;
}

static bool hide_all(const char **text, size_t *length)
{
	*text = HIDDEN;
	*length = strlen(HIDDEN);
	return true;
}

/* The cache entry for the text; NULL: the text is empty or too long. */
static struct harmless *harmless_of(struct redact *redact, const char *text, size_t length)
{
	uint32_t hash = length;
	size_t i;

	if (length == 0 || length > HARMLESS_BYTES)
		return NULL;
	for (i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x01000193;
	return &redact->harmless[hash >> 16 & (HARMLESS - 1)];
}

bool redact__text(void *arg, bool follows, const char **text, size_t *length)
{
	struct redact *redact = arg;
	bool expected = follows && redact->named, name_alone = false, changed = false;
	struct buffer *out = redact->buffers;
	struct harmless *known;
	size_t i;
	int rc;

	redact->named = false;
	if (expected && !(*length > 2 && memcmp(*text, "--", 2) == 0 && isalpha((unsigned char)(*text)[2])))
		return hide_all(text, length);
	known = harmless_of(redact, *text, *length);
	if (known && known->length == *length && !memcmp(known->text, *text, *length))
		return false;
	for (i = 0; i < redact->n; i++) {
		rc = apply(redact, &redact->patterns[i], *text, *length, out, &name_alone);
		if (rc < 0)
			return hide_all(text, length);
		if (rc == 0)
			continue;
		*text = (const char *)out->data;
		*length = out->size;
		out = &redact->buffers[out == redact->buffers];
		changed = true;
	}
	if (known && !changed && !name_alone) {
		known->length = *length;
		memcpy(known->text, *text, *length);
	}
	redact->named = name_alone && *length && **text == '-' && isalnum((unsigned char)(*text)[*length - 1]);
	return changed;
}

void redact__list_free(char **items)
{
	char **item;

	for (item = items; item && *item; item++)
		free(*item);
	free(items);
}

char **redact__list(struct redact *redact, const char *const *items)
{
	size_t n = 0, i, length;
	const char *text;
	char **copy;

	while (items[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (i = 0; copy && i < n; i++) {
		text = items[i];
		length = strlen(text);
		if (redact)
			redact__text(redact, i > 0, &text, &length);
		copy[i] = strndup(text, length);
		if (!copy[i]) {
			redact__list_free(copy);
			return NULL;
		}
	}
	return copy;
}
