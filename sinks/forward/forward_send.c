/* SPDX-License-Identifier: BSD-2-Clause */
/* One request at a time: a chunk of entries, which the server acknowledges by its id. It has no other answer: one that it cannot
 * take looks like a failure. So after some tries an entry that it has taken before goes first, which is a repeat of the same
 * record: if that is acknowledged, and the chunk is not, it is the chunk that the server refuses. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/pack.h"
#include "sinks/forward/forward.h"
#include "sinks/outbox/gzip.h"

#define CONNECT_NS 10000000000ULL
#define TRIES 2		/* before a chunk is suspected */
#define TAKEN_MAX 65536 /* bytes of an entry that is kept */

/* ---- a request ---- */

static int put_text(struct buffer *out, const char *text)
{
	return pack__str(out, text, strlen(text));
}

static int put_message(struct forward_request *request, const char *tag, size_t count, bool gzip)
{
	const struct buffer *entries = gzip ? &request->packed : &request->entries;
	struct buffer *out = &request->message;
	int err;

	out->size = 0;
	err = pack_array(out, 3) || put_text(out, tag) || pack_bin(out, entries->size) ||
	      pack_bin_body(out, entries->data, entries->size) || pack_map(out, gzip ? 3 : 2) ||
	      put_text(out, "chunk") || put_text(out, request->chunk) || put_text(out, "size") ||
	      pack_uint64(out, count);
	if (!err && gzip)
		err = put_text(out, "compressed") || put_text(out, "gzip");
	return err ? -ENOMEM : 0;
}

/* With an id of its own; a retry has the same. */
static int make(const struct forward *f, struct forward_request *request, unsigned target, size_t count)
{
	struct buffer chunk = {0};
	uint8_t id[16];
	int rc = request->entries.error;

	if (!rc && getrandom(id, sizeof(id), 0) != sizeof(id))
		rc = -errno;
	rc = rc ? rc : base64__put(&chunk, id, sizeof(id));
	if (!rc) {
		memcpy(request->chunk, chunk.data, chunk.size);
		request->chunk[chunk.size] = '\0';
	}
	buffer__free(&chunk);
	if (!rc && f->gzip)
		rc = gzip__pack(&request->packed, &request->entries);
	return rc ? rc : put_message(request, f->tags.tags[target], count, f->gzip);
}

static void request__free(struct forward_request *request)
{
	buffer__free(&request->entries);
	buffer__free(&request->packed);
	buffer__free(&request->message);
}

static int make_request(struct forward *f, unsigned target, const struct outbox_items *items)
{
	f->request.entries.size = 0;
	for (size_t i = 0; i < items->count; i++) {
		struct outbox_item item = outbox_items__get(items, i);

		buffer__append(&f->request.entries, item.bytes, item.size);
	}
	return make(f, &f->request, target, items->count);
}

/* An entry that was taken before, or another one of the request each time. -ENOENT: there is none. */
static int make_other(struct forward *f, unsigned target, const struct outbox_items *items)
{
	struct outbox_item item;

	f->other.entries.size = 0;
	if (f->taken.size) {
		buffer__append(&f->other.entries, f->taken.data, f->taken.size);
		return make(f, &f->other, f->taken_target, 1);
	}
	if (items->count < 2)
		return -ENOENT;
	item = outbox_items__get(items, f->tries % items->count);
	buffer__append(&f->other.entries, item.bytes, item.size);
	return make(f, &f->other, target, 1);
}

/* ---- sending ---- */

static uint64_t after(uint64_t ns)
{
	return clock__ns(CLOCK_MONOTONIC) + ns;
}

static int reach(struct forward *f, struct text *why)
{
	uint64_t connect_ns = f->timeout_ns < CONNECT_NS ? f->timeout_ns : CONNECT_NS;
	int rc;

	if (forward_link__is_up(&f->link))
		return 0;
	forward_link__end(&f->link);
	f->keepalive = true;
	rc = forward_link__connect(&f->link, after(connect_ns), why);
	return rc || !f->login.key.size
		       ? rc
		       : forward_login__shake(&f->login, &f->link, after(f->timeout_ns), &f->keepalive, why);
}

/* 0, or -errno with a sentence. */
static int check(const struct forward_request *request, const struct forward_answer *answer, struct text *why)
{
	if (answer->kind == FORWARD_ACK && answer->ack.size == strlen(request->chunk) &&
	    !memcmp(answer->ack.bytes, request->chunk, answer->ack.size))
		return 0;
	if (answer->kind == FORWARD_HELO) {
		text__printf(why, "the server asks for a shared key: give shared_key_file=");
		return -EACCES;
	}
	text__printf(why, "the server acknowledges another chunk");
	return -EILSEQ;
}

/* Why a server that was reached did not take a chunk. */
static const char *cause_of(int rc)
{
	switch (rc) {
	case -ETIMEDOUT:
		return "no acknowledgement";
	case -EPIPE:
	case -EPROTO:
		return "connection closed";
	case -EBADMSG:
	case -EILSEQ:
		return "wrong answer";
	case -EACCES:
		return "login";
	default:
		return "connection failed";
	}
}

