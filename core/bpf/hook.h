/* SPDX-License-Identifier: BSD-2-Clause */
/* Hooks that are not on every kernel: which of two entries to load, classic tracepoints, and functions. */
#ifndef CORE_BPF_HOOK_H
#define CORE_BPF_HOOK_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_link;
struct bpf_object;
struct bpf_program;

/* Whether programs of raw tracepoints ("tp_btf/NAME") can be preempted here. The kernel then skips them for
 * whoever comes by on the same CPU meanwhile; those of classic tracepoints ("tp/GROUP/NAME") it never does. */
bool hook__raw_is_preempted(void);

/* Whether programs can be attached to the classic tracepoint "GROUP/NAME": its number is in tracefs. */
bool hook__has_classic(const char *tracepoint);

/* Whether programs can be attached to this function of the kernel ("fentry/NAME"); tried. */
bool hook__has_function(const char *name);

/* Of two entries to one tracepoint in an object, "tp_btf/NAME" and "tp/GROUP/NAME", leaves one set to load:
 * the second where the first could be preempted and the second can be had. */
void hook__choose(struct bpf_object *object);

/* Calls each() for every hook that an object's programs attach to, in their order: "tp_btf/NAME or tp/GROUP/NAME" where
 * there are two entries, with the name of the program. 0 or -errno: it is not a BPF object. Needs no rights. */
int hook__list(const void *elf, size_t size, void (*each)(void *arg, const char *hook, const char *program), void *arg);

/* Attaches a program to the classic tracepoint of its section. NULL, and errno. */
struct bpf_link *hook__attach_classic(struct bpf_program *prog);

#endif
