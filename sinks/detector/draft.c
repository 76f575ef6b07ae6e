/* SPDX-License-Identifier: BSD-2-Clause */
/* Verdicts while they are made: a process, texts that its detector appends, then a place in the list. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinks/detector/detector.h"

#define VERDICTS_MAX 10000 /* of all runs; more say nothing that these do not */

struct draft draft__new(enum verdict_kind kind, enum verdict_certainty certainty, const struct model_row *row)
{
	return (struct draft){
		.kind = kind, .certainty = certainty, .row = row, .since_ns = row->began_ns, .ended_ns = row->ended_ns};
}

void text__process(struct text *text, const struct model_row *row)
{
	text__command(text, row->command, row->comm, row->forked);
	text__printf(text, " (pid %u)", row->pid);
}

void text__member(struct text *text, uint32_t pid, uint32_t tid)
{
	text__printf(text, text->size ? ", pid %u" : "pid %u", pid);
	if (tid && tid != pid)
		text__printf(text, " (tid %u)", tid);
}

/* The whole command, as the tables have it. */
static void whole_command(struct text *text, const struct model_row *row)
{
	if (row->forked)
		text__printf(text, "%s", model_command__forked(row->command, row->comm));
	if (row->command && row->command->args.length)
		text__arguments(text, &row->command->args, true, SIZE_MAX);
	else
		text__printf(text, "[%s]", row->comm);
}

static const char *move(struct text *text, int *err)
{
	char *data = text->data;

	if (text->error)
		*err = text->error;
	if (text->error || !text->size) {
		text__free(text);
		return NULL;
	}
	*text = (struct text){0};
	return data;
}

static void verdict__free(struct verdict *verdict)
{
	free((char *)verdict->command);
	free((char *)verdict->step);
	free((char *)verdict->evidence);
	free((char *)verdict->refute);
	free((char *)verdict->next);
	free((char *)verdict->members);
	free((char *)verdict->missing);
	free(verdict);
}

static int fill(struct verdict *verdict, struct draft *draft)
{
	const struct model_row *row = draft->row;
	struct text command = {0};
	int err = 0;

	*verdict = (struct verdict){.run = row->run,
				    .kind = draft->kind,
				    .certainty = draft->certainty,
				    .pid = row->pid,
				    .start = row->start,
				    .began_ns = row->began_ns,
				    .since_ns = draft->since_ns,
				    .ended_ns = draft->ended_ns,
				    .mark = draft->mark,
				    .head = draft->head};
	whole_command(&command, row);
	verdict->command = move(&command, &err);
	verdict->evidence = move(&draft->evidence, &err);
	verdict->refute = move(&draft->refute, &err);
	verdict->next = move(&draft->next, &err);
	verdict->members = move(&draft->members, &err);
	verdict->missing = move(&draft->missing, &err);
	if (row->task && row->task->step) {
		verdict->step = strdup(row->task->step);
		err = verdict->step ? err : -ENOMEM;
	}
	return err;
}

int draft__add(struct verdicts *verdicts, struct draft *draft)
{
	struct verdict_run *run = verdict_run__of(verdicts, draft->row->run);
	struct verdict **list = reallocarray(verdicts->list, verdicts->count + 1, sizeof(*list));
	struct verdict *verdict = calloc(1, sizeof(*verdict));
	int err = list && verdict && run ? fill(verdict, draft) : -ENOMEM;

	if (list)
		verdicts->list = list;
	if (!err && verdicts->count < VERDICTS_MAX) {
		verdict->muted = verdict_limits__ignored(&run->limits, verdict->kind, verdict->step);
		list[verdicts->count++] = verdict;
		return 0;
	}
	if (verdict)
		verdict__free(verdict);
	return err;
}

void drafts__free(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++)
		verdict__free(verdicts->list[i]);
	free(verdicts->list);
}

/* Of the stream's header; what this version does not know is of no effect. */
static int read_limits(struct verdict_limits *limits, const struct model_run *run)
{
	const char *const *item = run->info->verdicts;
	int err = verdict_limits__defaults(limits);
	char name[64];
	struct error why;

	for (; item && *item && !err; item++) {
		size_t length = strcspn(*item, "=");

		if (!(*item)[length] || length >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)length, *item);
		err = verdict_limits__set(limits, name, *item + length + 1, &why) == -ENOMEM ? -ENOMEM : 0;
	}
	return err;
}

static bool has_event(const struct stream_info *info, const char *event)
{
	for (uint32_t i = SCHEMA_KIND_BASE; i < info->events_count; i++)
		if (info->events[i].name && !strcmp(info->events[i].name, event))
			return true;
	return false;
}

bool verdicts__has_event(const struct verdicts *verdicts, const struct model_run *run, const char *stream,
			 const char *event)
{
	for (size_t i = 0; i < verdicts->sources_count; i++) {
		const struct stream_info *info = verdicts->sources[i].info;

		if (info->boot_id && run->info->boot_id && !strcmp(info->boot_id, run->info->boot_id) &&
		    !strcmp(info->stream, stream) && has_event(info, event))
			return true;
	}
	return false;
}

struct verdict_run *verdict_run__of(struct verdicts *verdicts, const struct model_run *run)
{
	size_t count = run->index < verdicts->runs_count ? verdicts->runs_count : run->index + 1;
	struct verdict_run **runs, *made;

	if (run->index < verdicts->runs_count && verdicts->runs[run->index])
		return verdicts->runs[run->index];
	runs = reallocarray(verdicts->runs, count, sizeof(*runs)); /* the first record may be that of a later run */
	if (!runs)
		return NULL;
	verdicts->runs = runs;
	for (; verdicts->runs_count <= run->index; verdicts->runs_count++)
		runs[verdicts->runs_count] = NULL;
	made = calloc(1, sizeof(*made));
	if (!made || read_limits(&made->limits, run)) {
		free(made);
		return NULL;
	}
	made->run = run;
	return runs[run->index] = made;
}

const struct verdict_limit *verdict_run__limit(const struct verdicts *verdicts, const struct model_run *run,
					       enum verdict_kind kind)
{
	return &verdicts->runs[run->index]->limits.kind[kind];
}
