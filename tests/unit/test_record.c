/* SPDX-License-Identifier: BSD-2-Clause */
/* core/record, core/cursor: what is packed is what is read, whatever the bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/record.h"
#include "tests/unit/stream_made.h"

struct packed {
	struct buffer buffer;
	struct record record;
	struct stream_event event;
	struct stream_field fields[MADE_FIELDS];
	struct value values[MADE_FIELDS];
};

static void read_back(struct packed *p)
{
	const uint8_t *end = p->buffer.data + p->buffer.size;
	struct cursor c = {p->buffer.data, end};

	made__event(&p->event, p->fields);
	assert_int_equal(cursor__skip(&c), 1);
	assert_ptr_equal(c.at, end);
	assert_true(record__head(p->buffer.data, p->buffer.size, &p->record));
	p->record.event = &p->event;
	assert_int_equal(record__values(&p->record, p->values), 0);
}

static void pack_sized(struct packed *p, const struct made_event *e, size_t size)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(record__pack(&p->buffer, &made_schema[0], 16, 99, &e->head, size, NULL), 0);
	read_back(p);
}

static void pack(struct packed *p, const struct made_event *e)
{
	pack_sized(p, e, sizeof(*e));
}

static void assert_text(const struct value *value, const char *text, size_t length)
{
	assert_int_equal(value->type, VALUE_STRING);
	assert_int_equal(value->length, length);
	assert_memory_equal(value->string, text, length);
}

static void assert_items(const struct packed *p, int field, const char *const *items, size_t count)
{
	const uint8_t *cursor = p->values[field].items, *end = p->buffer.data + p->buffer.size;
	const char *string;
	uint32_t length;
	size_t i;

	assert_int_equal(p->values[field].length << (p->values[field].type == VALUE_MAP), count);
	for (i = 0; i < count; i++) {
		assert_true(value__item(&cursor, end, &string, &length));
		assert_int_equal(length, strlen(items[i]));
		assert_memory_equal(string, items[i], length);
	}
}

static void every_type(void **state)
{
	static const char *const list[] = {"ls", "-l", "\xff"}, *const map[] = {"A", "1", "B", "x=y"};
	struct made_event e;
	struct packed p;

	(void)state;
	made__init(&e, 1234567890123);
	pack(&p, &e);
	assert_int_equal(p.record.kind, 16);
	assert_int_equal(p.record.seq, 99);
	assert_int_equal(p.record.ts, 1234567890123);
	assert_int_equal(p.record.start, 1234567890123 / 2);
	assert_int_equal(p.record.pid, 4711);
	assert_int_equal(p.record.tid, 4712);
	assert_int_equal(p.record.cpu, 3);
	assert_int_equal(p.record.run, 7);
	assert_int_equal(p.values[MADE_FLAG].type, VALUE_BOOL);
	assert_true(p.values[MADE_FLAG].boolean);
	assert_int_equal(p.values[MADE_SMALL].type, VALUE_UINT);
	assert_int_equal(p.values[MADE_SMALL].u, 77);
	assert_int_equal(p.values[MADE_NUMBER].type, VALUE_INT);
	assert_int_equal(p.values[MADE_NUMBER].i, -5);
	assert_int_equal(p.values[MADE_BIG].u, 1234567890123 * 3);
	assert_text(&p.values[MADE_SIGNAL], "SIGKILL", 7);
	assert_text(&p.values[MADE_COMM], "bash", 4);
	assert_text(&p.values[MADE_TEXT], "/bin/\xc3\xa4", 7);
	assert_int_equal(p.values[MADE_LIST].type, VALUE_LIST);
	assert_items(&p, MADE_LIST, list, 3);
	assert_int_equal(p.values[MADE_MAP].type, VALUE_MAP);
	assert_items(&p, MADE_MAP, map, 4);
	assert_int_equal(p.record.count, MADE_FIELDS); /* nothing missing, no map of it */
	buffer__free(&p.buffer);
}

