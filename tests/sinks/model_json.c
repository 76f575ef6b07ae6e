/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that says all that sinks/model reports, a JSON object a line: rows, with the sums of the samples
 * reported before, and tasks. A null is the number of its reason, below zero. Built by test_steps.py. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinks/model/on_model.h"

struct model_json_conf {
	char *steps;
};

static const struct opt model_json_options[] = {
	OPT(struct model_json_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

/* The samples of a row that is not out yet, found by its process. */
struct sampled {
	uint64_t pid, start, cpu_ns, held_ns;
};

struct model_json {
	struct on_model on;
	FILE *out;
	struct sampled *sampled;
	size_t sampled_count;
};

static void number(FILE *out, const char *name, uint64_t value)
{
	if (EVENT_IS_NULL(value))
		fprintf(out, ",\"%s\":-%u", name, (unsigned)EVENT_NULL_REASON(value));
	else
		fprintf(out, ",\"%s\":%" PRIu64, name, value);
}

static void numbers(FILE *out, const char *name, const uint64_t *values, size_t n)
{
	fprintf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		bool null = EVENT_IS_NULL(values[i]);

		fprintf(out, "%s%s%" PRIu64, i ? "," : "", null ? "-" : "",
			null ? (uint64_t)EVENT_NULL_REASON(values[i]) : values[i]);
	}
	fprintf(out, "]");
}

static void string(FILE *out, const char *name, const char *text)
{
	fprintf(out, ",\"%s\":", name);
	if (!text) {
		fprintf(out, "null");
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text < ' ' || *text == '"' || *text == '\\')
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static struct sampled *find(struct model_json *json, const struct model_row *row)
{
	struct sampled *all;

	for (size_t i = 0; i < json->sampled_count; i++)
		if (json->sampled[i].pid == row->pid && json->sampled[i].start == row->start)
			return &json->sampled[i];
	all = reallocarray(json->sampled, json->sampled_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	json->sampled = all;
	all[json->sampled_count] = (struct sampled){row->pid, row->start, 0, 0};
	return &all[json->sampled_count++];
}

static int on_row(void *arg, const struct model_row *row)
{
	struct model_json *json = arg;
	struct sampled *sampled = find(json, row);

	if (!sampled)
		return -ENOMEM;
	fprintf(json->out, "{\"pid\":%u,\"image\":%u,\"task\":%u,\"around\":%d,\"root\":%d", row->pid, row->image,
		row->task ? row->task->number : 0, row->around, row->root);
	string(json->out, "command", model_command__name(row->command, row->comm));
	string(json->out, "outcome", model_outcome__name(row->outcome));
	number(json->out, "cpu_ns", row->cpu_ns);
	number(json->out, "wall_ns", row->wall_ns);
	number(json->out, "sampled_cpu_ns", sampled->cpu_ns);
	number(json->out, "held_ns", sampled->held_ns);
	numbers(json->out, "io", row->io, MODEL_IO_FIGURES);
	fprintf(json->out, "}\n");
	*sampled = json->sampled[--json->sampled_count];
	return 0;
}

static int on_sample(void *arg, const struct model_sample *sample)
{
	struct sampled *sampled = find(arg, sample->row);

	if (!sampled)
		return -ENOMEM;
	if (sample->source == MODEL_CPU)
		sampled->cpu_ns += sample->cpu_ns;
	else
		sampled->held_ns += sample->until_ns - sample->from_ns;
	return 0;
}

static int on_task(void *arg, const struct model_task *task)
{
	FILE *out = ((struct model_json *)arg)->out;

	fprintf(out, "{\"number\":%u,\"parent\":%u", task->number, task->parent);
	string(out, "step", task->step);
	string(out, "id", task->id);
	string(out, "tag", task->tag);
	string(out, "rules", task->rules);
	string(out, "outcome", model_outcome__name(task->outcome));
	number(out, "rows", task->rows);
	number(out, "processes", task->processes);
	number(out, "cpu_ns", task->cpu_ns);
	number(out, "wall_ns", task->wall_ns);
	number(out, "peak_rss_bytes", task->peak_rss_bytes);
	number(out, "failed", task->failed);
	number(out, "hidden", task->hidden);
	number(out, "exit_code", task->exit_code);
	numbers(out, "io", task->io, MODEL_IO_FIGURES);
	fprintf(out, "}\n");
	return 0;
}

static int begin(void *state, const void *conf, struct error *err)
{
	struct model_json *json = state;

	(void)conf;
	json->out = fdopen(json->on.api->out, "w");
	return json->out ? 0 : error__set(err, -errno, "no output");
}

static int finish(void *state)
{
	return fflush(((struct model_json *)state)->out) ? -errno : 0;
}

static void end(void *state)
{
	free(((struct model_json *)state)->sampled);
}

static const struct on_model_sink model_json_on_model = {
	.size = sizeof(struct model_json),
	.steps = offsetof(struct model_json_conf, steps),
	.calls = {.row = on_row, .task = on_task, .sample = on_sample},
	.open = begin,
	.finish = finish,
	.close = end,
};

static int model_json__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&model_json_on_model, "model_json", api, conf, state);
}

SINK(model_json, "all that sinks/model reports", .options = model_json_options,
     .conf_size = sizeof(struct model_json_conf), .open = model_json__open, ON_MODEL);
