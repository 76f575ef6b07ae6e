/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table of nodes that live inside their owners' structs. It owns only its slots. */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint64_t key;	/* hash of the owner's identity */
	uint64_t order; /* of insertion */
};

struct hash {
	struct hash_node **slots;
	size_t size; /* of slots: 0 or a power of two */
	size_t count;
	uint64_t added; /* nodes so far */
};

/* 0, or -ENOMEM and the node was not added. Does not check for duplicates. */
int hash__add(struct hash *hash, struct hash_node *node, uint64_t key);
void hash__remove(struct hash *hash, struct hash_node *node);

/* Walks the nodes of one key; the caller compares the full keys. */
struct hash_node *hash__first(const struct hash *hash, uint64_t key);
struct hash_node *hash__next(const struct hash_node *node);

/* Walks all nodes, in no order: the first one after NULL; NULL after the last. Meanwhile none is added or removed. */
struct hash_node *hash__any(const struct hash *hash, const struct hash_node *after);

/* All nodes in an array of hash->count, sorted by `compare`, which may be NULL; equal ones in order of
 * insertion. The caller frees it. NULL: out of memory. */
struct hash_node **hash__sorted(const struct hash *hash, int (*compare)(const void *, const void *));

void hash__free(struct hash *hash); /* the slots; nodes are their owners' */

/* Frees the owners too, each allocated as a whole with its node at `offset`. */
void hash__free_all(struct hash *hash, size_t offset);

/* Keys of untrusted input. SipHash-1-3 with a per-process secret prevents deliberate collisions; keys and slot
 * order therefore differ from run to run and must not show in output. */
uint64_t hash__bytes(uint64_t seed, const void *data, size_t size);
uint64_t hash__number(uint64_t seed, uint64_t number);
uint64_t hash__siphash(const uint64_t key[2], const void *data, size_t size); /* the algorithm of hash__bytes() */

/* Mixes the bits of a number; the same in every process. */
static inline uint64_t hash__mix(uint64_t h)
{
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9ULL;
	h = (h ^ h >> 27) * 0x94d049bb133111ebULL;
	return h ^ h >> 31;
}

#endif