static void numbers_at_their_limits(void **state)
{
	static const uint64_t bigs[] = {0,     127,	   128,	       255,	   256,	       65535,
					65536, UINT32_MAX, 1ULL << 32, 1ULL << 63, ~0ULL - 256};
	static const int32_t numbers[] = {0, 127, 128, 32768, INT32_MAX, -1, -32, -33, -128, -129, -32769, INT32_MIN};
	struct made_event e;
	struct packed p;
	size_t i;

	(void)state;
	made__init(&e, 1);
	for (i = 0; i < sizeof(bigs) / sizeof(*bigs); i++) {
		e.big = e.head.ts = e.head.start = bigs[i];
		e.small = bigs[i];
		pack(&p, &e);
		assert_true(p.values[MADE_BIG].u == bigs[i] && p.values[MADE_BIG].type == VALUE_UINT);
		assert_true(p.record.ts == bigs[i] && p.record.start == bigs[i]);
		assert_int_equal(p.values[MADE_SMALL].u, (uint32_t)bigs[i]);
		buffer__free(&p.buffer);
	}
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		e.number = numbers[i];
		pack(&p, &e);
		assert_int_equal(p.values[MADE_NUMBER].type, VALUE_INT);
		assert_int_equal(p.values[MADE_NUMBER].i, numbers[i]);
		buffer__free(&p.buffer);
	}
}

static void every_reason(void **state)
{
	struct made_event e;
	struct packed p;
	unsigned reason;

	(void)state;
	for (reason = 0; reason < EVENT_REASON_MAX; reason++) {
		made__init(&e, 1);
		e.big = EVENT_NULL(reason);
		e.text.reason = e.list.reason = e.map.reason = reason;
		pack(&p, &e);
		assert_int_equal(p.values[MADE_BIG].type, VALUE_NULL);
		assert_int_equal(p.values[MADE_BIG].reason, reason);
		assert_int_equal(p.values[MADE_TEXT].reason, reason);
		assert_int_equal(p.values[MADE_LIST].reason, reason);
		assert_int_equal(p.values[MADE_MAP].reason, reason);
		assert_int_equal(p.values[MADE_SMALL].reason, EVENT_REASON_NONE);
		if (reason == EVENT_REASON_NONE || reason == EVENT_REASON_TRUNCATED) {
			assert_text(&p.values[MADE_TEXT], "/bin/\xc3\xa4", 7);
			assert_int_equal(p.values[MADE_LIST].length, 3);
			assert_int_equal(p.values[MADE_MAP].length, 2);
		} else {
			assert_int_equal(p.values[MADE_TEXT].type, VALUE_NULL);
			assert_int_equal(p.values[MADE_LIST].type, VALUE_NULL);
			assert_int_equal(p.values[MADE_MAP].type, VALUE_NULL);
		}
		if (reason)
			assert_non_null(event_reason__name(reason));
		buffer__free(&p.buffer);
	}
	assert_null(event_reason__name(EVENT_REASON_NONE));
	assert_null(event_reason__name(EVENT_REASON_MAX));
	assert_string_equal(event_reason__name(EVENT_REASON_RELEASED), "released");
	assert_string_equal(event_reason__name(EVENT_REASON_GONE), "gone");
	assert_string_equal(event_reason__name(EVENT_REASON_EXCLUDED), "excluded");
}

static void a_text_that_does_not_apply(void **state)
{
	struct made_event e;
	struct packed p;

	(void)state;
	made__init(&e, 1);
	e.text.reason = EVENT_NOT_APPLICABLE;
	pack(&p, &e);
	assert_int_equal(p.values[MADE_TEXT].type, VALUE_NULL);
	assert_int_equal(p.values[MADE_TEXT].reason, EVENT_REASON_NONE);
	assert_int_equal(p.record.count, MADE_FIELDS); /* no map of reasons */
	buffer__free(&p.buffer);
}

static void a_name_that_is_none(void **state)
{
	struct made_event e;
	struct packed p;

	(void)state;
	made__init(&e, 1);
	e.signal = 0;
	pack(&p, &e);
	assert_int_equal(p.values[MADE_SIGNAL].type, VALUE_NULL);
	assert_int_equal(p.values[MADE_SIGNAL].reason, EVENT_REASON_NONE);
	buffer__free(&p.buffer);
}

static void chars_end_at_a_nul_or_their_size(void **state)
{
	struct made_event e;
	struct packed p;

	(void)state;
	made__init(&e, 1);
	memcpy(e.comm, "0123456789abcdef", EVENT_COMM);
	pack(&p, &e);
	assert_text(&p.values[MADE_COMM], "0123456789abcdef", EVENT_COMM);
	buffer__free(&p.buffer);
	memset(e.comm, 0, EVENT_COMM);
	pack(&p, &e);
	assert_text(&p.values[MADE_COMM], "", 0);
	buffer__free(&p.buffer);
}

