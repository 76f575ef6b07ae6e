/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables of the page as data: members of structs as columns. */
#ifndef SINKS_REPORT_COLUMNS_H
#define SINKS_REPORT_COLUMNS_H

#include "sinks/report/data.h"
#include "sinks/report/report.h"

/* MEMBER_TEXT: a struct intern_string *, also as void *. */
enum member_type { MEMBER_U8, MEMBER_U32, MEMBER_U64, MEMBER_TEXT };

struct column {
	const char *name; /* NULL ends the table */
	enum data_kind kind;
	enum member_type type;
	size_t offset;
};

#define MEMBER_TYPE(lvalue) \
	_Generic((lvalue), uint8_t                    \
		 : MEMBER_U8, uint32_t                \
		 : MEMBER_U32, uint64_t               \
		 : MEMBER_U64, struct intern_string * \
		 : MEMBER_TEXT, void *                \
		 : MEMBER_TEXT)
#define COLUMN(s, member)                                                                 \
	{                                                                                 \
#member, DATA_NUMBERS, MEMBER_TYPE(((s *)0)->member), offsetof(s, member) \
	}
#define COLUMN_AS(s, member, name)                                                     \
	{                                                                              \
		name, DATA_NUMBERS, MEMBER_TYPE(((s *)0)->member), offsetof(s, member) \
	}
#define COLUMN_DELTAS(s, member)                                                         \
	{                                                                                \
#member, DATA_DELTAS, MEMBER_TYPE(((s *)0)->member), offsetof(s, member) \
	}

/* Writes an array of structs as columns "table.name". */
void columns__array(struct data *data, const char *table, const struct column *columns, const void *items, size_t size,
		    size_t count);

/* ---- facts.c ---- */

struct facts;

/* The tables of runs, missing figures and losses. NULL: out of memory. */
struct facts *facts__new(struct report *report);
void facts__write(const struct facts *facts, struct data *data);
void facts__free(struct facts *facts); /* takes NULL */

/* ---- verdict_list.c ---- */

struct verdicts_shown {
	struct verdict_shown *items; /* freed by the caller */
	size_t count;
	uint64_t muted, left; /* not shown: muted by the configuration, too many */
};

/* Those that the summary has too. 0 or -ENOMEM. */
int verdicts_shown__gather(struct report *report, struct verdicts_shown *shown);
void verdicts_shown__write(const struct verdicts_shown *shown, struct data *data);

#endif
