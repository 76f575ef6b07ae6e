/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the run that standard input describes, a record a line, times in ms:
 *
 *	fork TS PID PPID COMM | exec TS PID ARGV0 ARGV1... | alive TS PID ARGV0... | exit TS PID STATUS
 *	cpu TS PID MS | cpu_exit TS PID MS | mem TS PID MIB | mem_exit TS PID MIB | lost TS STREAM COUNT
 *
 * to the folder of its argument. A process starts at its fork, one without at the boot; a STATUS
 * below zero is a signal. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/unit/model_events.h"

#define PIDS 1000
#define MIB 1048576ULL
#define BASE (1000 * S)

struct maker {
	struct stream_writer *writers[STREAMS];
	struct made_fork forks[PIDS]; /* as each pid began */
};

static void put(struct maker *m, int stream, uint32_t kind, uint64_t ts, uint32_t pid, struct event *head, size_t size)
{
	head->ts = ts;
	head->start = m->forks[pid].head.start;
	head->pid = head->tid = pid;
	head->run = 1;
	head->kind = (uint16_t)kind;
	if (stream_writer__event(m->writers[stream], head, size))
		abort();
}

static void take_fork(struct maker *m, uint64_t ts, uint32_t pid, const char *rest)
{
	struct made_fork *fork = &m->forks[pid];
	unsigned ppid;

	*fork = (struct made_fork){.head.start = ts};
	if (sscanf(rest, "%u %15s", &ppid, fork->comm) != 2)
		abort();
	fork->ppid = ppid;
	fork->parent_start = m->forks[ppid].head.start;
	put(m, LIFECYCLE, FORK, ts, pid, &fork->head, sizeof(*fork));
}

static void take_exec(struct maker *m, uint32_t kind, uint64_t ts, uint32_t pid, const char *rest)
{
	struct made_exec event = {.ppid = m->forks[pid].ppid, .parent_start = m->forks[pid].parent_start, .uid = 1000};
	size_t base = offsetof(struct made_exec, tail), n = strcspn(rest, " "), length = strlen(rest);

	memcpy(event.tail, rest, n);
	memcpy(event.tail + n, rest, length);
	memcpy(event.comm, rest, n < EVENT_COMM - 1 ? n : EVENT_COMM - 1);
	for (size_t i = n; i < n + length; i++)
		event.tail[i] = event.tail[i] == ' ' ? '\0' : event.tail[i];
	event.tail[n + length + 1] = '/';
	event.exe = (struct event_string){base, n, 0};
	event.args = (struct event_list){base + n, length + 1, 0};
	event.cwd = (struct event_string){base + n + length + 1, 1, 0};
	put(m, LIFECYCLE, kind, ts, pid, &event.head, sizeof(event));
}

static void take_exit(struct maker *m, uint64_t ts, uint32_t pid, int status)
{
	struct made_exit event = {.ppid = m->forks[pid].ppid, .parent_start = m->forks[pid].parent_start, .comm = "x"};

	event.exit_code = status < 0 ? EVENT_NULL(EVENT_REASON_NONE) : (__u64)status;
	event.signal = status < 0 ? (__u64)-status : EVENT_NULL(EVENT_REASON_NONE);
	put(m, LIFECYCLE, EXIT, ts, pid, &event.head, sizeof(event));
}

static void take_line(struct maker *m, const char *what, uint64_t ts, const char *who, const char *rest)
{
	uint64_t value = strtoull(rest, NULL, 10);
	struct made_cpu cpu = {{0}, value * MS, value * MS, 0, true};
	struct made_mem mem = {{0}, "x", value * MIB, value * MIB};
	uint32_t pid = (uint32_t)atoi(who);

	if (!strcmp(what, "fork"))
		take_fork(m, ts, pid, rest);
	else if (!strcmp(what, "exec") || !strcmp(what, "alive"))
		take_exec(m, *what == 'e' ? EXEC : ALIVE, ts, pid, rest);
	else if (!strcmp(what, "exit"))
		take_exit(m, ts, pid, atoi(rest));
	else if (!strncmp(what, "cpu", 3))
		put(m, CPU, what[3] ? END : SAMPLE, ts, pid, &cpu.head, sizeof(cpu));
	else if (!strncmp(what, "mem", 3))
		put(m, MEM, what[3] ? END : SAMPLE, ts, pid, &mem.head, sizeof(mem));
	for (int i = 0; !strcmp(what, "lost") && i < STREAMS; i++)
		if (!strcmp(who, made_streams[i].name) &&
		    stream_writer__lost(m->writers[i], value, ts, -1, "ring_full"))
			abort();
}

int main(int argc, char **argv)
{
	static const size_t sizes[STREAMS][MADE_KINDS] = {
		{sizeof(struct made_fork), sizeof(struct made_exec), sizeof(struct made_exec), sizeof(struct made_exit),
		 sizeof(struct made_exec_failed)},
		{sizeof(struct made_cpu), sizeof(struct made_cpu)},
		{sizeof(struct made_mem), sizeof(struct made_mem), sizeof(struct made_mem)},
	};
	static struct schema_event events[STREAMS][MADE_KINDS];
	static struct maker m;
	char line[4096], what[16], who[16];
	unsigned long long ms;
	int dir, at;

	if (argc != 2 || mkdir(argv[1], 0755) || (dir = open(argv[1], O_RDONLY | O_DIRECTORY)) < 0)
		return 2;
	for (int i = 0; i < IO; i++) {
		struct stream_writer_opts opts = {
			.stream = made_streams[i].name, .help = "", .events = events[i], .abi = 1};

		for (; opts.events_count < MADE_KINDS && sizes[i][opts.events_count]; opts.events_count++) {
			struct schema_event *event = &events[i][opts.events_count];

			*event = made_streams[i].events[opts.events_count];
			event->help = "";
			event->size = sizes[i][opts.events_count];
		}
		opts.run = (struct stream_run){.id = strrchr(argv[1], '/') + 1, .name = "told", .number = 1};
		if (stream_writer__open(&m.writers[i], dir, &opts))
			return 1;
	}
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%15s %llu %15s %n", what, &ms, who, &at) == 3)
			take_line(&m, what, BASE + ms * MS, who, line + at);
	}
	for (int i = 0; i < IO; i++)
		if (stream_writer__close(m.writers[i]))
			return 1;
	return 0;
}
