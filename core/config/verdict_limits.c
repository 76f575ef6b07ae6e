/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of each kind of verdict, as data. */
#include "core/config/verdict_limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600000000000ULL
#define AFTER_MIN 100000000ULL
#define AFTER                                                                      \
	OPT(struct verdict_limit, after, OPT_DURATION, NULL, AFTER_MIN, 24 * HOUR, \
	    "how long the state lasts before there is a verdict; as verdicts.after unless given")
#define COUNT(value, min, max, help) OPT(struct verdict_limit, count, OPT_UINT, value, min, max, help)
#define SHARE(value, help) OPT(struct verdict_limit, share, OPT_UINT, value, 1, 100, help)

static const struct opt common[] = {AFTER, {.name = NULL}};

static const struct opt recursion[] = {
	AFTER,
	COUNT("64", 8, 1000000, "depth of a chain of one program that is reported"),
	{.name = NULL},
};
static const struct opt fork_storm[] = {
	AFTER,
	COUNT("64", 8, 1000000, "living processes of a tree that forks itself"),
	{.name = NULL},
};
static const struct opt leak[] = {
	AFTER,
	OPT(struct verdict_limit, floor, OPT_SIZE, "64MiB", 1, INT64_MAX, "smallest growth that is reported"),
	SHARE("80", "of the windows in which it must have grown, in percent"),
	{.name = NULL},
};
static const struct opt thrash[] = {
	AFTER,
	COUNT("50", 1, 1000000, "major faults per second"),
	{.name = NULL},
};
static const struct opt throttled[] = {
	AFTER,
	SHARE("30", "of the time that it was ready to run in which it waited for a CPU, in percent"),
	COUNT("5", 1, 100, "percent of the periods of its cgroup's quota in which that stopped it"),
	{.name = NULL},
};
static const struct opt io_bound[] = {
	AFTER,
	SHARE("50", "of its life that it waited for I/O, in percent"),
	{.name = NULL},
};
static const struct opt straggler[] = {
	AFTER,
	COUNT("5", 3, 1000000, "peers that it takes to compare"),
	{.name = NULL},
};

static const struct opt *const options_of[VERDICT_KINDS] = {
	[VERDICT_DEADLOCK] = common,	 [VERDICT_HANG] = common,	  [VERDICT_OOM] = common,
	[VERDICT_DISK_FULL] = common,	 [VERDICT_MISSING_TOOL] = common, [VERDICT_HIDDEN_FAILURE] = common,
	[VERDICT_OUTLIVED] = common,	 [VERDICT_RECURSION] = recursion, [VERDICT_FORK_STORM] = fork_storm,
	[VERDICT_SPIN] = common,	 [VERDICT_LEAK] = leak,		  [VERDICT_THRASH] = thrash,
	[VERDICT_THROTTLED] = throttled, [VERDICT_IO_BOUND] = io_bound,	  [VERDICT_STRAGGLER] = straggler,
	[VERDICT_ZOMBIE] = common,
};

static const struct opt limits_options[] = {
	OPT(struct verdict_limits, after, OPT_DURATION, "60s", AFTER_MIN, 24 * HOUR,
	    "how long a state lasts before there is a verdict"),
	OPT(struct verdict_limits, ignore, OPT_LIST, NULL, 0, 0, "verdicts that are muted: KIND, or KIND:STEP"),
	{.name = NULL},
};
enum { OPTION_AFTER, OPTION_IGNORE };

const struct opt *verdict_limits__options(enum verdict_kind kind)
{
	return options_of[kind];
}

static void share_after(struct verdict_limits *limits)
{
	for (int i = 0; i < VERDICT_KINDS; i++)
		if (!limits->own_after[i])
			limits->kind[i].after = limits->after;
}

int verdict_limits__defaults(struct verdict_limits *limits)
{
	int err = opt__defaults(limits_options, limits);

	for (int i = 0; i < VERDICT_KINDS && !err; i++)
		err = opt__defaults(options_of[i], &limits->kind[i]);
	share_after(limits);
	return err;
}

