/* SPDX-License-Identifier: BSD-2-Clause */
/* Chained hash table; doubles when there is more than one node a slot. */
#include "sinks/model/hash.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_SIZE 256

static int resize(struct hash *hash, size_t size)
{
	struct hash_node **slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < hash->size; i++) {
		struct hash_node *node = hash->slots[i], *next;

		for (; node; node = next) {
			next = node->next;
			node->next = slots[node->key & (size - 1)];
			slots[node->key & (size - 1)] = node;
		}
	}
	free(hash->slots);
	hash->slots = slots;
	hash->size = size;
	return 0;
}

int hash__add(struct hash *hash, struct hash_node *node, uint64_t key)
{
	size_t slot;

	/* A table that cannot grow gets slower, not wrong. */
	if (hash->count >= hash->size && resize(hash, hash->size ? hash->size * 2 : HASH_SIZE) && !hash->size)
		return -ENOMEM;
	slot = key & (hash->size - 1);
	node->key = key;
	node->next = hash->slots[slot];
	hash->slots[slot] = node;
	hash->count++;
	return 0;
}

void hash__remove(struct hash *hash, struct hash_node *node)
{
	struct hash_node **at;

	if (!hash->size)
		return;
	for (at = &hash->slots[node->key & (hash->size - 1)]; *at; at = &(*at)->next) {
		if (*at == node) {
			*at = node->next;
			hash->count--;
			return;
		}
	}
}

static struct hash_node *same_key(struct hash_node *node, uint64_t key)
{
	while (node && node->key != key)
		node = node->next;
	return node;
}

struct hash_node *hash__first(const struct hash *hash, uint64_t key)
{
	return hash->size ? same_key(hash->slots[key & (hash->size - 1)], key) : NULL;
}

struct hash_node *hash__next(const struct hash_node *node)
{
	return same_key(node->next, node->key);
}

struct hash_node **hash__sorted(const struct hash *hash, int (*compare)(const void *, const void *))
{
	struct hash_node **nodes = calloc(hash->count + 1, sizeof(struct hash_node *));
	size_t count = 0;

	if (!nodes)
		return NULL;
	for (size_t i = 0; i < hash->size; i++)
		for (struct hash_node *node = hash->slots[i]; node; node = node->next)
			nodes[count++] = node;
	qsort(nodes, count, sizeof(struct hash_node *), compare);
	return nodes;
}

void hash__free(struct hash *hash)
{
	free(hash->slots);
	*hash = (struct hash){0};
}

uint64_t hash__number(uint64_t seed, uint64_t number)
{
	uint64_t h = seed ^ number;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 27) * 0x94d049bb133111ebULL;
	return h ^ h >> 31;
}

uint64_t hash__bytes(uint64_t seed, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint64_t h = seed ^ 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * 0x100000001b3ULL;
	return hash__number(h, size);
}
