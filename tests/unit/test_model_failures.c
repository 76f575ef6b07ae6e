/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/model: what a failure is, who passes it on, and who hides it. */
#include "tests/unit/model_seen.h"

static void ends_are_judged(void **state)
{
	static const struct {
		const char *exe;
		int status;
		bool oom;
		enum model_outcome outcome;
		bool benign;
	} cases[] = {
		{"/bin/a", 0, false, MODEL_OK, false},
		{"/bin/a", 1, false, MODEL_FAILED, false},
		{"/bin/a", 255, false, MODEL_FAILED, false},
		{"/bin/a", -9, false, MODEL_KILLED, false},
		{"/bin/a", -9, true, MODEL_OOM, false},
		{"/bin/a", -1011, false, MODEL_KILLED, false},
		{"/bin/a", -13, false, MODEL_OK, true},
		{"/usr/bin/grep", 1, false, MODEL_OK, true},
		{"/usr/bin/grep", 2, false, MODEL_FAILED, false},
		{"/usr/bin/[", 1, false, MODEL_OK, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);

		EXEC(.at = 1 * S, .pid = 9, .exe = "/bin/sh", .args = "sh|");
		FORK(.at = 1 * S, .pid = 10, .parent = 9, .comm = "sh");
		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = "a|");
		if (cases[i].oom)
			OOM_KILL(.at = 2 * S, .pid = 10, .bytes = 1);
		END(.at = 2 * S, .pid = 10, STATUS(cases[i].status), .cpu = 1, .bytes = 1);
		assert_int_equal(s->rows_count, 1);
		assert_int_equal(s->rows[0].row.outcome, cases[i].outcome);
		assert_int_equal(s->rows[0].row.benign, cases[i].benign);
		assert_int_equal(s->rows[0].row.core_dumped, cases[i].status < -1000);
		if (cases[i].status < 0) {
			assert_int_equal(s->rows[0].row.signal, -cases[i].status % 1000);
			assert_string_equal(s->rows[0].row.signal_name, made__signal(-cases[i].status % 1000));
		}
		end(s);
	}
}

