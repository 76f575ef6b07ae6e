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
#include "probes/mem/together.h"

_Static_assert(sizeof(struct mem_event) == 32 + 16 * 8 + EVENT_COMM, "layout shared with BPF");

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

#define INHERITED                                                                              \
	FIELD(struct mem_event, inherited_rss_bytes, "bytes",                                  \
	      "of a process that has not executed a program: what it shares with its parent, " \
	      "as resident at the fork, and files; else 0")

#define HUGETLB FIELD(struct mem_event, hugetlb_bytes, "bytes", "in pages of hugetlbfs, which are not resident memory")

static const struct schema_field sample_fields[] = {
	FIELD(struct mem_event, comm, NULL, "name of the group leader's thread"), NOW, INHERITED, HUGETLB, {0},
};

static const struct schema_field exit_fields[] = {
	FIELD(struct mem_event, comm, NULL, "name of the group leader's thread"),
	FIELD(struct mem_event, peak_rss_bytes, "bytes",
	      "peak resident memory since the last exec; after memory is freed the kernel's counter may lag by at "
	      "most 32 pages per CPU (or twice the number of CPUs)"),
	FIELD(struct mem_event, rusage_maxrss_bytes, "bytes",
	      "as reported by wait4(): may be the peak before the exec, or of a child it waited for"),
	NOW,
	INHERITED,
	HUGETLB,
	FIELD(struct mem_event, stack_limit_bytes, "bytes", "limit of stack_bytes (RLIMIT_STACK); null: none"),
	{0},
};

static const struct schema_field image_fields[] = {
	FIELD(struct mem_event, peak_rss_bytes, "bytes", "its peak resident memory, as in exit"),
	INHERITED,
	NOW,
	HUGETLB,
	{0},
};

static const char *scope_name(uint64_t scope)
{
	return scope == MEM_OOM_CGROUP ? "cgroup" : "host";
}

static const struct schema_field oom_kill_fields[] = {
	FIELD(struct mem_oom_kill, comm, NULL, "the victim's name"),
	FIELD(struct mem_oom_kill, rss_bytes, "bytes", "resident at that time"),
	FIELD(struct mem_oom_kill, limit, NULL, "as oom_scope, or \"unknown\"; for readers of 0.1.0"),
	FIELD(struct mem_oom_kill, limit_bytes, "bytes", "memory limit of the cgroup"),
	FIELD(struct mem_oom_kill, cgroup, NULL, "the cgroup at its limit"),
	FIELD(struct mem_oom_kill, trigger_pid, NULL, "process whose allocation failed"),
	FIELD(struct mem_oom_kill, trigger_start, "ns", "its start"),
	FIELD(struct mem_oom_kill, trigger_comm, NULL, "its name"),
	FIELD_NAME(struct mem_oom_kill, oom_scope, "oom_scope", scope_name,
		   "what was out of memory: \"cgroup\" or \"host\"; null: no longer determinable"),
	FIELD_AS(struct mem_oom_kill, cgroup, "oom_cgroup", NULL, "the cgroup at its limit"),
	FIELD(struct mem_oom_kill, usage_bytes, "bytes", "memory that the cgroup used"),
	{0},
};

static const struct schema_field pss_fields[] = {
	FIELD(struct mem_pss, pss_bytes, "bytes", "resident, each page divided by the processes that map it"),
	FIELD(struct mem_pss, pss_anon_bytes, "bytes", "of it anonymous memory"),
	FIELD(struct mem_pss, pss_file_bytes, "bytes", "of it file pages"),
	FIELD(struct mem_pss, pss_shmem_bytes, "bytes", "of it shared memory"),
	FIELD(struct mem_pss, private_bytes, "bytes", "resident in pages that no other process maps"),
	FIELD(struct mem_pss, shared_bytes, "bytes", "resident in pages that others map too, not divided"),
	FIELD(struct mem_pss, swap_pss_bytes, "bytes", "swapped out, divided in the same way"),
	{0},
};

