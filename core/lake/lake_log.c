/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of a Delta Lake table: TABLE/_delta_log/N.json, an action a line. Read is only what is written here. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "core/lake/compact.h"

#define LOG "_delta_log"
#define COMMIT "%020" PRId64 ".json"
#define COMMIT_MAX (256 << 20) /* bytes */
#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}"

/* How lines begin. The path is the first member. */
#define ADD "{\"add\":{\"path\":\""
#define REMOVE "{\"remove\":{\"path\":\""
#define INFO "{\"commitInfo\":"
#define SCHEMA "\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":["
#define SCHEMA_END "]}\",\"partitionColumns\":[\"date\"]"
#define DELETED "\"deletionTimestamp\":"

struct logged {
	char *path; /* date=D/NAME, encoded as in the log */
	size_t order;
	bool removed;
	int64_t when; /* it was removed; ms */
};

/* A name has no character that would have to be encoded, but the percent sign. */
static void put_path(struct text *text, const char *date, const char *name)
{
	text__printf(text, "%s/", date);
	for (; *name; name++)
		text__printf(text, *name == '%' ? "%%25" : "%c", *name);
}

/* ---- reading ---- */

static int add_logged(struct lake_log *log, const char *line, size_t head, bool removed)
{
	size_t length = strcspn(line + head, "\"");
	const char *when = removed ? strstr(line, DELETED) : NULL;
	struct logged *files = reallocarray(log->files, log->count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	log->files = files;
	log->files[log->count] = (struct logged){strndup(line + head, length), log->count, removed,
						 when ? strtoll(when + strlen(DELETED), NULL, 10) : 0};
	return log->files[log->count].path ? (log->count++, 0) : -ENOMEM;
}

static int read_schema(struct lake_log *log, const char *line)
{
	const char *begin = strstr(line, SCHEMA), *end = begin ? strstr(begin, SCHEMA_END) : NULL;

	if (!end)
		return -EBADMSG;
	begin += strlen(SCHEMA);
	log->schema.size = 0;
	text__put(&log->schema, begin, end - begin);
	return log->schema.error;
}

static bool begins(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static int read_line(struct lake_log *log, const char *line)
{
	if (begins(line, ADD))
		return add_logged(log, line, strlen(ADD), false);
	if (begins(line, REMOVE))
		return add_logged(log, line, strlen(REMOVE), true);
	if (begins(line, "{\"metaData\":"))
		return read_schema(log, line);
	return begins(line, INFO) || !strcmp(line, PROTOCOL) ? 0 : -EBADMSG;
}

/* 0; -ENOENT: there is none of that version */
static int read_commit(struct lake_log *log, const char *name)
{
	char *text, *end;
	struct stat st;
	int rc = lake__read(log->fd, name, COMMIT_MAX, &text, &st);

	for (char *line = text; !rc && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		rc = read_line(log, line);
	}
	free(text);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct logged *)a)->path, ((const struct logged *)b)->path);
}

