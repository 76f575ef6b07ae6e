/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: what a program waited for, by the system calls that its samples found it in. */
#include "tests/unit/model_seen.h"

struct found {
	char state;
	const char *syscall, *descriptor;
	const char *text; /* NULL: nothing */
};

/* What a program that lives for 10 s waited for, found so by one sample. */
static void expect(const struct found *found)
{
	struct seen *s = begin(NULL, ALL);
	const char *text;

	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/x", .args = "x|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = MS, .state = found->state, .syscall = found->syscall,
		    .descriptor = found->descriptor);
	END(.at = 11 * S, .pid = 10, .cpu = 2 * MS, .bytes = 1);
	assert_int_equal(s->rows_count, 1);
	text = s->waits[0][0] ? s->waits[0] : NULL;
	if (!found->text)
		assert_null(text);
	else
		assert_string_equal(text, found->text);
	end(s);
}

static void each_call_in_words(void **state)
{
	static const struct found found[] = {
		{'S', "read", "pipe", "input from a pipe"},
		{'S', "read", "fifo", "input from a FIFO"},
		{'S', "read", "tty", "input from a terminal"},
		{'S', "read", NULL, "input"},
		{'D', "read", "file", "a read of a file"},
		{'S', "writev", "pipe", "a pipe to be read: it is full"},
		{'S', "openat", NULL, "a FIFO to be opened at its other end"},
		{'D', "openat", NULL, "a file to be opened"},
		{'S', "flock", "file", "a file lock (flock)"},
		{'S', "fcntl", "file", "a file lock (fcntl)"},
		{'S', "futex", NULL, "a lock or condition of its threads (futex)"},
		{'S', "wait4", NULL, "a child"},
		{'T', NULL, NULL, "SIGCONT: it was stopped"},
		{'t', NULL, NULL, "its tracer"},
		{'S', "futex_requeue", NULL, "the system call futex_requeue"},
		{'S', "rea", NULL, "the system call rea"},
		{'S', " read", NULL, "the system call  read"},
		{'R', NULL, NULL, NULL},
		{'S', NULL, NULL, NULL},
		{'S', "a_name_that_no_call_of_any_kernel_has_at_all", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
		expect(&found[i]);
}

/* A sample holds until the next one; of each kind the times add up. */
static void the_longest_counts(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/x", .args = "x|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 1 * MS, .syscall = "flock", .descriptor = "file"); /* 4 s */
	CPU_SAMPLED(.at = 6 * S, .pid = 10, .cpu = 2 * MS, .syscall = "read", .descriptor = "pipe");  /* 5 s */
	CPU_SAMPLED(.at = 11 * S, .pid = 10, .cpu = 3 * MS, .state = 'R');
	CPU_SAMPLED(.at = 20 * S, .pid = 10, .cpu = 4 * MS, .syscall = "flock", .descriptor = "file"); /* 2 s */
	EXEC(.at = 22 * S, .pid = 10, .exe = "/bin/y", .args = "y|");
	EXEC(.at = 30 * S, .pid = 10, .exe = "/bin/z", .args = "z|");
	CPU_SAMPLED(.at = 31 * S, .pid = 10, .cpu = 5 * MS, .syscall = "flock", .descriptor = "file");
	END(.at = 32 * S, .pid = 10, .cpu = 9 * MS, .bytes = 1);
	assert_int_equal(s->rows_count, 3);
	assert_string_equal(s->waits[0], "input from a pipe");
	assert_string_equal(s->waits[1], ""); /* another program of the same process */
	assert_string_equal(s->waits[2], "a file lock (flock)");
	end(s);
}

/* A stop is none of the program's own waits. */
static void a_stop_comes_first(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	for (uint32_t pid = 10; pid < 12; pid++) {
		uint64_t timer = pid == 10 ? 9 * S : 30 * S;

		EXEC(.at = 1 * S, .pid = pid, .exe = "/bin/x", .args = "x|");
		CPU_SAMPLED(.at = 2 * S, .pid = pid, .cpu = 1 * MS, .state = 'T');
		CPU_SAMPLED(.at = 5 * S, .pid = pid, .cpu = 2 * MS, .syscall = "clock_nanosleep");
		END(.at = 5 * S + timer, .pid = pid, .cpu = 3 * MS, .bytes = 1);
	}
	assert_string_equal(s->waits[0], "SIGCONT: it was stopped");
	assert_string_equal(s->waits[1], "a timer");
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_in_words),
		cmocka_unit_test(the_longest_counts),
		cmocka_unit_test(a_stop_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