static void set_failure(struct outbox_result *result, int rc, bool reached)
{
	result->fate = rc == -EACCES || rc == -EBADMSG ? OUTBOX_SLOWLY : OUTBOX_AGAIN;
	if (reached)
		strcpy(result->cause, cause_of(rc));
	if (reached && (rc == -ETIMEDOUT || rc == -EPIPE))
		text__free(&result->why); /* the cause says it */
}

static int ask(struct forward *f, const struct forward_request *request, bool *reached, struct text *why)
{
	struct forward_answer answer;
	int rc = reach(f, why);

	*reached = !rc;
	rc = rc ? rc : forward_link__ask(&f->link, &request->message, after(f->timeout_ns), &answer, why);
	rc = rc ? rc : check(request, &answer, why);
	if (rc || !f->keepalive)
		forward_link__end(&f->link);
	return rc;
}

static bool is_closed(int rc)
{
	return rc == -EPIPE || rc == -EPROTO;
}

/* 0: it was acknowledged; or -errno with `result` set: -ECONNREFUSED if it was not even sent. */
static int exchange(struct forward *f, const struct forward_request *request, struct outbox_result *result)
{
	bool old = f->link.fd >= 0, reached;
	int rc = ask(f, request, &reached, &result->why);

	/* the server may close a connection that it has not heard of for a while at just that moment */
	if (old && reached && is_closed(rc)) {
		text__free(&result->why);
		rc = ask(f, request, &reached, &result->why);
	}
	if (rc)
		set_failure(result, rc, reached);
	return !rc || reached ? rc : -ECONNREFUSED;
}

/* Kept in place of the one before: a server forgets. */
static void keep_taken(struct forward *f, unsigned target, const struct outbox_items *items)
{
	struct outbox_item item = outbox_items__get(items, 0);

	if (item.size > TAKEN_MAX)
		return;
	f->taken.size = 0;
	f->taken_target = target;
	buffer__append(&f->taken, item.bytes, item.size);
}

static void refuse(struct forward *f, unsigned target, const struct outbox_items *items, struct outbox_result *result)
{
	f->suspect = items->batch;
	result->fate = OUTBOX_HALVE;
	text__free(&result->why);
	text__printf(&result->why, "a record of %zu bytes for the tag ", f->request.entries.size);
	text__safe(&result->why, f->tags.tags[target], strlen(f->tags.tags[target]));
}

static void set_error(struct outbox_result *result, int rc)
{
	result->fate = OUTBOX_AGAIN;
	text__printf(&result->why, "%s", strerror(-rc));
}

/* Nothing is known of a chunk that the server did not take while it took no other either. */
static void try(struct forward *f, unsigned target, const struct outbox_items *items, struct outbox_result *result)
{
	bool suspected = f->tries >= TRIES || f->suspect == items->batch;
	int rc = suspected ? make_other(f, target, items) : -ENOENT;
	bool other = !rc;

	if (rc && rc != -ENOENT) {
		set_error(result, rc);
		return;
	}
	if (other && exchange(f, &f->other, result)) {
		f->tries++;
		return;
	}
	if (other)
		forward_link__end(&f->link); /* what the server does to this connection says nothing of the chunk */
	rc = exchange(f, &f->request, result);
	if (!rc) {
		keep_taken(f, target, items);
		return;
	}
	if (rc != -ECONNREFUSED && rc != -ECANCELED)
		f->tries++;
	if (other && (rc == -ETIMEDOUT || is_closed(rc)))
		refuse(f, target, items, result);
}

static void forward__send(void *arg, unsigned target, const struct outbox_items *items, bool again,
			  struct outbox_result *result)
{
	struct forward *f = arg;
	int rc = 0;

	if (!again || !f->request.message.size) {
		f->tries = 0;
		if (f->suspect != items->batch)
			f->suspect = NULL;
		rc = make_request(f, target, items);
	}
	if (!rc) {
		try(f, target, items, result);
		return;
	}
	request__free(&f->request);
	set_error(result, rc);
}

static void forward__idle(void *arg)
{
	struct forward *f = arg;

	forward_link__end(&f->link);
	request__free(&f->request);
	request__free(&f->other);
}

static void forward__stop(void *arg)
{
	struct forward *f = arg;

	forward_link__stop(&f->link);
}

void forward_send__free(struct forward *f)
{
	request__free(&f->request);
	request__free(&f->other);
	buffer__free(&f->taken);
	forward_link__close(&f->link);
}

/* The sink is the transport's argument, and frees itself. */
static void leave(void *arg)
{
	(void)arg;
}

const struct outbox_transport forward_transport = {
	.name = FORWARD_NAME,
	.send = forward__send,
	.idle = forward__idle,
	.stop = forward__stop,
	.close = leave,
};
