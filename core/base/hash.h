/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table of nodes that live inside their owners' structs. It owns nothing but its slots. */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint64_t key;	/* hash of what names the owner */
	uint64_t order; /* of being added */
};

struct hash {
	struct hash_node **slots;
	size_t size; /* of slots: 0 or a power of two */
	size_t count;
	uint64_t added; /* nodes, ever */
};

/* 0 or -ENOMEM, and then the node was not added. Does not look for duplicates. */
int hash__add(struct hash *hash, struct hash_node *node, uint64_t key);
void hash__remove(struct hash *hash, struct hash_node *node);

/* Walks the nodes of one key; the caller compares what the key stands for. */
struct hash_node *hash__first(const struct hash *hash, uint64_t key);
struct hash_node *hash__next(const struct hash_node *node);

/* All nodes in an array of hash->count, sorted as by qsort(), equal ones and all without a `compare` in the order of
 * being added; the caller frees it. NULL: out of memory. */
struct hash_node **hash__sorted(const struct hash *hash, int (*compare)(const void *, const void *));

void hash__free(struct hash *hash); /* the slots; nodes are their owners' */

/* Frees the owners too, each allocated as a whole with its node at `offset`. */
void hash__free_all(struct hash *hash, size_t offset);

/* Keys, from input that may be made to collide: a secret of the process is in them (SipHash-1-3), which makes the
 * order of slots and the keys themselves differ from run to run: neither may be seen in output. */
uint64_t hash__bytes(uint64_t seed, const void *data, size_t size);
uint64_t hash__number(uint64_t seed, uint64_t number);
uint64_t hash__siphash(const uint64_t key[2], const void *data, size_t size); /* what is below hash__bytes() */

/* Mixes the bits of a number, in all processes alike. */
static inline uint64_t hash__mix(uint64_t h)
{
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 27) * 0x94d049bb133111ebULL;
	return h ^ h >> 31;
}

#endif
