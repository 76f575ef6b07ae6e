/* SPDX-License-Identifier: BSD-2-Clause */
/* Redaction of realistic command lines: the shapes of redact_secrets.txt and redact_useful.txt, counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/config/redact.h"

#define ITEMS_MAX 64
#define OPEN "\xe2\x9f\xa6" /* of a secret */
#define CLOSE "\xe2\x9f\xa7"

struct shape {
	char text[1024]; /* the words, without the marks, each ended by a NUL */
	size_t count;
	const char *items[ITEMS_MAX];
	char secrets[8][256];
	size_t secrets_count;
	enum record_place place;
};

/* Copies one word: quotes as in the shell, \n in double quotes. Returns what is after it, or NULL if there is none. */
static const char *read_word(struct shape *shape, const char *line, char **to)
{
	char quote = 0;

	line += strspn(line, " ");
	if (!*line)
		return NULL;
	shape->items[shape->count++] = *to;
	for (; *line && (quote || *line != ' '); line++) {
		if (quote ? *line == quote : *line == '"' || *line == '\'') {
			quote = quote ? 0 : *line;
		} else if (quote == '"' && *line == '\\' && strchr("\"\\$n", line[1])) {
			line++;
			*(*to)++ = *line == 'n' ? '\n' : *line;
		} else {
			*(*to)++ = *line;
		}
	}
	*(*to)++ = '\0';
	return line;
}

/* Removes the marks from a word in place and keeps what was between them. */
static void take_secrets(struct shape *shape, char *word)
{
	char *from, *to;

	while ((from = strstr(word, OPEN))) {
		to = strstr(from, CLOSE);
		assert_non_null(to);
		snprintf(shape->secrets[shape->secrets_count++], sizeof(shape->secrets[0]), "%.*s",
			 (int)(to - from - strlen(OPEN)), from + strlen(OPEN));
		memmove(to, to + strlen(CLOSE), strlen(to + strlen(CLOSE)) + 1);
		memmove(from, from + strlen(OPEN), strlen(from + strlen(OPEN)) + 1);
	}
}

static bool parse(struct shape *shape, char *line)
{
	char *text = strchr(line, ' '), *to = shape->text;
	const char *at;

	memset(shape, 0, sizeof(*shape));
	line[strcspn(line, "\n")] = '\0';
	if (!*line || *line == '#' || !text)
		return false;
	*text++ = '\0';
	shape->place = !strcmp(line, "args") ? RECORD_LIST_FIRST : !strcmp(line, "env") ? RECORD_PAIR : RECORD_ALONE;
	if (shape->place == RECORD_LIST_FIRST) {
		for (at = text; at;)
			at = read_word(shape, at, &to);
	} else {
		shape->items[shape->count++] = strcpy(shape->text, text);
	}
	for (size_t i = 0; i < shape->count; i++)
		take_secrets(shape, (char *)shape->items[i]);
	return true;
}

static bool leaks(const struct shape *shape, char *const *shown)
{
	for (size_t i = 0; i < shape->secrets_count; i++)
		for (size_t j = 0; shown[j]; j++)
			if (strstr(shown[j], shape->secrets[i]))
				return true;
	return false;
}

static bool differs(const struct shape *shape, char *const *shown)
{
	for (size_t i = 0; i < shape->count; i++)
		if (strcmp(shape->items[i], shown[i]) != 0)
			return true;
	return false;
}

static void print(const char *what, char *const *shown)
{
	char text[2048] = "";

	for (size_t i = 0; shown[i]; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", shown[i]);
	print_message("%s:%s\n", what, text);
}

/* Counts the shapes of a file, and those that are `bad`. */
static void count(const char *name, const char *what, bool (*bad)(const struct shape *, char *const *), size_t *shapes,
		  size_t *found)
{
	char path[4096], line[2048];
	struct redact *redact;
	struct shape shape;
	struct error err;
	uint64_t changed = 0;
	char **shown;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/unit/%s", getenv("srcdir") ? getenv("srcdir") : ".", name);
	file = fopen(path, "r");
	assert_non_null(file);
	if (redact__new(&redact, true, NULL, 0, &err))
		fail_msg("%s", err.text);
	for (*shapes = *found = 0; fgets(line, sizeof(line), file);) {
		if (!parse(&shape, line))
			continue;
		++*shapes;
		shown = redact__list(redact, shape.place, shape.items, &changed);
		assert_non_null(shown);
		if (bad(&shape, shown)) {
			++*found;
			print(what, shown);
		}
		redact__list_free(shown);
	}
	redact__free(redact);
	fclose(file);
}

static bool is_shown_otherwise(struct redact *redact, struct redact *other, const char *item)
{
	const char *a = item, *b = item;
	size_t a_length = strlen(a), b_length = a_length;

	redact__text(redact, RECORD_ALONE, &a, &a_length);
	redact__text(other, RECORD_ALONE, &b, &b_length);
	return a_length != b_length || memcmp(a, b, a_length) != 0;
}

/* The default patterns as a site's own: all of them are searched for in every text. */
static struct redact *without_checks(void)
{
	const char *patterns[64];
	const struct redact_pattern *pattern;
	struct redact *redact;
	struct error err;
	size_t n = 0;

	for (pattern = redact_default; pattern->text; pattern++)
		if (pattern->where != REDACT_CODE)
			patterns[n++] = pattern->text;
	assert_int_equal(redact__new(&redact, false, patterns, n, &err), 0);
	return redact;
}

static struct redact *checked, *unchecked;

static bool is_missed(const struct shape *shape, char *const *shown)
{
	(void)shown;
	for (size_t i = 0; i < shape->count; i++)
		if (is_shown_otherwise(checked, unchecked, shape->items[i]))
			return true;
	return false;
}

/* What is known of a pattern's matches (redact_pattern) holds: no text is left out that a search would change. */
static void test_no_search_is_missed(void **state)
{
	size_t shapes, found;
	struct error err;

	(void)state;
	unchecked = without_checks();
	assert_int_equal(redact__new(&checked, true, NULL, 0, &err), 0);
	count("redact_secrets.txt", "not searched", is_missed, &shapes, &found);
	assert_int_equal(found, 0);
	redact__free(checked);
	redact__free(unchecked);
}

static void test_secrets(void **state)
{
	size_t shapes, found;

	(void)state;
	count("redact_secrets.txt", "a secret is shown", leaks, &shapes, &found);
	print_message("%zu of %zu shapes of secrets are hidden\n", shapes - found, shapes);
	assert_true(shapes >= 168);
	assert_int_equal(found, 0);
}

static void test_useful(void **state)
{
	size_t shapes, found;

	(void)state;
	count("redact_useful.txt", "useful text is hidden", differs, &shapes, &found);
	print_message("%zu of %zu useful texts are unchanged\n", shapes - found, shapes);
	assert_true(shapes >= 40);
	assert_int_equal(found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_useful),
		cmocka_unit_test(test_no_search_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