/* 10 is a shell that has started 11, kill(1), and 12, which is ended; 13 is a fork of 12. */
static void what_an_ancestor_ended_is_no_failure(void **state)
{
	static const struct {
		uint32_t by, pid;
		int status; /* negative: the signal that ended it */
		const char *comm;
		enum model_relation is;
		bool benign;
		const char *how;
	} cases[] = {
		{10, 12, -15, "sh", MODEL_RELATION_PARENT, true, "sent by its parent sh (pid 10)"},
		{10, 12, -9, "sh", MODEL_RELATION_PARENT, true, "sent by its parent sh (pid 10)"},
		{10, 12, -11, "sh", MODEL_RELATION_PARENT, false, "sent by its parent sh (pid 10)"},
		{10, 13, -15, "sh", MODEL_RELATION_ANCESTOR, true, "sent by sh (pid 10), above it"},
		{11, 12, -15, "kill", MODEL_RELATION_HELPER, true, "sent by kill (pid 11)"},
		{11, 13, -15, "kill", MODEL_RELATION_HELPER, true, "sent by kill (pid 11)"},
		{13, 12, -15, "tool", MODEL_RELATION_RUN, false, "sent by tool (pid 13)"},
		{12, 12, -9, "tool", MODEL_RELATION_ITSELF, false, "sent by itself"},
		{9, 12, -9, "bash", MODEL_RELATION_OUTSIDE, false, "sent by bash (pid 9), outside of the run"},
		{10, 12, -15, "slurmstepd", MODEL_RELATION_PARENT, false,
		 "sent by its parent slurmstepd (pid 10): limit of time or memory of the Slurm job, or scancel"},
		{9, 12, -15, "earlyoom", MODEL_RELATION_OUTSIDE, false,
		 "sent by earlyoom (pid 9), outside of the run: limit of memory"},
		{10, 12, 1, "sh", MODEL_RELATION_PARENT, true, "asked to end: sent by its parent sh (pid 10)"},
		{11, 13, 1, "kill", MODEL_RELATION_HELPER, true, "asked to end: sent by kill (pid 11)"},
		{11, 12, 127, "kill", MODEL_RELATION_HELPER, true,
		 "as where a shared library, or a command, is missing"},
		{13, 12, 1, "tool", MODEL_RELATION_RUN, false, "asked to end: sent by tool (pid 13)"},
		{9, 12, 143, "bash", MODEL_RELATION_OUTSIDE, false,
		 "asked to end: sent by bash (pid 9), outside of the run"},
		{10, 12, 1, "slurmstepd", MODEL_RELATION_PARENT, false,
		 "asked to end: sent by its parent slurmstepd (pid 10): limit of time or memory of the Slurm job, or scancel"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		struct text text = {0};

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
		EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/kill", .args = "kill|12|");
		FORK(.at = 3 * S, .pid = 12, .parent = 10, .comm = "sh");
		EXEC(.at = 3 * S, .pid = 12, .exe = "/bin/tool", .args = "tool|");
		FORK(.at = 4 * S, .pid = 13, .parent = 12, .comm = "tool");
		END(.at = 5 * S, .pid = cases[i].pid, STATUS(cases[i].status), .sent_by = cases[i].by,
		    .comm = cases[i].comm, .cpu = 1, .bytes = 1);
		assert_int_equal(s->rows_count, 1);
		assert_int_equal(s->rows[0].row.sender_is, cases[i].is);
		assert_int_equal(s->rows[0].row.benign, cases[i].benign);
		assert_int_equal(s->rows[0].row.outcome, cases[i].benign       ? MODEL_OK
							 : cases[i].status < 0 ? MODEL_KILLED
									       : MODEL_FAILED);
		model_row__how(&s->rows[0].row, &text);
		assert_string_equal(text.data, cases[i].how);
		text__free(&text);
		assert_int_equal(model__finish(s->model), 0);
		end(s);
	}
}

/* raise() in a handler of gzip, of Python's faulthandler; kill -SEGV $$; abort() */
static void a_signal_that_its_handler_raised_again(void **state)
{
	static const struct {
		int signal;
		const char *code, *how;
	} cases[] = {
		{13, "SI_TKILL", "its reader had closed the pipe"},
		{13, "SI_USER", "sent by itself"},
		{11, "SI_TKILL", "sent by itself, as a handler that has caught a crash does"},
		{11, "SI_USER", "sent by itself"},
		{6, "SI_TKILL", "sent by itself"},
		{15, "SI_TKILL", "sent by itself"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		struct text text = {0};

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/tool", .args = "tool|");
		END(.at = 2 * S, .pid = 10, .signal = cases[i].signal, .sent_by = 10, .comm = "tool",
		    .signal_code = cases[i].code, .cpu = 1, .bytes = 1);
		model_row__how(&s->rows[0].row, &text);
		assert_string_equal(text.data, cases[i].how);
		text__free(&text);
		end(s);
	}
}

/* The command kill(1) is gone, with all of its accounts, when what it killed gets to its end. */
static void a_sender_may_be_gone_before(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|");
	FORK(.at = 2 * S, .pid = 12, .parent = 10, .comm = "sh");
	EXEC(.at = 2 * S, .pid = 12, .exe = "/bin/tool", .args = "tool|");
	FORK(.at = 3 * S, .pid = 11, .parent = 10, .comm = "sh");
	EXEC(.at = 3 * S, .pid = 11, .exe = "/bin/kill", .args = "kill|12|");
	END(.at = 4 * S, .pid = 11, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 1);
	END(.at = 5 * S, .pid = 12, .signal = 15, .sent_by = 11, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->rows[1].row.sender_is, MODEL_RELATION_HELPER);
	assert_true(s->rows[1].row.benign);
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	end(s);
}

static void ends_in_words(void **state)
{
	static const struct {
		const char *exe, *sender, *code;
		int status;
		const char *how;
	} cases[] = {
		{"/bin/a", NULL, NULL, 0, NULL},
		{"/bin/a", NULL, NULL, 1, NULL},
		{"/bin/a", NULL, NULL, -9, NULL},
		{"/bin/a", "kernel", "SEGV_MAPERR", -11, "an access to memory that it did not have"},
		{"/bin/a", "kernel", "SI_USER", -13, "its reader had closed the pipe"},
		{"/bin/a", "kernel", "SI_KERNEL", -24, "CPU time limit (ulimit -t)"},
		{"/bin/a", "kernel", "SI_USER", -25, "file size limit (ulimit -f)"},
		{"/bin/a", "kernel", "SYS_SECCOMP", -31, "a system call that seccomp forbids"},
		{"/bin/a", "kernel", "BUS_ADRERR", -7, "memory of a mapped file that was cut, or a full tmpfs"},
		{"/bin/a", "kernel", "SI_KERNEL", -2, "Ctrl-C at its terminal"},
		{"/bin/a", "timer", "SI_KERNEL", -14, "sent by a timer of its own"},
		{"/bin/a", "memory_limit", "SI_KERNEL", -9,
		 "by the kernel's OOM killer: its cgroup was at its memory limit"},
		{"/bin/a", "kernel", "ILL_ILLOPN", -4,
		 "an instruction that this CPU does not have, or a trap of the program itself"},
		{"/bin/a", "kernel", "ILL_BADSTK", -4, "sent by the kernel"},
		{"/bin/a", "kernel", "SI_KERNEL", 1, "asked to end: Ctrl-C at its terminal"},
		{"/bin/a", "timer", "SI_TIMER", 1, "asked to end: sent by a timer of its own"},
		{"/usr/bin/timeout", NULL, NULL, 124, "timed out"},
		{"/bin/a", NULL, NULL, 124, NULL},
		{"/bin/bash", NULL, NULL, 127, "command not found"},
		{"/bin/a", NULL, NULL, 127, "as where a shared library, or a command, is missing"},
		{"/bin/bash", NULL, NULL, 126, "found, but could not be executed"},
		{"/bin/a", NULL, NULL, 126, NULL},
		{"/bin/bash", NULL, NULL, 137, "the status of a process ended by SIGKILL"},
		{"/bin/bash", NULL, NULL, 139, "the status of a process ended by SIGSEGV"},
		{"/bin/bash", NULL, NULL, 141,
		 "the status of a process ended by SIGPIPE: the reader had closed the pipe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		struct text text = {0};

		EXEC(.at = 1 * S, .pid = 10, .exe = cases[i].exe, .args = "a|");
		END(.at = 2 * S, .pid = 10, STATUS(cases[i].status), .sender = cases[i].sender,
		    .signal_code = cases[i].code, .cpu = 1, .bytes = 1);
		model_row__how(&s->rows[0].row, &text);
		if (cases[i].how)
			assert_string_equal(text.data ? text.data : "nothing", cases[i].how);
		else
			assert_null(text.data);
		text__free(&text);
		end(s);
	}
}

/* It ran for a second. */
static void a_timeout_that_passed_on_the_status_of_its_command(void **state)
{
	static const struct {
		const char *args, *how;
	} cases[] = {
		{"timeout|1|./x124.sh|", "timed out"},
		{"timeout|30|./x124.sh|", "its command's own status, before the time was up"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		struct text text = {0};

		EXEC(.at = 1 * S, .pid = 10, .exe = "/usr/bin/timeout", .args = cases[i].args);
		END(.at = 2 * S, .pid = 10, .code = 124, .cpu = 1, .bytes = 1);
		model_row__how(&s->rows[0].row, &text);
		assert_string_equal(text.data, cases[i].how);
		text__free(&text);
		end(s);
	}
}

static void a_tool_that_could_not_be_executed_is_named(void **state)
{
	static const struct {
		const char *exe;
		int error, code;
		const char *how;
	} cases[] = {
		{"/usr/bin/samtoolz", ENOENT, 127, "command not found: samtoolz (ENOENT)"},
		{"/usr/bin/x.sh", EACCES, 126, "not executable: x.sh (EACCES)"},
		{"/usr/bin/x.sh", EACCES, 127, "not executable: x.sh (EACCES)"},
		{"/bin/true", E2BIG, 126, "argument list too long: true (E2BIG)"},
		{"/bin/true", E2BIG, 127, "argument list too long: true (E2BIG)"},
		{"/opt/tools", EISDIR, 126, "is a directory: tools (EISDIR)"},
		{"/opt/tools", ELOOP, 126, "found, but could not be executed: tools (ELOOP)"},
		{"/usr/bin/samtoolz", ENOENT, 1, "not executed: samtoolz (ENOENT)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct seen *s = begin(NULL, ALL);
		struct text text = {0};

		EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/xargs", .args = "xargs|");
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "xargs");
		EXEC_FAILED(.at = 3 * S, .pid = 11, .exe = cases[i].exe, .error = cases[i].error);
		END(.at = 4 * S, .pid = 11, .code = cases[i].code, .cpu = 1, .bytes = 1);
		assert_string_equal(s->rows[0].tried, cases[i].exe);
		model_row__how(&s->rows[0].row, &text);
		assert_string_equal(text.data, cases[i].how);
		text__free(&text);
		END(.at = 5 * S, .pid = 10, .cpu = 1, .bytes = 1);
		end(s);
	}
}

static void the_oom_killers_choice_names_its_limit_and_the_largest_others(void **state)
{
	static const uint64_t held[] = {2, 7, 3, 5, 0}; /* MiB, of pids 11 to 15 */
	struct seen *s = begin(NULL, ALL);
	struct text text = {0};

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/sh", .args = "sh|", .cgroup = "/x");
	EXEC(.at = 1 * S, .pid = 9, .exe = "/bin/ended", .args = "ended|", .cgroup = "/x");
	/* of another cgroup, of one with a longer name, and of one below it */
	for (uint32_t i = 0; i < 3; i++) {
		static const char *const cgroups[] = {"/y", "/xy", "/x/below"};

		EXEC(.at = 1 * S, .pid = 16 + i, .exe = "/bin/holder", .args = "holder|", .cgroup = cgroups[i]);
		MEM_SAMPLED(.at = 2 * S, .pid = 16 + i, .bytes = (40 - 12 * i) << 20);
	}
	MEM_SAMPLED(.at = 2 * S, .pid = 9, .bytes = 99 << 20);
	END(.at = 3 * S, .pid = 9, .cpu = 1, .bytes = 99 << 20);
	for (uint32_t i = 0; i < 5; i++) {
		FORK(.at = 3 * S, .pid = 11 + i, .parent = 10, .comm = "worker");
		if (held[i])
			MEM_SAMPLED(.at = 4 * S, .pid = 11 + i, .bytes = held[i] << 20);
	}
	OOM_KILL(.at = 5 * S, .pid = 12, .bytes = 8 << 20, .cgroup = "/x");
	MEM_SAMPLED(.at = 6 * S, .pid = 15, .bytes = 90 << 20);
	END(.at = 6 * S, .pid = 12, .signal = 9, .cpu = 1, .bytes = 8 << 20);
	model_oom__limit(s->oom, &text);
	text__printf(&text, "; ");
	model_oom__others(s->oom, &text);
	assert_string_equal(text.data,
			    "limit 9.0 MiB, usage 9.0 MiB, its own 8.0 MiB, cgroup /x; holder 16 MiB (pid 18), "
			    "worker 5.0 MiB (pid 14), worker 3.0 MiB (pid 13)");
	text__free(&text);
	end(s);
}

static void a_subshell_passes_on_what_its_child_said(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "bash");
	EXEC(.at = 3 * S, .pid = 12, .exe = "/bin/grep", .args = "grep|x|");
	END(.at = 4 * S, .pid = 12, .code = 1, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
	FORK(.at = 6 * S, .pid = 13, .parent = 10, .comm = "bash");
	EXEC(.at = 6 * S, .pid = 13, .exe = "/bin/tool", .args = "tool|");
	END(.at = 7 * S, .pid = 13, .signal = 9, .cpu = 1, .bytes = 1);
	END(.at = 8 * S, .pid = 10, .code = 137, .cpu = 1, .bytes = 1);

	assert_int_equal(s->rows_count, 4);
	assert_true(s->rows[1].row.benign); /* the subshell around grep */
	assert_int_equal(s->rows[2].row.outcome, MODEL_KILLED);
	assert_false(s->rows[2].row.propagated);
	assert_int_equal(s->rows[3].row.outcome, MODEL_FAILED);
	assert_true(s->rows[3].row.propagated);
	assert_int_equal(s->hidden_count, 0);
	end(s);
}

static void a_subshell_that_ran_no_program_asks(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	END(.at = 3 * S, .pid = 11, .code = 1, .cpu = 1, .bytes = 1);
	FORK(.at = 4 * S, .pid = 12, .parent = 10, .comm = "bash");
	END(.at = 5 * S, .pid = 12, .code = 2, .cpu = 1, .bytes = 1); /* more than no */
	FORK(.at = 6 * S, .pid = 13, .parent = 10, .comm = "bash");
	FORK(.at = 7 * S, .pid = 14, .parent = 13, .comm = "bash");
	EXEC(.at = 7 * S, .pid = 14, .exe = "/bin/tool", .args = "tool|");
	END(.at = 8 * S, .pid = 14, .cpu = 1, .bytes = 1);
	END(.at = 9 * S, .pid = 13, .code = 1, .cpu = 1, .bytes = 1); /* after a program's work */
	EXEC(.at = 10 * S, .pid = 20, .parent = 10, .exe = "/bin/python3", .args = "python3|");
	FORK(.at = 11 * S, .pid = 21, .parent = 20, .comm = "python3");
	END(.at = 12 * S, .pid = 21, .code = 1, .cpu = 1, .bytes = 1); /* a worker */
	END(.at = 13 * S, .pid = 20, .cpu = 1, .bytes = 1);
	END(.at = 14 * S, .pid = 10, .cpu = 1, .bytes = 1);

	assert_true(s->rows[0].row.benign && s->rows[0].row.outcome == MODEL_OK);
	for (size_t i = 0; i < s->hidden_count; i++)
		assert_int_not_equal(s->hidden[i].pid, 11);
	assert_int_equal(s->hidden_count, 3);
	end(s);
}

/* 10 -> 11 -> 12: the tool fails, each ancestor ends with the given code. */
static struct seen *nested(int inner, int outer)
{
	struct seen *s = begin(NULL, ALL);

	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 2 * S, .pid = 11, .exe = "/bin/sh", .args = "sh|");
	FORK(.at = 3 * S, .pid = 12, .parent = 11, .comm = "sh");
	EXEC(.at = 3 * S, .pid = 12, .exe = "/bin/tool", .args = "tool|");
	END(.at = 4 * S, .pid = 12, .code = 7, .cpu = 1, .bytes = 1);
	END(.at = 5 * S, .pid = 11, STATUS(inner), .cpu = 1, .bytes = 1);
	END(.at = 6 * S, .pid = 10, STATUS(outer), .cpu = 1, .bytes = 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows_count, 3);
	assert_int_equal(s->model->failures_count, 0);
	return s;
}

static void a_row_knows_what_could_not_be_executed(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC_FAILED(.at = 3 * S, .pid = 11, .exe = "/bin/no_such", .error = ENOENT);
	EXEC_FAILED(.at = 3 * S, .pid = 99, .start = 2 * S, .exe = "/bin/no_such", .error = ENOENT);
	END(.at = 4 * S, .pid = 11, .code = 127, .cpu = 1, .bytes = 1);
	EXEC_FAILED(.at = 5 * S, .pid = 10, .exe = "/bin/c", .error = EACCES);
	EXEC(.at = 5 * S, .pid = 10, .exe = "/bin/d", .args = "d|");
	END(.at = 6 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->rows_count, 3);
	assert_string_equal(s->rows[0].row.tried_error, "ENOENT");
	assert_string_equal(s->rows[0].tried, "/bin/no_such");
	assert_null(s->rows[2].row.tried);
	end(s);
}

/* What a fork has tried, and whether it stays the reason of its end. */
static const struct {
	const char *args; /* of what was forked */
	int error;
	bool forks;
	uint64_t later; /* ms from the exec that failed to the end */
	int code;
	const char *error_left, *words; /* error_left: NULL: nothing was tried */
} tries[] = {
	{"bash|", ENOENT, false, 1, 127, "ENOENT",
	 "command not found: check (ENOENT: the file, or the interpreter of its first line)"},
	{"bash|", EACCES, false, 1, 126, "EACCES", "not executable: check (EACCES)"},
	{"make|", ENOENT, false, 5000, 127, "ENOENT",
	 "command not found: check (ENOENT: the file, or the interpreter of its first line)"},
	{"python3|", ENOENT, false, 1, 255, "ENOENT",
	 "not executed: check (ENOENT: the file, or the interpreter of its first line)"},
	{"python3|", ENOEXEC, false, 1, 255, "ENOEXEC", "not executed: check (ENOEXEC)"},
	{"bash|", ENOEXEC, false, 1, 126, "ENOEXEC", "not executable: wrong format: check (ENOEXEC)"},
	{"bash|", ENOEXEC, false, 1, 3, "", NULL}, /* a script without a #! line */
	{"bash|", ENOEXEC, true, 5000, 3, "", NULL},
	{"bash|", ENOEXEC, true, 5000, 126, "", "found, but could not be executed"},
	{"perl|", ENOENT, true, 1, 1, NULL, NULL},
	{"perl|", ENOENT, true, 1, 127, NULL, "command not found"},
	{"perl|", ENOENT, false, 1001, 1, NULL, NULL},
	{"perl|", ENOEXEC, false, 1001, 1, NULL, NULL},
};

static void what_goes_on_after_an_exec_that_failed_ends_by_something_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		struct seen *s = begin(NULL, ALL);
		struct text words = {0};
		const struct model_row *row;
		size_t at = tries[i].forks;

		program(1 * S, 10, 0, tries[i].args);
		FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "x");
		EXEC_FAILED(.at = 2 * S, .pid = 11, .exe = "./check", .args = "./check|in|", .error = tries[i].error);
		if (tries[i].forks) {
			program(2 * S, 12, 11, "wc|");
			END(.at = 2 * S + MS, .pid = 12, .cpu = 1, .bytes = 1);
		}
		END(.at = 2 * S + tries[i].later * MS, .pid = 11, .code = tries[i].code, .cpu = 1, .bytes = 1);
		assert_int_equal(s->rows_count, at + 1);
		row = &s->rows[at].row;
		model_row__how(row, &words);
		if (strcmp(row->tried_error, tries[i].error_left ? tries[i].error_left : "") ||
		    strcmp(s->rows[at].tried, tries[i].error_left ? "./check" : "") ||
		    strcmp(words.data ? words.data : "", tries[i].words ? tries[i].words : ""))
			fail_msg("case %zu: %s %s: %s", i, s->rows[at].tried, row->tried_error,
				 words.data ? words.data : "");
		text__free(&words);
		end(s);
	}
}

