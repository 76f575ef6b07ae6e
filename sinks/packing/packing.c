/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of records as msgpack: each type as its own. */
#include "sinks/packing/packing.h"

#include "core/pack.h"

static int pack_items(struct buffer *out, const struct value *value, const uint8_t *end, packing_text put_text)
{
	uint64_t strings = (uint64_t)value->length << (value->type == VALUE_MAP);
	const uint8_t *cursor = value->items;
	const char *string;
	uint32_t length;
	int err;

	err = value->type == VALUE_MAP ? pack_map(out, value->length) : pack_array(out, value->length);
	for (; strings && !err; strings--)
		err = value__item(&cursor, end, &string, &length) ? put_text(out, string, length) : -1;
	return err;
}

int packing__value(struct buffer *out, const struct value *value, const uint8_t *end, packing_text put_text)
{
	switch (value->type) {
	case VALUE_NULL:
		return pack_nil(out);
	case VALUE_BOOL:
		return value->boolean ? pack_true(out) : pack_false(out);
	case VALUE_UINT:
		return pack_uint64(out, value->u);
	case VALUE_INT:
		return pack_int64(out, value->i);
	case VALUE_STRING:
		return put_text(out, value->string, value->length);
	case VALUE_LIST:
	case VALUE_MAP:
		return pack_items(out, value, end, put_text);
	}
	return -1;
}
