/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a run as the recorder does, by commands on stdin, for tests of followers:
 *
 *	live_run FOLDER STREAMS [BYTES]	a stream goes on in another segment after so many bytes
 *
 *	put STREAM N      appends N events
 *	flush             writes them, and marks all streams
 *	hold              the same without marks
 *	half              writes a block, but only its first half; whole: the rest of it
 *	pace N RATE EVERY N events of RATE a second to all streams but the last, written every EVERY ms, all marked three times a
 *	                  second, then flush; RATE 0: as fast as possible
 *	cut STREAM        goes on in another segment
 *	end, die          the end of the streams; without one
 *
 * Each command is answered by a line, the time of the last event. Events have the time of CLOCK_BOOTTIME, every other one some
 * microseconds back, as if another CPU had written it, and a number that counts them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/stream.h"

#define STREAMS_MAX 16
#define MS 1000000ULL
#define MARKS_NS (333 * MS)
#define BACK_NS 2000

struct live_event {
	struct event head;
	__u64 number;
	char comm[EVENT_COMM];
};

static const struct schema_field fields[] = {
	FIELD(struct live_event, number, NULL, "counts the events"),
	FIELD(struct live_event, comm, NULL, "name"),
	{0},
};
static const struct schema_event events[] = {
	{"tick", "an event", fields, sizeof(struct live_event)},
};

