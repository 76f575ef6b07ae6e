/* SPDX-License-Identifier: BSD-2-Clause */
/* The mem probe: memory of every process, and the true peak of the program that ends. */
#include "core/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/mem/mem.h"
#include "probes/mem/mem.skel.h"

_Static_assert(sizeof(struct mem_event) == 32 + 11 * 8 + EVENT_COMM, "layout shared with BPF");

#define NOW                                                                                    \
	FIELD(struct mem_event, rss_bytes, "bytes", "resident: anon + file + shmem"),          \
		FIELD(struct mem_event, anon_bytes, "bytes", "resident anonymous memory"),     \
		FIELD(struct mem_event, file_bytes, "bytes", "resident pages of files"),       \
		FIELD(struct mem_event, shmem_bytes, "bytes", "resident shared memory"),       \
		FIELD(struct mem_event, swap_bytes, "bytes", "swapped out"),                   \
		FIELD(struct mem_event, vm_bytes, "bytes", "address space in use"),            \
		FIELD(struct mem_event, stack_bytes, "bytes", "address space of the stack"),   \
		FIELD(struct mem_event, minor_faults, NULL, "page faults served without I/O"), \
		FIELD(struct mem_event, major_faults, NULL, "page faults that waited for I/O")

static const struct schema_field sample_fields[] = {
	FIELD(struct mem_event, comm, NULL, "name of the group leader's thread"),
	NOW,
	{0},
};

static const struct schema_field exit_fields[] = {
	FIELD(struct mem_event, comm, NULL, "name of the group leader's thread"),
	FIELD(struct mem_event, peak_rss_bytes, "bytes",
	      "most that was resident at once, of the program that ends; of memory given back, the kernel's count lags "
	      "by at most 32 pages a CPU (or twice as many as there are CPUs)"),
	FIELD(struct mem_event, rusage_maxrss_bytes, "bytes",
	      "as wait4 says: may be what the process was before its exec, or a child it waited for"),
	NOW,
	{0},
};

static const struct schema_field oom_kill_fields[] = {
	FIELD(struct mem_oom_kill, comm, NULL, "the victim's name"),
	FIELD(struct mem_oom_kill, rss_bytes, "bytes", "resident then"),
	FIELD(struct mem_oom_kill, limit, NULL,
	      "what was full: \"cgroup\", the \"host\", or \"unknown\": none any more"),
	FIELD(struct mem_oom_kill, limit_bytes, "bytes", "that cgroup's limit"),
	FIELD(struct mem_oom_kill, cgroup, NULL, "that cgroup"),
	FIELD(struct mem_oom_kill, trigger_pid, NULL, "process whose allocation found no memory"),
	FIELD(struct mem_oom_kill, trigger_start, "ns", "its start"),
	FIELD(struct mem_oom_kill, trigger_comm, NULL, "its name"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(MEM_SAMPLE, struct mem_event, "sample", "at each interval, if its memory changed since", sample_fields),
	EVENT(MEM_EXIT, struct mem_event, "exit", "once a process, at its exit", exit_fields, .role = SCHEMA_EXIT),
	EVENT(MEM_OOM_KILL, struct mem_oom_kill, "oom_kill", "selected by the OOM killer", oom_kill_fields),
};

struct mem {
	const char *unavailable[4]; /* ended by NULL */
};

static void set_autoload(struct bpf_object *object, const char *program, bool load)
{
	bpf_program__set_autoload(bpf_object__find_program_by_name(object, program), load);
}

/* Chooses the way to the peak, and says what this kernel cannot give. */
static int choose(const struct core_api *api, struct bpf_object *object, struct mem *mem)
{
	bool percpu = !api->has_type("mm_rss_stat", NULL); /* kfix__rss_percpu() */
	bool summed = percpu && api->has_helper(BPF_FUNC_map_lookup_percpu_elem);
	bool exits = *api->events >> MEM_EXIT & 1;
	/* Both came to the exit's tracepoint with 6.16: the second argument, and the mm. */
	bool mm_there = api->tracepoint_args("sched_process_exit") > 1;
	bool early = !mm_there && exits && api->has_function("taskstats_exit"), use_maxrss = !mm_there && !early;
	size_t n = 0;

	set_autoload(object, "mem_exit_early", early);
	set_autoload(object, "mem_exec", use_maxrss && exits);
	set_autoload(object, "mem_fork", use_maxrss && exits);
	set_autoload(object, "mem_cpus", summed);
	if (use_maxrss && exits)
		mem->unavailable[n++] =
			"exit.peak_rss_bytes: on this kernel known only where it exceeds what the process "
			"was before its exec (no fentry on taskstats_exit); the last values of the rest are not";
	if (api->tracepoint_args("mark_victim") != 2) {
		*api->events &= ~(1ULL << MEM_OOM_KILL);
		mem->unavailable[n++] = "oom_kill: this kernel's tracepoint does not name the victim's task";
	}
	if (percpu && !summed)
		mem->unavailable[n++] = "rss_bytes: counted without what each CPU has not added yet";
	if (api->has_type("task_rss_stat", NULL))
		mem->unavailable[n++] =
			"sample.rss_bytes: before kernel 6.2 without what each thread has not added yet, "
			"64 pages at most";
	return PROBE_SET(api, object, use_maxrss, use_maxrss) ||
			       PROBE_SET(api, object, page_bytes, (__u64)sysconf(_SC_PAGESIZE)) ||
			       PROBE_SET(api, object, cpus_possible, (__u32)libbpf_num_possible_cpus())
		       ? -EINVAL
		       : 0;
}

static int mem__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	(void)conf;
	*state = calloc(1, sizeof(struct mem));
	return *state ? choose(api, object, *state) : -ENOMEM;
}

/* mem_cpus finds its own map by its id. */
static int mem__loaded(const struct core_api *api, struct bpf_object *object, void *state)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	(void)state;
	if (bpf_obj_get_info_by_fd(bpf_object__find_map_fd_by_name(object, "cpu_probe"), &info, &size))
		return -errno;
	return PROBE_SET(api, object, cpu_probe_id, info.id);
}

static const char *const *mem__unavailable(void *state)
{
	return ((struct mem *)state)->unavailable;
}

PROBE(mem, "memory of every process, its true peak, and kills by the OOM killer", events, .ring_bytes = 4 << 20,
      .interval_ns = 1000000000, .open = mem__open, .close = free, .loaded = mem__loaded,
      .unavailable = mem__unavailable);
