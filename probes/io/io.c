/* SPDX-License-Identifier: BSD-2-Clause */
/* The io probe: I/O of every process, exact once the kernel's accounting is final. */
#include "core/probe.h"

#include <errno.h>

#include "probes/io/io.h"
#include "probes/io/io.skel.h"

_Static_assert(sizeof(struct io_event) == 32 + (2 * 7 + 1) * 8 + EVENT_COMM + 8, "layout shared with BPF");

#define OWN(member, unit, help) FIELD_AS(struct io_event, own.member, #member, unit, help)
#define CHILDREN(member, unit)                                                \
	FIELD_AS(struct io_event, children.member, "children_" #member, unit, \
		 "by children that it waited for, and theirs")

#define COMM FIELD(struct io_event, comm, NULL, "name of the group leader's thread")

#define OWN_ACCOUNT                                                                               \
	OWN(read_chars, "bytes", "read by system calls of its threads, from the page cache too"), \
		OWN(write_chars, "bytes", "written by system calls"),                             \
		OWN(read_syscalls, NULL, "system calls that read"),                               \
		OWN(write_syscalls, NULL, "system calls that wrote"),                             \
		OWN(read_bytes, "bytes", "fetched from storage"),                                 \
		OWN(write_bytes, "bytes", "to write to storage: counted when a page is dirtied"), \
		OWN(cancelled_write_bytes, "bytes", "of write_bytes, dropped before they were written")

#define CHILDREN_ACCOUNT                                                                                       \
	CHILDREN(read_chars, "bytes"), CHILDREN(write_chars, "bytes"), CHILDREN(read_syscalls, NULL),          \
		CHILDREN(write_syscalls, NULL), CHILDREN(read_bytes, "bytes"), CHILDREN(write_bytes, "bytes"), \
		CHILDREN(cancelled_write_bytes, "bytes")

static const struct schema_field sample_fields[] = {COMM, OWN_ACCOUNT, CHILDREN_ACCOUNT, {0}};

static const struct schema_field image_fields[] = {OWN_ACCOUNT, CHILDREN_ACCOUNT, {0}};

static const struct schema_field exit_fields[] = {
	COMM,
	OWN_ACCOUNT,
	FIELD(struct io_event, final, NULL, "the kernel's accounting was final: the values are exact"),
	CHILDREN_ACCOUNT,
	FIELD(struct io_event, exited_ns, "ns",
	      "when it exited; the event comes when its accounting is final, or known not to be"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(IO_SAMPLE, struct io_event, "sample", "at each interval, if it read or wrote", sample_fields),
	EVENT(IO_EXIT, struct io_event, "exit", "once per process, when its accounting is final", exit_fields,
	      .role = SCHEMA_EXIT),
	EVENT(IO_IMAGE, struct io_event, "image", "an exec replaces the program: the process's totals so far",
	      image_fields),
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

PROBE(io, "I/O of every process", events, .ring_bytes = 4 << 20, .interval_ns = 1000000000, .open = io__open);
