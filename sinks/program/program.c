/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands: made from a record's values, reference-counted. */
#include "sinks/program/program.h"

#include <stdlib.h>
#include <string.h>

bool value__is(const struct value *value, const char *text)
{
	return value->type == VALUE_STRING && value->length == strlen(text) &&
	       !memcmp(value->string, text, value->length);
}

bool value__is_true(const struct value *value)
{
	return value->type == VALUE_BOOL && value->boolean;
}

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

struct value value__item_of(const struct value *map, const uint8_t *end, const char *key)
{
	struct value item = {.type = VALUE_NULL, .reason = map->reason};
	const uint8_t *cursor = map->items;
	const char *name, *text;
	uint32_t n, m;

	for (uint32_t i = 0; map->type == VALUE_MAP && i < map->length && value__item(&cursor, end, &name, &n) &&
			     value__item(&cursor, end, &text, &m);
	     i++)
		if (n == strlen(key) && !memcmp(name, key, n)) {
			item.type = VALUE_STRING;
			item.string = text;
			item.length = m;
			break;
		}
	return item;
}

/* A number in decimal digits; 0: it is none. */
static uint64_t digits_of(const struct value *text)
{
	uint64_t number = 0;

	for (uint32_t i = 0; text->type == VALUE_STRING && i < text->length; i++) {
		if (text->string[i] < '0' || text->string[i] > '9')
			return 0;
		number = number * 10 + (uint64_t)(text->string[i] - '0');
	}
	return number;
}

struct model_command *model_command__new(const struct value *const fields[COMMAND_FIELDS], const uint8_t *end)
{
	struct value type = value__item_of(fields[COMMAND_STDERR], end, "type");
	struct value errors = value__item_of(fields[COMMAND_STDERR], end, "path");
	struct value inode = value__item_of(fields[COMMAND_STDERR], end, "inode");
	size_t size = sizeof(struct model_command) + size_of(&errors, end);
	struct model_command *command;
	char *at;

	for (int i = 0; i <= COMMAND_ENV; i++)
		size += size_of(fields[i], end);
	command = malloc(size);
	if (!command)
		return NULL;
	at = (char *)(command + 1);
	command->refs = 1;
	command->size = (uint32_t)size;
	command->exe = text_of(fields[COMMAND_EXE], &at);
	command->cwd = text_of(fields[COMMAND_CWD], &at);
	command->cgroup = text_of(fields[COMMAND_CGROUP], &at);
	command->args = list_of(fields[COMMAND_ARGS], &at, end);
	command->env = pairs_of(fields[COMMAND_ENV], &at, end);
	command->uid = value__number(fields[COMMAND_UID]);
	command->errors = text_of(&errors, &at);
	command->pipe = value__is(&type, "pipe") ? digits_of(&inode) : 0;
	command->silent = value__is(&type, "null");
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

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Argument `i` of those that are known in full; NULL: there is none. */
static const char *argument(const struct model_list *args, int i)
{
	for (size_t at = 0; at < args->length; at += strlen(args->data + at) + 1)
		if (!i--)
			return args->data[at] ? args->data + at : NULL;
	return NULL;
}

/* Whether this path says nothing of the program: it was executed by a descriptor, or again by itself. */
static bool is_nameless(const char *exe)
{
	const char *rest = exe;

	if (!strncmp(exe, "/dev/fd/", strlen("/dev/fd/")))
		return true;
	if (strncmp(exe, "/proc/", strlen("/proc/")))
		return false;
	rest = strchr(exe + strlen("/proc/"), '/');
	return rest && (!strcmp(rest, "/exe") || !strncmp(rest, "/fd/", strlen("/fd/")));
}

bool program__is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* Whether this is one program for many commands, which are named by argv. */
static bool is_multicall(const char *name)
{
	static const char *const names[] = {"busybox", "busybox.static", "toybox", "coreutils"};

	return program__is_one_of(name, names, sizeof(names) / sizeof(*names));
}

const char *model_command__name(const struct model_command *command, const char *comm)
{
	const char *name, *called;

	if (!command || !command->exe.data || !command->exe.length)
		return comm;
	name = last_part(command->exe.data);
	if (!is_nameless(command->exe.data) && !is_multicall(name))
		return name;
	called = argument(&command->args, 0);
	if (called && is_multicall(last_part(called)) && argument(&command->args, 1))
		called = argument(&command->args, 1);
	return called && *called != '-' ? last_part(called) : name;
}

const char *model_command__variable(const struct model_command *command, const char *name)
{
	const char *item = command->env.data;
	size_t length = strlen(name);

	for (uint32_t i = 0; i < command->env.count; i++, item += strlen(item) + 1)
		if (!strncmp(item, name, length) && item[length] == '=')
			return item + length + 1;
	return NULL;
}

/* The kernel puts a script's interpreter, and perhaps one option, before the script. */
struct model_list model_command__called(const struct model_command *command)
{
	struct model_list args = command->args;
	size_t n, exe = command->exe.length;

