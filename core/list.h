/* SPDX-License-Identifier: BSD-2-Clause */
/* What --list prints: every plugin with its options, events, fields, units and hooks, from the same tables
 * that everything else reads. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdio.h>

struct probe;
struct sink;

void list__probe(FILE *out, const struct probe *probe);
void list__sink(FILE *out, const struct sink *sink);

#endif
