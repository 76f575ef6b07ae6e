/* SPDX-License-Identifier: BSD-2-Clause */
/* collector-ls: lists the runs in a folder. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/format.h"
#include "core/log.h"
#include "core/runs/runs.h"
#include "core/text.h"

#define SECOND 1000000000ULL
#define COMMAND_COLUMNS 20 /* other columns give way to so much of it */

struct args {
	bool json, quiet;
};

static const struct cli_option options[] = {
	CLI_OPTION(struct args, 0, NULL, "json", OPT_BOOL, json, "print an array of objects", .group = "Output"),
	CLI_OPTION(struct args, 'q', NULL, "quiet", OPT_BOOL, quiet, "errors only", .group = "Other"),
	CLI_END,
};

static const struct cli cli = {
	"collector-ls",
	.usage = "[OPTION]... [FOLDER]",
	.about =
		"Lists the runs in a folder, the newest first: whether they still run, how they ended, when, how long they "
		"took, and how big they are. FOLDER is the one that holds the runs' folders; without it, runs.",
	.options = options,
	.examples = "  collector ls\n"
		    "      The runs below ./runs.\n"
		    "  collector ls --json /var/lib/collector\n"
		    "      Those of the daemon, for a program.",
	.exit_status =
		"Exit status: 0 done, 1 failed while working, 2 the command line is wrong, or there is no such folder.",
};

/* ---- for people ---- */

static void put_state(struct text *out, const struct listed *run)
{
	text__printf(out, "%s", run->read ? stream_life__name(run->life) : "unreadable");
}

static void put_result(struct text *out, const struct listed *run)
{
	const char *result = listed__result(run);

	if (!EVENT_IS_NULL(run->signal))
		text__printf(out, "%s%ssignal %" PRIu64, result ? result : "", result ? ": " : "", run->signal);
	else if (!EVENT_IS_NULL(run->exit_code) && run->exit_code)
		text__printf(out, "%s: exit %" PRIu64, result, run->exit_code);
	else
		text__printf(out, "%s", result ? result : "-");
}

static void put_began(struct text *out, const struct listed *run)
{
	time_t seconds = run->began_ns / SECOND;
	char time[32] = "-";
	struct tm tm;

	if (!EVENT_IS_NULL(run->began_ns) && localtime_r(&seconds, &tm))
		strftime(time, sizeof(time), "%Y-%m-%d %H:%M", &tm);
	text__printf(out, "%s", time);
}

static void put_duration(struct text *out, uint64_t ns)
{
	char duration[FORMAT_SIZE];

	text__printf(out, "%s", EVENT_IS_NULL(ns) ? "-" : format__duration(duration, ns));
}

static void put_age(struct text *out, const struct listed *run)
{
	uint64_t now = clock__ns(CLOCK_REALTIME);

	put_duration(out, EVENT_IS_NULL(run->began_ns) ? run->began_ns : now > run->began_ns ? now - run->began_ns : 0);
}

static void put_wall(struct text *out, const struct listed *run)
{
	put_duration(out, run->wall_ns);
}

static void put_count(struct text *out, uint64_t count)
{
	char number[FORMAT_SIZE];

	text__printf(out, "%s", EVENT_IS_NULL(count) ? "-" : format__count(number, count));
}

static void put_processes(struct text *out, const struct listed *run)
{
	put_count(out, run->processes);
}

static void put_nonzero(struct text *out, const struct listed *run)
{
	put_count(out, run->nonzero);
}

static void put_size(struct text *out, const struct listed *run)
{
	char bytes[FORMAT_SIZE];

	text__printf(out, "%s", format__bytes(bytes, run->bytes));
}

static void put_id(struct text *out, const struct listed *run)
{
	text__safe(out, run->id, strlen(run->id));
}

static void put_job(struct text *out, const struct listed *run)
{
	text__safe(out, run->job, strlen(run->job));
}

static void put_command(struct text *out, const struct listed *run)
{
	text__safe(out, run->command, strlen(run->command));
}

