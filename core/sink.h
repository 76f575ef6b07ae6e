/* SPDX-License-Identifier: BSD-2-Clause */
/* The ABI between the merge and a sink. A sink is one .so that exports one symbol,
 *
 *	SINK(my_sink, "what it makes", .open = my__open, .write = my__write, .close = free);
 *
 * It gets whole records in merged order, on one thread, unprivileged: for root in a process of another account, which can open
 * neither root's files nor those of the run. Calls come as
 * open, stream (once per stream), write..., ended (once per stream), flush, close. What it gets is valid
 * during the call only, except `struct stream_info`, which lives until forget() or close(). If runs are followed, streams come
 * and end at any time, and flush() is called whenever all is written so far. */
#ifndef CORE_SINK_H
#define CORE_SINK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/opt.h"
#include "core/record.h"
#include "core/stream.h"

#define SINK_ABI 2
#define SINK_SYMBOL "collector_sink"
#define SINK_EXPORT extern __attribute__((visibility("default")))

/* What a sink makes. The merge opens it under a temporary name, and puts it into place after flush(last)
 * returned 0; otherwise it removes it. A sink of files has the options `output` (its path, OPT_STRING) and
 * `overwrite` (OPT_BOOL), which the merge reads. */
enum sink_output {
	SINK_BYTES,  /* `out` takes bytes: stdout or the file given by --output, shared by all such sinks */
	SINK_FILE,   /* `out` is an empty folder to work in; its file SINK_FILE_NAME becomes the output */
	SINK_FOLDER, /* `out` is an empty folder inside the output; the files below it move there */
};

#define SINK_FILE_NAME "output"
#define SINK_LATER 1

struct sink_api {
	uint32_t size;
	int out;	  /* a descriptor, see enum sink_output; the merge closes it */
	bool colour;	  /* `out` is a terminal that takes colour */
	uint32_t columns; /* width of that terminal; 80 otherwise */
	void (*log)(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	/* The first `records` of those passed to write() are safe: they need not be sent again after a crash.
	 * Called from within a call of the sink, on the merge's thread, with rising numbers. For a sink that
	 * never calls it, all are safe after the last flush(), if that returned 0, and none before. */
	void (*delivered)(const struct sink_api *api, uint64_t records);
	int folder; /* SINK_FOLDER: the output itself, only to list what is in it; 0: none */
	/* The regular file that an option of `reads` names, to be read with pread(); of `replaces`, see there. 0: there is
	 * none. */
	int (*file)(const struct sink_api *api, const char *option);
	/* Replaces the file of the option `replaces` as a whole: a reader sees the old bytes or the new ones. 0; SINK_LATER:
	 * the merge has given up root's rights, and the bytes of the last call are put there after the end; -ENOENT: the
	 * option names no file; or -errno, logged. */
	int (*replace)(const struct sink_api *api, const void *bytes, size_t size);

	/* A verdict: its kind, whether it is proven or only likely, and a sentence that is safe to show. */
	void (*verdict)(const struct sink_api *api, const char *kind, bool proven, const char *evidence);

	/* A signal has asked the merge to end: nothing is worth a long wait any more. NULL: it is not known. */
	bool (*stopped)(const struct sink_api *api);
	bool follows; /* runs are followed: what cannot be delivered now may wait for ever */
};

/* What a sink can find: kinds of verdicts, by what records. */
struct sink_verdict {
	const char *kinds; /* "deadlock, hang" */
	const char *needs; /* events and fields without which there is none: "lifecycle.exit, cpu.exit or io.exit" */
	const char *proof; /* those without which it is only likely; NULL: it does not depend on any */
	const char *certainty; /* for people: how certain it is, and when */
	const char *text;      /* for people: what it finds */
};

struct sink {
	uint32_t abi;  /* SINK_ABI; must be equal */
	uint32_t size; /* sizeof(struct sink); members are only ever appended */

	const char *name;  /* as its folder: [a-z][a-z0-9_]* */
	const char *help;  /* one sentence */
	const char *needs; /* the library that it uses, "libduckdb", for --list; NULL: none */

	const struct opt *options; /* NULL: none */
	size_t conf_size;

	enum sink_output output;
	bool page;	    /* text for people: at the end of a run it goes to the terminal, not into a file */
	const char *suffix; /* of its file in a run's folder, "html"; NULL: its name */

