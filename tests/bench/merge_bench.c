/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a run of three made-up streams, to measure the merge:
 *
 *	merge_bench FOLDER EVENTS
 *	time collector-merge --sink null FOLDER
 *
 * Says how long the writing of an event took. The events look as lifecycle, cpu and mem ones do: seven
 * to fourteen fields, mostly numbers, every tenth with a command line, out of order as from two CPUs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/stream.h"

struct bench_exec {
	struct event head;
	__u64 parent_start;
	__u32 ppid, uid;
	char comm[EVENT_COMM];
	struct event_string exe, cwd;
	struct event_list args;
	char tail[120];
};

struct bench_sample {
	struct event head;
	__u64 cpu_ns, user_ns, system_ns, rss_bytes, anon_bytes, file_bytes, minor_faults, peak_rss_bytes;
	__u32 threads;
	char comm[EVENT_COMM];
};

static const struct schema_field exec_fields[] = {
	FIELD(struct bench_exec, ppid, NULL, "parent"),	   FIELD(struct bench_exec, parent_start, "ns", "its start"),
	FIELD(struct bench_exec, comm, NULL, "name"),	   FIELD(struct bench_exec, exe, NULL, "program"),
	FIELD(struct bench_exec, args, NULL, "arguments"), FIELD(struct bench_exec, cwd, NULL, "folder"),
	FIELD(struct bench_exec, uid, NULL, "user"),	   {0},
};

static const struct schema_field sample_fields[] = {
	FIELD(struct bench_sample, comm, NULL, "name"),
	FIELD(struct bench_sample, cpu_ns, "ns", "CPU"),
	FIELD(struct bench_sample, user_ns, "ns", "of it in user space"),
	FIELD(struct bench_sample, system_ns, "ns", "of it in the kernel"),
	FIELD(struct bench_sample, rss_bytes, "bytes", "resident"),
	FIELD(struct bench_sample, anon_bytes, "bytes", "of it anonymous"),
	FIELD(struct bench_sample, file_bytes, "bytes", "of it of files"),
	FIELD(struct bench_sample, minor_faults, NULL, "faults"),
	FIELD(struct bench_sample, peak_rss_bytes, "bytes", "peak"),
	FIELD(struct bench_sample, threads, NULL, "threads"),
	{0},
};

static const struct schema_event events[] = {
	{"exec", "a program", exec_fields, sizeof(struct bench_exec)},
	{"sample", "a sample", sample_fields, sizeof(struct bench_sample)},
};

static struct event bench__head(uint64_t i, unsigned kind)
{
	/* two CPUs, each in order, some microseconds apart */
	uint64_t ts = 3600000000000ULL + i * 10000 - (i % 2) * 30000;

	return (struct event){.ts = ts,
			      .start = ts - ts % 77777,
			      .pid = 1000 + i / 8 % 30000,
			      .tid = 1000 + i / 8 % 30000,
			      .run = 1,
			      .cpu = i % 2,
			      .kind = kind};
}

static int bench__exec(struct stream_writer *writer, uint64_t i)
{
	static const char tail[] = "/usr/bin/samtools\0/data/work/4f/a1b2c3d4e5f6a7b8c9d0e1f2\0"
				   "samtools\0sort\0-@\0008\0-o\0out.bam\0in.bam";
	struct bench_exec e = {.head = bench__head(i, 0), .ppid = 999, .uid = 1000, .comm = "samtools"};
	uint32_t at = offsetof(struct bench_exec, tail);

	e.parent_start = e.head.start - 5000000;
	memcpy(e.tail, tail, sizeof(tail));
	e.exe = (struct event_string){at, 17, 0};
	e.cwd = (struct event_string){at + 18, 38, 0};
	e.args = (struct event_list){at + 57, sizeof(tail) - 57, 0};
	return stream_writer__event(writer, &e.head, sizeof(e));
}

static int bench__sample(struct stream_writer *writer, uint64_t i)
{
	struct bench_sample e = {.head = bench__head(i, 1), .comm = "samtools", .threads = 8};

	e.cpu_ns = i * 31337;
	e.user_ns = e.cpu_ns / 3 * 2;
	e.system_ns = e.cpu_ns - e.user_ns;
	e.rss_bytes = 4096 * (i % 100000);
	e.anon_bytes = e.rss_bytes / 2;
	e.file_bytes = e.rss_bytes - e.anon_bytes;
	e.minor_faults = i % 100000;
	e.peak_rss_bytes = i % 7 ? e.rss_bytes : EVENT_NULL(EVENT_REASON_RELEASED);
	return stream_writer__event(writer, &e.head, sizeof(e));
}

int main(int argc, char **argv)
{
	static const char *const names[3] = {"lifecycle", "cpu", "mem"};
	struct stream_writer_opts opts = {.help = "made up",
					  .events = events,
					  .events_count = 2,
					  .abi = 1,
					  .run = {.id = "bench", .name = "bench", .number = 1}};
	struct stream_writer *writers[3] = {NULL};
	uint64_t i, count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct timespec begin, end;
	int dir, rc = 0;

	if (!count) {
		fputs("Usage: merge_bench FOLDER EVENTS\n", stderr);
		return 2;
	}
	dir = mkdir(argv[1], 0755) && errno != EEXIST ? -1 : open(argv[1], O_RDONLY | O_DIRECTORY);
	if (dir < 0) {
		perror(argv[1]);
		return 1;
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i < 3 && !rc; i++) {
		opts.stream = names[i];
		rc = stream_writer__open(&writers[i], dir, &opts);
	}
	for (i = 0; i < count && !rc; i++)
		rc = i % 10 ? bench__sample(writers[1 + i % 2], i) : bench__exec(writers[0], i);
	for (i = 0; i < 3; i++)
		rc = stream_writer__close(writers[i]) ? 1 : rc;
	clock_gettime(CLOCK_MONOTONIC, &end);
	close(dir);
	if (rc)
		return fprintf(stderr, "%s: %s\n", argv[1], strerror(-rc)), 1;
	printf("%.0f ns an event\n", ((end.tv_sec - begin.tv_sec) * 1e9 + (end.tv_nsec - begin.tv_nsec)) / count);
	return 0;
}
