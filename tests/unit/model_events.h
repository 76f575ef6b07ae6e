/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of lifecycle, cpu, mem and io made by hand, for tests of what sits on sinks/model. They are packed
 * and read back by core/record, so that a test meets what a merge would hand out. */
#ifndef TESTS_UNIT_MODEL_EVENTS_H
#define TESTS_UNIT_MODEL_EVENTS_H

#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "core/stream.h"

#define MS 1000000ULL
#define S 1000000000ULL

struct made_fork {
	struct event head;
	__u32 ppid;
	__u64 parent_start;
	char comm[EVENT_COMM];
};
struct made_exec {
	struct event head;
	__u32 ppid;
	__u64 parent_start;
	char comm[EVENT_COMM];
	struct event_string exe;
	struct event_list args;
	struct event_string cwd;
	__u32 uid;
	struct event_map env;
	char tail[4096];
};
struct made_exec_failed {
	struct event head;
	struct event_string exe;
	char error[EVENT_COMM];
	char tail[64];
};
struct made_exit {
	struct event head;
	__u32 ppid;
	__u64 parent_start;
	char comm[EVENT_COMM];
	__u64 exit_code, signal;
	char signal_name[EVENT_COMM];
	_Bool core_dumped;
};
struct made_cpu {
	struct event head;
	__u64 cpu_ns, user_ns, system_ns;
	_Bool final;
};
struct made_mem {
	struct event head;
	char comm[EVENT_COMM];
	__u64 rss_bytes, peak_rss_bytes;
};
struct made_io {
	struct event head;
	__u64 read_chars, write_chars, read_syscalls, write_syscalls, read_bytes, write_bytes;
	__u64 cancelled_write_bytes;
	_Bool final;
};

enum { FORK, EXEC, ALIVE, EXIT, EXEC_FAILED }; /* kinds of lifecycle */
enum { SAMPLE, END, OOM_KILL };		       /* kinds of cpu, mem and io */
enum { LIFECYCLE, CPU, MEM, IO, STREAMS };

static const struct schema_field made_fork_fields[] = {
	FIELD(struct made_fork, ppid, NULL, ""),
	FIELD(struct made_fork, parent_start, "ns", ""),
	FIELD(struct made_fork, comm, NULL, ""),
	{0},
};
static const struct schema_field made_exec_fields[] = {
	FIELD(struct made_exec, ppid, NULL, ""),
	FIELD(struct made_exec, parent_start, "ns", ""),
	FIELD(struct made_exec, comm, NULL, ""),
	FIELD(struct made_exec, exe, NULL, ""),
	FIELD(struct made_exec, args, NULL, ""),
	FIELD(struct made_exec, cwd, NULL, ""),
	FIELD(struct made_exec, uid, NULL, ""),
	FIELD(struct made_exec, env, NULL, ""),
	{0},
};
static const struct schema_field made_exec_failed_fields[] = {
	FIELD(struct made_exec_failed, exe, NULL, ""),
	FIELD(struct made_exec_failed, error, NULL, ""),
	{0},
};
static const struct schema_field made_exit_fields[] = {
	FIELD(struct made_exit, ppid, NULL, ""),	FIELD(struct made_exit, parent_start, "ns", ""),
	FIELD(struct made_exit, comm, NULL, ""),	FIELD(struct made_exit, exit_code, NULL, ""),
	FIELD(struct made_exit, signal, NULL, ""),	FIELD(struct made_exit, signal_name, NULL, ""),
	FIELD(struct made_exit, core_dumped, NULL, ""), {0},
};
static const struct schema_field made_cpu_fields[] = {
	FIELD(struct made_cpu, cpu_ns, "ns", ""),
	FIELD(struct made_cpu, user_ns, "ns", ""),
	FIELD(struct made_cpu, system_ns, "ns", ""),
	FIELD(struct made_cpu, final, NULL, ""),
	{0},
};
static const struct schema_field made_mem_fields[] = {
	FIELD(struct made_mem, comm, NULL, ""),
	FIELD(struct made_mem, rss_bytes, "bytes", ""),
	FIELD(struct made_mem, peak_rss_bytes, "bytes", ""),
	{0},
};
static const struct schema_field made_io_fields[] = {
	FIELD(struct made_io, read_chars, "bytes", ""),
	FIELD(struct made_io, write_chars, "bytes", ""),
	FIELD(struct made_io, read_syscalls, NULL, ""),
	FIELD(struct made_io, write_syscalls, NULL, ""),
	FIELD(struct made_io, read_bytes, "bytes", ""),
	FIELD(struct made_io, write_bytes, "bytes", ""),
	FIELD(struct made_io, cancelled_write_bytes, "bytes", ""),
	FIELD(struct made_io, final, NULL, ""),
	{0},
};

