/* SPDX-License-Identifier: BSD-2-Clause */
/* Probes and sinks that exist as tables only, for tests of the configuration. */
#ifndef TESTS_UNIT_CONF_FIXTURE_H
#define TESTS_UNIT_CONF_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/config/conf.h"

struct fixture_lifecycle {
	struct opt_list env;
};
struct fixture_sink {
	char *file;
	uint64_t rows;
	bool pretty;
	struct opt_list columns, labels;
};

static const struct opt fixture_lifecycle_options[] = {
	OPT(struct fixture_lifecycle, env, OPT_LIST, NULL, 0, 0, "names"),
	{.name = NULL},
};
struct fixture_output {
	bool files, writes;
};
struct fixture_stall {
	uint64_t after;
};
struct fixture_ci {
	char *output;
};

static const struct opt fixture_output_options[] = {
	OPT(struct fixture_output, files, OPT_BOOL, "true", 0, 0, "a flag"),
	OPT(struct fixture_output, writes, OPT_BOOL, "false", 0, 0, "a flag"),
	{.name = NULL},
};
static const struct opt fixture_stall_options[] = {
	OPT(struct fixture_stall, after, OPT_DURATION, "60s", 0, 0, "a time"),
	{.name = NULL},
};
static const struct opt fixture_ci_options[] = {
	OPT(struct fixture_ci, output, OPT_STRING, NULL, 0, 0, "a file"),
	{.name = NULL},
};
static const struct opt fixture_sink_options[] = {
	OPT(struct fixture_sink, file, OPT_STRING, NULL, 0, 0, "a file"),
	OPT(struct fixture_sink, rows, OPT_UINT, "10", 1, 1000, "rows"),
	OPT(struct fixture_sink, pretty, OPT_BOOL, NULL, 0, 0, "a flag"),
	OPT(struct fixture_sink, columns, OPT_LIST, NULL, 0, 0, "columns"),
	OPT(struct fixture_sink, labels, OPT_MAP, NULL, 0, 0, "labels"),
	{.name = NULL},
};

static const struct schema_event fixture_events[] = {{.name = "sample"}, {0}, {.name = "exit"}};
static const struct probe fixture_probes[] = {
	{.name = "cpu", .events = fixture_events, .events_count = 3, .ring_bytes = 1 << 20, .interval_ns = 1000000000},
	{.name = "io", .ring_bytes = 1 << 20, .interval_ns = 1000000000},
	{.name = "lifecycle",
	 .ring_bytes = 8 << 20,
	 .options = fixture_lifecycle_options,
	 .conf_size = sizeof(struct fixture_lifecycle)},
	{.name = "mem", .ring_bytes = 1 << 20, .interval_ns = 2000000000},
	{.name = "output", .options = fixture_output_options, .conf_size = sizeof(struct fixture_output)},
	{.name = "stall",
	 .ring_bytes = 1 << 20,
	 .interval_ns = 5000000000,
	 .options = fixture_stall_options,
	 .conf_size = sizeof(struct fixture_stall)},
};
static const struct sink fixture_sinks[] = {
	{.name = "summary"},
	{.name = "ci", .options = fixture_ci_options, .conf_size = sizeof(struct fixture_ci)},
	{.name = "jsonl", .options = fixture_sink_options, .conf_size = sizeof(struct fixture_sink)},
};

static const struct probe *fixture_probe(void *arg, const char *name, struct error *err)
{
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(fixture_probes) / sizeof(fixture_probes[0]); i++)
		if (strcmp(fixture_probes[i].name, name) == 0)
			return &fixture_probes[i];
	error__set(err, 0, "no probe \"%s\" here", name);
	return NULL;
}

static const struct sink *fixture_sink(void *arg, const char *name, struct error *err)
{
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(fixture_sinks) / sizeof(fixture_sinks[0]); i++)
		if (strcmp(fixture_sinks[i].name, name) == 0)
			return &fixture_sinks[i];
	error__set(err, 0, "no sink \"%s\" here", name);
	return NULL;
}

static char *const *fixture_probe_names(void *arg)
{
	static char *const names[] = {"broken", "cpu", "io", "lifecycle", "mem", "output", NULL};

	(void)arg;
	return names;
}

/* All that was told, one sentence a line; warnings begin by "warning: ". */
static char told[65536];

static inline void tell(void *arg, enum log_level level, const char *sentence)
{
	size_t length = strlen(told);

	(void)arg;
	snprintf(told + length, sizeof(told) - length, "%s%s\n", level == LOG_WARN ? "warning: " : "", sentence);
}

static const struct conf_finder finder = {
	.probe = fixture_probe,
	.sink = fixture_sink,
	.probe_names = fixture_probe_names,
	.report = tell,
};

/* Loads from memory of the exact size, so that a sanitizer sees a read behind it. */
static inline int load_bytes(struct conf *conf, const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	int rc;

	memcpy(copy, bytes, size);
	told[0] = '\0';
	rc = conf__load_memory(conf, "x.yaml", copy, size, &finder);
	free(copy);
	return rc;
}

static inline void load_good(struct conf *conf, const char *text)
{
	int rc = load_bytes(conf, text, strlen(text));

	if (rc)
		fail_msg("%s\n%s", text, told);
}

static inline void check_bad(const char *text, const char *expected)
{
	struct conf conf, zero = {0};

	if (load_bytes(&conf, text, strlen(text)) != -EINVAL)
		fail_msg("loaded: %s", text);
	if (strcmp(told, expected) != 0)
		fail_msg("of\n%s\ntold\n%s\nnot\n%s", text, told, expected);
	assert_memory_equal(&conf, &zero, sizeof(conf));
}

#endif
