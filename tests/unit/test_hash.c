/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash table, and keys that differ from process to process. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base.h"

#define ITEMS 3000

struct item {
	struct hash_node node;
	uint32_t number, seen;
};

static int by_thousand(const void *a, const void *b)
{
	uint32_t x = (*(struct item *const *)a)->number / 1000, y = (*(struct item *const *)b)->number / 1000;

	return x > y ? -1 : x < y;
}

static struct item *find(const struct hash *hash, uint64_t key, uint32_t number)
{
	struct hash_node *node = hash__first(hash, key);

	while (node && ((struct item *)node)->number != number)
		node = hash__next(node);
	return (struct item *)node;
}

/* All keys are looked for in a table that grows; two items share each key. */
static void test_table(void **state)
{
	static struct item items[ITEMS];
	struct hash hash = {0};

	(void)state;
	assert_null(hash__first(&hash, 0));
	hash__remove(&hash, &items[0].node);
	for (uint32_t i = 0; i < ITEMS; i++) {
		items[i].number = i;
		assert_int_equal(hash__add(&hash, &items[i].node, hash__number(0, i / 2)), 0);
	}
	for (uint32_t i = 0; i < ITEMS; i += 3)
		hash__remove(&hash, &items[i].node);
	assert_int_equal(hash.count, ITEMS - ITEMS / 3);
	for (uint32_t i = 0; i < ITEMS; i++)
		assert_ptr_equal(find(&hash, hash__number(0, i / 2), i), i % 3 ? &items[i] : NULL);
	for (struct hash_node *node = hash__any(&hash, NULL); node; node = hash__any(&hash, node))
		((struct item *)node)->seen++;
	for (uint32_t i = 0; i < ITEMS; i++)
		assert_int_equal(items[i].seen, i % 3 != 0);
	hash__free(&hash);
	assert_null(hash__any(&hash, NULL));
	assert_int_equal(hash.count, 0);
}

/* Whatever the slots: by the order of being added, and equal ones too. */
static void test_sorted(void **state)
{
	static struct item items[ITEMS];
	struct hash hash = {0};
	struct hash_node **nodes;

	(void)state;
	for (uint32_t i = 0; i < ITEMS; i++) {
		items[i].number = i;
		assert_int_equal(hash__add(&hash, &items[i].node, hash__bytes(i, "key", 3)), 0);
	}
	nodes = hash__sorted(&hash, NULL);
	for (uint32_t i = 0; i < ITEMS; i++)
		assert_ptr_equal(nodes[i], &items[i].node);
	free(nodes);
	nodes = hash__sorted(&hash, by_thousand);
	for (uint32_t i = 0; i < ITEMS; i++)
		assert_ptr_equal(nodes[i], &items[(ITEMS / 1000 - 1 - i / 1000) * 1000 + i % 1000].node);
	free(nodes);
	hash__free(&hash);
}

/* SipHash-1-3 of the bytes 0, 1, 2... under the key 0, 1, 2... 15. */
static void test_siphash(void **state)
{
	static const struct {
		size_t size;
		uint64_t hash;
	} cases[] = {
		{0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},  {8, 0x369095118d299a8e},
		{15, 0xd320d86d2a519956}, {16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8},
	};
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t bytes[64];

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_true(hash__siphash(key, bytes, cases[i].size) == cases[i].hash);
}

/* Pairs of pid and start that had one key without a secret, all in one slot. */
static void test_no_collisions_by_design(void **state)
{
	uint64_t first = hash__number(1, 1 ^ 0x5eed);

	(void)state;
	for (uint64_t pid = 2; pid < 1000; pid++)
		assert_true(hash__number(pid, pid ^ 0x5eed) != first);
	assert_true(hash__bytes(0, "", 0) != hash__bytes(1, "", 0));
	assert_true(hash__bytes(0, "", 0) != hash__bytes(0, "\0", 1));
}

static void keys_of_another_process(uint64_t keys[2])
{
	FILE *other = popen("\"$HASH_TEST\" keys", "r");

	assert_non_null(other);
	assert_int_equal(fscanf(other, "%" SCNx64 " %" SCNx64, &keys[0], &keys[1]), 2);
	assert_int_equal(pclose(other), 0);
}

static void test_each_process_has_its_keys(void **state)
{
	uint64_t keys[2], again[2];

	(void)state;
	keys_of_another_process(keys);
	keys_of_another_process(again);
	for (int i = 0; i < 2; i++)
		assert_true(keys[i] != again[i]);
	assert_true(keys[0] != hash__bytes(0, "key", 3));
	assert_true(hash__bytes(0, "key", 3) == hash__bytes(0, "key", 3));
}

struct owner {
	int before;
	struct hash_node node;
};

/* A sanitizer sees what is left. */
static void owners_are_freed_with_the_table(void **state)
{
	struct hash hash = {0};

	(void)state;
	for (uint64_t i = 0; i < 100; i++) {
		struct owner *owner = calloc(1, sizeof(*owner));

		assert_non_null(owner);
		assert_int_equal(hash__add(&hash, &owner->node, hash__number(0, i % 10)), 0);
	}
	hash__free_all(&hash, offsetof(struct owner, node));
	assert_int_equal(hash.count, 0);
	assert_null(hash.slots);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_no_collisions_by_design),
		cmocka_unit_test(test_each_process_has_its_keys),
		cmocka_unit_test(owners_are_freed_with_the_table),
	};

	if (argc > 1)
		return printf("%" PRIx64 " %" PRIx64 "\n", hash__bytes(0, "key", 3), hash__number(0, 1)) < 0;
	setenv("HASH_TEST", argv[0], 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
