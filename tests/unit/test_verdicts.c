/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/verdicts: each detector on a made-up run that has the fault, and on those that only look like it. All of them again
 * with other names: no verdict depends on one. */
#include <errno.h>
#include <math.h>

#include "sinks/detector/trend.h"
#include "sinks/verdicts/verdicts.h"
#include "tests/unit/model_seen.h"

#define MIB (1ULL << 20)
#define ROOT 10
#define OUTSIDE 9 /* a process that no record has */

static const char *const limits[] = {"after=2s", "leak.floor=8MiB", NULL};

struct judged {
	struct made made;
	struct steps *steps;
	struct model *model;
	struct verdicts *verdicts;
};

static bool renamed;
static struct judged *judging;

static int judged_row(void *arg, const struct model_row *row)
{
	return verdicts__row(((struct judged *)arg)->verdicts, row);
}

static int judged_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	return verdicts__hidden(((struct judged *)arg)->verdicts, row, pid, by);
}

static int judged_retried(void *arg, const struct model_row *row)
{
	return verdicts__retried(((struct judged *)arg)->verdicts, row);
}

static int judged_ignored(void *arg, const struct model_row *row)
{
	return verdicts__ignored(((struct judged *)arg)->verdicts, row);
}

static int judged_record(void *arg, const struct record *record)
{
	struct judged *j = arg;
	int err = verdicts__record(j->verdicts, record);

	return err ? err : model__feed(j->model, record);
}

static void start(uint64_t ts, uint32_t pid, uint32_t parent, const char *name, const char *args)
{
	char exe[64], all[256];

	snprintf(exe, sizeof(exe), "/%s/%s", renamed ? "opt/other" : "bin", renamed ? "x" : name);
	snprintf(all, sizeof(all), "%s|%s", renamed ? "x" : name, args);
	/* another name for each program */
	if (renamed)
		for (const char *c = name; *c; c++)
			snprintf(exe + strlen(exe), sizeof(exe) - strlen(exe), "%02x", (unsigned char)*c);
	FORK(.at = ts, .pid = pid, .parent = parent, .comm = "f");
	EXEC(.at = ts + MS, .pid = pid, .parent = parent, .exe = exe, .args = all);
}

static void over(uint64_t ts, uint32_t pid, uint32_t parent, int status)
{
	END(.at = ts, .pid = pid, .parent = parent, STATUS(status), .cpu = 1 * MS, .bytes = MIB);
	IO_CLOSED(.at = ts + MS, .pid = pid, .chars = 100);
}

/* As when the collector is asked to stop: the first process gets a signal, the others go on. */
static void stop(uint64_t ts)
{
	END(.at = ts, .pid = ROOT, .signal = 15, .sent_by = OUTSIDE, .cpu = 1 * MS, .bytes = MIB);
	IO_CLOSED(.at = ts + MS, .pid = ROOT, .chars = 100);
}

/* ---- faults, and what looks like them ---- */

static void hidden(void)
{
	start(1 * S, 11, ROOT, "count", "a|");
	over(2 * S, 11, ROOT, 3);
	over(3 * S, ROOT, 0, 0);
}

static void done_again(uint64_t wait)
{
	start(1 * S, 11, ROOT, "count", "a|");
	over(2 * S, 11, ROOT, 3);
	start(2 * S + wait, 12, ROOT, "count", "a|");
	over(3 * S + wait, 12, ROOT, 0);
	over(5 * S, ROOT, 0, 0);
}

static void next_turn_of_a_loop(void)
{
	done_again(1 * MS);
}

static void tried_again_later(void)
{
	done_again(1 * S);
}

static void passed_on(void)
{
	start(1 * S, 11, ROOT, "count", "a|");
	over(2 * S, 11, ROOT, 3);
	over(3 * S, ROOT, 0, 3);
}

static void killed_for_memory(void)
{
	start(1 * S, 11, ROOT, "sort", "a|");
	OOM_KILL(.at = 2 * S, .pid = 11, .bytes = 96 * MIB);
	over(2 * S, 11, ROOT, -9);
	over(3 * S, ROOT, 0, 1);
}

static void killed_by_its_user(void)
{
	start(1 * S, 11, ROOT, "sort", "a|");
	END(.at = 2 * S, .pid = 11, .parent = ROOT, .signal = 9, .sent_by = OUTSIDE, .cpu = 1, .bytes = MIB);
	over(3 * S, ROOT, 0, 1);
}

static void no_such_tool(void)
{
	FORK(.at = 1 * S, .pid = 11, .parent = ROOT, .comm = "f");
	EXEC_FAILED(.at = 1 * S, .pid = 11, .exe = "/bin/samtoolz", .error = ENOENT);
	over(2 * S, 11, ROOT, 127);
	over(3 * S, ROOT, 0, 1);
}

/* The fork of what has tried one tool, and goes on in the same process with another way, to fail by that. */
static void tried_and_went_on(uint64_t until, bool forks)
{
	FORK(.at = 1 * S, .pid = 11, .parent = ROOT, .comm = "f");
	EXEC_FAILED(.at = 1 * S, .pid = 11, .exe = "/bin/fast", .args = "fast|-t|", .error = ENOENT);
	if (forks) {
		start(1 * S + 5 * MS, 12, 11, "slow", "-t|");
		over(1 * S + 50 * MS, 12, 11, 0);
	}
	over(until, 11, ROOT, 1);
	over(until + S, ROOT, 0, 1);
}

static void goes_on_with_another_program(void)
{
	tried_and_went_on(1 * S + 100 * MS, true);
}

static void goes_on_by_itself(void)
{
	tried_and_went_on(3 * S, false);
}

/* As the forks of Python, Perl and Rust end, which tell their parent of the error. */
static void fork_ends_by_another_code(void)
{
	tried_and_went_on(1 * S + 100 * MS, false);
}

/* However long that takes. */
static void exits_127_late(void)
{
	FORK(.at = 1 * S, .pid = 11, .parent = ROOT, .comm = "f");
	EXEC_FAILED(.at = 1 * S, .pid = 11, .exe = "/bin/samtoolz", .error = ENOENT);
	over(4 * S, 11, ROOT, 127);
	over(5 * S, ROOT, 0, 1);
}

/* Its own loader, or what it called by way of a shell. */
static void runs_and_exits_127(void)
{
	start(1 * S, 11, ROOT, "counter", "in.fq|");
	over(2 * S, 11, ROOT, 127);
	over(3 * S, ROOT, 0, 1);
}

/* Its caller has another way. */
static void tries_one_tool_first(void)
{
	FORK(.at = 1 * S, .pid = 11, .parent = ROOT, .comm = "f");
	EXEC_FAILED(.at = 1 * S, .pid = 11, .exe = "/bin/pigzz", .error = ENOENT);
	over(2 * S, 11, ROOT, 127);
	over(3 * S, ROOT, 0, 0);
}

/* By the second time its tool is there. */
static void tool_comes_later(void)
{
	start(1 * S, 12, ROOT, "step", "a|");
	FORK(.at = 2 * S, .pid = 11, .parent = 12, .comm = "f");
	EXEC_FAILED(.at = 2 * S, .pid = 11, .exe = "/bin/pigzz", .error = ENOENT);
	over(3 * S, 11, 12, 127);
	over(4 * S, 12, ROOT, 127);
	start(5 * S, 13, ROOT, "step", "a|");
	over(6 * S, 13, ROOT, 0);
	over(7 * S, ROOT, 0, 0);
}

/* As a shell looks through its PATH. */
static void tool_elsewhere(void)
{
	FORK(.at = 1 * S, .pid = 11, .parent = ROOT, .comm = "f");
	EXEC_FAILED(.at = 1 * S, .pid = 11, .exe = "/bin/samtools", .error = ENOENT);
	EXEC(.at = 1 * S + MS, .pid = 11, .parent = ROOT, .exe = "/usr/bin/samtools", .args = "samtools|");
	over(2 * S, 11, ROOT, 0);
	over(3 * S, ROOT, 0, 0);
}

/* Ended long ago, and the kernel has not closed the account. */
static void ended_early(uint64_t ts, uint32_t pid)
{
	EXIT(.at = ts, .pid = pid, .parent = ROOT);
	MEM_LAST(.at = ts, .pid = pid, .bytes = MIB);
}

static void reaped(uint64_t ts, uint32_t pid)
{
	CPU_CLOSED(.at = ts, .pid = pid, .cpu = MS);
	IO_CLOSED(.at = ts, .pid = pid, .chars = 1);
}

static void leave_four(char state, uint64_t cpu_ns, char last)
{
	for (uint32_t i = 11; i < 15; i++) {
		start(1 * S, i, ROOT, "true", "");
		ended_early(2 * S, i);
	}
	CPU_SAMPLED(.at = 3 * S, .pid = ROOT, .cpu = 5 * MS, .state = state);
	CPU_SAMPLED(.at = 8 * S, .pid = ROOT, .cpu = 5 * MS + cpu_ns, .state = last);
	over(9 * S, ROOT, 0, 0);
	for (uint32_t i = 11; i < 15; i++)
		reaped(9 * S + 5 * MS, i);
}

static void not_waited_for(void)
{
	leave_four('S', 1 * MS, 'S');
}

/* It waits for another one, and at its end for all of them at once, as an interpreter does. */
static void waited_for_at_the_end(void)
{
	for (uint32_t i = 11; i < 15; i++) {
		start(1 * S + i * MS, i, ROOT, "true", "");
		ended_early(1 * S + i * MS + 500000, i);
	}
	start(2 * S, 15, ROOT, "work", "");
	ended_early(9 * S, 15);
	for (uint32_t i = 15; i > 10; i--)
		reaped(9 * S + 5 * MS, i);
	over(9 * S + 8 * MS, ROOT, 0, 0);
}

/* It reads the output of one, computes, and waits for it then. */
static void one_is_waited_for_late(void)
{
	start(1 * S, 11, ROOT, "sort", "");
	ended_early(2 * S, 11);
	CPU_SAMPLED(.at = 3 * S, .pid = ROOT, .cpu = 5 * MS, .state = 'R');
	CPU_SAMPLED(.at = 8 * S, .pid = ROOT, .cpu = 5 * S, .state = 'R');
	reaped(9 * S, 11);
	over(9 * S + 5 * MS, ROOT, 0, 0);
}

static void computes_meanwhile(void)
{
	leave_four('R', 4 * S, 'R');
}

/* On a machine that is busy. */
static void parent_gets_no_cpu(void)
{
	leave_four('R', 1 * MS, 'R');
}

/* It wakes at its end. */
static void sleeps_meanwhile(void)
{
	leave_four('S', 1 * MS, 'R');
}

static void waited_for_in_turn(void)
{
	for (uint32_t i = 11; i < 15; i++)
		start(1 * S, i, ROOT, "true", "");
	for (uint32_t i = 12; i < 15; i++)
		ended_early(2 * S, i);
	ended_early(8 * S, 11);
	CPU_SAMPLED(.at = 8 * S + MS, .pid = ROOT, .cpu = 5 * MS, .voluntary = 9);
	for (uint32_t i = 11; i < 15; i++)
		reaped(8 * S + 2 * MS, i);
	over(9 * S, ROOT, 0, 0);
}

