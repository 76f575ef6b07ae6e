/* SPDX-License-Identifier: BSD-2-Clause */
/* Named queries: one .sql file each. Its first line is a comment with its help; lines such as
 *
 *	-- $1 = 20: how many
 *
 * describe its parameters and their defaults. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base.h"
#include "core/query/query.h"
#include "core/text.h"

#define SUFFIX ".sql"
#define SQL_MAX (1UL << 20) /* bytes */

static char *copy_trimmed(const char *at, size_t length)
{
	while (length && strchr(" \t\r", at[length - 1]))
		length--;
	return strndup(at, length);
}

/* `-- $1 = 20: how many` */
static void take_default(struct query_named *named, const char *line)
{
	unsigned number;
	int begin = 0;

	if (sscanf(line, "-- $%1u = %n", &number, &begin) != 1 || !begin || !number || number > QUERY_PARAMETERS)
		return;
	free(named->defaults[number - 1]);
	named->defaults[number - 1] = copy_trimmed(line + begin, strcspn(line + begin, ":\n"));
}

int query_named__read(struct query_named *named, const char *path, struct error *err)
{
	struct error reason;
	size_t size;
	int rc;

	*named = (struct query_named){0};
	rc = infile__read(path, SQL_MAX, &named->sql, &size, &reason);
	if (rc)
		return error__set(err, rc, "%.300s: %s", path, reason.text);
	if (!size)
		return error__set(err, -ENODATA, "%.300s: is empty", path);
	if (!strncmp(named->sql, "-- ", 3))
		named->help = copy_trimmed(named->sql + 3, strcspn(named->sql + 3, "\n"));
	for (const char *line = named->sql; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		take_default(named, line);
	return 0;
}

void query_named__free(struct query_named *named)
{
	free(named->sql);
	free(named->help);
	for (int i = 0; i < QUERY_PARAMETERS; i++)
		free(named->defaults[i]);
	*named = (struct query_named){0};
}

/* ---- folders ---- */

struct found {
	char *name, *path;
};

struct all {
	struct found *list;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

static bool all__has(const struct all *all, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(all->list[i].name, name))
			return true;
	return false;
}

static int all__add(struct all *all, const char *folder, const char *file)
{
	char *name = strndup(file, strlen(file) - strlen(SUFFIX)), *path = NULL;
	struct found *list = reallocarray(all->list, all->count + 1, sizeof(*list));

	if (list)
		all->list = list;
	if (!list || !name || all__has(all, name) || asprintf(&path, "%s/%s", folder, file) < 0) {
		free(name);
		return list ? 0 : -ENOMEM;
	}
	list[all->count++] = (struct found){name, path};
	return 0;
}

/* The first folder that has a name wins. */
static int all__read(struct all *all, const char *const *folders)
{
	struct dirent *entry;
	int rc = 0;

	for (; *folders && !rc; folders++) {
		DIR *dir = opendir(*folders);

		while (dir && !rc && (entry = readdir(dir))) {
			size_t n = strlen(entry->d_name);

			if (n > strlen(SUFFIX) && !strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX))
				rc = all__add(all, *folders, entry->d_name);
		}
		if (dir)
			closedir(dir);
	}
	if (all->count)
		qsort(all->list, all->count, sizeof(*all->list), by_name);
	return rc;
}

static void all__free(struct all *all)
{
	for (size_t i = 0; i < all->count; i++) {
		free(all->list[i].name);
		free(all->list[i].path);
	}
	free(all->list);
}

static int all__fail(const struct all *all, const char *name, struct error *err)
{
	struct nearest nearest = {.name = name};

	for (size_t i = 0; i < all->count; i++)
		nearest__offer(&nearest, all->list[i].name);
	error__set(err, 0, "%s: neither a run nor a query", name);
	nearest__append(&nearest, err);
	return -ENOENT;
}

int query_named__load(struct query_named *named, const char *const *folders, const char *name, struct error *err)
{
	struct all all = {0};
	const char *path = NULL;
	int rc = all__read(&all, folders);

	*named = (struct query_named){0};
	for (size_t i = 0; i < all.count && !path; i++)
		if (!strcmp(all.list[i].name, name))
			path = all.list[i].path;
	if (rc)
		error__set(err, rc, "%s", strerror(-rc));
	else
		rc = path ? query_named__read(named, path, err) : all__fail(&all, name, err);
	all__free(&all);
	return rc;
}

int query_named__list(const char *const *folders)
{
	struct all all = {0};
	struct text text = {0};
	int rc = all__read(&all, folders);

	for (size_t i = 0; i < all.count && !rc; i++) {
		struct query_named named;
		struct error err;

		if (query_named__read(&named, all.list[i].path, &err))
			continue;
		text__printf(&text, "%-16s ", all.list[i].name);
		text__safe(&text, named.help ? named.help : "", named.help ? strlen(named.help) : 0);
		text__printf(&text, "\n");
		query_named__free(&named);
	}
	all__free(&all);
	if (!rc && text.size)
		fputs(text.data, stdout); /* cli__end() reports a failure */
	text__free(&text);
	return rc ? rc : text.error;
}
