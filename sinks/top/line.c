/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows as lines of text: columns of figures, then the tree. */
#include "sinks/top/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/format.h"

#define DEPTH_MAX 12

/* ---- columns ---- */

static void put_pid(struct text *out, const struct live_node *node)
{
	if (node->kind == LIVE_PROCESS)
		text__printf(out, "%u", node->live.row->pid);
}

static void put_state(struct text *out, const struct live_node *node)
{
	char state = node->live.state;

	if (node->kind == LIVE_PROCESS)
		text__printf(out, "%c", state > ' ' && state < 127 ? state : '-');
}

static void put_duration(struct text *out, uint64_t ns)
{
	char duration[FORMAT_SIZE];

	text__printf(out, "%s", EVENT_IS_NULL(ns) ? "-" : format__duration(duration, ns));
}

static void put_bytes(struct text *out, uint64_t bytes)
{
	char number[FORMAT_SIZE];

	text__printf(out, "%s", EVENT_IS_NULL(bytes) ? "-" : format__bytes(number, bytes));
}

static void put_age(struct text *out, const struct live_node *node)
{
	put_duration(out, node->age_ns);
}

static void put_percent(struct text *out, uint64_t milli)
{
	if (EVENT_IS_NULL(milli))
		text__printf(out, "-");
	else if (milli < 100000)
		text__printf(out, "%" PRIu64 ".%" PRIu64, milli / 10, milli % 10);
	else
		text__printf(out, "%" PRIu64, milli / 10);
}

static void put_cpu(struct text *out, const struct live_node *node)
{
	put_percent(out, node->own.cpu_milli);
}

static void put_memory(struct text *out, const struct live_node *node)
{
	put_bytes(out, node->own.rss_bytes);
}

static void put_disk(struct text *out, const struct live_node *node)
{
	put_bytes(out, live_figures__disk(&node->own));
}

static void put_cpu_time(struct text *out, const struct live_node *node)
{
	put_duration(out, node->own.cpu_ns);
}

static void put_threads(struct text *out, const struct live_node *node)
{
	uint64_t threads = node->live.threads;

	if (node->kind == LIVE_PROCESS && EVENT_IS_NULL(threads))
		text__printf(out, "-");
	else if (node->kind == LIVE_PROCESS)
		text__printf(out, "%" PRIu64, threads);
}

/* `window`: the narrowest that has it. */
static const struct {
	const char *heading;
	unsigned width, window;
	void (*put)(struct text *out, const struct live_node *node);
} columns[] = {
	{"PID", 7, 0, put_pid},
	{"S", 1, 60, put_state},
	{"AGE", 8, 40, put_age},
	{"CPU%", 6, 0, put_cpu},
	{"MEMORY", 8, 50, put_memory},
	{"DISK/s", 8, 70, put_disk},
	{"CPU TIME", 8, 100, put_cpu_time},
	{"THREADS", 7, 120, put_threads},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

static bool is_wide(size_t width, unsigned window)
{
	return !width || width >= window;
}

/* ---- the tree ---- */

/* "2 running, 5 ended, 1 failed" */
static void put_counts(struct text *out, const struct live_node *node)
{
	const char *comma = "";

	if (node->running || !node->ended) {
		text__printf(out, "%" PRIu64 " running", node->running);
		comma = ", ";
	}
	if (node->ended)
		text__printf(out, "%s%" PRIu64 " ended", comma, node->ended);
	if (node->failed)
		text__printf(out, ", %" PRIu64 " failed", node->failed);
}

static void put_run(struct text *out, const struct live_node *node)
{
	const struct model_run *run = node->run;
	const char *name = run->info->run.name ? run->info->run.name : run->info->run.id;

	text__safe(out, name, strlen(name));
	if (run->life != STREAM_RUNNING && run->life != STREAM_ENDED)
		text__printf(out, " (%s)", stream_life__name(run->life));
	text__printf(out, ": ");
	put_counts(out, node);
}

static void put_step(struct text *out, const struct live_node *node)
{
	const struct model_task *task = node->task;

	text__step(out, node->step, task ? task->tag : NULL, task ? task->id : NULL);
	text__printf(out, ": ");
	put_counts(out, node);
}

static void put_task(struct text *out, const struct live_node *node)
{
	text__step(out, node->step, node->task->tag, node->task->id);
}

static void put_process(struct text *out, const struct live_node *node)
{
	const struct model_row *row = node->live.row;

	text__command(out, row->command, row->comm, row->forked);
}

static void put_tree(struct text *out, const struct view_row *row)
{
	static void (*const puts[])(struct text * out, const struct live_node *node) = {
		[LIVE_RUN] = put_run, [LIVE_STEP] = put_step, [LIVE_TASK] = put_task, [LIVE_PROCESS] = put_process};
	unsigned depth = row->depth < DEPTH_MAX ? row->depth : DEPTH_MAX;

	text__printf(out, "%*s%s ", (int)depth * 2, "", row->folded ? "+" : row->node->first ? "-" : " ");
	puts[row->node->kind](out, row->node);
}

/* ---- lines ---- */

static size_t put_cut(struct text *out, const struct text *safe, size_t width)
{
	return text__cut(out, safe->data ? safe->data : "", width ? width : SIZE_MAX);
}

static void put_columns(struct text *line, const struct live_node *node, size_t width)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		struct text cell = {0};

		if (!is_wide(width, columns[i].window))
			continue;
		if (node)
			columns[i].put(&cell, node);
		else
			text__printf(&cell, "%s", columns[i].heading);
		text__printf(line, "%*s ", (int)columns[i].width, cell.data ? cell.data : "");
		line->error = line->error ? line->error : cell.error;
		text__free(&cell);
	}
}

