/* SPDX-License-Identifier: BSD-2-Clause */
/* Human-readable numbers: "1.2 s", "4m 10s", "1.4 GiB", "12,345". */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <stdint.h>

#define FORMAT_SIZE 32

/* Each writes to `out`, a buffer of FORMAT_SIZE bytes, and returns it. */
char *format__duration(char *out, uint64_t ns); /* at most 8 columns, up to 9999 days */
char *format__bytes(char *out, uint64_t bytes); /* at most 8 columns */
char *format__count(char *out, uint64_t count);

#endif
