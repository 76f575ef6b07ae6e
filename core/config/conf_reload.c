/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reload changes, and what it cannot. */
#include "core/config/conf_reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/conf_plugins.h"

/* ---- what needs a restart ---- */

struct fixed {
	void (*say)(void *arg, const char *key);
	void *arg;
	int err;
};

static void check(struct fixed *f, int same, const char *key)
{
	if (same < 0)
		f->err = same;
	else if (!same)
		f->say(f->arg, key);
}

/* Each option by its own key. */
static void check_options(struct fixed *f, const char *prefix, const struct opt *opts, const void *a, const void *b)
{
	char key[96];

	for (; opts && opts->name; opts++) {
		snprintf(key, sizeof(key), "%s.%s", prefix, opts->name);
		check(f, opt__same(opts, a, b), key);
	}
}

static const struct conf_probe *find_probe(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->probes_count; i++)
		if (!strcmp(conf->probes[i].name, name))
			return &conf->probes[i];
	return NULL;
}

static void check_probes(struct fixed *f, const struct conf *old, const struct conf *conf)
{
	char key[96];

	for (size_t i = 0; i < old->probes_count; i++) {
		const struct conf_probe *a = &old->probes[i], *b = find_probe(conf, a->name);

		snprintf(key, sizeof(key), "probes.%s", a->name);
		check(f, b ? conf_plugins__same_probe(a, b) : false, key);
	}
	for (size_t i = 0; i < conf->probes_count; i++) {
		snprintf(key, sizeof(key), "probes.%s", conf->probes[i].name);
		check(f, find_probe(old, conf->probes[i].name) != NULL, key);
	}
}

static const struct conf_rule *find_pid(const struct conf *conf, enum conf_rule_kind kind, uint32_t pid)
{
	for (size_t i = 0; i < conf->rules_count; i++)
		if (conf->rules[i].kind == kind && conf->rules[i].pid == pid)
			return &conf->rules[i];
	return NULL;
}

/* Those of the start: what matched them is a run, or not. `b` has all of `a`. */
static bool has_all(const struct conf *a, const struct conf *b, enum conf_rule_kind kind)
{
	for (size_t i = 0; i < a->rules_count; i++)
		if (a->rules[i].kind == kind && !find_pid(b, kind, a->rules[i].pid))
			return false;
	return true;
}

static int same_verdicts(const struct conf *a, const struct conf *b)
{
	static const struct opt list = {.name = "verdicts", .type = OPT_LIST};
	struct opt_list of_a = {0}, of_b = {0};
	int err = verdict_limits__list(&a->verdicts, &of_a);

	if (!err)
		err = verdict_limits__list(&b->verdicts, &of_b);
	if (!err)
		err = opt__same(&list, &of_a, &of_b);
	verdict_limits__free_list(&of_a);
	verdict_limits__free_list(&of_b);
	return err;
}

int conf_reload__fixed(const struct conf *old, const struct conf *conf, void (*say)(void *arg, const char *key),
		       void *arg)
{
	static const struct opt redact = {.name = "redact", .type = OPT_LIST, .offset = offsetof(struct conf, redact)};
	struct fixed f = {say, arg, 0};
	int redact_same = opt__same(&redact, old, conf);

	check_options(&f, "run", conf__run_options, &old->run, &conf->run);
	check(&f, has_all(old, conf, CONF_RULE_ALL) && has_all(conf, old, CONF_RULE_ALL), "scope.all");
	check(&f, has_all(conf, old, CONF_RULE_PID), "scope.pid");
	check_probes(&f, old, conf);
	check(&f, old->args == conf->args, "args");
	check(&f, redact_same > 0 ? old->redact_default == conf->redact_default : redact_same, "redact");
	check(&f, same_verdicts(old, conf), "verdicts");
	return f.err;
}

/* ---- what does not: from one process of a program to another ---- */

struct packed_rule {
	uint32_t kind, pid;
	int32_t line, column;
	uint32_t pattern, name; /* bytes of each, with their NUL, which follow; 0: it is NULL */
};

static uint32_t bytes_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

int conf_reload__pack(const struct conf *conf, struct buffer *out)
{
	buffer__append(out, &conf->limits, sizeof(conf->limits));
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct conf_rule *rule = &conf->rules[i];
		const struct packed_rule packed = {
			rule->kind, rule->pid, rule->line, rule->column, bytes_of(rule->pattern), bytes_of(rule->name)};

		buffer__append(out, &packed, sizeof(packed));
		buffer__append(out, rule->pattern, packed.pattern);
		buffer__append(out, rule->name, packed.name);
	}
	return out->error;
}

struct reading {
	const char *at;
	size_t left;
};

static int take(struct reading *r, void *out, size_t size)
{
	if (r->left < size)
		return -EBADMSG;
	memcpy(out, r->at, size);
	r->at += size;
	r->left -= size;
	return 0;
}

static int take_text(struct reading *r, size_t size, char **out)
{
	*out = size ? (char *)r->at : NULL;
	if (r->left < size || (size && r->at[size - 1]))
		return -EBADMSG;
	r->at += size;
	r->left -= size;
	return 0;
}

static int take_rule(struct reading *r, struct conf_rule *rule)
{
	struct packed_rule packed;

	if (take(r, &packed, sizeof(packed)))
		return -EBADMSG;
	*rule = (struct conf_rule){
		.kind = packed.kind, .pid = packed.pid, .line = packed.line, .column = packed.column};
	if (packed.kind > CONF_RULE_ALL || take_text(r, packed.pattern, &rule->pattern) ||
	    take_text(r, packed.name, &rule->name))
		return -EBADMSG;
	return !rule->pattern == (rule->kind == CONF_RULE_PID || rule->kind == CONF_RULE_ALL) ? 0 : -EBADMSG;
}

int conf_reload__unpack(struct conf *conf, const void *data, size_t size)
{
	struct reading r = {data, size};
	struct conf_rule *rules = calloc(size / sizeof(struct packed_rule) + 1, sizeof(*rules));
	size_t count = 0;
	int err = rules ? take(&r, &conf->limits, sizeof(conf->limits)) : -ENOMEM;

	while (!err && r.left)
		err = take_rule(&r, &rules[count++]);
	if (err) {
		free(rules);
		return err;
	}
	conf->rules = rules;
	conf->rules_count = count;
	return 0;
}
