/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for ClickHouse, by its HTTP interface: a table for each kind of event, requests of rows as JSON. What is sent twice
 * has the same key, (marker, seq), and the tables replace the one by the other. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/clickhouse/clickhouse.h"

#define OPEN_NS 1000000000ULL /* a server takes a few large requests better than many small ones */

static const struct opt clickhouse_options[] = {
	OPT(struct clickhouse_conf, url, OPT_STRING, "http://localhost:8123", 0, 0, "of the server's HTTP interface"),
	OPT(struct clickhouse_conf, database, OPT_STRING, "collector", 0, 0, "where the tables are"),
	OPT(struct clickhouse_conf, create, OPT_BOOL, "true", 0, 0,
	    "create the database and tables that are not there, and columns that they lack"),
	OPT(struct clickhouse_conf, legacy, OPT_BOOL, "false", 0, 0,
	    "for servers before 22.2: tables of fewer types, and no token of requests"),
	HTTP_OPTIONS(struct clickhouse_conf, http, NULL, NULL, NULL),
	{0},
};

/* A statement, or rows: their head is the beginning of one. */
static void put_body(unsigned target, const struct outbox_items *items, struct buffer *out)
{
	struct outbox_item item = outbox_items__get(items, 0);
	struct text token = {0};

	if (target != TARGET_STATEMENTS) {
		buffer__append(out, item.head, item.head_size);
		if (item.head[item.head_size - 1] == ' ') {
			clickhouse_row__token(items, &token);
			buffer__append(out, "'", 1);
			buffer__append(out, token.data, token.size);
			buffer__append(out, "'", 1);
		}
		buffer__append(out, " FORMAT JSONEachRow\n", 20);
	}
	if (token.error && !out->error)
		out->error = token.error;
	text__free(&token);
	for (size_t i = 0; i < items->count; i++) {
		item = outbox_items__get(items, i);
		buffer__append(out, item.bytes, item.size);
	}
}

static const struct http_sink http_sink = {
	.name = CLICKHOUSE_NAME,
	.type = "text/plain; charset=UTF-8",
	.open_ns = OPEN_NS,
	.body = put_body,
	.answer = clickhouse_code__why,
	.fate = clickhouse_code__fate,
};

static void clickhouse__close(void *state)
{
	struct clickhouse *c = state;

	outbox__close(c->outbox);
	if (c->left_out)
		c->api->log(LOG_WARN, CLICKHOUSE_NAME ": %" PRIu64 " records left out, of events without a table",
			    c->left_out);
	for (size_t i = 0; i < c->streams_count; i++)
		clickhouse__drop(c, &(struct stream_info){.index = (uint32_t)i});
	free(c->streams);
	clickhouse__free_tables(c);
	scratch__free(&c->scratch);
	buffer__free(&c->item);
	text__free(&c->database);
	free(c->url);
	free(c);
}

static int begin(struct clickhouse *c, const struct clickhouse_conf *conf, struct error *err)
{
	int rc;

	if (!*conf->database)
		return error__set(err, -EINVAL, "database=: name one");
	c->create = conf->create;
	c->legacy = conf->legacy;
	error__set(err, 0, "%s", strerror(ENOMEM));
	c->url = strdup(conf->url);
	clickhouse_sql__name(&c->database, conf->database, strlen(conf->database));
	if (!c->url || c->database.error)
		return -ENOMEM;
	rc = http__open(&c->outbox, &http_sink, c->api, &conf->http, err);
	return rc ? rc : http__target(c->outbox, c->url, err);
}

static int clickhouse__open(const struct sink_api *api, const void *conf, void **state)
{
	struct clickhouse *c = calloc(1, sizeof(*c));
	struct error err;
	int rc;

	if (!c)
		return -ENOMEM;
	c->api = api;
	rc = begin(c, conf, &err);
	if (rc) {
		api->log(LOG_ERROR, CLICKHOUSE_NAME ": %s", err.text);
		clickhouse__close(c);
		return rc;
	}
	/* nothing is safe before it has been taken */
	outbox__safe(c->outbox, 0);
	*state = c;
	return 0;
}

static int say(const struct clickhouse *c, int rc)
{
	if (rc && rc != -ETIMEDOUT) /* which was said */
		c->api->log(LOG_ERROR, CLICKHOUSE_NAME ": %s", strerror(-rc));
	return rc;
}

static int clickhouse__stream(void *state, const struct stream_info *info)
{
	struct clickhouse *c = state;

	return say(c, clickhouse__take(c, info));
}

static int clickhouse__write(void *state, const struct record *record)
{
	struct clickhouse *c = state;
	const struct clickhouse_stream *stream = &c->streams[record->info->index];
	const struct clickhouse_event *event = record->kind < stream->count ? stream->kinds[record->kind] : NULL;
	int rc;

	c->records++;
	if (!event) {
		c->left_out++;
		return 0;
	}
	rc = clickhouse_row__put(c, stream, event, record);
	return say(c, rc ? rc : outbox__add(c->outbox, event->table->target, &event->table->head, &c->item));
}

static int clickhouse__flush(void *state, bool last)
{
	struct clickhouse *c = state;

	outbox__safe(c->outbox, c->records);
	return last ? outbox__finish(c->outbox) : 0;
}

static void clickhouse__forget(void *state, const struct stream_info *info)
{
	clickhouse__drop(state, info);
}

SINK(clickhouse, "a table for each kind of event in ClickHouse, by HTTP", .needs = "libcurl",
     .options = clickhouse_options, .conf_size = sizeof(struct clickhouse_conf), .open = clickhouse__open,
     .stream = clickhouse__stream, .write = clickhouse__write, .flush = clickhouse__flush, .close = clickhouse__close,
     .forget = clickhouse__forget, .reads = HTTP_READS, .live = true);
