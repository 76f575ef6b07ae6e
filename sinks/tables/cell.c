/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps the values of the model's rows. */
#include "sinks/tables/cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/tables/kept.h"
#include "sinks/verdicts/verdicts.h"

static int keep_null(struct packer *p, const struct cell *cell, unsigned reason)
{
	if (reason != EVENT_REASON_NONE)
		notes__add(&p->notes, cell->name, model_reason__name(reason));
	return kept__null(p->out);
}

static int keep_string(struct packer *p, const char *string)
{
	return string && *string ? kept__text(p->out, string, strlen(string)) : kept__null(p->out);
}

int cell__number(struct packer *p, const struct cell *cell, const void *at)
{
	uint64_t number = *(const uint64_t *)at;

	return EVENT_IS_NULL(number) ? keep_null(p, cell, EVENT_NULL_REASON(number)) : kept__number(p->out, number);
}

/* A figure; `member` is the offset, in the row, of the reason why it is not whole. */
int cell__figure(struct packer *p, const struct cell *cell, const void *at)
{
	uint8_t partial = *((const uint8_t *)at - cell->offset + cell->member);

	if (partial && !EVENT_IS_NULL(*(const uint64_t *)at))
		notes__add(&p->notes, cell->name, model_reason__name(partial));
	return cell__number(p, cell, at);
}

int cell__u32(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return kept__number(p->out, *(const uint32_t *)at);
}

int cell__some(struct packer *p, const struct cell *cell, const void *at)
{
	return *(const uint32_t *)at ? cell__u32(p, cell, at) : kept__null(p->out);
}

int cell__depth(struct packer *p, const struct cell *cell, const void *at)
{
	int32_t depth = *(const int32_t *)at;

	(void)cell;
	return depth < 0 ? kept__null(p->out) : kept__signed(p->out, depth);
}

int cell__bool(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return kept__bool(p->out, *(const bool *)at);
}

int cell__outcome(struct packer *p, const struct cell *cell, const void *at)
{
	const char *name = model_outcome__name(*(const enum model_outcome *)at);

	(void)cell;
	return kept__text(p->out, name, strlen(name));
}

int cell__sender(struct packer *p, const struct cell *cell, const void *at)
{
	const char *name = model_sender__name(*(const uint8_t *)at);

	(void)cell;
	return name ? kept__text(p->out, name, strlen(name)) : kept__null(p->out);
}

/* char[]; empty: null */
int cell__chars(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return *(const char *)at ? kept__text(p->out, at, strlen(at)) : kept__null(p->out);
}

static int keep_replaced(struct packer *p, const struct model_row *row)
{
	struct text text = {0};
	int err;

	text__replaced(&text, row->next);
	err = text.error || kept__text(p->out, text.data, text.size);
	text__free(&text);
	return err;
}

/* How it ended, in a word. */
int cell__status(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_row *row = at;
	char number[32];

	(void)cell;
	if (!row->last)
		return keep_replaced(p, row);
	if (row->outcome == MODEL_RUNNING || row->outcome == MODEL_UNKNOWN)
		return cell__outcome(p, cell, &row->outcome);
	if (*row->signal_name)
		return cell__chars(p, cell, row->signal_name);
	if (!EVENT_IS_NULL(row->signal))
		snprintf(number, sizeof(number), "signal %" PRIu64, row->signal);
	else if (!EVENT_IS_NULL(row->exit_code))
		snprintf(number, sizeof(number), "exit %" PRIu64, row->exit_code);
	else
		return cell__outcome(p, cell, &row->outcome);
	return kept__text(p->out, number, strlen(number));
}

/* char *; NULL: null */
int cell__string(struct packer *p, const struct cell *cell, const void *at)
{
	const char *string = *(const char *const *)at;

	(void)cell;
	return string ? kept__text(p->out, string, strlen(string)) : kept__null(p->out);
}

/* NULL: out of memory. */
static const char *keep_sentence(struct sentence **sentences, const char *text)
{
	size_t size = strlen(text) + 1;
	struct sentence *sentence = malloc(sizeof(*sentence) + size);

	if (!sentence)
		return NULL;
	memcpy(sentence->text, text, size);
	sentence->next = *sentences;
	*sentences = sentence;
	return sentence->text;
}

void sentences__free(struct sentence *sentences)
{
	while (sentences) {
		struct sentence *next = sentences->next;

		free(sentences);
		sentences = next;
	}
}

int cell__noted(struct packer *p, const struct cell *cell, const void *at)
{
	const char *note = *(const char *const *)((const char *)at - cell->offset + cell->member);

	if (note) {
		note = keep_sentence(p->sentences, note);
		if (!note)
			return -ENOMEM;
		notes__add(&p->notes, cell->name, note);
	}
	return cell__string(p, cell, at);
}

int cell__kind(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return keep_string(p, verdict_kind__name(*(const enum verdict_kind *)at));
}

int cell__certainty(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	return keep_string(p, verdict_certainty__name(*(const enum verdict_certainty *)at));
}

int cell__run(struct packer *p, const struct cell *cell, const void *at)
{
	(void)at;
	return cell__string(p, cell, &p->run->info->run.id);
}

int cell__pipeline(struct packer *p, const struct cell *cell, const void *at)
{
	(void)at;
	(void)cell;
	return keep_string(p, p->run->info->run.name);
}

int cell__host(struct packer *p, const struct cell *cell, const void *at)
{
	(void)at;
	return cell__string(p, cell, &p->run->info->host);
}

int cell__time(struct packer *p, const struct cell *cell, const void *at)
{
	uint64_t ts = *(const uint64_t *)at;

	return EVENT_IS_NULL(ts) ? keep_null(p, cell, EVENT_NULL_REASON(ts))
				 : kept__signed(p->out, (int64_t)((uint64_t)p->run->real_ns + ts - p->run->first_ts));
}

