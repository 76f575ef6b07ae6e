/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what engines write about their jobs: Snakemake's log (or a dry run, -n), cwltool's log, Nextflow's trace file. A log
 * may come in parts, as it was written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/steps/steps.h"
#include "sinks/steps/steps_names.h"

#define LOG_MAX (64u << 20) /* of a run */

/* Cuts the line; advances past it. NULL: no line is left. */
static char *next_line(char **at)
{
	char *line = *at, *end;

	if (!*line)
		return NULL;
	end = line + strcspn(line, "\n");
	*at = *end ? end + 1 : end;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return line;
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* ---- Snakemake ---- */

/* The name of "rule NAME:"; NULL: the line is none. */
static char *rule_of(char *line)
{
	static const char *const kinds[] = {"rule ", "localrule ", "checkpoint ", "localcheckpoint "};
	size_t end = strlen(line);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		char *name = line + strlen(kinds[i]);

		if (begins(line, kinds[i]) && line + end > name + 1 && line[end - 1] == ':' && !strchr(name, ' ')) {
			line[end - 1] = '\0';
			return name;
		}
	}
	return NULL;
}

static int add_paths(struct names *names, struct names_job *job, enum names_kind kind, const char *text)
{
	struct names_paths paths = {.text = text, .length = strlen(text)},
			   *const of[] = {
				   [NAMES_OUTPUT] = &job->output, [NAMES_LOG] = &job->log, [NAMES_INPUT] = &job->input};
	const char *at = text, *path;
	size_t length;

	for (; (path = names_paths__next(&paths, &at, &length)); paths.count++)
		if (names__add_key(names, job, kind, path, length))
			return -ENOMEM;
	*of[kind] = paths;
	return 0;
}

/* "s=a, t=b" as in --target-jobs: "s=a,t=b". */
static char *wildcards_of(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (*from != ' ' || from == text || from[-1] != ',')
			*to++ = *from;
	*to = '\0';
	return text;
}

#define INDENT "    "
#define JOB_NUMBER INDENT "jobid: "

static int read_field(struct names *names, struct names_job *job, char *line)
{
	static const struct {
		const char *begin;
		enum names_kind kind;
	} paths[] = {{INDENT "input: ", NAMES_INPUT}, {INDENT "output: ", NAMES_OUTPUT}, {INDENT "log: ", NAMES_LOG}};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (begins(line, paths[i].begin))
			return add_paths(names, job, paths[i].kind, line + strlen(paths[i].begin));
	if (begins(line, "    wildcards: "))
		job->tag = wildcards_of(line + strlen("    wildcards: "));
	if (begins(line, JOB_NUMBER)) {
		names_script__finish(names, line + strlen(JOB_NUMBER)); /* it is tried again */
		job->number = line + strlen(JOB_NUMBER);
		names_script__announce(names, job);
	}
	return 0;
}

/* "Finished job 3." until version 8, then "Finished jobid: 3 (Rule: sort)"; of one that failed, "Error in rule sort:", then its
 * number and its line. Whether the line is such a one. */
static bool read_end(struct names *names, char *line)
{
	static const char *const ends[] = {"Finished jobid: ", "Finished job "};
	struct names_job *shell = names->shell;

	names->shell = NULL;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (begins(line, ends[i])) {
			char *number = line + strlen(ends[i]);

			number[strspn(number, "0123456789")] = '\0';
			names_script__finish(names, number);
			return true;
		}
	if (begins(line, "Error in rule ")) {
		names->failed = true;
		names->failing = NULL;
	} else if (names->failed && begins(line, JOB_NUMBER)) {
		names->failing = names_script__finish(names, line + strlen(JOB_NUMBER));
		names->failed = false;
	} else if (names->failing && !strcmp(line, INDENT "shell:")) {
		names->shell = names->failing;
		names->failing = NULL;
	} else if (*line != '[') { /* the time */
		names->shell = shell;
		return false;
	}
	return true;
}

/* A line after a job's block: the first that is not blank is what the shell was given, with -p, or what else was logged.
 * Nothing is called like that. */
static int read_shell(struct names *names, char *line)
{
	static const char shell[] = "Shell command: "; /* from 9 on */
	struct names_job *job = names->shell;

	if (begins(line, shell))
		line += sizeof(shell) - 1;
	line += strspn(line, " \t");
	if (!*line)
		return 0;
	names->shell = NULL;
	job->said = true;
	return strcmp(line, "None") ? names__add_key(names, job, NAMES_LINE, line, strlen(line)) : 0;
}

static struct names_job *add_job(struct names *names, char *rule)
{
	struct names_job *job = names__add(names), *first = names__first(names, NAMES_RULE, rule, strlen(rule));

	if (!job)
		return NULL;
	job->step = rule;
	job->rule = first ? first : job;
	return first || !names__add_key(names, job, NAMES_RULE, rule, strlen(rule)) ? job : NULL;
}

static int begin_job(struct names *names, char *rule)
{
	names->open = add_job(names, rule);
	return names->open ? 0 : -ENOMEM;
}

static int read_line(struct names *names, char *line)
{
	size_t indent = begins(line, INDENT) ? strlen(INDENT) : 0; /* of a job in a group */
	char *rule = rule_of(line + indent);

	if (rule) {
		names->indent = indent;
		names->shell = NULL;
		return begin_job(names, rule);
	}
	if (names->open && strspn(line, " ") >= names->indent + strlen(INDENT))
		return read_field(names, names->open, line + names->indent);
	if (names->open)
		names->shell = names->open;
	names->open = NULL;
	return read_end(names, line) || !names->shell ? 0 : read_shell(names, line);
}

