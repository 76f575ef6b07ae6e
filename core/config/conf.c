/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration from a YAML file: run, scope, args and redact here, plugins in conf_plugins.c. */
#include "core/config/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/config/conf_plugins.h"
#include "core/config/conf_verdicts.h"
#include "core/config/redact.h"
#include "core/config/tree.h"

#define NAME_MAX_LENGTH 64
#define HOUR 3600000000000ULL
#define MILLISECOND 1000000ULL

const struct opt conf__run_options[] = {
	OPT(struct conf_run, name, OPT_STRING, "run", 0, 0, "name of the run; its folder begins with it"),
	OPT(struct conf_run, tags, OPT_MAP, NULL, 0, 0, "names and values written to every stream's header"),
	OPT(struct conf_run, output, OPT_STRING, NULL, 0, 0, "folder in which the runs' folders are created"),
	OPT(struct conf_run, grace, OPT_DURATION, "2s", 0, 24 * HOUR,
	    "how long to wait for descendants after the command has exited"),
	OPT(struct conf_run, max_processes, OPT_UINT, "131072", 1024, 4194304, "processes that can be watched at once"),
	OPT(struct conf_run, latency, OPT_DURATION, "1s", 100 * MILLISECOND, HOUR,
	    "how long, about, until a follower gets an event"),
	OPT(struct conf_run, followers, OPT_STRING, "/var/lib/collector-follow", 0, 0,
	    "folder with the state of each sink's follower, by which the daemon knows what is delivered"),
	{.name = NULL},
};

/* Of `run` the default depends on the mode. */
static const struct opt limit_options[] = {
	OPT(struct conf_limits, run, OPT_SIZE, NULL, 0, INT64_MAX,
	    "what a run may write; further events are counted as lost"),
	OPT(struct conf_limits, segment, OPT_SIZE, "0", 0, INT64_MAX,
	    "size of a stream's file, after which it goes on in another one; 0: one file, else 256KiB at least"),
	OPT(struct conf_limits, total, OPT_SIZE, "10GiB", 0, INT64_MAX, "what the runs in the output folder may take"),
	OPT(struct conf_limits, age, OPT_DURATION, "30d", 0, INT64_MAX, "how long a run is kept after its end"),
	OPT(struct conf_limits, runs, OPT_UINT, "10000", 0, UINT32_MAX, "runs that are kept"),
	OPT(struct conf_limits, runs_per_user, OPT_UINT, "5000", 0, UINT32_MAX, "runs of one user that are kept"),
	OPT(struct conf_limits, open, OPT_UINT, "1000", 0, UINT32_MAX, "runs that are recorded at once"),
	OPT(struct conf_limits, open_per_user, OPT_UINT, "500", 0, UINT32_MAX,
	    "runs of one user that are recorded at once"),
	OPT(struct conf_limits, drop_undelivered, OPT_BOOL, "false", 0, 0,
	    "drop what a sink has not delivered, rather than record nothing new"),
	{.name = NULL},
};

/* The state of a load. */
struct loading {
	struct conf *conf;
	const struct conf_finder *finder;
	bool probes, verdicts;	   /* whether the file has this key */
	const yaml_node_t *redact; /* NULL: the file does not have it */
};

int conf__check_name(const char *name, struct error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strspn(name, allowed);

	if (length && length <= NAME_MAX_LENGTH && !name[length])
		return 0;
	return error__set(err, -EINVAL, "\"%.80s\" is not a valid run name: use 1 to 64 letters, digits, dots, - or _",
			  name);
}

static void load_run(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	struct conf_run *run = &loading->conf->run;
	struct tree_table table = {conf__run_options, run};
	yaml_node_t *node;
	struct error err;

	tree__options(tree, entry->node, entry->key, &table, 1);
	node = tree__find(tree, entry->node, "name");
	if (node && run->name && conf__check_name(run->name, &err))
		tree__error(tree, node, "run.name", "%s", err.text);
	node = tree__find(tree, entry->node, "output");
	if (node && run->output && !*run->output)
		tree__error(tree, node, "run.output", "is empty: name a folder, or remove the key");
}

static void load_limits(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	struct tree_table table = {limit_options, &loading->conf->limits};

	tree__options(tree, entry->node, entry->key, &table, 1);
	if (loading->conf->limits.segment && loading->conf->limits.segment < CONF_SEGMENT_LEAST)
		tree__error(tree, entry->node, "limits.segment", "is too small: write 0, or 256KiB or more");
}

/* ---- scope ---- */

static const char *const rule_names[] = {
	[CONF_RULE_EXE] = "exe", [CONF_RULE_CGROUP] = "cgroup", [CONF_RULE_CWD] = "cwd",
	[CONF_RULE_PID] = "pid", [CONF_RULE_ALL] = "all",
};
#define RULE_NAMES (sizeof(rule_names) / sizeof(rule_names[0]))

