/* SPDX-License-Identifier: BSD-2-Clause */
/* A process that the OOM killer selected: the limit, and what else held memory then. */
#include <stdlib.h>
#include <string.h>

#include "core/format.h"
#include "sinks/model/process.h"

enum { RSS = 2, LIMIT, USAGE, SCOPE, CGROUP, OLD_SCOPE, OLD_CGROUP }; /* fields of the role */

/* Whether it is that cgroup, or one below it. */
static bool is_in(const char *cgroup, const char *path)
{
	size_t length = strlen(path);

	if (!strcmp(path, "/"))
		return true;
	return length && !strncmp(cgroup, path, length) && (!cgroup[length] || cgroup[length] == '/');
}

/* Keeps the largest, the first of equal ones. */
static void offer(struct model_oom *oom, const struct process *p)
{
	size_t at = oom->others_count;

	while (at && oom->others[at - 1].rss_bytes < p->held.rss)
		at--;
	if (at == MODEL_OOM_OTHERS)
		return;
	if (oom->others_count < MODEL_OOM_OTHERS)
		oom->others_count++;
	memmove(&oom->others[at + 1], &oom->others[at], (oom->others_count - at - 1) * sizeof(*oom->others));
	oom->others[at] = (struct model_holder){.pid = p->row.pid, .rss_bytes = p->held.rss};
	memcpy(oom->others[at].comm, p->row.comm, EVENT_COMM);
}

static bool set_others(struct model_oom *oom, const struct model *model, const struct process *victim)
{
	struct hash_node **nodes = hash__sorted(&model->processes, process__by_age);

	for (size_t i = 0; nodes && i < model->processes.count; i++) {
		const struct process *p = process__of(nodes[i]);

		bool other = p->run == victim->run && p != victim && p->held.rss;
		const char *cgroup = p->command ? p->command->cgroup.data : NULL; /* of a fork, its parent's */
		bool in = oom->host || (cgroup && is_in(cgroup, oom->cgroup));

		if (other && (in || !cgroup))
			oom->others_bytes += p->held.rss;
		if (other && in)
			offer(oom, p);
	}
	free(nodes);
	return nodes;
}

/* Streams of 0.1.0 have it under another name. */
static const struct value *either(const struct value *value, const struct value *old)
{
	return value->type == VALUE_NULL ? old : value;
}

struct model_oom *oom__new(const struct feed *feed, const struct process *victim)
{
	const struct value *cgroup = either(feed->field[CGROUP], feed->field[OLD_CGROUP]);
	const struct value *scope = either(feed->field[SCOPE], feed->field[OLD_SCOPE]);
	size_t length = cgroup->type == VALUE_STRING ? cgroup->length : 0;
	struct model_oom *oom = calloc(1, sizeof(*oom) + length + 1);

	if (!oom)
		return NULL;
	oom->refs = 1;
	if (length)
		memcpy(oom->cgroup, cgroup->string, length);
	oom->host = value__is(scope, "host");
	oom->rss_bytes = value__number(feed->field[RSS]);
	oom->limit_bytes = value__number(feed->field[LIMIT]);
	oom->usage_bytes = value__number(feed->field[USAGE]);
	if (!set_others(oom, feed->model, victim)) {
		free(oom);
		return NULL;
	}
	return oom;
}

struct model_oom *oom__ref(struct model_oom *oom)
{
	if (oom)
		oom->refs++;
	return oom;
}

void oom__unref(struct model_oom *oom)
{
	if (oom && !--oom->refs)
		free(oom);
}

/* What a cgroup is charged for may be in no process: then none of them is the one to look at. */
static void put_rest(const struct model_oom *oom, struct text *text)
{
	uint64_t held = oom->rss_bytes + oom->others_bytes;
	char number[FORMAT_SIZE];

	if (!oom->host && !EVENT_IS_NULL(oom->usage_bytes) && !EVENT_IS_NULL(oom->rss_bytes) &&
	    held < oom->usage_bytes / 2)
		text__printf(text, "; %s in no process: tmpfs, page cache",
			     format__bytes(number, oom->usage_bytes - held));
}

void model_oom__others(const struct model_oom *oom, struct text *text)
{
	char number[FORMAT_SIZE];

	if (!oom->others_count)
		text__printf(text, "no sample");
	for (size_t i = 0; i < oom->others_count; i++) {
		const struct model_holder *other = &oom->others[i];

		text__printf(text, i ? ", " : "");
		text__safe(text, other->comm, strlen(other->comm));
		text__printf(text, " %s (pid %u)", format__bytes(number, other->rss_bytes), other->pid);
	}
	put_rest(oom, text);
}

#define CHARGED_ELSEWHERE (1U << 20) /* less says nothing: the two are not read at the same instant */

/* The path last: it may be too long for a line. */
void model_oom__limit(const struct model_oom *oom, struct text *text)
{
	char number[FORMAT_SIZE];

	if (oom->host)
		text__printf(text, "the host was out of memory");
	else if (EVENT_IS_NULL(oom->limit_bytes))
		text__printf(text, "which limit is not known");
	else
		text__printf(text, "limit %s", format__bytes(number, oom->limit_bytes));
	if (!EVENT_IS_NULL(oom->usage_bytes))
		text__printf(text, ", usage %s", format__bytes(number, oom->usage_bytes));
	if (!EVENT_IS_NULL(oom->rss_bytes))
		text__printf(text, ", its own %s%s", format__bytes(number, oom->rss_bytes),
			     !EVENT_IS_NULL(oom->usage_bytes) && oom->rss_bytes > oom->usage_bytes + CHARGED_ELSEWHERE
				     ? " with shared files"
				     : "");
	if (!*oom->cgroup)
		return;
	text__printf(text, ", cgroup ");
	text__safe(text, oom->cgroup, strlen(oom->cgroup));
}
