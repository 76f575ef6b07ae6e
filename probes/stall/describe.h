/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns what the kernel gives of threads and descriptors into text. */
#ifndef PROBES_STALL_DESCRIBE_H
#define PROBES_STALL_DESCRIBE_H

struct core_api;
struct stall_stuck;
struct stall_descriptor;

/* Set the fields that the BPF programs leave to user space. */
void describe__thread(struct stall_stuck *e, const struct core_api *api);
void describe__descriptor(struct stall_descriptor *e);

const char *describe__type(uint64_t type); /* enum stall_type */

#endif
