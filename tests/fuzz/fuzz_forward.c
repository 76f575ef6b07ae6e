/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server of the Forward protocol sends: any bytes. What is found lies within them, and is the same however they come: all
 * together, or with a part missing. */
#include <errno.h>
#include <string.h>

#include "sinks/forward/forward_answer.c"
#include "tests/fuzz/fuzz.h"

static const uint8_t *begin, *end;

static void check(struct forward_bytes bytes)
{
	const uint8_t *at = (const uint8_t *)bytes.bytes;

	EXPECT(!bytes.bytes || (at >= begin && at + bytes.size <= end));
	EXPECT(bytes.bytes || !bytes.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct forward_answer answer, cut;
	uint8_t *exact; /* so that a byte too far is seen */
	int rc;

	size = size > FORWARD_ANSWER_MAX ? FORWARD_ANSWER_MAX : size;
	exact = malloc(size ? size : 1);
	EXPECT(exact);
	memcpy(exact, data, size);
	begin = exact;
	end = exact + size;
	rc = forward_answer__parse(exact, size, &answer);
	EXPECT(rc == -EBADMSG || (rc >= 0 && (size_t)rc <= size));
	EXPECT(rc || size < FORWARD_ANSWER_MAX);
	check(answer.ack);
	check(answer.nonce);
	check(answer.salt);
	check(answer.reason);
	check(answer.hostname);
	check(answer.digest);
	if (rc > 0) {
		EXPECT(forward_answer__parse(exact, (size_t)rc, &cut) == rc && cut.kind == answer.kind);
		EXPECT(!forward_answer__parse(exact, (size_t)rc - 1, &cut));
	}
	free(exact);
	return 0;
}
