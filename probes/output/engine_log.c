/* SPDX-License-Identifier: BSD-2-Clause */
/* Which processes are workflow engines, and how far the log of each has been read. */
#include "core/probe.h"

#include <string.h>

#include "probes/output/engine_log.h"

#define WORDS_MAX 8 /* of its arguments: python -W ignore -m snakemake */

bool engine_log__is_valid(const char *item)
{
	const char *folder = strchr(item, '=');
	size_t name = folder ? (size_t)(folder - item) : 0;

	return name && name < ENGINE_NAME_MAX && !memchr(item, '/', name) && folder[1] && folder[1] != '/' &&
	       !strstr(folder, "..");
}

/* Whether the word is that program, with or without its path. */
static bool is_program(const char *word, size_t length, const char *name, size_t n)
{
	return length >= n && !memcmp(word + length - n, name, n) && (length == n || word[length - n - 1] == '/');
}

const char *engine_log__named(const struct opt_list *list, const char *args, size_t length)
{
	for (int words = 0; length && words < WORDS_MAX; words++) {
		size_t word = strnlen(args, length), whole = word + (word < length);

		for (size_t i = 0; i < list->n; i++)
			if (is_program(args, word, list->items[i], strcspn(list->items[i], "=")))
				return list->items[i];
		args += whole;
		length -= whole;
	}
	return NULL;
}

struct engine *engine_log__find(struct engines *engines, uint32_t pid, uint64_t start)
{
	for (size_t i = 0; i < ENGINES_MAX; i++)
		if (engines->all[i].pid == pid && engines->all[i].start == start && pid)
			return &engines->all[i];
	return NULL;
}

void engine_log__add(struct engines *engines, const struct engine *engine)
{
	struct engine *known = engine_log__find(engines, engine->pid, engine->start);

	if (known) { /* env, nice and time execute it */
		known->name = engine->name;
		return;
	}
	engines->all[engines->next] = *engine;
	engines->next = (engines->next + 1) % ENGINES_MAX;
}

void engine_log__add_job(struct engines *engines, uint32_t pid, uint64_t start)
{
	engines->jobs[engines->next_job] = (struct engine_job){.pid = pid, .start = start};
	engines->next_job = (engines->next_job + 1) % ENGINE_JOBS_MAX;
}

bool engine_log__is_job(const struct engines *engines, uint32_t pid, uint64_t start)
{
	for (size_t i = 0; i < ENGINE_JOBS_MAX; i++)
		if (engines->jobs[i].pid == pid && engines->jobs[i].start == start && pid)
			return true;
	return false;
}

size_t engine_log__take(struct engine *engine, const char **text, size_t size, size_t most)
{
	const char *begin = *text, *end = memrchr(begin, '\n', size), *rest;

	if (!end) {
		if (size < most)
			return 0; /* the rest is still to be written */
		engine->offset += size;
		engine->cut = true;
		return 0;
	}
	size = end + 1 - begin;
	engine->offset += size;
	if (engine->cut) {
		rest = (const char *)memchr(begin, '\n', size) + 1;
		size -= rest - begin;
		*text = rest;
		engine->cut = false;
	}
	return size;
}
