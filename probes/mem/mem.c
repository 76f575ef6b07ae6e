/* SPDX-License-Identifier: BSD-2-Clause */
/* The mem probe: memory of every process, and the peak since its last exec. */
#include "core/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/mem/mem.h"
#include "probes/mem/mem.skel.h"

_Static_assert(sizeof(struct mem_event) == 32 + 11 * 8 + EVENT_COMM, "layout shared with BPF");

#define NOW                                                                                \
	FIELD(struct mem_event, rss_bytes, "bytes", "resident: anon + file + shmem"),      \
		FIELD(struct mem_event, anon_bytes, "bytes", "resident anonymous memory"), \
		FIELD(struct mem_event, file_bytes, "bytes", "resident file pages"),       \
		FIELD(struct mem_event, shmem_bytes, "bytes", "resident shared memory"),   \
		FIELD(struct mem_event, swap_bytes, "bytes", "swapped out"),               \
		FIELD(struct mem_event, vm_bytes, "bytes", "size of the address space"),   \
		FIELD(struct mem_event, stack_bytes, "bytes", "size of the stack"),        \
		FIELD(struct mem_event, minor_faults, NULL, "page faults without I/O"),    \
		FIELD(struct mem_event, major_faults, NULL, "page faults with I/O")

static const struct schema_field sample_fields[] = {
	FIELD(struct mem_event, comm, NULL, "name of the group leader's thread"),
	NOW,
	{0},
};

static const struct schema_field exit_fields[] = {
	FIELD(struct mem_event, comm, NULL, "name of the group leader's thread"),
	FIELD(struct mem_event, peak_rss_bytes, "bytes",
	      "peak resident memory since the last exec; after memory is freed the kernel's counter may lag by at "
	      "most 32 pages per CPU (or twice the number of CPUs)"),
	FIELD(struct mem_event, rusage_maxrss_bytes, "bytes",
	      "as reported by wait4(): may be the peak before the exec, or of a child it waited for"),
	NOW,
	{0},
};

static const struct schema_field oom_kill_fields[] = {
	FIELD(struct mem_oom_kill, comm, NULL, "the victim's name"),
	FIELD(struct mem_oom_kill, rss_bytes, "bytes", "resident at that time"),
	FIELD(struct mem_oom_kill, limit, NULL,
	      "what was out of memory: \"cgroup\", \"host\", or \"unknown\" (no longer determinable)"),
	FIELD(struct mem_oom_kill, limit_bytes, "bytes", "memory limit of the cgroup"),
	FIELD(struct mem_oom_kill, cgroup, NULL, "the cgroup at its limit"),
	FIELD(struct mem_oom_kill, trigger_pid, NULL, "process whose allocation failed"),
	FIELD(struct mem_oom_kill, trigger_start, "ns", "its start"),
	FIELD(struct mem_oom_kill, trigger_comm, NULL, "its name"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(MEM_SAMPLE, struct mem_event, "sample", "at each interval, if its memory changed", sample_fields),
	EVENT(MEM_EXIT, struct mem_event, "exit", "once per process, at its exit", exit_fields, .role = SCHEMA_EXIT),
	EVENT(MEM_OOM_KILL, struct mem_oom_kill, "oom_kill", "selected by the OOM killer", oom_kill_fields),
};

struct mem {
	const char *unavailable[4]; /* terminated by NULL */
};

static void set_autoload(struct bpf_object *object, const char *program, bool load)
{
	bpf_program__set_autoload(bpf_object__find_program_by_name(object, program), load);
}

/* Selects how to determine the peak, and lists what is unavailable on this kernel. */
static int choose(const struct core_api *api, struct bpf_object *object, struct mem *mem)
{
	bool percpu = !api->has_type("mm_rss_stat", NULL); /* kfix__rss_percpu() */
	bool summed = percpu && api->has_helper(BPF_FUNC_map_lookup_percpu_elem);
	bool exits = *api->events >> MEM_EXIT & 1;
	/* Since 6.16 the exit tracepoint has a second argument, and fires before the mm is released. */
	bool has_mm = api->tracepoint_args("sched_process_exit") > 1;
	bool early = !has_mm && exits && api->has_function("taskstats_exit"), use_maxrss = !has_mm && !early;
	size_t n = 0;

	set_autoload(object, "mem_exit_early", early);
	set_autoload(object, "mem_exec", use_maxrss && exits);
	set_autoload(object, "mem_fork", use_maxrss && exits);
	set_autoload(object, "mem_cpus", summed);
	if (use_maxrss && exits)
		mem->unavailable[n++] =
			"exit.peak_rss_bytes: on this kernel known only if it exceeds the peak before the exec "
			"(no fentry on taskstats_exit); the other values at the exit are unavailable";
	if (api->tracepoint_args("mark_victim") != 2) {
		*api->events &= ~(1ULL << MEM_OOM_KILL);
		mem->unavailable[n++] = "oom_kill: this kernel's tracepoint does not pass the victim's task";
	}
	if (percpu && !summed)
		mem->unavailable[n++] = "rss_bytes: without the pages that CPUs have not yet added to the counter";
	if (api->has_type("task_rss_stat", NULL))
		mem->unavailable[n++] =
			"sample.rss_bytes: before kernel 6.2 without the pages that threads have not yet added "
			"to the counter, at most 64 per thread";
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

/* mem_cpus finds the map cpu_probe by its id. */
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

PROBE(mem, "memory of every process, its peak, and OOM kills", events, .ring_bytes = 4 << 20, .interval_ns = 1000000000,
      .open = mem__open, .close = free, .loaded = mem__loaded, .unavailable = mem__unavailable);
