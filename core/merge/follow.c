/* SPDX-License-Identifier: BSD-2-Clause */
/* Follows runs and folders of runs: waits for what is written, reads it, has the sinks write, saves cursors. */
#include "core/merge/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/merge/segments.h"

#define MS 1000000ULL
#define PASS_NS (20 * MS)    /* at least, between two reads, to batch events */
#define SAVE_NS (20 * MS)    /* between two saves of cursors: what comes twice after a kill */
#define RETRY_NS (5000 * MS) /* after one that failed */
#define POLL_MS 200	     /* of files that cannot be watched */
#define LIST_MS 1000	     /* of folders that cannot be watched */
#define LIVES_MS 5000	     /* in case a file system does not report what is written */
#define BUSY_MAX 16	     /* runs at once that have much to read: each holds blocks in memory */
#define SPARE_FILES 64
#define OPEN_MAX 400000 /* streams */

/* ---- what is named ---- */

/* A folder of runs has no streams, but may get runs. */
static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int *watch_input(const struct follow *f, const struct merge_input *input)
{
	int *watches = calloc(merge_input__watch(input, -1, NULL) + 1, sizeof(*watches));

	if (watches)
		merge_input__watch(input, f->inotify, watches);
	return watches;
}

int follow__add(struct follow *f, const char *path, struct error *err)
{
	struct follow_named *named = reallocarray(f->named, f->named_count + 1, sizeof(*named));
	struct merge_input *input = NULL;
	int rc;

	if (!named)
		return error__set(err, -ENOMEM, "%s: %s", path, strerror(ENOMEM));
	f->named = named;
	if (!f->inotify)
		f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	rc = merge_input__open(&input, path, err);
	if (!rc) {
		named[f->named_count++] = (struct follow_named){input, watch_input(f, input)};
		return 0;
	}
	merge_input__free(input);
	return rc == -ENOENT && is_folder(path) ? follow_folder__add(f, path, err) : rc;
}

int follow__serve(const struct follow *f, struct segments_server *server)
{
	int rc = 0;

	server->inotify = f->inotify;
	for (size_t i = 0; i < f->named_count && !rc; i++)
		rc = merge_input__serve(f->named[i].input, server);
	return rc;
}

/* ---- runs ---- */

static void add_run(struct follow *f, struct follow_run *run)
{
	run->next = f->runs;
	f->runs = run;
}

/* A run that cannot be read is left out: the others are followed. */
static void open_name(struct follow *f, const struct follow_folder *folder, struct follow_name *name)
{
	struct merge_input *input = NULL;
	struct follow_run *run = NULL;
	struct error err;
	int rc;

	if (asprintf(&name->path, "%s/%s", folder->path, name->name) < 0) {
		name->path = NULL;
		return;
	}
	rc = merge_input__open_at(&input, folder->fd, name->name, name->path, &err);
	if (rc)
		merge_input__free(input);
	else
		rc = follow_run__open(f, input, watch_input(f, input), f->running, &run, &err);
	if (rc && rc != -ENOENT) {
		log__warn("%s; the run is left out", err.text);
		f->left_out = true;
	}
	if (run)
		add_run(f, run);
	free(name->path);
	name->path = NULL;
}

static size_t count_busy(const struct follow *f)
{
	size_t busy = 0;

	for (const struct follow_run *run = f->runs; run; run = run->next)
		busy += run->dirty;
	return busy;
}

static bool has_room(struct follow *f)
{
	if (f->open < f->open_max) {
		f->crowded = false;
		return true;
	}
	if (!f->crowded)
		log__warn("%zu streams are open, which is the limit of open files: further runs wait", f->open);
	f->crowded = true;
	return false;
}

/* Returns whether some are left that could be opened. */
static bool open_names(struct follow *f)
{
	size_t busy = count_busy(f);
	bool left = false;

	for (struct follow_folder *folder = f->folders; folder; folder = folder->next) {
		while (folder->first && busy < BUSY_MAX && has_room(f)) {
			open_name(f, folder, follow_folder__next(folder));
			busy++;
		}
		left |= folder->first && !f->crowded;
	}
	return left;
}

