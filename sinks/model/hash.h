/* SPDX-License-Identifier: BSD-2-Clause */
/* A hash table of nodes that live inside their owners' structs. It owns nothing but its slots. */
#ifndef SINKS_MODEL_HASH_H
#define SINKS_MODEL_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint64_t key; /* hash of what names the owner */
};

struct hash {
	struct hash_node **slots;
	size_t size; /* of slots: 0 or a power of two */
	size_t count;
};

/* 0 or -ENOMEM, and then the node was not added. Does not look for a node that is there already. */
int hash__add(struct hash *hash, struct hash_node *node, uint64_t key);
void hash__remove(struct hash *hash, struct hash_node *node);

/* Walks the nodes of one key; the caller compares what the key stands for. */
struct hash_node *hash__first(const struct hash *hash, uint64_t key);
struct hash_node *hash__next(const struct hash_node *node);

/* All nodes in an array of hash->count, sorted as qsort() would; the caller frees it. NULL: out of memory. */
struct hash_node **hash__sorted(const struct hash *hash, int (*compare)(const void *, const void *));

void hash__free(struct hash *hash); /* the slots; nodes are their owners' */

uint64_t hash__bytes(uint64_t seed, const void *data, size_t size);
uint64_t hash__number(uint64_t seed, uint64_t number);

#endif
