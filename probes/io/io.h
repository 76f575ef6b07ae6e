/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The io probe's events, shared by its BPF programs and user space. Includes nothing. */
#ifndef PROBES_IO_H
#define PROBES_IO_H

enum io_kind { IO_SAMPLE = 0, IO_EXIT = 1, IO_IMAGE = 2 };

/* The kernel's counters, in the order of struct task_io_accounting. */
struct io_account {
	__u64 read_chars;
	__u64 write_chars;
	__u64 read_syscalls;
	__u64 write_syscalls;
	__u64 read_bytes;
	__u64 write_bytes;
	__u64 cancelled_write_bytes;
};

/* All kinds. */
struct io_event {
	struct event head;
	struct io_account own;	    /* of the process's threads */
	struct io_account children; /* of the children that it has waited for, and theirs */
	__u64 exited_ns;	    /* boot clock; exit only */
	char comm[EVENT_COMM];
	bool final;
	__u8 zero[7];
};

#endif