#define MADE_KINDS 5

static const struct made_stream {
	const char *name;
	struct schema_event events[MADE_KINDS];
} made_streams[STREAMS] = {
	[LIFECYCLE] = {"lifecycle",
		       {[FORK] = {.name = "fork", .fields = made_fork_fields},
			[EXEC] = {.name = "exec", .fields = made_exec_fields},
			[ALIVE] = {.name = "alive", .fields = made_exec_fields},
			[EXIT] = {.name = "exit", .fields = made_exit_fields},
			[EXEC_FAILED] = {.name = "exec_failed", .fields = made_exec_failed_fields}}},
	[CPU] = {"cpu",
		 {[SAMPLE] = {.name = "sample", .fields = made_cpu_fields},
		  [END] = {.name = "exit", .fields = made_cpu_fields}}},
	[MEM] = {"mem",
		 {[SAMPLE] = {.name = "sample", .fields = made_mem_fields},
		  [END] = {.name = "exit", .fields = made_mem_fields},
		  [OOM_KILL] = {.name = "oom_kill", .fields = made_mem_fields}}},
	[IO] = {"io",
		{[SAMPLE] = {.name = "sample", .fields = made_io_fields},
		 [END] = {.name = "exit", .fields = made_io_fields}}},
};

typedef int (*made_take)(void *arg, const struct record *record);

/* A run whose records go to `take` as they are made. A process that started at T ns has start T. */
struct made {
	struct stream_info info[STREAMS];
	struct stream_event events[STREAMS][SCHEMA_KIND_BASE + MADE_KINDS];
	struct stream_field fields[STREAMS][SCHEMA_KIND_BASE + MADE_KINDS][10];
	made_take take;
	void *arg;
	struct buffer buffer;
	uint64_t seq;
	const char *cwd, *env; /* of the programs to come; NULL: "/", none. env: NAME=VALUE| each */
	int err;	       /* first that `take` returned */
};

static inline void made__event(struct made *made, int stream, uint32_t kind, const struct schema_event *schema,
			       const char *name)
{
	struct stream_event *event = &made->events[stream][kind];

	*event = (struct stream_event){schema->name, "", name, 0, made->fields[stream][kind]};
	for (const struct schema_field *field = schema->fields; field && field->name; field++)
		event->fields[event->fields_count++] =
			(struct stream_field){field->name, field->unit, field->help, field->type};
}

static inline void made__init(struct made *made, const char *id, made_take take, void *arg)
{
	static const char *const none[] = {NULL};
	static const char *const command[] = {"./pipeline.sh", "--input", "samples.csv", NULL};

	memset(made, 0, sizeof(*made));
	made->take = take;
	made->arg = arg;
	for (int i = 0; i < STREAMS; i++) {
		made->info[i] = (struct stream_info){
			.path = made_streams[i].name,
			.index = (uint32_t)i,
			.stream = made_streams[i].name,
			.host = "node7",
			.boot_id = "b0",
			.run = {.id = id, .name = "variant-calling", .number = 1, .command = command},
			.interval_ns = i == LIFECYCLE ? 0 : S,
			.unavailable = none,
			.events_count = SCHEMA_KIND_BASE + MADE_KINDS,
			.events = made->events[i],
		};
		made__event(made, i, RECORD_LOST, &record_control[RECORD_LOST], "core");
		for (uint32_t k = 0; k < MADE_KINDS; k++)
			made__event(made, i, SCHEMA_KIND_BASE + k, &made_streams[i].events[k], made_streams[i].name);
	}
}

