/* SPDX-License-Identifier: BSD-2-Clause */
/* Redacts whatever bytes as a command line, an environment, shell code; and reads them as a table of programs, which is
 * then held against them. Built as fuzz.h says, from core/config/redact*.c and core/base/{buffer,error,hash}.c with
 * -lpcre2-8. */
#include <errno.h>
#include <string.h>

#include "core/config/redact.h"
#include "core/config/redact_shell.h"
#include "tests/fuzz/fuzz.h"

/* Calls `take` for each item of the input, which end in NUL, in memory of its exact size. */
static void each(const uint8_t *data, size_t size, void (*take)(void *arg, size_t i, const char *item, size_t length),
		 void *arg)
{
	size_t i, length;
	char *item;

	for (i = 0; size; i++) {
		length = strnlen((const char *)data, size);
		item = malloc(length ? length : 1);
		EXPECT(item);
		memcpy(item, data, length);
		take(arg, i, item, length);
		free(item);
		data += length < size ? length + 1 : length;
		size -= length < size ? length + 1 : length;
	}
}

static void hide(struct redact *redact, enum record_place place, const char *item, size_t length)
{
	const char *text = item;
	size_t shown = length;

	if (redact__text(redact, place, &text, &shown))
		EXPECT(text != item && shown <= 3 * length + 3);
	else
		EXPECT(text == item && shown == length);
}

static void hide_argument(void *redact, size_t i, const char *item, size_t length)
{
	hide(redact, i ? RECORD_LIST_NEXT : RECORD_LIST_FIRST, item, length);
}

static void hide_variable(void *redact, size_t i, const char *item, size_t length)
{
	hide(redact, i ? RECORD_PAIR : RECORD_ALONE, item, length);
}

/* Whatever came before, the next command line is walked from its beginning. */
static void check_next(struct redact *redact)
{
	static const char *const line[] = {"mysql", "-psecret"};
	const char *text;
	size_t i, length;

	for (i = 0; i < 2; i++) {
		text = line[i];
		length = strlen(text);
		redact__text(redact, i ? RECORD_LIST_NEXT : RECORD_LIST_FIRST, &text, &length);
	}
	EXPECT(length == 5 && !memcmp(text, "-p***", 5));
}

static bool is_name(void *arg, const char *text, size_t length)
{
	(void)arg;
	return length && *text == 'a';
}

static void walk(void *arg, size_t i, const char *item, size_t length)
{
	struct redact_line *line = arg;
	struct redact_verdict found = redact_line__next(line, item, length);
	struct buffer out = {0};

	(void)i;
	if (found.value == REDACT_SECRET || found.value == REDACT_SCRIPT)
		EXPECT(found.from < found.to && found.to <= length);
	EXPECT(redact_script__hide(line->table, item, length, &out, is_name, NULL) >= 0);
	EXPECT(out.size <= 3 * length + 3);
	buffer__free(&out);
}

static void read_table(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct redact_table *table;
	struct redact_line line;
	struct error err = {0};
	int rc;

	EXPECT(text);
	rc = redact_table__new(&table, text, &err);
	EXPECT(rc ? rc == -EINVAL && *err.text && !table : table != NULL);
	if (table) {
		redact_line__start(&line, table);
		each(data, size, walk, &line);
	}
	redact_table__free(table);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redact *redact;
	struct error err;

	if (!redact)
		EXPECT(!redact__new(&redact, true, NULL, 0, &err));
	if (!data)
		return 0;
	each(data, size, hide_argument, redact);
	check_next(redact);
	each(data, size, hide_variable, redact);
	read_table(data, size);
	return 0;
}
