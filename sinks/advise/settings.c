/* SPDX-License-Identifier: BSD-2-Clause */
/* A step's settings, for people, Nextflow, Snakemake and Slurm. */
#include "sinks/advise/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/format.h"

#define GIB 1073741824.0
#define CELL 10

static void put_name(struct text *text, const struct need *need)
{
	text__safe(text, need->name, strlen(need->name));
}

/* In quotes that need escapes only for the quote and the backslash. */
static void put_quoted(struct text *text, const struct need *need)
{
	struct text name = {0};

	put_name(&name, need);
	text__printf(text, "'");
	for (size_t i = 0; i < name.size; i++)
		text__printf(text, "%s%c", name.data[i] == '\'' || name.data[i] == '\\' ? "\\" : "", name.data[i]);
	text__printf(text, "'");
	if (name.error)
		text->error = name.error;
	text__free(&name);
}

/* ---- what was used, in words ---- */

static void put_cores(struct text *text, struct need *need)
{
	if (need->cores.count)
		text__printf(text, "used %.1f cores at most (p95 %.1f)", need->cores.most, series__p95(&need->cores));
	else
		text__printf(text, "CPU not known");
	if (need->cpus)
		text__printf(text, " of %" PRIu64 " requested", need->cpus);
}

static void put_memory(struct text *text, struct need *need)
{
	char most[FORMAT_SIZE], p95[FORMAT_SIZE], asked[FORMAT_SIZE];

	if (need->bytes.count)
		text__printf(text, "held %s at most (p95 %s)", format__bytes(most, series__whole(need->bytes.most)),
			     format__bytes(p95, series__whole(series__p95(&need->bytes))));
	else
		text__printf(text, "memory not known");
	if (need->memory_bytes)
		text__printf(text, " of %s requested", format__bytes(asked, need->memory_bytes));
}

static void put_doubts(struct text *text, const struct need *need, const char *comment)
{
	char most[FORMAT_SIZE], least[FORMAT_SIZE];

	if (need->out_of_memory)
		text__printf(text, "%s%" PRIu64 " of %" PRIu64 " ran out of memory: needs more than it held\n", comment,
			     need->out_of_memory, need->count);
	if (need->shared_most)
		text__printf(text, "%sprocesses share memory: %s at most, %s at least; the most is advised\n", comment,
			     format__bytes(most, need->shared_most), format__bytes(least, need->shared_least));
	if (need->running)
		text__printf(text, "%s%" PRIu64 " of %" PRIu64 " had not ended: may need more\n", comment,
			     need->running, need->count);
}

static void put_head(struct text *text, const struct needs *needs, const char *comment, uint64_t headroom)
{
	char interval[FORMAT_SIZE];

	format__duration(interval, busy__width(needs->interval_ns));
	text__printf(text,
		     "%s CPUs: the cores that 95 of 100 tasks kept busy in their busiest %s, or on average if\n"
		     "%s they were shorter.\n",
		     comment, interval, comment);
	text__printf(text, "%s Memory: the most that all processes of a task held at once, or its largest\n", comment);
	text__printf(text, "%s process if that is more; with %" PRIu64 " %% headroom.\n", comment, headroom);
	if (needs->goes)
		text__printf(text, "%s THE RUN HAS NOT ENDED: tasks that are still to come may use more.\n", comment);
	if (needs->lossy)
		text__printf(text, "%s RECORDS OF THE RUN WERE LOST: some tasks may have used more.\n", comment);
}

static void put_tasks(struct text *text, const struct need *need)
{
	text__printf(text, "%" PRIu64 " task%s", need->count, need->count == 1 ? "" : "s");
}

/* ---- the table ---- */

static void put_cell(struct text *text, const char *value)
{
	text__printf(text, "%*s", CELL, value);
}

static void put_number(struct text *text, bool known, const char *fmt, double value)
{
	char number[32] = "-";

	if (known)
		snprintf(number, sizeof(number), fmt, value);
	put_cell(text, number);
}

static void put_bytes(struct text *text, bool known, double value)
{
	char number[FORMAT_SIZE];

	put_cell(text, known ? format__bytes(number, series__whole(value)) : "-");
}

static void put_line(struct text *text, struct need *need, uint64_t headroom)
{
	bool cores = need->cores.count, bytes = need->bytes.count;

	text__printf(text, "%7" PRIu64, need->count);
	put_number(text, need->cpus, "%.0f", (double)need->cpus);
	put_number(text, cores, "%.1f", need->cores.most);
	put_number(text, cores, "%.1f", cores ? series__p95(&need->cores) : 0);
	put_number(text, cores && !need->step, "%.0f", (double)need__cpus(need));
	put_bytes(text, need->memory_bytes, (double)need->memory_bytes);
	put_bytes(text, bytes, need->bytes.most);
	put_bytes(text, bytes, bytes ? series__p95(&need->bytes) : 0);
	put_bytes(text, bytes && !need->step, (double)need__memory(need, headroom));
	text__printf(text, "  %s", need->step ? "  " : "");
	put_name(text, need);
	text__printf(text, "\n");
}

