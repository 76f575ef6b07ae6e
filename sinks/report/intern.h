/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings that many rows share: each kept once, while it is referred to. */
#ifndef SINKS_REPORT_INTERN_H
#define SINKS_REPORT_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/base.h"

struct intern_string {
	struct hash_node node;
	uint32_t refs, length;
	uint32_t number; /* for the user, once all are known */
	char data[];	 /* any bytes, ended by a NUL that length does not count */
};

struct intern {
	struct hash strings;
	size_t bytes; /* of all strings */
};

/* A new reference. NULL: out of memory. */
struct intern_string *intern__get(struct intern *intern, const void *data, size_t length);
void intern__put(struct intern *intern, struct intern_string *string); /* takes NULL */

static inline struct intern_string *intern_string__of(struct hash_node *node)
{
	return (struct intern_string *)((char *)node - offsetof(struct intern_string, node));
}

void intern__free(struct intern *intern); /* including strings still referred to */

#endif
