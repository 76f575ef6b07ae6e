/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the headers and last blocks of the streams of all runs in a folder. */
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

#include "core/runs/run_job.h"
#include "core/runs/store_run.h"
#include "core/text.h"

#define WHOLE_BYTES (256U << 10) /* of a stream that is read to its end: longer ones have no counts */
#define BATCH_FILES 128		 /* open at once */
#define JOB_RECORDS 64		 /* in which the first program of a job is */

struct file {
	size_t run;
	int fd;
	int last;   /* of the stream's last segment; -1: it has one */
	int before; /* of the one before that; -1: that is the first one */
};

struct batch {
	struct listed *runs;
	struct file files[BATCH_FILES];
	size_t count;
};

/* ---- a stream, by the process without rights ---- */

/* Of the records read: the first one's process, and its end. */
struct seen {
	uint32_t pid;
	uint64_t start, last_ts, last_exit;
	uint64_t exits, nonzero, exit_code, signal;
	struct run_tasks tasks;
};

static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%.*s", (int)size - 1, text ? text : "");
}

static void put_header(struct listed *run, const struct stream_info *info)
{
	const char *const *command = info->run.command;
	struct text text = {0};
	size_t used = 0;

	copy(run->name, sizeof(run->name), info->run.name);
	copy(run->host, sizeof(run->host), info->host);
	copy(run->version, sizeof(run->version), info->collector);
	copy(run->job, sizeof(run->job), info->run.job);
	run->uid = info->run.uid;
	run->began_ns = info->real_ns;
	for (size_t i = 0; info->run.tags && info->run.tags[i] && used < sizeof(run->tags); i++)
		used += snprintf(run->tags + used, sizeof(run->tags) - used, "%s\n", info->run.tags[i]);
	for (size_t i = 0; command && command[i] && text.size < sizeof(run->command); i++) {
		text__printf(&text, "%s", i ? " " : "");
		text__argument(&text, command[i], strlen(command[i]));
	}
	copy(run->command, sizeof(run->command), text.data);
	run->timed = command && *command && !strcmp(basename(*command), "timeout");
	text__free(&text);
}

/* An event that says how a process ended: the one with an exit code. */
static void see_exit(struct seen *seen, const struct record *record, int code_field, int signal_field)
{
	struct value values[SCHEMA_FIELDS_MAX];
	bool coded, killed;

	if (record__values(record, values))
		return;
	coded = values[code_field].type == VALUE_UINT;
	killed = values[signal_field].type == VALUE_UINT;
	seen->exits++;
	seen->nonzero += killed || (coded && values[code_field].u);
	if (record->ts > seen->last_exit)
		seen->last_exit = record->ts;
	if (record->pid != seen->pid || record->start != seen->start)
		return;
	seen->exit_code = coded ? values[code_field].u : EVENT_NULL(EVENT_REASON_NONE);
	seen->signal = killed ? values[signal_field].u : EVENT_NULL(EVENT_REASON_NONE);
}

static void see(struct seen *seen, const struct record *record)
{
	int code = stream_event__field(record->event, "exit_code"),
	    number = stream_event__field(record->event, "signal");

	if (record->kind < SCHEMA_KIND_BASE)
		return;
	if (record->ts > seen->last_ts)
		seen->last_ts = record->ts;
	run_tasks__see(&seen->tasks, record);
	if (code >= 0 && number >= 0)
		see_exit(seen, record, code, number);
}

/* Of a run of the daemon its first program says it, or one of the next, if that is a batch system's. */
static void find_daemon_job(struct listed *run, struct seen *seen, struct stream_reader *reader, struct record *record)
{
	bool starter = run_job__is_starter(record);

	run_job__find(run->job, record);
	for (int i = 0; starter && !*run->job && i < JOB_RECORDS && stream_reader__next(reader, record) == 1; i++) {
		see(seen, record);
		run_job__find(run->job, record);
	}
}

/* Of what only carries a job, what it starts: that is at the beginning. */
static void see_tasks(struct seen *seen, struct stream_reader *reader, struct record *record)
{
	uint64_t done = 0, total;

	while (seen->tasks.pid && done < WHOLE_BYTES && stream_reader__next(reader, record) == 1) {
		see(seen, record);
		stream_reader__progress(reader, &done, &total);
	}
}

static bool find_event(struct stream_reader *reader, struct record *record)
{
	while (stream_reader__next(reader, record) == 1)
		if (record->kind >= SCHEMA_KIND_BASE)
			return true;
	return false;
}

