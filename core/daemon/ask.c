/* SPDX-License-Identifier: BSD-2-Clause */
/* The recorder's requests to the keeper. */
#include <errno.h>

#include "core/daemon/channel.h"
#include "core/daemon/recorder.h"

#define ANSWER_MS 10000 /* the rings hold the events meanwhile */

/* A message that nothing waits for; n: what channel__receive() returned. */
static void notify(struct recorder *r, struct channel_message *m, int n)
{
	if (n < 0)
		return;
	r->notified(r, n ? m : NULL);
	if (n)
		channel__drop(m); /* what was not taken: a reply that came too late */
}

int ask__await(struct recorder *r, uint32_t kind, uint32_t run, struct channel_message *reply)
{
	for (;;) {
		int n = channel__receive(r->channel, reply, ANSWER_MS);

		if (n < 0)
			return n;
		if (n && reply->kind == kind && reply->run == run)
			return reply->number;
		notify(r, reply, n);
		if (!n)
			return -EPIPE;
	}
}

void ask__any(struct recorder *r, int timeout_ms)
{
	struct channel_message m;

	notify(r, &m, channel__receive(r->channel, &m, timeout_ms));
}
