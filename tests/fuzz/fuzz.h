/* SPDX-License-Identifier: BSD-2-Clause */
/* What every fuzz target is. tests/fuzz/run builds it with libFuzzer, and seeds.c and seeds_sinks.c, which write a corpus to
 * start from; standalone.c in the fuzzer's place replays files. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stays in builds with NDEBUG, and says what was expected. */
#define EXPECT(what)                                                                       \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                           \
		}                                                                          \
	} while (0)

#endif
