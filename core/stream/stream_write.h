/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes to a stream's file. Not installed. */
#ifndef CORE_STREAM_STREAM_WRITE_H
#define CORE_STREAM_STREAM_WRITE_H

#include <stddef.h>
#include <stdint.h>

const char *stream_write__cause(int err); /* as a `lost` record has it */

/* All or nothing: a partial write is truncated. 0 or -errno. */
int stream_write__at(int fd, uint64_t offset, const uint8_t *bytes, size_t size);

#endif
