/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads libduckdb. */
#include "core/query/duckdb_calls.h"

#include "core/base/base.h"

#define LIBRARY "libduckdb.so"

struct duckdb_calls duckdb_calls;

int duckdb_calls__load(struct error *err)
{
	static const char *const names[] = {
#define CALL(name) "duckdb_" #name,
		DUCKDB_CALLS(CALL)
#undef CALL
	};

	_Static_assert(sizeof(duckdb_calls) == sizeof(names), "a pointer for each name");
	return library__load(LIBRARY, names, sizeof(names) / sizeof(*names), (void **)&duckdb_calls, err);
}