/* Paths from the kernel are absolute, without empty, . and .. components: other patterns never match. */
static const char *path_problem(const char *path)
{
	const char *part;
	size_t length;

	if (*path != '/')
		return "is not absolute: start with /, as in /usr/bin/NAME or /**/NAME";
	for (part = path + 1; *part; part += length + (part[length] == '/')) {
		length = strcspn(part, "/");
		if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0))
			return "never matches: remove empty, . and .. components";
	}
	return NULL;
}

static void load_pattern(struct tree *tree, const struct tree_entry *entry, struct conf_rule *rule)
{
	char *text = tree__text(tree, entry->node, entry->key);
	const char *problem;
	size_t length;

	if (!text)
		return;
	problem = path_problem(text);
	if (problem)
		tree__error(tree, entry->node, entry->key, "\"%.200s\" %s", text, problem);
	length = strlen(text);
	if (length > 1 && text[length - 1] == '/')
		text[length - 1] = '\0';
	rule->pattern = text;
}

static void load_number(struct tree *tree, const struct tree_entry *entry, struct conf_rule *rule)
{
	static const struct opt all = {.name = "all", .type = OPT_BOOL};
	static const struct opt pid = {.name = "pid", .type = OPT_UINT, .min = 1, .max = 4194304};
	struct error err;
	char *text = tree__text(tree, entry->node, entry->key);
	uint64_t number = 0;
	bool yes = true;
	int rc;

	if (!text)
		return;
	if (rule->kind == CONF_RULE_PID)
		rc = opt__set(&pid, &number, text, &err);
	else
		rc = opt__set(&all, &yes, text, &err);
	if (rc)
		tree__error(tree, entry->node, entry->key, "%s", err.text);
	else if (!yes)
		tree__error(tree, entry->node, entry->key, "must be true: remove the rule instead");
	rule->pid = number;
	free(text);
}

static void load_rule_name(struct tree *tree, const struct tree_entry *entry, struct conf_rule *rule)
{
	struct error err;

	rule->name = tree__text(tree, entry->node, entry->key);
	if (rule->name && conf__check_name(rule->name, &err))
		tree__error(tree, entry->node, entry->key, "%s", err.text);
}

static void visit_rule(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct conf_rule *rule = arg;
	int kind;

	if (!strcmp(entry->name, "name")) {
		load_rule_name(tree, entry, rule);
		return;
	}
	kind = tree__choose(tree, entry, "kind of rule", rule_names, RULE_NAMES);
	if (kind < 0)
		return;
	rule->kind = kind;
	if (kind == CONF_RULE_PID || kind == CONF_RULE_ALL)
		load_number(tree, entry, rule);
	else
		load_pattern(tree, entry, rule);
}

static void visit_scope(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct conf *conf = arg;
	const yaml_node_t *node = entry->node;
	bool named = tree__find(tree, entry->node, "name");
	struct conf_rule *rules;

	if (node->type == YAML_MAPPING_NODE &&
	    node->data.mapping.pairs.top - node->data.mapping.pairs.start != 1 + named) {
		tree__error(tree, node, entry->key, "must be a single rule: write one \"- KIND: VALUE\" per rule%s",
			    named ? ", with its name" : "");
		return;
	}
	rules = realloc(conf->rules, (conf->rules_count + 1) * sizeof(*rules));
	if (!rules) {
		tree__error(tree, node, entry->key, "out of memory");
		return;
	}
	conf->rules = rules;
	rules += conf->rules_count++;
	memset(rules, 0, sizeof(*rules));
	rules->line = node->start_mark.line + 1;
	rules->column = node->start_mark.column + 1;
	tree__mapping(tree, entry->node, entry->key, visit_rule, rules);
}

static void load_scope(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	tree__sequence(tree, entry->node, entry->key, visit_scope, loading->conf);
}

/* ---- args, redact ---- */

static void load_args(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	char *text = tree__text(tree, entry->node, entry->key);
	enum record_args args;

	for (args = RECORD_ARGS_REDACTED; text && args <= RECORD_ARGS_FULL; args++)
		if (!strcmp(text, record_args__name(args)))
			break;
	if (text && args > RECORD_ARGS_FULL)
		tree__error(tree, entry->node, entry->key, "\"%.80s\": use none, program, redacted or full", text);
	loading->conf->args = args;
	free(text);
}

static const struct opt redact_option = {.name = "redact", .type = OPT_LIST, .offset = offsetof(struct conf, redact)};

static void visit_redact(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	struct conf *conf = arg;
	struct error err;
	char *text = tree__text(tree, entry->node, entry->key);

	if (text && !strcmp(text, "default"))
		conf->redact_default = true;
	else if (text && (redact__check(text, &err) || opt__append(&redact_option, conf, text, &err)))
		tree__error(tree, entry->node, entry->key, "%s", err.text);
	free(text);
}

