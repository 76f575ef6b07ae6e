/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the run that standard input describes, a record a line, times in ms:
 *
 *	fork TS PID PPID COMM | exec TS PID ARGV0 ARGV1... | alive TS PID ARGV0... | exit TS PID STATUS
 *	cpu TS PID MS | cpu_exit TS PID MS | mem TS PID MIB | mem_exit TS PID MIB | io TS PID MIB | io_exit TS PID MIB |
 *	oom TS PID MIB | lost TS STREAM COUNT | uid TS PID UID (of later execs)
 *
 * to the folder of its argument; without the stream io, unless another argument follows. A process starts at its fork,
 * one without at the boot; a STATUS below zero is a signal. */
#include <stdio.h>

#include "tests/made/made.h"

#define PIDS 1000
#define MIB 1048576ULL
#define BASE (1000 * S)

static uint32_t uid;

/* The words of a line after PID, as made_args has lists: each ended by '|'. */
static void exec(const char *what, uint64_t at, uint32_t pid, uint32_t parent, char *rest)
{
	char args[8192], exe[64];

	snprintf(args, sizeof(args), "%s|", rest);
	snprintf(exe, sizeof(exe), "%.*s", (int)strcspn(rest, " "), rest);
	for (char *c = args; *c; c++)
		*c = *c == ' ' ? '|' : *c;
	if (*what == 'e')
		EXEC(.at = at, .pid = pid, .parent = parent, .uid = uid, .exe = exe, .args = args, .cwd = "/");
	else
		ALIVE(.at = at, .pid = pid, .parent = parent, .exe = exe, .args = args, .cwd = "/");
}

static int stream_of(const char *name)
{
	for (int i = 0; i < STREAMS; i++)
		if (!strcmp(name, made_streams[i].name))
			return i;
	abort();
}

static void take_line(const char *what, uint64_t at, const char *who, char *rest)
{
	static uint32_t parents[PIDS];
	static char comms[PIDS][EVENT_COMM];
	uint64_t value = strtoull(rest, NULL, 10);
	uint32_t pid = (uint32_t)atoi(who), parent = parents[pid];
	int status = atoi(rest);

	if (!strcmp(what, "fork")) {
		if (sscanf(rest, "%u %15s", &parents[pid], comms[pid]) != 2)
			abort();
		FORK(.at = at, .pid = pid, .parent = parents[pid], .comm = comms[pid]);
	} else if (!strcmp(what, "exec") || !strcmp(what, "alive")) {
		exec(what, at, pid, parent, rest);
	} else if (!strcmp(what, "exit")) {
		EXIT(.at = at, .pid = pid, .parent = parent, .comm = "x", STATUS(status));
	} else if (!strcmp(what, "cpu")) {
		CPU_SAMPLED(.at = at, .pid = pid, .cpu = value * MS);
	} else if (!strcmp(what, "cpu_exit")) {
		CPU_CLOSED(.at = at, .pid = pid, .cpu = value * MS);
	} else if (!strcmp(what, "mem")) {
		MEM_SAMPLED(.at = at, .pid = pid, .bytes = value * MIB);
	} else if (!strcmp(what, "mem_exit")) {
		MEM_LAST(.at = at, .pid = pid, .bytes = value * MIB);
	} else if (!strcmp(what, "oom")) {
		OOM_KILL(.at = at, .pid = pid, .bytes = value * MIB);
	} else if (!strcmp(what, "io")) {
		IO_SAMPLED(.at = at, .pid = pid, .chars = value * MIB);
	} else if (!strcmp(what, "io_exit")) {
		IO_CLOSED(.at = at, .pid = pid, .chars = value * MIB);
	} else if (!strcmp(what, "uid")) {
		uid = value;
	} else if (!strcmp(what, "lost")) {
		LOST(.at = at, .stream = stream_of(who), .count = value, .since = at, .cause = "ring_full");
	} else {
		abort();
	}
}

int main(int argc, char **argv)
{
	static struct made made;
	char line[8192], what[16], who[16];
	unsigned long long ms;
	int at;

	made__init(&made, "scripted", NULL, NULL);
	if (argc < 2 || made__open(&made, argv[1], argc > 2 ? STREAMS : IO))
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%15s %llu %15s %n", what, &ms, who, &at) == 3)
			take_line(what, BASE + ms * MS, who, line + at);
	}
	return made__free(&made) != 0;
}
