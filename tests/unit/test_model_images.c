/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: programs that an exec replaced, and memory that processes share. */
#include "tests/unit/model_seen.h"

#define MIB (1ULL << 20)

/* As the probes report them: before the exec that they are about. */
static void replace(uint64_t at, uint32_t pid, const char *exe, uint64_t cpu, uint64_t chars, uint64_t bytes)
{
	MEM_REPLACED(.at = at, .pid = pid, .bytes = bytes / 2, .peak = bytes);
	CPU_REPLACED(.at = at + 1, .pid = pid, .cpu = cpu);
	IO_REPLACED(.at = at + 2, .pid = pid, .chars = chars);
	EXEC(.at = at + 3, .pid = pid, .exe = exe, .args = "small|");
}

static void a_replaced_program_has_its_own_figures(void **state)
{
	struct seen *s = begin(NULL, 0);
	const struct model_row *first = &s->rows[0].row, *second = &s->rows[1].row;

	(void)state;
	made__own_io(&s->made);
	for (int i = 0; i < STREAMS; i++)
		assert_int_equal(model__stream(s->model, &s->made.info[i]), 0);
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/launcher", .args = "launcher|");
	replace(4 * S, 10, "/bin/small", 300 * MS, 1000, 300 * MIB);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(first->cpu_ns, 300 * MS);
	assert_int_equal(first->cpu_partial, 0);
	assert_int_equal(first->io[MODEL_IO_READ_CHARS], 1000);
	assert_int_equal(first->io_partial, 0);
	assert_int_equal(first->peak_rss_bytes, 300 * MIB);
	EXIT(.at = 5 * S, .pid = 10);
	MEM_LAST(.at = 5 * S, .pid = 10, .bytes = 2 * MIB);
	CPU_CLOSED(.at = 5 * S + 1, .pid = 10, .cpu = 310 * MS);
	IO_CLOSED(.at = 5 * S + 1, .pid = 10, .chars = 1500);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(second->cpu_ns, 10 * MS);
	assert_int_equal(second->io[MODEL_IO_READ_CHARS], 500);
	assert_int_equal(second->peak_rss_bytes, 2 * MIB);
	end(s);
}

/* Only one of the streams has images: the others' figures are as before. */
static void a_stream_without_images_says_so(void **state)
{
	struct seen *s = begin(NULL, ALL);
	const struct model_row *first = &s->rows[0].row;

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/launcher", .args = "launcher|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 100 * MS);
	EXEC(.at = 4 * S, .pid = 10, .exe = "/bin/small", .args = "small|");
	assert_int_equal(first->cpu_ns, 100 * MS);
	assert_int_equal(first->cpu_partial, MODEL_REASON_REPLACED);
	assert_int_equal(why_of(first->peak_rss_bytes), MODEL_REASON_REPLACED);
	end(s);
}

/* What a fork inherited is its parent's; what it grew by before its exec is its own. */
static void growth_of_a_fork_counts(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/big", .args = "big|");
	for (uint32_t pid = 11; pid < 13; pid++)
		FORK(.at = 2 * S, .pid = pid, .parent = 10, .comm = "big");
	MEM_REPLACED(.at = 3 * S, .pid = 11, .bytes = 460 * MIB, .inherited = 400 * MIB);
	EXEC(.at = 3 * S + 1, .pid = 11, .exe = "/bin/true", .args = "true|");
	END(.at = 4 * S, .pid = 11, .cpu = 1, .bytes = 2 * MIB);
	EXEC(.at = 4 * S, .pid = 12, .exe = "/bin/true", .args = "true|");
	/* Not an image of its own: nothing is known of a fork that did not inherit. */
	END(.at = 5 * S, .pid = 12, .cpu = 1, .bytes = 2 * MIB);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->rows[0].row.pid, 11);
	assert_int_equal(s->rows[0].row.peak_rss_bytes, 60 * MIB);
	assert_int_equal(s->rows[1].row.peak_rss_bytes, 2 * MIB);
	end(s);
}

/* An exec may still fail when the kernel has announced it: the process is killed. */
static void an_exec_that_failed_late(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	MEM_REPLACED(.at = 2 * S, .pid = 10, .bytes = 50 * MIB);
	END(.at = 2 * S, .pid = 10, .cpu = 1, .bytes = 1 * MIB, .signal = 11);
	assert_int_equal(s->rows_count, 1);
	assert_int_equal(s->rows[0].row.peak_rss_bytes, 50 * MIB);
	end(s);
}

