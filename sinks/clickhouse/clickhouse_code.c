/* SPDX-License-Identifier: BSD-2-Clause */
/* What ClickHouse's answers mean. Its own code says more than the status, which is 500 for most of them. */
#include <stdlib.h>
#include <string.h>

#include "sinks/clickhouse/clickhouse.h"

#define WHY_MAX 400

/* An error that is not here is tried again if its status is 500 or more: the next server's may be new. */
static const struct {
	int code;
	enum outbox_fate fate;
	const char *hint; /* for people */
} codes[] = {
	/* rows that it cannot read, or whose columns have other types */
	{6, OUTBOX_HALVE, NULL},   /* CANNOT_PARSE_TEXT */
	{25, OUTBOX_HALVE, NULL},  /* CANNOT_PARSE_ESCAPE_SEQUENCE */
	{26, OUTBOX_HALVE, NULL},  /* CANNOT_PARSE_QUOTED_STRING */
	{27, OUTBOX_HALVE, NULL},  /* CANNOT_PARSE_INPUT_ASSERTION_FAILED */
	{38, OUTBOX_HALVE, NULL},  /* CANNOT_PARSE_DATE */
	{41, OUTBOX_HALVE, NULL},  /* CANNOT_PARSE_DATETIME */
	{53, OUTBOX_HALVE, NULL},  /* TYPE_MISMATCH */
	{69, OUTBOX_HALVE, NULL},  /* ARGUMENT_OUT_OF_BOUND */
	{70, OUTBOX_HALVE, NULL},  /* CANNOT_CONVERT_TYPE */
	{72, OUTBOX_HALVE, NULL},  /* CANNOT_PARSE_NUMBER */
	{117, OUTBOX_HALVE, NULL}, /* INCORRECT_DATA */
	{128, OUTBOX_HALVE, NULL}, /* TOO_LARGE_ARRAY_SIZE */
	{131, OUTBOX_HALVE, NULL}, /* TOO_LARGE_STRING_SIZE */
	{349, OUTBOX_HALVE, NULL}, /* CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN */
	{469, OUTBOX_HALVE, NULL}, /* VIOLATED_CONSTRAINT */
	/* what a person has to change */
	{16, OUTBOX_SLOWLY, "the table lacks a column, which create=true adds"}, /* NO_SUCH_COLUMN_IN_TABLE */
	{50, OUTBOX_SLOWLY, "legacy=true is for old servers"},			 /* UNKNOWN_TYPE */
	{60, OUTBOX_SLOWLY, "create=true makes tables, or load tables.sql"},	 /* UNKNOWN_TABLE */
	{62, OUTBOX_SLOWLY, "legacy=true is for old servers"},			 /* SYNTAX_ERROR */
	{81, OUTBOX_SLOWLY, "create=true makes the database"},			 /* UNKNOWN_DATABASE */
	{115, OUTBOX_SLOWLY, "legacy=true is for old servers"},			 /* UNKNOWN_SETTING */
	{164, OUTBOX_SLOWLY, NULL},						 /* READONLY */
	{192, OUTBOX_SLOWLY, NULL},						 /* UNKNOWN_USER */
	{193, OUTBOX_SLOWLY, NULL},						 /* WRONG_PASSWORD */
	{194, OUTBOX_SLOWLY, NULL},						 /* REQUIRED_PASSWORD */
	{195, OUTBOX_SLOWLY, NULL},						 /* IP_ADDRESS_NOT_ALLOWED */
	{291, OUTBOX_SLOWLY, NULL},						 /* DATABASE_ACCESS_DENIED */
	{497, OUTBOX_SLOWLY, "create=false if the tables are there"},		 /* ACCESS_DENIED */
	{516, OUTBOX_SLOWLY, NULL},						 /* AUTHENTICATION_FAILED */
	/* what passes; statuses of some servers say otherwise */
	{159, OUTBOX_AGAIN, NULL}, /* TIMEOUT_EXCEEDED */
	{201, OUTBOX_AGAIN, NULL}, /* QUOTA_EXCEEDED */
	{202, OUTBOX_AGAIN, NULL}, /* TOO_MANY_SIMULTANEOUS_QUERIES */
	{209, OUTBOX_AGAIN, NULL}, /* SOCKET_TIMEOUT */
	{210, OUTBOX_AGAIN, NULL}, /* NETWORK_ERROR */
	{225, OUTBOX_AGAIN, NULL}, /* NO_ZOOKEEPER */
	{241, OUTBOX_AGAIN, NULL}, /* MEMORY_LIMIT_EXCEEDED */
	{242, OUTBOX_AGAIN, NULL}, /* TABLE_IS_READ_ONLY */
	{243, OUTBOX_AGAIN, NULL}, /* NOT_ENOUGH_SPACE */
	{252, OUTBOX_AGAIN, NULL}, /* TOO_MANY_PARTS */
	{285, OUTBOX_AGAIN, NULL}, /* TOO_FEW_LIVE_REPLICAS */
	{319, OUTBOX_AGAIN, NULL}, /* UNKNOWN_STATUS_OF_INSERT */
};

/* The index in the table; -1: none. *code: 0 if there is none. */
static int find(const char *bytes, size_t size, int *code)
{
	static const char begin[] = "Code: ";
	char digits[8] = "";
	size_t length = sizeof(begin) - 1;

	*code = 0;
	if (size <= length || memcmp(bytes, begin, length) != 0)
		return -1;
	size -= length;
	memcpy(digits, bytes + length, size < sizeof(digits) - 1 ? size : sizeof(digits) - 1);
	*code = atoi(digits);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == *code)
			return (int)i;
	return -1;
}

/* A column that a row has and the table has not: no row would be taken. */
static bool is_unknown_field(int code, const char *bytes, size_t size)
{
	static const char unknown[] = "Unknown field";

	return code == 117 && memmem(bytes, size, unknown, sizeof(unknown) - 1);
}

enum outbox_fate clickhouse_code__fate(unsigned target, long status, const void *bytes, size_t size,
				       enum outbox_fate fate)
{
	int code, i = find(bytes, size, &code);

	if (i >= 0)
		fate = codes[i].fate;
	else if (status >= 500)
		fate = OUTBOX_AGAIN;
	if (is_unknown_field(code, bytes, size))
		fate = OUTBOX_SLOWLY;
	/* without its table no row is taken */
	return target == TARGET_STATEMENTS && (fate == OUTBOX_HALVE || fate == OUTBOX_REFUSED) ? OUTBOX_SLOWLY : fate;
}

uint64_t clickhouse_code__why(unsigned target, long status, const void *bytes, size_t size, struct text *why)
{
	const char *text = bytes, *end = size ? memchr(text, '\n', size) : NULL;
	int code, i = find(bytes, size, &code);
	size_t length = end ? (size_t)(end - text) : size;

	(void)target;
	if (!size || (status == 200 && !code))
		return 0;
	text__put(why, text, length < WHY_MAX ? length : WHY_MAX);
	if (is_unknown_field(code, bytes, size))
		i = find("Code: 16", 8, &code);
	if (i >= 0 && codes[i].hint)
		text__printf(why, " (%s)", codes[i].hint);
	return 0;
}
