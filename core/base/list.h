/* SPDX-License-Identifier: BSD-2-Clause */
/* What --list prints: every plugin with its options, events, fields, units and hooks, from the tables that the
 * rest of the program uses. */
#ifndef CORE_BASE_LIST_H
#define CORE_BASE_LIST_H

#include <stdbool.h>
#include <stdio.h>

struct opt;
struct plugin_kind;

/* Calls `print` for every plugin of a kind in `dir`. One that cannot be loaded is logged; then returns
 * false. */
bool list__plugins(FILE *out, const struct plugin_kind *kind, const char *dir,
		   void (*print)(FILE *out, const void *table));

void list__option(FILE *out, const char *name, const char *type, const char *value, const char *help);
void list__options(FILE *out, const struct opt *opts); /* takes NULL */

#endif
