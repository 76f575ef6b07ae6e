/* SPDX-License-Identifier: BSD-2-Clause */
/* Scope rules of the daemon. The kernel looks up the literal prefix of a pattern in an LPM trie; this file matches
 * the whole pattern. */
#include "core/daemon/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/bpf/bpf.h"
#include "core/config/config.h"
#include "core/log.h"
#include "core/stream.h"

/* The kinds that the kernel looks up, and the file of /proc/PID with the same for an existing process. */
static const struct {
	enum conf_rule_kind kind;
	enum scope_rule_kind scope;
	const char *proc;
} kinds[] = {
	{CONF_RULE_EXE, SCOPE_RULE_EXE, "exe"},
	{CONF_RULE_CWD, SCOPE_RULE_CWD, "cwd"},
	{CONF_RULE_CGROUP, SCOPE_RULE_CGROUP, "cgroup"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct conf_rule *rules__all(const struct conf *conf)
{
	for (size_t i = 0; i < conf->rules_count; i++)
		if (conf->rules[i].kind == CONF_RULE_ALL)
			return &conf->rules[i];
	return NULL;
}

static enum scope_rule_kind scope_kind(enum conf_rule_kind kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].scope;
	return 0;
}

static uint32_t kinds_of(const struct conf *conf)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < conf->rules_count; i++) {
		enum scope_rule_kind kind = scope_kind(conf->rules[i].kind);

		if (kind)
			bits |= 1u << kind;
	}
	return bits;
}

static size_t prefix_of(const struct conf_rule *rule)
{
	size_t length = glob__literal(rule->pattern);

	return length < SCOPE_TEXT ? length : SCOPE_TEXT;
}

/* Whether one of them has this prefix, too. */
static bool has(const struct conf *conf, const struct conf_rule *rule)
{
	size_t length = prefix_of(rule);

	for (size_t i = 0; conf && i < conf->rules_count; i++) {
		const struct conf_rule *other = &conf->rules[i];

		if (other->kind == rule->kind && prefix_of(other) == length &&
		    !memcmp(other->pattern, rule->pattern, length))
			return true;
	}
	return false;
}

/* Removes those of `of` that `conf` does not have. */
static void remove_others(struct scope *scope, const struct conf *of, const struct conf *conf)
{
	for (size_t i = 0; of && i < of->rules_count; i++) {
		const struct conf_rule *rule = &of->rules[i];
		enum scope_rule_kind kind = scope_kind(rule->kind);

		if (kind && !has(conf, rule))
			scope__unrule(scope, kind, rule->pattern, prefix_of(rule));
	}
}

static int add_all(struct scope *scope, const struct conf *conf)
{
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct conf_rule *rule = &conf->rules[i];
		enum scope_rule_kind kind = scope_kind(rule->kind);
		int err = kind ? scope__rule(scope, kind, rule->pattern, prefix_of(rule)) : 0;

		if (err) {
			log__error("scope: cannot install the rule for %s: %s", rule->pattern, strerror(-err));
			return err;
		}
	}
	return 0;
}

int rules__replace(struct scope *scope, const struct conf *old, const struct conf *conf)
{
	int err = add_all(scope, conf);

	if (err) {
		remove_others(scope, conf, old);
		return err;
	}
	scope__set_kinds(scope, kinds_of(conf));
	remove_others(scope, old, conf);
	return 0;
}

static const struct conf_rule *match(const struct conf *conf, enum scope_rule_kind kind, const char *text)
{
	for (size_t i = 0; i < conf->rules_count; i++)
		if (scope_kind(conf->rules[i].kind) == kind && glob__match(conf->rules[i].pattern, text))
			return &conf->rules[i];
	return NULL;
}

const struct conf_rule *rules__match(const struct conf *conf, const struct scope_note *note)
{
	char text[SCOPE_TEXT + 1];

	if (note->length > SCOPE_TEXT)
		return NULL;
	memcpy(text, note->text, note->length);
	text[note->length] = 0;
	return match(conf, note->rule, text);
}

/* Reads /proc/PID/NAME: the target of a link, or the path of the cgroup. */
static bool read_proc(uint32_t pid, const char *name, char *text, size_t size)
{
	char path[64], *line = NULL;
	bool found = false;
	size_t room = 0;
	ssize_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	if (strcmp(name, "cgroup")) {
		n = readlink(path, text, size - 1);
		text[n > 0 ? n : 0] = 0;
		return n > 0;
	}
	file = fopen(path, "re");
	if (!file)
		return false;
	/* The line of the unified hierarchy or, if that is not in use, of the memory controller. */
	while ((n = getline(&line, &room, file)) > 0) {
		char *at = strstr(line, ":/");
		bool unified = !strncmp(line, "0::", 3);

		line[n - 1] = 0;
		if (!at || (!unified && !strstr(line, ":memory:")) || (unified && !at[2] && found))
			continue;
		snprintf(text, size, "%s", at + 1);
		found = true;
		if (unified && at[2])
			break;
	}
	free(line);
	fclose(file);
	return found;
}

const struct conf_rule *rules__find(const struct conf *conf, uint32_t pid)
{
	const struct conf_rule *rule = NULL;
	uint32_t wanted = kinds_of(conf);
	char text[4096];

	for (size_t i = 0; i < conf->rules_count; i++)
		if (conf->rules[i].kind == CONF_RULE_PID && conf->rules[i].pid == pid)
			return &conf->rules[i];
	for (size_t i = 0; i < KINDS && !rule; i++)
		if (wanted & 1u << kinds[i].scope && read_proc(pid, kinds[i].proc, text, sizeof(text)))
			rule = match(conf, kinds[i].scope, text);
	return rule;
}

uint32_t rules__user(uint32_t pid)
{
	uint32_t uid = STREAM_NO_UID;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	file = fopen(path, "re");
	if (!file)
		return uid;
	while (fgets(line, sizeof(line), file) && sscanf(line, "Uid: %u", &uid) != 1)
		;
	fclose(file);
	return uid;
}
