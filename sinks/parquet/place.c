/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts files where they belong. */
#include "sinks/parquet/place.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sinks/tables/files.h"

/* As DuckDB writes a value into a path. */
static void put_value(struct text *path, const char *value)
{
	for (; *value; value++)
		text__printf(path, isalnum((unsigned char)*value) || strchr("_-.~", *value) ? "%c" : "%%%02X",
			     (unsigned char)*value);
}

static int make(const struct text *path)
{
	if (path->error)
		return path->error;
	return mkdir(path->data, 0777) && errno != EEXIST ? -errno : 0;
}

int place__partition(struct text *path, const char *run, const char *host)
{
	int err = make(path);

	text__printf(path, "/run=");
	put_value(path, run);
	err = err ? err : make(path);
	text__printf(path, "/host=");
	put_value(path, host);
	return err ? err : make(path);
}

static bool is_part(const char *name)
{
	size_t length = strlen(name);

	return length > 8 && !strcmp(name + length - 8, ".parquet");
}

/* ---- moving ---- */

struct moving {
	const char *to;
	bool overwrite, cleared, partition;
	char *failed;
	size_t size;
};

static int clear_part(const char *folder, const char *name, void *arg)
{
	const struct moving *moving = arg;
	struct text path = {0};
	int err = 0;

	if (!is_part(name))
		return 0;
	text__printf(&path, "%s/%s", folder, name);
	if (path.error)
		err = path.error;
	else if (!moving->overwrite)
		err = -EEXIST;
	else if (unlink(path.data))
		err = -errno;
	text__free(&path);
	return err;
}

static int move_one(const char *folder, const char *name, void *arg);

/* What a partition had goes before the first of its new parts comes. */
static int move_file(struct moving *moving, const char *from, const char *to)
{
	int err = 0;

	if (moving->partition && !moving->cleared)
		err = files__each(moving->to, clear_part, moving);
	moving->cleared = true;
	return err ? err : files__place(from, to, moving->overwrite);
}

static int move_folder(struct moving *moving, const char *from, const char *to)
{
	struct moving below = {to, moving->overwrite, false, true, moving->failed, moving->size};

	if (mkdir(to, 0777) && errno != EEXIST)
		return -errno;
	return files__each(from, move_one, &below);
}

static int move_one(const char *folder, const char *name, void *arg)
{
	struct moving *moving = arg;
	struct text from = {0}, to = {0};
	int err;

	text__printf(&from, "%s/%s", folder, name);
	text__printf(&to, "%s/%s", moving->to, name);
	err = from.error ? from.error : to.error;
	if (!err)
		err = files__is_folder(from.data) ? move_folder(moving, from.data, to.data)
						  : move_file(moving, from.data, to.data);
	if (err && !*moving->failed)
		snprintf(moving->failed, moving->size, "%s", to.data ? to.data : name);
	text__free(&from);
	text__free(&to);
	return err;
}

int place__files(const char *from, const char *to, bool overwrite, char *failed, size_t size)
{
	struct moving moving = {.to = to, .overwrite = overwrite, .failed = failed, .size = size};

	*failed = '\0';
	return files__each(from, move_one, &moving);
}
