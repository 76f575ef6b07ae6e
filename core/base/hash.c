/* SPDX-License-Identifier: BSD-2-Clause */
/* Chained hash table; doubles when it has more nodes than slots. */
#include "core/base/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

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
	node->order = hash->added++;
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

struct hash_node *hash__any(const struct hash *hash, const struct hash_node *after)
{
	struct hash_node *node = after ? after->next : NULL;

	for (size_t i = after ? (after->key & (hash->size - 1)) + 1 : 0; !node && i < hash->size; i++)
		node = hash->slots[i];
	return node;
}

static int compare_nodes(const void *a, const void *b, void *compare)
{
	const struct hash_node *x = *(struct hash_node *const *)a, *y = *(struct hash_node *const *)b;
	int rc = compare ? (*(int (**)(const void *, const void *))compare)(a, b) : 0;

	return rc ? rc : (x->order > y->order) - (x->order < y->order);
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
	qsort_r(nodes, count, sizeof(struct hash_node *), compare_nodes, compare ? &compare : NULL);
	return nodes;
}

void hash__free(struct hash *hash)
{
	free(hash->slots);
	*hash = (struct hash){0};
}

void hash__free_all(struct hash *hash, size_t offset)
{
	for (size_t i = 0; i < hash->size; i++) {
		for (struct hash_node *node = hash->slots[i], *next; node; node = next) {
			next = node->next;
			free((char *)node - offset);
		}
	}
	hash__free(hash);
}

/* ---- keys ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t secret[2];

/* Early in boot getrandom() may not be ready: fall back to AT_RANDOM. */
static void draw_secret(void)
{
	if (getrandom(secret, sizeof(secret), GRND_NONBLOCK) != sizeof(secret))
		memcpy(secret, (const void *)getauxval(AT_RANDOM), sizeof(secret));
}

static uint64_t rotate(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
	v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint64_t hash__siphash(const uint64_t key[2], const void *data, size_t size)
{
	uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL, key[0] ^ 0x6c7967656e657261ULL,
			 key[1] ^ 0x7465646279746573ULL};
	uint64_t word, last = (uint64_t)size << 56;
	const uint8_t *bytes = data;

	for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sip_word(v, word);
	}
	while (size--)
		last |= (uint64_t)bytes[size] << 8 * size;
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t hash__bytes(uint64_t seed, const void *data, size_t size)
{
	pthread_once(&once, draw_secret);
	return hash__siphash((const uint64_t[]){secret[0] ^ seed, secret[1]}, data, size);
}

uint64_t hash__number(uint64_t seed, uint64_t number)
{
	pthread_once(&once, draw_secret);
	return hash__mix(hash__mix(seed ^ secret[0]) ^ number ^ secret[1]);
}
