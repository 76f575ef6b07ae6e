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

#define ASK_NS 30000000000ull /* until the keeper is asked again for what it has not answered */

/* For each of its segments. */
static struct stream_writer_opts stream_opts(const struct run *run, size_t stream)
{
	struct stream_writer_opts opts = run->streams[stream];

	opts.run = run->head;
	return opts;
}

static int open_streams(struct run *run, const struct run_opts *opts, int *files, struct error *err)
{
	run->writers = calloc(opts->streams_count + 1, sizeof(*run->writers));
	run->errors = calloc(opts->streams_count + 1, sizeof(*run->errors));
	run->left = calloc(opts->streams_count + 1, sizeof(*run->left));
	run->segments = calloc(opts->streams_count + 1, sizeof(*run->segments));
	if (!run->writers || !run->errors || !run->left || !run->segments)
		return error__set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < opts->streams_count; i++) {
		struct stream_writer_opts stream = stream_opts(run, i);
		int code, fd = files[i];

		run->segments[i] = (struct run_segment){.next = -1, .last = -1, .due = run->segment};
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
		if (run->segments[i].next >= 0)
			close(run->segments[i].next);
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
	free(run->segments);
	free(run->name);
	free(run->user);
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

/* The files that streams do not write any more. Whether there are any. */
static bool sync_last(struct run *run)
{
	bool any = false;

	for (size_t i = 0; i < run->writers_count; i++) {
		int *last = &run->segments[i].last;

		if (*last < 0)
			continue;
		any = true;
		if (fdatasync(*last) && errno != EINVAL)
			run->errors[i] = -errno;
		close(*last);
		*last = -1;
	}
	return any;
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
	if (sync_last(run) || run->outfd >= 0)
		sync_folder(run, run->dirfd);
	if (run->outfd < 0)
		return;
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
	run->segment = opts->segment;
	run->streams = opts->streams;
	run->sync = (struct syncer_job){.work = sync_all, .arg = run};
	run->close = (struct syncer_job){.work = close_all, .arg = run};
	run->synced_at = clock__boot();
	run->id = strdup(opts->id);
	run->path = strdup(opts->path);
	run->outfd = opts->fds[0];
	run->dirfd = opts->fds[1];
	opts->fds[0] = opts->fds[1] = -1;
	run->name = strdup(opts->name);
	run->user = opts->user ? strdup(opts->user) : NULL;
	run->head = (struct stream_run){
		.id = run->id,
		.name = run->name,
		.number = run->number,
		.uid = run->uid,
		.user = run->user,
		.job = opts->job,
		.tags = opts->tags,
		.command = opts->command,
	};
	code = run->id && run->path && run->name ? open_streams(run, opts, opts->fds + RUN_FOLDERS, err)
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

/* ---- segments ---- */

bool run__wants_segment(struct run *run, size_t *stream)
{
	uint64_t now = clock__boot();

	for (size_t i = 0; run->segment && i < run->writers_count; i++) {
		struct run_segment *of = &run->segments[i];

		if (of->next >= 0 || stream_writer__segment_bytes(run->writers[i]) < of->due ||
		    (of->asked_at && now - of->asked_at < ASK_NS))
			continue;
		of->asked_at = now;
		*stream = i;
		return true;
	}
	return false;
}

bool run__take_segment(struct run *run, size_t stream, int fd)
{
	struct run_segment *of = &run->segments[stream];
	struct stat st;

	if (!of->asked_at || of->next >= 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size)
		return false;
	of->asked_at = 0;
	of->next = fd;
	return true;
}

void run__refuse_segment(struct run *run, size_t stream, const char *why)
{
	struct run_segment *of = &run->segments[stream];

	of->asked_at = 0;
	of->due = stream_writer__segment_bytes(run->writers[stream]) + run->segment;
	if (!run->refused_segment)
		log__warn("%s: no further file for the stream %s: %s; it goes on in the one that it has", run->path,
			  run->streams[stream].stream, why);
	run->refused_segment = true;
}

bool run__has_last(const struct run *run)
{
	for (size_t i = 0; run->segment && i < run->writers_count && !run->syncing; i++)
		if (run->segments[i].last >= 0)
			return true;
	return false;
}

/* Not while the syncer has the descriptors. */
static void go_on(struct run *run, size_t stream)
{
	const struct stream_writer_opts opts = stream_opts(run, stream);
	struct run_segment *of = &run->segments[stream];
	int last;

	if (of->next < 0 || of->last >= 0 || run->syncing)
		return;
	last = stream_writer__go_on(run->writers[stream], of->next, &opts);
	if (last == -EAGAIN)
		return;
	if (last < 0) {
		close(of->next);
		run__refuse_segment(run, stream, strerror(-last));
	} else {
		of->last = last;
		of->due = run->segment;
	}
	of->next = -1;
}

int run__flush(struct run *run, uint64_t wait)
{
	int first = 0, err;

	run__report_left(run, false);
	for (size_t i = 0; i < run->writers_count; i++) {
		err = stream_writer__flush(run->writers[i]);
		first = first ? first : err;
		go_on(run, i);
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
