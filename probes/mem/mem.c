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
	[MEM_SAMPLE] = {"sample", "at each interval, if its memory changed since", sample_fields,
			sizeof(struct mem_event)},
	[MEM_EXIT] = {"exit", "once a process, at its end", exit_fields, sizeof(struct mem_event)},
	[MEM_OOM_KILL] = {"oom_kill", "the kernel chose it to be killed for want of memory", oom_kill_fields,
			  sizeof(struct mem_oom_kill)},
};

static const char *const hooks[] = {
	"tp_btf/sched_process_exit or tp/sched/sched_process_exit",
	"fentry/taskstats_exit (before kernel 6.16)",
	"tp_btf/mark_victim",
	"iter/task",
	"iter/bpf_map (once)",
	NULL,
};

struct mem {
	struct mem_bpf *bpf;
	const char *unavailable[4]; /* ended by NULL */
};

static int mem__open(const struct core_api *api, const void *conf, struct bpf_object_skeleton **skel, void **state)
{
	struct mem_bpf *bpf = mem_bpf__open_opts(api->bpf_opts);
	bool percpu = !api->has_type("mm_rss_stat", NULL); /* kfix__rss_percpu() */
	bool summed = percpu && api->has_helper(BPF_FUNC_map_lookup_percpu_elem);
	/* Both came to the exit's tracepoint with 6.16: the second argument, and the mm. */
	bool mm_there = api->tracepoint_args("sched_process_exit") > 1;
	bool earlier = !mm_there && api->has_function("taskstats_exit"), use_maxrss = !mm_there && !earlier;
	struct mem *mem = calloc(1, sizeof(*mem));
	size_t n = 0;

	(void)conf;
	if (!bpf || !mem) {
		mem_bpf__destroy(bpf);
		free(mem);
		return -ENOMEM;
	}
	mem->bpf = bpf;
	bpf_program__set_autoload(bpf->progs.mem_taskstats_exit, earlier);
	bpf_program__set_autoload(bpf->progs.mem_exec, use_maxrss);
	bpf_program__set_autoload(bpf->progs.mem_fork, use_maxrss);
	bpf->rodata->use_maxrss = use_maxrss;
	if (use_maxrss)
		mem->unavailable[n++] =
			"exit.peak_rss_bytes: on this kernel known only where it exceeds what the process "
			"was before its exec (no fentry on taskstats_exit); the last values of the rest are not";
	if (api->tracepoint_args("mark_victim") != 2) {
		bpf_program__set_autoload(bpf->progs.mem_oom, false);
		mem->unavailable[n++] = "oom_kill: this kernel's tracepoint does not name the victim's task";
	}
	if (percpu && !summed)
		mem->unavailable[n++] = "rss_bytes: counted without what each CPU has not added yet";
	if (api->has_type("task_rss_stat", NULL))
		mem->unavailable[n++] =
			"sample.rss_bytes: before kernel 6.2 without what each thread has not added yet, "
			"64 pages at most";
	bpf->rodata->scope_slot = api->scope_slot;
	bpf->rodata->page_bytes = sysconf(_SC_PAGESIZE);
	bpf->rodata->cpus_possible = libbpf_num_possible_cpus();
	bpf_program__set_autoload(bpf->progs.mem_cpus, summed);
	*skel = bpf->skeleton;
	*state = mem;
	return 0;
}

/* mem_cpus finds its own map by its id. */
static int mem__loaded(void *state)
{
	struct mem_bpf *bpf = ((struct mem *)state)->bpf;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_map__fd(bpf->maps.cpu_probe), &info, &size))
		return -errno;
	bpf->bss->cpu_probe_id = info.id;
	return 0;
}

static void mem__close(void *state)
{
	struct mem *mem = state;

	mem_bpf__destroy(mem->bpf);
	free(mem);
}

static const char *const *mem__unavailable(void *state)
{
	return ((struct mem *)state)->unavailable;
}

static const struct probe mem = {
	.abi = PROBE_ABI,
	.size = sizeof(mem),
	.name = "mem",
	.help = "memory of every process, its true peak, and kills for want of memory",
	.events = events,
	.events_count = sizeof(events) / sizeof(events[0]),
	.hooks = hooks,
	.ring_bytes = 4 << 20,
	.interval_ns = 1000000000,
	.open = mem__open,
	.loaded = mem__loaded,
	.close = mem__close,
	.unavailable = mem__unavailable,
	.end_event = "exit",
};

PROBE_EXPORT const struct probe *const collector_probe;
const struct probe *const collector_probe = &mem;
