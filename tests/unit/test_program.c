/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/program: how a command is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sinks/program/program.h"

struct called {
	const char *exe, *args; /* arguments separated by "|" */
	const char *name;
};

static const struct called cases[] = {
	{"/usr/bin/true", "true", "true"},
	{"./run.sh", "/bin/sh|./run.sh", "run.sh"},
	{"tool", "other", "tool"},
	/* renamed images keep their path's name */
	{"/opt/bin/tool-1.2", "tool", "tool-1.2"},
	/* executed by a descriptor, or again by itself */
	{"/dev/fd/4", "my-tool|--in-memory", "my-tool"},
	{"/dev/fd/4", "/opt/stage2", "stage2"},
	{"/dev/fd/4", "", "4"},
	{"/proc/self/fd/5", "my-tool", "my-tool"},
	{"/proc/4711/fd/5", "my-tool", "my-tool"},
	{"/proc/self/exe", "ls|-l", "ls"},
	{"/proc/self/exe", "-sh", "exe"},
	{"/proc/self/executable", "x", "executable"},
	{"/dev/fdisk", "x", "fdisk"},
	/* many commands in one program */
	{"/bin/busybox", "ls|-l", "ls"},
	{"/bin/busybox", "busybox|ls|-l", "ls"},
	{"/bin/busybox", "/bin/busybox|sh|-c|true", "sh"},
	{"/bin/busybox", "busybox", "busybox"},
	{"/bin/busybox", "busybox|--list", "busybox"},
	{"/usr/bin/coreutils", "/usr/bin/sort|-u", "sort"},
	{"/bin/ls", "ls", "ls"},
};

static void what_a_command_is_called(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct model_command command = {
			.exe = {.data = cases[i].exe, .length = (uint32_t)strlen(cases[i].exe)}};
		char args[64];
		size_t length = strlen(cases[i].args);

		memcpy(args, cases[i].args, length + 1);
		for (char *at = args; (at = strchr(at, '|'));)
			*at++ = '\0';
		command.args = (struct model_list){.data = args, .length = length ? (uint32_t)length + 1 : 0};
		assert_string_equal(model_command__name(&command, "comm"), cases[i].name);
	}
	assert_string_equal(model_command__name(NULL, "comm"), "comm");
}

static void a_timeout_is_reached_or_not(void **state)
{
	static const struct {
		const char *args; /* separated by "|" */
		uint64_t wall_ms;
		bool reached;
	} timeouts[] = {
		{"timeout|30|x", 2, false},
		{"timeout|30|x", 29999, true},
		{"timeout|0.5|x|9", 499, true},
		{"timeout|0.5|x|9", 400, false},
		{"timeout|2m|x", 119000, true},
		{"timeout|2m|x", 100000, false},
		{"timeout|1h|x", 100000, false},
		{"timeout|1d|x", 100000, false},
		{"timeout|-s|KILL|-k|1|30|x", 2000, false},
		{"timeout|-k5|-s9|30|x", 5000, false},
		{"timeout|-vk|1|--foreground|30|x", 2000, false},
		{"timeout|--kill-after=1|--sig|9|30|x", 9000, false},
		{"timeout|--preserve-status|--|30|x", 9000, false},
		{"timeout|1e3|x", 2, true}, /* not known */
		{"timeout|30x|x", 2, true},
		{"timeout", 2, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(timeouts) / sizeof(*timeouts); i++) {
		char args[128];
		struct model_command command = {.args = {.data = args}};

		strcpy(args, timeouts[i].args);
		command.args.length = (uint32_t)strlen(args) + 1;
		for (char *at = args; (at = strchr(at, '|')); at++)
			*at = '\0';
		if (model_command__timed_out(&command, timeouts[i].wall_ms * 1000000) != timeouts[i].reached)
			fail_msg("%s", timeouts[i].args);
	}
	assert_true(model_command__timed_out(NULL, EVENT_NULL(EVENT_REASON_NONE)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_command_is_called),
		cmocka_unit_test(a_timeout_is_reached_or_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
