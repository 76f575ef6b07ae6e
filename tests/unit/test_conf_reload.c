/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules and limits on their way to another process: the same there, and nothing from bytes that are cut or changed. */
#include "conf_fixture.h"

#include "core/config/conf_reload.h"

static struct conf_rule rules[] = {
	{.kind = CONF_RULE_EXE, .pattern = "/usr/bin/**/make", .name = "build", .line = 3, .column = 5},
	{.kind = CONF_RULE_CWD, .pattern = "/data", .line = 4, .column = 5},
	{.kind = CONF_RULE_PID, .pid = 4711, .name = "one", .line = 5, .column = 5},
	{.kind = CONF_RULE_ALL, .line = 6, .column = 5},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static const struct conf conf = {
	.limits = {.run = 1, .total = 2, .age = 3, .open_per_user = UINT64_MAX}, .rules = rules, .rules_count = RULES};

static void assert_same_text(const char *a, const char *b)
{
	if (b)
		assert_string_equal(a, b);
	else
		assert_null(a);
}

static void test_there_and_back(void **state)
{
	struct buffer bytes = {0};
	struct conf back = {0};

	(void)state;
	assert_int_equal(conf_reload__pack(&conf, &bytes), 0);
	assert_int_equal(conf_reload__unpack(&back, bytes.data, bytes.size), 0);
	assert_memory_equal(&back.limits, &conf.limits, sizeof(back.limits));
	assert_int_equal(back.rules_count, RULES);
	for (size_t i = 0; i < RULES; i++) {
		assert_int_equal(back.rules[i].kind, rules[i].kind);
		assert_int_equal(back.rules[i].pid, rules[i].pid);
		assert_int_equal(back.rules[i].line, rules[i].line);
		assert_int_equal(back.rules[i].column, rules[i].column);
		assert_same_text(back.rules[i].pattern, rules[i].pattern);
		assert_same_text(back.rules[i].name, rules[i].name);
	}
	free(back.rules);
	buffer__free(&bytes);
}

/* Each beginning, at the end of its memory: one that is no whole number of rules is refused. */
static void test_cut(void **state)
{
	struct buffer bytes = {0};
	size_t whole = 0;

	(void)state;
	assert_int_equal(conf_reload__pack(&conf, &bytes), 0);
	for (size_t size = 0; size <= bytes.size; size++) {
		uint8_t *cut = malloc(size + 1);
		struct conf back = {0};
		int err;

		memcpy(cut, bytes.data, size);
		err = conf_reload__unpack(&back, cut, size);
		assert_true(!err || err == -EBADMSG);
		whole += !err;
		free(back.rules);
		free(cut);
	}
	assert_int_equal(whole, RULES + 1);
	buffer__free(&bytes);
}

/* A byte is another one: it is refused, or the texts still end where the bytes do. */
static void test_changed(void **state)
{
	struct buffer bytes = {0};

	(void)state;
	assert_int_equal(conf_reload__pack(&conf, &bytes), 0);
	for (size_t at = sizeof(conf.limits); at < bytes.size; at++) {
		struct conf back = {0};

		bytes.data[at] ^= 0xff;
		if (!conf_reload__unpack(&back, bytes.data, bytes.size))
			for (size_t i = 0; i < back.rules_count; i++) {
				const char *text = back.rules[i].pattern;

				assert_true(!text || text + strlen(text) < (char *)bytes.data + bytes.size);
			}
		free(back.rules);
		bytes.data[at] ^= 0xff;
	}
	buffer__free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