/* The event lies in memory of exactly its size: the sanitizers see a byte too far. */
static void hostile_offsets(void **state)
{
	static const uint32_t ends[] = {0,
					1,
					offsetof(struct made_event, tail),
					sizeof(struct made_event) - 1,
					sizeof(struct made_event),
					sizeof(struct made_event) + 1,
					1U << 31,
					UINT32_MAX};
	struct made_event *e = malloc(sizeof(*e));
	size_t o, l, n = sizeof(ends) / sizeof(*ends);
	struct packed p;
	bool inside;

	(void)state;
	assert_non_null(e);
	for (o = 0; o < n; o++) {
		for (l = 0; l < n; l++) {
			made__init(e, 1);
			e->text = (struct event_string){ends[o], ends[l], 0};
			e->list = (struct event_list){ends[o], ends[l], EVENT_REASON_TRUNCATED};
			e->map = (struct event_map){ends[o], ends[l], 0};
			pack(&p, e);
			inside = (uint64_t)ends[o] + ends[l] <= sizeof(*e);
			assert_int_equal(p.values[MADE_TEXT].type, inside ? VALUE_STRING : VALUE_NULL);
			assert_int_equal(p.values[MADE_TEXT].reason, inside ? EVENT_REASON_NONE : EVENT_REASON_FAULT);
			assert_int_equal(p.values[MADE_LIST].reason,
					 inside ? EVENT_REASON_TRUNCATED : EVENT_REASON_FAULT);
			assert_int_equal(p.values[MADE_MAP].type, inside ? VALUE_MAP : VALUE_NULL);
			buffer__free(&p.buffer);
		}
	}
	free(e);
}

static void shorter_than_its_struct(void **state)
{
	struct made_event whole;
	struct event *cut;
	struct packed p;
	size_t size;

	(void)state;
	made__init(&whole, 1);
	for (size = sizeof(struct event); size < sizeof(whole); size++) {
		cut = malloc(size);
		assert_non_null(cut);
		memcpy(cut, &whole, size);
		memset(&p, 0, sizeof(p));
		assert_int_equal(record__pack(&p.buffer, &made_schema[0], 16, 1, cut, size, NULL), 0);
		read_back(&p);
		if (size < offsetof(struct made_event, big) + sizeof(whole.big))
			assert_int_equal(p.values[MADE_BIG].reason, EVENT_REASON_FAULT);
		if (size < sizeof(whole) - sizeof(whole.tail))
			assert_int_equal(p.values[MADE_MAP].reason, EVENT_REASON_FAULT);
		buffer__free(&p.buffer);
		free(cut);
	}
	memset(&p, 0, sizeof(p));
	assert_int_equal(record__pack(&p.buffer, &made_schema[0], 16, 1, &whole.head, sizeof(struct event) - 1, NULL),
			 -EINVAL);
	assert_int_equal(p.buffer.size, 0);
	buffer__free(&p.buffer);
}

static void items_of_all_shapes(void **state)
{
	static const struct {
		const char *bytes;
		size_t length, list_count, map_count;
		const char *list[4], *map[6];
	} cases[] = {
		{"", 0, 0, 0, {0}, {0}},
		{"\0", 1, 1, 2, {""}, {"", ""}},
		{"a", 1, 1, 2, {"a"}, {"a", ""}},
		{"a=\0=b\0", 6, 2, 4, {"a=", "=b"}, {"a", "", "", "b"}},
		{"a=b=c", 5, 1, 2, {"a=b=c"}, {"a", "b=c"}},
		{"x\0\0y\0", 5, 3, 6, {"x", "", "y"}, {"x", "", "", "", "y", ""}},
	};
	struct made_event e;
	struct packed p;
	struct event_string at;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		made__init(&e, 1);
		at = made__tail(&e, 0, cases[i].bytes, cases[i].length);
		e.list = (struct event_list){at.offset, at.length, 0};
		e.map = (struct event_map){at.offset, at.length, 0};
		pack(&p, &e);
		assert_items(&p, MADE_LIST, cases[i].list, cases[i].list_count);
		assert_items(&p, MADE_MAP, cases[i].map, cases[i].map_count);
		buffer__free(&p.buffer);
	}
}

struct seen {
	char text[256];
};

static bool redact(void *arg, enum record_place place, const char **text, size_t *length)
{
	static const char *const marks[] = {"", "=", ":", "+"};
	struct seen *seen = arg;
	size_t used = strlen(seen->text);

	snprintf(seen->text + used, sizeof(seen->text) - used, "%s%.*s|", marks[place], (int)*length, *text);
	if (*length != 3 || memcmp(*text, "A=1", 3))
		return false;
	*text = "A=***";
	*length = 5;
	return true;
}

