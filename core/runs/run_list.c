/* SPDX-License-Identifier: BSD-2-Clause */
/* The runs of a folder: finds and opens the streams, which a process without rights reads. */
#include "core/runs/run_list.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/runs/run_look.h"
#include "core/runs/store_run.h"
#include "core/text.h"

#define BATCH_FILES 128 /* open at once */

struct batch {
	struct listed *runs;
	struct run_file files[BATCH_FILES];
	size_t count;
};

/* Of the process without rights. */
static int look_at_all(void *arg)
{
	struct batch *batch = arg;

	for (size_t i = 0; i < batch->count; i++)
		run__look(&batch->runs[batch->files[i].run], &batch->files[i]);
	return EXIT_DONE;
}

/* The process without rights has copies of the descriptors: those of this one stay. */
static int finish_batch(struct batch *batch, const struct account *account)
{
	int code = batch->count ? account__call(account, look_at_all, batch) : EXIT_DONE;

	for (size_t i = 0; i < batch->count && account->apart; i++) {
		close(batch->files[i].fd);
		if (batch->files[i].last >= 0)
			close(batch->files[i].last);
		if (batch->files[i].before >= 0)
			close(batch->files[i].before);
	}
	batch->count = 0;
	return code == EXIT_DONE ? 0 : -EIO;
}

struct opening {
	struct batch *batch;
	const struct account *account;
	struct listed *run;
};

struct last {
	const char *stream;
	size_t length;
	uint32_t segment;
};

static int compare_last(int folder, const char *name, void *arg)
{
	struct last *last = arg;
	uint32_t segment = stream_file__segment_of(name, last->stream, last->length);

	(void)folder;
	if (segment > last->segment)
		last->segment = segment;
	return 0;
}

/* The last segment of the stream whose first one this is. A descriptor, -1 if that is the only one, or -errno. The one before
 * that in *before, -1 if that is the first one or gone. */
static int open_last(int folder, const char *name, int *before)
{
	struct last last = {.stream = name, .segment = 1};
	char stream[STREAM_FILE_NAME], second[STREAM_FILE_NAME];
	int rc;

	stream_file__segment(name, &last.length);
	snprintf(stream, sizeof(stream), "%.*s", (int)last.length, name);
	stream_file__name(second, stream, 2);
	*before = -1;
	if (faccessat(folder, second, F_OK, AT_SYMLINK_NOFOLLOW))
		return -1;
	rc = dir__each(folder, compare_last, &last);
	if (!rc && last.segment > 2) {
		stream_file__name(second, stream, last.segment - 1);
		*before = stream_file__open(folder, second);
	}
	stream_file__name(second, stream, last.segment);
	return rc ? rc : stream_file__open(folder, second);
}

/* Of a stream in segments the first and the last one are read. */
static int open_stream(int folder, const char *name, void *arg)
{
	struct opening *opening = arg;
	struct batch *batch = opening->batch;
	struct stat st;
	struct run_file file = {.run = opening->run - batch->runs};
	size_t length;
	int fd;

	if (!stream_file__is_name(name))
		return 0;
	if (batch->count == BATCH_FILES && finish_batch(batch, opening->account))
		return -EIO;
	fd = stream_file__open(folder, name);
	if (fd < 0 || fstat(fd, &st)) {
		snprintf(opening->run->why, sizeof(opening->run->why), "%.64s: %s", name,
			 strerror(fd < 0 ? -fd : errno));
		return 0;
	}
	opening->run->bytes += st.st_size;
	if (stream_file__segment(name, &length) > 1) {
		close(fd);
		return 0;
	}
	file.fd = fd;
	file.last = open_last(folder, name, &file.before);
	batch->files[batch->count++] = file;
	return 0;
}

static int open_run(struct opening *opening, int folder)
{
	int fd = dir__open(folder, opening->run->id), rc = fd < 0 ? fd : dir__each(fd, open_stream, opening);

	if (fd >= 0)
		close(fd);
	if (rc && rc != -EIO)
		snprintf(opening->run->why, sizeof(opening->run->why), "%s", strerror(-rc));
	return rc == -EIO ? rc : 0;
}

struct names {
	char **list;
	size_t count;
};

