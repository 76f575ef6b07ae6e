/* SPDX-License-Identifier: BSD-2-Clause */
/* The cpu probe: CPU time of every process, exact once the kernel's accounting is final. */
#include "core/probe.h"

#include "probes/cpu/cpu.h"
#include "probes/cpu/cpu.skel.h"

_Static_assert(sizeof(struct cpu_event) == 32 + 8 * 8 + EVENT_COMM + 8, "layout shared with BPF");

#define TIMES                                                                                               \
	FIELD(struct cpu_event, comm, NULL, "name of the group leader's thread"),                           \
		FIELD(struct cpu_event, cpu_ns, "ns", "run time of all threads, by the scheduler's clock"), \
		FIELD(struct cpu_event, user_ns, "ns", "part of cpu_ns in user space, as wait4 splits it"), \
		FIELD(struct cpu_event, system_ns, "ns", "part of cpu_ns in the kernel")

#define SWITCHES                                                                         \
	FIELD(struct cpu_event, voluntary_switches, NULL, "voluntary context switches"), \
		FIELD(struct cpu_event, involuntary_switches, NULL, "involuntary context switches")

static const struct schema_field sample_fields[] = {
	TIMES,
	FIELD(struct cpu_event, threads, NULL, "live threads"),
	FIELD(struct cpu_event, state, NULL, "state of the most active thread: R D S T t Z, as in ps(1)"),
	SWITCHES,
	{0},
};

static const struct schema_field exit_fields[] = {
	TIMES,	  FIELD(struct cpu_event, threads, NULL, "peak number of live threads"),
	SWITCHES, FIELD(struct cpu_event, final, NULL, "the kernel's accounting was final: the values are exact"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(CPU_SAMPLE, struct cpu_event, "sample", "at each interval, if it ran or its state changed",
	      sample_fields),
	EVENT(CPU_EXIT, struct cpu_event, "exit", "once per process, when its accounting is final", exit_fields,
	      .role = SCHEMA_EXIT),
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
	__u64 user = e->user_ns, system = e->system_ns, run = e->cpu_ns;

	(void)state;
	(void)size;
	if (EVENT_IS_NULL(run))
		return event;
	if (system)
		system = user ? (unsigned __int128)system * run / ((unsigned __int128)system + user) : run;
	system = larger(system, smaller(e->prev_system, run));
	e->user_ns = larger(run - system, smaller(e->prev_user, run));
	e->system_ns = run - e->user_ns;
	return event;
}

PROBE(cpu, "CPU time, context switches and state of every process", events, .ring_bytes = 8 << 20,
      .interval_ns = 1000000000, .event = cpu__event);