static void the_filter_sees_whole_items(void **state)
{
	static const char *const map[] = {"A", "***", "B", "x=y"};
	struct seen seen = {""};
	struct record_privacy privacy = {.filter = redact, .filter_arg = &seen};
	struct made_event e;
	struct packed p;

	(void)state;
	made__init(&e, 1);
	memset(&p, 0, sizeof(p));
	assert_int_equal(record__pack(&p.buffer, &made_schema[0], 16, 1, &e.head, sizeof(e), &privacy), 0);
	read_back(&p);
	assert_string_equal(seen.text, "bash|/bin/\xc3\xa4|:ls|+-l|+\xff|=A=1|=B=x=y|");
	assert_int_equal(privacy.redacted, 1);
	assert_items(&p, MADE_MAP, map, 4);
	buffer__free(&p.buffer);
}

/* The configuration's `args` holds for the list of this name, and for no other. */
static void args_that_are_left_out(void **state)
{
	static const struct schema_field fields[] = {
		FIELD_AS(struct made_event, list, "args", NULL, "argv"),
		FIELD_AS(struct made_event, list, "list", NULL, "another list"),
		{0},
	};
	static const struct schema_event schema = {.name = "x", .fields = fields, .size = sizeof(struct made_event)};
	static const char *const all[] = {"ls", "-l", "\xff"};
	static const struct {
		enum record_args args;
		size_t count;
		unsigned reason;
	} cases[] = {
		{RECORD_ARGS_REDACTED, 3, EVENT_REASON_NONE},
		{RECORD_ARGS_FULL, 3, EVENT_REASON_NONE},
		{RECORD_ARGS_PROGRAM, 1, EVENT_REASON_TRUNCATED},
		{RECORD_ARGS_NONE, 0, EVENT_REASON_EXCLUDED},
	};
	struct made_event e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct record_privacy privacy = {.args = cases[i].args};
		struct packed p = {0};
		struct stream_field read[2] = {{.name = "args", .type = SCHEMA_LIST},
					       {.name = "list", .type = SCHEMA_LIST}};

		made__init(&e, 1);
		assert_int_equal(record__pack(&p.buffer, &schema, 16, 1, &e.head, sizeof(e), &privacy), 0);
		assert_true(record__head(p.buffer.data, p.buffer.size, &p.record));
		p.event = (struct stream_event){.name = "x", .fields_count = 2, .fields = read};
		p.record.event = &p.event;
		assert_int_equal(record__values(&p.record, p.values), 0);
		assert_int_equal(p.values[0].reason, cases[i].reason);
		if (cases[i].count)
			assert_items(&p, 0, all, cases[i].count);
		else
			assert_int_equal(p.values[0].type, VALUE_NULL);
		assert_int_equal(p.values[1].reason, EVENT_REASON_NONE);
		assert_items(&p, 1, all, 3);
		buffer__free(&p.buffer);
	}
	assert_string_equal(record_args__name(RECORD_ARGS_REDACTED), "redacted");
	assert_string_equal(record_args__name(RECORD_ARGS_NONE), "none");
	assert_string_equal(record_args__name(RECORD_ARGS_PROGRAM), "program");
	assert_string_equal(record_args__name(RECORD_ARGS_FULL), "full");
}

/* str where any library may decode it as UTF-8, bin where it may not. */
static void text_on_disk(void **state)
{
	struct made_event e;
	struct packed p;
	const uint8_t *item;

	(void)state;
	made__init(&e, 1);
	pack(&p, &e);
	assert_int_equal((uint8_t)p.values[MADE_TEXT].string[-1], 0xa7);
	item = p.values[MADE_LIST].items;
	assert_memory_equal(item, "\xa2ls\xa2-l\xc4\x01\xff", 9);
	buffer__free(&p.buffer);
}

