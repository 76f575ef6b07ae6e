/* SPDX-License-Identifier: BSD-2-Clause */
/* Version 1 of the ABI of sinks, as 0.1 installed it, without the library's functions. Never changed. */
#ifndef CORE_SINK_H
#define CORE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_ABI 1
#define SINK_SYMBOL "collector_sink"
#define SINK_EXPORT extern __attribute__((visibility("default")))

struct opt;
struct record;
struct stream_info;
struct stream_state;
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct sink_api {
	uint32_t size;
	int out;
	bool colour;
	uint32_t columns;
	void (*log)(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
};

struct sink {
	uint32_t abi;
	uint32_t size;
	const char *name;
	const char *help;
	const struct opt *options;
	size_t conf_size;
	int (*open)(const struct sink_api *api, const void *conf, void **state);
	int (*stream)(void *state, const struct stream_info *info);
	int (*write)(void *state, const struct record *record);
	int (*flush)(void *state, bool last);
	int (*ended)(void *state, const struct stream_info *info, const struct stream_state *stream);
	void (*close)(void *state);
	const char *suffix;
};

#endif
