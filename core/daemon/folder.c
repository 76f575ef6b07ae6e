/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a run's folder. */
#include "core/daemon/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"
#include "core/runs/runs.h"
#include "core/stream.h"

#define NAME_SIZE 256
#define NAMES 9999 /* of runs that begin in the same second */

/* What is written goes to descriptors, and nothing is overwritten: the record is safe from these, its place is not. */
static void warn_place(const char *output, const struct stat *st, uid_t owner)
{
	if (st->st_mode & S_IWOTH && !(st->st_mode & S_ISVTX))
		log__warn("%s: every user can write to the output folder, and so replace or remove a run in it",
			  output);
	else if (st->st_uid && st->st_uid != geteuid() && st->st_uid != owner)
		log__warn("%s: UID %u owns the output folder, and so can replace or remove a run in it", output,
			  st->st_uid);
}

int folder__check_output(const char *output, uid_t owner, struct error *err)
{
	struct stat st;
	bool made;
	int fd = output__open(output, 0, &made, err), code = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (faccessat(fd, ".", W_OK | X_OK, 0) || fstat(fd, &st))
		code = error__set(err, -errno, "%s: cannot write to the output folder: %s", output, strerror(errno));
	else
		warn_place(output, &st, owner);
	close(fd);
	return code;
}

static void warn_owner(const char *path, const char *name, uid_t uid)
{
	log__warn("%s%s%s: cannot chown to UID %u: %s", path, *name ? "/" : "", name, uid, strerror(errno));
}

static mode_t folder_mode(const struct folder_opts *opts)
{
	return opts->group_reads ? 0750 : 0700;
}

int folder__open_output(const struct folder_opts *opts, struct error *err)
{
	bool made;
	int fd = output__open(opts->output, folder_mode(opts), &made, err);

	if (fd >= 0 && made && opts->uid != (uid_t)-1 && fchown(fd, opts->uid, opts->gid))
		warn_owner(opts->output, "", opts->uid);
	return fd;
}

int folder__become_owner(const struct folder_opts *opts)
{
	struct error err;
	struct stat st;
	int fd = folder__open_output(opts, &err), rc = 0;

	if (fd < 0) {
		log__error("%s", err.text);
		return fd;
	}
	caps__empty_bounding_set(); /* where cap_setpcap allows it */
	if (!fstat(fd, &st) && st.st_uid) {
		rc = !setgroups(0, NULL) && !setgid(st.st_gid) && !setuid(st.st_uid);
		if (!rc)
			log__warn("%s: cannot become its owner, UID %u: %s", opts->output, st.st_uid, strerror(errno));
	}
	close(fd);
	return rc;
}

/* Its name until it is kept. */
static const char *hidden(const char *id, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, ".%s", id);
	return name;
}

/*
 * NAME-20261122T031500Z-PID: runs of one host that begin in the same second have different names in other folders too, as a
 * lake and queries know a run by its name and host. Where that exists, as several runs of a daemon do, the next number.
 */
static int make_folder(struct folder *f, const struct folder_opts *opts, struct error *err)
{
	time_t now = time(NULL);
	unsigned number = getpid();
	char stamp[32], name[NAME_SIZE];
	struct stat st;
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 1; f->dirfd < 0; i++, number++) {
		free(f->id);
		if (asprintf(&f->id, "%s-%s-%u", opts->name, stamp, number) < 0) {
			f->id = NULL;
			return -ENOMEM;
		}
		if (!fstatat(f->outfd, f->id, &st, AT_SYMLINK_NOFOLLOW))
			errno = EEXIST;
		else if (!mkdirat(f->outfd, hidden(f->id, name), folder_mode(opts)))
			f->dirfd = openat(f->outfd, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY);
		if (f->dirfd < 0 && (errno != EEXIST || i == NAMES))
			return error__set(err, -errno, "%s/%s: cannot create the run's folder: %s", opts->output, f->id,
					  strerror(errno));
	}
	if (asprintf(&f->path, "%s/%s", opts->output, f->id) < 0) {
		f->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static const char *file_of(const char *stream, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s" STREAM_SUFFIX, stream);
	return name;
}

static int make_files(struct folder *f, const struct folder_opts *opts, const char *const *streams, size_t count,
		      struct error *err)
{
	char name[NAME_SIZE];

	f->files = calloc(count + 1, sizeof(*f->files));
	if (!f->files)
		return -ENOMEM;
	for (; f->count < count; f->count++) {
		int fd = openat(f->dirfd, file_of(streams[f->count], name),
				O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, opts->group_reads ? 0640 : 0600);

		if (fd < 0)
			return error__set(err, -errno, "%s/%s: cannot create the stream: %s", f->path, name,
					  strerror(errno));
		f->files[f->count] = fd;
		if (opts->uid != (uid_t)-1 && fchown(fd, opts->uid, opts->gid))
			warn_owner(f->path, name, opts->uid);
	}
	if (opts->uid != (uid_t)-1 && fchown(f->dirfd, opts->uid, opts->gid))
		warn_owner(f->path, "", opts->uid);
	return 0;
}

int folder__make(struct folder *f, const struct folder_opts *opts, const char *const *streams, size_t count,
		 struct error *err)
{
	int code;

	*f = (struct folder){.outfd = -1, .dirfd = -1};
	error__set(err, 0, "out of memory");
	f->outfd = folder__open_output(opts, err);
	code = f->outfd < 0 ? f->outfd : make_folder(f, opts, err);
	if (!code)
		code = make_files(f, opts, streams, count, err);
	if (code) {
		folder__remove(f, streams);
		folder__close(f);
	}
	return code;
}

/* Creates the link, atomically replacing an older link, but nothing else. */
static void link_latest(const struct folder *f, const struct folder_opts *opts)
{
	int err = store_run__link_latest(f->outfd, f->id);

	if (err == -EEXIST)
		log__warn("%s/" STREAM_LATEST ": exists but is not a symbolic link; not replaced", opts->output);
	else if (err)
		log__warn("%s/" STREAM_LATEST ": cannot create the link: %s", opts->output, strerror(-err));
	else if (opts->uid != (uid_t)-1 && fchownat(f->outfd, STREAM_LATEST, opts->uid, opts->gid, AT_SYMLINK_NOFOLLOW))
		warn_owner(opts->output, STREAM_LATEST, opts->uid);
}

int folder__keep(const struct folder *f, const struct folder_opts *opts)
{
	char name[NAME_SIZE];
	int err;

	/* over nothing but an empty folder */
	if (renameat(f->outfd, hidden(f->id, name), f->outfd, f->id)) {
		err = -errno;
		log__error("%s: cannot be given its name, it stays %s: %s", f->path, name, strerror(errno));
		return err;
	}
	link_latest(f, opts);
	return 0;
}

void folder__remove(const struct folder *f, const char *const *streams)
{
	char name[NAME_SIZE];

	if (f->dirfd < 0)
		return;
	for (size_t i = 0; i < f->count; i++)
		unlinkat(f->dirfd, file_of(streams[i], name), 0);
	unlinkat(f->outfd, hidden(f->id, name), AT_REMOVEDIR);
}

void folder__close(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++)
		close(f->files[i]);
	if (f->dirfd >= 0)
		close(f->dirfd);
	if (f->outfd >= 0)
		close(f->outfd);
	free(f->files);
	free(f->path);
	free(f->id);
	*f = (struct folder){.outfd = -1, .dirfd = -1};
}
