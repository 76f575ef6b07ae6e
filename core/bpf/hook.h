/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks that not every kernel has: raw or classic tracepoint programs, and functions. Not thread-safe. */
#ifndef CORE_BPF_HOOK_H
#define CORE_BPF_HOOK_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_link;
struct bpf_object;
struct bpf_program;

/* Whether programs of raw tracepoints ("tp_btf/NAME") can be preempted on this kernel. The kernel then skips them
 * for other tasks on the same CPU; it never skips those of classic tracepoints ("tp/GROUP/NAME"). */
bool hook__raw_is_preempted(void);

/* Whether programs can be attached to the classic tracepoint "GROUP/NAME": its id is in tracefs. */
bool hook__has_classic(const char *tracepoint);

/* Whether a program can be attached to this kernel function ("fentry/NAME"), found by attaching one. */
bool hook__has_function(const char *name);

/* Of two programs for one tracepoint, "tp_btf/NAME" and "tp/GROUP/NAME", leaves one set to load: the classic one
 * if raw ones can be preempted and it can be attached. Of programs called NAME and NAME_loop, the one with bpf_loop()
 * if the kernel has it. */
void hook__choose(struct bpf_object *object);

/* Calls each() for every program of an object, in order, with its hook and name; once for two programs of which one
 * is loaded, with both tracepoints: "tp_btf/NAME or tp/GROUP/NAME". 0, or -errno if it is not a BPF object. Needs no
 * privileges. */
int hook__list(const void *elf, size_t size, void (*each)(void *arg, const char *hook, const char *program), void *arg);

/* Makes libbpf take the ids of kernel functions from bpf__types() instead of parsing the kernel's BTF once more for
 * every object. Call once, before objects are opened. */
void hook__init(void);

/* Attaches a loaded program to the hook of its section. NULL on error, with errno set. */
struct bpf_link *hook__attach(struct bpf_program *prog);

#endif
