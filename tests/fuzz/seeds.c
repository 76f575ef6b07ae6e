/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the files that fuzzing starts from: `seeds FOLDER` makes FOLDER/stream and FOLDER/record.
 * FOLDER/made.msgpack, a stream with everything in it, is left there for readers in other languages. */
#include <errno.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/stream_made.h"

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
	made__init(&e, 1ULL << 60);
	write_file(records, "event", -1, &e, sizeof(e));
	write_file(records, "packed", -1, c.at, c.end - c.at);
	free(bytes);
	return 0;
}
