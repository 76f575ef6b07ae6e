/* SPDX-License-Identifier: BSD-2-Clause */
/* Version 1 of the ABI of probes, as 0.1 installed it. Never changed. */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_ABI 1
#define PROBE_SYMBOL "collector_probe"
#define PROBE_EXPORT extern __attribute__((visibility("default")))

struct bpf_object_skeleton;
struct core_api;
struct event;
struct opt;
struct probe_process;
struct schema_event;

struct probe {
	uint32_t abi;
	uint32_t size;
	const char *name;
	const char *help;
	const struct opt *options;
	size_t conf_size;
	const struct schema_event *events;
	size_t events_count;
	uint64_t capabilities;
	const char *const *hooks;
	uint64_t ring_bytes;
	uint64_t interval_ns;
	int (*open)(const struct core_api *api, const void *conf, struct bpf_object_skeleton **skel, void **state);
	void (*close)(void *state);
	int (*loaded)(void *state);
	const char *const *(*unavailable)(void *state);
	const struct event *(*event)(void *state, struct event *event, size_t *size);
	const struct event *(*alive)(void *state, const struct probe_process *process, size_t *size);
	const char *end_event;
};

#endif
