/* SPDX-License-Identifier: BSD-2-Clause */
/* Redacts texts with the table of programs and PCRE2 patterns, compiled once, with JIT if available. */
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
#include "core/config/redact_shell.h"
#include "core/config/redact_table.h"

#define HARMLESS 64 /* size of the cache of texts without a match; a power of two */
#define HARMLESS_BYTES 94
#define MATCH_LIMIT 1000000 /* steps of one search: bounds catastrophic backtracking to milliseconds */

struct pattern {
	pcre2_code *code;
	bool jit;
	struct redact_pattern about;
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
	struct buffer buffers[2];   /* a pattern reads from one and writes to the other */
	struct buffer whole, lines; /* of RECORD_LINES: before and after the walk over its lines */
	struct harmless harmless[HARMLESS];
	bool named;		    /* the last text was an option without its value: the next one is a secret */
	struct redact_table *table; /* NULL: none */
	struct redact_line line;
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
	buffer__free(&redact->whole);
	buffer__free(&redact->lines);
	redact_table__free(redact->table);
	free(redact);
}

static int prepare(struct redact *new, size_t room, struct error *err)
{
	new->patterns = calloc(room ? room : 1, sizeof(*new->patterns));
	new->match = pcre2_match_data_create(2, NULL); /* the match and its group 1 */
	new->context = pcre2_match_context_create(NULL);
	new->stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL);
	if (!new->patterns || !new->match || !new->context || !new->stack)
		return error__set(err, -ENOMEM, "out of memory");
	pcre2_set_match_limit(new->context, MATCH_LIMIT);
	pcre2_jit_stack_assign(new->context, NULL, new->stack);
	return 0;
}

static int add_pattern(struct redact *new, const struct redact_pattern *about, struct error *err)
{
	struct pattern *pattern = &new->patterns[new->n];
	int rc = compile(&pattern->code, about->text, err);

	if (rc)
		return rc;
	/* Without JIT (memory may not be both writable and executable) it is only slower. */
	pattern->jit = pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE) == 0;
	pattern->about = *about;
	new->n++;
	return 0;
}

static int add_defaults(struct redact *new, struct error *err)
{
	const struct redact_pattern *pattern;
	int rc = redact_table__new(&new->table, redact_programs, err);

	for (pattern = redact_default; !rc && pattern->text; pattern++)
		rc = add_pattern(new, pattern, err);
	return rc;
}

int redact__new(struct redact **redact, bool defaults, const char *const *patterns, size_t n, struct error *err)
{
	struct redact *new = calloc(1, sizeof(*new));
	size_t room = n;
	int rc;

	*redact = NULL;
	if (!new)
		return error__set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; defaults && redact_default[i].text; i++)
		room++;
	rc = prepare(new, room, err);
	if (!rc && defaults)
		rc = add_defaults(new, err);
	for (size_t i = 0; !rc && i < n; i++)
		rc = add_pattern(new, &(struct redact_pattern){.text = patterns[i]}, err);
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
			    buffer__append(out, REDACT_HIDDEN, strlen(REDACT_HIDDEN)))
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
	*text = REDACT_HIDDEN;
	*length = strlen(REDACT_HIDDEN);
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

/* The bytes that a text has. */
struct bytes {
	uint64_t bits[4];
};

static bool bytes__has(const struct bytes *bytes, unsigned char byte)
{
	return bytes->bits[byte / 64] >> byte % 64 & 1;
}

static struct bytes bytes_of(const char *text, size_t length)
{
	struct bytes bytes = {{0}};
	size_t i;

	for (i = 0; i < length; i++)
		bytes.bits[(unsigned char)text[i] / 64] |= 1ULL << (unsigned char)text[i] % 64;
	return bytes;
}

/* Whether a pattern may match: 10 times cheaper than a search. */
static bool may_match(const struct redact_pattern *pattern, const struct bytes *bytes, size_t length)
{
	const char *byte;

	if (length < pattern->least)
		return false;
	for (byte = pattern->all; byte && *byte; byte++)
		if (!bytes__has(bytes, *byte))
			return false;
	for (byte = pattern->any; byte && *byte; byte++)
		if (bytes__has(bytes, *byte))
			return true;
	return !pattern->any;
}

/* Runs the patterns. Returns whether one of them matched, and sets *name_alone as apply() does; -errno: a search failed. */
static int apply_all(struct redact *redact, bool script, const char **text, size_t *length, bool *name_alone)
{
	struct buffer *out = &redact->buffers[*text == (const char *)redact->buffers[0].data];
	struct bytes bytes = bytes_of(*text, *length);
	const struct redact_pattern *about;
	int rc, changed = 0;

	for (size_t i = 0; i < redact->n; i++) {
		about = &redact->patterns[i].about;
		if (about->where == (script ? REDACT_ARGUMENT : REDACT_CODE) || !may_match(about, &bytes, *length))
			continue;
		rc = apply(redact, &redact->patterns[i], *text, *length, out, name_alone);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		*text = (const char *)out->data;
		*length = out->size;
		out = &redact->buffers[out == redact->buffers];
		changed = 1;
	}
	return changed;
}

static bool hide_part(struct redact *redact, const struct redact_verdict *part, const char **text, size_t *length)
{
	struct buffer *out = redact->buffers;

	out->size = 0;
	if (buffer__append(out, *text, part->from) || buffer__append(out, REDACT_HIDDEN, strlen(REDACT_HIDDEN)) ||
	    buffer__append(out, *text + part->to, *length - part->to))
		return hide_all(text, length);
	*text = (const char *)out->data;
	*length = out->size;
	return true;
}

