/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that says all that sinks/model tells, a JSON object a line: rows, with the sums of what their samples
 * told before, and tasks. A null is the number of its reason, below zero. Built by test_steps.py. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinks/model/on_model.h"

struct told_conf {
	char *steps;
};

static const struct opt told_options[] = {
	OPT(struct told_conf, steps, OPT_STRING, STEPS_DEFAULT, 0, 0, STEPS_HELP),
	{0},
};

/* What samples told of a row that is not out yet, found by its process. */
struct sampled {
	uint64_t pid, start, cpu_ns, held_ns;
};

struct told {
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

static struct sampled *find(struct told *told, const struct model_row *row)
{
	struct sampled *all;

	for (size_t i = 0; i < told->sampled_count; i++)
		if (told->sampled[i].pid == row->pid && told->sampled[i].start == row->start)
			return &told->sampled[i];
	all = reallocarray(told->sampled, told->sampled_count + 1, sizeof(*all));
	if (!all)
		return NULL;
	told->sampled = all;
	all[told->sampled_count] = (struct sampled){row->pid, row->start, 0, 0};
	return &all[told->sampled_count++];
}

static int on_row(void *arg, const struct model_row *row)
{
	struct told *told = arg;
	struct sampled *sampled = find(told, row);

	if (!sampled)
		return -ENOMEM;
	fprintf(told->out, "{\"pid\":%u,\"image\":%u,\"task\":%u,\"root\":%d", row->pid, row->image,
		row->task ? row->task->number : 0, row->root);
	string(told->out, "command", model_command__name(row->command, row->comm));
	string(told->out, "outcome", model_outcome__name(row->outcome));
	number(told->out, "cpu_ns", row->cpu_ns);
	number(told->out, "wall_ns", row->wall_ns);
	number(told->out, "sampled_cpu_ns", sampled->cpu_ns);
	number(told->out, "held_ns", sampled->held_ns);
	numbers(told->out, "io", row->io, MODEL_IO_FIGURES);
	fprintf(told->out, "}\n");
	*sampled = told->sampled[--told->sampled_count];
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
	FILE *out = ((struct told *)arg)->out;

	fprintf(out, "{\"number\":%u,\"parent\":%u", task->number, task->parent);
	string(out, "step", task->step);
	string(out, "id", task->id);
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
	struct told *told = state;

	(void)conf;
	told->out = fdopen(told->on.api->out, "w");
	return told->out ? 0 : error__set(err, -errno, "no output");
}

static int finish(void *state)
{
	return fflush(((struct told *)state)->out) ? -errno : 0;
}

static void end(void *state)
{
	free(((struct told *)state)->sampled);
}

static const struct on_model_sink told_on_model = {
	.size = sizeof(struct told),
	.steps = offsetof(struct told_conf, steps),
	.calls = {.row = on_row, .task = on_task, .sample = on_sample},
	.open = begin,
	.finish = finish,
	.close = end,
};

static int told__open(const struct sink_api *api, const void *conf, void **state)
{
	return on_model__open(&told_on_model, "told", api, conf, state);
}

SINK(told, "all that sinks/model tells", .options = told_options, .conf_size = sizeof(struct told_conf),
     .open = told__open, ON_MODEL);