static inline void made__free(struct made *made)
{
	buffer__free(&made->buffer);
}

static inline void made__send(struct made *made, int stream, uint32_t kind, const struct schema_event *schema,
			      struct event *head, size_t size)
{
	struct record record = {.info = &made->info[stream], .event = &made->events[stream][kind]};

	head->run = 1;
	made->buffer.size = 0;
	if (record__pack(&made->buffer, schema, kind, made->seq++, head, size, NULL, NULL) ||
	    !record__head(made->buffer.data, made->buffer.size, &record))
		abort();
	record.real_ns = (int64_t)(1763782572 * S + record.ts);
	if (!made->err)
		made->err = made->take(made->arg, &record);
}

static inline void made__put(struct made *made, int stream, uint32_t kind, struct event *head, size_t size)
{
	made__send(made, stream, SCHEMA_KIND_BASE + kind, &made_streams[stream].events[kind], head, size);
}

static inline void made__fork(struct made *made, uint64_t ts, uint32_t pid, uint32_t ppid, uint64_t parent_start,
			      const char *comm)
{
	struct made_fork event = {.head = {.ts = ts, .start = ts, .pid = pid}, ppid, parent_start, ""};

	strncpy(event.comm, comm, sizeof(event.comm) - 1);
	made__put(made, LIFECYCLE, FORK, &event.head, sizeof(event));
}

/* `args` is one string whose items are ended by '|'. */
static inline void made__exec_as(struct made *made, uint32_t kind, uint64_t ts, uint32_t pid, uint64_t start,
				 uint32_t ppid, uint64_t parent_start, const char *exe, const char *args)
{
	struct made_exec event = {.head = {.ts = ts, .start = start, .pid = pid}, .ppid = ppid};
	const char *cwd = made->cwd ? made->cwd : "/", *env = made->env ? made->env : "";
	size_t base = offsetof(struct made_exec, tail), n = strlen(exe), m = strlen(args);
	size_t cwd_at = n + m, env_at = cwd_at + strlen(cwd);
	const char *name = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;

	event.parent_start = parent_start;
	event.uid = 1000;
	memcpy(event.comm, name, strnlen(name, EVENT_COMM - 1));
	event.exe = (struct event_string){base, n, 0};
	event.args = (struct event_list){base + n, m, 0};
	event.cwd = (struct event_string){base + cwd_at, strlen(cwd), 0};
	event.env = (struct event_map){base + env_at, strlen(env), 0};
	memcpy(event.tail + cwd_at, cwd, strlen(cwd));
	for (size_t i = 0; env[i]; i++)
		event.tail[env_at + i] = env[i] == '|' ? '\0' : env[i];
	memcpy(event.tail, exe, n);
	for (size_t i = 0; i < m; i++)
		event.tail[n + i] = args[i] == '|' ? '\0' : args[i];
	made__put(made, LIFECYCLE, kind, &event.head, sizeof(event));
}

static inline void made__exec(struct made *made, uint64_t ts, uint32_t pid, uint64_t start, const char *exe,
			      const char *args)
{
	made__exec_as(made, EXEC, ts, pid, start, 0, 0, exe, args);
}