static int keep_strings(struct packer *p, const struct model_list *list)
{
	const char *item = list->data;
	size_t begun;
	int err = kept__begin(p->out, VALUE_LIST, list->count, &begun);

	for (uint32_t i = 0; i < list->count && !err; i++, item += strlen(item) + 1)
		err = pack__text(p->out, item, strlen(item));
	return err ? err : kept__end(p->out, begun);
}

int cell__list(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;
	const struct model_list *list = command ? (const void *)((const char *)command + cell->member) : NULL;

	if (!list || !list->data)
		return keep_null(p, cell, list ? list->reason : EVENT_REASON_NONE);
	if (list->reason)
		notes__add(&p->notes, cell->name, model_reason__name(list->reason));
	return keep_strings(p, list);
}

int cell__text(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;
	const struct model_text *text = command ? (const void *)((const char *)command + cell->member) : NULL;

	if (!text || !text->data)
		return keep_null(p, cell, text ? text->reason : EVENT_REASON_NONE);
	if (text->reason)
		notes__add(&p->notes, cell->name, model_reason__name(text->reason));
	return kept__text(p->out, text->data, text->length);
}

int cell__uid(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;

	return command ? cell__number(p, cell, &command->uid) : kept__null(p->out);
}

int cell__oom_number(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_oom *oom = *(const struct model_oom *const *)at;

	return oom ? cell__number(p, cell, (const char *)oom + cell->member) : kept__null(p->out);
}

int cell__oom_cgroup(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_oom *oom = *(const struct model_oom *const *)at;

	return oom ? cell__chars(p, cell, oom->cgroup) : kept__null(p->out);
}

int cell__oom_others(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_oom *oom = *(const struct model_oom *const *)at;
	struct text text = {0};
	int err;

	(void)cell;
	if (!oom || !oom->others_count)
		return kept__null(p->out);
	model_oom__others(oom, &text);
	err = text.error || kept__text(p->out, text.data, text.size);
	text__free(&text);
	return err;
}

void command__text(struct text *text, const struct model_command *command, const char *comm, bool forked)
{
	if (forked)
		text__printf(text, "%s", model_command__forked(command, comm));
	if (command && command->args.length)
		text__arguments(text, &command->args, true, SIZE_MAX);
	else
		text__printf(text, "[%s]", comm);
}

static int keep_command(struct packer *p, const struct model_command *command, const char *comm, bool forked)
{
	struct text text = {0};
	int err;

	command__text(&text, command, comm, forked);
	err = text.error || kept__text(p->out, text.data ? text.data : "", text.size);
	text__free(&text);
	return err;
}

int cell__row_command(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_row *row = at;

	(void)cell;
	return keep_command(p, row->command, row->comm, row->forked);
}

int cell__command(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_command *command = *(const struct model_command *const *)at;

	(void)cell;
	return command ? keep_command(p, command, model_command__name(command, "?"), false) : kept__null(p->out);
}

int cell__task_number(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_task *task = *(const struct model_task *const *)at;

	(void)cell;
	return task ? kept__number(p->out, task->number) : kept__null(p->out);
}

int cell__task_step(struct packer *p, const struct cell *cell, const void *at)
{
	const struct model_task *task = *(const struct model_task *const *)at;

	return task ? cell__string(p, cell, &task->step) : kept__null(p->out);
}

/* ---- of a run ---- */

int cell__hugetlb(struct packer *p, const struct cell *cell, const void *at)
{
	uint64_t bytes = model_row__hugetlb(at);

	return cell__number(p, cell, &bytes);
}

int cell__boot_id(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	(void)at;
	return keep_string(p, p->run->info->boot_id);
}

int cell__marker(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	(void)at;
	return keep_string(p, p->run->info->marker);
}

int cell__run_uid(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	(void)at;
	return p->run->info->run.uid == STREAM_NO_UID ? kept__null(p->out)
						      : kept__number(p->out, p->run->info->run.uid);
}

int cell__run_user(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	(void)at;
	return keep_string(p, p->run->info->run.user);
}

int cell__clock_error(struct packer *p, const struct cell *cell, const void *at)
{
	(void)at;
	return cell__number(p, cell, &p->run->info->clock_error_ns);
}

int cell__run_job(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	(void)at;
	return keep_string(p, p->run->job);
}

int cell__version(struct packer *p, const struct cell *cell, const void *at)
{
	(void)cell;
	(void)at;
	return keep_string(p, p->run->info->collector);
}

int cell__run_command(struct packer *p, const struct cell *cell, const void *at)
{
	const char *const *command = p->run->info->run.command;
	struct text text = {0};
	int err;

	(void)cell;
	(void)at;
	for (size_t i = 0; command && command[i]; i++) {
		text__printf(&text, "%s", i ? " " : "");
		text__argument(&text, command[i], strlen(command[i]));
	}
	err = text.error || keep_string(p, text.data);
	text__free(&text);
	return err;
}

int cell__tags(struct packer *p, const struct cell *cell, const void *at)
{
	const char *const *tags = p->run->info->run.tags;
	size_t count = 0, begun;
	int err;

	(void)cell;
	(void)at;
	while (tags && tags[count])
		count++;
	err = kept__begin(p->out, VALUE_MAP, count, &begun);
	for (size_t i = 0; i < count && !err; i++) {
		size_t name = strcspn(tags[i], "=");
		const char *value = tags[i] + name + (tags[i][name] == '=');

		err = pack__text(p->out, tags[i], name) || pack__text(p->out, value, strlen(value));
	}
	return err ? err : kept__end(p->out, begun);
}
