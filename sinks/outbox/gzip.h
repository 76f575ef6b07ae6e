/* SPDX-License-Identifier: BSD-2-Clause */
/* Compresses what is sent. */
#ifndef SINKS_OUTBOX_GZIP_H
#define SINKS_OUTBOX_GZIP_H

#include "core/buffer.h"

/* Replaces what is in `out`. 0 or -ENOMEM. */
int gzip__pack(struct buffer *out, const struct buffer *bytes);

#endif
