/* SPDX-License-Identifier: BSD-2-Clause */
/* The sink for OpenTelemetry: spans, log records and metrics, by OTLP over HTTP, as protocol buffers. */
#include <errno.h>
#include <string.h>

#include "sinks/otlp/otlp.h"

static const struct opt otlp_options[] = {
	OPT(struct otlp_conf, endpoint, OPT_STRING, NULL, 0, 0,
	    "base URL, to which v1/traces etc. is added; default: as OTEL_EXPORTER_OTLP_ENDPOINT says, else "
	    "http://localhost:4318"),
	OPT(struct otlp_conf, spans, OPT_STRING, "steps", 0, 0,
	    "steps: of runs, tasks of steps, and processes that failed or took 1 s or more; all: of all processes"),
	OPT(struct otlp_conf, args, OPT_BOOL, "false", 0, 0, "spans of processes have their arguments"),
	OPT(struct otlp_conf, logs, OPT_BOOL, "true", 0, 0, "send failures and verdicts as log records"),
	OPT(struct otlp_conf, metrics, OPT_BOOL, "true", 0, 0, "send metrics of runs and steps"),
	OPT(struct otlp_conf, run_id, OPT_BOOL, "false", 0, 0, "metrics have the run's id, a series for each run"),
	OPT(struct otlp_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	HTTP_OPTIONS(struct otlp_conf, http, "$OTEL_EXPORTER_OTLP_CERTIFICATE",
		     "$OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "$OTEL_EXPORTER_OTLP_CLIENT_KEY"),
	{0},
};

/* ---- requests and answers, the same for all three signals ---- */

enum { REQUEST_OF_RESOURCE = 1, OF_RESOURCE_OF_SCOPE = 2, OF_SCOPE_ITEM = 2 };
enum { ANSWER_PARTIAL = 1, PARTIAL_REJECTED = 1, PARTIAL_MESSAGE = 2, STATUS_MESSAGE = 2 };

static void put_body(unsigned signal, const struct outbox_items *items, struct buffer *out)
{
	struct outbox_item item = {0}, next;
	size_t resource = 0, scope = 0;

	(void)signal;
	for (size_t i = 0; i < items->count; i++, item = next) {
		next = outbox_items__get(items, i);
		if (i && next.head != item.head) {
			proto__close(out, scope);
			proto__close(out, resource);
		}
		if (!i || next.head != item.head) {
			resource = proto__open(out, REQUEST_OF_RESOURCE);
			buffer__append(out, next.head, next.head_size);
			scope = proto__open(out, OF_RESOURCE_OF_SCOPE);
			otlp__scope(out);
		}
		proto__bytes(out, OF_SCOPE_ITEM, next.bytes, next.size);
	}
	proto__close(out, scope);
	proto__close(out, resource);
}

static uint64_t read_answer(unsigned signal, long status, const void *bytes, size_t size, struct text *why)
{
	struct proto_field field;
	const uint8_t *at = bytes, *end = at + size;
	uint64_t rejected = 0;

	(void)signal;
	if (!size)
		return 0;
	if (status != 200) {
		while (proto__next(&at, end, &field))
			if (field.number == STATUS_MESSAGE && field.bytes)
				text__put(why, (const char *)field.bytes, field.size);
		return 0;
	}
	if (!proto__next(&at, end, &field) || field.number != ANSWER_PARTIAL || !field.bytes)
		return 0;
	at = field.bytes;
	end = at + field.size;
	while (proto__next(&at, end, &field)) {
		if (field.number == PARTIAL_REJECTED && !field.bytes)
			rejected = field.value;
		else if (field.number == PARTIAL_MESSAGE && field.bytes)
			text__put(why, (const char *)field.bytes, field.size);
	}
	return rejected;
}

/* A server for traces alone has no such paths: that must not hold back what it takes. */
static enum outbox_fate fate_of(unsigned signal, long status, const void *bytes, size_t size, enum outbox_fate fate)
{
	(void)bytes;
	(void)size;
	return signal != OTLP_TRACES && (status == 404 || status == 405 || status == 415) ? OUTBOX_REFUSED : fate;
}

static const struct http_sink http_sink = {
	.name = OTLP_NAME,
	.type = "application/x-protobuf",
	.body = put_body,
	.answer = read_answer,
	.fate = fate_of,
};

/* ---- the sink ---- */

static void otlp__close(void *state)
{
	struct otlp *otlp = state;

	while (otlp->sets)
		otlp_set__free(otlp->sets);
	outbox__close(otlp->outbox);
	steps__free(otlp->steps);
	otlp_env__free(&otlp->env);
	buffer__free(&otlp->item);
	free(otlp->of);
	free(otlp);
}

static int open_targets(struct otlp *otlp, const char *endpoint, struct error *err)
{
	int rc = 0;

	for (int i = 0; i < OTLP_SIGNALS && !rc; i++) {
		char *url = NULL;

		rc = otlp_env__url((enum otlp_signal)i, endpoint, &url);
		rc = rc ? rc : http__target(otlp->outbox, url, err);
		free(url);
	}
	return rc;
}

static int begin(struct otlp *otlp, const struct otlp_conf *conf, struct error *err)
{
	struct http_conf http = conf->http;
	int rc;

	otlp->all = !strcmp(conf->spans, "all");
	if (!otlp->all && strcmp(conf->spans, "steps") != 0)
		return error__set(err, -EINVAL, "spans=%s: use steps or all", conf->spans);
	otlp->args = conf->args;
	otlp->run_id = conf->run_id;
	otlp->sends[OTLP_TRACES] = true;
	otlp->sends[OTLP_LOGS] = conf->logs && otlp_env__sends(OTLP_LOGS);
	otlp->sends[OTLP_METRICS] = conf->metrics && otlp_env__sends(OTLP_METRICS);
	otlp->began_ns = clock__boot();
	otlp_env__conf(&http);
	error__set(err, 0, "%s", strerror(ENOMEM));
	rc = otlp_env__read(&otlp->env, otlp->api);
	rc = rc ? rc : http__open(&otlp->outbox, &http_sink, otlp->api, &http, err);
	rc = rc ? rc : otlp_env__headers(otlp->outbox);
	rc = rc ? rc : open_targets(otlp, conf->endpoint, err);
	return rc ? rc : steps__load_file(conf->steps, sink_api__file(otlp->api, "steps"), &otlp->steps, err);
}

static int otlp__open(const struct sink_api *api, const void *conf, void **state)
{
	struct otlp *otlp = calloc(1, sizeof(*otlp));
	struct error err;
	int rc;

	if (!otlp)
		return -ENOMEM;
	otlp->api = api;
	rc = begin(otlp, conf, &err);
	if (rc) {
		api->log(LOG_ERROR, OTLP_NAME ": %s", err.text);
		otlp__close(otlp);
		return rc;
	}
	/* nothing is safe before it has been taken */
	outbox__safe(otlp->outbox, 0);
	*state = otlp;
	return 0;
}

static int say(const struct otlp *otlp, int rc)
{
	if (rc && rc != -ETIMEDOUT) /* which was said */
		otlp->api->log(LOG_ERROR, OTLP_NAME ": %s", strerror(-rc));
	return rc;
}

static int otlp__stream(void *state, const struct stream_info *info)
{
	struct otlp *otlp = state;
	struct otlp_set *set = otlp_set__take(otlp, info), **of = otlp->of;
	int rc;

	if (set && info->index >= otlp->of_count)
		of = reallocarray(otlp->of, info->index + 1, sizeof(*of));
	if (!set || !of)
		return -ENOMEM;
	otlp->of = of;
	while (otlp->of_count <= info->index)
		of[otlp->of_count++] = NULL;
	of[info->index] = set;
	set->going++;
	rc = set->verdicts ? verdicts__stream(set->verdicts, info) : 0;
	return say(otlp, rc ? rc : model__stream(set->model, info));
}

static int otlp__write(void *state, const struct record *record)
{
	struct otlp *otlp = state;
	struct otlp_set *set = otlp->of[record->info->index];

	otlp->records++;
	return set ? say(otlp, otlp_set__record(set, record)) : 0;
}

static int otlp__ended(void *state, const struct stream_info *info, const struct stream_state *stream)
{
	struct otlp *otlp = state;
	struct otlp_set *set = otlp->of[info->index];
	int rc;

	if (!set)
		return 0;
	model__ended(set->model, info, stream);
	set->lost += stream->lost;
	if (--set->going)
		return 0;
	rc = otlp_set__end(set);
	otlp_set__free(set);
	return say(otlp, rc);
}

/* Runs that go on are to be read again from their beginning after a crash: spans that come twice are the same. */
static uint64_t safe_records(const struct otlp *otlp)
{
	uint64_t safe = otlp->records;

	for (const struct otlp_set *set = otlp->sets; set; set = set->next)
		safe = set->first < safe ? set->first : safe;
	return safe;
}

static int otlp__flush(void *state, bool last)
{
	struct otlp *otlp = state;

	outbox__safe(otlp->outbox, safe_records(otlp));
	return last ? outbox__finish(otlp->outbox) : 0;
}

static void otlp__forget(void *state, const struct stream_info *info)
{
	struct otlp *otlp = state;

	if (otlp->of[info->index])
		otlp_set__free(otlp->of[info->index]);
}

SINK(otlp, "spans, logs and metrics for an OpenTelemetry collector, by OTLP over HTTP", .needs = "libcurl",
     .options = otlp_options, .conf_size = sizeof(struct otlp_conf), .open = otlp__open, .stream = otlp__stream,
     .write = otlp__write, .ended = otlp__ended, .flush = otlp__flush, .close = otlp__close, .forget = otlp__forget,
     .reads = "steps," HTTP_READS, .live = true);
