/* SPDX-License-Identifier: BSD-2-Clause */
/* Packing into a buffer, for records, headers and merged output.
 *
 * This is msgpack-c's own template, as its pack.h uses it, but with the append inlined instead of called
 * through a pointer: a record costs half as much. It gives pack_uint64(buffer, number), pack_nil(buffer),
 * pack_array(buffer, count)...: 0, or -1 when memory is short. */
#ifndef CORE_PACK_H
#define CORE_PACK_H

#include <string.h>

#include <msgpack/pack_define.h>
#include <msgpack/timestamp.h>

#include "core/record.h"
#include "core/text.h"

#define msgpack_pack_inline_func(name) static inline int pack##name
#define msgpack_pack_inline_func_cint(name) static inline int pack##name
#define msgpack_pack_inline_func_fixint(name) static inline int pack_fix##name
#define msgpack_pack_user struct buffer *
#define msgpack_pack_append_buffer(out, bytes, size) return buffer__append(out, bytes, size)
#define msgpack_pack_ext pack_ext /* its timestamps call this one by its full name */
#include <msgpack/pack_template.h>
#undef msgpack_pack_ext

/* A string as str, whatever its bytes are. */
static inline int pack__str(struct buffer *out, const char *text, size_t length)
{
	return pack_str(out, length) || pack_str_body(out, text, length);
}

/* A string of any bytes: str if it is UTF-8, else bin: every msgpack library reads both. */
static inline int pack__text(struct buffer *out, const char *text, size_t length)
{
	if (utf8__valid(text, length))
		return pack__str(out, text, length);
	return pack_bin(out, length) || pack_bin_body(out, text, length);
}

/* The elements that every record begins with. */
static inline int record_head__pack(struct buffer *out, unsigned kind, uint64_t seq, const struct event *head)
{
	return pack_uint32(out, kind) || pack_uint64(out, head->ts) || pack_uint64(out, seq) ||
	       pack_uint32(out, head->pid) || pack_uint64(out, head->start) || pack_uint32(out, head->tid) ||
	       pack_uint16(out, head->cpu) || pack_uint32(out, head->run);
}

#endif
