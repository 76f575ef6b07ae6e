/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeps the list of the runs on disk, and the limits. */
#include "core/runs/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/resume/resume.h"
#include "core/runs/retention.h"
#include "core/runs/store_run.h"
#include "core/log.h"
#include "core/stream.h"

#define OPEN_NS 5000000000ull	/* until open runs are measured again */
#define SCAN_NS 60000000000ull	/* between two scans of the folder, at least */
#define SCAN_SHARE 100		/* and so many times what the last one took */
#define WORK_NS 100000000ull	/* for one call of store__work() */
#define AGE_NS 3600000000000ull /* until age is looked at again, at most: the clock may be set */
#define ASK_NS 2000000000ull	/* from one look at what sinks have delivered to the next, at least */
#define ASK_SHARE 20		/* and so many times what it took */
#define ROOM_BYTES (128 << 10)	/* a disk with less is full */
#define ROOM_RUNS 64		/* removed at once for that, at most */

struct store {
	const char *output;
	struct retention_limits limits;
	struct retention_wait wait;
	struct delivered *delivered;
	struct stored *runs;
	size_t count, room;
	uint64_t scan_due, until; /* boot clock, ns: of the next scan; of the end of this call */
	bool full, warned;
	/* What waits for sinks */
	uint64_t asked_at, ask_due; /* boot clock, ns: when those that wait were looked at; when they are again */
	bool asks, in_vain;	    /* they are, by now; one of them waits on */
	const char *sink;	    /* of the last choice: one that a run waits for */
	uint64_t undelivered;
};

/* Once a run is delivered, it stays so; of others the last answer holds until it is due to ask again. */
static bool waits(void *arg, struct stored *run)
{
	struct store *s = arg;

	/* A run that never got its name is not followed. */
	if (!s->delivered || run->delivered || !run->streams || *run->id == '.')
		return false;
	if (!run->sink || s->asks) {
		run->sink = delivered__lacks(s->delivered, run->id, run->streams);
		run->delivered = !run->sink;
		s->in_vain |= run->sink != NULL;
	}
	if (run->sink)
		s->sink = run->sink;
	return run->sink;
}

static void begin_asking(struct store *s)
{
	s->sink = NULL;
	s->asked_at = clock__boot();
	s->asks = s->asked_at >= s->ask_due;
	s->in_vain = false;
}

static void end_asking(struct store *s)
{
	uint64_t took = clock__boot() - s->asked_at;

	if (s->asks && s->in_vain)
		s->ask_due = s->asked_at + (took * ASK_SHARE > ASK_NS ? took * ASK_SHARE : ASK_NS);
	s->asks = false;
}

struct store *store__new(const char *output, const struct retention_limits *limits, struct delivered *delivered)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s)
		*s = (struct store){.output = output, .limits = *limits, .delivered = delivered, .wait = {waits, s}};
	return s;
}

void store__reload(struct store *s, const struct retention_limits *limits)
{
	s->limits = *limits;
	s->sink = NULL;
	s->ask_due = 0;
	retention__ask_again(s->runs, s->count);
}

uint64_t store__used(const struct store *s, uint64_t *bytes)
{
	return retention__used(s->runs, s->count, bytes);
}

