/* SPDX-License-Identifier: BSD-2-Clause */
/* The io probe: I/O of every process, exact once the kernel's accounting is final. */
#include "core/probe.h"

#include <errno.h>

#include "probes/io/io.h"
#include "probes/io/io.skel.h"

_Static_assert(sizeof(struct io_event) == 32 + 7 * 8 + EVENT_COMM + 8, "layout shared with BPF");

#define ACCOUNT                                                                                                      \
	FIELD(struct io_event, comm, NULL, "name of the group leader's thread"),                                     \
		FIELD(struct io_event, read_chars, "bytes", "read by system calls, from the page cache too"),        \
		FIELD(struct io_event, write_chars, "bytes", "written by system calls"),                             \
		FIELD(struct io_event, read_syscalls, NULL, "system calls that read"),                               \
		FIELD(struct io_event, write_syscalls, NULL, "system calls that wrote"),                             \
		FIELD(struct io_event, read_bytes, "bytes", "fetched from storage"),                                 \
		FIELD(struct io_event, write_bytes, "bytes", "to write to storage: counted when a page is dirtied"), \
		FIELD(struct io_event, cancelled_write_bytes, "bytes",                                               \
		      "of write_bytes, dropped before they were written")

static const struct schema_field sample_fields[] = {ACCOUNT, {0}};

static const struct schema_field exit_fields[] = {
	ACCOUNT,
	FIELD(struct io_event, final, NULL, "the kernel's accounting was final: the values are exact"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(IO_SAMPLE, struct io_event, "sample", "at each interval, if it read or wrote", sample_fields),
	EVENT(IO_EXIT, struct io_event, "exit", "once per process, when its accounting is final", exit_fields,
	      .role = SCHEMA_EXIT),
};

static int io__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	(void)conf;
	(void)object;
	(void)state;
	if (api->has_type("task_io_accounting", "rchar") && api->has_type("task_io_accounting", "read_bytes"))
		return 0;
	api->log(LOG_WARN,
		 "io: this kernel has no I/O accounting; CONFIG_TASK_XACCT and CONFIG_TASK_IO_ACCOUNTING are needed");
	return -EOPNOTSUPP;
}

PROBE(io, "I/O of every process", events, .ring_bytes = 8 << 20, .interval_ns = 1000000000, .open = io__open);
