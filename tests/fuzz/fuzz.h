/* SPDX-License-Identifier: BSD-2-Clause */
/* What every fuzz target is. Built with a fuzzer,
 *
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -DPACKAGE_VERSION='"fuzz"' -I. \
 *		tests/fuzz/fuzz_stream.c core/{cursor,record,record_read,sink,stream_*}.c -lz -o fuzz_stream
 *
 * or with standalone.c in the place of `fuzzer`. seeds.c writes a corpus to start from. */
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