static void table(struct text *text, const struct needs *needs, uint64_t headroom)
{
	static const char *const heads[] = {"asked", "most", "p95", "set"};

	text__printf(text, "%7s%*s%*s\n%7s", "", 4 * CELL, "------- cores -------", 4 * CELL, "------- memory -------",
		     "count");
	for (int i = 0; i < 8; i++)
		put_cell(text, heads[i % 4]);
	text__printf(text, "  step, and its commands\n");
	for (size_t i = 0; i < needs->steps_count; i++) {
		struct need *step = needs->steps[i];

		put_line(text, step, headroom);
		for (size_t j = 0; j < step->commands_count; j++)
			put_line(text, step->commands[j], headroom);
		put_doubts(text, step, "           ");
	}
	text__printf(text, "\n");
	put_head(text, needs, " ", headroom);
	if (!needs->theirs)
		text__printf(text, "  Requests are known from Nextflow only: add join=TRACE.\n");
}

/* ---- Nextflow ---- */

static void put_process(struct text *text, struct need *need, uint64_t headroom)
{
	text__printf(text, "    withName: ");
	put_quoted(text, need);
	text__printf(text, " { // ");
	put_tasks(text, need);
	text__printf(text, "\n");
	put_doubts(text, need, "        // ");
	if (need__cpus(need)) {
		text__printf(text, "        cpus = %" PRIu64 " // ", need__cpus(need));
		put_cores(text, need);
		text__printf(text, "\n");
	}
	if (need__memory(need, headroom)) {
		text__printf(text, "        memory = '%g GB' // ", (double)need__memory(need, headroom) / GIB);
		put_memory(text, need);
		text__printf(text, "\n");
	}
	text__printf(text, "    }\n");
}

static void nextflow(struct text *text, const struct needs *needs, uint64_t headroom)
{
	put_head(text, needs, "//", headroom);
	text__printf(text, "process {\n");
	for (size_t i = 0; i < needs->steps_count; i++) {
		if (!needs->steps[i]->unnamed) {
			put_process(text, needs->steps[i], headroom);
			continue;
		}
		text__printf(text, "    // the trace file of the run (join=TRACE) has the name for ");
		put_tasks(text, needs->steps[i]);
		text__printf(text, "\n");
	}
	text__printf(text, "}\n");
}

/* ---- Snakemake ---- */

/* A list, which every version accepts. The user fills in rules that are not known. */
static void open_list(struct text *text, const struct needs *needs, const char *name)
{
	bool known = false;

	for (size_t i = 0; i < needs->steps_count; i++)
		known |= !needs->steps[i]->unnamed;
	text__printf(text, "%s%s:\n", known ? "" : "#", name);
}

static void open_item(struct text *text, const struct need *need)
{
	text__printf(text, need->unnamed ? "#  - RULE" : "  - ");
	if (!need->unnamed)
		put_name(text, need);
}

static void open_remark(struct text *text, const struct need *need)
{
	text__printf(text, " # ");
	if (!need->unnamed)
		return;
	text__printf(text, "the rule of ");
	put_name(text, need);
	text__printf(text, ": ");
}

static void put_threads(struct text *text, struct need *need)
{
	if (!need__cpus(need))
		return;
	open_item(text, need);
	text__printf(text, "=%" PRIu64, need__cpus(need));
	open_remark(text, need);
	put_cores(text, need);
	text__printf(text, ", ");
	put_tasks(text, need);
	text__printf(text, "\n");
}

static void put_mem_mb(struct text *text, struct need *need, uint64_t headroom)
{
	if (!need__memory(need, headroom))
		return;
	put_doubts(text, need, "  # ");
	open_item(text, need);
	text__printf(text, ":mem_mb=%" PRIu64, (need__memory(need, headroom) + 999999) / 1000000);
	open_remark(text, need);
	put_memory(text, need);
	text__printf(text, "\n");
}

static void snakemake(struct text *text, const struct needs *needs, uint64_t headroom)
{
	bool unnamed = false;

	text__printf(text, "# For the config.yaml of a profile (snakemake --profile).\n");
	put_head(text, needs, "#", headroom);
	for (size_t i = 0; i < needs->steps_count; i++)
		unnamed |= needs->steps[i]->unnamed;
	if (unnamed)
		text__printf(
			text,
			"# Of some jobs the rule is not recorded: name the log of .snakemake/log in the option steps, "
			"or fill it in for RULE.\n");
	open_list(text, needs, "set-threads");
	for (size_t i = 0; i < needs->steps_count; i++)
		put_threads(text, needs->steps[i]);
	open_list(text, needs, "set-resources");
	for (size_t i = 0; i < needs->steps_count; i++)
		put_mem_mb(text, needs->steps[i], headroom);
}

/* ---- Slurm ---- */

static void slurm(struct text *text, const struct needs *needs, uint64_t headroom)
{
	put_head(text, needs, "#", headroom);
	for (size_t i = 0; i < needs->steps_count; i++) {
		struct need *need = needs->steps[i];

		text__printf(text, "\n# ");
		put_name(text, need);
		text__printf(text, ", ");
		put_tasks(text, need);
		text__printf(text, ": ");
		put_cores(text, need);
		text__printf(text, ", ");
		put_memory(text, need);
		text__printf(text, "\n");
		put_doubts(text, need, "# ");
		if (need__cpus(need))
			text__printf(text, "#SBATCH --cpus-per-task=%" PRIu64 "\n", need__cpus(need));
		if (need__memory(need, headroom))
			text__printf(text, "#SBATCH --mem=%" PRIu64 "M\n", need__memory(need, headroom) >> 20);
	}
}

const struct settings_format settings_formats[] = {
	{"table", NULL, table},
	{"nextflow", "nextflow", nextflow},
	{"snakemake", "snakemake", snakemake},
	{"slurm", NULL, slurm},
	{0},
};