static int by_path_and_order(const void *a, const void *b)
{
	const struct logged *x = a, *y = b;
	int order = by_path(x, y);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* What was said last of each file holds. */
static void settle(struct lake_log *log)
{
	size_t kept = 0;

	if (log->count)
		qsort(log->files, log->count, sizeof(*log->files), by_path_and_order);
	for (size_t i = 0; i < log->count; i++) {
		if (i + 1 < log->count && !strcmp(log->files[i].path, log->files[i + 1].path))
			free(log->files[i].path);
		else
			log->files[kept++] = log->files[i];
	}
	log->count = kept;
}

static int is_commit(int folder, const char *name, void *arg)
{
	(void)folder;
	*(int64_t *)arg += strlen(name) == 25 && !strcmp(name + 20, ".json");
	return 0;
}

int lake_log__read(struct lake_log *log, int table, struct error *err)
{
	char name[64] = "";
	int64_t commits = 0;
	struct timespec now;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	*log = (struct lake_log){
		.fd = dir__open(table, LOG), .version = -1, .now = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000};
	if (log->fd < 0)
		return log->fd == -ENOENT ? 0 : error__set(err, log->fd, LOG ": %s", strerror(-log->fd));
	while (!rc) {
		snprintf(name, sizeof(name), COMMIT, log->version + 1);
		rc = read_commit(log, name);
		log->version += !rc;
	}
	if (rc == -ENOENT)
		rc = dir__each(log->fd, is_commit, &commits);
	if (!rc && commits != log->version + 1)
		rc = -EBADMSG;
	settle(log);
	return !rc ? 0
		   : error__set(err, rc, LOG "/%s: %s", name,
				rc == -EBADMSG ? "was written, or removed, by another program" : strerror(-rc));
}

bool lake_log__exists(int table)
{
	int fd = dir__open(table, LOG);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void lake_log__free(struct lake_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		free(log->files[i].path);
	free(log->files);
	text__free(&log->schema);
	text__free(&log->actions);
	if (log->fd >= 0)
		close(log->fd);
	*log = (struct lake_log){.fd = -1};
}

/* ---- what it has ---- */

static const struct logged *find(const struct lake_log *log, const char *date, const char *name)
{
	const struct logged *found = NULL;
	struct text path = {0};

	put_path(&path, date, name);
	if (!path.error && log->count)
		found = bsearch(&(struct logged){.path = path.data}, log->files, log->count, sizeof(*log->files),
				by_path);
	text__free(&path);
	return found;
}

void lake_log__mark(const struct lake_log *log, struct lake_day *day)
{
	size_t kept = 0;

	for (size_t i = 0; i < day->count; i++) {
		const struct logged *file = find(log, day->date, day->files[i].name);

		day->files[i].logged = file;
		if (file && file->removed)
			free(day->files[i].name);
		else
			day->files[kept++] = day->files[i];
	}
	day->count = kept;
}

bool lake_log__has(const struct lake_log *log, const char *prefix)
{
	for (size_t i = 0; i < log->count; i++) {
		const char *slash = strchr(log->files[i].path, '/');

		if (slash && begins(slash + 1, prefix))
			return true;
	}
	return false;
}

/* ---- the next commit ---- */

int lake_log__add(struct lake_log *log, const struct lake_day *day, const char *name, int fd,
		  const struct lake_file *rows, bool changed)
{
	struct text *out = &log->actions;
	struct stat st;

	if (!rows)
		return -EBADMSG;
	if (fstat(fd, &st))
		return -errno;
	text__printf(out, ADD);
	put_path(out, day->date, name);
	text__printf(out,
		     "\",\"partitionValues\":{\"date\":\"%s\"},\"size\":%jd,\"modificationTime\":%jd,\"dataChange\":%s,"
		     "\"stats\":\"{\\\"numRecords\\\":%jd}\"}}\n",
		     day->date + strlen(LAKE_DAY), (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec * 1000,
		     changed ? "true" : "false", (intmax_t)rows->size);
	return out->error;
}

int lake_log__remove(struct lake_log *log, const struct lake_day *day, const char *name, bool changed)
{
	text__printf(&log->actions, REMOVE);
	put_path(&log->actions, day->date, name);
	text__printf(&log->actions, "\"," DELETED "%" PRId64 ",\"dataChange\":%s}}\n", log->now,
		     changed ? "true" : "false");
	return log->actions.error;
}

/* Types of DuckDB, as the sink writes them, and of Delta; as they are within a string of JSON. */
static const char *const types[][2] = {
	{"VARCHAR", "\\\"string\\\""},
	{"INTEGER", "\\\"integer\\\""},
	{"BIGINT", "\\\"long\\\""},
	{"BOOLEAN", "\\\"boolean\\\""},
	{"TIMESTAMP WITH TIME ZONE", "\\\"timestamp\\\""},
	{"DATE", "\\\"date\\\""},
	{"VARCHAR[]", "{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":\\\"string\\\",\\\"containsNull\\\":true}"},
};

static const char *type_of(const char *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i][0], type))
			return types[i][1];
	return NULL;
}

int lake_log__column(struct lake_log *log, const char *name, const char *type, struct error *err)
{
	const char *as = type_of(type);
	struct text field = {0};
	size_t head;
	int rc = 0;

	if (!as || strpbrk(name, "\"\\ ,;{}()\n\t="))
		return error__set(err, -EINVAL, "Delta has no column of the name or type of %s", name);
	text__printf(&field, "{\\\"name\\\":\\\"%s\\\",", name);
	head = field.size;
	text__printf(&field, "\\\"type\\\":%s,\\\"nullable\\\":true,\\\"metadata\\\":{}}", as);
	if (field.error || log->schema.error)
		rc = -ENOMEM;
	else if (log->schema.data && strstr(log->schema.data, field.data))
		rc = 0;
	else if (log->schema.data && (field.data[head] = '\0', strstr(log->schema.data, field.data)))
		rc = error__set(err, -EINVAL, "the column %s has another type in the log", name);
	else {
		field.data[head] = '\\';
		text__printf(&log->schema, "%s%s", log->schema.size ? "," : "", field.data);
		log->described = true;
		rc = log->schema.error;
	}
	text__free(&field);
	return rc;
}

/* ---- the commit ---- */