/* Whether the first pattern, that of names, matches up to the end. */
static bool is_name(void *arg, const char *text, size_t length)
{
	struct redact *redact = arg;
	struct buffer *unused = &redact->buffers[1];
	bool name_alone = false;

	return apply(redact, redact->patterns, text, length, unused, &name_alone) == 0 && name_alone;
}

/* Shell code, from part->from on. */
static bool hide_in_code(struct redact *redact, const struct redact_verdict *part, const char **text, size_t *length)
{
	struct buffer *out = redact->buffers;
	bool name_alone;
	int found, rc;

	out->size = 0;
	found = buffer__append(out, *text, part->from);
	if (!found)
		found = redact_script__hide(redact->table, *text + part->from, *length - part->from, out, is_name,
					    redact);
	if (found > 0) {
		*text = (const char *)out->data;
		*length = out->size;
	}
	rc = found < 0 ? found : apply_all(redact, true, text, length, &name_alone);
	return rc < 0 ? hide_all(text, length) : rc || found;
}

/* A text of which the table says nothing. */
static bool hide_matches(struct redact *redact, const struct redact_verdict *part, const char **text, size_t *length)
{
	struct harmless *known = harmless_of(redact, *text, *length);
	bool name_alone = false;
	int rc;

	if (known && known->length == *length && !memcmp(known->text, *text, *length))
		return false;
	rc = apply_all(redact, false, text, length, &name_alone);
	if (rc < 0)
		return hide_all(text, length);
	if (known && !rc && !name_alone) {
		known->length = *length;
		memcpy(known->text, *text, *length);
	}
	redact->named = name_alone && *length && (**text == '-' || part->value == REDACT_NAME) &&
			part->value != REDACT_OPTION && isalnum((unsigned char)(*text)[*length - 1]);
	return rc;
}

/* Where a command begins in a line that a shell (+), or make (make: *** [FILE:LINE: TARGET]), says it with. */
static size_t skip_mark(const char *line, size_t length)
{
	static const char failed[] = ": *** [";
	size_t mark = strspn(line, "+");
	const char *at = memmem(line, length, failed, strlen(failed));

	if (mark && line[mark] == ' ')
		return mark + 1;
	at = at ? memmem(at, line + length - at, "] ", 2) : NULL;
	return at ? (size_t)(at + 2 - line) : 0;
}

/* A line may be a message, a variable, or a command that a shell, make or an engine says it runs. 1, 0, or -errno. */
static int hide_in_line(struct redact *redact, const char *line, size_t length)
{
	const struct redact_verdict part = {.from = skip_mark(line, length)};
	int changed = redact->table ? hide_in_code(redact, &part, &line, &length) : 0, rc;
	bool name_alone;

	rc = apply_all(redact, false, &line, &length, &name_alone);
	if (rc < 0)
		return rc;
	return buffer__append(&redact->lines, line, length) ? -ENOMEM : changed || rc;
}

/* Patterns may need several lines: they get the whole first. */
static bool hide_in_lines(struct redact *redact, const char **text, size_t *length)
{
	bool name_alone, changed;
	int rc = apply_all(redact, true, text, length, &name_alone);
	size_t at = 0, size;

	redact->whole.size = redact->lines.size = 0;
	if (rc < 0 || buffer__append(&redact->whole, *text, *length) || buffer__append(&redact->whole, "", 1))
		return hide_all(text, length);
	changed = rc;
	for (const char *line; at < *length; at += size) {
		line = (const char *)redact->whole.data + at;
		size = strcspn(line, "\r\n");
		rc = hide_in_line(redact, line, size < *length - at ? size : *length - at);
		if (rc < 0)
			return hide_all(text, length);
		changed = changed || rc;
		for (; at + size < *length && (line[size] == '\n' || line[size] == '\r' || !line[size]); size++)
			if (buffer__append(&redact->lines, line + size, 1))
				return hide_all(text, length);
	}
	*text = (const char *)redact->lines.data;
	*length = redact->lines.size;
	return changed;
}

bool redact__text(void *arg, enum record_place place, const char **text, size_t *length)
{
	struct redact *redact = arg;
	struct redact_verdict part = {.value = REDACT_LITERAL};
	bool expected = place == RECORD_LIST_NEXT && redact->named;

	redact->named = false;
	if (place == RECORD_LINES)
		return hide_in_lines(redact, text, length);
	if (redact->table && place == RECORD_LIST_FIRST)
		redact_line__start(&redact->line, redact->table);
	if (redact->table && (place == RECORD_LIST_FIRST || place == RECORD_LIST_NEXT))
		part = redact_line__next(&redact->line, *text, *length);
	if (part.value == REDACT_SECRET)
		return hide_part(redact, &part, text, length);
	if (expected && !(*length > 2 && memcmp(*text, "--", 2) == 0 && isalpha((unsigned char)(*text)[2])))
		return hide_all(text, length);
	if (part.value == REDACT_SCRIPT)
		return hide_in_code(redact, &part, text, length);
	return hide_matches(redact, &part, text, length);
}

void redact__list_free(char **items)
{
	char **item;

	for (item = items; item && *item; item++)
		free(*item);
	free(items);
}

char **redact__list(struct redact *redact, enum record_place first, const char *const *items, uint64_t *count)
{
	enum record_place place = first;
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
			*count += redact__text(redact, place, &text, &length);
		if (place == RECORD_LIST_FIRST)
			place = RECORD_LIST_NEXT;
		copy[i] = strndup(text, length);
		if (!copy[i]) {
			redact__list_free(copy);
			return NULL;
		}
	}
	return copy;
}
