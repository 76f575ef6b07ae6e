/* SPDX-License-Identifier: BSD-2-Clause */
/* Which processes are workflow engines, and how far the log of each has been read. */
#include "core/probe.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "probes/output/engine_log.h"
#include "probes/output/seen.h"

#define WORDS_MAX 8 /* of its arguments: python -W ignore -m snakemake */

bool engine_log__is_valid(const char *item)
{
	const char *folder = strchr(item, '=');
	size_t name = folder ? (size_t)(folder - item) : 0;

	return name && name < ENGINE_NAME_MAX && !memchr(item, '/', name) && folder[1] && folder[1] != '/' &&
	       !strstr(folder, "..");
}

/* Of a program with these arguments, each ended by NUL: the item of the list that names it, or NULL. */
static const char *find_name(const struct opt_list *list, const char *args, size_t length)
{
	for (int words = 0; length && words < WORDS_MAX; words++) {
		size_t word = strnlen(args, length), whole = word + (word < length);

		for (size_t i = 0; i < list->n; i++)
			if (seen__is_file(args, word, list->items[i], strcspn(list->items[i], "=")))
				return list->items[i];
		args += whole;
		length -= whole;
	}
	return NULL;
}

struct engine *engine_log__find(struct engines *engines, uint32_t pid, uint64_t start)
{
	for (size_t i = 0; i < engines->count; i++)
		if (engines->all[i].pid == pid && engines->all[i].start == start && pid)
			return &engines->all[i];
	return NULL;
}

static void add(struct engines *engines, const struct engine *engine)
{
	struct engine *known = engine_log__find(engines, engine->pid, engine->start);

	if (known) { /* env, nice and time execute it */
		known->name = engine->name;
		return;
	}
	engines->all[engines->next] = *engine;
	engines->count += engines->count < ENGINES_MAX;
	engines->next = (engines->next + 1) % ENGINES_MAX;
}

static void add_job(struct engines *engines, uint32_t pid, uint64_t start)
{
	engines->jobs[engines->next_job] = (struct engine_job){.pid = pid, .start = start};
	engines->next_job = (engines->next_job + 1) % ENGINE_JOBS_MAX;
}

static bool is_job(const struct engines *engines, uint32_t pid, uint64_t start)
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

/* ---- questions ---- */

static void ask_log(struct engines *engines, struct engine *engine, struct probe_ask ask)
{
	ask.offset = engine->offset;
	engine->asked = !engines->api->ask(engines->api, &ask); /* else the next program asks */
}

bool engine_log__ask_last(struct engines *engines, struct engine *engine, const struct probe_ask *before)
{
	struct probe_ask ask = *before;

	if (ask.what != PROBE_ASK_LOG || engine->nested)
		return false;
	ask.what = PROBE_ASK_LAST;
	ask_log(engines, engine, ask);
	return true;
}

void engine_log__ask_more(struct engines *engines, struct engine *engine, const struct probe_ask *before, bool full)
{
	struct probe_ask ask = *before;

	if (!full && !engine->again)
		return;
	if (!full) {
		ask.ts = engine->ts;
		engine->again = false;
	}
	ask_log(engines, engine, ask);
}

/* Of a program that an engine has started: where that logs which job it is. */
static void ask_for_log(struct engines *engines, struct engine *engine, const struct event *event, const char *folder,
			size_t length)
{
	char path[PATH_MAX];
	struct probe_ask ask = {.what = PROBE_ASK_LOG,
				.run = event->run,
				.pid = engine->pid,
				.local_pid = engine->ns_pid,
				.start = engine->start,
				.ts = event->ts - 1,
				.path = path};

	add_job(engines, event->pid, event->start);
	if (!engine->again)
		engine->ts = ask.ts;
	engine->again = engine->asked;
	if (!engine->asked && length < sizeof(path) &&
	    snprintf(path, sizeof(path), "%.*s/%s", (int)length, folder, strchr(engine->name, '=') + 1) <
		    (int)sizeof(path))
		ask_log(engines, engine, ask);
}

void engine_log__see(struct engines *engines, const struct schema_event *schema, const struct event *event, size_t size)
{
	uint32_t ppid = seen__number(schema, event, "ppid");
	uint64_t parent_start = seen__number(schema, event, "parent_start");
	struct engine *engine = engine_log__find(engines, ppid, parent_start);
	size_t length = 0, folder_length = 0;
	const char *args = seen__find(schema, event, size, "args", &length);
	const char *folder = seen__find(schema, event, size, "cwd", &folder_length);
	struct engine found = {.pid = event->pid, .start = event->start};

	if (engine && folder)
		ask_for_log(engines, engine, event, folder, folder_length);
	found.name = args ? find_name(engines->logs, args, length) : NULL;
	if (!found.name)
		return;
	found.ns_pid = seen__number(schema, event, "ns_pid");
	found.nested = is_job(engines, event->pid, event->start) || is_job(engines, ppid, parent_start);
	add(engines, &found);
}
