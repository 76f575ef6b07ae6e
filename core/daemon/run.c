/* SPDX-License-Identifier: BSD-2-Clause */
/* A run on disk. */
#include "core/daemon/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"

#define LATEST "latest"

/* Opens the output folder, after creating it unless it exists (its parent must). */
static int open_output(const char *output, uid_t uid, gid_t gid, struct error *err)
{
	bool made = !mkdir(output, 0750);
	int fd, code;

	if (!made && errno != EEXIST)
		return error__set(err, -errno, "%s: cannot create the output folder: %s", output, strerror(errno));
	fd = open(output, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY);
	if (fd < 0) {
		code = -errno;
		if (run__check_output(output, err) == -ELOOP)
			return -ELOOP;
		return error__set(err, code, "%s: cannot open the output folder: %s", output, strerror(-code));
	}
	if (made && uid != (uid_t)-1 && fchown(fd, uid, gid))
		log__warn("%s: cannot chown to UID %u: %s", output, uid, strerror(errno));
	return fd;
}

int run__check_output(const char *output, struct error *err)
{
	struct stat st;

	if (lstat(output, &st))
		return errno == ENOENT ? 0 : error__set(err, -errno, "%s: %s", output, strerror(errno));
	if (S_ISLNK(st.st_mode))
		return error__set(err, -ELOOP,
				  "%s: output folder is a symbolic link; use --output with the folder itself", output);
	if (!S_ISDIR(st.st_mode))
		return error__set(err, -ENOTDIR, "%s: exists but is not a directory; use another --output", output);
	if (access(output, W_OK | X_OK))
		return error__set(err, -errno, "%s: cannot write to the output folder: %s", output, strerror(errno));
	return 0;
}

/* NAME-20261122T031500Z, or NAME-20261122T031500Z-2 etc. if that exists. */
static int make_folder(struct run *run, int out, const struct run_opts *opts, struct error *err)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (unsigned i = 1; i < 10000; i++) {
		free(run->id);
		if ((i == 1 ? asprintf(&run->id, "%s-%s", opts->name, stamp)
			    : asprintf(&run->id, "%s-%s-%u", opts->name, stamp, i)) < 0) {
			run->id = NULL;
			return -ENOMEM;
		}
		if (!mkdirat(out, run->id, 0750))
			break;
		if (errno != EEXIST || i == 9999)
			return error__set(err, -errno, "%s/%s: cannot create the run's folder: %s", opts->output,
					  run->id, strerror(errno));
	}
	if (asprintf(&run->path, "%s/%s", opts->output, run->id) < 0) {
		run->path = NULL;
		return -ENOMEM;
	}
	run->dirfd = openat(out, run->id, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY);
	return run->dirfd < 0 ? error__set(err, -errno, "%s: %s", run->path, strerror(errno)) : 0;
}

static int open_streams(struct run *run, const struct run_opts *opts, struct error *err)
{
	run->writers = calloc(opts->streams_count + 1, sizeof(*run->writers));
	if (!run->writers)
		return -ENOMEM;
	for (size_t i = 0; i < opts->streams_count; i++) {
		struct stream_writer_opts stream = opts->streams[i];
		int code;

		stream.run = (struct stream_run){
			.id = run->id,
			.name = opts->name,
			.number = run->number,
			.tags = opts->tags,
			.command = opts->command,
		};
		code = stream_writer__open(&run->writers[i], run->dirfd, &stream);
		if (code)
			return error__set(err, code, "%s/%s" STREAM_SUFFIX ": cannot write the stream: %s", run->path,
					  stream.stream, strerror(-code));
		run->writers_count++;
	}
	return 0;
}

/* Changes the owner of the folder and of its streams. */
static void change_owner(const struct run *run, const struct run_opts *opts)
{
	char name[256];

	if (opts->uid == (uid_t)-1)
		return;
	for (size_t i = 0; i < opts->streams_count; i++) {
		snprintf(name, sizeof(name), "%s" STREAM_SUFFIX, opts->streams[i].stream);
		if (fchownat(run->dirfd, name, opts->uid, opts->gid, AT_SYMLINK_NOFOLLOW))
			log__warn("%s/%s: cannot chown to UID %u: %s", run->path, name, opts->uid, strerror(errno));
	}
	if (fchown(run->dirfd, opts->uid, opts->gid))
		log__warn("%s: cannot chown to UID %u: %s", run->path, opts->uid, strerror(errno));
}

/* Creates the link, atomically replacing an older link, but nothing else. */
static void link_latest(int out, const struct run *run, const struct run_opts *opts)
{
	struct stat st;
	char name[64];

	if (!fstatat(out, LATEST, &st, AT_SYMLINK_NOFOLLOW) && !S_ISLNK(st.st_mode)) {
		log__warn("%s/" LATEST ": exists but is not a symbolic link; not replaced", opts->output);
		return;
	}
	snprintf(name, sizeof(name), "." LATEST ".%d", getpid());
	if (symlinkat(run->id, out, name) || renameat(out, name, out, LATEST)) {
		log__warn("%s/" LATEST ": cannot create the link: %s", opts->output, strerror(errno));
		unlinkat(out, name, 0);
	} else if (opts->uid != (uid_t)-1 && fchownat(out, LATEST, opts->uid, opts->gid, AT_SYMLINK_NOFOLLOW)) {
		log__warn("%s/" LATEST ": cannot chown to UID %u: %s", opts->output, opts->uid, strerror(errno));
	}
}

static void remove_folder(struct run *run, int out, const struct run_opts *opts)
{
	char name[256];

	for (size_t i = 0; run->dirfd >= 0 && i < opts->streams_count; i++) {
		snprintf(name, sizeof(name), "%s" STREAM_SUFFIX, opts->streams[i].stream);
		unlinkat(run->dirfd, name, 0);
	}
	if (run->dirfd >= 0)
		unlinkat(out, run->id, AT_REMOVEDIR);
}

int run__open(struct run **result, const struct run_opts *opts, struct error *err)
{
	struct run *run = calloc(1, sizeof(*run));
	uint64_t dropped = 0;
	int out, code;

	if (!run)
		return error__set(err, -ENOMEM, "out of memory");
	run->dirfd = -1;
	run->number = opts->number;
	out = open_output(opts->output, opts->uid, opts->gid, err);
	if (out < 0) {
		free(run);
		return out;
	}
	code = make_folder(run, out, opts, err);
	if (!code)
		code = open_streams(run, opts, err);
	if (code) {
		remove_folder(run, out, opts);
		run__close(run, &dropped);
	} else {
		link_latest(out, run, opts);
		change_owner(run, opts);
		*result = run;
	}
	close(out);
	return code;
}

int run__flush(struct run *run)
{
	int first = 0;

	for (size_t i = 0; i < run->writers_count; i++) {
		int err = stream_writer__flush(run->writers[i]);

		if (err && !first)
			first = err;
	}
	return first;
}

int run__close(struct run *run, uint64_t *dropped)
{
	int first = 0;

	if (!run)
		return 0;
	for (size_t i = 0; i < run->writers_count; i++) {
		uint64_t before;
		int err;

		stream_writer__flush(run->writers[i]);
		before = stream_writer__dropped(run->writers[i]);
		err = stream_writer__close(run->writers[i]);
		*dropped += before;
		if (err && !first)
			first = err;
	}
	if (run->dirfd >= 0)
		close(run->dirfd);
	free(run->writers);
	free(run->path);
	free(run->id);
	free(run);
	return first;
}
