/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files that options name: secrets, keys, certificates. */
#ifndef SINKS_OUTBOX_OPTION_FILE_H
#define SINKS_OUTBOX_OPTION_FILE_H

#include "core/error.h"
#include "core/sink.h"

/* Reads the file that the option names, which is one of the sink's `reads`; nothing if `value` is NULL or empty. `line`: its
 * first line, as a string. 0, or -errno with a sentence. */
int option_file__read(const struct sink_api *api, const char *option, const char *value, bool line, struct buffer *out,
		      struct error *err);
void option_file__forget(struct buffer *secret); /* overwrites and frees it */

#endif