	/* 0 or -errno, having logged why; close() is not called then. `api` lives until close(). */
	int (*open)(const struct sink_api *api, const void *conf, void **state);
	/* Optional. A stream that will be merged. */
	int (*stream)(void *state, const struct stream_info *info);
	/* 0, or -errno to stop the merge: -EPIPE if the reader closed the pipe, without a message. */
	int (*write)(void *state, const struct record *record);
	/* Optional. Called before the last flush, once per stream: its final state. */
	int (*ended)(void *state, const struct stream_info *info, const struct stream_state *stream);
	/* Optional. Writes out what is held. `last`: nothing follows. */
	int (*flush)(void *state, bool last);
	void (*close)(void *state);

	/* Optional. Names, separated by commas, of options that may name a file to read: each an OPT_STRING. Names of options
	 * that the sink does not have are skipped. */
	const char *reads;

	/* Optional. Name of an option (OPT_STRING) for a file that the sink replaces as it goes, by replace(). `$NAME` stands
	 * for the value of that environment variable. If the sink has the option `overwrite` and that is false, a file that
	 * exists is not replaced: file() gives it, to be read and written, and what others wrote there stays. */
	const char *replaces;

	/* Optional. The stream has ended, and its info goes: nothing may refer to it any more, and its index may be that of
	 * another one later. A follower of many runs keeps the infos of all for a sink that has no such function. */
	void (*forget)(void *state, const struct stream_info *info);

	/* It writes as records come: `sinks` in the YAML feed it while the run goes on. Others get all at the end. */
	bool live;

	/* Optional. What it can find, terminated by NULL: `collector doctor` says by it which verdicts a host can give. */
	const struct sink_verdict *const *verdicts;
};

static inline int sink_api__file(const struct sink_api *api, const char *option)
{
	return api->file ? api->file(api, option) : 0;
}

/* The path that the value of an option of `replaces` stands for; NULL or empty: none. */
static inline const char *sink__path(const char *value)
{
	return value && *value == '$' ? getenv(value + 1) : value;
}

static inline int sink_api__replace(const struct sink_api *api, const void *bytes, size_t size)
{
	return api->replace ? api->replace(api, bytes, size) : -ENOENT;
}

/* Defines the sink NAME and exports it:
 *
 *	SINK(hello, "greets", .open = hello__open, .write = hello__write, .close = free);
 */
#define SINK(name_, help_, ...)                                                                            \
	static const struct sink sink_##name_ = {                                                          \
		.abi = SINK_ABI, .size = sizeof(struct sink), .name = #name_, .help = help_, __VA_ARGS__}; \
	SINK_EXPORT const struct sink *const collector_sink;                                               \
	const struct sink *const collector_sink = &sink_##name_

/* ---- from the library, for sinks that know no event by name ----
 *
 * A record's keys and values in the order of merged output: stream, event, ts, time, seq, marker, run, host,
 * pid, start, tid, cpu, the event's own fields, and `missing` where there is something to say. What is the same
 * for all records of an event, its keys above all, is rendered once: a row alternates between such text
 * and a value. */
#define SINK_ROW_MAX (12 + SCHEMA_FIELDS_MAX + 1)

struct sink_row {
	uint32_t keys;	/* in all */
	uint32_t count; /* of values to render */
	struct {
		const uint8_t *bytes;
		uint32_t size;
	} before[SINK_ROW_MAX]; /* the text before each value */
	struct value values[SINK_ROW_MAX];
};

/* Appends a key, and its value unless that is NULL, in the sink's format. `out` is empty before the first key
 * of a row. 0, or -1: out of memory. */
typedef int (*sink_render)(struct buffer *out, const char *name, const struct value *value);

struct sink_rows;
struct sink_rows *sink_rows__new(sink_render render); /* NULL: out of memory */

/* The row of a record, valid as long as the record and until the next call. 0, -ENOMEM, or -EBADMSG: the record
 * does not match its stream's header. */
int sink_rows__row(struct sink_rows *rows, const struct record *record, const struct sink_row **row);
void sink_rows__forget(struct sink_rows *rows, const struct stream_info *info); /* see sink.forget */
void sink_rows__free(struct sink_rows *rows);					/* takes NULL */

#endif