/* In a narrow terminal those of the lowest rank give way first, and one that is empty in each line always. */
static const struct column {
	const char *heading;
	bool right;
	int rank;
	void (*put)(struct text *out, const struct listed *run);
} columns[] = {
	{"RUN", false, 9, put_id},
	{"STATE", false, 8, put_state},
	{"RESULT", false, 7, put_result},
	{"BEGAN", false, 2, put_began},
	{"AGE", true, 4, put_age},
	{"WALL", true, 6, put_wall},
	{"PROCESSES", true, 1, put_processes},
	{"NONZERO", true, 3, put_nonzero},
	{"SIZE", true, 5, put_size},
	{"JOB", false, 6, put_job},
	{"COMMAND", false, 9, put_command},
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

struct table {
	struct text cells; /* each ended by a NUL */
	size_t width[COLUMNS];
	bool left_out[COLUMNS];
	bool filled[COLUMNS];
	size_t window;
};

static size_t width_of(const char *safe)
{
	struct text nothing = {0};
	size_t width = text__cut(&nothing, safe, SIZE_MAX);

	text__free(&nothing);
	return width;
}

static void put_cell(struct table *table, size_t column, const struct listed *run)
{
	size_t begin = table->cells.size, width;

	if (run)
		columns[column].put(&table->cells, run);
	else
		text__printf(&table->cells, "%s", columns[column].heading);
	text__put(&table->cells, "", 1);
	if (table->cells.error)
		return;
	width = width_of(table->cells.data + begin);
	table->filled[column] |= run && width;
	if (width > table->width[column])
		table->width[column] = width;
}

static void choose_columns(struct table *table)
{
	size_t used = COMMAND_COLUMNS;

	for (size_t i = 0; i + 1 < COLUMNS; i++) {
		table->left_out[i] = !table->filled[i];
		used += table->filled[i] ? table->width[i] + 2 : 0;
	}
	for (int rank = 1; rank < 8 && used > table->window; rank++)
		for (size_t i = 0; i < COLUMNS; i++)
			if (columns[i].rank == rank && !table->left_out[i]) {
				table->left_out[i] = true;
				used -= table->width[i] + 2;
			}
}

static void put_line(const struct table *table, struct text *out, const char **at)
{
	struct text line = {0};

	for (size_t i = 0; i < COLUMNS; i++, *at += strlen(*at) + 1) {
		size_t blanks = table->width[i] - width_of(*at);

		if (table->left_out[i])
			continue;
		text__printf(&line, "%*s%s", columns[i].right ? (int)blanks : 0, "", *at);
		if (i + 1 < COLUMNS)
			text__printf(&line, "%*s", (columns[i].right ? 0 : (int)blanks) + 2, "");
	}
	text__cut(out, line.data ? line.data : "", table->window);
	text__put(out, "\n", 1);
	out->error = line.error ? line.error : out->error;
	text__free(&line);
}

static int print_table(const struct run_list *list)
{
	struct table table = {.window = SIZE_MAX};
	struct text out = {.colour = log__colour(STDOUT_FILENO)};
	struct winsize window;
	const char *at;
	int err;

	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) && window.ws_col)
		table.window = window.ws_col;
	for (size_t row = 0; row <= list->count; row++)
		for (size_t i = 0; i < COLUMNS; i++)
			put_cell(&table, i, row ? &list->runs[row - 1] : NULL);
	choose_columns(&table);
	at = table.cells.data;
	for (size_t row = 0; row <= list->count && !table.cells.error; row++) {
		text__style(&out, row ? TEXT_PLAIN : TEXT_BOLD);
		put_line(&table, &out, &at);
	}
	err = table.cells.error ? table.cells.error : out.error;
	if (!err)
		fwrite(out.data, 1, out.size, stdout);
	text__free(&table.cells);
	text__free(&out);
	return err;
}

/* ---- for programs ---- */

static void put_string(struct text *out, const char *name, const char *value)
{
	struct text safe = {0};

	text__printf(out, ",\"%s\":", name);
	if (value && !utf8__valid(value, strlen(value)))
		text__safe(&safe, value, strlen(value));
	if (!value || !*value)
		text__printf(out, "null");
	else if (json__put_utf8(&out->buffer, safe.data ? safe.data : value, safe.data ? safe.size : strlen(value)))
		out->error = -ENOMEM;
	text__free(&safe);
}

static void put_number(struct text *out, const char *name, uint64_t value)
{
	if (EVENT_IS_NULL(value))
		text__printf(out, ",\"%s\":null", name);
	else
		text__printf(out, ",\"%s\":%" PRIu64, name, value);
}

static void put_time(struct text *out, const char *name, uint64_t ns)
{
	time_t seconds = ns / SECOND;
	char time[40] = "";
	struct tm tm;

	if (!EVENT_IS_NULL(ns) && gmtime_r(&seconds, &tm))
		strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_string(out, name, time);
}