static int open_named(struct follow *f, struct error *err)
{
	struct follow_run *run;
	int rc = 0;

	for (size_t i = 0; i < f->named_count && !rc; i++) {
		struct follow_named *named = &f->named[i];

		rc = follow_run__open(f, named->input, named->watches, false, &run, err);
		*named = (struct follow_named){0};
		if (run)
			add_run(f, run);
	}
	return rc;
}

/* Lets go of runs that have ended, once that is saved. */
static void let_go(struct follow *f)
{
	for (struct follow_run **link = &f->runs, *run; (run = *link);) {
		if (!run->ended || run->unsafe || (f->resume.path && run->moved)) {
			link = &run->next;
			continue;
		}
		*link = run->next;
		if (sinks__forget(f->sinks, run->merge, &run->filter)) {
			follow_run__free(f, run);
			continue;
		}
		run->next = f->kept;
		f->kept = run;
	}
}

/* ---- cursors ---- */

static void save(struct follow *f, bool all)
{
	uint64_t now = clock__boot();
	struct follow_run *run = f->unsafe, *next;

	if (!all && now < f->saved_at + (f->resume.failed ? RETRY_NS : SAVE_NS))
		return;
	f->saved_at = now;
	f->unsafe = NULL;
	for (; run; run = next) {
		next = run->next_unsafe;
		if (!follow_run__save(f, run)) {
			run->next_unsafe = f->unsafe;
			f->unsafe = run;
		} else {
			follow_run__point(f, run);
		}
	}
}

/* Once all runs of the folders have been opened, a cursor that was not loaded is of none of them. */
static void sweep(struct follow *f)
{
	bool all = f->folders && f->resume.path && !f->running && !f->left_out && !f->swept;

	for (const struct follow_folder *folder = f->folders; folder && all; folder = folder->next)
		all = !folder->first;
	if (!all)
		return;
	resume__sweep(&f->resume);
	f->swept = true;
}

/* ---- the loop ---- */

/* Reads what is there, and has it written. */
static int work(struct follow *f)
{
	int rc = 0;

	f->read_at = clock__boot();
	for (struct follow_run *run = f->runs; run && !rc; run = run->next) {
		if (run->dirty)
			rc = follow_run__read(f, run);
		follow_run__point(f, run);
	}
	/* also if nothing was written: a sink may have waited until its next output is due */
	if (!rc)
		rc = sinks__flush(f->sinks, false);
	if (!rc) {
		save(f, false);
		let_go(f);
	}
	return rc;
}

static void on_all(struct follow *f)
{
	for (struct follow_run *run = f->runs; run; run = run->next)
		run->dirty = !run->ended;
	for (struct follow_folder *folder = f->folders; folder; folder = folder->next)
		folder->stale = true;
}

static void on_event(struct follow *f, const struct inotify_event *event)
{
	struct hash_node *node = hash__first(&f->watches, hash__mix(event->wd));
	struct follow_folder *folder = f->folders;

	while (folder && folder->watch != event->wd)
		folder = folder->next;
	if (event->mask & IN_Q_OVERFLOW)
		on_all(f);
	else if (folder)
		follow_folder__event(f, folder, event);
	else if (node)
		((struct follow_watch *)((char *)node - offsetof(struct follow_watch, node)))->run->dirty = true;
}

static void take_events(struct follow *f)
{
	_Alignas(struct inotify_event) char events[16384];
	ssize_t n;

	while ((n = read(f->inotify, events, sizeof(events))) > 0)
		for (char *at = events; at < events + n; at += sizeof(struct inotify_event)) {
			const struct inotify_event *event = (const void *)at;

			on_event(f, event);
			at += event->len;
		}
}

