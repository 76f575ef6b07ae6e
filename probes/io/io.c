/* SPDX-License-Identifier: BSD-2-Clause */
/* The io probe: what every process read and wrote, exact once the kernel has closed its account. */
#include "core/probe.h"

#include <errno.h>

#include "probes/io/io.h"
#include "probes/io/io.skel.h"

_Static_assert(sizeof(struct io_event) == 32 + 7 * 8 + EVENT_COMM + 8, "layout shared with BPF");

#define ACCOUNT                                                                                                 \
	FIELD(struct io_event, comm, NULL, "name of the group leader's thread"),                                \
		FIELD(struct io_event, read_chars, "bytes", "read by any system call, from the cache too"),     \
		FIELD(struct io_event, write_chars, "bytes", "written by any system call"),                     \
		FIELD(struct io_event, read_syscalls, NULL, "system calls that read"),                          \
		FIELD(struct io_event, write_syscalls, NULL, "system calls that wrote"),                        \
		FIELD(struct io_event, read_bytes, "bytes", "fetched from storage"),                            \
		FIELD(struct io_event, write_bytes, "bytes", "to be written to storage: counted when dirtied"), \
		FIELD(struct io_event, cancelled_write_bytes, "bytes", "of these, dropped before they were written")

static const struct schema_field sample_fields[] = {ACCOUNT, {0}};

static const struct schema_field exit_fields[] = {
	ACCOUNT,
	FIELD(struct io_event, final, NULL, "the kernel had closed the account: the figures are exact"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(IO_SAMPLE, struct io_event, "sample", "at each interval, if it read or wrote since", sample_fields),
	EVENT(IO_EXIT, struct io_event, "exit", "once a process, when its account is closed", exit_fields,
	      .role = SCHEMA_EXIT),
};

static int io__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	(void)conf;
	(void)object;
	(void)state;
	if (api->has_type("task_io_accounting", "rchar") && api->has_type("task_io_accounting", "read_bytes"))
		return 0;
	api->log(LOG_WARN, "io: this kernel keeps no account of I/O (CONFIG_TASK_XACCT, CONFIG_TASK_IO_ACCOUNTING)");
	return -EOPNOTSUPP;
}

PROBE(io, "what every process read and wrote", events, .ring_bytes = 8 << 20, .interval_ns = 1000000000,
      .open = io__open);
