/* SPDX-License-Identifier: BSD-2-Clause */
/* A day of a table: the files in its folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/lake/compact.h"
#include "core/log.h"

int lake__left(struct lake *lake, const struct lake_day *day, int rc, const char *fmt, ...)
{
	char why[ERROR_TEXT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	lake->failed = true;
	log__error("%s/%s%s%s: left as it is: %s", lake->path, day->table, day->date ? "/" : "",
		   day->date ? day->date : "", why);
	return rc;
}

bool lake_day__is_name(const char *name)
{
	static const char form[] = LAKE_DAY "dddd-dd-dd";

	if (strlen(name) != sizeof(form) - 1 || strncmp(name, LAKE_DAY, strlen(LAKE_DAY)))
		return false;
	for (size_t i = strlen(LAKE_DAY); form[i]; i++)
		if (form[i] == 'd' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
			return false;
	return true;
}

bool lake_file__is_name(const char *name)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~%";
	size_t length = strlen(name), ending = strlen(LAKE_FILE);

	return *name != '.' && length > ending && !strcmp(name + length - ending, LAKE_FILE) &&
	       strspn(name, plain) == length;
}

bool lake_file__is_compacted(const char *name)
{
	return !strncmp(name, LAKE_COMPACTED, strlen(LAKE_COMPACTED)) &&
	       strcspn(name, ".") == strlen(name) - strlen(LAKE_FILE);
}

int lake__read(int folder, const char *name, off_t max, char **text, struct stat *st)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = 0;
	ssize_t n = 0;

	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, st))
		rc = -errno;
	else if (!S_ISREG(st->st_mode) || st->st_size > max)
		rc = -EBADMSG;
	else if (!(*text = calloc(1, st->st_size + 1)))
		rc = -ENOMEM;
	else if ((n = pread(fd, *text, st->st_size, 0)) != st->st_size)
		rc = n < 0 ? -errno : -EIO;
	close(fd);
	if (rc) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

int lake__own(const struct stat *as, int fd, mode_t mask)
{
	if (!geteuid() && fchown(fd, as->st_uid, as->st_gid))
		return -errno;
	return fchmod(fd, as->st_mode & mask) || fsync(fd) ? -errno : 0;
}

bool lake__trusts(const struct lake *lake, const struct stat *st)
{
	return !st->st_uid || st->st_uid == lake->st.st_uid;
}

int lake_day__add(struct lake_day *day, const char *name, ino_t inode, off_t size)
{
	struct lake_file *files = reallocarray(day->files, day->count + 1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	day->files = files;
	day->files[day->count] = (struct lake_file){.name = strdup(name), .inode = inode, .size = size};
	return day->files[day->count].name ? (day->count++, 0) : -ENOMEM;
}

struct listing {
	struct lake *lake;
	struct lake_day *day;
};

static int list_one(int folder, const char *name, void *arg)
{
	struct listing *listing = arg;
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!lake_file__is_name(name) || !S_ISREG(st.st_mode))
		return lake__left(listing->lake, listing->day, 1, "%s is not a Parquet file of a run", name);
	if (!lake__trusts(listing->lake, &st))
		return lake__left(listing->lake, listing->day, 1, "%s belongs to another user", name);
	return lake_day__add(listing->day, name, st.st_ino, st.st_size);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct lake_file *)a)->name, ((const struct lake_file *)b)->name);
}

void lake_day__sort(struct lake_day *day)
{
	if (day->count)
		qsort(day->files, day->count, sizeof(*day->files), by_name);
}

int lake_day__list(struct lake *lake, struct lake_day *day)
{
	int rc = dir__each(day->fd, list_one, &(struct listing){lake, day});

	lake_day__sort(day);
	return rc < 0 ? lake__left(lake, day, rc, "%s", strerror(-rc)) : rc;
}

const struct lake_file *lake_day__find(const struct lake_day *day, const char *name)
{
	struct lake_file wanted = {.name = (char *)name};

	return day->count ? bsearch(&wanted, day->files, day->count, sizeof(wanted), by_name) : NULL;
}

void lake_day__free(struct lake_day *day)
{
	for (size_t i = 0; i < day->count; i++)
		free(day->files[i].name);
	free(day->files);
	free(day->table);
	free(day->date);
	if (day->fd >= 0)
		close(day->fd);
	if (day->table_fd >= 0)
		close(day->table_fd);
	*day = (struct lake_day){.fd = -1, .table_fd = -1};
}
