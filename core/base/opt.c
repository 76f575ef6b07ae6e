/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses options into their owner's struct, as its table describes them. */
#include "core/opt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/base/nearest.h"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: opt_type__format() takes the first that divides. The first spelling of a factor is written;
 * all are accepted. */
static const struct unit sizes[] = {
	{"TiB", 1ULL << 40},
	{"GiB", 1ULL << 30},
	{"MiB", 1ULL << 20},
	{"KiB", 1ULL << 10},
	{"T", 1ULL << 40},
	{"G", 1ULL << 30},
	{"M", 1ULL << 20},
	{"K", 1ULL << 10},
	{"k", 1ULL << 10},
	{"B", 1},
	{"", 1},
	{NULL, 0},
};

static const struct unit durations[] = {
	{"d", 86400000000000ULL},
	{"h", 3600000000000ULL},
	{"m", 60000000000ULL},
	{"s", 1000000000ULL},
	{"ms", 1000000},
	{"us", 1000},
	{"ns", 1},
	{NULL, 0},
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct {
	const char *name, *noun;
	const struct unit *units; /* of a number */
	const char *how;	  /* what to write instead */
} types[] = {
	[OPT_BOOL] = {"bool", "a bool", NULL, "write true or false"},
	[OPT_UINT] = {"uint", "a number", no_units, "write a whole number"},
	[OPT_SIZE] = {"size", "a size", sizes,
		      "write a whole number and KiB, MiB, GiB, or nothing for bytes, as in 8MiB"},
	[OPT_DURATION] = {"duration", "a duration", durations,
			  "write a whole number and ns, us, ms, s, m, h or d, as in 500ms"},
	[OPT_STRING] = {"string", NULL, NULL, NULL},
	[OPT_LIST] = {"list", NULL, NULL, NULL},
	[OPT_MAP] = {"map", NULL, NULL, NULL},
};

const char *opt_type__name(enum opt_type type)
{
	return types[type].name;
}

void opt_type__format(enum opt_type type, uint64_t number, char *out, size_t size)
{
	const struct unit *unit = types[type].units ? types[type].units : no_units;

	while (unit->factor > 1 && (number == 0 || number % unit->factor))
		unit++;
	if (type == OPT_DURATION && number == 0)
		unit = durations + 3; /* "0s" reads better than "0ns" */
	snprintf(out, size, "%llu%s", (unsigned long long)(number / unit->factor),
		 type == OPT_SIZE && unit->factor == 1 ? "" : unit->name);
}

/* 0, -EINVAL: not a number, -ERANGE: more than 64 bits. */
static int parse_number(const struct unit *units, const char *text, uint64_t *number)
{
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL; /* strtoull accepts blanks and signs */
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (n == 0 && !*end) {
		*number = 0;
		return 0;
	}
	for (; units->name; units++) {
		if (strcmp(units->name, end) == 0)
			return __builtin_mul_overflow(n, units->factor, number) ? -ERANGE : 0;
	}
	return -EINVAL;
}

static int set_number(const struct opt *opt, uint64_t *value, const char *text, struct error *err)
{
	char low[32], high[32];
	uint64_t number;
	int rc;

	rc = parse_number(types[opt->type].units, text, &number);
	if (rc == -EINVAL)
		return error__set(err, -EINVAL, "\"%.64s\" is not %s: %s", text, types[opt->type].noun,
				  types[opt->type].how);
	if (rc == 0 && ((!opt->min && !opt->max) || (number >= opt->min && number <= opt->max))) {
		*value = number;
		return 0;
	}
	opt_type__format(opt->type, opt->min, low, sizeof(low));
	opt_type__format(opt->type, opt->min || opt->max ? opt->max : UINT64_MAX, high, sizeof(high));
	return error__set(err, -EINVAL, "%.64s is out of range: write %s to %s", text, low, high);
}

static int set_bool(bool *value, const char *text, struct error *err)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return error__set(err, -EINVAL, "\"%.64s\" is not a bool: %s", text, types[OPT_BOOL].how);
	*value = text[0] == 't';
	return 0;
}

static int set_string(char **value, const char *text, struct error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return error__set(err, -ENOMEM, "out of memory");
	free(*value);
	*value = copy;
	return 0;
}

static void free_list(struct opt_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	list->items = NULL;
	list->n = 0;
}

/* Cuts the next part off *text, up to an unescaped comma, and unescapes it in place. Returns NULL when there is
 * none. */