	for (int i = 0; i < 3 && args.length && command->exe.data; i++) {
		n = strnlen(args.data, args.length);
		if (n == exe && n < args.length && !memcmp(args.data, command->exe.data, n))
			return args;
		n += n < args.length;
		args.data += n;
		args.length -= (uint32_t)n;
		args.count--;
	}
	return command->args;
}

/* A script is known by its interpreter, the first argument. */
bool model_command__is_shell(const struct model_command *command, const char *comm)
{
	static const char *const names[] = {"sh",    "bash", "dash",  "ash",  "zsh",	 "ksh",
					    "ksh93", "mksh", "rbash", "yash", "busybox", "hush"};
	size_t count = sizeof(names) / sizeof(*names);
	const char *first = command ? argument(&command->args, 0) : NULL;

	if (first && *first == '-') /* a login shell */
		first++;
	return program__is_one_of(model_command__name(command, comm), names, count) ||
	       (first && program__is_one_of(last_part(first), names, count));
}

bool model_command__is_interactive(const struct model_command *command, const char *comm)
{
	const char *option = NULL;
	bool asks = false, line = false;

	if (!command || !command->args.data || !model_command__is_shell(command, comm))
		return false;
	for (int i = 1; (option = argument(&command->args, i)) && *option == '-'; i++) {
		asks = asks || (option[1] != '-' && strchr(option, 'i'));
		line = line || (option[1] != '-' && strchr(option, 'c'));
	}
	return asks || (!option && !line);
}

/* Options may stand together, and one that ends with "o" is followed by a name. */
const char *model_command__shell_line(const struct model_command *command, const char *comm)
{
	const char *option = NULL;
	bool named = false, errexit = false, line = false;

	if (!command || !model_command__is_shell(command, comm))
		return NULL;
	for (uint32_t i = 1; (option = argument(&command->args, i)) && (named || *option == '-' || *option == '+');
	     i++) {
		errexit = errexit || (named ? !strcmp(option, "errexit") : option[1] != '-' && strchr(option, 'e'));
		line = line || (!named && option[1] != '-' && strchr(option, 'c'));
		named = !named && option[1] != '-' && strchr(option, 'o');
	}
	return line && !errexit && option && !strstr(option, "set -e") ? option : NULL;
}

#define FEW_ARGUMENTS 6

bool model_command__asks(const struct model_command *command)
{
	static const char *const words[] = {"--version", "-version", "--help", "-help"};
	static const char *const alone[] = {"-V", "-v", "version", "-h", "help"};
	struct model_list called = model_command__called(command);
	const char *last = called.data;

	if (called.count < 2 || called.count > FEW_ARGUMENTS || called.reason)
		return false;
	for (uint32_t i = 1; i < called.count; i++)
		last += strlen(last) + 1;
	return program__is_one_of(last, words, sizeof(words) / sizeof(*words)) ||
	       (called.count == 2 && program__is_one_of(last, alone, sizeof(alone) / sizeof(*alone)));
}

bool model_command__asks_little(const struct model_command *command)
{
	struct model_list called = model_command__called(command);

	return (called.count == 1 && !called.reason) || model_command__asks(command);
}
