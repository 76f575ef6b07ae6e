/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The hello probe's event, shared by its BPF program and user space. Includes nothing. */
#ifndef HELLO_H
#define HELLO_H

enum hello_kind { HELLO_GREETING = 0 };

struct hello_greeting {
	struct event head;
	__u64 uptime_ns; /* of the process, when it ran a program */
	__u32 answer;
	char comm[EVENT_COMM];
	__u32 zero;
};

#endif
