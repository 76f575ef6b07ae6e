/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder of a sink's cursors: its lock, and files that are replaced as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/resume/resume.h"
#include "core/text.h"

#define LOCK ".lock" /* no name of a host */
#define LOCK_WAIT_MS 1000
#define LOCK_RETRY_MS 10
#define SWEEP_S 86400

/* ---- the folder ---- */

/* Makes a folder for the account. A descriptor or -errno. */
static int open_folder(int in, const char *name, const struct account *account)
{
	bool made = !mkdirat(in, name, 0700);
	int fd = made || errno == EEXIST ? dir__open(in, name) : -errno, rc;

	if (fd < 0 || !made || !account)
		return fd;
	rc = account__give(account, fd);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

/* The process without rights of a follower that was killed holds the lock until the kernel has ended it, too. */
static int take_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int waited = 0; fcntl(fd, F_OFD_SETLK, &lock); waited += LOCK_RETRY_MS) {
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		if (waited >= LOCK_WAIT_MS)
			return -EBUSY;
		poll(NULL, 0, LOCK_RETRY_MS);
	}
	return 0;
}

static int open_lock(int folder, const struct account *account)
{
	int fd = openat(folder, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -errno;
	rc = account ? account__give(account, fd) : 0;
	if (!rc)
		rc = take_lock(fd);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int resume__open(struct resume *resume, const char *path, const char *sink, const struct account *account,
		 struct error *err)
{
	int top;

	*resume = (struct resume){.folder = -1, .lock = -1, .path = path};
	snprintf(resume->sink, sizeof(resume->sink), "%s", sink);
	top = open_folder(AT_FDCWD, path, account);
	if (top < 0)
		return error__set(err, top, "--cursor %s: %s", path, strerror(-top));
	resume->folder = open_folder(top, sink, account);
	close(top);
	if (resume->folder < 0)
		return error__set(err, resume->folder, "--cursor %s/%s: %s", path, sink, strerror(-resume->folder));
	resume->lock = open_lock(resume->folder, account);
	if (resume->lock == -EBUSY)
		return error__set(err, -EBUSY, "--cursor %s/%s: another follower uses it: give each one its own", path,
				  sink);
	if (resume->lock < 0)
		return error__set(err, resume->lock, "--cursor %s/%s/" LOCK ": %s", path, sink,
				  strerror(-resume->lock));
	return 0;
}

void resume__close(struct resume *resume)
{
	if (!resume->path)
		return;
	if (resume->folder >= 0)
		close(resume->folder);
	if (resume->lock >= 0)
		close(resume->lock);
	resume->path = NULL;
}

/* ---- files ---- */

static void set_key(struct resume_key *key, const struct resume *resume, const struct stream_info *info)
{
	key->sink = resume->sink;
	resume_point__name(info->host, key->host);
	resume_point__name(info->run.id, key->run);
}

int resume__load(const struct resume *resume, const struct stream_info *info, struct resume_point *point)
{
	struct resume_key key;
	int folder, rc;

	*point = (struct resume_point){0};
	set_key(&key, resume, info);
	folder = dir__open(resume->folder, key.host);
	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	rc = resume_point__read(folder, &key, point);
	if (rc == 1)
		utimensat(folder, key.run, NULL, AT_SYMLINK_NOFOLLOW); /* in use: see resume__sweep() */
	close(folder);
	return rc;
}

static int replace(int folder, const char *name, const struct text *text)
{
	int fd = openat(folder, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return -errno;
	rc = write_all(fd, text->data, text->size);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && renameat(folder, ".new", folder, name))
		rc = -errno;
	if (rc)
		unlinkat(folder, ".new", 0);
	return rc;
}

int resume__save(struct resume *resume, const struct stream_info *info, const struct resume_point *point)
{
	struct text text = {0};
	struct resume_key key;
	int folder, rc;

	set_key(&key, resume, info);
	resume_point__put(&text, &key, point);
	folder = open_folder(resume->folder, key.host, NULL);
	rc = folder < 0 ? folder : text.error ? -ENOMEM : replace(folder, key.run, &text);
	if (folder >= 0)
		close(folder);
	text__free(&text);
	if (rc && !resume->failed)
		log__warn("--cursor %s/%s/%s/%s: cannot be saved: %s; after a restart, more is sent again",
			  resume->path, resume->sink, key.host, key.run, strerror(-rc));
	resume->failed = rc;
	return rc;
}

struct drop {
	char run[RESUME_NAME];
};

static int drop_in(int folder, const char *name, void *arg)
{
	const struct drop *drop = arg;
	int host = dir__open(folder, name);

	if (host < 0)
		return 0; /* the lock */
	unlinkat(host, drop->run, 0);
	close(host);
	return 0;
}

void resume__drop(const struct resume *resume, const char *run)
{
	struct drop drop;

	if (!resume->path)
		return;
	resume_point__name(run, drop.run);
	dir__each(resume->folder, drop_in, &drop);
}

static int sweep_one(int folder, const char *name, void *arg)
{
	const time_t *before = arg;
	struct stat st;

	if (!fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && st.st_mtime < *before)
		unlinkat(folder, name, 0);
	return 0;
}

static int sweep_in(int folder, const char *name, void *arg)
{
	int host = dir__open(folder, name);

	if (host < 0)
		return 0; /* the lock */
	dir__each(host, sweep_one, arg);
	close(host);
	return 0;
}

void resume__sweep(const struct resume *resume)
{
	time_t before = time(NULL) - SWEEP_S;

	dir__each(resume->folder, sweep_in, &before);
}