static const struct model_run *run_of(const struct seen *s)
{
	return model__run(s->model, 0);
}

/* Memory of files and shared memory may be the same in all processes. */
static void shared_memory_counts_once_at_least(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	for (uint32_t pid = 10; pid < 19; pid++) {
		EXEC(.at = 1 * S, .pid = pid, .exe = "/bin/a", .args = "a|");
		MEM_SAMPLED(.at = 2 * S + pid, .pid = pid, .bytes = 207 * MIB, .shmem = 200 * MIB);
	}
	END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 207 * MIB);
	assert_int_equal(run_of(s)->rss_peak_bytes, 9 * 207 * MIB);
	assert_int_equal(run_of(s)->rss_lower_bytes, 202 * MIB + 9 * 5 * MIB);
	end(s);
}

/* Eight forks of a process of 200 MiB, on which each has copied 10 pages. */
static void forks_share_what_they_inherited(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	s->made.info[LIFECYCLE].machine = "x86_64";
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 202 * MIB);
	for (uint32_t pid = 11; pid < 19; pid++) {
		FORK(.at = 2 * S, .pid = pid, .parent = 10, .comm = "a");
		MEM_SAMPLED(.at = 2 * S + pid, .pid = pid, .bytes = 202 * MIB, .inherited = 202 * MIB, .faults = 10);
	}
	MEM_SAMPLED(.at = 4 * S, .pid = 10, .bytes = 202 * MIB);
	assert_int_equal(run_of(s)->rss_lower_bytes, 202 * MIB);
	/* the parent may hold other pages by now; each fork has its files, which the others may have too */
	assert_int_equal(run_of(s)->rss_peak_bytes, 202 * MIB + 200 * MIB + 8 * (2 * MIB + 10 * 4096));
	/* All end: what is left is the parent's. */
	for (uint32_t pid = 11; pid < 19; pid++)
		END(.at = 5 * S, .pid = pid, .cpu = 1, .bytes = 202 * MIB);
	MEM_SAMPLED(.at = 6 * S, .pid = 10, .bytes = 900 * MIB);
	END(.at = 7 * S, .pid = 10, .cpu = 1, .bytes = 900 * MIB);
	assert_int_equal(run_of(s)->rss_peak_bytes, 900 * MIB);
	assert_int_equal(run_of(s)->rss_lower_bytes, 900 * MIB);
	end(s);
}

/* The parent ends first; a fork that executes a program is no longer one of them. */
static void forks_outlive_their_parent(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	s->made.info[LIFECYCLE].machine = "x86_64";
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/a", .args = "a|");
	for (uint32_t pid = 11; pid < 13; pid++) {
		FORK(.at = 2 * S, .pid = pid, .parent = 10, .comm = "a");
		MEM_SAMPLED(.at = 2 * S + pid, .pid = pid, .bytes = 102 * MIB, .inherited = 102 * MIB, .faults = 1);
	}
	END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 102 * MIB);
	MEM_SAMPLED(.at = 4 * S, .pid = 11, .bytes = 112 * MIB, .inherited = 102 * MIB, .faults = 3000);
	assert_int_equal(run_of(s)->rss_peak_bytes, 100 * MIB + 2 * (2 * MIB + 4096));
	EXEC(.at = 5 * S, .pid = 11, .exe = "/bin/b", .args = "b|");
	MEM_SAMPLED(.at = 6 * S, .pid = 11, .bytes = 3 * MIB);
	MEM_SAMPLED(.at = 8 * S, .pid = 12, .bytes = 102 * MIB, .inherited = 102 * MIB, .faults = 1);
	END(.at = 9 * S, .pid = 12, .cpu = 1, .bytes = 102 * MIB);
	MEM_SAMPLED(.at = 10 * S, .pid = 11, .bytes = 300 * MIB);
	END(.at = 11 * S, .pid = 11, .cpu = 1, .bytes = 3 * MIB);
	assert_int_equal(run_of(s)->rss_peak_bytes, 300 * MIB);
	end(s);
}

