/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people read them: "1.2 s", "4m 10s", "1.4 GiB", "12,345". */
#ifndef CORE_HUMAN_H
#define CORE_HUMAN_H

#include <stdint.h>

#define HUMAN_SIZE 32

/* Each writes to `out`, which holds HUMAN_SIZE bytes, and returns it. */
char *human__duration(char *out, uint64_t ns); /* at most 8 columns, up to 9999 days */
char *human__bytes(char *out, uint64_t bytes); /* at most 8 columns */
char *human__count(char *out, uint64_t count);

#endif