/* The kernel closed two accounts of many, and no record says so. */
static void accounts_not_seen(void)
{
	for (uint32_t i = 11; i < 60; i++) {
		start(1 * S + i * MS, i, ROOT, "true", "");
		ended_early(1 * S + i * MS + MS, i);
		if (i != 20 && i != 30)
			reaped(1 * S + i * MS + 2 * MS, i);
	}
	over(9 * S, ROOT, 0, 0);
}

/* `p1 | p2`, whose output it reads until it waits for both; the others have ended. */
static void reads_of_a_child(const char *syscall, const char *descriptor)
{
	for (uint32_t i = 11; i < 15; i++)
		start(1 * S, i, ROOT, "part", "");
	for (uint32_t i = 12; i < 15; i++)
		ended_early(2 * S, i);
	for (uint64_t i = 0; i < 6; i++)
		CPU_SAMPLED(.at = (2 + i) * S + 9 * MS, .pid = ROOT, .cpu = i * MS, .state = i == 2 ? 'R' : 'S',
			    .syscall = i == 2 ? NULL : syscall, .descriptor = i == 2 ? NULL : descriptor);
	ended_early(8 * S, 11);
	for (uint32_t i = 11; i < 15; i++)
		reaped(8 * S + 2 * MS, i);
	over(9 * S, ROOT, 0, 0);
}

static void reads_a_pipe_of_a_child(void)
{
	reads_of_a_child("read", "pipe");
}

static void polls_pipes_of_children(void)
{
	reads_of_a_child("poll", NULL);
}

static void reads_a_file_beside_children(void)
{
	reads_of_a_child("read", "file");
}

/* Of four that began together one lives on. It works until it waits for all of them, or starts so many more meanwhile. */
static void four_and(uint32_t more)
{
	for (uint32_t i = 11; i < 15; i++)
		start(1 * S, i, ROOT, "part", "");
	for (uint32_t i = 12; i < 15; i++)
		ended_early(2 * S, i);
	for (uint64_t i = 0; i < 6; i++)
		CPU_SAMPLED(.at = (2 + i) * S + 9 * MS, .pid = ROOT, .cpu = (1 + i) * 300 * MS, .voluntary = i,
			    .state = i % 2 ? 'R' : 'S');
	for (uint32_t i = 0; i < more; i++)
		start(5 * S + i * MS, 20 + i, ROOT, "part", "");
	ended_early(8 * S, 11);
	for (uint32_t i = 11; i < 15; i++)
		reaped(8 * S + 2 * MS, i);
	for (uint32_t i = 0; i < more; i++)
		over(8 * S + 3 * MS, 20 + i, ROOT, 0);
	over(9 * S, ROOT, 0, 0);
}

static void works_beside_children(void)
{
	four_and(0);
}

static void starts_more_beside_children(void)
{
	four_and(2);
}

static void nested(uint32_t levels, bool end)
{
	for (uint32_t i = 0; i < levels; i++)
		start(1 * S + i * 50 * MS, ROOT + 1 + i, ROOT + i, "walk.sh", "data|");
	for (uint32_t i = levels; i-- && end;)
		over(6 * S + (levels - i) * MS, ROOT + 1 + i, ROOT + i, 0);
	if (end)
		over(8 * S, ROOT, 0, 0);
	else
		stop(8 * S);
}

static void calls_itself(void)
{
	nested(80, false);
}

/* As make in each of 80 folders does. */
static void returns_from_each_level(void)
{
	nested(80, true);
}

static void comes_to_an_end_by_a_failure(void)
{
	for (uint32_t i = 0; i < 80; i++)
		start(1 * S + i * 50 * MS, ROOT + 1 + i, ROOT + i, "walk.sh", "data|");
	for (uint32_t i = 80; i--;)
		over(6 * S + (80 - i) * MS, ROOT + 1 + i, ROOT + i, 1);
	over(8 * S, ROOT, 0, 1);
}

static void forty_levels(void)
{
	nested(40, true);
}

/* By an interpreter each time, as scripts do. */
static void executes(uint32_t times, uint64_t ns, bool same)
{
	char exe[64];

	start(1 * S, 11, ROOT, "run", "0|");
	for (uint32_t i = 0; i < 2 * times; i++) {
		snprintf(exe, sizeof(exe), "/bin/%s%u", i % 2 ? "sh" : "env", same ? 0 : i);
		EXEC(.at = 2 * S + i * ns / 2, .pid = 11, .parent = ROOT, .exe = exe, .args = "run|1|");
	}
}

static void executes_itself(void)
{
	executes(80, 100 * MS, true);
	stop(11 * S);
}

static void executes_itself_and_ends(void)
{
	executes(80, 100 * MS, true);
	over(11 * S, 11, ROOT, 0);
	over(12 * S, ROOT, 0, 0);
}

static void executes_itself_now_and_then(void)
{
	executes(80, 2 * S, true);
	stop(170 * S);
}

static void executes_one_after_the_other(void)
{
	executes(80, 100 * MS, false);
	stop(11 * S);
}

static void crashed(uint64_t stack, uint64_t limit, bool fault)
{
	start(1 * S, 11, ROOT, "newick", "t|");
	MEM_LAST(.at = 2 * S, .pid = 11, .bytes = 9 * MIB, .stack = stack, .stack_limit = limit);
	EXIT(.at = 2 * S, .pid = 11, .parent = ROOT, .signal = 11, .sender = "kernel", .signal_code = "SEGV_MAPERR",
	     .stack_fault = fault);
	reaped(2 * S + MS, 11);
	over(3 * S, ROOT, 0, 139);
}

static void crashed_with(uint64_t stack, uint64_t limit)
{
	crashed(stack, limit, false);
}

static void a_thread_calls_itself(void)
{
	crashed(132 << 10, 8 * MIB, true);
}

static void calls_itself_and_its_limit_is_not_known(void)
{
	crashed(8 * MIB, 0, true);
}

static void stack_at_its_limit(void)
{
	crashed_with(8 * MIB, 0);
}

static void small_stack_at_its_limit(void)
{
	crashed_with(2 * MIB, 0);
}

static void null_pointer(void)
{
	crashed_with(132 << 10, 0);
}

static void calls_itself_until_the_limit(void)
{
	crashed_with(512 << 10, 512 << 10);
}

static void null_pointer_below_a_small_limit(void)
{
	crashed_with(132 << 10, 512 << 10);
}

static void null_pointer_on_a_large_stack(void)
{
	crashed_with(20 * MIB, 64 * MIB);
}

static void null_pointer_without_a_limit(void)
{
	crashed_with(20 * MIB, UINT64_MAX);
}

static void forks_double(void)
{
	uint32_t all = 1;

	start(1 * S, 11, ROOT, "spread", "8|");
	for (int round = 0; round < 8; round++)
		for (uint32_t i = 0, n = all; i < n; i++, all++)
			FORK(.at = 2 * S + round * 100 * MS + i, .pid = 11 + all, .parent = 11 + i, .comm = "spread");
	stop(8 * S);
}

/* The last ones each execute another program and wait for it. */
static void forks_double_and_execute(void)
{
	uint32_t all = 1;

	start(1 * S, 11, ROOT, "spread", "8|");
	for (int round = 0; round < 8; round++)
		for (uint32_t i = 0, n = all; i < n; i++, all++) {
			uint64_t at = 2 * S + (uint64_t)round * 100 * MS + i * 100000;

			FORK(.at = at, .pid = 11 + all, .parent = 11 + i, .comm = "spread");
			if (round == 7)
				start(at + 50000, 1011 + all, 11 + all, "sleep", "9|");
		}
	stop(8 * S);
}

/* A shell whose jobs each have a subshell. */
static void subshells(void)
{
	start(1 * S, 11, ROOT, "jobs", "");
	for (uint32_t i = 0; i < 60; i++) {
		FORK(.at = 2 * S + 2 * i, .pid = 12 + 2 * i, .parent = 11, .comm = "jobs");
		FORK(.at = 2 * S + 2 * i + 1, .pid = 13 + 2 * i, .parent = 12 + 2 * i, .comm = "jobs");
	}
	stop(8 * S);
}

static void forks_of_one(void)
{
	start(1 * S, 11, ROOT, "server", "");
	for (uint32_t i = 0; i < 300; i++)
		FORK(.at = 2 * S + i, .pid = 12 + i, .parent = 11, .comm = "server");
	stop(8 * S);
}

/* Samples of 11 for ten seconds. */
static void computes(uint64_t switches, uint64_t chars)
{
	start(1 * S, 11, ROOT, "consume", "q|");
	for (uint64_t i = 1; i <= 50; i++) {
		CPU_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .cpu = i * 150 * MS, .state = 'R',
			    .voluntary = 3 + i * switches, .involuntary = i);
		if (chars)
			IO_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .chars = i * chars);
	}
}

static void spins(void)
{
	computes(0, 0);
	stop(11 * S + 100 * MS);
}

static void spins_and_ends(void)
{
	computes(0, 0);
	over(11 * S + 100 * MS, 11, ROOT, 0);
	over(12 * S, ROOT, 0, 0);
}

static void computes_and_writes(void)
{
	computes(0, 10);
	stop(11 * S + 100 * MS);
}

static void computes_and_sleeps(void)
{
	computes(1, 0);
	stop(11 * S + 100 * MS);
}

/* Another process gets on meanwhile. */
/* A runtime of 19 threads that wakes now and then; its first thread waits in a call for another one. */
static void ticks_as(const char *call, uint64_t threads, uint64_t wakes)
{
	start(1 * S, 11, ROOT, "java", "Main.java|");
	for (uint64_t i = 0; i < 40; i++)
		CPU_SAMPLED(.at = 2 * S + i * 200 * MS, .pid = 11, .cpu = S + i * MS / 5, .voluntary = 900 + i * wakes,
			    .threads = threads, .state = 'S', .syscall = call);
}

static void only_ticks(void)
{
	ticks_as("futex", 19, 2);
	stop(10 * S);
}

static void ticks_and_ends(void)
{
	ticks_as("futex", 19, 2);
	over(10 * S, 11, ROOT, 0);
	over(11 * S, ROOT, 0, 0);
}

static void ticks_and_is_ended_by_its_script(void)
{
	ticks_as("futex", 19, 2);
	END(.at = 10 * S, .pid = 11, .parent = ROOT, .signal = 15, .sent_by = ROOT, .cpu = 1 * MS, .bytes = MIB);
	over(11 * S, ROOT, 0, 0);
}

static void ticks_and_reads(void)
{
	ticks_as("futex", 19, 2);
	IO_SAMPLED(.at = 9 * S, .pid = 11, .chars = 10);
	IO_SAMPLED(.at = 9 * S + 200 * MS, .pid = 11, .chars = 20);
	stop(10 * S);
}

static void ticks_beside_work(void)
{
	ticks_as("futex", 19, 2);
	start(9 * S, 12, ROOT, "gzip", "");
	IO_SAMPLED(.at = 9 * S + 100 * MS, .pid = 12, .chars = 10);
	IO_SAMPLED(.at = 9 * S + 200 * MS, .pid = 12, .chars = 1 << 20);
	stop(10 * S);
}

static void ticks_for_a_child(void)
{
	ticks_as("futex", 19, 2);
	start(9 * S + 900 * MS, 12, 11, "gcc", "");
	CPU_SAMPLED(.at = 10 * S, .pid = 11, .cpu = S + 8 * MS, .voluntary = 980, .threads = 19, .state = 'S',
		    .syscall = "futex");
	stop(11 * S);
}

