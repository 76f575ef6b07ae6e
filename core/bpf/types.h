/* SPDX-License-Identifier: BSD-2-Clause */
/* Features of the running kernel: types, helpers, tracepoints. Not thread-safe. */
#ifndef CORE_BPF_TYPES_H
#define CORE_BPF_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#define BTF_PATH "/sys/kernel/btf/vmlinux"

struct btf;

/* Why our BPF programs cannot run on this kernel, as a sentence with the next step; NULL: they can, as far as known
 * without loading them. Checks BTF and lockdown. */
const char *bpf__unusable(void);

/* The kernel's BTF, parsed once and cached until bpf__forget(). NULL: it cannot be read. */
const struct btf *bpf__types(void);

/* Why bpf(2) failed with EPERM or EACCES although the capabilities are there, with the next step. Static. */
const char *bpf__forbidden(void);

/* What to do if BPF programs cannot be loaded: the verifier has no part in what a limit, or a security module, refuses. */
const char *bpf__next_step(int err);

/* The sentence for a security module: `selinux`: it is in force; `label`: of this process, as /proc/self/attr/current has
 * it. NULL: none confines it. */
const char *bpf__confined(bool selinux, const char *label);

bool bpf__has_helper(int func);
uint64_t bpf__stack_bytes(void);
bool bpf__has_type(const char *type, const char *member);

/* Number of arguments of a raw tracepoint, from the kernel's BTF; -1: no such tracepoint. */
int bpf__tracepoint_args(const char *name);

void bpf__forget(void);

#endif
