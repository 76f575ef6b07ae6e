/* SPDX-License-Identifier: BSD-2-Clause */
/* Log records: a failure as soon as its process has ended, a verdict when its run is over. */
#include <inttypes.h>
#include <string.h>

#include "sinks/model/ending.h"
#include "sinks/otlp/otlp.h"

enum {
	LOG_RECORD_TIME = 1,
	LOG_RECORD_SEVERITY = 2,
	LOG_RECORD_SEVERITY_TEXT = 3,
	LOG_RECORD_BODY = 5,
	LOG_RECORD_ATTRIBUTE = 6,
	LOG_RECORD_TRACE_ID = 9,
	LOG_RECORD_SPAN_ID = 10,
	LOG_RECORD_OBSERVED = 11,
	LOG_RECORD_EVENT = 12,
};
enum { SEVERITY_WARN = 13, SEVERITY_ERROR = 17 };
enum { BODY_STRING = 1 };

static void put_record(struct buffer *out, const struct model_run *run, uint64_t boot_ns, bool error, const char *event,
		       const char *body)
{
	const struct otlp_run *own = run->user;
	size_t open;

	out->size = 0;
	proto__fixed64(out, LOG_RECORD_TIME, (uint64_t)otlp__time(run, boot_ns));
	proto__fixed64(out, LOG_RECORD_OBSERVED, clock__ns(CLOCK_REALTIME));
	proto__uint(out, LOG_RECORD_SEVERITY, error ? SEVERITY_ERROR : SEVERITY_WARN);
	proto__string(out, LOG_RECORD_SEVERITY_TEXT, error ? "ERROR" : "WARN");
	open = proto__open(out, LOG_RECORD_BODY);
	proto__text(out, BODY_STRING, body, strlen(body));
	proto__close(out, open);
	proto__bytes(out, LOG_RECORD_TRACE_ID, own->trace_id, TRACE_ID);
	proto__string(out, LOG_RECORD_EVENT, event);
}

static int send_record(struct otlp *otlp, const struct model_run *run)
{
	const struct otlp_run *own = run->user;

	return outbox__add(otlp->outbox, OTLP_LOGS, &own->head, &otlp->item);
}

int otlp__log_failure(struct otlp *otlp, const struct model_row *row)
{
	const char *name = model_command__name(row->command, row->comm);
	struct buffer *out = &otlp->item;
	struct text body = {0};
	uint8_t id[SPAN_ID];
	int rc;

	text__safe(&body, name, strlen(name));
	if (row->outcome == MODEL_FAILED)
		text__printf(&body, " exited with %" PRIu32, model_row__status(row));
	else
		text__printf(&body, " was killed by %s", row->signal_name);
	model_row__how(row, &body);
	rc = body.error;
	if (!rc) {
		put_record(out, row->run, EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns, true,
			   "collector.failure", body.data);
		otlp_id__process(row->run, row->pid, row->start, id);
		proto__bytes(out, LOG_RECORD_SPAN_ID, id, SPAN_ID);
		attribute__int(out, LOG_RECORD_ATTRIBUTE, "process.pid", row->pid);
		attribute__string(out, LOG_RECORD_ATTRIBUTE, "process.executable.name", name);
		attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.outcome", model_outcome__name(row->outcome));
		attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.step", row->task ? row->task->step : NULL);
		rc = send_record(otlp, row->run);
	}
	text__free(&body);
	return rc;
}

int otlp__log_verdict(struct otlp *otlp, const struct verdict *verdict)
{
	struct buffer *out = &otlp->item;
	const struct otlp_run *run = verdict->run->user;
	uint8_t id[SPAN_ID];

	put_record(out, verdict->run, EVENT_IS_NULL(verdict->ended_ns) ? verdict->run->last_ts : verdict->ended_ns,
		   verdict_kind__fails(verdict->kind), "collector.verdict", verdict->evidence);
	/* a process may have no span */
	if (otlp->all)
		otlp_id__process(verdict->run, verdict->pid, verdict->start, id);
	proto__bytes(out, LOG_RECORD_SPAN_ID, otlp->all ? id : run->span_id, SPAN_ID);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.verdict.kind", verdict_kind__name(verdict->kind));
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.verdict.certainty",
			  verdict_certainty__name(verdict->certainty));
	attribute__int(out, LOG_RECORD_ATTRIBUTE, "process.pid", verdict->pid);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "process.command_line", verdict->command);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.step", verdict->step);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.verdict.refute", verdict->refute);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.verdict.next", verdict->next);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.verdict.members", verdict->members);
	attribute__string(out, LOG_RECORD_ATTRIBUTE, "collector.missing", verdict->missing);
	return send_record(otlp, verdict->run);
}