static void sleeps_in_a_loop(void)
{
	ticks_as("clock_nanosleep", 2, 0);
	stop(10 * S);
}

static void waits_for_events(void)
{
	ticks_as("epoll_wait", 11, 1);
	stop(10 * S);
}

static void polls_often(void)
{
	ticks_as("futex", 2, 4);
	stop(10 * S);
}

static void spins_beside_work(void)
{
	start(1 * S, 12, ROOT, "work", "");
	computes(0, 0);
	for (uint64_t i = 1; i <= 50; i++)
		CPU_SAMPLED(.at = 11 * S + i, .pid = 12, .cpu = i * 100 * MS, .state = 'S', .voluntary = i);
	stop(11 * S + 100 * MS);
}

/* A shell that asks in a loop whether its child still works, by programs too short for a sample. */
static void waits_in_a_loop(uint64_t cpu, uint64_t chars)
{
	computes(0, 0);
	start(1 * S + 2 * MS, 12, 11, "work", "");
	for (uint32_t i = 0; i < 9; i++) {
		uint64_t at = (2 + i) * S;
		char name[] = {'a' + (char)i, '\0'};

		start(at, 20 + i, 12, name, "");
		END(.at = at + 500 * MS, .pid = 20 + i, .parent = 12, .cpu = cpu, .bytes = MIB);
		IO_CLOSED(.at = at + 501 * MS, .pid = 20 + i, .chars = chars);
	}
	stop(11 * S + 100 * MS);
}

static void waits_in_a_loop_for_work(void)
{
	waits_in_a_loop(400 * MS, 100);
}

static void waits_in_a_loop_for_bytes(void)
{
	waits_in_a_loop(4 * MS, MIB);
}

/* As a loop of sleep(1) and date(1): that says nothing of the other. */
static void spins_beside_a_heartbeat(void)
{
	waits_in_a_loop(4 * MS, 20 << 10);
}

enum shape { LINEAR, PLATEAU, SAW, LOADS, TEETH, GROWING_TEETH, STEPS };

static void holds(enum shape shape)
{
	start(1 * S, 11, ROOT, "ingest", "b|");
	for (uint64_t i = 1; i <= 70; i++) {
		uint64_t bytes = shape == PLATEAU ? (i < 15 ? i : 15) : shape == SAW ? i % 20 : i;

		if (shape >= TEETH)
			bytes = shape == STEPS	 ? i / 10 * 10
				: shape == TEETH ? i % 6 * 6 + i / 6 * 3
						 : i % 6 * (6 + i / 6);
		if (shape == LOADS)
			IO_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .chars = i * MIB);
		MEM_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .bytes = (10 + bytes) * MIB);
	}
	stop(15 * S + 100 * MS);
}

/* Each job takes memory for longer than a window, and leaves some. */
static void leaks_in_teeth(void)
{
	holds(TEETH);
}

/* Each job takes more, and gives it back. */
static void takes_more_and_gives_it_back(void)
{
	holds(GROWING_TEETH);
}

static void grows_by_phases(void)
{
	holds(STEPS);
}

static void leaks(void)
{
	holds(LINEAR);
}

/* Until its stack is at the limit, or as it frees nothing. */
static void grows_and_crashes(uint64_t stack)
{
	start(1 * S, 11, ROOT, "walk", "/|");
	for (uint64_t i = 1; i <= 70; i++)
		MEM_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .bytes = (10 + i) * MIB);
	MEM_LAST(.at = 15 * S, .pid = 11, .bytes = 90 * MIB, .stack = stack);
	EXIT(.at = 15 * S, .pid = 11, .parent = ROOT, .signal = 11, .sender = "kernel", .signal_code = "SEGV_MAPERR");
	reaped(15 * S + MS, 11);
	over(16 * S, ROOT, 0, 139);
}

static void calls_itself_and_grows(void)
{
	grows_and_crashes(8 * MIB);
}

static void leaks_and_crashes(void)
{
	grows_and_crashes(132 << 10);
}

static void grows_and_ends(uint64_t code, uint64_t signal, const char *sender, uint64_t by_code)
{
	start(1 * S, 11, ROOT, "simulate", "m|");
	for (uint64_t i = 1; i <= 70; i++)
		MEM_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .bytes = (10 + i) * MIB);
	if (sender)
		EXIT(.at = 15 * S, .pid = 11, .parent = ROOT, .signal = signal, .sender = sender,
		     .signal_code = "SI_USER", .sent_by = ROOT);
	else
		EXIT(.at = 15 * S, .pid = 11, .parent = ROOT, .code = code);
	reaped(15 * S + MS, 11);
	over(16 * S, ROOT, 0, by_code);
}

static void leaks_and_fails_without_a_word(void)
{
	grows_and_ends(1, 0, NULL, 1);
}

static void keeps_results_for_its_time(void)
{
	grows_and_ends(0, 15, "process", 0);
}

static void leaks_until_the_run_gives_up(void)
{
	grows_and_ends(0, 15, "process", 1);
}

static void cache_that_fills(void)
{
	holds(PLATEAU);
}

static void garbage_collector(void)
{
	holds(SAW);
}

static void loads_its_input(void)
{
	holds(LOADS);
}

static void faults(uint64_t growth)
{
	start(1 * S, 11, ROOT, "lookup", "t|");
	for (uint64_t i = 1; i <= 30; i++)
		MEM_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .bytes = 40 * MIB + i * growth, .major = i * 400);
	over(8 * S, 11, ROOT, 0);
	over(9 * S, ROOT, 0, 0);
}

static void reads_again_and_again(void)
{
	faults(0);
}

static void maps_its_index(void)
{
	faults(400 * 4096);
}

static void waits_in(char state, uint64_t cpu, uint64_t delay)
{
	uint64_t io[MADE_IO] = {0, 4 * MIB, 0, 1000, 0, 4 * MIB, 0};

	start(1 * S, 11, ROOT, "dd", "t|");
	for (uint64_t i = 1; i <= 30; i++)
		CPU_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .cpu = i * cpu, .state = i % 4 ? state : 'R',
			    .voluntary = i * 40, .involuntary = i, .delay = i * delay);
	END(.at = 7 * S, .pid = 11, .parent = ROOT, .cpu = 30 * cpu, .bytes = MIB);
	IO_CLOSED(.at = 7 * S, .pid = 11, .io = io);
	over(9 * S, ROOT, 0, 0);
}

static void waits_for_a_disk(void)
{
	waits_in('D', 10 * MS, 0);
}

/* On a machine that is busy: a third of its time. */
static void waits_for_a_disk_and_for_a_cpu(void)
{
	waits_in('D', 10 * MS, 70 * MS);
}

/* Most of its time others have the CPUs: what is left is shorter than the time limit. */
static void waits_for_a_disk_where_others_have_the_cpus(void)
{
	waits_in('D', 2 * MS, 180 * MS);
}

static void computes_where_others_have_the_cpus(void)
{
	waits_in('D', 18 * MS, 180 * MS);
}

static void computes_and_waits_for_a_cpu(void)
{
	waits_in('D', 80 * MS, 70 * MS);
}

static void waits_for_a_pipe(void)
{
	waits_in('S', 10 * MS, 0);
}

static void threads(uint64_t delay, uint64_t cpus)
{
	start(1 * S, 11, ROOT, "align", "t|");
	for (uint64_t i = 1; i <= 30; i++)
		CPU_SAMPLED(.at = 1 * S + i * 200 * MS, .pid = 11, .cpu = i * 190 * MS, .state = 'R', .threads = 12,
			    .voluntary = i * 40, .involuntary = i * 50, .delay = i * delay, .cpus = cpus);
	END(.at = 7 * S, .pid = 11, .parent = ROOT, .cpu = 30 * 190 * MS, .bytes = MIB);
	IO_CLOSED(.at = 7 * S, .pid = 11, .chars = 1);
	over(9 * S, ROOT, 0, 0);
}

static void many_threads(void)
{
	threads(2000 * MS, 0);
}

static void many_threads_on_few_cpus(void)
{
	threads(2000 * MS, 4);
}

static void threads_with_cpus(void)
{
	threads(10 * MS, 0);
}

/* As many CPUs as it wants, but others of the machine use them. */
static void threads_on_a_busy_machine(void)
{
	threads(200 * MS, 12);
}

/* Two that compute on `cpus` of the four that the first process may use. */
static void compute_on(uint64_t cpus)
{
	CPU_SAMPLED(.at = 1 * S, .pid = ROOT, .cpu = MS, .cpus = 4);
	for (uint32_t pid = 11; pid < 13; pid++)
		start(1 * S + pid * MS, pid, ROOT, "rank", "");
	for (uint64_t i = 1; i <= 30; i++)
		for (uint32_t pid = 11; pid < 13; pid++)
			CPU_SAMPLED(.at = 1 * S + i * 200 * MS + pid, .pid = pid, .cpu = i * 95 * MS, .state = 'R',
				    .involuntary = i * 50, .delay = i * 100 * MS, .cpus = cpus);
	for (uint32_t pid = 11; pid < 13; pid++) {
		END(.at = 7 * S + pid, .pid = pid, .parent = ROOT, .cpu = 30 * 95 * MS, .bytes = MIB);
		IO_CLOSED(.at = 7 * S + pid, .pid = pid, .chars = 1);
	}
	over(9 * S, ROOT, 0, 0);
}

static void ranks_on_one_cpu(void)
{
	compute_on(1);
}

static void ranks_on_all_cpus(void)
{
	compute_on(4);
}

/* A quota of 0.2 CPUs; a sample each second of what it used and of how often that stopped it. */
static void in_quota(uint32_t pid, uint64_t cpu, uint64_t throttled)
{
	for (uint64_t i = 0; i <= 5; i++)
		CPU_SAMPLED(.at = (1 + i) * S + pid * MS, .pid = pid, .cpu = i * cpu, .quota = 20 * MS,
			    .quota_cgroup = 77, .periods = i * 10, .throttled = i * throttled, .involuntary = i);
}

static void ends_in_quota(uint32_t pid, uint64_t cpu)
{
	END(.at = 7 * S, .pid = pid, .parent = ROOT, .cpu = 5 * cpu, .bytes = MIB);
	IO_CLOSED(.at = 7 * S, .pid = pid, .chars = 1);
}

static void one_in_quota(uint64_t cpu, uint64_t throttled)
{
	start(1 * S, 11, ROOT, "align", "");
	in_quota(11, cpu, throttled);
	ends_in_quota(11, cpu);
	over(9 * S, ROOT, 0, 0);
}

static void stopped_by_quota(void)
{
	one_in_quota(195 * MS, 9);
}

static void never_reaches_its_quota(void)
{
	one_in_quota(150 * MS, 0);
}

/* The account of its parent is closed first. */
static void stopped_by_quota_and_closed_after_its_parent(void)
{
	start(1 * S, 11, ROOT, "align", "");
	in_quota(11, 195 * MS, 9);
	EXIT(.at = 9 * S, .pid = 11, .parent = ROOT);
	MEM_LAST(.at = 9 * S, .pid = 11, .bytes = MIB);
	over(9 * S + MS, ROOT, 0, 0);
	reaped(9 * S + 2 * MS, 11);
}

