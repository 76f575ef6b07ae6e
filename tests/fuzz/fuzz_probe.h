/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps that fuzz_probe.c takes, and that seeds.c writes. */
#ifndef TESTS_FUZZ_FUZZ_PROBE_H
#define TESTS_FUZZ_FUZZ_PROBE_H

#include <stdint.h>

enum fuzz_op {
	FUZZ_RAW,      /* an event, all of whose bytes are given */
	FUZZ_EXISTING, /* an existing process, whose files are those written so far */
	FUZZ_FILE,     /* a file of /proc/PID */
	FUZZ_EVENT,    /* this and all others: an event of a process of the run */
	FUZZ_SAMPLED,  /* the samples of a round were all */
	FUZZ_ANSWER,   /* of the keeper, to the oldest open question; process: an errno, if odd */
};

/* Followed by `given` bytes. The rest of what is `size` bytes long is made up, so that a short input makes a long part. */
struct fuzz_step {
	uint8_t op, process;
	uint16_t size, given;
};

#endif