/* By path each time: an administrator may have replaced it. -1: it cannot be opened. */
static int open_output(const struct store *s)
{
	return open(s->output, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- the list ---- */

static struct stored *add(struct store *s, const char *id)
{
	size_t room = s->count < s->room ? s->room : s->room ? s->room * 2 : 64;
	struct stored *runs = room == s->room ? s->runs : reallocarray(s->runs, room, sizeof(*runs));

	if (!runs)
		return NULL;
	s->runs = runs;
	s->room = room;
	runs[s->count] = (struct stored){.id = strdup(id), .uid = STREAM_NO_UID, .seen = true};
	return runs[s->count].id ? &runs[s->count++] : NULL;
}

static void forget(struct store *s, struct stored *run)
{
	free(run->id);
	memmove(run, run + 1, (s->runs + --s->count - run) * sizeof(*run));
}

/* From the end: that is where open runs are. */
static struct stored *find(struct store *s, uint32_t number)
{
	for (size_t i = s->count; i && number; i--)
		if (s->runs[i - 1].number == number)
			return &s->runs[i - 1];
	return NULL;
}

/* Takes what is there; of a run that is being opened that may be half a header. 0, or -errno: -ENOENT: nothing is. */
static int measure(struct store *s, int out, struct stored *run)
{
	struct store_run found;
	struct error error;
	int err = store_run__look(out, run->id, &found, &error);

	run->measured = true;
	run->looked = clock__boot();
	run->kept = err && !run->number;
	if (!err) {
		run->bytes = found.bytes;
		run->streams = found.streams;
		run->ended = found.ended;
		run->open = found.open;
		if (found.uid != STREAM_NO_UID)
			run->uid = found.uid;
	}
	if (run->kept && err != -ENOENT && !s->warned) {
		log__warn("%s/%s; the limits do not count this folder, nor is it removed", s->output, error.text);
		s->warned = true;
	}
	return err;
}

int store__made(struct store *s, const char *id, uint32_t number, uint32_t uid)
{
	struct stored *run = add(s, id);

	if (!run)
		return -ENOMEM;
	run->number = number;
	run->uid = uid;
	run->open = run->measured = true;
	run->ended = clock__ns(CLOCK_REALTIME);
	return 0;
}

void store__ended(struct store *s, uint32_t number)
{
	struct stored *run = find(s, number);

	if (!run)
		return;
	run->number = 0;
	run->measured = false; /* again, with its last block */
}

/* ---- scan ---- */

static int by_id(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;

	return strcmp(x->id, y->id);
}

/* Folders that appeared, and those that are gone. Of other names not even the inode is read. */
static void scan(struct store *s, int out)
{
	int fd = openat(out, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t known = s->count;
	const struct dirent *e;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (known)
		qsort(s->runs, known, sizeof(*s->runs), by_id);
	for (size_t i = 0; i < known; i++)
		s->runs[i].seen = false;
	while ((e = readdir(dir))) {
		struct stored key = {.id = (char *)e->d_name}, *run;

		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) || !store_run__is_name(e->d_name))
			continue;
		run = known ? bsearch(&key, s->runs, known, sizeof(key), by_id) : NULL;
		if (!run && !add(s, e->d_name))
			break;
		if (!run)
			continue;
		run->seen = true;
		run->measured = run->measured && !run->kept;
	}
	closedir(dir);
	for (size_t i = known; i; i--)
		if (!s->runs[i - 1].seen && !s->runs[i - 1].number)
			forget(s, &s->runs[i - 1]);
}

static void scan_if_due(struct store *s, int out)
{
	uint64_t began = clock__boot(), took;

	if (began < s->scan_due)
		return;
	scan(s, out);
	took = clock__boot() - began;
	s->scan_due = began + (took * SCAN_SHARE > SCAN_NS ? took * SCAN_SHARE : SCAN_NS);
}

/* ---- removal ---- */

/* Before the run that it shows goes: the link shows the latest of the others. */
static void move_latest(struct store *s, int out, const struct stored *going)
{
	const struct stored *latest = NULL;
	char target[512];
	ssize_t n = readlinkat(out, STREAM_LATEST, target, sizeof(target) - 1);

	target[n > 0 ? n : 0] = 0;
	if (strcmp(target, going->id))
		return;
	for (size_t i = 0; i < s->count; i++) {
		const struct stored *run = &s->runs[i];

		if (run != going && !run->kept && *run->id != '.' &&
		    (!latest || store_run__compare(run->id, latest->id) > 0))
			latest = run;
	}
	if (latest)
		store_run__link_latest(out, latest->id);
	else
		unlinkat(out, STREAM_LATEST, 0);
}

/* Whether its space is free now. */
static bool remove_run(struct store *s, int out, struct stored *run, const char *why)
{
	struct error error;
	int err;

	move_latest(s, out, run);
	err = store_run__remove(out, run->id, &error);
	if (!err && run->sink && !s->undelivered++)
		log__warn("run %s: removed (%s), though sink %s has not delivered it", run->id, why, run->sink);
	else if (!err)
		log__info("run %s: removed (%s)", run->id, why);
	if (!err || err == -ENOENT) {
		forget(s, run);
		return true;
	}
	if (err != -EBUSY && !s->warned) {
		log__warn("%s/%s; the run is not removed (%s)", s->output, error.text, why);
		s->warned = true;
	}
	run->open = err == -EBUSY;
	run->kept = !run->open;
	run->goes = NULL;
	return false;
}

static bool out_of_time(const struct store *s)
{
	return clock__boot() >= s->until;
}

static bool is_known(const struct stored *run)
{
	return run->measured && (!run->open || clock__boot() - run->looked < OPEN_NS);
}

/* Whether something remains to be done. */
static bool measure_all(struct store *s, int out)
{
	for (size_t i = 0; i < s->count;) {
		if (is_known(&s->runs[i])) {
			i++;
			continue;
		}
		if (out_of_time(s))
			return true;
		if (measure(s, out, &s->runs[i]) == -ENOENT)
			forget(s, &s->runs[i]);
		else
			i++;
	}
	return false;
}

/* Its name could be given to another run as long as its second lasts. */
static bool is_too_new(const struct stored *run)
{
	uint64_t now = clock__ns(CLOCK_REALTIME);

	return now >= run->ended && now - run->ended < STORE_SOON_NS;
}

static bool remove_all(struct store *s, int out)
{
	for (size_t i = 0; i < s->count;) {
		if (!s->runs[i].goes || is_too_new(&s->runs[i])) {
			i++;
			continue;
		}
		if (out_of_time(s))
			return true;
		if (!remove_run(s, out, &s->runs[i], s->runs[i].goes))
			i++;
	}
	return false;
}

/* Sets what goes. Returns whether something does. */
static bool choose(struct store *s)
{
	int gone;

	begin_asking(s);
	gone = retention__choose(s->runs, s->count, &s->limits, clock__ns(CLOCK_REALTIME), &s->wait);
	end_asking(s);
	return gone > 0;
}

static bool any_open(const struct store *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->runs[i].open && !s->runs[i].kept)
			return true;
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until the next run goes for its age, open runs have grown, or sinks have got on. */
static uint64_t pause_of(const struct store *s)
{
	uint64_t now = clock__ns(CLOCK_REALTIME), next = retention__next(s->runs, s->count, &s->limits);
	uint64_t ns = any_open(s) ? OPEN_NS : next || s->sink ? AGE_NS : 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->runs[i].goes)
			return STORE_SOON_NS;
	if (next)
		ns = least(ns, next > now + STORE_SOON_NS ? next - now : STORE_SOON_NS);
	now = clock__boot();
	return s->sink ? least(ns, s->ask_due > now ? s->ask_due - now : 1) : ns;
}