struct live {
	struct stream_writer *writers[STREAMS_MAX];
	char names[STREAMS_MAX][16];
	struct stream_writer_opts opts;
	const char *folder;
	unsigned count;
	uint64_t segment; /* bytes; 0: one file */
	uint64_t number, last, marked_at;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void need(bool is, const char *what)
{
	if (is)
		return;
	perror(what);
	exit(1);
}

static void put(struct live *l, unsigned stream)
{
	uint64_t ts = now();
	struct live_event e = {.comm = "live", .number = l->number++};

	e.head = (struct event){.ts = ts - l->number % 2 * BACK_NS, .start = 1, .pid = 7, .tid = 7, .run = 1};
	l->last = ts;
	need(!stream_writer__event(l->writers[stream], &e.head, sizeof(e)), "event");
}

static void cut(struct live *l, unsigned stream)
{
	char name[STREAM_FILE_NAME], path[4096];
	int fd, last;

	stream_file__name(name, l->names[stream], stream_writer__segment(l->writers[stream]) + 1);
	snprintf(path, sizeof(path), "%s/%s", l->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	need(fd >= 0 && !fchmod(fd, 0644), path);
	l->opts.stream = l->names[stream];
	last = stream_writer__go_on(l->writers[stream], fd, &l->opts);
	need(last >= 0, "segment");
	close(last);
}

static void flush(struct live *l, bool mark)
{
	uint64_t until = now();

	for (unsigned i = 0; i < l->count; i++) {
		stream_writer__reached(l->writers[i], until);
		need(!stream_writer__flush(l->writers[i]), "flush");
		if (l->segment && stream_writer__segment_bytes(l->writers[i]) >= l->segment)
			cut(l, i);
	}
	for (unsigned i = 0; i < l->count && mark; i++)
		need(!stream_writer__mark(l->writers[i]), "mark");
	l->marked_at = mark ? until : l->marked_at;
}

static void sleep_until(uint64_t at)
{
	struct timespec ts = {at / 1000000000, at % 1000000000};

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void pace(struct live *l, uint64_t count, uint64_t rate, uint64_t every)
{
	uint64_t begin = now(), flushed = begin;

	for (uint64_t i = 0; i < count; i++) {
		if (rate && i * 1000000000 / rate > now() - begin)
			sleep_until(begin + i * 1000000000 / rate);
		put(l, i % (l->count - 1));
		if (l->last - flushed < every * MS)
			continue;
		flush(l, l->last - l->marked_at >= MARKS_NS);
		flushed = l->last;
	}
	flush(l, true);
}

static const char *name_of(const struct live *l, unsigned stream)
{
	static char name[32];

	snprintf(name, sizeof(name), "%s" STREAM_SUFFIX, l->names[stream]);
	return name;
}

/* The first half of the next block of stream 0, or the rest of it. */
static void half(struct live *l, bool first)
{
	static uint8_t block[65536];
	static ssize_t size;
	static uint64_t at;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", l->folder, name_of(l, 0));
	fd = open(path, O_RDWR | O_CLOEXEC);
	need(fd >= 0, path);
	if (first) {
		at = stream_writer__bytes(l->writers[0]);
		flush(l, true);
		size = pread(fd, block, sizeof(block), at);
		need(size > 2 && !ftruncate(fd, at + size / 2), path);
	} else {
		need(pwrite(fd, block, size, at) == size, path);
	}
	close(fd);
}

static void open_streams(struct live *l, int dir)
{
	static const char *list[STREAMS_MAX + 1];
	const char *slash = strrchr(l->folder, '/');

	l->opts =
		(struct stream_writer_opts){.help = "made up",
					    .events = events,
					    .events_count = 1,
					    .abi = 1,
					    .streams = list,
					    .marks = true,
					    .run = {.id = slash ? slash + 1 : l->folder, .name = "live", .number = 1}};
	for (unsigned i = 0; i < l->count; i++) {
		snprintf(l->names[i], sizeof(l->names[i]), "stream%u", i);
		list[i] = l->names[i];
	}
	for (unsigned i = 0; i < l->count; i++) {
		int fd;

		l->opts.stream = l->names[i];
		fd = openat(dir, name_of(l, i), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		need(fd >= 0 && !fchmod(fd, 0644), l->names[i]); /* the account of a follower of root's reads it */
		need(!stream_writer__open_fd(&l->writers[i], fd, &l->opts), "stream");
	}
}

/* A run has its name once its headers are written. */
static void open_run(struct live *l)
{
	const char *slash = strrchr(l->folder, '/');
	char hidden[4096];
	int dir;

	snprintf(hidden, sizeof(hidden), "%.*s.%s", slash ? (int)(slash - l->folder + 1) : 0, l->folder,
		 slash ? slash + 1 : l->folder);
	need(!mkdir(hidden, 0755), hidden);
	dir = open(hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(dir >= 0, hidden);
	open_streams(l, dir);
	close(dir);
	need(!rename(hidden, l->folder), l->folder);
}

static void end(struct live *l)
{
	for (unsigned i = 0; i < l->count; i++)
		need(!stream_writer__close(l->writers[i]), "close");
	l->count = 0;
}

static void command(struct live *l, const char *line)
{
	uint64_t a = 0, b = 0, c = 0;

	sscanf(line, "%*s %" SCNu64 " %" SCNu64 " %" SCNu64, &a, &b, &c);
	if (!strncmp(line, "put", 3)) {
		need(a < l->count, line);
		while (b--)
			put(l, a);
	} else if (!strncmp(line, "pace", 4)) {
		pace(l, a, b, c);
	} else if (!strncmp(line, "half", 4) || !strncmp(line, "whole", 5)) {
		half(l, *line == 'h');
	} else if (!strncmp(line, "cut", 3)) {
		need(a < l->count, line);
		cut(l, a);
	} else if (!strncmp(line, "end", 3)) {
		end(l);
	} else if (!strncmp(line, "die", 3)) {
		raise(SIGKILL);
	} else {
		flush(l, !strncmp(line, "flush", 5));
	}
	printf("%" PRIu64 "\n", l->last);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct live l = {0};
	char line[128];

	l.count = argc == 3 || argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	l.segment = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	if (l.count < 2 || l.count > STREAMS_MAX)
		return fputs("Usage: live_run FOLDER STREAMS [BYTES]\n", stderr), 2;
	l.folder = argv[1];
	open_run(&l);
	puts("0");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		command(&l, line);
	return 0;
}
