/* SPDX-License-Identifier: BSD-2-Clause */
/* All that is known of one row. */
#include "sinks/top/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/format.h"

#define LABEL 14 /* columns of what stands before a value */

/* The value's lines, the first one after its label. */
static void put_field(struct text *out, const char *label, const struct text *safe, size_t width)
{
	const char *at = safe->data ? safe->data : "";
	size_t room = width > LABEL + 10 ? width - LABEL : 10;

	for (size_t n; *at; at += n, at += *at == ' ') {
		n = text__fit(at, room);
		text__printf(out, "%-*s%.*s\n", LABEL, label, (int)n, at);
		label = "";
	}
	out->error = out->error ? out->error : safe->error;
}

static void put_bytes(struct text *out, const char *label, const char *bytes, size_t length, size_t width)
{
	struct text safe = {0};

	text__safe(&safe, bytes ? bytes : "", bytes ? length : 0);
	put_field(out, label, &safe, width);
	text__free(&safe);
}

typedef char *(*format_number)(char *out, uint64_t number);

static void put_number(struct text *out, const char *label, uint64_t number, format_number format, const char *unit)
{
	char text[FORMAT_SIZE];

	if (EVENT_IS_NULL(number))
		text__printf(out, "%-*s-  (%s)\n", LABEL, label, model_reason__text(EVENT_NULL_REASON(number)));
	else
		text__printf(out, "%-*s%s%s\n", LABEL, label, format(text, number), unit);
}

static void put_figures(struct text *out, const struct live_node *node)
{
	const struct live_figures *own = &node->own;

	put_number(out, "age", node->age_ns, format__duration, "");
	if (EVENT_IS_NULL(own->cpu_milli))
		put_number(out, "CPU now", own->cpu_milli, format__count, "");
	else
		text__printf(out, "%-*s%" PRIu64 ".%" PRIu64 "%%\n", LABEL, "CPU now", own->cpu_milli / 10,
			     own->cpu_milli % 10);
	put_number(out, "CPU time", own->cpu_ns, format__duration, "");
	put_number(out, "memory now", own->rss_bytes, format__bytes, "");
	put_number(out, "disk read", own->read_rate, format__bytes, "/s");
	put_number(out, "disk written", own->written_rate, format__bytes, "/s");
}

static void put_totals(struct text *out, const struct model_live *live)
{
	put_number(out, "most memory", live->row->sampled_rss_bytes, format__bytes, " by samples");
	put_number(out, "read", live->io[MODEL_IO_READ_CHARS], format__bytes, "");
	put_number(out, "of that disk", live->io[MODEL_IO_READ_BYTES], format__bytes, "");
	put_number(out, "written", live->io[MODEL_IO_WRITE_CHARS], format__bytes, "");
	put_number(out, "of that disk", live->io[MODEL_IO_WRITE_BYTES], format__bytes, "");
	put_number(out, "threads", live->threads, format__count, "");
}

static void put_step(struct text *out, const struct model_task *task, size_t width)
{
	struct text step = {0};

	if (!task)
		return;
	text__step(&step, task->step, task->tag, task->id);
	put_field(out, "step", &step, width);
	text__free(&step);
}

static void put_process(struct text *out, const struct live_node *node, size_t width)
{
	const struct model_row *row = node->live.row;
	const struct model_command *command = row->command;
	struct text text = {0};

	text__printf(out, "%-*s%u, child of %u", LABEL, "process", row->pid, row->ppid);
	if (row->ns_pid && row->ns_pid != row->pid)
		text__printf(out, ", %u in its namespace", row->ns_pid);
	text__printf(out, "\n");
	text__whole_command(&text, command, row->comm, row->forked);
	put_field(out, "command", &text, width);
	text__free(&text);
	if (command) {
		put_bytes(out, "program", command->exe.data, command->exe.length, width);
		put_bytes(out, "folder", command->cwd.data, command->cwd.length, width);
		text__printf(out, "%-*s%" PRIu64 "\n", LABEL, "user", command->uid);
	}
	put_step(out, row->task, width);
	put_figures(out, node);
	put_totals(out, &node->live);
}

static void put_group(struct text *out, const struct live_node *node, size_t width)
{
	const struct stream_info *info = node->run->info;

	put_bytes(out, "run", info->run.id, strlen(info->run.id), width);
	if (node->kind == LIVE_RUN) {
		put_bytes(out, "name", info->run.name, info->run.name ? strlen(info->run.name) : 0, width);
		put_bytes(out, "host", info->host, info->host ? strlen(info->host) : 0, width);
	} else {
		put_bytes(out, "step", node->step, strlen(node->step), width);
	}
	text__printf(out, "%-*s%" PRIu64 ", %" PRIu64 " ended, %" PRIu64 " failed\n", LABEL, "running", node->running,
		     node->ended, node->failed);
	put_figures(out, node);
}

void detail__put(struct text *out, const struct live_node *node, size_t width)
{
	if (node->kind == LIVE_PROCESS)
		put_process(out, node, width);
	else
		put_group(out, node, width);
}
