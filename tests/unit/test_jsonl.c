/* SPDX-License-Identifier: BSD-2-Clause */
/* The generic sinks, loaded as the merge loads them: jsonl to the byte, msgpack by its own objects. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "core/merge/merge.h"
#include "tests/unit/stream_made.h"

struct fed {
	char path[256], plugins[300];
	int dir, out;
	struct stream_writer *writer;
	char *text;
	size_t size;
};

/* Copies of the built sinks where root may load them: in a folder that nobody else can write to. */
static int stage(struct fed *fed)
{
	const char *built = getenv("builddir");
	char command[2048];

	snprintf(fed->plugins, sizeof(fed->plugins), "%s/plugins", fed->path);
	snprintf(command, sizeof(command),
		 "umask 022 && mkdir -p '%s/sinks' && cp '%s/sinks/jsonl.so' '%s/sinks/msgpack.so' "
		 "'%s/sinks' && "
		 "chmod 755 '%s/sinks/'*",
		 fed->plugins, built ? built : ".", built ? built : ".", fed->plugins, fed->plugins);
	return system(command);
}

static int setup(void **state)
{
	struct stream_writer_opts opts = made__opts("made");
	struct fed *fed = calloc(1, sizeof(*fed));

	*state = fed;
	fed->dir = made__folder(fed->path, sizeof(fed->path));
	fed->out = memfd_create("out", MFD_CLOEXEC);
	return fed->dir < 0 || fed->out < 0 || stage(fed) || stream_writer__open(&fed->writer, fed->dir, &opts);
}

static int teardown(void **state)
{
	struct fed *fed = *state;

	close(fed->dir);
	close(fed->out);
	made__remove(fed->path);
	free(fed->text);
	free(fed);
	return 0;
}

/* Runs what was written through a sink into `out`; returns what the merge would. */
static int feed(struct fed *fed, const char *sink, int out)
{
	const char *none[] = {NULL};
	struct filter_opts all = {.runs = none, .events = none};
	struct sinks sinks = {0};
	struct merge *merge = merge__new(NULL, NULL);
	struct filter filter;
	struct record record;
	struct error err;
	int rc;

	assert_int_equal(stream_writer__close(fed->writer), 0);
	if (sinks__add(&sinks, fed->plugins, sink, &err) || merge__add(merge, fed->path, &err) ||
	    filter__init(&filter, merge, &all, &err))
		fail_msg("%s", err.text);
	rc = sinks__open(&sinks, out, merge, &filter);
	while (!rc && merge__next(merge, &record) == 1)
		rc = sinks__write(&sinks, &record);
	if (!rc)
		rc = sinks__finish(&sinks, merge, &filter);
	sinks__close(&sinks);
	filter__free(&filter);
	merge__free(merge);
	return rc;
}

static const char *feed_text(struct fed *fed, const char *sink)
{
	ssize_t n;

	assert_int_equal(feed(fed, sink, fed->out), 0);
	fed->size = lseek(fed->out, 0, SEEK_END);
	fed->text = calloc(1, fed->size + 1);
	assert_non_null(fed->text);
	n = pread(fed->out, fed->text, fed->size, 0);
	assert_int_equal(n, fed->size);
	return fed->text;
}

/* The anchors and the marker of a real stream are not known beforehand: they are taken from the line. */
static void assert_line(const char *line, const char *before, const char *time_pattern, const char *after)
{
	char expected[4096], host[256];
	const char *time = strstr(line, "\"time\":\""), *marker = strstr(line, "\"marker\":\"");
	size_t i;

	assert_true(time && marker);
	time += 8;
	marker += 10;
	assert_int_equal(strspn(marker, "0123456789abcdef"), 2 * STREAM_MARKER);
	for (i = 0; time_pattern[i]; i++)
		if (time_pattern[i] == '9' ? time[i] < '0' || time[i] > '9' : time[i] != time_pattern[i])
			fail_msg("time: %.30s", time);
	gethostname(host, sizeof(host));
	snprintf(expected, sizeof(expected),
		 "%s\"time\":\"%.*s\",\"seq\":1,\"marker\":\"%.32s\",\"run\":\"run-7\",\"host\":\"%s\",%s", before,
		 (int)strlen(time_pattern), time, marker, host, after);
	assert_string_equal(line, expected);
}

static void a_line_to_the_byte(void **state)
{
	struct fed *fed = *state;
	struct made_event e;

	made__init(&e, 5000000000);
	e.big = EVENT_NULL(EVENT_REASON_RELEASED);
	e.list.reason = EVENT_REASON_TRUNCATED;
	assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	assert_line(feed_text(fed, "jsonl"), "{\"stream\":\"made\",\"event\":\"first\",\"ts\":5000000000,",
		    "9999-99-99T99:99:99.999999999Z",
		    "\"pid\":4711,\"start\":2500000000,\"tid\":4712,\"cpu\":3,\"flag\":true,\"small\":77,"
		    "\"number\":-5,"
		    "\"big\":null,\"signal_name\":\"SIGKILL\",\"comm\":\"bash\",\"text\":\"/bin/\xc3\xa4\","
		    "\"list\":[\"ls\",\"-l\",{\"base64\":\"/w==\"}],\"map\":{\"A\":\"1\",\"B\":\"x=y\"},"
		    "\"missing\":\"big=released,list=truncated\"}\n");
}

