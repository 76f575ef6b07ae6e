/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads whatever bytes as rules of steps, and holds them against themselves as a program. They are refused, with
 * a reason; or every name that they make has an end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps_rule.h"
#include "tests/fuzz/fuzz.h"

/* The bytes as arguments, ended by a NUL each, and as all else. */
static void match(const struct steps *steps, const uint8_t *data, size_t size)
{
	char *bytes = calloc(1, size + 1), tool[STEPS_NAME_MAX];
	struct steps_matcher *matcher = steps_matcher__new(steps);
	struct model_command command = {.exe = {bytes, (uint32_t)strnlen((const char *)data, size), 0},
					.cwd = {bytes, (uint32_t)strnlen((const char *)data, size), 0},
					.args = {bytes, (uint32_t)size + 1, 1, 0},
					.env = {bytes, (uint32_t)size + 1, 1, 0}};
	struct steps_program program = {.command = &command, .parent = &command, .comm = "comm"};
	enum steps_exit below;

	EXPECT(bytes && matcher);
	memcpy(bytes, data, size);
	for (size_t i = 0; (i = steps_matcher__next(matcher, &program, i)) < steps->count; i++) {
		/* a rule about the engine's own processes begins no step */
		EXPECT(*steps_matcher__step(matcher) || steps_matcher__engine(matcher));
		EXPECT(strlen(steps_matcher__step(matcher)) < STEPS_NAME_MAX);
		EXPECT(strlen(steps_matcher__id(matcher)) < STEPS_NAME_MAX);
	}
	for (uint32_t status = 1; status < 256; status += size % 64 + 1)
		EXPECT(steps_matcher__exit(matcher, &program, status) <= STEPS_MUTED);
	below = steps_matcher__below(matcher, &program);
	EXPECT(below == STEPS_FAILURE || below == STEPS_ANSWER || below == STEPS_TESTS || below == STEPS_IGNORED);
	steps_tool__name(&command, "comm", tool);
	EXPECT(strlen(tool) < STEPS_NAME_MAX);
	steps_matcher__free(matcher);
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct steps *steps = calloc(1, sizeof(*steps));
	struct error err = {0};
	int rc;

	EXPECT(steps);
	rc = steps__read(steps, "fuzz", "fuzz.yaml", data ? (const void *)data : "", size, &err);
	EXPECT(rc ? rc == -EINVAL && *err.text : !*err.text);
	if (data)
		match(steps, data, size);
	steps__free(steps);
	return 0;
}
