/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the time was up that timeout(1) gave to its command. */
#include "sinks/program/program.h"

#include <string.h>

#define UNIT_S 1000000000ULL

static bool is_part_of(const char *arg, const char *option)
{
	size_t length = strlen(arg);

	return length > 2 && !strncmp(arg, option, length);
}

/* Whether the next argument is the value of this option. */
static bool takes_next(const char *option)
{
	size_t at;

	if (option[1] == '-')
		return is_part_of(option, "--kill-after") || is_part_of(option, "--signal");
	at = strcspn(option, "ks");
	return option[at] && !option[at + 1];
}

static uint64_t unit_of(const char *suffix)
{
	if (suffix[0] && suffix[1])
		return 0;
	switch (suffix[0]) {
	case '\0':
	case 's':
		return UNIT_S;
	case 'm':
		return 60 * UNIT_S;
	case 'h':
		return 3600 * UNIT_S;
	case 'd':
		return 86400 * UNIT_S;
	default:
		return 0;
	}
}

/* "0.5", "2m"; 0: none, or it is written in another way. */
static uint64_t duration(const char *arg)
{
	double value = 0, digit = 1;

	for (; *arg >= '0' && *arg <= '9'; arg++)
		value = 10 * value + (*arg - '0');
	if (*arg == '.')
		for (arg++; *arg >= '0' && *arg <= '9'; arg++)
			value += (digit /= 10) * (*arg - '0');
	value *= (double)unit_of(arg);
	return value < (double)INT64_MAX ? (uint64_t)value : 0;
}

/* 0: without end, or not known. */
static uint64_t limit_of(const struct model_command *command)
{
	const struct model_list *args = command ? &command->args : NULL;
	bool options = true, skip = true; /* argv[0] */
	const char *arg;

	for (size_t at = 0; args && at < args->length; at += strlen(arg) + 1) {
		arg = args->data + at;
		if (skip)
			skip = false;
		else if (options && !strcmp(arg, "--"))
			options = false;
		else if (options && *arg == '-')
			skip = takes_next(arg);
		else
			return duration(arg);
	}
	return 0;
}

/* It counts from its exec on, by another clock. */
bool model_command__timed_out(const struct model_command *command, uint64_t wall_ns)
{
	uint64_t limit = limit_of(command);

	return EVENT_IS_NULL(wall_ns) || wall_ns >= limit - limit / 100;
}
