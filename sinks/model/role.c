/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events say something to the model, and what reads them. */
#include "sinks/model/process.h"

#include <string.h>

/* In the order of enum model_io. */
#define IO_FIGURES                                                                                   \
	"read_chars", "write_chars", "read_syscalls", "write_syscalls", "read_bytes", "write_bytes", \
		"cancelled_write_bytes"

/* clang-format off */
static const struct role roles[] = {
	{ "lifecycle", "fork", MODEL_LIFECYCLE, life__fork, { "ppid", "parent_start", "comm" } },
	{ "lifecycle", "exec", MODEL_LIFECYCLE, life__exec,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid", "env" } },
	{ "lifecycle", "exec_failed", MODEL_LIFECYCLE, life__exec_failed,
	  { NULL, NULL, NULL, "exe", "args", NULL, NULL, NULL, "error" } },
	{ "lifecycle", "alive", MODEL_LIFECYCLE, life__alive,
	  { "ppid", "parent_start", "comm", "exe", "args", "cwd", "uid", "env" } },
	{ "lifecycle", "exit", MODEL_LIFECYCLE, life__end,
	  { "ppid", "parent_start", "comm", "exit_code", "signal", "signal_name", "core_dumped" } },
	{ "cpu", "sample", MODEL_CPU, usage__cpu, { "cpu_ns", "user_ns", "system_ns", "comm" } },
	{ "cpu", "exit", MODEL_CPU, usage__cpu_end, { "cpu_ns", "user_ns", "system_ns", "comm" } },
	{ "io", "sample", MODEL_IO, usage__io, { IO_FIGURES, "comm" } },
	{ "io", "exit", MODEL_IO, usage__io_end, { IO_FIGURES, "comm", "final" } },
	{ "mem", "sample", MODEL_MEM, usage__mem, { "rss_bytes", "comm" } },
	{ "mem", "exit", MODEL_MEM, usage__mem_end, { "peak_rss_bytes", "comm" } },
	{ "mem", "oom_kill", MODEL_MEM, usage__oom_kill, { NULL, "comm" } },
};
/* clang-format on */

const struct role *role__find(const struct stream_event *event)
{
	for (size_t i = 0; event->name && event->stream && i < sizeof(roles) / sizeof(*roles); i++)
		if (!strcmp(event->stream, roles[i].stream) && !strcmp(event->name, roles[i].event))
			return &roles[i];
	return NULL;
}