static inline void made__exec_failed(struct made *made, uint64_t ts, uint32_t pid, uint64_t start, const char *exe,
				     const char *error)
{
	struct made_exec_failed event = {.head = {.ts = ts, .start = start, .pid = pid}};

	event.exe = (struct event_string){offsetof(struct made_exec_failed, tail), strlen(exe), 0};
	strcpy(event.error, error);
	strcpy(event.tail, exe);
	made__put(made, LIFECYCLE, EXEC_FAILED, &event.head, sizeof(event));
}

static inline const char *made__signal(int signal)
{
	return signal == 9 ? "SIGKILL" : signal == 11 ? "SIGSEGV" : signal == 13 ? "SIGPIPE" : "SIGTERM";
}

/* `status`: 0..255 an exit code, negative a signal; with 1000 added to the signal, it dumped core. The
 * parent is the one at the end. */
static inline void made__exit_under(struct made *made, uint64_t ts, uint32_t pid, uint64_t start, uint32_t ppid,
				    uint64_t parent_start, int status)
{
	struct made_exit event = {.head = {.ts = ts, .start = start, .pid = pid}, .comm = "comm"};
	int signal = status < 0 ? -status % 1000 : 0;

	event.ppid = ppid;
	event.parent_start = parent_start;
	event.exit_code = signal ? EVENT_NULL(EVENT_REASON_NONE) : (__u64)status;
	event.signal = signal ? (__u64)signal : EVENT_NULL(EVENT_REASON_NONE);
	event.core_dumped = status < -1000;
	if (signal)
		strcpy(event.signal_name, made__signal(signal));
	made__put(made, LIFECYCLE, EXIT, &event.head, sizeof(event));
}

static inline void made__exit(struct made *made, uint64_t ts, uint32_t pid, uint64_t start, int status)
{
	made__exit_under(made, ts, pid, start, 0, 0, status);
}

static inline void made__cpu(struct made *made, uint32_t kind, uint64_t ts, uint32_t pid, uint64_t start, uint64_t cpu)
{
	struct made_cpu event = {.head = {.ts = ts, .start = start, .pid = pid}, cpu, cpu, 0, true};

	if (!EVENT_IS_NULL(cpu))
		event.user_ns = cpu - (event.system_ns = cpu / 4);
	made__put(made, CPU, kind, &event.head, sizeof(event));
}

static inline void made__mem(struct made *made, uint32_t kind, uint64_t ts, uint32_t pid, uint64_t start,
			     uint64_t bytes)
{
	struct made_mem event = {.head = {.ts = ts, .start = start, .pid = pid}, "comm", bytes, bytes};

	made__put(made, MEM, kind, &event.head, sizeof(event));
}

/* In every figure another number: `chars` read, twice as many written, and so on. */
static inline void made__io(struct made *made, uint32_t kind, uint64_t ts, uint32_t pid, uint64_t start, uint64_t chars)
{
	struct made_io event = {.head = {.ts = ts, .start = start, .pid = pid}, .final = kind == END};
	__u64 *figures = &event.read_chars;

	for (unsigned i = 0; i < 7; i++)
		figures[i] = chars * (i + 1);
	made__put(made, IO, kind, &event.head, sizeof(event));
}

/* A process's end in the three streams before io. */
static inline void made__end(struct made *made, uint64_t ts, uint32_t pid, uint64_t start, int status, uint64_t cpu,
			     uint64_t peak)
{
	made__mem(made, END, ts, pid, start, peak);
	made__exit(made, ts, pid, start, status);
	made__cpu(made, END, ts + 15 * MS, pid, start, cpu);
}

static inline void made__lost(struct made *made, int stream, uint64_t ts, uint64_t count, uint64_t since,
			      const char *cause)
{
	struct record_lost event = {.head = {.ts = ts}, .count = count, .since = since};

	strcpy(event.stream_lost, made_streams[stream].name);
	strncpy(event.cause, cause, sizeof(event.cause) - 1);
	made__send(made, stream, RECORD_LOST, &record_control[RECORD_LOST], &event.head, sizeof(event));
}

#endif