/* The last block of the segment before the last one; -1: that is the first one. */
static void see_before(struct seen *seen, struct stream_reader *first, int *fd)
{
	struct stream_reader *before = first;
	struct record record;
	struct error err;

	if (*fd >= 0) {
		int code = stream_reader__open_fd(&before, *fd, "", &err);

		*fd = -1; /* it is the reader's, also if that fails */
		if (code)
			return;
	}
	if (!stream_reader__skip_to_last(before))
		while (stream_reader__next(before, &record) == 1)
			see(seen, &record);
	if (before != first)
		stream_reader__close(before);
}

/* The stream of ends has the run's first process first. Of a longer one only the last block follows: of `last`, which may be
 * another segment. If nothing came after that was begun, of the one before. */
static void put_ends(struct listed *run, struct stream_reader *reader, struct stream_reader *last, int *before,
		     bool whole)
{
	struct seen seen = {.exit_code = EVENT_NULL(EVENT_REASON_LOST), .signal = EVENT_NULL(EVENT_REASON_LOST)};
	const struct stream_state *state = stream_reader__state(last);
	const struct stream_info *info = stream_reader__info(reader);
	struct record record;
	uint64_t began = 0;

	if (find_event(reader, &record)) {
		seen.pid = record.pid;
		seen.start = record.start;
		/* an existing process has no begin in the run */
		began = record.start >= (uint64_t)info->boot_ns && record.start < record.ts ? record.start : record.ts;
		run->began_ns = record.real_ns - (record.ts - began);
		run_tasks__begin(&seen.tasks, &info->run, &record);
		see(&seen, &record);
		find_daemon_job(run, &seen, reader, &record);
	}
	if (!whole)
		see_tasks(&seen, reader, &record);
	if (!whole && stream_reader__skip_to_last(last))
		return;
	while (stream_reader__next(last, &record) == 1)
		see(&seen, &record);
	if (last != reader && !seen.last_exit)
		see_before(&seen, reader, before);
	if (!began)
		return;
	if (state->life == STREAM_RUNNING)
		seen.last_ts = state->until_ns;
	else if (seen.last_exit)
		seen.last_ts = seen.last_exit;
	run->wall_ns = seen.last_ts - began;
	run->exit_code = seen.exit_code;
	run->signal = seen.signal;
	run_tasks__end(&seen.tasks, whole, *run->job, &run->exit_code, &run->signal);
	if (whole && !state->lost && !state->uncounted) {
		run->processes = seen.exits;
		run->nonzero = seen.nonzero;
	}
}

static bool has_ends(const struct stream_info *info)
{
	for (uint32_t kind = SCHEMA_KIND_BASE; kind < info->events_count; kind++)
		if (info->events[kind].name && stream_event__field(&info->events[kind], "exit_code") >= 0)
			return true;
	return false;
}

static struct stream_reader *open_reader(struct listed *run, int fd)
{
	struct stream_reader *reader;
	struct error err;

	if (!stream_reader__open_fd(&reader, fd, "", &err))
		return reader;
	copy(run->why, sizeof(run->why), err.text);
	return NULL;
}

static enum stream_life life_of(const struct stream_reader *last)
{
	return stream_reader__goes_on(last) ? STREAM_UNKNOWN : stream_reader__state(last)->life;
}

static uint32_t count_streams(const struct stream_info *info)
{
	uint32_t count = 0;

	while (info->streams && info->streams[count])
		count++;
	return count;
}

static void look_at(struct listed *run, const struct file *file)
{
	struct record record;
	struct stat st;
	bool whole = file->last < 0 && !fstat(file->fd, &st) && st.st_size <= WHOLE_BYTES, ends;
	struct stream_reader *reader = open_reader(run, file->fd);
	struct stream_reader *last = file->last < 0 ? reader : open_reader(run, file->last);
	int before = file->before;

	if (reader && last) {
		ends = has_ends(stream_reader__info(reader));
		if (!run->read || ends)
			put_header(run, stream_reader__info(reader));
		if (ends)
			put_ends(run, reader, last, &before, whole);
		else if (!stream_reader__skip_to_last(last))
			while (stream_reader__next(last, &record) == 1)
				;
		run->life = stream_life__of_both(run->read ? run->life : STREAM_ENDED, life_of(last));
		run->read = true;
		run->streams++;
		run->recorded = count_streams(stream_reader__info(reader));
	}
	stream_reader__close(reader);
	if (last != reader)
		stream_reader__close(last);
	if (before >= 0)
		close(before);
}

static int look_at_all(void *arg)
{
	struct batch *batch = arg;

	for (size_t i = 0; i < batch->count; i++)
		look_at(&batch->runs[batch->files[i].run], &batch->files[i]);
	return EXIT_DONE;
}

/* ---- the files ---- */

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
	struct file file = {.run = opening->run - batch->runs};
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
		copy(opening->run->why, sizeof(opening->run->why), strerror(-rc));
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
		copy(list->runs[i].id, sizeof(list->runs[i].id), names->list[i]);
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
