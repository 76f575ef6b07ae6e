/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads whatever bytes as a configuration. It is refused, with a reason; or what was loaded holds what the
 * rest of the program relies on. */
#include <errno.h>

#include "core/config/redact.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/conf_fixture.h"

static void count(void *arg, enum log_level level, const char *sentence)
{
	size_t *errors = arg;

	EXPECT(*sentence);
	*errors += level == LOG_ERROR;
}

static void check_sink(const struct conf_sink *sink)
{
	const struct opt *options = sink->sink->options;
	struct error err;
	void *conf;

	if (!options) {
		EXPECT(!*sink->text);
		return;
	}
	conf = calloc(1, sink->sink->conf_size);
	EXPECT(conf && opt__parse(options, conf, sink->text, &err) == 0);
	opt__free(options, conf);
	free(conf);
}

static void check(const struct conf *conf)
{
	struct error err;
	size_t i;

	EXPECT(conf__check_name(conf->run.name, &err) == 0);
	EXPECT(conf->run.max_processes >= 1024 && conf->run.max_processes <= 4194304);
	for (i = 0; i < conf->rules_count; i++) {
		if (conf->rules[i].kind == CONF_RULE_PID)
			EXPECT(conf->rules[i].pid >= 1);
		else if (conf->rules[i].kind != CONF_RULE_ALL)
			EXPECT(conf->rules[i].pattern[0] == '/');
	}
	EXPECT(conf->probes_count > 0);
	for (i = 0; i < conf->probes_count; i++) {
		EXPECT(conf->probes[i].ring >= 65536 && !(conf->probes[i].ring & (conf->probes[i].ring - 1)));
		EXPECT(!conf->probes[i].interval == !conf->probes[i].probe->interval_ns);
	}
	for (i = 0; i < conf->redact.n; i++)
		EXPECT(redact__check(conf->redact.items[i], &err) == 0);
	for (i = 0; i < conf->sinks_count; i++)
		check_sink(&conf->sinks[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t errors = 0;
	const struct conf_finder finder = {
		fixture_probe, fixture_sink, fixture_probe_names, NULL, count, &errors,
	};
	struct conf conf;
	int rc = conf__load_memory(&conf, "fuzz.yaml", data ? (const void *)data : "", size, &finder);

	if (rc) {
		EXPECT(rc == -EINVAL && errors > 0);
		return 0;
	}
	EXPECT(errors == 0);
	check(&conf);
	conf__free(&conf);
	return 0;
}
