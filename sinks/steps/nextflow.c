/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the trace file of Nextflow: a line a task, columns by name in the first one, tabs between. */
#include "sinks/steps/nextflow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"

#define FILE_MAX (1UL << 30)

/* A regular file that is open. */
static int read_given(int file, char **text, size_t *size, struct error *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(file, &st))
		return error__set(err, -errno, "%s", strerror(errno));
	if (st.st_size > (off_t)FILE_MAX)
		return error__set(err, -EFBIG, "%s", strerror(EFBIG));
	*text = malloc(st.st_size + 1);
	n = *text ? pread(file, *text, st.st_size, 0) : -1;
	if (n < 0)
		return error__set(err, -errno, "%s", strerror(errno));
	(*text)[n] = '\0';
	*size = n;
	return 0;
}

static int read_file(struct nextflow *nextflow, const char *path, int given, struct error *err)
{
	struct error reason;
	size_t length;
	int rc = given ? read_given(given, &nextflow->text, &length, &reason)
		       : infile__read(path, FILE_MAX, &nextflow->text, &length, &reason);

	if (rc)
		return error__set(err, rc, "%.300s: %s", path, reason.text);
	if (strlen(nextflow->text) != length)
		return error__set(err, -EINVAL, "%.300s: is not a trace file of Nextflow: it cannot be read as text",
				  path);
	return 0;
}

/* Cuts the line and a CR at its end; advances past it. NULL: no line is left. */
static char *next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	*at = end ? end + 1 : line + strlen(line);
	if (!end)
		end = *at;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return line;
}

static int read_columns(struct nextflow *nextflow, char *line, const char *path, struct error *err)
{
	nextflow->hash = SIZE_MAX;
	for (char *rest = line, *name; (name = strsep(&rest, "\t"));) {
		const char **columns = reallocarray(nextflow->columns, nextflow->columns_count + 1, sizeof(char *));

		if (!columns)
			return error__set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
		nextflow->columns = columns;
		if (nextflow->hash == SIZE_MAX && !strcmp(name, "hash")) /* the first of a name, as nextflow__value() */
			nextflow->hash = nextflow->columns_count;
		columns[nextflow->columns_count++] = name;
	}
	if (nextflow->hash == SIZE_MAX)
		return error__set(err, -EINVAL, "%s: %s", path,
				  "names no column \"hash\" in its first line: give a trace file of Nextflow "
				  "(-with-trace), whose trace.fields, if set, lists it");
	return 0;
}

static int add_task(struct nextflow *nextflow, char *line)
{
	struct nextflow_task *task = calloc(1, sizeof(*task) + nextflow->columns_count * sizeof(task->values[0]));
	struct nextflow_task **tasks =
		reallocarray(nextflow->tasks, nextflow->tasks_count + 1, sizeof(struct nextflow_task *));
	char *value;

	if (tasks)
		nextflow->tasks = tasks;
	if (!task || !tasks) {
		free(task);
		return -ENOMEM;
	}
	tasks[nextflow->tasks_count++] = task;
	for (size_t i = 0; i < nextflow->columns_count && (value = strsep(&line, "\t")); i++)
		task->values[i] = *value && strcmp(value, "-") ? value : NULL;
	value = (char *)task->values[nextflow->hash];
	return value ? hash__add(&nextflow->by_hash, &task->node, hash__bytes(0, value, strlen(value))) : 0;
}

static int parse(struct nextflow *nextflow, const char *path, struct error *err)
{
	char *at = nextflow->text, *line = next_line(&at);
	int rc;

	if (!line)
		return error__set(err, -EINVAL, "%s: %s", path,
				  "is empty: it should name its columns in the first line");
	rc = read_columns(nextflow, line, path, err);
	while (!rc && (line = next_line(&at)))
		if (*line && add_task(nextflow, line))
			rc = error__set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	return rc;
}

int nextflow__load(struct nextflow **nextflow, const char *path, int file, struct error *err)
{
	int rc;

	*nextflow = calloc(1, sizeof(**nextflow));
	if (!*nextflow)
		return error__set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	rc = read_file(*nextflow, path, file, err);
	if (!rc)
		rc = parse(*nextflow, path, err);
	if (rc) {
		nextflow__free(*nextflow);
		*nextflow = NULL;
	}
	return rc;
}

struct nextflow_task *nextflow__find(const struct nextflow *nextflow, const char *hash)
{
	struct hash_node *node = hash__first(&nextflow->by_hash, hash__bytes(0, hash, strlen(hash)));

	for (; node; node = hash__next(node)) {
		struct nextflow_task *task =
			(struct nextflow_task *)((char *)node - offsetof(struct nextflow_task, node));

		if (!strcmp(task->values[nextflow->hash], hash))
			return task;
	}
	return NULL;
}

const char *nextflow__value(const struct nextflow *nextflow, const struct nextflow_task *task, const char *column)
{
	for (size_t i = 0; i < nextflow->columns_count; i++)
		if (!strcmp(nextflow->columns[i], column))
			return task->values[i];
	return NULL;
}

void nextflow__free(struct nextflow *nextflow)
{
	if (!nextflow)
		return;
	for (size_t i = 0; i < nextflow->tasks_count; i++)
		free(nextflow->tasks[i]);
	hash__free(&nextflow->by_hash);
	free(nextflow->tasks);
	free(nextflow->columns);
	free(nextflow->text);
	free(nextflow);
}
