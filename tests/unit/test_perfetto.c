/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/perfetto: the wire format, and curves of what comes out of order. What a trace means is asked of the real
 * trace processor in tests/sinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/perfetto/gauges.h"

#define MS 1000000ULL
#define S 1000000000ULL
#define POINTS 64

/* ---- the wire format ---- */

static void assert_bytes(struct buffer *proto, const char *bytes, size_t size)
{
	assert_int_equal(proto->error, 0);
	assert_int_equal(proto->size, size);
	assert_memory_equal(proto->data, bytes, size);
	buffer__free(proto);
}

static void values_are_packed(void **state)
{
	struct buffer proto = {0};

	(void)state;
	proto__uint(&proto, 1, 150);
	assert_bytes(&proto, "\x08\x96\x01", 3);
	proto__uint(&proto, 60, UINT64_MAX);
	assert_bytes(&proto, "\xe0\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
	proto__string(&proto, 2, "testing");
	assert_bytes(&proto, "\x12\x07testing", 9);
	proto__fixed64(&proto, 47, 0x0102030405060708);
	assert_bytes(&proto, "\xf9\x02\x08\x07\x06\x05\x04\x03\x02\x01", 10);
	proto__double(&proto, 44, 1.0);
	assert_bytes(&proto, "\xe1\x02\0\0\0\0\0\0\xf0\x3f", 10);
}

static void messages_nest(void **state)
{
	struct buffer proto = {0};
	char text[200], *at;
	size_t outer, inner;

	(void)state;
	memset(text, 'x', sizeof(text));
	outer = proto__open(&proto, 1);
	inner = proto__open(&proto, 3);
	proto__bytes(&proto, 2, text, sizeof(text)); /* a length of two bytes, in a length of two bytes */
	proto__close(&proto, inner);
	proto__uint(&proto, 4, 5);
	proto__close(&proto, outer);
	at = (char *)proto.data;
	assert_memory_equal(at, "\x0a\xd0\x01\x1a\xcb\x01\x12\xc8\x01xxx", 12);
	assert_memory_equal(at + proto.size - 2, "\x20\x05", 2);
	assert_int_equal(proto.size, 3 + 3 + 3 + 200 + 2);
	buffer__free(&proto);
}

/* ---- curves ---- */

struct point {
	uint64_t ts, track;
	double value;
};

static uint64_t varint(const uint8_t **at)
{
	uint64_t value = 0;
	int shift = 0;

	for (; **at & 0x80; shift += 7)
		value |= (uint64_t)(*(*at)++ & 0x7f) << shift;
	return value | (uint64_t) * (*at)++ << shift;
}

/* The points of counters in the packets: fields of a packet and of the event in it. */
static void read_fields(const uint8_t *at, const uint8_t *end, struct point *point, bool event)
{
	while (at < end) {
		uint64_t tag = varint(&at), value = 0;

		if ((tag & 7) == 1) {
			if (tag >> 3 == 44)
				memcpy(&point->value, at, 8);
			at += 8;
			continue;
		}
		value = varint(&at);
		if ((tag & 7) == 2) {
			if (!event && tag >> 3 == 11)
				read_fields(at, at + value, point, true);
			at += value;
		} else if (!event && tag >> 3 == 8) {
			point->ts = value;
		} else if (event && tag >> 3 == 11) {
			point->track = value;
		} else if (event && tag >> 3 == 30) {
			point->value = (double)value;
		}
	}
}

static size_t read_points(const struct packets *packets, uint64_t track, struct point points[POINTS])
{
	const uint8_t *at = packets->proto.data, *end = at + packets->proto.size;
	size_t count = 0;

	while (at < end) {
		struct point point = {0};
		uint64_t size;

		assert_int_equal(varint(&at), 1 << 3 | 2);
		size = varint(&at);
		read_fields(at, at + size, &point, false);
		at += size;
		if (point.track != track)
			continue;
		assert_true(count < POINTS);
		points[count++] = point;
	}
	return count;
}

struct curve_test {
	struct packets packets;
	struct timeline timeline;
};

static void begin(struct curve_test *t)
{
	*t = (struct curve_test){.timeline = {.packets = &t->packets, .point_ns = 100 * MS}};
	packets__init(&t->packets, -1);
}

static void add(struct curve_test *t, struct gauges *gauges, enum gauge_kind kind, uint64_t from, uint64_t until,
		int64_t much)
{
	assert_int_equal(timeline__add(&t->timeline, gauges, kind, from, much), 0);
	assert_int_equal(timeline__add(&t->timeline, gauges, kind, until, -much), 0);
}

static void assert_curve(struct curve_test *t, uint64_t track, size_t count, const struct point *expected)
{
	struct point points[POINTS];

	assert_int_equal(read_points(&t->packets, track, points), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(points[i].ts, expected[i].ts);
		assert_true(points[i].value > expected[i].value - 1e-9 && points[i].value < expected[i].value + 1e-9);
	}
}

static void end(struct curve_test *t)
{
	timeline__free(&t->timeline);
	packets__free(&t->packets);
}

static void sums_in_whatever_order(void **state)
{
	static const uint64_t tracks[] = {71, 72};
	static const struct point cores[] = {
		{1 * S, 0, 1},
		{2 * S, 0, 1.5},
		{3 * S, 0, 0.5},
		{4 * S, 0, 0},
	};
	static const struct point bytes[] = {{1 * S, 0, 1000}, {3 * S, 0, 3000}, {4 * S, 0, 0}};
	struct gauges *gauges = gauges__new(NULL, tracks);
	struct curve_test t;

	(void)state;
	begin(&t);
	assert_non_null(gauges);
	add(&t, gauges, GAUGE_CORES, 2 * S, 4 * S, 500000000);
	add(&t, gauges, GAUGE_CORES, 1 * S, 3 * S, 1000000000);
	add(&t, gauges, GAUGE_BYTES, 3 * S, 4 * S, 3000); /* begins when the other ends: never 4,000 */
	add(&t, gauges, GAUGE_BYTES, 1 * S, 3 * S, 1000);
	timeline__advance(&t.timeline, UINT64_MAX);
	gauges__close(&t.timeline, gauges, 4 * S);
	assert_curve(&t, 71, 4, cores);
	assert_curve(&t, 72, 3, bytes);
	end(&t);
}

static void what_is_close_is_one_point(void **state)
{
	static const uint64_t tracks[] = {71, 72};
	/* Fifty processes of 1 ms: half a core on average over 100 ms, and one that held 7 bytes at a time. */
	static const struct point cores[] = {{1 * S, 0, 0.5}, {1100 * MS, 0, 0}};
	static const struct point bytes[] = {{1 * S, 0, 7}, {1100 * MS, 0, 0}};
	struct gauges *gauges = gauges__new(NULL, tracks);
	struct curve_test t;

	(void)state;
	begin(&t);
	assert_non_null(gauges);
	for (uint64_t i = 0; i < 50; i++) {
		add(&t, gauges, GAUGE_CORES, 1 * S + 2 * i * MS, 1 * S + (2 * i + 1) * MS, 1000000000);
		add(&t, gauges, GAUGE_BYTES, 1 * S + 2 * i * MS, 1 * S + (2 * i + 1) * MS, 7);
	}
	timeline__advance(&t.timeline, UINT64_MAX);
	gauges__close(&t.timeline, gauges, 5 * S);
	assert_curve(&t, 71, 2, cores);
	assert_curve(&t, 72, 2, bytes);
	end(&t);
}

static void a_step_counts_in_its_run(void **state)
{
	static const uint64_t run_tracks[] = {71, 72}, step_tracks[] = {81, 82};
	static const struct point step_cores[] = {{1 * S, 0, 2}, {2 * S, 0, 0}};
	static const struct point run_cores[] = {{1 * S, 0, 3}, {2 * S, 0, 1}, {3 * S, 0, 0}};
	struct gauges *run = gauges__new(NULL, run_tracks), *step = run ? gauges__new(run, step_tracks) : NULL;
	struct curve_test t;

	(void)state;
	begin(&t);
	assert_non_null(step);
	add(&t, run, GAUGE_CORES, 1 * S, 3 * S, 1000000000);
	add(&t, step, GAUGE_CORES, 1 * S, 2 * S, 2000000000);
	gauges__close(&t.timeline, step, 2 * S); /* what is to come of it still comes */
	timeline__advance(&t.timeline, UINT64_MAX);
	gauges__close(&t.timeline, run, 3 * S);
	assert_curve(&t, 81, 2, step_cores);
	assert_curve(&t, 71, 3, run_cores);
	end(&t);
}

static void what_comes_too_late_counts_from_now(void **state)
{
	static const uint64_t tracks[] = {71, 72};
	static const struct point cores[] = {{1 * S, 0, 1}, {2 * S, 0, 0}, {3 * S, 0, 2}, {4 * S, 0, 0}};
	struct gauges *gauges = gauges__new(NULL, tracks);
	struct curve_test t;

	(void)state;
	begin(&t);
	assert_non_null(gauges);
	add(&t, gauges, GAUGE_CORES, 1 * S, 2 * S, 1000000000);
	timeline__advance(&t.timeline, 3 * S);
	add(&t, gauges, GAUGE_CORES, 1 * S, 4 * S, 2000000000);
	timeline__advance(&t.timeline, UINT64_MAX);
	gauges__close(&t.timeline, gauges, 4 * S);
	assert_curve(&t, 71, 4, cores);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_packed),	    cmocka_unit_test(messages_nest),
		cmocka_unit_test(sums_in_whatever_order),   cmocka_unit_test(what_is_close_is_one_point),
		cmocka_unit_test(a_step_counts_in_its_run), cmocka_unit_test(what_comes_too_late_counts_from_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
