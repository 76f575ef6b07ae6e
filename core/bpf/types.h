/* SPDX-License-Identifier: BSD-2-Clause */
/* What this kernel has: types, helpers, tracepoints. */
#ifndef CORE_BPF_TYPES_H
#define CORE_BPF_TYPES_H

#include <stdbool.h>

#define BTF_PATH "/sys/kernel/btf/vmlinux"

struct btf;

/* Why BPF programs like ours cannot run here, as a sentence with the next step; NULL if they can.
 * Asks for BTF and lockdown; the rest is known only by loading. */
const char *bpf__unusable(void);

/* The kernel's types, read once and kept; bpf__forget() gives them back. NULL: they cannot be read. */
const struct btf *bpf__types(void);

bool bpf__has_helper(int func);
bool bpf__has_type(const char *type, const char *member);

/* Number of arguments of a raw tracepoint on this kernel, from its BTF; -1: there is none. */
int bpf__tracepoint_args(const char *name);

void bpf__forget(void);

#endif
