/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands, made of a record's values and shared by all that name them. */
#include "sinks/program/program.h"

#include <stdlib.h>
#include <string.h>

uint64_t value__number(const struct value *value)
{
	switch (value->type) {
	case VALUE_UINT:
		return value->u;
	case VALUE_INT:
		return value->i < 0 ? EVENT_NULL(EVENT_REASON_NONE) : (uint64_t)value->i;
	case VALUE_NULL:
		return EVENT_NULL(value->reason);
	default:
		return EVENT_NULL(EVENT_REASON_NONE);
	}
}

static struct model_text text_of(const struct value *value, char **at)
{
	struct model_text text = {.reason = value->reason};

	if (value->type != VALUE_STRING)
		return text;
	text.data = *at;
	text.length = value->length;
	memcpy(*at, value->string, value->length);
	(*at)[value->length] = '\0';
	*at += value->length + 1;
	return text;
}

static struct model_list list_of(const struct value *value, char **at, const uint8_t *end)
{
	struct model_list list = {.reason = value->reason};
	const uint8_t *cursor = value->items;
	const char *item;
	uint32_t length;

	if (value->type != VALUE_LIST)
		return list;
	list.data = *at;
	for (uint32_t i = 0; i < value->length && value__item(&cursor, end, &item, &length); i++) {
		memcpy(*at, item, length);
		(*at)[length] = '\0';
		*at += length + 1;
		list.count++;
	}
	list.length = (uint32_t)(*at - list.data);
	return list;
}

/* The pairs of a map as NAME=VALUE. */
static struct model_list pairs_of(const struct value *value, char **at, const uint8_t *end)
{
	struct model_list list = {.reason = value->reason};
	const uint8_t *cursor = value->items;
	const char *name, *text;
	uint32_t n, m;

	if (value->type != VALUE_MAP)
		return list;
	list.data = *at;
	for (uint32_t i = 0;
	     i < value->length && value__item(&cursor, end, &name, &n) && value__item(&cursor, end, &text, &m); i++) {
		memcpy(*at, name, n);
		(*at)[n] = '=';
		memcpy(*at + n + 1, text, m);
		(*at)[n + 1 + m] = '\0';
		*at += n + 1 + m + 1;
		list.count++;
	}
	list.length = (uint32_t)(*at - list.data);
	return list;
}

static size_t size_of(const struct value *value, const uint8_t *end)
{
	const uint8_t *cursor = value->items;
	const char *item;
	uint32_t length, items = value->type == VALUE_MAP ? 2 * value->length : value->length;
	size_t size = 0;

	if (value->type == VALUE_STRING)
		return value->length + 1;
	if (value->type != VALUE_LIST && value->type != VALUE_MAP)
		return 0;
	for (uint32_t i = 0; i < items && value__item(&cursor, end, &item, &length); i++)
		size += length + 1;
	return size;
}

struct model_command *model_command__new(const struct value *const fields[COMMAND_FIELDS], const uint8_t *end)
{
	struct model_command *command;
	size_t size = sizeof(*command);
	char *at;

	for (int i = 0; i < COMMAND_FIELDS; i++)
		size += size_of(fields[i], end);
	command = malloc(size);
	if (!command)
		return NULL;
	at = (char *)(command + 1);
	command->refs = 1;
	command->size = (uint32_t)size;
	command->exe = text_of(fields[COMMAND_EXE], &at);
	command->cwd = text_of(fields[COMMAND_CWD], &at);
	command->args = list_of(fields[COMMAND_ARGS], &at, end);
	command->env = pairs_of(fields[COMMAND_ENV], &at, end);
	command->uid = value__number(fields[COMMAND_UID]);
	return command;
}

struct model_command *model_command__ref(struct model_command *command)
{
	if (command)
		command->refs++;
	return command;
}

void model_command__unref(struct model_command *command)
{
	if (command && !--command->refs)
		free(command);
}

const char *model_command__name(const struct model_command *command, const char *comm)
{
	const char *name, *slash;

	if (!command || !command->exe.data || !command->exe.length)
		return comm;
	name = command->exe.data;
	slash = strrchr(name, '/');
	return slash && slash[1] ? slash + 1 : name;
}