/* How long to wait for events at most, in ms; -1: for ever. */
static int patience(const struct follow *f, bool left)
{
	int ms = f->unsafe ? (int)((f->resume.failed ? RETRY_NS : SAVE_NS) / MS) : -1;

	for (const struct follow_folder *folder = f->folders; folder; folder = folder->next)
		if (folder->watch < 0 && (ms < 0 || ms > LIST_MS))
			ms = LIST_MS;
	for (const struct follow_run *run = f->runs; run; run = run->next) {
		int own = run->ended ? INT_MAX : run->polled ? POLL_MS : LIVES_MS;

		if (run->dirty)
			return 0;
		if (own != INT_MAX && (ms < 0 || own < ms))
			ms = own;
	}
	return left ? 0 : ms;
}

/* By polling: what no event reports. */
static void look_around(struct follow *f, bool over)
{
	for (struct follow_run *run = f->runs; run; run = run->next)
		run->dirty |= !run->ended && (over || run->polled);
	for (struct follow_folder *folder = f->folders; folder; folder = folder->next)
		folder->stale |= folder->watch < 0;
}

/* Leaves time for more to come, so that an event alone is not the whole of a read. */
static void wait_for_more(const struct follow *f)
{
	uint64_t passed = clock__boot() - f->read_at;
	struct timespec rest = {.tv_nsec = PASS_NS - passed};

	if (passed < PASS_NS)
		nanosleep(&rest, NULL);
}

static void wait_for_events(struct follow *f, bool left)
{
	struct pollfd poll = {.fd = f->inotify, .events = POLLIN};
	int ms = patience(f, left), n = 0;
	struct timespec limit = {ms / 1000, ms % 1000 * MS};
	sigset_t signals, before;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &before); /* one that comes before the wait ends it, too */
	if (!*f->interrupted)
		n = ppoll(&poll, 1, ms < 0 ? NULL : &limit, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (ms)
		wait_for_more(f);
	if (n > 0)
		take_events(f);
	if (ms)
		look_around(f, !n && ms > POLL_MS);
}

/* Whether there is nothing left to wait for. */
static bool is_done(const struct follow *f)
{
	for (const struct follow_run *run = f->runs; run; run = run->next)
		if (!run->ended)
			return false;
	return !f->folders;
}

static void raise_limit(struct follow *f)
{
	struct rlimit files;

	f->open_max = OPEN_MAX;
	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max - SPARE_FILES < OPEN_MAX)
		f->open_max = files.rlim_max > SPARE_FILES ? files.rlim_max - SPARE_FILES : 1;
}

/* The last flush makes all safe that was passed on. */
static int finish(struct follow *f)
{
	int rc = sinks__flush(f->sinks, true);

	save(f, true);
	for (struct follow_run *run = f->runs; run && !rc; run = run->next)
		follow_run__point(f, run);
	save(f, true);
	return rc;
}

int follow__run(struct follow *f, int out, struct error *err)
{
	bool left;
	int rc;

	raise_limit(f);
	rc = sinks__open(f->sinks, out, NULL, NULL);
	*err->text = '\0';
	if (!rc)
		rc = open_named(f, err);
	if (!rc)
		*err->text = '\0'; /* of a run that was opened */
	while (!rc && !*f->interrupted) {
		rc = follow_folder__list(f);
		left = open_names(f);
		sweep(f);
		if (!rc)
			rc = work(f);
		if (rc || is_done(f))
			break;
		wait_for_events(f, left);
	}
	return rc ? rc : finish(f);
}

static void free_runs(struct follow *f, struct follow_run *run)
{
	for (struct follow_run *next; run; run = next) {
		next = run->next;
		follow_run__free(f, run);
	}
}

void follow__free(struct follow *f)
{
	free_runs(f, f->runs);
	free_runs(f, f->kept);
	for (size_t i = 0; i < f->named_count; i++) {
		merge_input__free(f->named[i].input);
		free(f->named[i].watches);
	}
	for (struct follow_folder *folder = f->folders, *next; folder; folder = next) {
		next = folder->next;
		follow_folder__free(folder);
	}
	if (f->inotify > 0)
		close(f->inotify);
	hash__free(&f->watches);
	resume__close(&f->resume);
	free(f->named);
	free(f->slots);
}
