/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings that many rows share. */
#include "sinks/report/intern.h"

#include <stdlib.h>
#include <string.h>

struct intern_string *intern__get(struct intern *intern, const void *data, size_t length)
{
	uint64_t key = hash__bytes(0, data, length);
	struct hash_node *node = hash__first(&intern->strings, key);
	struct intern_string *string;

	for (; node; node = hash__next(node)) {
		string = intern_string__of(node);
		if (string->length == length && !memcmp(string->data, data, length)) {
			string->refs++;
			return string;
		}
	}
	string = calloc(1, sizeof(*string) + length + 1);
	if (!string)
		return NULL;
	string->refs = 1;
	string->length = (uint32_t)length;
	if (length)
		memcpy(string->data, data, length);
	if (hash__add(&intern->strings, &string->node, key)) {
		free(string);
		return NULL;
	}
	intern->bytes += length;
	return string;
}

void intern__put(struct intern *intern, struct intern_string *string)
{
	if (!string || --string->refs)
		return;
	hash__remove(&intern->strings, &string->node);
	intern->bytes -= string->length;
	free(string);
}

void intern__free(struct intern *intern)
{
	hash__free_all(&intern->strings, offsetof(struct intern_string, node));
}
