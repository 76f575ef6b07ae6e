/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink kafka: messages that are cut, names of topics. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sinks/kafka/kafka.h"

/* NULL: it is too large without any of its arguments. */
static void check_cut(const char *json, size_t limit, const char *wanted)
{
	struct buffer out = {0};
	int rc = kafka_cut__args((const uint8_t *)json, strlen(json), limit, &out);

	assert_int_equal(rc, wanted ? 0 : -E2BIG);
	if (wanted) {
		assert_int_equal(out.size, strlen(wanted));
		assert_memory_equal(out.data, wanted, out.size);
		assert_true(out.size <= limit);
	}
	buffer__free(&out);
}

static void test_cut(void **state)
{
	static const char none[] = "{\"a\":1,\"args\":[],\"missing\":\"args=truncated\"}";
	static const char one[] = "{\"a\":1,\"args\":[\"ls\"],\"missing\":\"args=truncated\"}";
	static const char json[] = "{\"a\":1,\"args\":[\"ls\",\"0123456789012345678901234567890123456789\"]}";

	(void)state;
	check_cut(json, sizeof(one) - 1, one);
	check_cut(json, sizeof(one) - 2, none);
	check_cut(json, sizeof(none) - 1, none);
	check_cut(json, sizeof(none) - 2, NULL);
	check_cut(json, 0, NULL);
}

static void test_cut_of_what_is_hard_to_read(void **state)
{
	(void)state;
	check_cut("{\"args\":[\"ls\"]}", 10, NULL); /* it is the first key: no event has that */
	check_cut("{\"a\":\",\\\"args\\\":[\"}", 30, NULL);
	check_cut("{}", 100, NULL);
	check_cut("", 100, NULL);
	/* quotes, brackets and backslashes within arguments, and one that is no text */
	check_cut(
		"{\"a\":1,\"args\":[\"],\\\"\\\\\",{\"base64\":\"/w==\"},\"0123456789012345678901234567890123\"],\"b\":\"]\"}",
		80,
		"{\"a\":1,\"args\":[\"],\\\"\\\\\",{\"base64\":\"/w==\"}],\"b\":\"]\",\"missing\":\"args=truncated\"}");
	/* other reasons stay, and what was cut before is not said twice */
	check_cut("{\"a\":1,\"args\":[\"l\",\"0123456789\"],\"missing\":\"a=fault\"}", 52,
		  "{\"a\":1,\"args\":[],\"missing\":\"a=fault,args=truncated\"}");
	check_cut("{\"a\":1,\"args\":[\"l\",\"0123456789\"],\"missing\":\"args=truncated,b=fault\"}", 57,
		  "{\"a\":1,\"args\":[\"l\"],\"missing\":\"args=truncated,b=fault\"}");
	/* a value that looks like the reasons is none */
	check_cut("{\"a\":1,\"args\":[\"l\",\"012345678901234567890123456789\"],\"e\":{\"missing\":\"x\"}}", 64,
		  "{\"a\":1,\"args\":[],\"e\":{\"missing\":\"x\"},\"missing\":\"args=truncated\"}");
}

static void check_head(const char *template, const char *run, const char *topic, const char *key)
{
	const struct stream_info info = {.host = "node 1", .run = {.id = run}};
	const struct stream_event event = {.stream = "lifecycle", .name = "exec"};
	const struct record record = {.info = &info, .event = &event};
	struct buffer head = {0};
	struct error err;

	assert_int_equal(kafka_topic__check(template, &err), 0);
	assert_int_equal(kafka_topic__head(template, &record, &head), 0);
	assert_string_equal((char *)head.data, topic);
	assert_int_equal(head.size, strlen(topic) + 1 + strlen(key));
	assert_memory_equal(head.data + strlen(topic) + 1, key, strlen(key));
	buffer__free(&head);
}

static void test_topics(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a b", "a/b", "{", "{pid}", "{stream", "\xc3\xa4"};
	char longest[250], run[400];
	struct error err;

	(void)state;
	check_head("collector", "r1", "collector", "node 1/r1");
	check_head("{stream}.{event}-{host}_{run}", "r:1", "lifecycle.exec-node_1_r_1", "node 1/r:1");
	check_head("{event}{event}", "r1", "execexec", "node 1/r1");
	memset(run, 'x', sizeof(run));
	run[sizeof(run) - 1] = '\0';
	memset(longest, 'x', sizeof(longest));
	longest[249] = '\0';
	assert_int_equal(kafka_topic__check(longest, &err), 0);
	longest[0] = 'a';
	longest[1] = '-';
	{
		const struct stream_info info = {.host = "h", .run = {.id = run}};
		const struct record record = {.info = &info};
		struct buffer head = {0};

		assert_int_equal(kafka_topic__head("a-{run}", &record, &head), 0);
		assert_string_equal((char *)head.data, longest);
		buffer__free(&head);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(kafka_topic__check(bad[i], &err), -EINVAL);
	assert_false(kafka_topic__depends("collector"));
	assert_true(kafka_topic__depends("{run}"));
	assert_true(kafka_topic__has_event("a.{event}"));
	assert_false(kafka_topic__has_event("{run}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_of_what_is_hard_to_read),
		cmocka_unit_test(test_topics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