static void put_head(const struct lake_log *log, struct text *out)
{
	uint64_t id[2] = {0};

	text__printf(out,
		     INFO "{\"timestamp\":%" PRId64 ",\"operation\":\"WRITE\",\"operationParameters\":{},"
			  "\"engineInfo\":\"collector " PACKAGE_VERSION "\"}}\n",
		     log->now);
	if (log->version < 0)
		text__printf(out, PROTOCOL "\n");
	if (!log->described)
		return;
	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		id[0] = log->now;
	text__printf(out, "{\"metaData\":{\"id\":\"%08x-%04x-4%03x-8%03x-%012" PRIx64 "\",", (unsigned)(id[0] >> 32),
		     (unsigned)(id[0] & 0xffff), (unsigned)(id[0] >> 16 & 0xfff), (unsigned)(id[1] & 0xfff),
		     id[1] >> 16);
	text__printf(out, "\"format\":{\"provider\":\"parquet\",\"options\":{}}," SCHEMA "%s" SCHEMA_END,
		     log->schema.data);
	text__printf(out, ",\"configuration\":{},\"createdTime\":%" PRId64 "}}\n", log->now);
}

/* Under its name only as a whole, and only if no other program has written that version: link() does not replace. */
static int write_commit(const struct lake_log *log, const struct lake *lake, const struct text *text)
{
	char name[64];
	struct stat st;
	int fd, rc;

	if (unlinkat(lake->hidden, LAKE_COMMIT, 0) && errno != ENOENT)
		return -errno;
	fd = openat(lake->hidden, LAKE_COMMIT, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	snprintf(name, sizeof(name), COMMIT, log->version + 1);
	rc = write_all(fd, text->data, text->size);
	if (!rc && fstat(log->fd, &st))
		rc = -errno;
	if (!rc && !geteuid() && fchown(fd, st.st_uid, st.st_gid))
		rc = -errno;
	if (!rc && (fchmod(fd, st.st_mode & 0666) || fsync(fd)))
		rc = -errno;
	if (!rc && linkat(lake->hidden, LAKE_COMMIT, log->fd, name, 0))
		rc = -errno;
	if (!rc && fsync(log->fd))
		rc = -errno;
	close(fd);
	unlinkat(lake->hidden, LAKE_COMMIT, 0);
	return rc;
}

static int make_folder(struct lake_log *log, int table)
{
	struct stat st;

	if (fstat(table, &st) || (mkdirat(table, LOG, 0700) && errno != EEXIST))
		return -errno;
	log->fd = dir__open(table, LOG);
	if (log->fd < 0)
		return log->fd;
	if (!geteuid() && fchown(log->fd, st.st_uid, st.st_gid))
		return -errno;
	return fchmod(log->fd, st.st_mode & 07777) || fsync(table) ? -errno : 0;
}

int lake_log__commit(struct lake_log *log, const struct lake *lake, int table, struct error *err)
{
	struct text text = {0};
	struct error why;
	int rc = log->actions.error;

	if (!log->actions.size)
		return 0;
	/* added after the columns of the first files: engines take no column of a partition from a file */
	if (!rc && log->version < 0)
		rc = lake_log__column(log, "date", "DATE", &why);
	if (!rc && log->fd < 0)
		rc = make_folder(log, table);
	put_head(log, &text);
	text__put(&text, log->actions.data, log->actions.size);
	rc = rc ? rc : text.error;
	if (!rc)
		rc = write_commit(log, lake, &text);
	text__free(&text);
	return !rc ? 0
		   : error__set(err, rc, LOG ": %s",
				rc == -EEXIST ? "another program has written to it meanwhile" : strerror(-rc));
}

/* ---- the vacuum ---- */

/* The day and name of a path in the log. False: it is none of ours. */
static bool read_path(const char *path, char *date, size_t date_size, char *name, size_t size)
{
	const char *slash = strchr(path, '/');
	size_t n = 0;

	if (!slash || (size_t)(slash - path) >= date_size)
		return false;
	snprintf(date, date_size, "%.*s", (int)(slash - path), path);
	for (path = slash + 1; *path && n + 1 < size; n++) {
		name[n] = *path;
		path += begins(path, "%25") ? 3 : 1;
	}
	name[n] = '\0';
	return lake_day__is_name(date) && lake_file__is_name(name);
}

void lake_log__vacuum(const struct lake_log *log, int table)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct logged *file = &log->files[i];
		char date[32], name[256];
		int day;

		if (!file->removed || log->now - file->when < LAKE_GRACE * 1000LL ||
		    !read_path(file->path, date, sizeof(date), name, sizeof(name)))
			continue;
		day = dir__open(table, date);
		if (day < 0)
			continue;
		unlinkat(day, name, 0);
		close(day);
	}
}