static void strings_are_escaped(void **state)
{
	struct fed *fed = *state;
	struct made_event e;
	struct event_string at;
	const char *line;
	int i;

	made__init(&e, 1);
	for (i = 0; i < 33; i++)
		e.tail[i] = i;
	memcpy(e.tail + 33, "\"\\/\x7f", 4);
	e.text = (struct event_string){offsetof(struct made_event, tail), 37, 0};
	at = made__tail(&e, 40, "\xff\xfe=\xfd\0\xff\xfe\xfd=\0", 10);
	e.map = (struct event_map){at.offset, at.length, 0};
	memcpy(e.comm, "\x80", 2);
	assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	line = feed_text(fed, "jsonl");
	assert_non_null(strstr(line,
			       "\"text\":\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f"
			       "\\r\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018"
			       "\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f \\\"\\\\/\x7f\","));
	assert_non_null(strstr(line, "\"comm\":{\"base64\":\"gA==\"}"));
	assert_non_null(strstr(line, "\"map\":{\"base64://4=\":{\"base64\":\"/Q==\"},\"base64://79\":\"\"}"));
}

static void numbers_in_full(void **state)
{
	struct fed *fed = *state;
	struct made_event e;
	const char *line;

	made__init(&e, ~0ULL - 256);
	e.big = ~0ULL - 256;
	e.number = INT32_MIN;
	e.small = UINT32_MAX;
	assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	line = feed_text(fed, "jsonl");
	assert_non_null(strstr(line, "\"ts\":18446744073709551359,"));
	assert_non_null(strstr(line, "\"small\":4294967295,\"number\":-2147483648,\"big\":18446744073709551359,"));
}

/* A loss is a line like any other, and names no process. */
static void a_loss_is_a_line(void **state)
{
	struct fed *fed = *state;
	const char *line;

	assert_int_equal(stream_writer__lost(fed->writer, 12, 345, 0, "ring_full"), 0);
	line = feed_text(fed, "jsonl");
	assert_ptr_equal(strstr(line, "{\"stream\":\"core\",\"event\":\"lost\",\"ts\":"), line);
	assert_non_null(strstr(line, "\"pid\":null,\"start\":null,\"tid\":null,\"cpu\":null,\"stream_lost\":\"made\","
				     "\"count\":12,\"since\":345,\"event_lost\":\"first\",\"cause\":\"ring_full\"}\n"));
}

/* More than a buffer, in whole lines. */
static void many_lines(void **state)
{
	struct fed *fed = *state;
	struct made_event e;
	const char *at;
	unsigned n = 0;

	for (; n < 5000; n++) {
		made__init(&e, 1000 + n);
		assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	}
	for (at = feed_text(fed, "jsonl"), n = 0; *at; at = strchr(at, '\n') + 1, n++)
		assert_int_equal(strtoull(strstr(at, "\"ts\":") + 5, NULL, 10), 1000 + n);
	assert_int_equal(n, 5000);
}

static void msgpack_has_the_same_keys(void **state)
{
	static const char *const keys[] = {"stream",	  "event", "ts",   "time", "seq",  "marker", "run",    "host",
					   "pid",	  "start", "tid",  "cpu",  "flag", "small",  "number", "big",
					   "signal_name", "comm",  "text", "list", "map",  "missing"};
	struct fed *fed = *state;
	struct made_event e;
	const char *string;
	struct value value;
	struct cursor c;
	uint32_t n, i, length;

	made__init(&e, 5000000000);
	e.big = EVENT_NULL(EVENT_REASON_RELEASED);
	assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	e.big = 6;
	e.head.run = 8; /* not the run of this stream: unknown */
	assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	feed_text(fed, "msgpack");
	c = (struct cursor){(uint8_t *)fed->text, (uint8_t *)fed->text + fed->size};
	assert_true(cursor__map(&c, &n));
	assert_int_equal(n, 22);
	for (i = 0; i < n; i++) {
		assert_true(cursor__string(&c, &string, &length));
		assert_int_equal(length, strlen(keys[i]));
		assert_memory_equal(string, keys[i], length);
		assert_true(cursor__value(&c, &value));
		if (i == 15)
			assert_int_equal(value.type, VALUE_NULL);
	}
	assert_int_equal(value.length, 12);
	assert_memory_equal(value.string, "big=released", 12);
	assert_true(cursor__map(&c, &n));
	assert_int_equal(n, 21);
	for (i = 0; i < n; i++) {
		assert_true(cursor__string(&c, &string, &length) && cursor__value(&c, &value));
		if (i == 6)
			assert_int_equal(value.type, VALUE_NULL);
		if (i == 15)
			assert_int_equal(value.u, 6);
	}
	assert_ptr_equal(c.at, c.end);
}

static void a_reader_that_went_away(void **state)
{
	void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
	struct fed *fed = *state;
	struct made_event e;
	int ends[2];

	made__init(&e, 1);
	assert_int_equal(stream_writer__event(fed->writer, &e.head, sizeof(e)), 0);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(feed(fed, "jsonl", ends[1]), -EPIPE);
	close(ends[1]);
	signal(SIGPIPE, handler);
}

static void sinks_that_are_none(void **state)
{
	static const char *const specs[] = {"nothing", "jsonl:colour=red", "", "../sinks/jsonl", "jsonl:="};
	struct sinks sinks = {0};
	struct fed *fed = *state;
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		err.text[0] = '\0';
		assert_true(sinks__add(&sinks, fed->plugins, specs[i], &err) < 0);
		assert_true(strlen(err.text) > 0);
	}
	sinks__close(&sinks);
	stream_writer__close(fed->writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_line_to_the_byte),      TEST(strings_are_escaped), TEST(numbers_in_full),
		TEST(a_loss_is_a_line),	       TEST(many_lines),	  TEST(msgpack_has_the_same_keys),
		TEST(a_reader_that_went_away), TEST(sinks_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
