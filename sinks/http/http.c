/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of an outbox, and what becomes of them by their status. */
#include "sinks/http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/http/http_link.h"

struct http {
	const struct http_sink *sink;
	struct outbox_transport transport;
	struct outbox *outbox;
	struct http_link link;
	struct buffer body;
};

/* ---- what becomes of a request ---- */

static const struct {
	long status;
	enum outbox_fate fate;
} fates[] = {
	{400, OUTBOX_HALVE},  {413, OUTBOX_HALVE},  {401, OUTBOX_SLOWLY}, {403, OUTBOX_SLOWLY}, {404, OUTBOX_SLOWLY},
	{405, OUTBOX_SLOWLY}, {407, OUTBOX_SLOWLY}, {415, OUTBOX_SLOWLY}, {408, OUTBOX_AGAIN},	{429, OUTBOX_AGAIN},
	{502, OUTBOX_AGAIN},  {503, OUTBOX_AGAIN},  {504, OUTBOX_AGAIN},
};

static enum outbox_fate fate_of_status(long status)
{
	for (size_t i = 0; i < sizeof(fates) / sizeof(*fates); i++)
		if (fates[i].status == status)
			return fates[i].fate;
	/* a redirection is not followed: it may lead anywhere, with the credentials */
	return status / 100 == 2 ? OUTBOX_TAKEN : status / 100 == 3 ? OUTBOX_SLOWLY : OUTBOX_REFUSED;
}

static enum outbox_fate fate_of(const struct http *http, unsigned target, const struct http_result *result)
{
	const struct text *answer = &http->link.answer;
	enum outbox_fate fate;

	switch (result->code) {
	case CURLE_OK:
		fate = fate_of_status(result->status);
		return http->sink->fate ? http->sink->fate(target, result->status, answer->data, answer->size, fate)
					: fate;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_NOT_BUILT_IN:
		return OUTBOX_SLOWLY;
	default:
		return OUTBOX_AGAIN;
	}
}

/* What the server says. */
static void ask_answer(const struct http *http, unsigned target, long status, struct outbox_result *result)
{
	const struct text *answer = &http->link.answer;
	struct text why = {0};

	snprintf(result->cause, sizeof(result->cause), "status %ld", status);
	if (http->sink->answer)
		result->refused = http->sink->answer(target, status, answer->data, answer->size, &why);
	text__safe(&result->why, why.data, why.size);
	text__free(&why);
}

static void http__send(void *arg, unsigned target, const struct outbox_items *items, bool again,
		       struct outbox_result *result)
{
	struct http_result answer = {0};
	struct http *http = arg;

	if (!again || !http->body.size) {
		http->body.size = 0;
		http->sink->body(target, items, &http->body);
	}
	if (http->body.error ||
	    http_link__send(&http->link, outbox__name(http->outbox, target), &http->body, &answer)) {
		buffer__free(&http->body);
		answer.code = CURLE_OUT_OF_MEMORY;
	}
	result->fate = fate_of(http, target, &answer);
	result->after_ns = answer.after_ns;
	if (answer.status == 413)
		result->too_large = http->body.size;
	if (answer.code)
		text__printf(&result->why, "%s",
			     *http->link.error ? http->link.error : curl_easy_strerror(answer.code));
	else
		ask_answer(http, target, answer.status, result);
}

/* ---- the transport ---- */

static void http__idle(void *arg)
{
	struct http *http = arg;

	http_link__idle(&http->link);
}

static void http__close(void *arg)
{
	struct http *http = arg;

	buffer__free(&http->body);
	http_link__close(&http->link);
	free(http);
}

int http__open(struct outbox **outbox, const struct http_sink *sink, const struct sink_api *api,
	       const struct http_conf *conf, struct error *err)
{
	struct http *http = calloc(1, sizeof(*http));
	int rc;

	*outbox = NULL;
	if (!http)
		return error__set(err, -ENOMEM, "%s", strerror(ENOMEM));
	http->sink = http->link.sink = sink;
	http->link.api = api;
	http->transport = (struct outbox_transport){
		.name = sink->name,
		.open_ns = sink->open_ns,
		.send = http__send,
		.idle = http__idle,
		.close = http__close,
	};
	rc = http_link__open(&http->link, conf, err);
	if (!rc && (rc = outbox__open(outbox, &http->transport, http, api, &conf->outbox)))
		error__set(err, rc, "%s", strerror(-rc));
	if (rc)
		http__close(http);
	else
		http->link.outbox = http->outbox = *outbox;
	return rc;
}

int http__header(struct outbox *outbox, const char *line)
{
	struct http *http = outbox__arg(outbox);

	return http_link__header(&http->link, line);
}

static bool is_known(const struct outbox *outbox, const char *url)
{
	const char *name;

	for (unsigned i = 0; (name = outbox__name(outbox, i)); i++)
		if (!strcmp(name, url))
			return true;
	return false;
}

int http__target(struct outbox *outbox, const char *url, struct error *err)
{
	struct http *http = outbox__arg(outbox);
	struct error why;
	int rc = is_known(outbox, url) ? 0 : http_link__check(&http->link, url, &why);

	return rc ? error__set(err, rc, "%s: %s", url, why.text) : outbox__target(outbox, url, err);
}