static int holds_stream(int folder, const char *name, void *arg)
{
	(void)folder;
	(void)arg;
	return stream_file__is_name(name);
}

/* Folders with a stream in them, and those of a run's name that cannot be looked into. */
static int add_name(int folder, const char *name, void *arg)
{
	struct names *names = arg;
	char **list;
	int fd = *name == '.' ? -ENOENT : dir__open(folder, name), holds;

	holds = fd >= 0 ? dir__each(fd, holds_stream, NULL) : fd == -EACCES && store_run__is_name(name);
	if (fd >= 0)
		close(fd);
	if (holds <= 0)
		return 0;
	list = reallocarray(names->list, names->count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	names->list = list;
	list[names->count] = strdup(name);
	return list[names->count] ? (names->count++, 0) : -ENOMEM;
}

/* By the begin; those that could not be read by their names, which have one. */
static int newest_first(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = x->read && y->read ? (x->began_ns < y->began_ns) - (x->began_ns > y->began_ns) : 0;

	return order				  ? order
	       : store_run__compare(y->id, x->id) ? store_run__compare(y->id, x->id)
						  : strcmp(x->id, y->id);
}

/* Forged streams may have taken over the process that filled it. */
static void end_strings(struct listed *run)
{
	run->why[sizeof(run->why) - 1] = run->name[sizeof(run->name) - 1] = run->host[sizeof(run->host) - 1] = '\0';
	run->version[sizeof(run->version) - 1] = run->tags[sizeof(run->tags) - 1] = '\0';
	run->id[sizeof(run->id) - 1] = run->command[sizeof(run->command) - 1] = '\0';
}

/* A stream that is gone may have had no end. */
static void end_life(struct listed *run)
{
	if ((unsigned)run->life > STREAM_RUNNING || (run->life == STREAM_ENDED && run->streams < run->recorded))
		run->life = STREAM_UNKNOWN;
}

static int read_all(struct run_list *list, int folder, const struct names *names, const struct account *account)
{
	size_t size = (names->count + 1) * sizeof(*list->runs);
	struct batch batch = {0};
	int rc = 0;

	list->runs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (list->runs == MAP_FAILED) {
		list->runs = NULL;
		return -errno;
	}
	list->count = names->count;
	batch.runs = list->runs;
	for (size_t i = 0; i < names->count && !rc; i++) {
		struct opening opening = {&batch, account, &list->runs[i]};
		uint64_t null = EVENT_NULL(EVENT_REASON_LOST);

		list->runs[i] = (struct listed){.life = STREAM_UNKNOWN,
						.uid = STREAM_NO_UID,
						.began_ns = null,
						.wall_ns = null,
						.exit_code = null,
						.signal = null,
						.processes = null,
						.nonzero = null};
		snprintf(list->runs[i].id, sizeof(list->runs[i].id), "%s", names->list[i]);
		rc = open_run(&opening, folder);
	}
	rc = finish_batch(&batch, account) ? -EIO : rc;
	for (size_t i = 0; i < list->count; i++) {
		end_strings(&list->runs[i]);
		end_life(&list->runs[i]);
	}
	qsort(list->runs, list->count, sizeof(*list->runs), newest_first);
	return rc;
}

int run_list__read(struct run_list *list, const char *folder, const struct account *account, struct error *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	struct names names = {0};

	*list = (struct run_list){0};
	rc = fd < 0 ? -errno : dir__each(fd, add_name, &names);
	if (!rc)
		rc = read_all(list, fd, &names, account);
	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < names.count; i++)
		free(names.list[i]);
	free(names.list);
	return rc ? error__set(err, rc, "%s: %s", folder, strerror(-rc)) : 0;
}

void run_list__free(struct run_list *list)
{
	if (list->runs)
		munmap(list->runs, (list->count + 1) * sizeof(*list->runs));
}

const char *listed__result(const struct listed *run)
{
	if (!EVENT_IS_NULL(run->signal))
		return run->signal == SIGINT || run->signal == SIGTERM ? "cancellation"
		       : run->signal == SIGKILL			       ? NULL
								       : "failure";
	if (EVENT_IS_NULL(run->exit_code))
		return NULL;
	return !run->exit_code ? "success" : run->exit_code == 124 && run->timed ? "timeout" : "failure";
}
