/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the files of segments. */
#include "core/rotate/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/stream.h"

static void free_run(struct rotate_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		free(run->streams[i].name);
	if (run->folder >= 0)
		close(run->folder);
	free(run->id);
	free(run);
}

int rotate__add(struct rotate_run **runs, uint32_t number, const char *id, int folder, const char *const *streams,
		size_t count)
{
	struct rotate_run *run = calloc(1, sizeof(*run) + count * sizeof(*run->streams));
	int err = 0;

	if (!run)
		return -ENOMEM;
	run->run = number;
	run->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (run->folder < 0)
		err = -errno;
	run->id = strdup(id);
	if (!run->id)
		err = -ENOMEM;
	for (size_t i = 0; i < count && !err; i++, run->count++) {
		run->streams[i].name = strdup(streams[i]);
		err = run->streams[i].name ? 0 : -ENOMEM;
	}
	if (err) {
		free_run(run);
		return err;
	}
	run->next = *runs;
	*runs = run;
	return 0;
}

struct rotate_run *rotate__find(struct rotate_run *runs, uint32_t run)
{
	while (runs && runs->run != run)
		runs = runs->next;
	return runs;
}

static int make_file(int folder, const char *name, const struct rotate_owner *owner)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, owner->mode), err;

	if (fd < 0)
		return -errno;
	if (owner->uid == (uid_t)-1 || !fchown(fd, owner->uid, owner->gid))
		return fd;
	err = -errno;
	close(fd);
	unlinkat(folder, name, 0);
	return err;
}

static bool is_empty(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_size && st.st_nlink == 1;
}

static int open_made(int folder, const char *name)
{
	int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (is_empty(fd))
		return fd;
	close(fd);
	return -EEXIST;
}

int rotate__make(struct rotate_run *runs, uint32_t run, size_t stream, uint32_t segment,
		 const struct rotate_owner *owner)
{
	char name[STREAM_FILE_NAME];
	struct rotate_stream *of;
	int fd;

	runs = rotate__find(runs, run);
	if (!runs || stream >= runs->count)
		return -ENOENT;
	of = &runs->streams[stream];
	if (segment < 2 || segment < of->made)
		return -EINVAL;
	stream_file__name(name, of->name, segment);
	fd = segment == of->made ? open_made(runs->folder, name) : make_file(runs->folder, name, owner);
	if (fd >= 0)
		of->made = segment;
	return fd;
}

static void drop_empty(const struct rotate_run *run)
{
	char name[STREAM_FILE_NAME];
	struct stat st;

	for (size_t i = 0; i < run->count; i++) {
		if (!run->streams[i].made)
			continue;
		stream_file__name(name, run->streams[i].name, run->streams[i].made);
		if (!fstatat(run->folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && !st.st_size)
			unlinkat(run->folder, name, 0);
	}
}

void rotate__end(struct rotate_run **runs, uint32_t number)
{
	struct rotate_run *run;

	while (*runs && (*runs)->run != number)
		runs = &(*runs)->next;
	run = *runs;
	if (!run)
		return;
	*runs = run->next;
	drop_empty(run);
	free_run(run);
}

void rotate__free(struct rotate_run *runs)
{
	while (runs)
		rotate__end(&runs, runs->run);
}
