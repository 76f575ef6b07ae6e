/* SPDX-License-Identifier: BSD-2-Clause */
/* A run on disk. */
#include "core/daemon/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/log.h"

static int open_streams(struct run *run, const struct run_opts *opts, int *files, struct error *err)
{
	run->writers = calloc(opts->streams_count + 1, sizeof(*run->writers));
	run->errors = calloc(opts->streams_count + 1, sizeof(*run->errors));
	run->left = calloc(opts->streams_count + 1, sizeof(*run->left));
	if (!run->writers || !run->errors || !run->left)
		return error__set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < opts->streams_count; i++) {
		struct stream_writer_opts stream = opts->streams[i];
		int code, fd = files[i];

		stream.run = (struct stream_run){
			.id = run->id,
			.name = opts->name,
			.number = run->number,
			.uid = run->uid,
			.user = opts->user,
			.tags = opts->tags,
			.command = opts->command,
		};
		files[i] = -1;
		code = stream_writer__open_fd(&run->writers[i], fd, &stream);
		if (code)
			return error__set(err, code, "%s/%s" STREAM_SUFFIX ": cannot write the stream: %s", run->path,
					  stream.stream, strerror(-code));
		run->writers_count++;
	}
	return 0;
}

/* Closes the streams, and with them the folders. 0 or the first -errno. */
static int close_streams(struct run *run)
{
	int first = 0;

	for (size_t i = 0; i < run->writers_count; i++) {
		int err = stream_writer__close(run->writers[i]);

		if (err && !first)
			first = err;
	}
	if (run->dirfd >= 0)
		close(run->dirfd);
	if (run->outfd >= 0)
		close(run->outfd);
	return first;
}

static void run__free(struct run *run)
{
	free(run->writers);
	free(run->errors);
	free(run->left);
	free(run->path);
	free(run->id);
	free(run);
}

/* ---- on the syncer's thread ---- */

/* A folder's entries. EINVAL: this file system cannot wait for them. */
static void sync_folder(struct run *run, int fd)
{
	if (fd >= 0 && fsync(fd) && errno != EINVAL && !run->folder_error)
		run->folder_error = -errno;
}

static void sync_all(void *arg)
{
	struct run *run = arg;

	for (size_t i = 0; i < run->writers_count; i++)
		stream_writer__start_sync(run->writers[i]);
	for (size_t i = 0; i < run->writers_count; i++) {
		int err = stream_writer__sync(run->writers[i]);

		if (err)
			run->errors[i] = err;
	}
	if (run->outfd < 0)
		return;
	sync_folder(run, run->dirfd);
	sync_folder(run, run->outfd);
	close(run->outfd);
	run->outfd = -1;
}

static bool note_errors(struct run *run)
{
	bool any = false;

	for (size_t i = 0; i < run->writers_count; i++) {
		if (run->errors[i])
			stream_writer__unsynced(run->writers[i], run->errors[i], run->synced_at);
		any = any || run->errors[i];
	}
	return any;
}

/* The streams have ended: a loss that is noted now is followed by another end. */
static void close_all(void *arg)
{
	struct run *run = arg;

	sync_all(run);
	note_errors(run);
	close_streams(run);
}

/* ---- from start to end ---- */

/* The keeper's answer may be forged: what is not a regular file could hold up the writer. */
static int check_descriptors(const struct run_opts *opts, struct error *err)
{
	struct stat st;

	for (size_t i = 0; i < opts->streams_count + RUN_FOLDERS; i++)
		if (fstat(opts->fds[i], &st) || !(i < RUN_FOLDERS ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)))
			return error__set(err, -EBADMSG, "%s: not the run's files", opts->path);
	return 0;
}

int run__open(struct run **result, const struct run_opts *opts, struct error *err)
{
	int code = check_descriptors(opts, err);
	struct run *run = code ? NULL : calloc(1, sizeof(*run));

	if (!run)
		return code ? code : error__set(err, -ENOMEM, "out of memory");
	run->number = opts->number;
	run->uid = opts->uid;
	run->limit = opts->limit;
	run->streams = opts->streams;
	run->sync = (struct syncer_job){.work = sync_all, .arg = run};
	run->close = (struct syncer_job){.work = close_all, .arg = run};
	run->synced_at = clock__boot();
	run->id = strdup(opts->id);
	run->path = strdup(opts->path);
	run->outfd = opts->fds[0];
	run->dirfd = opts->fds[1];
	opts->fds[0] = opts->fds[1] = -1;
	code = run->id && run->path ? open_streams(run, opts, opts->fds + RUN_FOLDERS, err)
				    : error__set(err, -ENOMEM, "out of memory");
	if (code) {
		close_streams(run);
		run__free(run);
		return code;
	}
	*result = run;
	return 0;
}

