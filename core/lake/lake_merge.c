/* SPDX-License-Identifier: BSD-2-Clause */
/* Compacts a day of a table. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/lake/compact.h"
#include "core/log.h"

#define LARGE (128 << 20) /* bytes: a compacted file of that size is not written again */

bool lake_merging__keeps(const struct lake_merging *m, const struct lake_file *file)
{
	return lake_file__is_compacted(file->name) && file->size >= LARGE && (!m->log || file->logged);
}

/* The folder of work that has links to a file. */
static const char *role_of(const struct lake_merging *m, const struct lake_file *file)
{
	if (m->job.only_describe || !lake_file__is_compacted(file->name))
		return "in";
	return lake_merging__keeps(m, file) ? "kept" : "done";
}

static size_t *count_of(struct lake_job *job, const char *role)
{
	return *role == 'i' ? &job->in : *role == 'd' ? &job->done : &job->kept;
}

/* ---- what goes in ---- */

/* A copy is for an account that cannot read it, and where links to others' files are not allowed. */
static int take_file(struct lake_merging *m, const struct lake_file *file, int to)
{
	int fd = openat(m->day->fd, file->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_ino != file->inode)
		rc = -EAGAIN;
	else if (!account__can_read(&m->lake->account, fd) || linkat(m->day->fd, file->name, to, file->name, 0))
		rc = dir__copy_file(fd, to, file->name);
	close(fd);
	if (!rc &&
	    !account__can_read(&m->lake->account, fd = openat(to, file->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)))
		rc = account__share(&m->lake->account, fd);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Links to all files of the day: what is read stays the same, whatever happens to their names. */
static int take_files(struct lake_merging *m)
{
	for (size_t i = 0; i < m->day->count; i++) {
		const struct lake_file *file = &m->day->files[i];
		const char *role = role_of(m, file);
		int to, rc;

		if (m->job.only_describe && file->logged)
			continue;
		to = dir__open(m->work.fd, role);
		rc = to < 0 ? to : take_file(m, file, to);
		if (to >= 0)
			close(to);
		/* in the new folder it is the same file, not a copy */
		if (!rc && *role == 'k' && !m->log)
			rc = linkat(m->day->fd, file->name, m->to, file->name, 0) ? -errno : 0;
		if (rc)
			return rc;
		++*count_of(&m->job, role);
		m->files += *role == 'k';
		m->job.bytes += *role == 'k' ? 0 : file->size;
	}
	return 0;
}

static int give_folder(const struct lake_merging *m, const char *name)
{
	int fd = dir__open(m->work.fd, name), rc = fd < 0 ? fd : account__give(&m->lake->account, fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- what comes out ---- */

/* Owner and mode are those of the day's folder: the same users can read it. */
static int place_one(int out, const char *name, void *arg)
{
	struct lake_merging *m = arg;
	int fd = openat(out, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), rc = fd < 0 ? -errno : 0;
	char as[128];

	snprintf(as, sizeof(as), "%s%ju" LAKE_FILE, m->prefix, (uintmax_t)m->files);
	if (!rc)
		rc = lake__own(&m->day->st, fd, 0666);
	if (!rc && renameat2(out, name, m->to, as, RENAME_NOREPLACE))
		rc = -errno;
	if (!rc && m->log)
		rc = lake_log__add(m->log, m->day, as, fd, lake_day__find(&m->counts, name), m->changed);
	if (fd >= 0)
		close(fd);
	m->files += !rc;
	return rc;
}

int lake_merging__place(struct lake_merging *m)
{
	int out = dir__open(m->work.fd, "out"), rc = out < 0 ? out : 0;

	if (!rc)
		rc = dir__each(out, place_one, m);
	if (out >= 0)
		close(out);
	return rc;
}

/* ---- a day ---- */

/* One file alone is as good as it can be, and so are those that were compacted. */
bool lake_day__is_mergeable(const struct lake_day *day)
{
	size_t small = 0;

	for (size_t i = 0; i < day->count; i++)
		small += !lake_file__is_compacted(day->files[i].name);
	return small && day->count > 1;
}

static int take_back(const struct lake_merging *m)
{
	int out = dir__open(m->work.fd, "out"), rc = out < 0 ? out : account__take(&m->lake->account, out);

	if (out >= 0)
		close(out);
	return rc;
}

int lake_merging__run(struct lake_merging *m)
{
	char what[ERROR_TEXT];
	int rc = lake_work__make(m->lake, &m->work, m->day);

	if (rc)
		return rc;
	lake_work__prefix(&m->work, m->prefix, sizeof(m->prefix));
	snprintf(what, sizeof(what), "%s/%s/%s", m->lake->path, m->day->table, m->day->date);
	m->job.what = what;
	m->job.work = m->work.fd;
	if (!m->log)
		m->to = dir__open(m->work.fd, "day");
	rc = m->to < 0 ? m->to : take_files(m);
	if (!rc)
		rc = give_folder(m, "out");
	if (!rc)
		rc = give_folder(m, "tmp");
	if (!rc && account__call(&m->lake->account, lake_job__run, &m->job))
		return 1;
	return rc ? rc : take_back(m);
}

int lake_day__merge(struct lake *lake, struct lake_day *day)
{
	struct lake_merging m = {.lake = lake, .day = day, .work.fd = -1, .to = -1};
	int rc;

	if (!lake_day__is_mergeable(day))
		return 0;
	rc = lake_merging__run(&m);
	if (!rc)
		rc = lake_merging__place(&m);
	if (!rc)
		rc = lake__own(&day->st, m.to, 07777);
	if (rc)
		lake__left(lake, day, rc, "%s", rc > 0 ? "see above" : strerror(-rc));
	else
		rc = lake_work__exchange(lake, &m.work, day);
	if (m.to >= 0)
		close(m.to);
	if (rc && m.work.fd >= 0)
		lake_work__undo(lake, &m.work);
	if (!rc) {
		lake_work__tidy(&m.work);
		lake->days++;
		lake->before += day->count;
		lake->after += m.files;
	}
	lake_work__close(&m.work);
	return rc > 0 ? 0 : rc;
}
