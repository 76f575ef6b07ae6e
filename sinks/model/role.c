/* SPDX-License-Identifier: BSD-2-Clause */
/* The events that the model uses, and the functions that read them. */
#include "sinks/model/process.h"

#include <string.h>

/* In the order of enum model_io. */
#define IO_FIGURES                                                                                   \
	"read_chars", "write_chars", "read_syscalls", "write_syscalls", "read_bytes", "write_bytes", \
		"cancelled_write_bytes"

/* clang-format off */
static const struct role roles[] = {
	{ "lifecycle", "fork", MODEL_LIFECYCLE, life__fork, { "ppid", "parent_start", "comm", "ns_pid" } },
	{ "lifecycle", "exec", MODEL_LIFECYCLE, life__exec,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid", "cgroup", "env", "stderr", "ns_pid", "stdin_pipe",
	    "stdout_pipe" } },
	{ "lifecycle", "exec_failed", MODEL_LIFECYCLE, life__exec_failed,
	  { NULL, NULL, NULL, "exe", "args", NULL, NULL, NULL, NULL, NULL, "error" } },
	{ "lifecycle", "failure", MODEL_LIFECYCLE, life__failure, { "cwd", "stderr", "stdin_pipe", "stdout_pipe" } },
	{ "lifecycle", "alive", MODEL_LIFECYCLE, life__alive,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid", "cgroup", "env", "stderr", "ns_pid", "stdin_pipe",
	    "stdout_pipe" } },
	{ "lifecycle", "exit", MODEL_LIFECYCLE, life__end,
	  { "ppid", "parent_start", "comm", "exit_code", "signal", "signal_name", "core_dumped", "signal_code", "sender",
	    "sender_pid", "sender_start", "sender_comm" } },
	{ "cpu", "sample", MODEL_CPU, usage__cpu,
	  { "cpu_ns", "user_ns", "system_ns", "comm", "state", "threads", "syscall", "descriptor" } },
	{ "cpu", "exit", MODEL_CPU, usage__cpu_end,
	  { "cpu_ns", "user_ns", "system_ns", "comm", "final", "threads", "exited_ns" } },
	{ "cpu", "image", MODEL_CPU, usage__cpu_image, { "cpu_ns", "user_ns", "system_ns" } },
	{ "io", "sample", MODEL_IO, usage__io, { IO_FIGURES, "comm" } },
	{ "io", "exit", MODEL_IO, usage__io_end, { IO_FIGURES, "comm", "final", "exited_ns" } },
	{ "io", "image", MODEL_IO, usage__io_image, { IO_FIGURES } },
	{ "mem", "sample", MODEL_MEM, usage__mem,
	  { "rss_bytes", "comm", "inherited_rss_bytes", "anon_bytes", "file_bytes", "shmem_bytes", "minor_faults",
	    "hugetlb_bytes" } },
	{ "mem", "exit", MODEL_MEM, usage__mem_end,
	  { "peak_rss_bytes", "comm", "inherited_rss_bytes", NULL, NULL, NULL, NULL, "hugetlb_bytes" } },
	{ "mem", "image", MODEL_MEM, usage__mem_image,
	  { "peak_rss_bytes", NULL, "inherited_rss_bytes", NULL, NULL, NULL, NULL, "hugetlb_bytes" } },
	{ "mem", "pss", MODEL_MEM, pss__process, { "pss_bytes", "pss_anon_bytes", "pss_file_bytes", "pss_shmem_bytes" } },
	{ "mem", "together", MODEL_MEM, pss__total,
	  { "processes", "processes_read", "read_ns", "cgroup", "cgroup_bytes", "cgroup_page_cache_bytes", "cgroup_processes",
	    "cgroup_run_processes", "pids_limit", "pids_refused", "cgroup_limit_bytes" } },
	{ "output", "text", MODEL_SOURCES, life__said, { "text", "cut", "path" } },
	{ "output", "head", MODEL_SOURCES, head__take, { "text", "path" } },
	{ "output", "log", MODEL_SOURCES, head__take_log, { "text", "engine" } },
	{ "mem", "oom_kill", MODEL_MEM, usage__oom_kill,
	  { NULL, "comm", "rss_bytes", "limit_bytes", "usage_bytes", "oom_scope", "oom_cgroup", "limit", "cgroup" } },
};
/* clang-format on */

void role__missing(const struct stream_info *info, bool missing[MODEL_SOURCES])
{
	for (const char *const *name = info->missing; name && *name; name++)
		for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
			if (roles[i].source < MODEL_SOURCES && !strcmp(*name, roles[i].stream))
				missing[roles[i].source] = true;
}

const struct role *role__find(const struct stream_event *event)
{
	for (size_t i = 0; event->name && event->stream && i < sizeof(roles) / sizeof(*roles); i++)
		if (!strcmp(event->stream, roles[i].stream) && !strcmp(event->name, roles[i].event))
			return &roles[i];
	return NULL;
}
