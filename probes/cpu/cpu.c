/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpu probe: CPU time of every process, exact once the kernel's accounting is final. */
#include "core/probe.h"

#include <errno.h>
#include <sys/syscall.h>

#include "probes/cpu/cpu.h"
#include "probes/cpu/cpu.skel.h"

_Static_assert(sizeof(struct cpu_event) == 32 + 14 * 8 + EVENT_COMM + 8, "layout shared with BPF");
_Static_assert(sizeof(struct cpu_sample) == sizeof(struct cpu_event) + 8 * 8, "layout shared with BPF");

#define COMM FIELD(struct cpu_event, comm, NULL, "name of the group leader's thread")

#define TIMES                                                                                               \
	FIELD(struct cpu_event, cpu_ns, "ns", "run time of all threads, by the scheduler's clock"),         \
		FIELD(struct cpu_event, user_ns, "ns", "part of cpu_ns in user space, as wait4 splits it"), \
		FIELD(struct cpu_event, system_ns, "ns", "part of cpu_ns in the kernel")

#define SWITCHES                                                                         \
	FIELD(struct cpu_event, voluntary_switches, NULL, "voluntary context switches"), \
		FIELD(struct cpu_event, involuntary_switches, NULL, "involuntary context switches")

#define WAITS                                                                                    \
	FIELD(struct cpu_event, run_delay_ns, "ns",                                              \
	      "waited for a CPU while it could run, all threads, ended ones too"),               \
		FIELD(struct cpu_event, cpus_allowed, NULL, "CPUs on which its leader may run"), \
		FIELD(struct cpu_event, samples, NULL, "how often it was sampled so far"),       \
		FIELD(struct cpu_event, iowait_samples, NULL, "of them, those with a thread in I/O wait")

/* The core's; it is the same for all. */
static const char *(*syscall_name)(int number);

static const char *name_of_syscall(uint64_t number)
{
	return syscall_name ? syscall_name(number) : NULL;
}

static const char *name_of_descriptor(uint64_t descriptor)
{
	static const char *const names[] = {
		[CPU_FIFO] = "fifo", [CPU_CHAR] = "char",     [CPU_DIRECTORY] = "directory", [CPU_BLOCK] = "block",
		[CPU_FILE] = "file", [CPU_SOCKET] = "socket", [CPU_PIPE] = "pipe",
	};
	uint32_t type = descriptor, device = descriptor >> CPU_DEVICE_SHIFT;

	if (type == CPU_CHAR && device__is_terminal(device))
		return "tty";
	return type < sizeof(names) / sizeof(*names) && names[type] ? names[type] : "other";
}

static const struct schema_field sample_fields[] = {
	COMM,
	TIMES,
	FIELD(struct cpu_event, threads, NULL, "live threads"),
	FIELD(struct cpu_event, state, NULL, "state of the most active thread: R D S T t Z, as in ps(1)"),
	SWITCHES,
	WAITS,
	FIELD(struct cpu_event, in_iowait, NULL, "threads that are in I/O wait"),
	FIELD(struct cpu_sample, quota_ns, "ns", "CPU time a period by the tightest quota of its cgroups; null: none"),
	FIELD(struct cpu_sample, period_ns, "ns", "of that quota"),
	FIELD(struct cpu_sample, periods, NULL, "nr_periods of that cgroup so far"),
	FIELD(struct cpu_sample, throttled_periods, NULL, "nr_throttled: of them, those in which it was stopped"),
	FIELD(struct cpu_sample, throttled_ns, "ns", "how long its CPUs were stopped, added up"),
	FIELD(struct cpu_sample, quota_cgroup_id, NULL, "that cgroup's inode"),
	FIELD_NAME(struct cpu_sample, syscall, "syscall", name_of_syscall,
		   "system call that its leader sleeps in, as \"futex\"; null: it runs, is stopped, or is in none"),
	FIELD_NAME(struct cpu_sample, descriptor, "descriptor", name_of_descriptor,
		   "where it reads or writes: file, directory, pipe, fifo, socket, tty, char, block, other"),
	{0},
};

static const struct schema_field exit_fields[] = {
	COMM,
	TIMES,
	FIELD(struct cpu_event, threads, NULL, "peak number of live threads"),
	SWITCHES,
	FIELD(struct cpu_event, final, NULL, "the kernel's accounting was final: the values are exact"),
	FIELD(struct cpu_event, exited_ns, "ns",
	      "when it exited; the event comes when its accounting is final, or known not to be"),
	WAITS,
	{0},
};

static const struct schema_field image_fields[] = {
	TIMES,
	SWITCHES,
	{0},
};

static const struct schema_event events[] = {
	EVENT(CPU_SAMPLE, struct cpu_sample, "sample", "at each interval, if it ran or its state changed",
	      sample_fields),
	EVENT(CPU_EXIT, struct cpu_event, "exit", "once per process, when its accounting is final", exit_fields,
	      .role = SCHEMA_EXIT),
	EVENT(CPU_IMAGE, struct cpu_event, "image",
	      "an exec replaces the program: the process's totals so far, to within a tick", image_fields),
};

static __u64 larger(__u64 a, __u64 b)
{
	return a > b ? a : b;
}
static __u64 smaller(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

/* Splits the exact run time in the ratio of the tick-sampled utime and stime, neither below the value last reported
 * to user space (ps, for example): the kernel's cputime_adjust(). In 128 bits, as the product of two times does not
 * fit in 64. */
static const struct event *cpu__event(void *state, struct event *event, size_t *size)
{
	struct cpu_event *e = (struct cpu_event *)event;
	__u64 user, system, run;

	(void)state;
	if (*size < sizeof(*e)) /* of no kind of ours, which the core counts */
		return event;
	user = e->user_ns;
	system = e->system_ns;
	run = e->cpu_ns;
	if (EVENT_IS_NULL(run))
		return event;
	if (system)
		system = user ? (unsigned __int128)system * run / ((unsigned __int128)system + user) : run;
	system = larger(system, smaller(e->prev_system, run));
	e->user_ns = larger(run - system, smaller(e->prev_user, run));
	e->system_ns = run - e->user_ns;
	return event;
}

static int set_transfers(const struct core_api *api, struct bpf_object *object)
{
	static const unsigned calls[] = {__NR_read,  __NR_readv,  __NR_pread64,	 __NR_preadv,  __NR_preadv2,
					 __NR_write, __NR_writev, __NR_pwrite64, __NR_pwritev, __NR_pwritev2};
	__u64 transfers[CPU_TRANSFERS / 64] = {0};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		transfers[calls[i] / 64] |= 1ULL << calls[i] % 64;
	return api->set(object, "transfers", transfers, sizeof(transfers));
}

static int cpu__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	(void)conf;
	(void)state;
	syscall_name = api->syscall_name;
	return PROBE_SET(api, object, stack_bytes, (__u64)api->stack_bytes()) || set_transfers(api, object) ? -EINVAL
													    : 0;
}

PROBE(cpu, "CPU time, context switches and state of every process", events, .ring_bytes = 4 << 20,
      .interval_ns = 1000000000, .open = cpu__open, .event = cpu__event);
