/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of a command that runs as another user. */
#include "core/account/environment.h"

#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rule {
	PASS_UNLESS_CLEAN,
	PASS,
	REMOVE,
	SET, /* from the user's entry in the password database */
};

/* A name that ends with '*' stands for all that begin with the rest. PATH passes, as su has it: the pipeline's tools
 * are found by it, as the command itself was, and what it names may be trusted by a user with fewer rights. */
static const struct {
	const char *name;
	enum rule rule;
	size_t member; /* of struct passwd */
	const char *otherwise;
} variables[] = {
	{"HOME", SET, offsetof(struct passwd, pw_dir), "/"},
	{"USER", SET, offsetof(struct passwd, pw_name), ""},
	{"LOGNAME", SET, offsetof(struct passwd, pw_name), ""},
	{"SHELL", SET, offsetof(struct passwd, pw_shell), "/bin/sh"},
	{"PATH", PASS, 0, NULL},
	{"TERM", PASS, 0, NULL},
	{"LANG", PASS, 0, NULL},
	{"LANGUAGE", PASS, 0, NULL},
	{"LC_*", PASS, 0, NULL},
	{"LD_*", REMOVE, 0, NULL},
	{"GCONV_PATH", REMOVE, 0, NULL},
	{"GLIBC_TUNABLES", REMOVE, 0, NULL},
	/* Of systemd for this process: a command with it could report in its place. */
	{"NOTIFY_SOCKET", REMOVE, 0, NULL},
	{"WATCHDOG_*", REMOVE, 0, NULL},
	{"LISTEN_*", REMOVE, 0, NULL},
	{"COLLECTOR_*", REMOVE, 0, NULL},
	{"SUDO_UID", REMOVE, 0, NULL}, /* this program takes it for the owner of a run */
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

/* By the name of NAME=VALUE. */
static enum rule rule_of(const char *variable)
{
	size_t length = strcspn(variable, "=");

	if (!length || !variable[length])
		return REMOVE;
	for (size_t i = 0; i < VARIABLES; i++) {
		size_t n = strlen(variables[i].name);
		bool prefix = variables[i].name[n - 1] == '*';

		n -= prefix;
		if ((prefix ? length >= n : length == n) && !strncmp(variable, variables[i].name, n))
			return variables[i].rule;
	}
	return PASS_UNLESS_CLEAN;
}

char **environment__of(const struct passwd *user, char *const *from, bool clean)
{
	size_t count = 0, n = 0;
	char **made;

	while (from[count])
		count++;
	made = calloc(count + VARIABLES + 1, sizeof(*made));
	if (!made)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		enum rule rule = rule_of(from[i]);

		if (rule != PASS && (rule != PASS_UNLESS_CLEAN || clean))
			continue;
		made[n] = strdup(from[i]);
		if (!made[n++])
			goto no_memory;
	}
	for (size_t i = 0; i < VARIABLES; i++) {
		const char *value;

		if (variables[i].rule != SET)
			continue;
		value = *(const char *const *)((const char *)user + variables[i].member);
		if (asprintf(&made[n], "%s=%s", variables[i].name, value && *value ? value : variables[i].otherwise) <
		    0) {
			made[n] = NULL;
			goto no_memory;
		}
		n++;
	}
	return made;
no_memory:
	environment__free(made);
	return NULL;
}

void environment__free(char **environment)
{
	for (size_t i = 0; environment && environment[i]; i++)
		free(environment[i]);
	free(environment);
}
