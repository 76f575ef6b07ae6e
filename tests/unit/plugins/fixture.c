/* SPDX-License-Identifier: BSD-2-Clause */
/* A plugin as test_plugin.c needs it, good or broken by -D. The test compiles it while it runs. */
#include <stdint.h>

#ifndef ABI
#define ABI 3
#endif
#ifndef SIZE
#define SIZE sizeof(struct table)
#endif
#ifndef NAME
#define NAME "good"
#endif
#ifndef SYMBOL
#define SYMBOL collector_test
#endif

/* One member longer than what the test's core knows: a plugin built by newer headers. */
struct table {
	uint32_t abi, size;
	const char *name;
	uint64_t first, second, unknown_to_core;
};

static const struct table table = {ABI, SIZE, NAME, 11, 22, 33};

#ifdef UNRESOLVED
extern int missing_function(void);
int call(void);

int call(void)
{
	return missing_function();
}
#endif

#ifdef AT_LOAD
#include <stdlib.h>
#include <unistd.h>

static __attribute__((constructor)) void at_load(void)
{
	AT_LOAD;
}
#endif

#ifdef IS_NULL
extern const struct table *const SYMBOL;
const struct table *const SYMBOL = 0;
#else
extern const struct table *const SYMBOL;
const struct table *const SYMBOL = &table;
#endif
