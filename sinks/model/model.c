/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams and their records, the run's clock, the end. */
#include "sinks/model/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/process.h"
#include "sinks/steps/steps.h"

/* Ended processes that wait for accounts. The kernel closes the account of a zombie when its parent has waited for it,
 * minutes later or never, so that only their number tells too many: more than run.max_processes lets be watched, unless
 * that is raised or accounts were lost. Each takes 1.1 KB and, if it executed a program, its command. */
#define WAITING_MAX 200000

struct kind {
	const struct role *role; /* NULL: the model does not use it */
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
		if (role->source == MODEL_SOURCES)
			continue;
		source->source = role->source;
		if (!strcmp(role->event, "exit") && !stream_info__lacks(source->info, role->event))
			source->run->pub.has[role->source] = true;
		if (role->source == MODEL_IO)
			source->run->own_io = stream_event__field(event, "children_read_chars") >= 0;
		source->run->pub.interval_ns[role->source] = source->info->interval_ns;
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
	role__missing(info, run->pub.missing);
	run->pub.hears_writes |= !strcmp(info->stream, "output") && !stream_info__lacks(info, "text.source");
	run->pub.hears_execs |= !strcmp(info->stream, "lifecycle") && !stream_info__lacks(info, "exec_failed");
	resolve(source);
	return 0;
}

static struct source *find_source(const struct model *model, const struct stream_info *info)
{
	/* The merge numbers streams in the order of their announcement. */
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
	if (run) {
		memcpy(run->pub.has, source->run->pub.has, sizeof(run->pub.has));
		memcpy(run->pub.missing, source->run->pub.missing, sizeof(run->pub.missing));
	}
	return run;
}

static void set_lossy(struct model *model, const struct source *source)
{
	for (size_t i = 0; source->source >= 0 && i < model->runs_count; i++)
		if (!strcmp(model->runs[i]->pub.info->run.id, source->info->run.id))
			model->runs[i]->pub.lossy[source->source] = true;
}

/* The merge reports that a stream is missing as a record of another stream. */
static bool is_own_loss(const struct source *source, const struct record *record)
{
	struct value values[SCHEMA_FIELDS_MAX];
	const struct value *name;
	int field = stream_event__field(record->event, "stream_lost");

	if (field < 0 || record__values(record, values))
		return true;
	name = &values[field];
	return name->type != VALUE_STRING || !strncmp(name->string, source->info->stream, name->length);
}

/* Advances the run's clock, after what it was at before; if too many wait, the first ones get their rows with what is known. */
static int advance(struct model *model, struct run *run, const struct record *record)
{
	int err = task__executed(model);

	if (!run->pub.begun) {
		run->pub.begun = true;
		run->pub.first_ts = run->pub.last_ts = record->ts;
		run->pub.real_ns = record->real_ns;
	}
	if (record->ts > run->pub.last_ts)
		run->pub.last_ts = record->ts;
	while (!err && run->wait_first && model->waiting > model->waiting_max)
		err = row__give_up(model, run->wait_first);
	return err;
}

int model__feed(struct model *model, const struct record *record)
{
	static const struct value absent = {.type = VALUE_NULL, .reason = MODEL_REASON_ABSENT};
	struct value values[SCHEMA_FIELDS_MAX];
	struct source *source = find_source(model, record->info);
	struct feed feed = {.model = model, .record = record, .end = record->bytes + record->size};
	const struct kind *kind;
	int err = 0;

	if (source && record->kind == RECORD_LOST && is_own_loss(source, record))
		set_lossy(model, source);
	if (!source || record->kind < SCHEMA_KIND_BASE || record->kind >= source->kinds_count)
		return 0;
	feed.run = run_of(model, source, record);
	if (!feed.run)
		return -ENOMEM;
	kind = &source->kinds[record->kind];
	/* What a process said is read when it has ended: the run's time does not go on by that. */
	if (!kind->role || kind->role->source != MODEL_SOURCES)
		err = advance(model, feed.run, record);
	if (err || !kind->role)
		return err;
	if (record__values(record, values)) {
		set_lossy(model, source); /* a damaged record counts as lost */
		return 0;
	}
	feed.source = kind->role->source;
	for (int i = 0; i < ROLE_FIELDS; i++)
		feed.field[i] = kind->field[i] < 0 ? &absent : &values[kind->field[i]];
	return kind->role->take(&feed);
}

/* What has not ended goes on until now, not only until the last record. */
static void set_life(struct model *model, const struct stream_info *info, const struct stream_state *state)
{
	for (size_t i = 0; i < model->runs_count; i++) {
		struct model_run *run = &model->runs[i]->pub;

		if (strcmp(run->info->run.id, info->run.id) || strcmp(run->info->boot_id, info->boot_id))
			continue;
		run->life = stream_life__of_both(run->life, state->life);
		/* The end of a stream says nothing if its records are by another clock than its begin: those of a copy. */
		if ((state->complete || state->life == STREAM_RUNNING) && state->until_ns > run->until_ns &&
		    info->boot_ns <= (int64_t)run->last_ts)
			run->until_ns = state->until_ns;
		if (state->life == STREAM_RUNNING && run->begun && state->until_ns > run->last_ts)
			run->last_ts = state->until_ns;
	}
}

void model__ended(struct model *model, const struct stream_info *info, const struct stream_state *state)
{
	struct source *source = find_source(model, info);
	bool cut = !state->complete && state->life != STREAM_RUNNING;

	if (!source)
		return;
	set_life(model, info, state);
	if (cut || state->lost || state->uncounted || state->damaged_bytes)
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
	model->waiting_max = WAITING_MAX;
	model->matcher = steps ? steps_matcher__new(steps) : NULL;
	if (steps && !model->matcher) {
		free(model);
		return NULL;
	}
	return model;
}

/* First those that have begun to exit, in that order; children before parents. */
int model__finish(struct model *model)
{
	struct hash_node **nodes;
	size_t count;
	int err = task__executed(model);

	for (size_t i = 0; i < model->runs_count; i++)
		while (!err && model->runs[i]->wait_first)
			err = row__last(model, model->runs[i]->wait_first);
	count = model->processes.count;
	nodes = hash__sorted(&model->processes, process__by_age);
	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; !err && i < count; i++)
		err = row__last(model, process__of(nodes[i]));
	free(nodes);
	for (size_t i = 0; i < model->runs_count; i++)
		rss__close(&model->runs[i]->rss);
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

const struct model_run *model__run_numbered(const struct model *model, const struct stream_info *info, uint32_t number)
{
	const struct source *source = find_source(model, info);
	struct run *run = source ? source->run : NULL;

	if (!run || run->pub.number == number)
		return run ? &run->pub : NULL;
	run = run__find((struct model *)model, info, number);
	return run ? &run->pub : NULL;
}

const struct model_row *model__living(const struct model *model, const struct model_run *run, uint32_t pid,
				      uint64_t start)
{
	struct process *p = process__find((struct model *)model, model->runs[run->index], pid, start);

	return p ? process__row(p) : NULL;
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
	retry__free_all(model);
	for (size_t i = 0; i < model->runs_count; i++)
		run__free(model->runs[i]);
	free(model->runs);
	for (size_t i = 0; i < model->sources_count; i++)
		free(model->sources[i].kinds);
	free(model->sources);
	steps_matcher__free(model->matcher);
	free(model);
}
