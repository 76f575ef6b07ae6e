/* SPDX-License-Identifier: BSD-2-Clause */
/* A record as one JSON object, for any reader of the contract in EVENTS. It knows no event by name. A string that is not UTF-8
 * is {"base64": "..."}; as a key, "base64:...". */
#ifndef SINKS_ROWS_JSON_ROW_H
#define SINKS_ROWS_JSON_ROW_H

#include "core/sink.h"

/* For sink_rows__new(). */
int json_row__render(struct buffer *out, const char *name, const struct value *value);

/* Appends the record, without a newline. 0, -ENOMEM or -EBADMSG. */
int json_row__put(struct sink_rows *rows, const struct record *record, struct buffer *out);

#endif
