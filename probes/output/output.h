/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The output probe's events, shared by its BPF programs and user space. Includes nothing. */
#ifndef PROBES_OUTPUT_H
#define PROBES_OUTPUT_H

enum output_kind {
	OUTPUT_TEXT = 0,
	OUTPUT_HEAD = 1,
	OUTPUT_LOG = 2,
	OUTPUT_TAIL = EVENT_KIND_INTERNAL,
};

enum output_source { OUTPUT_FILE = 0, OUTPUT_WRITE = 1 };

#define OUTPUT_BYTES 4096 /* of a text at most, a power of two */
#define OUTPUT_HEAD_BYTES 1024

struct output_text {
	struct event head;
	__u64 bytes; /* of the text */
	__u64 cut;   /* written before them */
	__u32 fd, source;
	struct event_string text, path;
};

/* What a file that a process was given begins with. */
struct output_head {
	struct event head;
	__u64 bytes; /* of the text */
	struct event_string text, path;
};

/* What a workflow engine has written to its log since the event before. */
struct output_log {
	struct event head;
	__u64 bytes, log_bytes;
	struct event_string text, engine, path;
};

/* What a process wrote last, as the kernel keeps it: byte number n is at n modulo OUTPUT_BYTES. */
struct output_tail {
	struct event head;
	__u64 written;
	char bytes[OUTPUT_BYTES];
};

#endif