static void hidden_is_what_an_ancestor_swallowed(void **state)
{
	struct seen *s = nested(0, 5);

	(void)state;
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].pid, 12);
	assert_int_equal(s->hidden[0].by, 11);
	end(s);

	s = nested(7, 0);
	assert_int_equal(s->hidden_count, 2);
	assert_int_equal(s->hidden[0].pid, 12);
	assert_int_equal(s->hidden[0].by, 10);
	assert_int_equal(s->hidden[1].pid, 11);
	end(s);

	s = nested(7, 7);
	assert_int_equal(s->hidden_count, 0);
	end(s);
}

/* bash -c 'tool; cat' executes what is last in its own process, and hides what failed before by what that exits with. */
static void what_hides_it_is_what_was_there(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/unshare", .args = "unshare|");
	EXEC(.at = 2 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 3 * S, .pid = 11, .parent = 10, .comm = "bash");
	EXEC(.at = 3 * S, .pid = 11, .exe = "/bin/tool", .args = "tool|");
	END(.at = 4 * S, .pid = 11, .code = 3, .cpu = 1, .bytes = 1);
	FORK(.at = 5 * S, .pid = 12, .parent = 10, .comm = "bash");
	EXEC(.at = 5 * S, .pid = 10, .exe = "/bin/cat", .args = "cat|");
	END(.at = 6 * S, .pid = 12, .code = 3, .cpu = 1, .bytes = 1);
	END(.at = 7 * S, .pid = 10, .cpu = 1, .bytes = 1);
	assert_int_equal(s->hidden_count, 2);
	assert_string_equal(s->hidden[0].exe, "/bin/bash");
	assert_string_equal(s->hidden[1].exe, "/bin/cat");
	end(s);
}