static char *next_part(char **text)
{
	char *start = *text, *in = start, *out = start;

	if (!start)
		return NULL;
	for (; *in && *in != ','; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*text = *in ? in + 1 : NULL;
	*out = '\0';
	return start;
}

static int append(const struct opt *opt, struct opt_list *list, const char *item, struct error *err)
{
	const char *equals = strchr(item, '=');
	char **items;
	size_t i;

	if (!*item)
		return error__set(err, -EINVAL, "empty item: remove it");
	if (opt->type == OPT_MAP) {
		if (!equals || equals == item)
			return error__set(err, -EINVAL, "\"%.64s\" has no name or no value: write NAME=VALUE", item);
		for (i = 0; i < list->n; i++)
			if (strncmp(list->items[i], item, equals - item + 1) == 0)
				return error__set(err, -EINVAL, "duplicate \"%.*s\": remove one", (int)(equals - item),
						  item);
	}
	items = realloc(list->items, (list->n + 2) * sizeof(*items));
	if (items) {
		list->items = items;
		items[list->n] = strdup(item);
	}
	if (!items || !items[list->n])
		return error__set(err, -ENOMEM, "out of memory");
	items[++list->n] = NULL;
	return 0;
}

static int set_list(const struct opt *opt, struct opt_list *value, const char *text, struct error *err)
{
	struct opt_list list = {0};
	char *copy, *at, *item;
	int rc = 0;

	at = copy = strdup(text);
	if (!copy)
		return error__set(err, -ENOMEM, "out of memory");
	while (*text && rc == 0 && (item = next_part(&at)))
		rc = append(opt, &list, item, err);
	free(copy);
	if (rc) {
		free_list(&list);
		return rc;
	}
	free_list(value);
	*value = list;
	return 0;
}

int opt__set(const struct opt *opt, void *conf, const char *text, struct error *err)
{
	void *value = (char *)conf + opt->offset;

	switch (opt->type) {
	case OPT_BOOL:
		return set_bool(value, text, err);
	case OPT_UINT:
	case OPT_SIZE:
	case OPT_DURATION:
		return set_number(opt, value, text, err);
	case OPT_STRING:
		return set_string(value, text, err);
	case OPT_LIST:
	case OPT_MAP:
		return set_list(opt, value, text, err);
	}
	return error__set(err, -EINVAL, "an option of unknown type: its plugin needs a newer collector");
}

int opt__append(const struct opt *opt, void *conf, const char *item, struct error *err)
{
	if (opt->type != OPT_LIST && opt->type != OPT_MAP)
		return error__set(err, -EINVAL, "a list or map is needed for \"%.64s\"", item);
	return append(opt, (void *)((char *)conf + opt->offset), item, err);
}

int opt__defaults(const struct opt *opts, void *conf)
{
	struct error err;
	int rc;

	for (; opts && opts->name; opts++) {
		rc = opts->value ? opt__set(opts, conf, opts->value, &err) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

const struct opt *opt__find(const struct opt *opts, const char *name)
{
	for (; opts && opts->name; opts++)
		if (strcmp(opts->name, name) == 0)
			return opts;
	return NULL;
}

const char *opt__nearest(const struct opt *opts, const char *name)
{
	struct nearest nearest = {.name = name};

	for (; opts && opts->name; opts++)
		nearest__offer(&nearest, opts->name);
	return nearest.best;
}

static int unknown(const struct opt *opts, const char *name, struct error *err)
{
	struct nearest nearest = {.name = name};

	for (; opts && opts->name; opts++)
		nearest__offer(&nearest, opts->name);
	error__set(err, 0, "%.64s: unknown option", name);
	nearest__append(&nearest, err);
	return -EINVAL;
}

/* The map of which `part` is an item, MAP.NAME; NULL: of none. */
static const struct opt *map_of(const struct opt *opts, const char *part)
{
	size_t length = strcspn(part, ".");

	for (; part[length] && opts && opts->name; opts++)
		if (opts->type == OPT_MAP && strlen(opts->name) == length && !strncmp(opts->name, part, length))
			return opts;
	return NULL;
}

/* Sets one `k=v`, or an item of a map, `map.k=v`; cuts `part` down to the name. */
static int parse_part(const struct opt *opts, void *conf, char *part, struct error *err)
{
	struct error sentence;
	char *value = strchr(part, '=');
	const struct opt *opt, *map;
	int rc;

	if (!value)
		return error__set(err, -EINVAL, "\"%.64s\" has no value: write NAME=VALUE", part);
	*value = '\0';
	opt = opt__find(opts, part);
	map = opt ? NULL : map_of(opts, part);
	if (!opt && !map)
		return unknown(opts, part, err);
	if (map) {
		*value = '=';
		rc = opt__append(map, conf, strchr(part, '.') + 1, &sentence);
		*value = '\0';
	} else {
		rc = opt__set(opt, conf, value + 1, &sentence);
	}
	if (rc)
		error__set(err, 0, "%s: %s", part, sentence.text);
	return rc;
}

static bool seen_before(char **names, size_t n, const char *name)
{
	while (n--)
		if (strcmp(names[n], name) == 0)
			return true;
	return false;
}

int opt__parse(const struct opt *opts, void *conf, const char *text, struct error *err)
{
	char *copy, *at, *part, **names = NULL;
	size_t n = 0, commas = 1;
	const char *c;
	int rc = 0;

	if (!text || !*text)
		return 0;
	for (c = text; *c; c++)
		commas += *c == ',';
	at = copy = strdup(text);
	names = calloc(commas, sizeof(*names));
	if (!copy || !names) {
		rc = error__set(err, -ENOMEM, "out of memory");
		goto out;
	}
	while (rc == 0 && (part = next_part(&at))) {
		rc = parse_part(opts, conf, part, err);
		if (rc == 0 && seen_before(names, n, part))
			rc = error__set(err, -EINVAL, "%.64s: duplicate option, remove one", part);
		names[n++] = part;
	}
out:
	free(names);
	free(copy);
	return rc;
}

void opt__free(const struct opt *opts, void *conf)
{
	char *value;

	for (; conf && opts && opts->name; opts++) {
		value = (char *)conf + opts->offset;
		if (opts->type == OPT_STRING) {
			free(*(char **)value);
			*(char **)value = NULL;
		} else if (opts->type == OPT_LIST || opts->type == OPT_MAP) {
			free_list((struct opt_list *)value);
		}
	}
}