uint64_t store__work(struct store *s)
{
	int out = open_output(s);
	bool more = false;

	if (out < 0)
		return s->count ? SCAN_NS : 0;
	s->until = clock__boot() + WORK_NS;
	scan_if_due(s, out);
	more = measure_all(s, out);
	if (!more && choose(s))
		more = remove_all(s, out);
	if (!more)
		s->full = retention__exceeds(s->runs, s->count, &s->limits);
	close(out);
	return more ? 1 : pause_of(s);
}

bool store__is_full(const struct store *s)
{
	return s->full;
}

const char *store__waits_for(const struct store *s)
{
	return s->sink;
}

const char *store__refuses(struct store *s, uint32_t uid)
{
	int out = s->delivered && s->delivered->count ? open_output(s) : -1;
	const char *limit;

	/* what has ended just now, perhaps many runs */
	s->until = clock__boot() + WORK_NS;
	if (out >= 0) {
		measure_all(s, out);
		close(out);
	}
	begin_asking(s);
	limit = retention__refuses(s->runs, s->count, &s->limits, uid, &s->wait);
	end_asking(s);
	return limit;
}

uint64_t store__undelivered(const struct store *s)
{
	return s->undelivered;
}

/* ---- a full disk ---- */

/* Asks the file system itself, which also knows quotas. */
static bool has_room(int out)
{
	int fd = openat(out, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	int err = fd < 0 ? errno : posix_fallocate(fd, 0, ROOM_BYTES);

	if (fd >= 0)
		close(fd);
	return err != ENOSPC && err != EDQUOT;
}

bool store__is_low(struct store *s)
{
	int out = open_output(s);
	struct statvfs fs;
	bool low = out >= 0 && !fstatvfs(out, &fs) && fs.f_bavail * fs.f_frsize < ROOM_BYTES;

	if (out >= 0)
		close(out);
	return low;
}

/* `any`: also one that waits for a sink. */
static struct stored *oldest(struct store *s, bool any)
{
	struct stored *first = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct stored *run = &s->runs[i];

		if (run->measured && !run->open && !run->kept && !is_too_new(run) &&
		    (!first || run->ended < first->ended) && (any || !waits(s, run)))
			first = run;
	}
	return first || any || !s->limits.drop_undelivered ? first : oldest(s, true);
}

bool store__free_space(struct store *s)
{
	int out = open_output(s);
	bool room = out >= 0 && has_room(out);
	struct stored *run;

	s->until = clock__boot() + WORK_NS;
	if (out >= 0 && !room)
		measure_all(s, out);
	begin_asking(s);
	for (int i = 0; out >= 0 && !room && i < ROOM_RUNS && (run = oldest(s, false)); i++) {
		remove_run(s, out, run, "the disk is full");
		room = has_room(out);
	}
	end_asking(s);
	if (out >= 0)
		close(out);
	return room;
}

void store__free(struct store *s)
{
	for (size_t i = 0; s && i < s->count; i++)
		free(s->runs[i].id);
	if (s)
		free(s->runs);
	free(s);
}
