/* SPDX-License-Identifier: BSD-2-Clause */
/* A made-up run: events of lifecycle, cpu, mem and io as the probes define them, by named arguments. They go to writers
 * of streams, or are packed and read back, so that a test meets what a merge would hand out:
 *
 *	FORK(.at = 2 * S, .pid = 11, .parent = 10, .comm = "sh");
 *	EXIT(.at = 3 * S, .pid = 11, .code = 3);
 *
 * An event's process is the last one forked with that pid; the first event of an unknown pid is its start. */
#ifndef TESTS_MADE_MADE_H
#define TESTS_MADE_MADE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/record.h"
#include "core/stream.h"
#include "probes/cpu/cpu.h"
#include "probes/io/io.h"
#include "probes/lifecycle/lifecycle.h"
#include "probes/mem/mem.h"

#define MS 1000000ULL
#define S 1000000000ULL

enum { LIFECYCLE, CPU, MEM, IO, STREAMS };

#define MADE_KINDS 6
#define MADE_FIELDS_MAX 20
#define MADE_PIDS 32768
#define MADE_IO 7 /* figures, from read_chars to cancelled_write_bytes */

/* What is not given has a plausible value: bytes of memory are its peak too, and CPU time is one quarter the kernel's. */
struct made_args {
	struct made *of;	      /* the run; made__init's last if not given */
	uint64_t at, start;	      /* start 0: as known */
	uint32_t pid, parent;	      /* parent 0: not known */
	uint32_t ns_pid;	      /* of a fork; 0: not known */
	uint32_t uid;		      /* of an exec; 0: 1000 */
	const char *comm, *exe, *cwd; /* exe: its last part is the default comm */
	const char *args, *env;	      /* each item is ended by '|'; env: NAME=VALUE; NULL: none was asked for */
	const char *args_bytes;	      /* instead of args: as the kernel has them */
	size_t args_size;
	const char *cgroup;
	uint64_t in, out;	 /* inodes of the pipes that its descriptors 0 and 1 are; 0: none */
	const char *stderr_is;	 /* of an exec, as args: "type=null|"; NULL: not known */
	int code, signal, error; /* error: an errno */
	bool core_dumped, stack_fault;
	uint32_t sent_by;		  /* the process that sent the signal; else: */
	const char *sender, *signal_code; /* literals: "kernel", "SEGV_MAPERR"; NULL: not known, "SI_USER" */
	uint64_t cpu, system, voluntary, involuntary, delay, threads; /* threads 0: 1 */
	uint64_t cpus;						      /* of a sample; 0: not known */
	uint64_t quota, periods, throttled, quota_cgroup;	      /* of a sample; quota of 100 ms; 0: none */
	char state;
	const char *syscall, *descriptor; /* of a sample, literals; NULL: none */
	uint64_t bytes, peak, maxrss, vm, hugetlb, shmem, inherited, faults, major, stack; /* stack 0: 132 KiB */
	uint64_t stack_limit;		       /* at the exit; 0: not known; UINT64_MAX: none */
	uint64_t anon, file;		       /* of its Pss, with shmem */
	uint64_t pids_limit, pids_refused;     /* limit: 0: none */
	uint64_t memory_limit;		       /* of the cgroup; 0: none */
	uint64_t processes, read, cache, held; /* of a round; held: processes in the cgroup */
	uint64_t chars, *io;		       /* chars: io is 1, 2, 3... times as much */
	uint64_t children;		       /* likewise, in a stream that has it apart */
	int stream;			       /* of what is lost */
	uint64_t count, since;
	const char *cause;
};

/* The code or signal of an end in one number: 0..255, -SIGNAL, or -1000 - SIGNAL where it dumped core. */
#define STATUS(status)                                                                      \
	.code = (status) < 0 ? 0 : (status), .signal = (status) < 0 ? -(status) % 1000 : 0, \
	.core_dumped = (status) < -1000

typedef int (*made_take)(void *arg, const struct record *record);

struct made {
	struct stream_writer *writers[STREAMS]; /* where they are opened; else events go to `take` */
	struct stream_info info[STREAMS];
	struct stream_event events[STREAMS][SCHEMA_KIND_BASE + MADE_KINDS];
	struct stream_field fields[STREAMS][SCHEMA_KIND_BASE + MADE_KINDS][MADE_FIELDS_MAX];
	struct schema_event schemas[STREAMS][MADE_KINDS]; /* of the writers */
	const struct schema_event *of[STREAMS];		  /* of what is sent */
	made_take take;
	void *arg;
	struct buffer buffer;
	uint64_t seq, starts[MADE_PIDS];
	const char *env; /* of the programs to come that say none */
	int err;	 /* first that was returned */
};

static struct made *made_last;

static inline const char *made__signal(uint64_t signal)
{
	return signal == 2    ? "SIGINT"
	       : signal == 9  ? "SIGKILL"
	       : signal == 11 ? "SIGSEGV"
	       : signal == 13 ? "SIGPIPE"
			      : "SIGTERM";
}

