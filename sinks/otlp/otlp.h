/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the sink otlp share. Numbers of fields are those of opentelemetry-proto 1. */
#ifndef SINKS_OTLP_OTLP_H
#define SINKS_OTLP_OTLP_H

#include "core/base/base.h"
#include "core/sink.h"
#include "core/text.h"
#include "sinks/http/http.h"
#include "sinks/model/model.h"
#include "sinks/proto/proto.h"
#include "sinks/steps/steps.h"
#include "sinks/totals/step_sums.h"
#include "sinks/totals/totals.h"
#include "sinks/verdicts/verdicts.h"

#define OTLP_NAME "otlp"
#define TRACE_ID 16
#define SPAN_ID 8

/* Targets of the room for HTTP, in this order. */
enum otlp_signal { OTLP_TRACES, OTLP_LOGS, OTLP_METRICS, OTLP_SIGNALS };

struct otlp_conf {
	struct http_conf http;
	char *endpoint, *spans, *steps;
	bool args, logs, metrics, run_id;
};

/* What the environment says, by the names that all senders of OpenTelemetry share. */
struct otlp_env {
	uint8_t trace_id[TRACE_ID], parent_id[SPAN_ID]; /* of TRACEPARENT */
	bool traced;					/* those are valid */
	uint32_t flags;
	const char *state; /* TRACESTATE; NULL: none */
	char **resource;   /* names and values in turn, decoded, ended by NULL */
};

struct otlp {
	const struct sink_api *api;
	struct outbox *outbox;
	struct steps *steps;
	struct otlp_env env;
	bool all, args, sends[OTLP_SIGNALS], run_id;
	uint64_t records;  /* of the merge */
	uint64_t began_ns; /* boot clock */
	struct otlp_set *sets, **of;
	size_t of_count;    /* of, by index of a stream */
	struct buffer item; /* room for one */
};

/* Streams of one run: a model of their own, that goes with them. */
struct otlp_set {
	struct otlp_set *next;
	struct otlp *otlp;
	const struct stream_info *info; /* of the first stream */
	struct model *model;
	struct verdicts *verdicts; /* NULL: none are asked for */
	size_t going;		   /* streams that have not ended */
	uint64_t first;		   /* records of the merge before it */
	uint64_t lost;
};

/* A run, in the model's room. */
struct otlp_run {
	struct totals_run totals;
	struct hash steps;  /* of struct step_sum */
	struct buffer head; /* its resource */
	uint8_t trace_id[TRACE_ID], span_id[SPAN_ID];
};

/* ---- otlp_env.c ---- */

int otlp_env__read(struct otlp_env *env, const struct sink_api *api);	      /* 0 or -ENOMEM */
const char *otlp_env__resource(const struct otlp_env *env, const char *name); /* NULL: not set */
void otlp_env__free(struct otlp_env *env);

/* The URL of a signal, by the option or the environment, in *url, allocated. 0 or -ENOMEM. */
int otlp_env__url(enum otlp_signal signal, const char *endpoint, char **url);
int otlp_env__headers(struct outbox *outbox);  /* 0 or -ENOMEM */
bool otlp_env__sends(enum otlp_signal signal); /* OTEL_..._EXPORTER is not "none" */
void otlp_env__conf(struct http_conf *conf);   /* what the environment sets */

/* ---- attributes.c: KeyValue messages in a field; null numbers are left out ---- */

void attribute__string(struct buffer *out, unsigned field, const char *key, const char *value); /* NULL: left out */
void attribute__bytes(struct buffer *out, unsigned field, const char *key, const char *value, size_t length);
void attribute__int(struct buffer *out, unsigned field, const char *key, uint64_t value);
void attribute__seconds(struct buffer *out, unsigned field, const char *key, uint64_t ns);
void attribute__list(struct buffer *out, unsigned field, const char *key, const struct model_list *list);

/* A string, of any bytes: what is not UTF-8 is replaced by U+FFFD. */
void proto__text(struct buffer *out, unsigned field, const char *text, size_t length);

/* ---- otlp_resource.c ---- */

/* Appends it. `run_id`: with that of the run. */
void otlp__resource(struct buffer *out, const struct otlp *otlp, const struct model_run *run, bool run_id);
void otlp__scope(struct buffer *out);

/* ---- ids.c: of SHA-256, so that what is sent again has the same ---- */

void otlp_id__trace(const struct otlp *otlp, const struct model_run *run, uint8_t id[TRACE_ID]);
void otlp_id__run(const struct model_run *run, uint8_t id[SPAN_ID]);
void otlp_id__task(const struct model_task *task, uint8_t id[SPAN_ID]);
void otlp_id__process(const struct model_run *run, uint32_t pid, uint64_t start, uint8_t id[SPAN_ID]);

/* ---- span.c ---- */

int64_t otlp__time(const struct model_run *run, uint64_t boot_ns); /* since 1970 */
int otlp__process(struct otlp *otlp, const struct model_process *process);
int otlp__task(struct otlp *otlp, const struct model_task *task);
int otlp__run(struct otlp *otlp, const struct model_run *run, uint64_t lost);

/* Whether a process gets a span. */
bool otlp__wants(const struct otlp *otlp, const struct model_row *row);

/* ---- log_records.c ---- */

int otlp__log_failure(struct otlp *otlp, const struct model_row *row);
int otlp__log_verdict(struct otlp *otlp, const struct verdict *verdict);

/* ---- points.c ---- */

int otlp_run__step(struct otlp_run *run, const struct model_task *task);
int otlp__metrics(struct otlp *otlp, const struct model_run *run); /* of a run that is over */
int otlp__active(struct otlp *otlp, const struct model_run *run);  /* how many are now */
void otlp_run__free(struct otlp_run *run);

/* ---- otlp_set.c ---- */

/* The set of a stream, made if it is the first of its run; NULL: out of memory. */
struct otlp_set *otlp_set__take(struct otlp *otlp, const struct stream_info *info);
int otlp_set__record(struct otlp_set *set, const struct record *record);
/* All its streams have ended: what is left is sent. 0 or -errno. */
int otlp_set__end(struct otlp_set *set);
void otlp_set__free(struct otlp_set *set); /* and takes it out of the list */

#endif