static void put_tags(struct text *out, const char *tags)
{
	const char *mark = "";

	text__printf(out, ",\"tags\":{");
	while (*tags) {
		char tag[sizeof(((struct listed *)0)->tags)], *value;

		snprintf(tag, sizeof(tag), "%.*s", (int)strcspn(tags, "\n"), tags);
		tags += strcspn(tags, "\n");
		tags += *tags == '\n';
		value = strchr(tag, '=');
		if (!value || !utf8__valid(tag, strlen(tag)))
			continue;
		*value++ = '\0';
		text__printf(out, "%s", mark);
		json__put_utf8(&out->buffer, tag, strlen(tag));
		text__printf(out, ":");
		json__put_utf8(&out->buffer, value, strlen(value));
		mark = ",";
	}
	text__printf(out, "}");
}

static void put_object(struct text *out, const struct listed *run)
{
	uint64_t null = EVENT_NULL(EVENT_REASON_LOST), ended = run->began_ns + run->wall_ns;
	bool over = run->read && run->life != STREAM_RUNNING && !EVENT_IS_NULL(run->began_ns) &&
		    !EVENT_IS_NULL(run->wall_ns);
	size_t begin = out->size;

	put_string(out, "run", run->id);
	if (!out->error)
		out->data[begin] = '{'; /* in place of the comma */
	put_string(out, "name", run->name);
	put_string(out, "host", run->host);
	put_string(out, "command", run->command);
	put_string(out, "job", run->job);
	put_number(out, "uid", run->uid == STREAM_NO_UID ? null : run->uid);
	put_tags(out, run->tags);
	put_time(out, "began", run->began_ns);
	put_time(out, "ended", over ? ended : null);
	put_number(out, "wall_ns", run->wall_ns);
	put_string(out, "state", run->read ? stream_life__name(run->life) : "unreadable");
	put_string(out, "result", listed__result(run));
	put_number(out, "exit_code", run->exit_code);
	put_number(out, "signal", run->signal);
	put_number(out, "processes", run->processes);
	put_number(out, "nonzero", run->nonzero);
	put_number(out, "bytes", run->bytes);
	put_string(out, "version", run->version);
	put_string(out, "error", run->why);
	text__printf(out, "}");
}

static int print_json(const struct run_list *list)
{
	struct text out = {0};
	int err;

	text__printf(&out, "[");
	for (size_t i = 0; i < list->count && !out.error; i++) {
		text__printf(&out, "%s\n  ", i ? "," : "");
		put_object(&out, &list->runs[i]);
	}
	text__printf(&out, "%s]\n", list->count ? "\n" : "");
	err = out.error;
	if (!err)
		fwrite(out.data, 1, out.size, stdout); /* cli__end() reports a failure */
	text__free(&out);
	return err;
}

/* ---- the work ---- */

static void warn_of_unreadable(const struct run_list *list, const char *folder)
{
	size_t count = 0, first = 0;

	for (size_t i = list->count; i-- > 0;)
		if (*list->runs[i].why) {
			first = i;
			count++;
		}
	if (count)
		log__warn("%s/%s: %s%s", folder, list->runs[first].id, list->runs[first].why,
			  count > 1 ? "; others too, --json says which" : "");
}

static int list_runs(const struct args *args, const char *folder)
{
	struct account account;
	struct run_list list;
	struct error err;
	int rc;

	account__find(&account);
	rc = run_list__read(&list, folder, &account, &err);
	if (rc) {
		log__error("%s", err.text);
		run_list__free(&list);
		return rc == -ENOENT || rc == -ENOTDIR ? EXIT_USAGE : EXIT_FAILED;
	}
	warn_of_unreadable(&list, folder);
	if (!list.count && !args->json)
		log__info("no runs in %s", folder);
	rc = args->json ? print_json(&list) : list.count ? print_table(&list) : 0;
	run_list__free(&list);
	if (rc)
		log__error("%s", strerror(-rc));
	return rc ? EXIT_FAILED : EXIT_DONE;
}

int main(int argc __attribute__((unused)), char **argv)
{
	struct args args = {0};
	int code;

	log__init(cli.name, LOG_INFO);
	code = cli__parse(&cli, &args, argv);
	if (args.quiet)
		log__init(cli.name, LOG_ERROR);
	if (code == CLI_GO_ON && *argv && argv[1])
		code = cli__usage(&cli, "%s: one folder at a time", argv[1]);
	if (code == CLI_GO_ON)
		code = list_runs(&args, *argv ? *argv : "runs");
	cli__free(&cli, &args);
	return cli__end(code);
}