static void a_failure_behind_its_parents_back_is_hidden(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	END(.at = 3 * S, .pid = 10, .cpu = 1, .bytes = 1);
	END(.at = 4 * S, .pid = 11, .code = 3, .cpu = 1, .bytes = 1);
	assert_int_equal(s->hidden_count, 1);
	assert_int_equal(s->hidden[0].by, 10);
	end(s);
}

/* The child's row waits for its CPU account; meanwhile the parent ends. */
static void the_parents_end_may_overtake_the_childs_account(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	MEM_LAST(.at = 3 * S, .pid = 11, .bytes = 1);
	EXIT(.at = 3 * S, .pid = 11, .code = 3);
	MEM_LAST(.at = 3 * S + MS, .pid = 10, .bytes = 1);
	EXIT(.at = 3 * S + MS, .pid = 10);
	CPU_CLOSED(.at = 3 * S + 15 * MS, .pid = 11, .cpu = 1);
	CPU_CLOSED(.at = 3 * S + 16 * MS, .pid = 10, .cpu = 1);
	assert_int_equal(s->rows_count, 2);
	assert_int_equal(s->hidden_count, 1);
	end(s);
}

static void at_the_end_nobody_answers_for_a_failure(void **state)
{
	struct seen *s = begin(NULL, ALL);

	(void)state;
	EXEC(.at = 1 * S, .pid = 10, .exe = "/bin/bash", .args = "bash|");
	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "bash");
	OOM_KILL(.at = 3 * S, .pid = 11, .bytes = 1);
	assert_int_equal(model__finish(s->model), 0);
	assert_int_equal(s->rows[0].row.outcome, MODEL_RUNNING);
	assert_int_equal(s->rows[1].row.outcome, MODEL_OOM);
	assert_int_equal(s->hidden_count, 0);
	assert_int_equal(s->model->failures_count, 0);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_judged),
		cmocka_unit_test(what_an_ancestor_ended_is_no_failure),
		cmocka_unit_test(a_signal_that_its_handler_raised_again),
		cmocka_unit_test(a_sender_may_be_gone_before),
		cmocka_unit_test(ends_in_words),
		cmocka_unit_test(a_timeout_that_passed_on_the_status_of_its_command),
		cmocka_unit_test(a_tool_that_could_not_be_executed_is_named),
		cmocka_unit_test(the_oom_killers_choice_names_its_limit_and_the_largest_others),
		cmocka_unit_test(a_subshell_passes_on_what_its_child_said),
		cmocka_unit_test(a_subshell_that_ran_no_program_asks),
		cmocka_unit_test(a_row_knows_what_could_not_be_executed),
		cmocka_unit_test(what_goes_on_after_an_exec_that_failed_ends_by_something_else),
		cmocka_unit_test(hidden_is_what_an_ancestor_swallowed),
		cmocka_unit_test(what_hides_it_is_what_was_there),
		cmocka_unit_test(a_failure_behind_its_parents_back_is_hidden),
		cmocka_unit_test(the_parents_end_may_overtake_the_childs_account),
		cmocka_unit_test(at_the_end_nobody_answers_for_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
