/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams, the records that come from them, the run's clock, the end. */
#include "sinks/model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/process.h"
#include "sinks/steps/steps.h"

/* How long, in the run's own time, to wait for the streams that have not reported a process's exit. */
#define WAIT_NS 10000000000ULL

struct kind {
	const struct role *role; /* NULL: says nothing to the model */
	int field[ROLE_FIELDS];	 /* its index in the stream's schema, or -1 */
};

struct source {
	const struct stream_info *info;
	struct run *run;
	int source; /* enum model_source, or -1 */
	struct kind *kinds;
	uint32_t kinds_count;
};

/* ---- streams ---- */

static void resolve(struct source *source)
{
	for (uint32_t i = 0; i < source->kinds_count; i++) {
		const struct stream_event *event = &source->info->events[i];
		const struct role *role = role__find(event);

		if (!role || event->fields_count > SCHEMA_FIELDS_MAX)
			continue;
		source->kinds[i].role = role;
		for (int j = 0; j < ROLE_FIELDS; j++)
			source->kinds[i].field[j] = role->fields[j] ? stream_event__field(event, role->fields[j]) : -1;
		source->source = role->source;
		if (!strcmp(role->event, "exit"))
			source->run->pub.has[role->source] = true;
		if (role->source == MODEL_MEM)
			source->run->pub.rss_interval_ns = source->info->interval_ns;
	}
}

int model__stream(struct model *model, const struct stream_info *info)
{
	struct source *sources = reallocarray(model->sources, model->sources_count + 1, sizeof(*sources));
	struct source *source;
	struct run *run = run__find(model, info, info->run.number);

	if (!sources)
		return -ENOMEM;
	model->sources = sources;
	if (!run)
		run = run__new(model, info, info->run.number);
	source = &sources[model->sources_count];
	*source = (struct source){.info = info, .run = run, .source = -1, .kinds_count = info->events_count};
	source->kinds = calloc(info->events_count + 1, sizeof(*source->kinds));
	if (!run || !source->kinds) {
		free(source->kinds);
		return -ENOMEM;
	}
	model->sources_count++;
	resolve(source);
	return 0;
}

static struct source *find_source(const struct model *model, const struct stream_info *info)
{
	/* The merge numbers its streams in the order in which it announces them. */
	if (info->index < model->sources_count && model->sources[info->index].info == info)
		return &model->sources[info->index];
	for (size_t i = 0; i < model->sources_count; i++)
		if (model->sources[i].info == info)
			return &model->sources[i];
	return NULL;
}

/* A daemon may write several runs into one stream. */
static struct run *run_of(struct model *model, const struct source *source, const struct record *record)
{
	struct run *run = source->run;

	if (record->run == run->pub.number)
		return run;
	run = run__find(model, source->info, record->run);
	if (run)
		return run;
	run = run__new(model, source->info, record->run);
	if (run)
		memcpy(run->pub.has, source->run->pub.has, sizeof(run->pub.has));
	return run;
}

static void set_lossy(struct model *model, const struct source *source)
{
	for (size_t i = 0; source->source >= 0 && i < model->runs_count; i++)
		if (!strcmp(model->runs[i]->pub.info->run.id, source->info->run.id))
			model->runs[i]->pub.lossy[source->source] = true;
}

/* The run's clock moves on; a process that was waited for long enough gets a row with what there is. */
static int advance(struct model *model, struct run *run, const struct record *record)
{
	int err = 0;

	if (!run->pub.begun) {
		run->pub.begun = true;
		run->pub.first_ts = run->pub.last_ts = record->ts;
		run->pub.real_ns = record->real_ns;
	}
	if (record->ts > run->pub.last_ts)
		run->pub.last_ts = record->ts;
	while (!err && run->wait_first && run->pub.last_ts - run->wait_first->wait_since > WAIT_NS)
		err = row__last(model, run->wait_first);
	return err;
}

int model__feed(struct model *model, const struct record *record)
{
	static const struct value absent = {.type = VALUE_NULL, .reason = MODEL_REASON_ABSENT};
	struct value values[SCHEMA_FIELDS_MAX];
	struct source *source = find_source(model, record->info);
	struct feed feed = {.model = model, .record = record, .end = record->bytes + record->size};
	const struct kind *kind;
	int err;

	if (source && record->kind == RECORD_LOST)
		set_lossy(model, source);
	if (!source || record->kind < SCHEMA_KIND_BASE || record->kind >= source->kinds_count)
		return 0;
	feed.run = run_of(model, source, record);
	if (!feed.run)
		return -ENOMEM;
	err = advance(model, feed.run, record);
	kind = &source->kinds[record->kind];
	if (err || !kind->role)
		return err;
	if (record__values(record, values)) {
		set_lossy(model, source); /* a damaged record is as good as a lost one */
		return 0;
	}
	feed.source = kind->role->source;
	for (int i = 0; i < ROLE_FIELDS; i++)
		feed.field[i] = kind->field[i] < 0 ? &absent : &values[kind->field[i]];
	return kind->role->take(&feed);
}

void model__ended(struct model *model, const struct stream_info *info, const struct stream_state *state)
{
	struct source *source = find_source(model, info);

	if (source && (!state->complete || state->lost || state->damaged_bytes))
		set_lossy(model, source);
}

/* ---- the model ---- */

struct model *model__new(const struct model_calls *calls, void *arg, const struct steps *steps)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->calls = *calls;
	model->arg = arg;
	model->steps = steps;
	model->matcher = steps ? steps_matcher__new(steps) : NULL;
	if (steps && !model->matcher) {
		free(model);
		return NULL;
	}
	return model;
}

static int by_age(const void *a, const void *b)
{
	const struct process *x = process__of(*(struct hash_node *const *)a);
	const struct process *y = process__of(*(struct hash_node *const *)b);

	if (x->row.start != y->row.start)
		return x->row.start < y->row.start ? -1 : 1;
	return x->row.pid < y->row.pid ? -1 : x->row.pid > y->row.pid;
}

/* Those whose end has begun first, in that order, children before parents. */
int model__finish(struct model *model)
{
	struct hash_node **nodes;
	size_t count;
	int err = 0;

	for (size_t i = 0; i < model->runs_count; i++)
		while (!err && model->runs[i]->wait_first)
			err = row__last(model, model->runs[i]->wait_first);
	count = model->processes.count;
	nodes = hash__sorted(&model->processes, by_age);
	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; !err && i < count; i++)
		err = row__last(model, process__of(nodes[i]));
	free(nodes);
	return err;
}

size_t model__runs(const struct model *model)
{
	return model->runs_count;
}

const struct model_run *model__run(const struct model *model, size_t i)
{
	return &model->runs[i]->pub;
}

const struct model_run *model__run_of(const struct model *model, const struct stream_info *info)
{
	const struct source *source = find_source(model, info);

	return source ? &source->run->pub : NULL;
}

void model__free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->processes.size; i++) {
		while (model->processes.slots[i]) {
			struct process *p = process__of(model->processes.slots[i]);

			failure__drop(model, p);
			process__remove(model, p);
		}
	}
	hash__free(&model->processes);
	hash__free(&model->tasks);
	for (size_t i = 0; i < model->runs_count; i++)
		run__free(model->runs[i]);
	free(model->runs);
	for (size_t i = 0; i < model->sources_count; i++)
		free(model->sources[i].kinds);
	free(model->sources);
	steps_matcher__free(model->matcher);
	free(model);
}
