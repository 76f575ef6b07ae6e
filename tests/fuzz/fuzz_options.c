/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads whatever bytes as the options of a sink, `k=v,k=v`, and expands them as a value of the configuration. Options that
 * are taken are written and read again: the same. */
#include <errno.h>
#include <string.h>

#include "core/config/expand.h"
#include "core/opt.h"
#include "tests/fuzz/fuzz.h"

#define EXPANDED_MAX 4096

struct conf {
	bool flag;
	uint64_t number, bytes, time;
	char *text;
	struct opt_list list, map;
};

static const struct opt options[] = {
	OPT(struct conf, flag, OPT_BOOL, NULL, 0, 0, ""),	 OPT(struct conf, number, OPT_UINT, "1", 1, 1000, ""),
	OPT(struct conf, bytes, OPT_SIZE, NULL, 0, 0, ""),	 OPT(struct conf, time, OPT_DURATION, NULL, 0, 0, ""),
	OPT(struct conf, text, OPT_STRING, NULL, 0, 0, ""),	 OPT(struct conf, list, OPT_LIST, NULL, 0, 0, ""),
	OPT(struct conf, map, OPT_MAP, NULL, 0, 0, "as a list"), {0},
};

static char *written(const struct conf *conf)
{
	char *text = strdup("");

	for (const struct opt *opt = options; opt->name; opt++)
		EXPECT(!opt__unparse(opt, conf, &text));
	return text;
}

static void check_options(const char *text)
{
	struct conf conf = {0}, again = {0};
	struct error err = {0};
	char *first, *second;
	int rc;

	EXPECT(!opt__defaults(options, &conf));
	rc = opt__parse(options, &conf, text, &err);
	EXPECT(rc ? rc == -EINVAL && *err.text : !*err.text);
	if (!rc) {
		first = written(&conf);
		EXPECT(!opt__parse(options, &again, first, &err));
		second = written(&again);
		EXPECT(!strcmp(first, second));
		free(first);
		free(second);
	}
	opt__free(options, &conf);
	opt__free(options, &again);
}

static void check_expansion(const char *text)
{
	struct error err = {0};
	char *out;
	int rc = expand__env(text, EXPANDED_MAX, &out, &err);

	EXPECT(rc ? !out && *err.text : out && strlen(out) <= EXPANDED_MAX + strlen(text));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);

	EXPECT(text);
	setenv("A", "${A},x=y", 1);
	if (size)
		memcpy(text, data, size);
	check_options(text);
	check_expansion(text);
	free(text);
	return 0;
}
