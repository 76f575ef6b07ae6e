/* SPDX-License-Identifier: BSD-2-Clause */
/* Nextflow's trace file, with raw values, and Snakemake's benchmark file. "-" is unknown in both. */
#include "sinks/trace/engine.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1000000ULL
#define MIB 1048576.0

/* ---- values ---- */

static void number(struct text *text, uint64_t value)
{
	if (EVENT_IS_NULL(value))
		text__printf(text, "-");
	else
		text__printf(text, "%" PRIu64, value);
}

static void words(struct text *text, const char *string)
{
	if (string && *string)
		text__safe(text, string, strlen(string));
	else
		text__printf(text, "-");
}

/* Boot clock to milliseconds since 1970. */
static void date(struct text *text, const struct model_run *run, uint64_t ts)
{
	uint64_t ns = (uint64_t)run->real_ns + ts - run->first_ts;

	number(text, EVENT_IS_NULL(ts) ? ts : ns / NS_PER_MS);
}

/* In percent of a core. */
static void load(struct text *text, const struct line *line, int digits)
{
	double cores = model__cores(line->task->cpu_ns, line->task->cpu_span_ns);

	if (line->cpu_partial || cores < 0)
		text__printf(text, "-");
	else
		text__printf(text, "%.*f", digits, 100 * cores);
}

/* ---- Nextflow ---- */

static void task_id(struct text *text, const struct line *line)
{
	number(text, line->task->number);
}

static void id(struct text *text, const struct line *line)
{
	words(text, line->task->id);
}

static void native_id(struct text *text, const struct line *line)
{
	number(text, line->task->pid);
}

static void name(struct text *text, const struct line *line)
{
	words(text, line->task->step);
	if (!line->task->tag)
		return;
	text__printf(text, " (");
	words(text, line->task->tag);
	text__printf(text, ")");
}

/* Nextflow uses only the exit code. */
static void status(struct text *text, const struct line *line)
{
	const struct model_task *task = line->task;

	if (task->outcome == MODEL_RUNNING)
		text__printf(text, "RUNNING");
	else if (!EVENT_IS_NULL(task->exit_code))
		text__printf(text, task->exit_code ? "FAILED" : "COMPLETED");
	else
		text__printf(text, EVENT_IS_NULL(task->signal) ? "-" : "FAILED");
}

/* The exit status as a shell reports it, which is what engines see. */
static void exit_status(struct text *text, const struct line *line)
{
	bool killed = EVENT_IS_NULL(line->task->exit_code) && !EVENT_IS_NULL(line->task->signal);

	number(text, killed ? 128 + line->task->signal : line->task->exit_code);
}

static void start(struct text *text, const struct line *line)
{
	date(text, line->task->run, line->task->began_ns);
}

static void complete(struct text *text, const struct line *line)
{
	date(text, line->task->run, line->task->ended_ns);
}

static void realtime(struct text *text, const struct line *line)
{
	uint64_t wall = line->task->wall_ns;

	number(text, EVENT_IS_NULL(wall) ? wall : (wall + NS_PER_MS / 2) / NS_PER_MS);
}

static void cpu_percent(struct text *text, const struct line *line)
{
	load(text, line, 1);
}

static void rss(struct text *text, const struct line *line)
{
	number(text, line->task->rss_peak_bytes);
}

static void vmem(struct text *text, const struct line *line)
{
	number(text, line->vm_bytes);
}

static void peak_rss(struct text *text, const struct line *line)
{
	number(text, model_task__memory(line->task));
}

static void vol_ctxt(struct text *text, const struct line *line)
{
	number(text, line->voluntary);
}

static void inv_ctxt(struct text *text, const struct line *line)
{
	number(text, line->involuntary);
}

static void unknown(struct text *text, const struct line *line)
{
	(void)line;
	text__printf(text, "-");
}

