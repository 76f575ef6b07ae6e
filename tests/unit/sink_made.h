/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink on a made-up run, and what it writes. For tests that are built with the sink's own files. */
#ifndef TESTS_UNIT_SINK_MADE_H
#define TESTS_UNIT_SINK_MADE_H

#include <stdio.h>
#include <unistd.h>

#include "core/log.h"
#include "core/sink.h"
#include "tests/made/made.h"

#define PAGE 65536

#define PATH_SIZE 64

extern const struct sink *const collector_sink;

/* What the streams of runs to come lack, "event: reason"; NULL: nothing. */
static const char *const *sink_lacks;

/* A file with this text, for a sink's option; its path, which the caller unlinks. */
static inline char *file_with(char path[PATH_SIZE], const char *text)
{
	FILE *file;
	int fd;

	strcpy(path, "/tmp/sink-test-XXXXXX");
	fd = mkstemp(path);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return path;
}

struct page_test {
	struct sink_api api;
	void *sink;
	struct made made;
	FILE *out;
	char page[PAGE];
};

static inline int take(void *arg, const struct record *record)
{
	return collector_sink->write(((struct page_test *)arg)->sink, record);
}

static inline struct page_test *begin_with(const char *options, unsigned streams)
{
	struct page_test *t = calloc(1, sizeof(*t));
	void *conf = calloc(1, collector_sink->conf_size);
	struct error err;

	assert_non_null(t);
	assert_non_null(conf);
	assert_int_equal(opt__defaults(collector_sink->options, conf), 0);
	assert_int_equal(opt__parse(collector_sink->options, conf, options, &err), 0);
	t->out = tmpfile();
	assert_non_null(t->out);
	t->api = (struct sink_api){.size = sizeof(t->api), .out = fileno(t->out), .columns = 80, .log = log__print};
	assert_int_equal(collector_sink->open(&t->api, conf, &t->sink), 0);
	opt__free(collector_sink->options, conf);
	free(conf);
	made__init(&t->made, "r1", take, t);
	for (int i = 0; sink_lacks && i < STREAMS; i++)
		t->made.info[i].unavailable = sink_lacks;
	for (int i = 0; i < STREAMS; i++)
		if (streams & 1U << i)
			assert_int_equal(collector_sink->stream(t->sink, &t->made.info[i]), 0);
	return t;
}

/* `until`: of a run that goes on, when it was read. */
static inline const char *print_as(struct page_test *t, enum stream_life life, uint64_t until)
{
	struct stream_state stream = {.complete = life == STREAM_ENDED, .life = life, .until_ns = until};
	size_t n;

	assert_int_equal(t->made.err, 0);
	for (int i = 0; i < STREAMS; i++)
		assert_int_equal(collector_sink->ended(t->sink, &t->made.info[i], &stream), 0);
	assert_int_equal(collector_sink->flush(t->sink, true), 0);
	rewind(t->out);
	n = fread(t->page, 1, PAGE - 1, t->out);
	assert_true(n < PAGE - 1);
	return t->page;
}

static inline const char *print(struct page_test *t, bool complete)
{
	return print_as(t, complete ? STREAM_ENDED : STREAM_UNKNOWN, 0);
}

static inline void end(struct page_test *t)
{
	collector_sink->close(t->sink);
	made__free(&t->made);
	fclose(t->out);
	free(t);
}

static inline void assert_has(const char *page, const char *part)
{
	if (!strstr(page, part))
		fail_msg("\"%s\" is not in:\n%s", part, page);
}

static inline void assert_has_not(const char *page, const char *part)
{
	if (strstr(page, part))
		fail_msg("\"%s\" is in:\n%s", part, page);
}

#endif