static void put_line(struct text *out, const struct view_row *row, size_t width)
{
	struct text line = {0};

	put_columns(&line, row ? row->node : NULL, width);
	if (row)
		put_tree(&line, row);
	else
		text__printf(&line, "COMMAND");
	put_cut(out, &line, width);
	out->error = out->error ? out->error : line.error;
	text__free(&line);
}

void line__headings(struct text *out, size_t width)
{
	put_line(out, NULL, width);
}

void line__row(struct text *out, const struct view_row *row, size_t width)
{
	put_line(out, row, width);
}

enum text_style line__style(const struct live_node *node)
{
	if (node->kind != LIVE_PROCESS && node->failed)
		return TEXT_RED;
	if (node->kind == LIVE_RUN || (node->kind == LIVE_STEP && node->running))
		return TEXT_BOLD;
	if (node->kind == LIVE_STEP)
		return TEXT_DIM;
	return node->live.state == 'D' ? TEXT_YELLOW : TEXT_PLAIN;
}

/* ---- the head ---- */

static void put_runs(struct text *line, const struct live_tree *tree)
{
	size_t runs = 0;

	for (const struct live_node *run = tree->runs; run; run = run->next)
		runs++;
	if (runs == 1) {
		const struct stream_info *info = tree->runs->run->info;

		text__safe(line, info->run.id, strlen(info->run.id));
		if (info->host) {
			text__printf(line, " on ");
			text__safe(line, info->host, strlen(info->host));
		}
		text__printf(line, ", ");
		put_duration(line, tree->runs->age_ns);
	} else {
		text__printf(line, "%zu runs", runs);
	}
	text__printf(line, ": %" PRIu64 " running, %" PRIu64 " ended, %" PRIu64 " failed", tree->running, tree->ended,
		     tree->failed);
}

static void put_figures(struct text *line, const struct live_tree *tree)
{
	uint64_t lost = live_tree__lost(tree);
	char count[FORMAT_SIZE];

	text__printf(line, "CPU time ");
	put_duration(line, tree->all.cpu_ns);
	if (tree->running) {
		text__printf(line, "; now CPU%% ");
		put_percent(line, tree->all.cpu_milli);
		text__printf(line, ", memory ");
		put_bytes(line, tree->all.rss_bytes);
		text__printf(line, ", disk/s ");
		put_bytes(line, tree->all.read_rate);
		text__printf(line, " read ");
		put_bytes(line, tree->all.written_rate);
		text__printf(line, " written");
	}
	if (lost)
		text__printf(line, "; %s events lost", format__count(count, lost));
}

void line__head(struct text *out, const struct live_tree *tree, int line, size_t width)
{
	struct text whole = {0};

	if (line)
		put_figures(&whole, tree);
	else
		put_runs(&whole, tree);
	put_cut(out, &whole, width);
	out->error = out->error ? out->error : whole.error;
	text__free(&whole);
}

void line__verdict(struct text *out, const struct verdict_found *found, const char *evidence, size_t width)
{
	struct text whole = {0};

	text__printf(&whole, "%s %s: %.*s", verdict_certainty__name(found->certainty), verdict_kind__name(found->kind),
		     (int)found->length, evidence);
	if (whole.error)
		out->error = whole.error;
	else if (width)
		text__cut(out, whole.data, width);
	else
		text__put(out, whole.data, whole.size);
	text__free(&whole);
}

enum text_style line__verdict_style(const struct verdict_found *found)
{
	return found->certainty == VERDICT_PROVEN ? TEXT_RED_BOLD : TEXT_YELLOW;
}
