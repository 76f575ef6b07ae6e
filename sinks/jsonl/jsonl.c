/* SPDX-License-Identifier: BSD-2-Clause */
/* One JSON object a line, for jq and for log shippers. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/pack.h"
#include "core/sink.h"
#include "sinks/judging/judge.h"
#include "sinks/rows/json_row.h"

#define FLUSH_BYTES (64U << 10)

struct jsonl_conf {
	bool verdicts;
};

static const struct opt jsonl_options[] = {
	OPT(struct jsonl_conf, verdicts, OPT_BOOL, "false", 0, 0, "a verdict event for what is wrong, at the end"),
	{0},
};

struct jsonl {
	const struct sink_api *api;
	struct buffer out; /* complete lines, and the one being written */
	struct sink_rows *rows;
	struct judge *judge; /* NULL: no verdicts */
	uint64_t records;    /* in `out` and written */
};

static int write_out(void *state)
{
	struct jsonl *j = state;
	int err = write_all(j->api->out, j->out.data, j->out.size);

	j->out.size = 0;
	if (err && err != -EPIPE)
		j->api->log(LOG_ERROR, "jsonl: %s", strerror(-err));
	if (!err)
		j->api->delivered(j->api, j->records);
	return err;
}

static int put_record(void *state, const struct record *record)
{
	struct jsonl *j = state;
	int err = json_row__put(j->rows, record, &j->out);

	if (!err)
		err = buffer__append(&j->out, "\n", 1);
	if (err)
		j->api->log(LOG_ERROR, "jsonl: %s: %s", record->info->path, strerror(-err));
	j->records++;
	if (!err && j->out.size >= FLUSH_BYTES)
		err = write_out(j);
	return err;
}

static void jsonl__forget(void *state, const struct stream_info *info)
{
	struct jsonl *j = state;

	sink_rows__forget(j->rows, info);
}

static int jsonl__write(void *state, const struct record *record)
{
	struct jsonl *j = state;
	int err = put_record(state, record);

	return err ? err : judge__record(j->judge, record);
}

static int jsonl__stream(void *state, const struct stream_info *info)
{
	struct jsonl *j = state;

	return judge__stream(j->judge, info);
}

static int jsonl__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct jsonl *j = state;

	judge__ended(j->judge, info, stream);
	return 0;
}

static int jsonl__flush(void *state, bool last)
{
	struct jsonl *j = state;
	uint64_t records = j->records;
	int err = last && j->judge ? judge__finish(j->judge, put_record, j) : 0;

	j->records = records; /* verdicts are none of the merge's */
	return err ? err : write_out(state);
}

static void jsonl__close(void *state)
{
	struct jsonl *j = state;

	sink_rows__free(j->rows);
	judge__free(j->judge);
	buffer__free(&j->out);
	free(j);
}

/* A line that was cut, as by the death of a follower, must not run into the next one. */
static int end_line(int out)
{
	int flags = fcntl(out, F_GETFL);
	struct stat st;
	char last;

	if (flags < 0 || !(flags & O_APPEND) || fstat(out, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	return pread(out, &last, 1, st.st_size - 1) == 1 && last != '\n' ? write_all(out, "\n", 1) : 0;
}

static int jsonl__open(const struct sink_api *api, const void *conf, void **state)
{
	struct jsonl *j = calloc(1, sizeof(*j));
	int err;

	if (j)
		j->rows = sink_rows__new(json_row__render);
	if (!j || !j->rows) {
		free(j);
		api->log(LOG_ERROR, "jsonl: not enough memory");
		return -ENOMEM;
	}
	j->api = api;
	err = end_line(api->out);
	if (err) {
		api->log(LOG_ERROR, "jsonl: %s", strerror(-err));
		jsonl__close(j);
		return err;
	}
	*state = j;
	if (!((const struct jsonl_conf *)conf)->verdicts || !judge__open(&j->judge, api, "jsonl"))
		return 0;
	jsonl__close(j);
	return -ENOMEM;
}

SINK(jsonl, "one JSON object a line, every event with all its fields", .options = jsonl_options,
     .conf_size = sizeof(struct jsonl_conf), .open = jsonl__open, .stream = jsonl__stream, .write = jsonl__write,
     .ended = jsonl__ended, .flush = jsonl__flush, .close = jsonl__close, .forget = jsonl__forget, .live = true);