void verdict_limits__free(struct verdict_limits *limits)
{
	opt__free(limits_options, limits);
}

static int set_ignore(struct verdict_limits *limits, const char *text, struct error *err)
{
	enum verdict_kind kind;

	if (!verdict_kind__find(text, strcspn(text, ":"), &kind))
		return error__set(err, -EINVAL, "\"%.*s\" is not a kind of verdict", (int)strcspn(text, ":"), text);
	return opt__append(&limits_options[OPTION_IGNORE], limits, text, err);
}

int verdict_limits__set(struct verdict_limits *limits, const char *name, const char *text, struct error *err)
{
	const char *dot = strchr(name, '.');
	const struct opt *option;
	enum verdict_kind kind;
	int rc;

	if (!strcmp(name, "ignore"))
		return set_ignore(limits, text, err);
	if (!strcmp(name, "after")) {
		rc = opt__set(&limits_options[OPTION_AFTER], limits, text, err);
		share_after(limits);
		return rc;
	}
	option = dot && verdict_kind__find(name, (size_t)(dot - name), &kind) ? opt__find(options_of[kind], dot + 1)
									      : NULL;
	if (!option)
		return error__set(err, -EINVAL, "there is no limit \"%.80s\"", name);
	rc = opt__set(option, &limits->kind[kind], text, err);
	if (!rc && option == options_of[kind])
		limits->own_after[kind] = true;
	return rc;
}

static const struct opt to = {.name = "limits", .type = OPT_LIST};

static int put(struct opt_list *list, const char *kind, const struct opt *option, const void *conf)
{
	char *value = NULL, *item = NULL;
	struct error err;
	int rc = opt__format(option, conf, &value);

	if (!rc && asprintf(&item, "%s%s%s=%s", kind, *kind ? "." : "", option->name, value ? value : "") < 0)
		rc = -ENOMEM;
	if (!rc)
		rc = opt__append(&to, list, item, &err);
	free(value);
	free(item);
	return rc;
}

int verdict_limits__list(const struct verdict_limits *limits, struct opt_list *list)
{
	struct verdict_limits other = {0};
	struct error why;
	char *item = NULL;
	int err = verdict_limits__defaults(&other);

	if (!err && limits->after != other.after)
		err = put(list, "", &limits_options[OPTION_AFTER], limits);
	for (int i = 0; i < VERDICT_KINDS; i++)
		for (const struct opt *option = options_of[i]; option->name && !err; option++) {
			bool own = option == options_of[i]
					   ? limits->own_after[i]
					   : memcmp((const char *)&limits->kind[i] + option->offset,
						    (const char *)&other.kind[i] + option->offset, sizeof(uint64_t));

			if (own)
				err = put(list, verdict_kind__name(i), option, &limits->kind[i]);
		}
	for (size_t i = 0; i < limits->ignore.n && !err; i++) {
		err = asprintf(&item, "ignore=%s", limits->ignore.items[i]) < 0 ? -ENOMEM : 0;
		if (!err)
			err = opt__append(&to, list, item, &why);
		free(item);
		item = NULL;
	}
	verdict_limits__free(&other);
	return err;
}

void verdict_limits__free_list(struct opt_list *list)
{
	const struct opt options[] = {to, {.name = NULL}};

	opt__free(options, list);
}

bool verdict_limits__ignored(const struct verdict_limits *limits, enum verdict_kind kind, const char *step)
{
	for (size_t i = 0; i < limits->ignore.n; i++) {
		const char *item = limits->ignore.items[i], *colon = strchr(item, ':');
		size_t length = colon ? (size_t)(colon - item) : strlen(item);

		if (strlen(verdict_kind__name(kind)) != length || memcmp(verdict_kind__name(kind), item, length))
			continue;
		if (!colon || (step && !strcmp(colon + 1, step)))
			return true;
	}
	return false;
}
