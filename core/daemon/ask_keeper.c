/* SPDX-License-Identifier: BSD-2-Clause */
/* What probes ask the keeper: questions wait here for their turn and for the answer. Few are with the keeper at a time, so
 * that the channel always has room for the other messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/daemon/channel.h"
#include "core/daemon/recorder.h"
#include "core/log.h"

#define ASKS_MAX 256 /* open questions */
#define ASKS_SENT 8  /* of them with the keeper */
#define ANSWER_NS 10000000000ull
#define FINISH_NS 2000000000ull /* for all answers, at the end of the recording */

struct ask {
	struct ask *next;
	struct probe_unit *unit;
	struct probe_ask ask;
	uint32_t id;
	uint64_t sent_at; /* boot clock, ns; 0: not yet */
	char path[];
};

static int send_ask(struct recorder *r, const struct ask *a)
{
	const struct probe_ask *ask = &a->ask;
	const struct channel_ask head = {
		.id = a->id,
		.what = ask->what,
		.pid = ask->pid,
		.local_pid = ask->local_pid,
		.start = ask->start,
		.device = ask->device,
		.inode = ask->inode,
		.offset = ask->offset,
		.end = ask->end,
	};
	struct channel_message m = {.kind = CHANNEL_ASK, .run = ask->run};

	memcpy(m.text, &head, sizeof(head));
	strcpy(m.text + sizeof(head), a->path);
	m.size = sizeof(head) + strlen(a->path);
	return channel__send(r->channel, &m);
}

/* In order. What the channel has no room for is sent later. */
static void send_some(struct recorder *r)
{
	for (struct ask *a = r->asks.first; a && r->asks.sent < ASKS_SENT; a = a->next) {
		if (a->sent_at)
			continue;
		if (send_ask(r, a))
			return;
		a->sent_at = clock__boot();
		r->asks.sent++;
	}
}

int ask_keeper__ask(void *arg, struct probe_unit *unit, const struct probe_ask *ask)
{
	struct recorder *r = arg;
	const char *path = ask->path ? ask->path : "";
	struct ask *a;

	if (r->orphaned || r->asks.silent)
		return r->orphaned ? -EPIPE : -ETIMEDOUT;
	if (r->asks.count == ASKS_MAX || strlen(path) > CHANNEL_TEXT - sizeof(struct channel_ask)) {
		r->asks.dropped++;
		return -EAGAIN;
	}
	a = calloc(1, sizeof(*a) + strlen(path) + 1);
	if (!a)
		return -ENOMEM;
	strcpy(a->path, path);
	a->unit = unit;
	a->ask = *ask;
	a->ask.path = a->path;
	a->id = ++r->asks.last_id;
	*r->asks.end = a;
	r->asks.end = &a->next;
	r->asks.count++;
	send_some(r);
	return 0;
}

/* Removes the question before it calls the probe, which may ask the next one. */
static void deliver(struct recorder *r, struct ask **link, int error, const struct channel_answer *head,
		    const char *text, size_t size)
{
	struct ask *a = *link;
	const struct probe_answer answer = {
		.ask = &a->ask,
		.error = error,
		.ts = clock__boot(),
		.cost_ns = head->cost_ns,
		.skipped = head->skipped,
		.text = text,
		.size = size,
	};

	*link = a->next;
	if (!a->next)
		r->asks.end = link;
	r->asks.count--;
	r->asks.sent -= a->sent_at != 0;
	probe_unit__answer(a->unit, &answer);
	free(a);
}

static void fail_all(struct recorder *r, int error)
{
	static const struct channel_answer none;

	for (size_t n = r->asks.count; n; n--)
		deliver(r, &r->asks.first, error, &none, "", 0);
}

void ask_keeper__answer(struct recorder *r, const struct channel_message *m)
{
	struct ask **link = &r->asks.first;
	struct channel_answer answer;
	const char *text;

	if (channel__get_answer(m, &answer, &text))
		return;
	r->asks.silent = false;
	while (*link && (*link)->id != answer.id)
		link = &(*link)->next;
	if (!*link || !(*link)->sent_at)
		return; /* it came too late */
	deliver(r, link, m->number, &answer, text, m->size - sizeof(answer));
	send_some(r);
}

/* The first is the oldest. From then on nothing is asked, until an answer comes all the same. */
void ask_keeper__expire(struct recorder *r)
{
	const struct ask *first = r->asks.first;

	send_some(r);
	if (!first || !first->sent_at || clock__boot() - first->sent_at < ANSWER_NS)
		return;
	if (!r->asks.silent)
		log__warn("the keeper does not answer: what probes ask it to read is missing");
	r->asks.silent = true;
	fail_all(r, -ETIMEDOUT);
}

bool ask_keeper__waits(const struct recorder *r, uint32_t run)
{
	const struct ask *a = r->asks.first;

	while (a && a->ask.run != run)
		a = a->next;
	return a;
}

uint64_t ask_keeper__reached(const struct recorder *r, uint32_t run, size_t stream, uint64_t until)
{
	for (const struct ask *a = r->asks.first; a; a = a->next)
		if (a->ask.run == run && a->unit->index == stream && a->ask.ts && a->ask.ts <= until)
			until = a->ask.ts - 1;
	return until;
}

void ask_keeper__finish(struct recorder *r)
{
	uint64_t until = clock__boot() + FINISH_NS;

	while (r->asks.first && !r->orphaned && clock__boot() < until)
		ask__any(r, 100);
	r->asks.silent = true;
	fail_all(r, r->orphaned ? -EPIPE : -ETIMEDOUT);
	if (r->asks.dropped)
		log__warn("%llu questions of probes were not passed on: too many were open",
			  (unsigned long long)r->asks.dropped);
}
