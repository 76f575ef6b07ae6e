/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the files that fuzzing starts from: `seeds FOLDER` makes FOLDER/stream, FOLDER/record, FOLDER/probe and FOLDER/channel.
 * FOLDER/made.msgpack, a stream with everything in it, is left there for readers in other languages. */
#include <errno.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_probe.h"
#include "tests/unit/stream_made.h"

#include "probes/lifecycle/lifecycle.h"
#include "probes/mem/mem.h"

static void write_file(int dir, const char *name, int first, const void *bytes, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	uint8_t byte = first;

	EXPECT(fd >= 0);
	EXPECT(first < 0 || write(fd, &byte, 1) == 1);
	EXPECT(write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static void write_made(int dir)
{
	struct stream_writer_opts opts = made__opts("made");
	struct stream_writer *writer;
	struct made_event e;
	unsigned i;

	EXPECT(!stream_writer__open(&writer, dir, &opts));
	for (i = 0; i < 20; i++) {
		made__init(&e, 1000000000 + i * 1000 - i % 2 * 5000);
		if (i % 5 == 1)
			e.big = EVENT_NULL(i % EVENT_REASON_MAX);
		if (i % 5 == 2)
			e.text.reason = EVENT_REASON_FAULT;
		if (i % 5 == 3)
			e.list.reason = EVENT_REASON_TRUNCATED;
		e.head.kind = i % 4 ? 0 : 2;
		EXPECT(!stream_writer__event(writer, &e.head, sizeof(e)));
		if (i % 7 == 6)
			EXPECT(!stream_writer__flush(writer));
	}
	EXPECT(!stream_writer__lost(writer, 3, 1, 0, "ring_full"));
	EXPECT(!stream_writer__close(writer));
}

/* Two equal halves of three records, as fuzz_stream.c makes blocks of them: a right one, a wrong type, an unknown kind. */
static void write_contradicting(int dir)
{
	struct buffer records = {0};
	struct record record;
	struct made_event e;

	made__init(&e, 1000000000);
	for (unsigned i = 0; i < 6; i++) {
		size_t begin = records.size;

		EXPECT(!record__pack(&records, &made_schema[0], SCHEMA_KIND_BASE, i, &e.head, sizeof(e), NULL));
		EXPECT(record__head(records.data + begin, records.size - begin, &record));
		if (i % 3 == 1)
			records.data[begin + record.values] = 5; /* for the bool */
		if (i % 3 == 2)
			records.data[begin + 3] = 40; /* after the array's head: the kind */
	}
	write_file(dir, "contradicting", 2, records.data, records.size);
	buffer__free(&records);
}

/* ---- steps for fuzz_probe.c ---- */

static void add_step(struct buffer *steps, const struct fuzz_step *step, const void *bytes)
{
	EXPECT(!buffer__append(steps, step, sizeof(*step)));
	EXPECT(!buffer__append(steps, bytes, step->given));
}

static void add_part(struct buffer *steps, int process, unsigned area, unsigned offset, unsigned length)
{
	struct lifecycle_part part = {.head.kind = LIFECYCLE_PART, .area = area, .offset = offset, .length = length};
	struct fuzz_step step = {FUZZ_EVENT, process, offsetof(struct lifecycle_part, bytes) + length,
				 offsetof(struct lifecycle_part, bytes)};

	add_step(steps, &step, &part);
}

static void add_exec(struct buffer *steps, int process, int kind, unsigned args, unsigned env)
{
	struct lifecycle_exec e = {
		.head.kind = kind,
		.exe = {sizeof(e), 6, 0},
		.args = {args ? LIFECYCLE_PARTS : sizeof(e), args ? args : 10, 0},
		.env = {env ? LIFECYCLE_PARTS : sizeof(e), env ? env : 27, 0},
	};
	struct fuzz_step step = {FUZZ_EVENT, process, sizeof(e) + 100, sizeof(e)};

	add_step(steps, &step, &e);
}

/* Both lists in parts, the second much longer, of two processes that take turns; then what goes wrong: parts without an
 * exec, without a first one, of another exec; more or less than the exec says. */
static void write_parts(int dir)
{
	struct buffer steps = {0};
	unsigned args = 2 * LIFECYCLE_PART_BYTES + 10000, env = 6 * LIFECYCLE_PART_BYTES + 10000;

	for (unsigned sent = 0; sent < env; sent += LIFECYCLE_PART_BYTES) {
		unsigned length = sent + LIFECYCLE_PART_BYTES < env ? LIFECYCLE_PART_BYTES : 10000;

		for (int process = 0; process < 2; process++) {
			if (sent < args)
				add_part(&steps, process, LIFECYCLE_ARGS, sent,
					 sent + length < args ? length : args - sent);
			add_part(&steps, process, LIFECYCLE_ENV, sent, length);
		}
	}
	for (int process = 0; process < 2; process++)
		add_exec(&steps, process, LIFECYCLE_EXEC, args, env);
	write_file(dir, "parts", -1, steps.data, steps.size);
	add_part(&steps, 0, LIFECYCLE_ARGS, 0, 5000);
	add_part(&steps, 0, LIFECYCLE_ENV, 5000, 5000);
	add_exec(&steps, 0, LIFECYCLE_EXEC, 6000, 5000);
	add_part(&steps, 0, LIFECYCLE_ENV, 0, 7000);
	add_exec(&steps, 0, LIFECYCLE_EXEC, 0, 5000);
	add_part(&steps, 0, LIFECYCLE_ENV + 1, 0, 10);
	add_part(&steps, 1, LIFECYCLE_ENV, 0, 7000);
	add_exec(&steps, 1, LIFECYCLE_EXIT, 0, 0);
	write_file(dir, "broken", -1, steps.data, steps.size);
	buffer__free(&steps);
}

static void write_existing(int dir)
{
#define TEXT(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
	static const struct {
		const char *bytes;
		uint16_t size;
	} texts[] = {
		TEXT("/bin/true"), TEXT("/root"),	   TEXT("2:memory:/a\n0::/b\n"),
		TEXT("true\0-x"),  TEXT("WANTED=1\0NO=2"), TEXT("Name:\ttrue\nUid:\t5\t5\nGid:\t6\t6\nNSpid:\t5\t"),
		TEXT("true\n"),
	};
	struct fuzz_step end = {FUZZ_EXISTING, 0, 0, 0};
	struct buffer steps = {0};

	for (unsigned i = 0; i < 7; i++) {
		struct fuzz_step step = {FUZZ_FILE, i, texts[i].size, texts[i].size};

		add_step(&steps, &step, texts[i].bytes);
	}
	add_step(&steps, &end, "");
	add_exec(&steps, 0, LIFECYCLE_ALIVE, 0, 0);
	write_file(dir, "existing", -1, steps.data, steps.size);
	buffer__free(&steps);
}

/* One event of each public kind, raw; a provisional one. */
static void write_kinds(int dir)
{
	struct buffer steps = {0};
	uint8_t bytes[200] = {0};
	struct event *head = (struct event *)bytes;
	struct fuzz_step step = {FUZZ_RAW, 0, sizeof(bytes), sizeof(bytes)};

	for (int i = 0; i < 10; i++) {
		memset(bytes, i * 50, sizeof(bytes));
		head->kind = i / 2;
		head->flags = i % 2 ? EVENT_PROVISIONAL : 0;
		add_step(&steps, &step, bytes);
	}
	write_file(dir, "kinds", -1, steps.data, steps.size);
	buffer__free(&steps);
}

/* One event of each kind, with a head and nothing else. */
static void write_heads(int dir)
{
	const struct fuzz_step step = {FUZZ_RAW, 0, sizeof(struct event), sizeof(struct event)};
	struct buffer steps = {0};

	for (int kind = 0; kind < 20; kind++) {
		struct event head = {.kind = kind < 10 ? kind : EVENT_KIND_INTERNAL + kind - 10, .pid = 1};

		add_step(&steps, &step, &head);
	}
	write_file(dir, "heads", -1, steps.data, steps.size);
	buffer__free(&steps);
}

/* Two processes, what the keeper reads of them and of their cgroup; and once more, what is no such text. */
static void write_answers(int dir)
{
	static const char smaps[] = "5583-7ffd ---p 00000000 00:00 0   [rollup]\nRss: 9 kB\nPss: 5 kB\nPss_Anon: 1 kB\n"
				    "Pss_File: 4 kB\nPss_Shmem: 0 kB\nShared_Clean: 8 kB\nShared_Dirty: 0 kB\n"
				    "Private_Clean: 0 kB\nPrivate_Dirty: 1 kB\nSwapPss: 0 kB\n";
	static const char cgroup[] = "cgroup /a\ncurrent 9000\nmax max\npeak 9999\nprocesses 3\nanon 5000\nfile 4000\n"
				     "shmem 1000\n";
	const struct fuzz_step answers[] = {{FUZZ_ANSWER, 0, sizeof(smaps) - 1, sizeof(smaps) - 1},
					    {FUZZ_ANSWER, 0, sizeof(cgroup) - 1, sizeof(cgroup) - 1},
					    {FUZZ_ANSWER, 13, 0, 0},
					    {FUZZ_ANSWER, 0, 100, 0}};
	const struct fuzz_step sampled = {FUZZ_SAMPLED, 0, 0, 0};
	struct buffer steps = {0};

	for (int round = 0; round < 2; round++) {
		for (int process = 0; process < 2; process++) {
			struct mem_event e = {.head = {.kind = MEM_SAMPLE, .ts = 5}, .rss_bytes = 9216, .cgroup_id = 1};
			struct fuzz_step step = {FUZZ_EVENT, process, sizeof(e), sizeof(e)};

			add_step(&steps, &step, &e);
		}
		add_step(&steps, &sampled, "");
		add_step(&steps, &answers[2 * round], smaps);
		add_step(&steps, &answers[0], smaps);
		add_step(&steps, &answers[1 + 2 * round], cgroup);
	}
	write_file(dir, "answers", -1, steps.data, steps.size);
	buffer__free(&steps);
}

static void write_probe(const char *top)
{
	int dir = open(top, O_RDONLY | O_DIRECTORY), steps;

	EXPECT(!mkdirat(dir, "probe", 0755) || errno == EEXIST);
	steps = openat(dir, "probe", O_RDONLY | O_DIRECTORY);
	EXPECT(steps >= 0);
	write_parts(steps);
	write_existing(steps);
	write_kinds(steps);
	write_heads(steps);
	write_answers(steps);
	close(steps);
	close(dir);
}

static void write_channel(const char *top)
{
	static const char request[] = {1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 'c', 'p', 'u', '\n', 'i', 'o', '\n'};
	static const char reply[] = {7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 'r', 'u', 'n', '-', '1'};
	int dir = open(top, O_RDONLY | O_DIRECTORY), messages;

	EXPECT(!mkdirat(dir, "channel", 0755) || errno == EEXIST);
	messages = openat(dir, "channel", O_RDONLY | O_DIRECTORY);
	EXPECT(messages >= 0);
	write_file(messages, "request", 0, request, sizeof(request));
	write_file(messages, "reply", 4, reply, sizeof(reply));
	close(messages);
	close(dir);
}

int main(int argc, char **argv)
{
	struct cursor c;
	struct made_event e;
	int dir, streams, records;
	const uint8_t *header;
	uint8_t *bytes;
	size_t size;

	if (argc != 2) {
		fputs("Usage: seeds FOLDER\n", stderr);
		return 2;
	}
	EXPECT(!mkdir(argv[1], 0755) || errno == EEXIST);
	dir = open(argv[1], O_RDONLY | O_DIRECTORY);
	EXPECT(dir >= 0);
	EXPECT(!mkdirat(dir, "stream", 0755) || errno == EEXIST);
	EXPECT(!mkdirat(dir, "record", 0755) || errno == EEXIST);
	streams = openat(dir, "stream", O_RDONLY | O_DIRECTORY);
	records = openat(dir, "record", O_RDONLY | O_DIRECTORY);
	unlinkat(dir, "made.msgpack", 0);
	write_made(dir);
	bytes = made__read(dir, "made.msgpack", &size);
	EXPECT(bytes && size);
	c = (struct cursor){bytes, bytes + size};
	EXPECT(cursor__skip(&c) == 1);
	header = c.at;
	write_file(streams, "file", 0, bytes, size);
	write_file(streams, "header", 1, bytes, header - bytes);
	EXPECT(cursor__skip(&c) == 1); /* the header's sync */
	write_file(streams, "blocks", 2, c.at, c.end - c.at);
	write_file(streams, "torn", 3, c.at, c.end - c.at);
	write_file(streams, "chain", 0x82, c.at, c.end - c.at);
	write_file(streams, "chain_torn", 0x83, c.at, c.end - c.at);
	write_contradicting(streams);
	made__init(&e, 1ULL << 60);
	write_file(records, "event", -1, &e, sizeof(e));
	write_file(records, "packed", -1, c.at, c.end - c.at);
	free(bytes);
	write_probe(argv[1]);
	write_channel(argv[1]);
	return 0;
}