static int read_snakemake(struct names *names, char *text)
{
	char *line;
	int err = 0;

	names->end = text + strlen(text);
	while (!err && (line = next_line(&text)))
		err = read_line(names, line);
	return err;
}

/* ---- cwltool ---- */

/* "[job NAME] FOLDER$ ..." or "[step NAME] ..." in the line: cuts the name, returns what comes after it. */
static char *named(char *line, const char *kind, char **name)
{
	char *at = strstr(line, kind), *end = at ? strstr(at, "] ") : NULL;

	if (!end)
		return NULL;
	*name = at + strlen(kind);
	*end = '\0';
	return end + 2;
}

/* Of a job "sort_2" of a step that is scattered: the step, and the job's number as tag. */
static void split_job(const struct names *names, struct names_job *job)
{
	char *number = strrchr(job->step, '_');

	if (!number || !number[1] || number[1 + strspn(number + 1, "0123456789")])
		return;
	if (!names__find(names, NAMES_STEP, job->step, number - job->step))
		return;
	*number = '\0';
	job->tag = number + 1;
}

static int read_cwltool(struct names *names, char *text)
{
	char *line, *name, *rest, *end;

	while ((line = next_line(&text))) {
		struct names_job *job;

		rest = named(line, "[job ", &name);
		end = rest && *rest == '/' ? strchr(rest, '$') : NULL;
		if (!end && !named(line, "[step ", &name))
			continue;
		job = names__add(names);
		if (!job)
			return -ENOMEM;
		job->step = name;
		if (end ? names__add_key(names, job, NAMES_FOLDER, rest, end - rest)
			: names__add_key(names, job, NAMES_STEP, name, strlen(name)))
			return -ENOMEM;
	}
	for (struct names_job *job = names->jobs; job; job = job->next)
		split_job(names, job);
	return 0;
}

/* ---- Nextflow ---- */

static void split_tag(struct names_job *job)
{
	char *tag = strstr(job->step, " (");
	size_t length = strlen(job->step);

	if (!tag || job->step[length - 1] != ')')
		return;
	job->step[length - 1] = '\0';
	*tag = '\0';
	job->tag = tag + 2;
}

static int read_nextflow(struct names *names, char *text)
{
	char *line = next_line(&text), *value;
	int hash = -1, name = -1;

	for (int i = 0; (value = strsep(&line, "\t")); i++) {
		hash = strcmp(value, "hash") ? hash : i;
		name = strcmp(value, "name") ? name : i;
	}
	while ((line = next_line(&text))) {
		struct names_job *job = names__add(names);
		char *id = NULL;

		if (!job)
			return -ENOMEM;
		job->step = (char *)"";
		for (int i = 0; (value = strsep(&line, "\t")); i++) {
			id = i == hash ? value : id;
			job->step = i == name ? value : job->step;
		}
		split_tag(job);
		if (id && *job->step && names__add_key(names, job, NAMES_ID, id, strlen(id)))
			return -ENOMEM;
	}
	return 0;
}

/* ---- which of them ---- */

static bool is_nextflow(const char *text)
{
	size_t line = strcspn(text, "\r\n");

	return memmem(text, line, "\t", 1) && memmem(text, line, "hash", 4) && memmem(text, line, "name", 4);
}

static bool is_cwltool(const char *text)
{
	return strstr(text, "[job ") && strstr(text, "] completed ");
}

static bool is_snakemake(const char *text)
{
	return strstr(text, "\nrule ") || strstr(text, "\nlocalrule ") || strstr(text, "\ncheckpoint ");
}

static const struct {
	const char *set;
	bool (*is)(const char *text);
	int (*read)(struct names *names, char *text);
} formats[] = {
	{"nextflow", is_nextflow, read_nextflow},
	{"cwltool", is_cwltool, read_cwltool},
	{"snakemake", is_snakemake, read_snakemake},
};

static int names__new(const char *set, struct names **names)
{
	*names = calloc(1, sizeof(**names));
	if (!*names)
		return -ENOMEM;
	(*names)->set = set;
	return 0;
}

int names__read(char *text, size_t length, struct names **names)
{
	size_t i = 0;
	int err;

	*names = NULL;
	while (i < sizeof(formats) / sizeof(*formats) && !formats[i].is(text))
		i++;
	if (i == sizeof(formats) / sizeof(*formats) || strlen(text) != length)
		return 0;
	err = names__new(formats[i].set, names);
	if (err)
		return err;
	err = names__keep(*names, text);
	if (err) {
		names__free(*names);
		*names = NULL;
		return err;
	}
	return formats[i].read(*names, text);
}

int steps_log__add(struct names **log, const char *engine, const char *text, size_t length)
{
	char *copy;
	int err;

	if (strcmp(engine, "snakemake")) /* the only one that runs jobs which do not say what they are */
		return 0;
	err = *log ? 0 : names__new("snakemake", log);
	if (err)
		return err;
	if (length > LOG_MAX - (*log)->length)
		return -EFBIG;
	copy = strndup(text, length);
	err = copy ? names__keep(*log, copy) : -ENOMEM;
	if (err) {
		free(copy);
		return err;
	}
	(*log)->length += length;
	names_script__settle(*log);
	return read_snakemake(*log, copy);
}

void steps_log__free(struct names *log)
{
	names__free(log);
}