/* 4 of 10 periods a second, but each of many uses a part: what began them. */
static void many_share_a_quota(void)
{
	for (uint32_t pid = 11; pid < 15; pid++)
		start(1 * S, pid, ROOT, "align", "");
	for (uint32_t pid = 11; pid < 15; pid++)
		in_quota(pid, 50 * MS, 4);
	for (uint32_t pid = 11; pid < 15; pid++)
		ends_in_quota(pid, 50 * MS);
	over(9 * S, ROOT, 0, 0);
}

/* One of many that come one after the other is long enough to be judged. */
static void a_loop_in_a_quota(void)
{
	start(1 * S, 11, ROOT, "sha256sum", "");
	for (uint32_t i = 0; i < 7; i++)
		CPU_SAMPLED(.at = 1 * S + i * 100 * MS, .pid = 11, .cpu = i * 19 * MS, .quota = 20 * MS,
			    .quota_cgroup = 77, .periods = i, .throttled = i, .involuntary = i);
	over(1 * S + 700 * MS, 11, ROOT, 0);
	for (uint32_t i = 0; i < 40; i++) {
		start(2 * S + i * 500 * MS, 12 + i, ROOT, "gzip", "");
		CPU_SAMPLED(.at = 2 * S + i * 500 * MS, .pid = 12 + i, .cpu = 99 * MS, .quota = 20 * MS,
			    .quota_cgroup = 77, .periods = 10 + i * 5, .throttled = 10 + i * 5, .involuntary = i);
		over(2 * S + i * 500 * MS + 400 * MS, 12 + i, ROOT, 0);
	}
	over(30 * S, ROOT, 0, 0);
}

/* One that waits beside the one that uses it all. */
static void beside_one_that_uses_the_quota(void)
{
	start(1 * S, 11, ROOT, "align", "");
	start(1 * S, 12, ROOT, "tail", "");
	in_quota(11, 190 * MS, 9);
	in_quota(12, 1 * MS, 9);
	ends_in_quota(11, 190 * MS);
	ends_in_quota(12, 1 * MS);
	over(9 * S, ROOT, 0, 0);
}

/* Each with a number, whole or not. */
static void shards(uint64_t slow, uint64_t input)
{
	char args[32];

	for (uint32_t i = 0; i < 8; i++) {
		uint64_t began = 1 * S + i * 10 * MS, end = began + (i == 5 ? slow : 400 * MS + i * 10 * MS);

		snprintf(args, sizeof(args), "part%u|%s|", i, i == 5 ? "8" : "0.4");
		start(began, 11 + i, ROOT, "shard", args);
		if (i == 5)
			continue;
		END(.at = end, .pid = 11 + i, .parent = ROOT, .cpu = MS, .bytes = MIB);
		IO_CLOSED(.at = end, .pid = 11 + i, .chars = MIB);
	}
	END(.at = 1 * S + slow, .pid = 16, .parent = ROOT, .cpu = MS, .bytes = MIB);
	IO_CLOSED(.at = 1 * S + slow, .pid = 16, .chars = input);
	over(20 * S, ROOT, 0, 0);
}

static void one_is_slow(void)
{
	shards(9 * S, MIB);
}

static void one_has_more(void)
{
	shards(9 * S, 20 * MIB);
}

static void all_alike(void)
{
	shards(500 * MS, MIB);
}

/* The kernel closes accounts when it gets to it: that of the parent may be first. */
static void one_is_slow_and_closed_after_its_parent(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		start(1 * S, 11 + i, ROOT, "shard", "part|1|");
		if (i < 7)
			over(2 * S, 11 + i, ROOT, 0);
	}
	EXIT(.at = 9 * S, .pid = 18, .parent = ROOT);
	MEM_LAST(.at = 9 * S, .pid = 18, .bytes = MIB);
	over(9 * S + MS, ROOT, 0, 0);
	reaped(9 * S + 2 * MS, 18);
}

/* The last one maps so many bytes of files, the others `typical`. */
static void maps(uint64_t bytes, uint64_t typical)
{
	for (uint32_t i = 0; i < 8; i++) {
		start(1 * S, 11 + i, ROOT, "crc", "part|1|");
		EXIT(.at = i < 7 ? 2 * S : 9 * S, .pid = 11 + i, .parent = ROOT);
		MEM_LAST(.at = i < 7 ? 2 * S : 9 * S, .pid = 11 + i, .bytes = i < 7 ? typical : bytes);
		reaped(i < 7 ? 2 * S : 9 * S, 11 + i);
	}
	over(20 * S, ROOT, 0, 0);
}

static void one_maps_more(void)
{
	maps(2 * MIB, 100 << 10);
}

/* Of which the interpreter and its libraries are a good part. */
static void one_maps_more_than_its_libraries(void)
{
	maps(900 << 10, 200 << 10);
}

static void one_maps_as_much_and_is_slow(void)
{
	maps(100 << 10, 100 << 10);
}

static void one_maps_a_little_more_and_is_slow(void)
{
	maps(400 << 10, 200 << 10);
}

/* As long as the script that started it: that ends it, or something else does. */
static void lives_as_long(uint32_t killer)
{
	start(1 * S, 11, ROOT, "agent", "0|");
	for (uint32_t i = 0; i < 8; i++) {
		start(1 * S + i * S, 12 + i, ROOT, "agent", "1|");
		over(1 * S + i * S + 900 * MS, 12 + i, ROOT, 0);
	}
	END(.at = 9 * S, .pid = 11, .parent = ROOT, .signal = 15, .sent_by = killer, .cpu = MS, .bytes = MIB);
	IO_CLOSED(.at = 9 * S, .pid = 11, .chars = 100);
	over(10 * S, ROOT, 0, killer == OUTSIDE);
}

static void a_monitor_that_its_script_ends(void)
{
	lives_as_long(ROOT);
}

static void a_worker_that_had_to_be_ended(void)
{
	lives_as_long(OUTSIDE);
}

/* `( prepare; solve; pack ) &`, whose subshell executes the last one itself. */
static void parts(uint64_t solves, uint64_t packs)
{
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t shell = 11 + 3 * i;
		uint64_t solved = 1 * S + 500 * MS + (i == 7 ? solves : 500 * MS);
		uint64_t packed = solved + (i == 7 ? packs : 500 * MS);

		FORK(.at = 1 * S, .pid = shell, .parent = ROOT, .comm = "first");
		start(1 * S + MS, shell + 1, shell, "seq", "8|");
		over(1 * S + 400 * MS, shell + 1, shell, 0);
		start(1 * S + 500 * MS, shell + 2, shell, "solve", "8|");
		over(solved, shell + 2, shell, 0);
		EXEC(.at = solved + 5 * MS, .pid = shell, .parent = ROOT, .exe = "/bin/gzip", .args = "gzip|8.n|");
		over(packed, shell, ROOT, 0);
	}
	over(20 * S, ROOT, 0, 0);
}

static void one_solves_long(void)
{
	parts(8 * S, 500 * MS);
}

static void one_packs_long(void)
{
	parts(500 * MS, 8 * S);
}

