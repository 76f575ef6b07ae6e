/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids of traces and spans, which can be computed again: `printf 'BOOT_ID PID START' | sha256sum`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sinks/otlp/otlp.h"
#include "sinks/otlp/sha256.h"

#define TEXT_MAX 512

static void hash_text(const char *text, int length, void *id, size_t size)
{
	uint8_t hash[SHA256_SIZE];

	sha256(text, length < TEXT_MAX ? (size_t)length : TEXT_MAX - 1, hash);
	memcpy(id, hash, size);
}

void otlp_id__trace(const struct otlp *otlp, const struct model_run *run, uint8_t id[TRACE_ID])
{
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%s %s", run->info->boot_id, run->info->run.id);

	if (otlp->env.traced)
		memcpy(id, otlp->env.trace_id, TRACE_ID);
	else
		hash_text(text, length, id, TRACE_ID);
}

void otlp_id__run(const struct model_run *run, uint8_t id[SPAN_ID])
{
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%s %s run", run->info->boot_id, run->info->run.id);

	hash_text(text, length, id, SPAN_ID);
}

void otlp_id__task(const struct model_task *task, uint8_t id[SPAN_ID])
{
	const struct stream_info *info = task->run->info;
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%s %s task %" PRIu32, info->boot_id, info->run.id, task->number);

	hash_text(text, length, id, SPAN_ID);
}

void otlp_id__process(const struct model_run *run, uint32_t pid, uint64_t start, uint8_t id[SPAN_ID])
{
	char text[TEXT_MAX];
	int length = snprintf(text, sizeof(text), "%s %" PRIu32 " %" PRIu64, run->info->boot_id, pid, start);

	hash_text(text, length, id, SPAN_ID);
}