static void load_redact(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	loading->redact = entry->node;
	loading->conf->redact_default = false;
	tree__sequence(tree, entry->node, entry->key, visit_redact, loading->conf);
}

/* `redact: []` and `args: full` say the same. */
static void check_redact(struct tree *tree, struct loading *loading)
{
	struct conf *conf = loading->conf;

	if (conf->args == RECORD_ARGS_FULL && loading->redact && (conf->redact_default || conf->redact.n))
		tree__error(tree, loading->redact, "redact", "has no effect, as args is full: remove one of them");
	if (conf->args == RECORD_ARGS_REDACTED && !conf->redact_default && !conf->redact.n)
		conf->args = RECORD_ARGS_FULL;
}

/* ---- the whole file ---- */

static void load_probes(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	loading->probes = true;
	conf_plugins__probes(loading->conf, tree, entry, loading->finder);
}

static void load_sinks(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	conf_plugins__sinks(loading->conf, tree, entry, loading->finder);
}

static void load_verdicts(struct tree *tree, const struct tree_entry *entry, struct loading *loading)
{
	loading->verdicts = true;
	conf_verdicts__load(&loading->conf->verdicts, tree, entry);
}

static const char *const keys[] = {"run", "scope", "probes", "args", "redact", "sinks", "limits", "verdicts"};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void visit_key(struct tree *tree, const struct tree_entry *entry, void *arg)
{
	static void (*const loads[KEYS])(struct tree *, const struct tree_entry *, struct loading *) = {
		load_run, load_scope, load_probes, load_args, load_redact, load_sinks, load_limits, load_verdicts,
	};
	int key = tree__choose(tree, entry, "key", keys, KEYS);

	if (key < 0)
		return;
	if (tree__is_null(entry->node))
		tree__error(tree, entry->name_node, entry->key, "has no value: write one, or remove the key");
	else
		loads[key](tree, entry, arg);
}

static void report_error(void *arg, const char *sentence)
{
	const struct conf_finder *finder = arg;

	finder->report(finder->arg, LOG_ERROR, sentence);
}

/* Fills the configuration from a tree; NULL: defaults only. */
static int fill(struct conf *conf, struct tree *tree, const struct conf_finder *finder)
{
	struct loading loading = {.conf = conf, .finder = finder};
	int rc;

	conf->redact_default = true;
	rc = opt__defaults(conf__run_options, &conf->run);
	if (!rc)
		rc = opt__defaults(limit_options, &conf->limits);
	if (!rc)
		rc = verdict_limits__defaults(&conf->verdicts);
	conf->limits.run = CONF_LIMIT_DEFAULT;
	if (!rc && tree)
		tree__mapping(tree, tree__root(tree), "", visit_key, &loading);
	if (!rc && tree)
		check_redact(tree, &loading);
	if (tree && tree->errors)
		return -EINVAL;
	if (rc) {
		finder->report(finder->arg, LOG_ERROR, "out of memory");
		return rc;
	}
	if (!loading.probes)
		return conf_plugins__all_probes(conf, finder);
	/* what some verdicts need, at no cost of the kernel's */
	return loading.verdicts ? conf_plugins__add_installed(conf, finder, VERDICTS_PROBE) : 0;
}

static int load(struct conf *conf, const char *path, const void *data, size_t size, const struct conf_finder *finder)
{
	struct tree tree = {
		.path = path,
		.keys = "run, scope, probes, args, redact, sinks, limits, verdicts",
		.error = report_error,
		.error_arg = (void *)finder,
	};
	int rc = 0;

	memset(conf, 0, sizeof(*conf));
	if (path)
		rc = data ? tree__load_memory(&tree, data, size) : tree__load(&tree);
	if (!rc)
		rc = fill(conf, path ? &tree : NULL, finder);
	if (rc)
		conf__free(conf);
	tree__free(&tree);
	return rc;
}

int conf__load(struct conf *conf, const char *path, const struct conf_finder *finder)
{
	return load(conf, path, NULL, 0, finder);
}

int conf__load_memory(struct conf *conf, const char *path, const void *data, size_t size,
		      const struct conf_finder *finder)
{
	return load(conf, path, data, size, finder);
}

void conf__free(struct conf *conf)
{
	const struct opt redact[] = {redact_option, {.name = NULL}};
	size_t i;

	if (!conf)
		return;
	opt__free(conf__run_options, &conf->run);
	for (i = 0; i < conf->rules_count; i++) {
		free(conf->rules[i].pattern);
		free(conf->rules[i].name);
	}
	free(conf->rules);
	conf_plugins__free(conf);
	opt__free(redact, conf);
	verdict_limits__free(&conf->verdicts);
	memset(conf, 0, sizeof(*conf));
}
