/* SPDX-License-Identifier: BSD-2-Clause */
/* How the recording stands, for the keeper, which is asked for it. */
#include <stdio.h>
#include <string.h>

#include "core/bpf/bpf.h"
#include "core/daemon/channel.h"
#include "core/daemon/recorder.h"
#include "core/daemon/run.h"

static struct channel_run state_of(struct recorder *r, const struct run *run)
{
	struct channel_run state = {
		.uid = run->uid,
		.began = run->began_at,
		.watched = scope__alive(r->scope, run->number),
		.processes = scope__entered(r->scope, run->number),
		.bytes = run__bytes(run),
		.lost = run->lost,
	};

	snprintf(state.id, sizeof(state.id), "%s", run->id);
	return state;
}

void recorder_state__send(struct recorder *r)
{
	struct channel_message m = {.kind = CHANNEL_STATE, .size = sizeof(struct channel_state)};
	struct channel_state state = {
		.suspended = r->suspended,
		.over_limit = r->over_limit,
		.unrecorded = r->unrecorded,
		.dropped = r->dropped,
		.disk_error = r->disk_error,
	};

	for (const struct run *run = r->runs; run; run = run->next) {
		struct channel_run one = state_of(r, run);

		state.watched += one.watched;
		if (state.open++ >= CHANNEL_RUNS)
			continue;
		memcpy(m.text + m.size, &one, sizeof(one));
		m.size += sizeof(one);
	}
	memcpy(m.text, &state, sizeof(state));
	channel__send(r->channel, &m); /* without room for it, it is not said */
}