static const struct schema_field together_fields[] = {
	FIELD(struct mem_together, pss_bytes, "bytes", "sum of Pss of the processes that were read"),
	FIELD(struct mem_together, processes, NULL, "of the run, that had been sampled"),
	FIELD(struct mem_together, processes_read, NULL, "of them, those that were read"),
	FIELD(struct mem_together, read_ns, "ns", "how long that took, until this record"),
	FIELD(struct mem_together, cgroup, NULL,
	      "the memory cgroup in which most of their memory is, of all processes in it:"),
	FIELD(struct mem_together, cgroup_bytes, "bytes", "its charge"),
	FIELD(struct mem_together, cgroup_limit_bytes, "bytes", "its limit; null: none"),
	FIELD(struct mem_together, cgroup_peak_bytes, "bytes", "most that it was charged, also before the run"),
	FIELD(struct mem_together, cgroup_anon_bytes, "bytes", "of the charge anonymous memory"),
	FIELD(struct mem_together, cgroup_page_cache_bytes, "bytes",
	      "of the charge page cache of files, which the kernel drops when memory is short"),
	FIELD(struct mem_together, cgroup_shmem_bytes, "bytes", "of the charge shared memory, tmpfs included"),
	FIELD(struct mem_together, cgroup_processes, NULL, "processes in it and below, without the collector's own"),
	FIELD(struct mem_together, cgroup_run_processes, NULL, "processes of the run in it"),
	FIELD(struct mem_together, cgroup_limit_hits, NULL, "charges that met its limit, since it was made"),
	FIELD(struct mem_together, cgroup_oom_kills, NULL, "processes killed in it by the OOM killer"),
	FIELD(struct mem_together, periods, NULL, "of its CPU cgroup: periods of the quota in which it ran"),
	FIELD(struct mem_together, throttled_periods, NULL, "of them, those in which the quota was used up"),
	FIELD(struct mem_together, throttled_ns, "ns", "how long it was throttled, all CPUs"),
	FIELD(struct mem_together, quota_ns, "ns", "CPU time that it may use in a period; null: no limit"),
	FIELD(struct mem_together, period_ns, "ns", "length of a period"),
	FIELD(struct mem_together, pids, NULL, "of its pids cgroup: processes and threads in it"),
	FIELD(struct mem_together, pids_limit, NULL, "how many may be; null: no limit"),
	FIELD(struct mem_together, pids_refused, NULL, "forks that failed for that limit"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(MEM_SAMPLE, struct mem_event, "sample", "at each interval, if its memory changed", sample_fields),
	EVENT(MEM_EXIT, struct mem_event, "exit", "once per process, at its exit", exit_fields, .role = SCHEMA_EXIT),
	EVENT(MEM_OOM_KILL, struct mem_oom_kill, "oom_kill", "selected by the OOM killer", oom_kill_fields),
	EVENT(MEM_IMAGE, struct mem_event, "image",
	      "an exec replaces the program, or a fork that has grown by a MiB or more", image_fields),
	EVENT(MEM_PSS, struct mem_pss, "pss", "after samples, if its smaps_rollup changed", pss_fields),
	EVENT(MEM_TOGETHER, struct mem_together, "together", "after a round of pss: the run's processes together",
	      together_fields),
};

struct mem {
	struct together *together;  /* NULL: not recorded */
	const char *unavailable[5]; /* terminated by NULL */
};

static void set_autoload(struct bpf_object *object, const char *program, bool load)
{
	bpf_program__set_autoload(bpf_object__find_program_by_name(object, program), load);
}

/* Selects how to determine the peak, and lists what is unavailable on this kernel. */
static int choose(const struct core_api *api, struct bpf_object *object, struct mem *mem)
{
	bool images = *api->events >> MEM_IMAGE & 1, prepares = api->tracepoint_args("sched_prepare_exec") > 0;
	bool image_at_exec = images && !prepares;
	bool percpu = !api->has_type("mm_rss_stat", NULL); /* kfix__rss_percpu() */
	bool summed = percpu && api->has_helper(BPF_FUNC_map_lookup_percpu_elem);
	bool exits = *api->events >> MEM_EXIT & 1;
	/* Since 6.16 the exit tracepoint has a second argument, and fires before the mm is released. */
	bool has_mm = api->tracepoint_args("sched_process_exit") > 1;
	bool early = !has_mm && exits && api->has_function("taskstats_exit"), use_maxrss = !has_mm && !early;
	size_t n = 0;

	set_autoload(object, "mem_exit_early", early);
	set_autoload(object, "mem_exec", (use_maxrss && exits) || image_at_exec);
	set_autoload(object, "mem_fork", exits || images);
	if (!prepares) {
		set_autoload(object, "mem_image", false);
		set_autoload(object, "mem_image_classic", false);
		if (images)
			mem->unavailable[n++] =
				"image.peak_rss_bytes: on this kernel (no sched_prepare_exec) known only if it exceeds the peak "
				"of the programs before; the other values are unavailable";
	}
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
	return PROBE_SET(api, object, use_maxrss, use_maxrss) || PROBE_SET(api, object, image_at_exec, image_at_exec) ||
			       PROBE_SET(api, object, page_bytes, (__u64)sysconf(_SC_PAGESIZE)) ||
			       PROBE_SET(api, object, cpus_possible, (__u32)libbpf_num_possible_cpus())
		       ? -EINVAL
		       : 0;
}

static int mem__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	struct mem *mem = *state = calloc(1, sizeof(*mem));

	(void)conf;
	if (!mem)
		return -ENOMEM;
	if (*api->events & (1ULL << MEM_PSS | 1ULL << MEM_TOGETHER)) {
		mem->together = together__new(api);
		if (!mem->together)
			return -ENOMEM;
	}
	return choose(api, object, mem);
}

static void mem__close(void *state)
{
	struct mem *mem = state;

	if (mem)
		together__free(mem->together);
	free(mem);
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

static const struct event *mem__event(void *state, struct event *event, size_t *size)
{
	struct mem *mem = state;

	(void)size;
	if (mem->together && event->kind == MEM_SAMPLE)
		together__sample(mem->together, (struct mem_event *)event);
	else if (mem->together && event->kind == MEM_EXIT)
		together__exit(mem->together, event);
	return event;
}

static void mem__sampled(void *state)
{
	struct mem *mem = state;

	if (mem->together)
		together__round(mem->together);
}

static const struct event *mem__answer(void *state, const struct probe_answer *answer, size_t *size)
{
	return together__answer(((struct mem *)state)->together, answer, size);
}

PROBE(mem, "memory of every process, its peak, and OOM kills", events, .ring_bytes = 4 << 20, .interval_ns = 1000000000,
      .open = mem__open, .close = mem__close, .loaded = mem__loaded, .unavailable = mem__unavailable,
      .event = mem__event, .sampled = mem__sampled, .answer = mem__answer);