#define IO_COLUMN(name, figure)                                      \
	static void name(struct text *text, const struct line *line) \
	{                                                            \
		number(text, line->task->io[figure]);                \
	}

IO_COLUMN(rchar, MODEL_IO_READ_CHARS)
IO_COLUMN(wchar, MODEL_IO_WRITE_CHARS)
IO_COLUMN(syscr, MODEL_IO_READ_SYSCALLS)
IO_COLUMN(syscw, MODEL_IO_WRITE_SYSCALLS)
IO_COLUMN(read_bytes, MODEL_IO_READ_BYTES)
IO_COLUMN(write_bytes, MODEL_IO_WRITE_BYTES)

static const struct column nextflow_columns[] = {
	{"task_id", task_id},
	{"hash", id},
	{"native_id", native_id},
	{"name", name},
	{"status", status},
	{"exit", exit_status},
	{"submit", unknown},
	{"start", start},
	{"complete", complete},
	{"duration", unknown},
	{"realtime", realtime},
	{"%cpu", cpu_percent},
	{"%mem", unknown},
	{"rss", rss},
	{"vmem", vmem},
	{"peak_rss", peak_rss},
	{"peak_vmem", unknown},
	{"rchar", rchar},
	{"wchar", wchar},
	{"syscr", syscr},
	{"syscw", syscw},
	{"read_bytes", read_bytes},
	{"write_bytes", write_bytes},
	{"vol_ctxt", vol_ctxt},
	{"inv_ctxt", inv_ctxt},
	{0},
};

/* ---- Snakemake ---- */

static void mib(struct text *text, uint64_t bytes)
{
	if (EVENT_IS_NULL(bytes))
		text__printf(text, "-");
	else
		text__printf(text, "%.2f", (double)bytes / MIB);
}

static void seconds(struct text *text, const struct line *line)
{
	if (EVENT_IS_NULL(line->task->wall_ns))
		text__printf(text, "-");
	else
		text__printf(text, "%.4f", (double)line->task->wall_ns / 1e9);
}

static void clock_time(struct text *text, const struct line *line)
{
	uint64_t s = line->task->wall_ns / 1000000000, days = s / 86400;

	if (EVENT_IS_NULL(line->task->wall_ns)) {
		text__printf(text, "-");
		return;
	}
	if (days)
		text__printf(text, "%" PRIu64 " day%s, ", days, days == 1 ? "" : "s");
	text__printf(text, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600 % 24, s / 60 % 60, s % 60);
}

static void max_rss(struct text *text, const struct line *line)
{
	mib(text, model_task__memory(line->task));
}

static void max_vms(struct text *text, const struct line *line)
{
	mib(text, line->vm_bytes);
}

static void io_in(struct text *text, const struct line *line)
{
	mib(text, line->task->io[MODEL_IO_READ_BYTES]);
}

static void io_out(struct text *text, const struct line *line)
{
	mib(text, line->task->io[MODEL_IO_WRITE_BYTES]);
}

static void mean_load(struct text *text, const struct line *line)
{
	load(text, line, 2);
}

static void cpu_time(struct text *text, const struct line *line)
{
	if (line->cpu_partial || EVENT_IS_NULL(line->task->cpu_ns))
		text__printf(text, "-");
	else
		text__printf(text, "%.2f", (double)line->task->cpu_ns / 1e9);
}

/* The names at the end are those of newer versions (--benchmark-extended). */
static const struct column snakemake_columns[] = {
	{"s", seconds},
	{"h:m:s", clock_time},
	{"max_rss", max_rss},
	{"max_vms", max_vms},
	{"max_uss", unknown},
	{"max_pss", unknown},
	{"io_in", io_in},
	{"io_out", io_out},
	{"mean_load", mean_load},
	{"cpu_time", cpu_time},
	{"jobid", id},
	{"rule_name", name},
	{0},
};

const struct format formats[] = {
	{"nextflow", nextflow_columns},
	{"snakemake", snakemake_columns},
	{0},
};