/* NULL: none. */
static void assert_clients(const struct seen *s, size_t i, const char *clients)
{
	struct text text = {0};

	model_run__clients(model__run(s->model, 0), &text);
	if (strcmp(text.data ? text.data : "", clients ? clients : "") != 0)
		fail_msg("case %zu: %s", i, text.data ? text.data : "");
	text__free(&text);
}

/* A script that is called like a client executes something else, or the client. */
static void a_client_that_executes_another_program(void **state)
{
	static const struct {
		const char *first, *args, *second, *second_args, *clients;
	} cases[] = {
		{"/w/ssh", "bash|/w/ssh|host|a|", "/bin/bash", "bash|-c|local a|", NULL},
		{"/w/ssh", "bash|/w/ssh|host|a|", "/usr/bin/ssh", "ssh|host|a|", "ssh"},
		{"/usr/bin/ssh", "ssh|host|a|", NULL, NULL, "ssh"},
		{"/usr/bin/docker", "docker|run|a|", "/usr/bin/podman", "podman|run|a|", "podman"},
		{"/usr/bin/bazel", "bazel|build|x|", "/usr/bin/bazel-real", "bazel-real|build|x|", "bazel"},
		{"/usr/bin/flux", "flux|run|x|", "/usr/bin/python3", "python3|/lib/flux-run.py|x|", "flux"},
		{"/usr/bin/at", "at|now|", "/usr/bin/atlas", "atlas|", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		program(1 * S, 10, 0, "sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 11, .exe = cases[i].first, .args = cases[i].args);
		if (cases[i].second)
			EXEC(.at = 3 * S, .pid = 11, .exe = cases[i].second, .args = cases[i].second_args);
		assert_clients(s, i, cases[i].clients);
		end(s);
	}
}

/* Of a client nothing is missing whose server is a part of the run, or that has reached none. */
static void a_client_whose_server_is_known(void **state)
{
	static const struct {
		const char *exe, *args, *server, *server_args;
		int code;
		const char *clients;
	} cases[] = {
		{"/usr/bin/ssh", "ssh|host|a|", "/usr/sbin/sshd", "sshd|-D|-p|2222|-R|", 0, NULL},
		{"/usr/bin/ssh", "ssh|host|a|", "/usr/sbin/sshd", "sshd|-D|-p|2222|", 0, "ssh"}, /* for others */
		{"/usr/bin/ssh", "ssh|host|a|", NULL, NULL, 255, NULL},
		{"/usr/bin/ssh", "ssh|host|a|", NULL, NULL, 4, "ssh"},
		{"/usr/bin/docker", "docker|run|a|", NULL, NULL, 125, NULL},
		{"/usr/bin/docker", "docker|run|a|", NULL, NULL, 1, "docker"},
		{"/usr/bin/at", "at|now|", "/usr/sbin/atd", "atd|-f|", 0, NULL},
		{"/usr/bin/at", "at|now|", NULL, NULL, 0, "at"},
		{"/usr/bin/screen", "screen|-D|-m|sort|", NULL, NULL, 0, NULL},
		{"/usr/bin/screen", "screen|-S|x|-X|stuff|y|", NULL, NULL, 0, "screen"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		program(1 * S, 10, 0, "sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 11, .exe = cases[i].exe, .args = cases[i].args);
		if (cases[i].server) {
			FORK(.at = 3 * S, .pid = 12, .parent = 10, .comm = "sh");
			EXEC(.at = 3 * S, .pid = 12, .exe = cases[i].server, .args = cases[i].server_args);
		}
		END(.at = 4 * S, .pid = 11, .parent = 10, .code = cases[i].code, .cpu = 1, .bytes = 1);
		assert_clients(s, i, cases[i].clients);
		end(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_that_executes_another_program),
		cmocka_unit_test(a_client_whose_server_is_known),
		cmocka_unit_test(a_replaced_program_has_its_own_figures),
		cmocka_unit_test(a_stream_without_images_says_so),
		cmocka_unit_test(growth_of_a_fork_counts),
		cmocka_unit_test(an_exec_that_failed_late),
		cmocka_unit_test(shared_memory_counts_once_at_least),
		cmocka_unit_test(forks_share_what_they_inherited),
		cmocka_unit_test(forks_outlive_their_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