static inline const char *made__literal(uint64_t at)
{
	return (const char *)(uintptr_t)at;
}

static inline const char *made__error(uint64_t error)
{
	static const struct {
		uint64_t error;
		const char *name;
	} names[] = {{EACCES, "EACCES"}, {E2BIG, "E2BIG"}, {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"}, {ENOEXEC, "ENOEXEC"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].error == error)
			return names[i].name;
	return "ENOENT";
}

/* Fewer fields than the probes have: what a stream lacks, a reader must show as missing. */
/* clang-format off */
#define MADE_PARENT(s) FIELD(s, ppid, NULL, ""), FIELD(s, parent_start, "ns", ""), FIELD(s, comm, NULL, "")
#define MADE_CPU FIELD(struct cpu_event, comm, NULL, ""), FIELD(struct cpu_event, cpu_ns, "ns", ""), \
	FIELD(struct cpu_event, user_ns, "ns", ""), FIELD(struct cpu_event, system_ns, "ns", "")
#define MADE_MEM FIELD(struct mem_event, comm, NULL, ""), FIELD(struct mem_event, rss_bytes, "bytes", ""), \
	FIELD(struct mem_event, anon_bytes, "bytes", ""), FIELD(struct mem_event, file_bytes, "bytes", ""), \
		FIELD(struct mem_event, shmem_bytes, "bytes", ""), FIELD(struct mem_event, vm_bytes, "bytes", ""), \
	FIELD(struct mem_event, minor_faults, NULL, ""), FIELD(struct mem_event, inherited_rss_bytes, "bytes", ""), \
	FIELD(struct mem_event, major_faults, NULL, ""), FIELD(struct mem_event, stack_bytes, "bytes", ""), \
	FIELD(struct mem_event, hugetlb_bytes, "bytes", "")
#define MADE_OF_IO(of, prefix) \
	FIELD_AS(struct io_event, of.read_chars, prefix "read_chars", "bytes", ""), \
	FIELD_AS(struct io_event, of.write_chars, prefix "write_chars", "bytes", ""), \
	FIELD_AS(struct io_event, of.read_syscalls, prefix "read_syscalls", NULL, ""), \
	FIELD_AS(struct io_event, of.write_syscalls, prefix "write_syscalls", NULL, ""), \
	FIELD_AS(struct io_event, of.read_bytes, prefix "read_bytes", "bytes", ""), \
	FIELD_AS(struct io_event, of.write_bytes, prefix "write_bytes", "bytes", ""), \
	FIELD_AS(struct io_event, of.cancelled_write_bytes, prefix "cancelled_write_bytes", "bytes", "")
#define MADE_IO_FIGURES FIELD(struct io_event, comm, NULL, ""), MADE_OF_IO(own, "")
#define MADE_FIELDS_OF(name, ...) static const struct schema_field made_##name[] = {__VA_ARGS__, {0}}

MADE_FIELDS_OF(fork, MADE_PARENT(struct lifecycle_fork), FIELD(struct lifecycle_fork, ns_pid, NULL, ""));
MADE_FIELDS_OF(exec, MADE_PARENT(struct lifecycle_exec), FIELD(struct lifecycle_exec, exe, NULL, ""),
	       FIELD(struct lifecycle_exec, args, NULL, ""), FIELD(struct lifecycle_exec, cwd, NULL, ""),
	       FIELD(struct lifecycle_exec, uid, NULL, ""), FIELD(struct lifecycle_exec, gid, NULL, ""),
	       FIELD(struct lifecycle_exec, cgroup, NULL, ""), FIELD(struct lifecycle_exec, env, NULL, ""),
	       FIELD_AS(struct lifecycle_exec, error.map, "stderr", NULL, ""),
	       FIELD(struct lifecycle_exec, stdin_pipe, NULL, ""), FIELD(struct lifecycle_exec, stdout_pipe, NULL, ""));
MADE_FIELDS_OF(failure, FIELD(struct lifecycle_failure, cwd, NULL, ""),
	       FIELD_AS(struct lifecycle_failure, error.map, "stderr", NULL, ""),
	       FIELD(struct lifecycle_failure, stdin_pipe, NULL, ""),
	       FIELD(struct lifecycle_failure, stdout_pipe, NULL, ""));
MADE_FIELDS_OF(exec_failed, FIELD(struct lifecycle_exec_failed, comm, NULL, ""),
	       FIELD(struct lifecycle_exec_failed, exe, NULL, ""), FIELD(struct lifecycle_exec_failed, args, NULL, ""),
	       FIELD_NAME(struct lifecycle_exec_failed, error, "error", made__error, ""));
MADE_FIELDS_OF(exit, MADE_PARENT(struct lifecycle_exit), FIELD(struct lifecycle_exit, exit_code, NULL, ""),
	       FIELD(struct lifecycle_exit, signal, NULL, ""),
	       FIELD_NAME(struct lifecycle_exit, signal, "signal_name", made__signal, ""),
	       FIELD(struct lifecycle_exit, core_dumped, NULL, ""),
	       FIELD(struct lifecycle_exit, stack_fault, NULL, ""), FIELD(struct lifecycle_exit, duration_ns, "ns", ""),
	       FIELD(struct lifecycle_exit, threads_peak, NULL, ""),
	       FIELD_NAME(struct lifecycle_exit, signal_code, "signal_code", made__literal, ""),
	       FIELD_NAME(struct lifecycle_exit, sender, "sender", made__literal, ""),
	       FIELD(struct lifecycle_exit, sender_pid, NULL, ""), FIELD(struct lifecycle_exit, sender_start, "ns", ""),
	       FIELD(struct lifecycle_exit, sender_comm, NULL, ""));
MADE_FIELDS_OF(cpu_sample, MADE_CPU, FIELD(struct cpu_event, state, NULL, ""), FIELD(struct cpu_event, threads, NULL, ""),
	       FIELD(struct cpu_event, voluntary_switches, NULL, ""), FIELD(struct cpu_event, involuntary_switches, NULL, ""),
	       FIELD_AS(struct cpu_event, exited_ns, "run_delay_ns", "ns", ""), FIELD(struct cpu_event, cpus_allowed, NULL, ""),
	       FIELD(struct cpu_sample, quota_ns, "ns", ""), FIELD(struct cpu_sample, period_ns, "ns", ""),
	       FIELD(struct cpu_sample, periods, NULL, ""), FIELD(struct cpu_sample, throttled_periods, NULL, ""),
	       FIELD(struct cpu_sample, throttled_ns, "ns", ""), FIELD(struct cpu_sample, quota_cgroup_id, NULL, ""),
	       FIELD_NAME(struct cpu_sample, syscall, "syscall", made__literal, ""),
	       FIELD_NAME(struct cpu_sample, descriptor, "descriptor", made__literal, ""));
MADE_FIELDS_OF(cpu_exit, MADE_CPU, FIELD(struct cpu_event, final, NULL, ""), FIELD(struct cpu_event, threads, NULL, ""));
MADE_FIELDS_OF(cpu_image, MADE_CPU);
MADE_FIELDS_OF(mem_sample, MADE_MEM);
MADE_FIELDS_OF(mem_exit, MADE_MEM, FIELD(struct mem_event, peak_rss_bytes, "bytes", ""),
	       FIELD(struct mem_event, rusage_maxrss_bytes, "bytes", ""),
	       FIELD(struct mem_event, stack_limit_bytes, "bytes", ""));
MADE_FIELDS_OF(mem_image, MADE_MEM, FIELD(struct mem_event, peak_rss_bytes, "bytes", ""));
MADE_FIELDS_OF(oom_kill, FIELD(struct mem_oom_kill, comm, NULL, ""), FIELD(struct mem_oom_kill, rss_bytes, "bytes", ""),
	       FIELD(struct mem_oom_kill, limit, NULL, ""), FIELD(struct mem_oom_kill, limit_bytes, "bytes", ""),
	       FIELD_AS(struct mem_oom_kill, cgroup, "oom_cgroup", NULL, ""),
	       FIELD(struct mem_oom_kill, usage_bytes, "bytes", ""));
MADE_FIELDS_OF(pss, FIELD(struct mem_pss, pss_bytes, "bytes", ""), FIELD(struct mem_pss, pss_anon_bytes, "bytes", ""),
	       FIELD(struct mem_pss, pss_file_bytes, "bytes", ""), FIELD(struct mem_pss, pss_shmem_bytes, "bytes", ""));
MADE_FIELDS_OF(total, FIELD(struct mem_together, processes, NULL, ""), FIELD(struct mem_together, processes_read, NULL, ""),
	       FIELD(struct mem_together, read_ns, "ns", ""),
	       FIELD(struct mem_together, cgroup, NULL, ""), FIELD(struct mem_together, cgroup_bytes, "bytes", ""),
	       FIELD(struct mem_together, cgroup_limit_bytes, "bytes", ""),
	       FIELD(struct mem_together, cgroup_page_cache_bytes, "bytes", ""),
	       FIELD(struct mem_together, cgroup_processes, NULL, ""),
	       FIELD(struct mem_together, cgroup_run_processes, NULL, ""), FIELD(struct mem_together, pids_limit, NULL, ""),
	       FIELD(struct mem_together, pids_refused, NULL, ""));
MADE_FIELDS_OF(io_sample, MADE_IO_FIGURES);
MADE_FIELDS_OF(io_exit, MADE_IO_FIGURES, FIELD(struct io_event, final, NULL, ""));
MADE_FIELDS_OF(own_io_sample, MADE_IO_FIGURES, MADE_OF_IO(children, "children_"));
MADE_FIELDS_OF(own_io_image, MADE_IO_FIGURES, MADE_OF_IO(children, "children_"));
MADE_FIELDS_OF(own_io_exit, MADE_IO_FIGURES, FIELD(struct io_event, final, NULL, ""), MADE_OF_IO(children, "children_"));
/* clang-format on */

static const struct made_stream {
	const char *name;
	struct schema_event events[MADE_KINDS];
} made_streams[STREAMS] = {
	[LIFECYCLE] = {"lifecycle",
		       {[LIFECYCLE_FORK] = {.name = "fork", .fields = made_fork},
			[LIFECYCLE_EXEC] = {.name = "exec", .fields = made_exec},
			[LIFECYCLE_ALIVE] = {.name = "alive", .fields = made_exec},
			[LIFECYCLE_EXIT] = {.name = "exit", .fields = made_exit, .role = SCHEMA_EXIT},
			[LIFECYCLE_EXEC_FAILED] = {.name = "exec_failed", .fields = made_exec_failed},
			[LIFECYCLE_FAILURE] = {.name = "failure", .fields = made_failure}}},
	[CPU] = {"cpu",
		 {[CPU_SAMPLE] = {.name = "sample", .fields = made_cpu_sample},
		  [CPU_EXIT] = {.name = "exit", .fields = made_cpu_exit, .role = SCHEMA_EXIT},
		  [CPU_IMAGE] = {.name = "image", .fields = made_cpu_image}}},
	[MEM] = {"mem",
		 {[MEM_SAMPLE] = {.name = "sample", .fields = made_mem_sample},
		  [MEM_EXIT] = {.name = "exit", .fields = made_mem_exit, .role = SCHEMA_EXIT},
		  [MEM_OOM_KILL] = {.name = "oom_kill", .fields = made_oom_kill},
		  [MEM_IMAGE] = {.name = "image", .fields = made_mem_image},
		  [MEM_PSS] = {.name = "pss", .fields = made_pss},
		  [MEM_TOGETHER] = {.name = "together", .fields = made_total}}},
	[IO] = {"io",
		{[IO_SAMPLE] = {.name = "sample", .fields = made_io_sample},
		 [IO_EXIT] = {.name = "exit", .fields = made_io_exit, .role = SCHEMA_EXIT}}},
};

/* Of a stream that has the I/O of children apart; without that, a process's includes its children's, as in 0.1.0. */
static const struct schema_event made_own_io[MADE_KINDS] = {
	[IO_SAMPLE] = {.name = "sample", .fields = made_own_io_sample},
	[IO_EXIT] = {.name = "exit", .fields = made_own_io_exit},
	[IO_IMAGE] = {.name = "image", .fields = made_own_io_image},
};

/* ---- a run ---- */

static inline void made__schema(struct made *made, int stream, uint32_t kind, const struct schema_event *schema,
				const char *name)
{
	struct stream_event *event = &made->events[stream][kind];

	*event = (struct stream_event){schema->name, "", name, 0, made->fields[stream][kind], schema->role};
	for (const struct schema_field *field = schema->fields; field && field->name; field++)
		event->fields[event->fields_count++] = (struct stream_field){
			field->name, field->unit, field->help, field->name_of ? SCHEMA_STRING : field->type};
}

static inline void made__init(struct made *made, const char *id, made_take take, void *arg)
{
	static const char *const none[] = {NULL};
	static const char *const command[] = {"./pipeline.sh", "--input", "samples.csv", NULL};

	memset(made, 0, sizeof(*made));
	made->take = take;
	made->arg = arg;
	made_last = made;
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
		made->of[i] = made_streams[i].events;
		made__schema(made, i, RECORD_LOST, &record_control[RECORD_LOST], "core");
		for (uint32_t k = 0; k < MADE_KINDS; k++)
			made__schema(made, i, SCHEMA_KIND_BASE + k, &made_streams[i].events[k], made_streams[i].name);
	}
}

/* From now on the stream io has children's I/O apart. */
static inline void made__own_io(struct made *made)
{
	made->of[IO] = made_own_io;
	for (uint32_t k = 0; k < MADE_KINDS; k++)
		made__schema(made, IO, SCHEMA_KIND_BASE + k, &made_own_io[k], "io");
}

/* The sizes of its events: fewer fields do not make them shorter. */
static const size_t made_sizes[STREAMS][MADE_KINDS] = {
	[LIFECYCLE] = {[LIFECYCLE_FORK] = sizeof(struct lifecycle_fork),
		       [LIFECYCLE_EXEC] = sizeof(struct lifecycle_exec),
		       [LIFECYCLE_ALIVE] = sizeof(struct lifecycle_exec),
		       [LIFECYCLE_EXIT] = sizeof(struct lifecycle_exit),
		       [LIFECYCLE_EXEC_FAILED] = sizeof(struct lifecycle_exec_failed),
		       [LIFECYCLE_FAILURE] = sizeof(struct lifecycle_failure)},
	[CPU] = {[CPU_SAMPLE] = sizeof(struct cpu_sample),
		 [CPU_EXIT] = sizeof(struct cpu_event),
		 [CPU_IMAGE] = sizeof(struct cpu_event)},
	[MEM] = {[MEM_SAMPLE] = sizeof(struct mem_event),
		 [MEM_EXIT] = sizeof(struct mem_event),
		 [MEM_OOM_KILL] = sizeof(struct mem_oom_kill),
		 [MEM_IMAGE] = sizeof(struct mem_event),
		 [MEM_PSS] = sizeof(struct mem_pss),
		 [MEM_TOGETHER] = sizeof(struct mem_together)},
	[IO] = {[IO_SAMPLE] = sizeof(struct io_event),
		[IO_EXIT] = sizeof(struct io_event),
		[IO_IMAGE] = sizeof(struct io_event)},
};

/* Opens writers of the first `streams` streams in a new folder. 0 or -errno. */
static inline int made__open(struct made *made, const char *folder, int streams)
{
	const char *id = strrchr(folder, '/') ? strrchr(folder, '/') + 1 : folder;
	int dir, rc = 0;

	if (mkdir(folder, 0755) || (dir = open(folder, O_RDONLY | O_DIRECTORY)) < 0)
		return -errno;
	for (int i = 0; i < streams && !rc; i++) {
		struct schema_event events[MADE_KINDS];
		struct stream_writer_opts opts = {
			.stream = made_streams[i].name, .help = "", .events = made->schemas[i], .abi = 1};

		for (int k = 0; k < MADE_KINDS; k++) {
			events[k] = made_streams[i].events[k];
			events[k].help = "";
			events[k].size = made_sizes[i][k];
			opts.events_count = events[k].name ? (size_t)k + 1 : opts.events_count;
		}
		memcpy(made->schemas[i], events, sizeof(events));
		opts.run = (struct stream_run){.id = id, .name = "made", .number = 1};
		rc = stream_writer__open(&made->writers[i], dir, &opts);
	}
	close(dir);
	return rc;
}

/* Closes the writers too, and returns the first error. */
static inline int made__free(struct made *made)
{
	for (int i = 0; i < STREAMS; i++)
		if (stream_writer__close(made->writers[i]) && !made->err)
			made->err = -EIO;
	buffer__free(&made->buffer);
	return made->err;
}

static inline void made__send(struct made *made, int stream, uint32_t kind, const struct schema_event *schema,
			      const struct event *head, size_t size)
{
	struct record record = {.info = &made->info[stream], .event = &made->events[stream][kind]};

	made->buffer.size = 0;
	if (record__pack(&made->buffer, schema, kind, made->seq++, head, size, NULL) ||
	    !record__head(made->buffer.data, made->buffer.size, &record))
		abort();
	record.real_ns = (int64_t)(1763782572 * S + record.ts);
	if (!made->err)
		made->err = made->take(made->arg, &record);
}

/* ---- its events ---- */

/* By whose event the run's writers are fed, or its taker. */
static inline void made__put(struct made *made, int stream, const struct event *head, size_t size)
{
	if (made->take)
		made__send(made, stream, SCHEMA_KIND_BASE + head->kind, &made->of[stream][head->kind], head, size);
	else if (!made->err)
		made->err = stream_writer__event(made->writers[stream], head, size);
}

static inline struct event made__head(const struct made_args *a, unsigned kind, bool is_fork)
{
	uint64_t *start = a->pid < MADE_PIDS ? &a->of->starts[a->pid] : NULL;

	if (!start || a->parent >= MADE_PIDS)
		abort();
	*start = a->start ? a->start : *start && !is_fork ? *start : a->at;
	return (struct event){.ts = a->at,
			      .start = *start,
			      .pid = a->pid,
			      .tid = a->pid,
			      .run = 1,
			      .cpu = a->pid % 8,
			      .kind = (__u8)kind};
}

static inline void made__comm(char comm[EVENT_COMM], const struct made_args *a)
{
	const char *name = a->comm		  ? a->comm
			   : !a->exe		  ? "comm"
			   : strrchr(a->exe, '/') ? strrchr(a->exe, '/') + 1
						  : a->exe;

	memcpy(comm, name, strnlen(name, EVENT_COMM - 1));
}

static inline void made__fork(const struct made_args *a)
{
	struct lifecycle_fork e = {.head = made__head(a, LIFECYCLE_FORK, true), .ppid = a->parent, .ns_pid = a->ns_pid};

	e.parent_start = a->of->starts[a->parent];
	made__comm(e.comm, a);
	made__put(a->of, LIFECYCLE, &e.head, sizeof(e));
}

struct made_text {
	struct lifecycle_exec exec;
	char bytes[8192];
	uint32_t used;
};

/* Bytes of an exec: where they are. Items ended by '|' are ended by NUL. */
static inline struct event_string made__text(struct made_text *text, const char *bytes, size_t n, bool items)
{
	struct event_string at = {(__u32)(offsetof(struct made_text, bytes) + text->used), (__u32)n, EVENT_REASON_NONE};
	char *to = text->bytes + text->used;

	if (n > sizeof(text->bytes) - text->used)
		abort();
	memcpy(to, bytes, n);
	for (size_t i = 0; items && i < n; i++)
		to[i] = to[i] == '|' ? '\0' : to[i];
	text->used += n;
	return at;
}

static inline __u64 made__pipe(uint64_t inode)
{
	return inode ? inode : EVENT_NULL(EVENT_REASON_NONE);
}

static inline void made__exec(const struct made_args *a, enum lifecycle_kind kind)
{
	struct made_text text = {.exec = {.head = made__head(a, kind, false), .ppid = a->parent, .gid = 1000}};
	const char *env = a->env ? a->env : a->of->env, *cwd = a->cwd ? a->cwd : "/",
		   *cgroup = a->cgroup ? a->cgroup : "/";
	struct lifecycle_exec *e = &text.exec;
	struct event_string at;

	e->uid = a->uid ? a->uid : 1000;
	e->parent_start = a->of->starts[a->parent];
	made__comm(e->comm, a);
	e->exe = made__text(&text, a->exe, strlen(a->exe), false);
	e->cwd = made__text(&text, cwd, strlen(cwd), false);
	e->cgroup = made__text(&text, cgroup, strlen(cgroup), false);
	at = a->args_bytes ? made__text(&text, a->args_bytes, a->args_size, false)
			   : made__text(&text, a->args, strlen(a->args), true);
	e->args = (struct event_list){at.offset, at.length, 0};
	at = made__text(&text, env ? env : "", env ? strlen(env) : 0, true);
	e->env = (struct event_map){at.offset, at.length, env ? 0 : EVENT_REASON_NONE};
	at = made__text(&text, a->stderr_is ? a->stderr_is : "", a->stderr_is ? strlen(a->stderr_is) : 0, true);
	e->error.map = (struct event_map){at.offset, at.length, a->stderr_is ? 0 : EVENT_REASON_NONE};
	e->stdin_pipe = made__pipe(a->in);
	e->stdout_pipe = made__pipe(a->out);
	made__put(a->of, LIFECYCLE, &e->head, offsetof(struct made_text, bytes) + text.used);
}

/* Of a fork: what its descriptors 0 and 1 are. */
static inline void made__failure(const struct made_args *a)
{
	struct lifecycle_failure e = {.head = made__head(a, LIFECYCLE_FAILURE, false),
				      .stdin_pipe = made__pipe(a->in),
				      .stdout_pipe = made__pipe(a->out)};

	e.cwd.reason = e.error.map.reason = EVENT_REASON_NONE;
	made__put(a->of, LIFECYCLE, &e.head, sizeof(e));
}

static inline void made__exec_failed(const struct made_args *a)
{
	struct {
		struct lifecycle_exec_failed event;
		char text[256];
	} e = {.event = {.head = made__head(a, LIFECYCLE_EXEC_FAILED, false), .error = (__u64)a->error}};
	size_t exe = strnlen(a->exe, sizeof(e.text)), args = a->args ? strnlen(a->args, sizeof(e.text) - exe) : 0;

	e.event.exe = (struct event_string){sizeof(e.event), (__u32)exe, 0};
	memcpy(e.text, a->exe, exe);
	e.event.args =
		(struct event_list){(__u32)(sizeof(e.event) + exe), (__u32)args, args ? 0 : EVENT_NOT_APPLICABLE};
	for (size_t i = 0; i < args; i++)
		e.text[exe + i] = a->args[i] == '|' ? '\0' : a->args[i];
	made__comm(e.event.comm, a);
	made__put(a->of, LIFECYCLE, &e.event.head, sizeof(e));
}

static inline void made__sender(struct lifecycle_exit *e, const struct made_args *a)
{
	bool known = a->sent_by || a->sender;
	__u64 none = EVENT_NULL(!a->signal || known ? EVENT_REASON_NONE : EVENT_REASON_UNSEEN);

	e->signal_code = e->sender = e->sender_pid = e->sender_start = none;
	e->sender_comm.reason = EVENT_NOT_APPLICABLE;
	if (!known)
		return;
	e->signal_code = (uintptr_t)(a->signal_code ? a->signal_code : "SI_USER");
	e->sender = (uintptr_t)(a->sender ? a->sender : "user");
	if (!a->sent_by)
		return;
	e->sender_pid = a->sent_by;
	e->sender_start = a->of->starts[a->sent_by];
	snprintf(e->sender_name, EVENT_COMM, "%s", a->comm ? a->comm : "sender");
	e->sender_comm = (struct event_string){offsetof(struct lifecycle_exit, sender_name),
					       (__u32)strnlen(e->sender_name, EVENT_COMM), 0};
}

static inline void made__exit(const struct made_args *a)
{
	struct lifecycle_exit e = {.head = made__head(a, LIFECYCLE_EXIT, false), .ppid = a->parent, .threads_peak = 1};

	e.parent_start = a->of->starts[a->parent];
	made__comm(e.comm, a);
	e.exit_code = a->signal ? EVENT_NULL(EVENT_REASON_NONE) : (__u64)a->code;
	e.signal = a->signal ? (__u64)a->signal : EVENT_NULL(EVENT_REASON_NONE);
	e.core_dumped = a->core_dumped;
	e.stack_fault = a->stack_fault;
	e.duration_ns = a->at - e.head.start;
	made__sender(&e, a);
	made__put(a->of, LIFECYCLE, &e.head, sizeof(e));
}

static inline struct cpu_sample *made__quota(struct cpu_sample *e, const struct cpu_event *cpu,
					     const struct made_args *a)
{
	uint64_t none = a->quota ? 0 : EVENT_NULL(EVENT_REASON_NONE);

	*e = (struct cpu_sample){
		.cpu = *cpu,
		.quota_ns = a->quota | none,
		.period_ns = 100000000 | none,
		.periods = a->periods | none,
		.throttled_periods = a->throttled | none,
		.throttled_ns = a->throttled * 50000000 | none,
		.quota_cgroup_id = a->quota_cgroup | none,
		.syscall = a->syscall ? (uintptr_t)a->syscall : EVENT_NULL(EVENT_REASON_NONE),
		.descriptor = a->descriptor ? (uintptr_t)a->descriptor : EVENT_NULL(EVENT_REASON_NONE),
	};
	return e;
}

static inline void made__cpu(const struct made_args *a, enum cpu_kind kind)
{
	struct cpu_sample sample;
	struct cpu_event e = {
		.head = made__head(a, kind, false), .threads = a->threads ? a->threads : 1, .final = kind == CPU_EXIT};

	e.cpu_ns = e.user_ns = a->cpu;
	e.system_ns = a->system ? a->system : a->cpu / 4;
	if (EVENT_IS_NULL(a->cpu))
		e.system_ns = a->cpu;
	else
		e.user_ns -= e.system_ns;
	e.voluntary_switches = a->voluntary;
	e.involuntary_switches = a->involuntary;
	if (kind == CPU_SAMPLE)
		e.exited_ns = a->delay;
	e.cpus_allowed = a->cpus ? a->cpus : EVENT_NULL(EVENT_REASON_UNSEEN);
	e.state[0] = a->state ? a->state : 'S';
	made__comm(e.comm, a);
	if (kind == CPU_SAMPLE)
		made__put(a->of, CPU, &made__quota(&sample, &e, a)->cpu.head, sizeof(sample));
	else
		made__put(a->of, CPU, &e.head, sizeof(e));
}

#define MADE_FILE (2ULL << 20) /* resident pages of files, of who has as much */

static inline void made__mem(const struct made_args *a, enum mem_kind kind)
{
	struct mem_event e = {.head = made__head(a, kind, false),
			      .rss_bytes = a->bytes,
			      .stack_bytes = a->stack ? a->stack : 132 << 10,
			      .stack_limit_bytes =
				      a->stack_limit ? a->stack_limit : EVENT_NULL(EVENT_REASON_UNSUPPORTED),
			      .major_faults = a->major,
			      .hugetlb_bytes = a->hugetlb};

	e.peak_rss_bytes = a->peak ? a->peak : a->bytes;
	e.rusage_maxrss_bytes = a->maxrss ? a->maxrss : e.peak_rss_bytes;
	e.vm_bytes = a->vm ? a->vm : e.peak_rss_bytes;
	e.file_bytes = e.anon_bytes = e.minor_faults = e.rss_bytes;
	if (!EVENT_IS_NULL(e.rss_bytes)) {
		e.file_bytes = e.rss_bytes < MADE_FILE ? e.rss_bytes : MADE_FILE;
		e.shmem_bytes = a->shmem;
		e.anon_bytes = e.rss_bytes - e.file_bytes - e.shmem_bytes;
		e.minor_faults = a->faults ? a->faults : e.rss_bytes / 4096;
	}
	e.inherited_rss_bytes = a->inherited;
	made__comm(e.comm, a);
	made__put(a->of, MEM, &e.head, sizeof(e));
}

static inline void made__oom_kill(const struct made_args *a)
{
	struct mem_oom_kill e = {.head = made__head(a, MEM_OOM_KILL, false), .rss_bytes = a->bytes, .limit = "cgroup"};
	const char *cgroup = a->cgroup ? a->cgroup : "/";

	e.limit_bytes = e.usage_bytes = (a->peak ? a->peak : a->bytes) + (1 << 20); /* peak: of the cgroup */
	e.trigger_pid = a->pid;
	e.trigger_start = e.head.start;
	made__comm(e.comm, a);
	memcpy(e.trigger_comm, e.comm, sizeof(e.comm));
	e.cgroup = (struct event_string){offsetof(struct mem_oom_kill, text), (__u32)strlen(cgroup), 0};
	memcpy(e.text, cgroup, strlen(cgroup));
	made__put(a->of, MEM, &e.head, sizeof(e));
}

/* bytes: why it could not be read */
static inline void made__pss(const struct made_args *a)
{
	struct mem_pss e = {.head = made__head(a, MEM_PSS, false), .pss_bytes = a->anon + a->file + a->shmem};

	e.pss_anon_bytes = a->bytes ? a->bytes : a->anon;
	e.pss_file_bytes = a->bytes ? a->bytes : a->file;
	e.pss_shmem_bytes = a->bytes ? a->bytes : a->shmem;
	if (a->bytes)
		e.pss_bytes = a->bytes;
	made__put(a->of, MEM, &e.head, sizeof(e));
}

/* bytes: the charge of the cgroup */
static inline void made__total(const struct made_args *a)
{
	struct mem_together e = {.head = made__head(a, MEM_TOGETHER, false),
				 .processes = a->processes,
				 .processes_read = a->read,
				 .read_ns = 150,
				 .cgroup_bytes = a->bytes,
				 .cgroup_limit_bytes =
					 a->memory_limit ? a->memory_limit : EVENT_NULL(EVENT_REASON_NONE),
				 .cgroup_page_cache_bytes = a->cache,
				 .cgroup_processes = a->held,
				 .cgroup_run_processes = a->processes,
				 .pids_limit = a->pids_limit ? a->pids_limit : EVENT_NULL(EVENT_REASON_NONE),
				 .pids_refused = a->pids_refused};
	const char *cgroup = a->cgroup ? a->cgroup : "/";

	e.cgroup = (struct event_string){offsetof(struct mem_together, text), (__u32)strlen(cgroup), 0};
	memcpy(e.text, cgroup, strlen(cgroup));
	made__put(a->of, MEM, &e.head, sizeof(e));
}

static inline void made__io(const struct made_args *a, enum io_kind kind)
{
	struct io_event e = {.head = made__head(a, kind, false), .final = kind == IO_EXIT};
	__u64 *own = &e.own.read_chars, *children = &e.children.read_chars;

	for (unsigned i = 0; i < MADE_IO; i++) {
		own[i] = a->io ? a->io[i] : a->chars * (i + 1);
		children[i] = a->children * (i + 1);
	}
	made__comm(e.comm, a);
	made__put(a->of, IO, &e.head, sizeof(e));
}

/* A process's end in the three streams before io: the kernel closes its account a little later. */
static inline void made__end(const struct made_args *a)
{
	struct made_args late = *a;

	late.at += 15 * MS;
	made__mem(a, MEM_EXIT);
	made__exit(a);
	made__cpu(&late, CPU_EXIT);
}

static inline void made__lost(const struct made_args *a)
{
	struct record_lost e = {.head = {.ts = a->at, .run = 1}, .count = a->count, .since = a->since};

	strcpy(e.stream_lost, made_streams[a->stream].name);
	strncpy(e.cause, a->cause, sizeof(e.cause) - 1);
	if (a->of->writers[a->stream]) {
		a->of->err = stream_writer__lost(a->of->writers[a->stream], a->count, a->since, -1, a->cause);
		return;
	}
	made__send(a->of, a->stream, RECORD_LOST, &record_control[RECORD_LOST], &e.head, sizeof(e));
}

static inline const struct made_args *made__args(struct made_args *a)
{
	a->of = a->of ? a->of : made_last;
	return a;
}

#define MADE_ARGS(...) made__args(&(struct made_args){__VA_ARGS__})
#define FORK(...) made__fork(MADE_ARGS(__VA_ARGS__))
#define EXEC(...) made__exec(MADE_ARGS(__VA_ARGS__), LIFECYCLE_EXEC)
#define ALIVE(...) made__exec(MADE_ARGS(__VA_ARGS__), LIFECYCLE_ALIVE)
#define EXEC_FAILED(...) made__exec_failed(MADE_ARGS(__VA_ARGS__))
#define FAILURE(...) made__failure(MADE_ARGS(__VA_ARGS__))
#define EXIT(...) made__exit(MADE_ARGS(__VA_ARGS__))
#define CPU_SAMPLED(...) made__cpu(MADE_ARGS(__VA_ARGS__), CPU_SAMPLE)
#define CPU_CLOSED(...) made__cpu(MADE_ARGS(__VA_ARGS__), CPU_EXIT)
#define MEM_SAMPLED(...) made__mem(MADE_ARGS(__VA_ARGS__), MEM_SAMPLE)
#define CPU_REPLACED(...) made__cpu(MADE_ARGS(__VA_ARGS__), CPU_IMAGE)
#define MEM_REPLACED(...) made__mem(MADE_ARGS(__VA_ARGS__), MEM_IMAGE)
#define MEM_LAST(...) made__mem(MADE_ARGS(__VA_ARGS__), MEM_EXIT)
#define PSS_READ(...) made__pss(MADE_ARGS(__VA_ARGS__))
#define TOTAL_READ(...) made__total(MADE_ARGS(__VA_ARGS__))
#define OOM_KILL(...) made__oom_kill(MADE_ARGS(__VA_ARGS__))
#define IO_SAMPLED(...) made__io(MADE_ARGS(__VA_ARGS__), IO_SAMPLE)
#define IO_REPLACED(...) made__io(MADE_ARGS(__VA_ARGS__), IO_IMAGE)
#define IO_CLOSED(...) made__io(MADE_ARGS(__VA_ARGS__), IO_EXIT)
#define END(...) made__end(MADE_ARGS(__VA_ARGS__))
#define LOST(...) made__lost(MADE_ARGS(__VA_ARGS__))

#endif