static void another_schema_than_the_writers(void **state)
{
	struct stream_event shorter, longer;
	struct stream_field fields[MADE_FIELDS + 2];
	struct value values[MADE_FIELDS + 2];
	struct made_event e;
	struct packed p;

	(void)state;
	made__init(&e, 1);
	e.big = EVENT_NULL(EVENT_REASON_BOUND);
	pack(&p, &e);
	memcpy(fields, p.fields, sizeof(p.fields));
	fields[MADE_FIELDS] = (struct stream_field){"new", NULL, NULL, SCHEMA_MAP};
	fields[MADE_FIELDS + 1] = (struct stream_field){"newer", NULL, NULL, SCHEMA_U64};

	/* fields that an older writer did not have are null; its map of reasons is not taken for one */
	longer = (struct stream_event){"first", NULL, "made", MADE_FIELDS + 2, fields, SCHEMA_NO_ROLE};
	p.record.event = &longer;
	assert_int_equal(record__values(&p.record, values), 0);
	assert_int_equal(values[MADE_BIG].reason, EVENT_REASON_BOUND);
	assert_int_equal(values[MADE_FIELDS].type, VALUE_NULL);
	assert_int_equal(values[MADE_FIELDS].reason, EVENT_REASON_NONE);
	assert_int_equal(values[MADE_FIELDS + 1].type, VALUE_NULL);

	/* those that a newer one appended are skipped */
	shorter = (struct stream_event){"first", NULL, "made", MADE_BIG + 1, fields, SCHEMA_NO_ROLE};
	p.record.event = &shorter;
	assert_int_equal(record__values(&p.record, values), 0);
	assert_int_equal(values[MADE_BIG].reason, EVENT_REASON_BOUND);

	/* another type than the header tells is no value of it */
	fields[MADE_SMALL].type = SCHEMA_STRING;
	assert_int_equal(record__values(&p.record, values), -EBADMSG);
	buffer__free(&p.buffer);
}

/* Every way to cut a record short: never read beyond, never taken for whole. */
static void cut_at_every_byte(void **state)
{
	struct made_event e;
	struct packed p;
	struct cursor c;
	uint8_t *cut;
	size_t size;

	(void)state;
	made__init(&e, 1234567890123);
	e.big = EVENT_NULL(EVENT_REASON_GONE);
	pack(&p, &e);
	for (size = 0; size < p.buffer.size; size++) {
		cut = malloc(size ? size : 1);
		assert_non_null(cut);
		memcpy(cut, p.buffer.data, size);
		c = (struct cursor){cut, cut + size};
		assert_int_equal(cursor__skip(&c), 0);
		assert_ptr_equal(c.at, cut);
		if (record__head(cut, size, &p.record)) {
			p.record.event = &p.event;
			assert_int_equal(record__values(&p.record, p.values), -EBADMSG);
		}
		free(cut);
	}
	buffer__free(&p.buffer);
}

static void nesting_has_a_limit(void **state)
{
	uint8_t nested[40];
	struct cursor c = {nested, nested + sizeof(nested)};

	(void)state;
	memset(nested, 0x91, sizeof(nested));
	nested[32] = 0xc0;
	assert_int_equal(cursor__skip(&c), 1);
	assert_ptr_equal(c.at, nested + 33);
	nested[32] = 0x91;
	nested[33] = 0xc0;
	c.at = nested;
	assert_int_equal(cursor__skip(&c), -EBADMSG);
	assert_ptr_equal(c.at, nested);
}

static void objects_of_every_first_byte(void **state)
{
	/* lengths by the specification, payloads of zeros; 0: never used, or ended only by what follows */
	uint8_t bytes[600] = {0};
	unsigned first;
	size_t length;
	struct cursor c;

	(void)state;
	for (first = 0; first < 256; first++) {
		static const uint8_t from_c0[32] = {1, 0, 1, 1, 2, 3, 5, 3,  4,	 6, 5, 9, 2, 3, 5, 9,
						    2, 3, 5, 9, 3, 4, 6, 10, 18, 2, 3, 5, 3, 5, 3, 5};
		if (first < 0x80 || first >= 0xe0)
			length = 1;
		else if (first < 0x90)
			length = 1 + 2 * (first & 15);
		else if (first < 0xa0)
			length = 1 + (first & 15);
		else if (first < 0xc0)
			length = 1 + (first & 31);
		else
			length = from_c0[first - 0xc0];
		bytes[0] = first;
		c = (struct cursor){bytes, bytes + sizeof(bytes)};
		assert_int_equal(cursor__skip(&c), length ? 1 : -EBADMSG);
		assert_int_equal(c.at - bytes, length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type),
		cmocka_unit_test(numbers_at_their_limits),
		cmocka_unit_test(every_reason),
		cmocka_unit_test(a_text_that_does_not_apply),
		cmocka_unit_test(a_name_that_is_none),
		cmocka_unit_test(chars_end_at_a_nul_or_their_size),
		cmocka_unit_test(hostile_offsets),
		cmocka_unit_test(shorter_than_its_struct),
		cmocka_unit_test(items_of_all_shapes),
		cmocka_unit_test(the_filter_sees_whole_items),
		cmocka_unit_test(args_that_are_left_out),
		cmocka_unit_test(text_on_disk),
		cmocka_unit_test(another_schema_than_the_writers),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(objects_of_every_first_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