/* `xargs -n1 quant.py`: each with a name. The fifth is slow; `others` programs come before. */
static void samples(uint64_t slow, uint32_t others, const char *what)
{
	static const char *const names[] = {"heart", "liver", "lung", "brain", "kidney", "spleen", "colon", "skin"};
	char args[64];

	for (uint32_t i = 0; i < others; i++) {
		start(1 * S, 41 + i, ROOT, "mkdir", "out|");
		over(1 * S + 2 * MS, 41 + i, ROOT, 0);
	}
	for (uint32_t i = 0; i < 8; i++) {
		snprintf(args, sizeof(args), what, names[i]);
		start(1 * S + 5 * MS, 11 + i, ROOT, "quant", args);
	}
	for (uint32_t i = 0; i < 8; i++)
		if (i != 4)
			over(1 * S + 500 * MS + i * MS, 11 + i, ROOT, 0);
	over(1 * S + slow, 15, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

static void one_name_is_slow(void)
{
	samples(8 * S, 0, "./quant.py|%s|");
}

static void one_name_of_many_programs_is_slow(void)
{
	samples(8 * S, 8, "./quant.py|%s|");
}

static void one_subcommand_is_slow(void)
{
	samples(8 * S, 0, "%s|./data|");
}

static void two_names_differ(void)
{
	static const char *const names[] = {"heart", "liver", "lung", "brain", "kidney", "spleen", "colon", "skin"};
	char args[64];

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(args, sizeof(args), "./quant.py|%s|%s.out|", names[i], names[i]);
		start(1 * S + i * MS, 11 + i, ROOT, "quant", args);
		if (i != 7)
			over(1 * S + 500 * MS + i * MS, 11 + i, ROOT, 0);
	}
	over(9 * S, 18, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

/* `sh -c` below make: six commands alike, and one of its own. */
static void commands(const char *alike, const char *other)
{
	char args[128];

	for (uint32_t i = 0; i < 7; i++) {
		snprintf(args, sizeof(args), i == 6 ? other : alike, i, i, i);
		start(1 * S + i * MS, 11 + i, ROOT, "sh", args);
		start(1 * S + i * MS, 31 + i, 11 + i, "date", "");
		over(1 * S + 20 * MS + i * MS, 31 + i, 11 + i, 0);
	}
	for (uint32_t i = 0; i < 7; i++)
		over(i == 6 ? 9 * S : 1 * S + 400 * MS + i * MS, 11 + i, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

static void one_command_is_another(void)
{
	commands("-c|sleep 0.4; echo %u > %u.o|", "-c|sleep 4.5; echo html > docs|");
}

static void one_command_calls_another_script(void)
{
	commands("-c|python3 trim.py s%u; date|", "-c|python3 call.py s%u; date|");
}

static void one_command_is_code_of_another_function(void)
{
	commands("-c|print('a')|", "-c|import time; time.sleep(4)|");
}

static void one_command_makes_another_kind_of_file(void)
{
	commands("-c|set -e; sleep 0.5; date > %u.a|", "-c|set -e; sleep 5; date > %u.b|");
}

static void one_command_of_its_kind_is_slow(void)
{
	commands("-c|sort -k 1 in/liver%u.bed > out/%u.bed|", "-c|sort -k 1 in/heart.bed > out/heart.bed|");
}

static void one_command_of_code_is_slow(void)
{
	commands("-c|d = read(open('a%u.txt'))|", "-c|d = read(open('b.txt'))|");
}

/* The first waits for those that run one after the other. */
static void first_of_all(uint64_t until, uint64_t each)
{
	start(1 * S, 11, ROOT, "rank", "0|");
	for (uint32_t i = 0; i < 8; i++) {
		start(1 * S + i * each + MS, 12 + i, ROOT, "rank", "1|");
		over(1 * S + (i + 1) * each, 12 + i, ROOT, 0);
	}
	over(until, 11, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

static void one_coordinates_the_others(void)
{
	first_of_all(9 * S + 100 * MS, 1 * S);
}

static void the_first_is_slow(void)
{
	first_of_all(13 * S, 1 * S);
}

/* `cc -c`: its child reads the source and computes. */
static void drivers(uint64_t source, uint64_t cpu)
{
	for (uint32_t i = 0; i < 8; i++) {
		uint64_t at = 1 * S + i * S, end = at + (i == 7 ? 8 * S : 20 * MS);

		start(at, 11 + 3 * i, ROOT, "cc", "-c|u.c|");
		start(at + MS, 13 + 3 * i, 11 + 3 * i, "as", "u.s|");
		over(at + 3 * MS, 13 + 3 * i, 11 + 3 * i, 0);
		start(at + 2 * MS, 12 + 3 * i, 11 + 3 * i, "cc1", "u.c|");
		END(.at = end - MS, .pid = 12 + 3 * i, .parent = 11 + 3 * i, .cpu = i == 7 ? cpu : 10 * MS,
		    .bytes = MIB);
		IO_CLOSED(.at = end - MS, .pid = 12 + 3 * i, .chars = i == 7 ? source : 30000);
		END(.at = end, .pid = 11 + 3 * i, .parent = ROOT, .cpu = MS, .bytes = MIB);
		IO_CLOSED(.at = end, .pid = 11 + 3 * i, .chars = 7000);
	}
	over(20 * S, ROOT, 0, 0);
}

static void one_compiles_more(void)
{
	drivers(400000, 5 * S);
}

static void one_compiles_as_much_and_is_slow(void)
{
	drivers(30000, 5 * S);
}

static void one_waits_for_what_it_compiles(void)
{
	drivers(400000, 10 * MS);
}

/* Each as long as its only argument says. */
static void sleeps_of_different_lengths(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		start(1 * S, 11 + i, ROOT, "wait", i == 5 ? "9|" : "0.5|");
		if (i != 5)
			over(1 * S + 504 * MS, 11 + i, ROOT, 0);
	}
	over(10 * S + 4 * MS, 16, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

/* The same program and times, and it was asked for no more than the others. */
static void one_sleeps_longer_than_asked(void)
{
	for (uint32_t i = 0; i < 8; i++) {
		start(1 * S, 11 + i, ROOT, "wait", "0.5|");
		if (i != 5)
			over(1 * S + 504 * MS, 11 + i, ROOT, 0);
	}
	over(10 * S, 16, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

/* `perl call.pl` in folders of tasks, the fourth of which takes much longer; parents: each starts a child. */
static void in_folders(const char *const folders[8], bool parents)
{
	for (uint32_t i = 0; i < 8; i++) {
		FORK(.at = 1 * S, .pid = 11 + i, .parent = ROOT, .comm = "f");
		EXEC(.at = 1 * S + MS, .pid = 11 + i, .parent = ROOT, .exe = renamed ? "/opt/x" : "/bin/perl",
		     .args = renamed ? "x|y|" : "perl|call.pl|", .cwd = folders[i]);
		if (parents) {
			start(1 * S + 10 * MS, 31 + 2 * i, 11 + i, "true", "");
			start(1 * S + 10 * MS, 32 + 2 * i, 11 + i, "false", "");
			over(1 * S + 20 * MS, 31 + 2 * i, 11 + i, 0);
			over(1 * S + 20 * MS, 32 + 2 * i, 11 + i, 0);
		}
	}
	for (uint32_t i = 0; i < 8; i++)
		if (i != 3)
			over(1 * S + 400 * MS + i * MS, 11 + i, ROOT, 0);
	over(9 * S, 14, ROOT, 0);
	over(20 * S, ROOT, 0, 0);
}

static const char *const hashes[8] = {"/w/a1/f3", "/w/b2/99", "/w/c3/12", "/w/d4/77",
				      "/w/e5/aa", "/w/f6/bb", "/w/07/cc", "/w/18/dd"};

static void one_folder_is_slow(void)
{
	in_folders(hashes, false);
}

static void one_folder_of_scripts_is_slow(void)
{
	in_folders(hashes, true);
}

static void one_named_folder_is_slow(void)
{
	static const char *const names[8] = {"/w/fetch", "/w/trim", "/w/index", "/w/align",
					     "/w/call",	 "/w/qc",   "/w/add",	"/w/bed"};

	in_folders(names, false);
}

/* Each waits for a lock until the one before has done its work. */
static void a_queue(void)
{
	for (uint32_t i = 0; i < 6; i++)
		start(1 * S + i * MS, 11 + i, ROOT, "flock", "q.lock|");
	for (uint32_t i = 0; i < 6; i++) {
		END(.at = 1 * S + (i + 1) * 1250 * MS + (i == 5) * 100 * MS, .pid = 11 + i, .parent = ROOT, .cpu = MS,
		    .bytes = MIB);
		IO_CLOSED(.at = 1 * S + (i + 1) * 1250 * MS + (i == 5) * 100 * MS, .pid = 11 + i, .chars = MIB);
	}
	over(20 * S, ROOT, 0, 0);
}

/* `until curl ...; do sleep; done` */
static void tries(uint32_t times, bool writes, uint64_t keeps)
{
	for (uint32_t i = 0; i < times; i++) {
		start(1 * S + i * S, 11 + 2 * i, ROOT, "curl", "url|");
		over(1 * S + i * S + 300 * MS, 11 + 2 * i, ROOT, 7);
		start(1 * S + i * S + 300 * MS, 12 + 2 * i, ROOT, "sleep", "1|");
		over(1 * S + i * S + 900 * MS, 12 + 2 * i, ROOT, 0);
		if (writes)
			IO_SAMPLED(.at = 1 * S + i * S + 950 * MS, .pid = ROOT, .chars = (i + 1) * 100000);
		MEM_SAMPLED(.at = 1 * S + i * S + 950 * MS, .pid = ROOT, .bytes = 4 * MIB + i * keeps);
	}
}

static void tries_again_and_again(void)
{
	tries(12, false, 4096);
	stop(13 * S + 200 * MS);
}

static void tries_until_it_works(void)
{
	tries(12, false, 4096);
	start(13 * S, 11, ROOT, "curl", "url|");
	over(13 * S + 100 * MS, 11, ROOT, 0);
	over(13 * S + 200 * MS, ROOT, 0, 0);
}

static void tries_and_writes(void)
{
	tries(12, true, 0);
	stop(13 * S + 200 * MS);
}

static void tries_and_keeps(void)
{
	tries(12, false, 500000);
	stop(13 * S + 200 * MS);
}

/* `for i in ...; do ./simulate --seed $i; done`, or one `poll` after the other with the same argument. */
static void items_that_write(bool numbered, int status, uint64_t cpu, uint64_t chars)
{
	char args[32];

	for (uint32_t i = 0; i < 12; i++) {
		snprintf(args, sizeof(args), "--seed|%u|", numbered ? i : 7);
		start(1 * S + i * S, 11 + i, ROOT, "simulate", args);
		END(.at = 1 * S + i * S + 900 * MS, .pid = 11 + i, .parent = ROOT, .code = status, .cpu = cpu,
		    .bytes = MIB);
		IO_CLOSED(.at = 1 * S + i * S + 901 * MS, .pid = 11 + i, .chars = chars);
	}
	stop(13 * S + 200 * MS);
}

static void items(bool numbered, int status, uint64_t cpu)
{
	items_that_write(numbered, status, cpu, 100);
}

/* A round of so many programs, the last of which fails. */
static void long_rounds(uint32_t programs)
{
	char name[16];

	for (uint32_t i = 0; i < 12 * programs; i++) {
		uint64_t at = 1 * S + i * S / programs;

		snprintf(name, sizeof(name), "tool%u", i % programs);
		start(at, 11 + i, ROOT, name, "");
		over(at + S / programs - 2 * MS, 11 + i, ROOT, i % programs == programs - 1 ? 7 : 0);
	}
	stop(13 * S + 200 * MS);
}

static void nine_programs_a_round(void)
{
	long_rounds(9);
}

static void twenty_programs_a_round(void)
{
	long_rounds(20);
}

static void numbered_items(void)
{
	items(true, 0, MS);
}

static void other_input_each_time(void)
{
	items(false, 0, 800 * MS);
}

static void numbered_items_that_compute_and_find_nothing(void)
{
	items(true, 1, 800 * MS);
}

static void polls_without_a_failure(void)
{
	items_that_write(false, 0, MS, 0);
}

/* A line to a log, each time. */
static void writes_without_a_failure(void)
{
	items(false, 0, MS);
}

static void fails_with_the_number_of_the_attempt(void)
{
	items(true, 7, MS);
}

static void outlives(int status)
{
	start(1 * S, 11, ROOT, "upload", "");
	over(2 * S, ROOT, 0, 0);
	for (uint64_t i = 1; i <= 4; i++)
		IO_SAMPLED(.at = 2 * S + i * 200 * MS, .pid = 11, .chars = i * 1000);
	over(3 * S, 11, 0, status);
}

static void killed_while_it_wrote(void)
{
	outlives(-9);
}

static void ended_after_the_run(void)
{
	outlives(0);
}

/* What is left when the recording ends, by what its last sample found it in. */
static void is_left(const char *call, uint32_t parent)
{
	start(1 * S, 11, ROOT, "sh", "a|");
	start(1 * S + 2 * MS, 12, parent, "upload", "");
	over(2 * S, 11, ROOT, 0);
	over(3 * S, ROOT, 0, 0);
	for (uint64_t i = 1; i <= 4; i++) {
		CPU_SAMPLED(.at = 3 * S + i * 200 * MS, .pid = 12, .cpu = i * MS, .syscall = call);
		IO_SAMPLED(.at = 3 * S + i * 200 * MS, .pid = 12, .chars = i * 1000);
	}
}

static void writes_and_is_left(void)
{
	is_left("clock_nanosleep", ROOT);
}

static void serves_and_is_left(void)
{
	is_left("epoll_wait", ROOT);
}

static void a_daemon_is_left(void)
{
	is_left("clock_nanosleep", 11);
}

/* A child of PID 1 of a container, which ends, and the kernel what is left in there: with so much CPU, read and written a second,
 * at its start and after it. */
static void in_a_container(const char *call, char state, uint64_t cpu, const uint64_t starts[2], const uint64_t each[2],
			   int status)
{
	uint64_t io[MADE_IO] = {starts[0], starts[1]};

	start(1 * S, 11, ROOT, "init", "a|");
	start(2 * S, 12, 11, "work", "");
	process__find(judging->model, judging->model->runs[0], 11, 1 * S)->row.ns_pid = 1;
	process__find(judging->model, judging->model->runs[0], 12, 2 * S)->row.ns_pid = 2;
	for (uint64_t i = 1; i <= 3; i++) {
		CPU_SAMPLED(.at = (2 + i) * S, .pid = 12, .cpu = i * cpu, .state = state, .syscall = call);
		IO_SAMPLED(.at = (2 + i) * S + 1, .pid = 12, .io = io);
		io[0] += each[0];
		io[1] += each[1];
	}
	over(6 * S - 1, 11, ROOT, status);
	END(.at = 6 * S, .pid = 12, .parent = 11, .signal = 9, .sender = "kernel", .cpu = 4 * cpu, .bytes = MIB);
	IO_CLOSED(.at = 6 * S + MS, .pid = 12, .io = io);
	over(7 * S, ROOT, 0, status);
}

#define IO_OF(r, w)         \
	(const uint64_t[2]) \
	{                   \
		(r), (w)    \
	}

static void writes_in_a_container(void)
{
	in_a_container("clock_nanosleep", 'S', MS, IO_OF(0, 0), IO_OF(0, 40), 0);
}

static void computes_in_a_container(void)
{
	in_a_container(NULL, 'R', 950 * MS, IO_OF(0, 0), IO_OF(0, 0), 0);
}

static void container_fails(void)
{
	in_a_container("clock_nanosleep", 'S', MS, IO_OF(0, 0), IO_OF(0, 40), 1);
}

static void sleeps_in_a_container(void)
{
	in_a_container("clock_nanosleep", 'S', 0, IO_OF(4000, 200), IO_OF(0, 0), 0);
}

static void serves_in_a_container(void)
{
	in_a_container("epoll_wait", 'S', 50 * MS, IO_OF(4000, 200), IO_OF(500, 8000), 0);
}

/* tail -f */
static void copies_in_a_container(void)
{
	in_a_container("clock_nanosleep", 'S', MS, IO_OF(4000, 200), IO_OF(500, 500), 0);
}

/* ---- what is said of them ---- */

#define NONE VERDICT_KINDS

static const struct {
	void (*make)(void);
	enum verdict_kind kind; /* NONE: no verdict */
	enum verdict_certainty certainty;
	uint32_t pid;
	const char *evidence; /* a part of it */
} cases[] = {
	{hidden, VERDICT_HIDDEN_FAILURE, VERDICT_PROVEN, 11, "exited 3"},
	{passed_on, NONE, 0, 0, NULL},
	{next_turn_of_a_loop, VERDICT_HIDDEN_FAILURE, VERDICT_SUSPECTED, 11, "for other data, perhaps"},
	{tried_again_later, NONE, 0, 0, NULL},
	{killed_for_memory, VERDICT_OOM, VERDICT_PROVEN, 11, "limit 97 MiB"},
	{killed_by_its_user, NONE, 0, 0, NULL},
	{no_such_tool, VERDICT_MISSING_TOOL, VERDICT_PROVEN, 11, "ENOENT"},
	{exits_127_late, VERDICT_MISSING_TOOL, VERDICT_PROVEN, 11, "ENOENT"},
	{fork_ends_by_another_code, VERDICT_MISSING_TOOL, VERDICT_PROVEN, 11, "could not execute fast -t: ENOENT"},
	{goes_on_with_another_program, NONE, 0, 0, NULL},
	{goes_on_by_itself, NONE, 0, 0, NULL},
	{runs_and_exits_127, VERDICT_MISSING_TOOL, VERDICT_SUSPECTED, 11,
	 "exited 127, as where a shared library, or a command, is"},
	{tries_one_tool_first, VERDICT_MISSING_TOOL, VERDICT_LIKELY, 11, "ENOENT"},
	{tool_comes_later, VERDICT_MISSING_TOOL, VERDICT_SUSPECTED, 11, "ENOENT"},
	{tool_elsewhere, NONE, 0, 0, NULL},
	{not_waited_for, VERDICT_ZOMBIE, VERDICT_PROVEN, ROOT, "4 of its children"},
	{one_is_waited_for_late, VERDICT_ZOMBIE, VERDICT_SUSPECTED, ROOT, "1 of its children"},
	{waited_for_at_the_end, VERDICT_ZOMBIE, VERDICT_PROVEN, ROOT, "of its children"},
	{computes_meanwhile, VERDICT_ZOMBIE, VERDICT_PROVEN, ROOT, "4 of its children"},
	{parent_gets_no_cpu, NONE, 0, 0, NULL},
	{sleeps_meanwhile, VERDICT_ZOMBIE, VERDICT_PROVEN, ROOT, "4 of its children"},
	{waited_for_in_turn, NONE, 0, 0, NULL},
	{reads_a_pipe_of_a_child, NONE, 0, 0, NULL},
	{polls_pipes_of_children, NONE, 0, 0, NULL},
	{reads_a_file_beside_children, NONE, 0, 0, NULL},
	{works_beside_children, NONE, 0, 0, NULL},
	{starts_more_beside_children, VERDICT_ZOMBIE, VERDICT_PROVEN, ROOT, "3 of its children"},
	{accounts_not_seen, NONE, 0, 0, NULL},
	{calls_itself, VERDICT_RECURSION, VERDICT_PROVEN, 11, "79 levels"},
	{comes_to_an_end_by_a_failure, VERDICT_RECURSION, VERDICT_PROVEN, 11, "79 levels"},
	{returns_from_each_level, VERDICT_RECURSION, VERDICT_SUSPECTED, 11, "79 levels"},
	{forty_levels, NONE, 0, 0, NULL},
	{executes_itself, VERDICT_RECURSION, VERDICT_LIKELY, 11, "executed itself 79 times, in 7.9 s"},
	{executes_itself_and_ends, NONE, 0, 0, NULL},
	{executes_itself_now_and_then, NONE, 0, 0, NULL},
	{executes_one_after_the_other, NONE, 0, 0, NULL},
	{stack_at_its_limit, VERDICT_RECURSION, VERDICT_LIKELY, 11, "stack of 8.0 MiB"},
	{small_stack_at_its_limit, VERDICT_RECURSION, VERDICT_LIKELY, 11, "stack of 2.0 MiB"},
	{a_thread_calls_itself, VERDICT_RECURSION, VERDICT_LIKELY, 11, "the stack of a thread full"},
	{calls_itself_and_its_limit_is_not_known, VERDICT_RECURSION, VERDICT_LIKELY, 11, "stack of 8.0 MiB"},
	{null_pointer, NONE, 0, 0, NULL},
	{calls_itself_until_the_limit, VERDICT_RECURSION, VERDICT_PROVEN, 11, "its limit being 512 KiB"},
	{null_pointer_below_a_small_limit, NONE, 0, 0, NULL},
	{null_pointer_on_a_large_stack, NONE, 0, 0, NULL},
	{null_pointer_without_a_limit, NONE, 0, 0, NULL},
	{forks_double, VERDICT_FORK_STORM, VERDICT_LIKELY, 11, "256 at once"},
	{forks_double_and_execute, VERDICT_FORK_STORM, VERDICT_LIKELY, 11, "257 at once, 129 of them"},
	{subshells, NONE, 0, 0, NULL},
	{forks_of_one, NONE, 0, 0, NULL},
	{spins, VERDICT_SPIN, VERDICT_LIKELY, 11, "7.4 s of CPU"},
	{spins_and_ends, NONE, 0, 0, NULL},
	{computes_and_writes, NONE, 0, 0, NULL},
	{computes_and_sleeps, NONE, 0, 0, NULL},
	{spins_beside_work, VERDICT_SPIN, VERDICT_SUSPECTED, 11, "while other processes of its run used 5.0 s"},
	{waits_in_a_loop_for_work, VERDICT_SPIN, VERDICT_SUSPECTED, 11, "while other processes of its run used"},
	{waits_in_a_loop_for_bytes, VERDICT_SPIN, VERDICT_SUSPECTED, 11, "while other processes of its run used"},
	{spins_beside_a_heartbeat, VERDICT_SPIN, VERDICT_LIKELY, 11, "until it was ended from outside"},
	{leaks, VERDICT_LEAK, VERDICT_LIKELY, 11, "5.0 MiB/s"},
	{leaks_in_teeth, VERDICT_LEAK, VERDICT_LIKELY, 11, "and did not give it back, 2.5 MiB/s"},
	{takes_more_and_gives_it_back, NONE, 0, 0, NULL},
	{grows_by_phases, NONE, 0, 0, NULL},
	{calls_itself_and_grows, VERDICT_RECURSION, VERDICT_LIKELY, 11, "stack of 8.0 MiB"},
	{leaks_and_crashes, VERDICT_LEAK, VERDICT_LIKELY, 11, "MiB/s"},
	{leaks_and_fails_without_a_word, VERDICT_LEAK, VERDICT_LIKELY, 11, "MiB/s"},
	{keeps_results_for_its_time, VERDICT_LEAK, VERDICT_SUSPECTED, 11, "MiB/s"},
	{leaks_until_the_run_gives_up, VERDICT_LEAK, VERDICT_LIKELY, 11, "MiB/s"},
	{cache_that_fills, NONE, 0, 0, NULL},
	{garbage_collector, NONE, 0, 0, NULL},
	{loads_its_input, NONE, 0, 0, NULL},
	{reads_again_and_again, VERDICT_THRASH, VERDICT_LIKELY, 11, "2000/s"},
	{maps_its_index, NONE, 0, 0, NULL},
	{waits_for_a_disk, VERDICT_IO_BOUND, VERDICT_LIKELY, 11, "waited for I/O for about 95 %"},
	{waits_for_a_disk_and_for_a_cpu, VERDICT_IO_BOUND, VERDICT_LIKELY, 11,
	 "about 92 % of its 3.9 s, not counting 2.1 s"},
	{waits_for_a_disk_where_others_have_the_cpus, VERDICT_IO_BOUND, VERDICT_SUSPECTED, 11,
	 "of its 600 ms, not counting 5.4 s in which others had the CPUs"},
	{computes_where_others_have_the_cpus, NONE, 0, 0, NULL},
	{computes_and_waits_for_a_cpu, NONE, 0, 0, NULL},
	{waits_for_a_pipe, NONE, 0, 0, NULL},
	{many_threads, VERDICT_THROTTLED, VERDICT_PROVEN, 11, "12 threads"},
	{many_threads_on_few_cpus, VERDICT_THROTTLED, VERDICT_PROVEN, 11, "12 threads"},
	{threads_with_cpus, NONE, 0, 0, NULL},
	{threads_on_a_busy_machine, NONE, 0, 0, NULL},
	{ranks_on_one_cpu, VERDICT_THROTTLED, VERDICT_LIKELY, 11, "it may run on 1 of the run's 4 CPUs"},
	{ranks_on_all_cpus, NONE, 0, 0, NULL},
	{stopped_by_quota, VERDICT_THROTTLED, VERDICT_PROVEN, 11, "0.20 CPUs: it was throttled in 45 of 50 periods"},
	{stopped_by_quota_and_closed_after_its_parent, VERDICT_THROTTLED, VERDICT_PROVEN, 11,
	 "0.20 CPUs: it was throttled in 45 of 50 periods"},
	{never_reaches_its_quota, NONE, 0, 0, NULL},
	{many_share_a_quota, VERDICT_THROTTLED, VERDICT_PROVEN, ROOT,
	 "has descendants in a cgroup whose quota is 0.20 CPUs"},
	{a_loop_in_a_quota, VERDICT_THROTTLED, VERDICT_PROVEN, ROOT, "has descendants in a cgroup"},
	{beside_one_that_uses_the_quota, VERDICT_THROTTLED, VERDICT_PROVEN, 11, "ran in a cgroup whose quota"},
	{one_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 16, "took 8.9 s, the median of 7"},
	{one_is_slow_and_closed_after_its_parent, VERDICT_STRAGGLER, VERDICT_LIKELY, 18, "took 8.0 s, the median of 7"},
	{one_has_more, VERDICT_STRAGGLER, VERDICT_SUSPECTED, 16, "in the same proportion"},
	{one_maps_more, VERDICT_STRAGGLER, VERDICT_SUSPECTED, 18, "in the same proportion"},
	{one_maps_more_than_its_libraries, VERDICT_STRAGGLER, VERDICT_SUSPECTED, 18, "in the same proportion"},
	{one_maps_a_little_more_and_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 18, "the median of 7"},
	{one_maps_as_much_and_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 18, "took 8.0 s, the median of 7"},
	{a_monitor_that_its_script_ends, NONE, 0, 0, NULL},
	{a_worker_that_had_to_be_ended, VERDICT_STRAGGLER, VERDICT_LIKELY, 11, "took 8.0 s, the median of 8"},
	{one_solves_long, VERDICT_STRAGGLER, VERDICT_LIKELY, 34, "took 8.0 s, the median of 7 like it 499 ms"},
	{one_packs_long, VERDICT_STRAGGLER, VERDICT_LIKELY, 32, "took 8.0 s, the median of 7 like it 495 ms"},
	{one_name_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 15, "took 8.0 s, the median of 7 like it"},
	{one_name_of_many_programs_is_slow, NONE, 0, 0, NULL},
	{one_subcommand_is_slow, NONE, 0, 0, NULL},
	{two_names_differ, NONE, 0, 0, NULL},
	{all_alike, NONE, 0, 0, NULL},
	{one_command_is_another, NONE, 0, 0, NULL},
	{one_command_calls_another_script, NONE, 0, 0, NULL},
	{one_command_is_code_of_another_function, NONE, 0, 0, NULL},
	{one_command_makes_another_kind_of_file, NONE, 0, 0, NULL},
	{one_command_of_its_kind_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 17, "took 8.0 s, the median of 6"},
	{one_command_of_code_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 17, "took 8.0 s, the median of 6"},
	{one_coordinates_the_others, VERDICT_STRAGGLER, VERDICT_SUSPECTED, 11, "as what waits for them does"},
	{the_first_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 11, "took 12.0 s, the median of 8"},
	{one_compiles_more, VERDICT_STRAGGLER, VERDICT_SUSPECTED, 32,
	 "it read more than any of them; of its time it used a CPU for 5.0 s, its children included"},
	{one_compiles_as_much_and_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 32, "used a CPU for 5.0 s"},
	{one_waits_for_what_it_compiles, VERDICT_STRAGGLER, VERDICT_LIKELY, 32, "it waited for the rest"},
	{one_folder_is_slow, VERDICT_STRAGGLER, VERDICT_LIKELY, 14, "took 8.0 s, the median of 7"},
	{one_folder_of_scripts_is_slow, NONE, 0, 0, NULL},
	{one_named_folder_is_slow, NONE, 0, 0, NULL},
	{sleeps_of_different_lengths, NONE, 0, 0, NULL},
	{one_sleeps_longer_than_asked, VERDICT_STRAGGLER, VERDICT_LIKELY, 16, "took 9.0 s, the median of 7"},
	{a_queue, NONE, 0, 0, NULL},
	{only_ticks, VERDICT_HANG, VERDICT_SUSPECTED, 11,
	 "has got on with nothing for 7.8 s: its 19 threads woke 76 times and used 7.6 ms of CPU"},
	{ticks_and_ends, NONE, 0, 0, NULL},
	{ticks_and_is_ended_by_its_script, NONE, 0, 0, NULL},
	{ticks_and_reads, NONE, 0, 0, NULL},
	{ticks_beside_work, NONE, 0, 0, NULL},
	{ticks_for_a_child, NONE, 0, 0, NULL},
	{sleeps_in_a_loop, NONE, 0, 0, NULL},
	{waits_for_events, NONE, 0, 0, NULL},
	{polls_often, NONE, 0, 0, NULL},
	{tries_again_and_again, VERDICT_HANG, VERDICT_LIKELY, ROOT, "the same children again and again, 11 rounds in "},
	{tries_until_it_works, NONE, 0, 0, NULL},
	{tries_and_writes, NONE, 0, 0, NULL},
	{tries_and_keeps, NONE, 0, 0, NULL},
	{nine_programs_a_round, VERDICT_HANG, VERDICT_LIKELY, ROOT, ", 11 rounds in "},
	{twenty_programs_a_round, NONE, 0, 0, NULL},
	{numbered_items, NONE, 0, 0, NULL},
	{other_input_each_time, NONE, 0, 0, NULL},
	{numbered_items_that_compute_and_find_nothing, NONE, 0, 0, NULL},
	{polls_without_a_failure, VERDICT_HANG, VERDICT_LIKELY, ROOT, " ended with 0 each time"},
	{writes_without_a_failure, VERDICT_HANG, VERDICT_SUSPECTED, ROOT, "they wrote 2.3 KiB"},
	{fails_with_the_number_of_the_attempt, VERDICT_HANG, VERDICT_LIKELY, ROOT, "the same child 12 times in "},
	{killed_while_it_wrote, VERDICT_OUTLIVED, VERDICT_PROVEN, 11, "was ended by SIGKILL"},
	{ended_after_the_run, NONE, 0, 0, NULL},
	{writes_and_is_left, VERDICT_OUTLIVED, VERDICT_LIKELY, 12, "and went on when the recording ended"},
	{serves_and_is_left, NONE, 0, 0, NULL},
	{a_daemon_is_left, NONE, 0, 0, NULL},
	{writes_in_a_container, VERDICT_OUTLIVED, VERDICT_PROVEN, 12,
	 "was killed when PID 1 of its container ended 0, while it wrote: 40 B in the last 1.0 s"},
	{computes_in_a_container, VERDICT_OUTLIVED, VERDICT_PROVEN, 12,
	 "while it ran, without a wait in the last 1.0 s"},
	{container_fails, NONE, 0, 0, NULL},
	{sleeps_in_a_container, NONE, 0, 0, NULL},
	{serves_in_a_container, NONE, 0, 0, NULL},
	{copies_in_a_container, NONE, 0, 0, NULL},
};
#define COUNT (sizeof(cases) / sizeof(*cases))

static struct judged *begin_judged(const char *const *with)
{
	static const struct model_calls calls = {
		.row = judged_row, .hidden = judged_hidden, .retried = judged_retried, .ignored = judged_ignored};
	struct judged *j = calloc(1, sizeof(*j));

	assert_non_null(j);
	judging = j;
	j->steps = only_exits();
	made__init(&j->made, "run-1", judged_record, j);
	made__own_io(&j->made);
	j->model = model__new(&calls, j, j->steps);
	j->verdicts = verdicts__new();
	assert_true(j->model && j->verdicts);
	verdicts__of_model(j->verdicts, j->model);
	for (int i = 0; i < STREAMS; i++) {
		j->made.info[i].verdicts = with;
		assert_int_equal(verdicts__stream(j->verdicts, &j->made.info[i]), 0);
		assert_int_equal(model__stream(j->model, &j->made.info[i]), 0);
	}
	EXEC(.at = 1 * MS, .pid = ROOT, .exe = "/bin/first", .args = "first|");
	return j;
}

static void finish(struct judged *j, enum stream_life life)
{
	struct stream_state state = {.complete = life == STREAM_ENDED, .life = life};

	assert_int_equal(j->made.err, 0);
	for (int i = 0; i < STREAMS; i++)
		model__ended(j->model, &j->made.info[i], &state);
	assert_int_equal(verdicts__settle(j->verdicts), 0);
	assert_int_equal(model__finish(j->model), 0);
	assert_int_equal(verdicts__finish(j->verdicts), 0);
}

static void end_judged(struct judged *j)
{
	verdicts__free(j->verdicts);
	model__free(j->model);
	steps__free(j->steps);
	made__free(&j->made);
	free(j);
}

static void check(size_t i, const struct judged *j)
{
	const struct verdict *v = verdicts__count(j->verdicts) ? verdicts__get(j->verdicts, 0) : NULL;

	if (verdicts__count(j->verdicts) != (cases[i].kind != NONE))
		fail_msg("case %zu: %zu verdicts: %s", i, verdicts__count(j->verdicts), v ? v->evidence : "");
	if (!v)
		return;
	if (v->kind != cases[i].kind || v->certainty != cases[i].certainty || v->pid != cases[i].pid)
		fail_msg("case %zu: %s %s of %u: %s", i, verdict_certainty__name(v->certainty),
			 verdict_kind__name(v->kind), v->pid, v->evidence);
	if (!strstr(v->evidence, cases[i].evidence))
		fail_msg("case %zu: \"%s\" is not in: %s", i, cases[i].evidence, v->evidence);
	assert_true(v->refute && v->next && v->command);
}

static void judge_all(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		struct judged *j = begin_judged(limits);

		cases[i].make();
		finish(j, STREAM_ENDED);
		check(i, j);
		end_judged(j);
	}
}

static void faults_are_named_and_what_looks_like_them_is_not(void **state)
{
	(void)state;
	judge_all();
}

static void no_verdict_depends_on_a_name(void **state)
{
	(void)state;
	renamed = true;
	judge_all();
	renamed = false;
}

/* make check: the driver of a test ends with 0, and what counts them up fails. */
static void what_the_run_failed_by_is_not_hidden(void **state)
{
	(void)state;
	for (int failed = 0; failed < 2; failed++) {
		struct judged *j = begin_judged(limits);

		start(1 * S, 11, ROOT, "driver", "t|");
		start(1 * S, 12, 11, "t", "");
		over(2 * S, 12, 11, 1);
		over(2 * S, 11, ROOT, 0);
		start(3 * S, 13, ROOT, "sh", "-c|am__color_tests=no; grep :test-result: t.trs|");
		over(4 * S, 13, ROOT, failed);
		over(5 * S, ROOT, 0, failed);
		finish(j, STREAM_ENDED);
		assert_int_equal(verdicts__count(j->verdicts), !failed);
		end_judged(j);
	}
}

/* While the state lasts, only a suspicion. */
static void certainty_changes_with_time(void **state)
{
	struct judged *j = begin_judged(limits);

	(void)state;
	computes(0, 0);
	finish(j, STREAM_RUNNING);
	assert_int_equal(verdicts__count(j->verdicts), 1);
	assert_int_equal(verdicts__get(j->verdicts, 0)->certainty, VERDICT_SUSPECTED);
	assert_true(EVENT_IS_NULL(verdicts__get(j->verdicts, 0)->ended_ns));
	end_judged(j);
}

/* What has grown for as long as many healthy programs do is only named while it lasts if it goes on and on, or if its limit is
 * near. */
static void a_leak_is_likely_when_it_has_lasted(void **state)
{
	static const struct {
		uint64_t samples, slow; /* each 200 ms; from this one on it grows by less */
		uint64_t limit;
		enum verdict_certainty certainty;
	} at[] = {
		{50, 99, 0, VERDICT_SUSPECTED},	    {50, 99, 1024 * MIB, VERDICT_SUSPECTED},
		{50, 99, 90 * MIB, VERDICT_LIKELY}, {90, 99, 0, VERDICT_LIKELY},
		{90, 50, 0, VERDICT_SUSPECTED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct judged *j = begin_judged(limits);
		uint64_t bytes = 10 * MIB;

		start(1 * S, 11, ROOT, "ingest", "b|");
		TOTAL_READ(.at = 1100 * MS, .pid = 11, .processes = 1, .read = 1, .bytes = bytes,
			   .memory_limit = at[i].limit);
		for (uint64_t k = 1; k <= at[i].samples; k++) {
			bytes += k < at[i].slow ? MIB : MIB / 4;
			MEM_SAMPLED(.at = 1 * S + k * 200 * MS, .pid = 11, .bytes = bytes);
		}
		finish(j, STREAM_RUNNING);
		assert_int_equal(verdicts__count(j->verdicts), 1);
		assert_int_equal(verdicts__get(j->verdicts, 0)->kind, VERDICT_LEAK);
		if (verdicts__get(j->verdicts, 0)->certainty != at[i].certainty)
			fail_msg("%zu: %s", i, verdicts__get(j->verdicts, 0)->evidence);
		end_judged(j);
	}
}

/* The limits are those of the run's header; without them the defaults hold. */
static void limits_are_the_runs(void **state)
{
	static const char *const ignoring[] = {"after=2s", "ignore=spin", "ignore=leak:other", NULL};
	struct judged *j = begin_judged(NULL);

	(void)state;
	spins();
	finish(j, STREAM_ENDED);
	assert_int_equal(verdicts__count(j->verdicts), 0);
	end_judged(j);

	j = begin_judged(ignoring);
	spins();
	finish(j, STREAM_ENDED);
	assert_int_equal(verdicts__count(j->verdicts), 1);
	assert_true(verdicts__get(j->verdicts, 0)->muted);
	end_judged(j);
}

/* By the defaults: long before the 60 s of other kinds, if it is stopped in most periods. */
static void a_quota_that_stops_often_is_told_soon(void **state)
{
	static const struct {
		uint64_t cpu, throttled; /* a second of ten periods */
		size_t verdicts;
	} made[] = {{195 * MS, 9, 1}, {195 * MS, 4, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		struct judged *j = begin_judged(NULL);

		one_in_quota(made[i].cpu, made[i].throttled);
		finish(j, STREAM_ENDED);
		assert_int_equal(verdicts__count(j->verdicts), made[i].verdicts);
		end_judged(j);
	}
}

/* One sample is enough where all that its cgroup has counted was in its life. */
static void a_quota_that_stops_a_short_program(void **state)
{
	static const struct {
		uint64_t cpu, periods, throttled;
		size_t verdicts;
	} made[] = {
		{900 * MS, 10, 9, 1},	  {900 * MS, 10, 4, 0}, /* the quota is a CPU */
		{100 * MS, 10, 9, 0},				/* others in it use it up */
		{900 * MS, 1000, 900, 0},			/* before its life */
		{900 * MS, 4, 4, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		struct judged *j = begin_judged(NULL);

		start(1 * S, 11, ROOT, "align", "");
		CPU_SAMPLED(.at = 2 * S, .pid = 11, .cpu = made[i].cpu, .quota = 100 * MS, .periods = made[i].periods,
			    .throttled = made[i].throttled, .quota_cgroup = 7);
		END(.at = 2 * S + 100 * MS, .pid = 11, .parent = ROOT, .cpu = made[i].cpu, .bytes = MIB);
		IO_CLOSED(.at = 2 * S + 100 * MS, .pid = 11, .chars = 1);
		over(2 * S + 200 * MS, ROOT, 0, 0);
		finish(j, STREAM_ENDED);
		if (verdicts__count(j->verdicts) != made[i].verdicts)
			fail_msg("case %zu: %zu", i, verdicts__count(j->verdicts));
		end_judged(j);
	}
}

/* A script that ended as the grep that it ran last, or by a code of its own. */
static void a_script_that_ends_with_an_answer(void **state)
{
	static const int statuses[] = {1, 3};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct judged *j = begin_judged(NULL);

		start(1 * S, 11, ROOT, "sh", "./has.sh|");
		start(1 * S + 2 * MS, 12, 11, "grep", "-q|x|f|");
		over(2 * S, 12, 11, 1);
		over(2 * S + 10 * MS, 11, ROOT, statuses[i]);
		over(3 * S, ROOT, 0, 0);
		finish(j, STREAM_ENDED);
		assert_int_equal(verdicts__count(j->verdicts), 1);
		assert_int_equal(verdicts__get(j->verdicts, 0)->pid, 11);
		assert_int_equal(verdicts__get(j->verdicts, 0)->certainty,
				 statuses[i] == 1 ? VERDICT_SUSPECTED : VERDICT_PROVEN);
		end_judged(j);
	}
}

/* That the time was up may be meant; what ends by the same code before that has failed. */
static void a_timeout_may_be_meant(void **state)
{
	static const char *const args[] = {"3|search|", "300|search|", "3|search|"};
	static const enum verdict_certainty certainties[] = {VERDICT_SUSPECTED, VERDICT_PROVEN, VERDICT_LIKELY};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct judged *j = begin_judged(NULL);

		start(1 * S, 11, ROOT, "timeout", args[i]);
		if (i == 2) /* in a pipe */
			start(1 * S + MS, 12, ROOT, "sort", "");
		over(4 * S + 2 * MS, 11, ROOT, 124);
		if (i == 2)
			over(4 * S + 3 * MS, 12, ROOT, 0);
		over(5 * S, ROOT, 0, 0);
		finish(j, STREAM_ENDED);
		assert_int_equal(verdicts__count(j->verdicts), 1);
		assert_int_equal(verdicts__get(j->verdicts, 0)->certainty, certainties[i]);
		end_judged(j);
	}
}

#define LATER 8 /* runs after the first one */

/* A merge numbers runs as it meets their streams, whichever began first. */
static void runs_begin_in_any_order(void **state)
{
	static const char *const ids[LATER] = {"run-2", "run-3", "run-4", "run-5", "run-6", "run-7", "run-8", "run-9"};
	static struct made others[LATER];
	struct judged *j = begin_judged(NULL);

	(void)state;
	for (uint32_t k = 0; k < LATER; k++) {
		made__init(&others[k], ids[k], judged_record, j);
		made__own_io(&others[k]);
		for (uint32_t i = 0; i < STREAMS; i++) {
			others[k].info[i].index = (k + 1) * STREAMS + i;
			assert_int_equal(verdicts__stream(j->verdicts, &others[k].info[i]), 0);
			assert_int_equal(model__stream(j->model, &others[k].info[i]), 0);
		}
	}
	for (uint32_t k = LATER; k--;)
		EXEC(.of = &others[k], .at = 2 * S - k, .pid = ROOT, .exe = "/bin/first", .args = "first|");
	for (uint32_t k = LATER; k--;) {
		OOM_KILL(.of = &others[k], .at = 3 * S, .pid = ROOT, .bytes = 96 * MIB);
		END(.of = &others[k], .at = 3 * S, .pid = ROOT, .signal = 9, .cpu = 1 * MS, .bytes = MIB);
		assert_int_equal(others[k].err, 0);
	}
	finish(j, STREAM_ENDED);
	assert_int_equal(verdicts__count(j->verdicts), LATER);
	for (uint32_t k = 0; k < LATER; k++)
		made__free(&others[k]);
	end_judged(j);
}

/* The kernel closed the accounts late: a probe that lists zombies has none of them. */
static void what_is_not_listed_is_no_zombie(void **state)
{
	struct stream_event events[SCHEMA_KIND_BASE + 1] = {[SCHEMA_KIND_BASE] = {.name = "zombie", .stream = "stall"}};
	struct judged *j = begin_judged(limits);
	struct stream_info info = j->made.info[LIFECYCLE];

	(void)state;
	info.stream = "stall";
	info.index = STREAMS;
	info.events = events;
	info.events_count = SCHEMA_KIND_BASE + 1;
	assert_int_equal(verdicts__stream(j->verdicts, &info), 0);
	not_waited_for();
	finish(j, STREAM_ENDED);
	assert_int_equal(verdicts__count(j->verdicts), 0);
	end_judged(j);
}

/* What to do depends on the error, and on whether it was called by its path. */
static void the_remedy_is_that_of_the_error(void **state)
{
	static const struct {
		int error, code;
		const char *args, *next;
	} made[] = {
		{ENOENT, 127, "samtoolz|view|", "PATH"},
		{ENOENT, 127, "./trim.sh|x/y|", "whether that file exists"},
		{ENOENT, 127, "python3\r|/w/trim.py|", "without a CR"},
		{EACCES, 126, "./noexec.sh|", "chmod +x"},
		{ENOEXEC, 126, "./aligner|-t|2|", "another CPU"},
		{E2BIG, 126, "gzip|", "xargs"},
		{ELOOP, 126, "./loop|", "execve"},
		{0, 127, NULL, "PATH"}, /* of a shell's fork, which looked for it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		struct judged *j = begin_judged(limits);

		FORK(.at = 1 * S, .pid = 11, .parent = ROOT, .comm = "f");
		if (made[i].error)
			EXEC_FAILED(.at = 1 * S, .pid = 11, .exe = "/bin/x", .args = made[i].args,
				    .error = made[i].error);
		over(2 * S, 11, ROOT, made[i].code);
		over(3 * S, ROOT, 0, 1);
		finish(j, STREAM_ENDED);
		assert_int_equal(verdicts__count(j->verdicts), 1);
		if (!strstr(verdicts__get(j->verdicts, 0)->next, made[i].next))
			fail_msg("case %zu: %s", i, verdicts__get(j->verdicts, 0)->next);
		end_judged(j);
	}
}

/* Mann and Kendall's z of 16 values, without a correction. */
static double plain_z(const double *values, int *up)
{
	int sum = 0;

	*up = 0;
	for (int i = 0; i < 16; i++)
		for (int k = i + 1; k < 16; k++)
			sum += (values[k] > values[i]) - (values[k] < values[i]);
	for (int i = 1; i < 16; i++)
		*up += values[i] > values[i - 1];
	return (sum - (sum > 0) + (sum < 0)) / sqrt(16 * 15 * 37 / 18.0);
}

/* Each value of an AR(1) series depends on the one before: the plain test sees trends in many of them, the corrected one in
 * fewer, and next to none grows in four of five steps too. */
static void trends_of_series_that_depend_on_themselves(void **state)
{
	int found = 0, plain = 0, leaks_found = 0, up;
	uint64_t random = 42;

	(void)state;
	for (int series = 0; series < 400; series++) {
		double values[16], value = 0;

		for (int i = 0; i < 16; i++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			value = 0.7 * value + ((double)(random >> 40) / (1 << 24) - 0.5);
			values[i] = value;
		}
		plain += plain_z(values, &up) > 1.96;
		found += trend__z(values, 16) > 1.96;
		leaks_found += trend__z(values, 16) > 1.96 && up >= 12;
	}
	if (found >= plain || leaks_found > 4)
		fail_msg("%d of 400, %d without the correction, %d leaks", found, plain, leaks_found);
	for (int i = 0; i < 2; i++) {
		double values[16];

		for (int k = 0; k < 16; k++)
			values[k] = i ? 5 : 10 + 3.0 * k;
		assert_int_equal(trend__z(values, 16) > 1.96, !i);
		assert_true(fabs(trend__slope(values, 16) - (i ? 0 : 3)) < 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_named_and_what_looks_like_them_is_not),
		cmocka_unit_test(no_verdict_depends_on_a_name),
		cmocka_unit_test(what_the_run_failed_by_is_not_hidden),
		cmocka_unit_test(certainty_changes_with_time),
		cmocka_unit_test(a_leak_is_likely_when_it_has_lasted),
		cmocka_unit_test(limits_are_the_runs),
		cmocka_unit_test(a_quota_that_stops_often_is_told_soon),
		cmocka_unit_test(a_quota_that_stops_a_short_program),
		cmocka_unit_test(a_script_that_ends_with_an_answer),
		cmocka_unit_test(a_timeout_may_be_meant),
		cmocka_unit_test(runs_begin_in_any_order),
		cmocka_unit_test(what_is_not_listed_is_no_zombie),
		cmocka_unit_test(the_remedy_is_that_of_the_error),
		cmocka_unit_test(trends_of_series_that_depend_on_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