static uint64_t latest_of(const struct run *run)
{
	uint64_t latest = 0;

	for (size_t i = 0; i < run->writers_count; i++)
		if (stream_writer__latest(run->writers[i]) > latest)
			latest = stream_writer__latest(run->writers[i]);
	return latest;
}

bool run__lacks_mark(const struct run *run)
{
	uint64_t latest = latest_of(run);

	for (size_t i = 0; i < run->writers_count; i++)
		if (stream_writer__marked(run->writers[i]) < latest)
			return true;
	return false;
}

/* An idle stream does not hold back a reader that follows the run. */
static int mark_streams(struct run *run, uint64_t wait)
{
	uint64_t latest = latest_of(run), now = clock__boot();
	int first = 0;

	if (now - run->marked_at < wait || !run__lacks_mark(run))
		return 0;
	run->marked_at = now;
	for (size_t i = 0; i < run->writers_count; i++) {
		int err = 0;

		if (stream_writer__marked(run->writers[i]) < latest)
			err = stream_writer__mark(run->writers[i]);
		first = first ? first : err;
	}
	return first;
}

int run__flush(struct run *run, uint64_t until, uint64_t wait)
{
	int first = 0, err;

	run__report_left(run, false);
	for (size_t i = 0; i < run->writers_count; i++) {
		stream_writer__reached(run->writers[i], until);
		err = stream_writer__flush(run->writers[i]);
		first = first ? first : err;
	}
	err = mark_streams(run, wait);
	return first ? first : err;
}

/* What is written to a deleted file is gone, and no write fails. */
static int check_deleted(const struct run *run)
{
	struct stat st;
	int err = 0;

	if (!run->writers_count || fstat(run->dirfd, &st))
		return 0;
	if (!st.st_nlink) {
		log__error("%s: the run's folder was deleted during the run; its record is lost", run->path);
		return -ENOENT;
	}
	for (size_t i = 0; i < run->writers_count; i++) {
		if (!stream_writer__deleted(run->writers[i]))
			continue;
		log__error("%s/%s" STREAM_SUFFIX ": the stream was deleted during the run; its events are lost",
			   run->path, run->streams[i].stream);
		err = -ENOENT;
	}
	return err;
}

static uint64_t bytes_of(const struct run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->writers_count; i++)
		bytes += stream_writer__bytes(run->writers[i]);
	return bytes;
}

bool run__is_new(const struct run *run)
{
	return bytes_of(run) != run->syncing_bytes;
}

void run__sync(struct run *run, struct syncer *syncer)
{
	if (run->syncing || !run__is_new(run))
		return;
	run->syncing = true;
	run->syncing_bytes = bytes_of(run);
	run->syncing_at = clock__boot();
	syncer__add(syncer, &run->sync);
}

int run__end(struct run *run, struct syncer *syncer, bool broken_off, uint64_t *dropped)
{
	int first = check_deleted(run);

	run__report_left(run, true);
	for (size_t i = 0; i < run->writers_count; i++) {
		int err;

		stream_writer__flush(run->writers[i]);
		*dropped += stream_writer__dropped(run->writers[i]);
		if (broken_off)
			stream_writer__break_off(run->writers[i]);
		err = broken_off ? stream_writer__error(run->writers[i]) : stream_writer__end(run->writers[i]);
		if (err && !first)
			first = err;
	}
	run->ended = true;
	syncer__add(syncer, &run->close);
	return first;
}

static int log_errors(struct run *run)
{
	int first = run->folder_error;

	for (size_t i = 0; i < run->writers_count && !first; i++)
		first = run->errors[i];
	if (first && !run->failed)
		log__error("%s: cannot be brought to the disk: %s; it may lose events when the machine stops",
			   run->path, strerror(-first));
	run->failed = run->failed || first;
	return first;
}

int run__synced(struct syncer_job *job)
{
	struct run *run = job->arg;
	int err;

	if (job == &run->sync && run->ended)
		return 0; /* the errors are with the syncer, which also closes the run */
	err = log_errors(run);
	if (run->ended) {
		run__free(run);
		return err;
	}
	run->syncing = false;
	if (!note_errors(run))
		run->synced_at = run->syncing_at;
	memset(run->errors, 0, run->writers_count * sizeof(*run->errors));
	run->folder_error = 0;
	return err;
}
