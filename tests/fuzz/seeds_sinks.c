/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes what fuzzing of the sinks and of texts starts from: `seeds_sinks FOLDER` makes FOLDER/sinks, /options, /match, /files
 * and /forward. */
#include <errno.h>
#include <stdio.h>

#include "tests/fuzz/fuzz.h"
#include "tests/made/made.h"

#define SINKS 16 /* as fuzz_sinks.c chooses them */

static int folder_in(int top, const char *name)
{
	int dir;

	EXPECT(!mkdirat(top, name, 0755) || errno == EEXIST);
	dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(dir >= 0);
	return dir;
}

static void write_seed(int dir, const char *name, const void *bytes, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	EXPECT(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	close(fd);
}

static int take(void *arg, const struct record *record)
{
	uint8_t stream = record->info->index;

	return buffer__append(arg, &stream, 1) || buffer__append(arg, record->bytes, record->size);
}

/* One of each event; failures that are hidden, a program that another one replaces, memory that is shared. */
static void send_run(struct made *run)
{
	ALIVE(.of = run, .at = 1 * S, .pid = 2, .exe = "/bin/bash", .args = "bash|run.sh|", .cwd = "/w");
	FORK(.of = run, .at = 2 * S, .pid = 3, .parent = 2, .comm = "bash");
	EXEC(.of = run, .at = 3 * S, .pid = 3, .parent = 2, .exe = "/bin/sh", .args = "sh|-c|x \"$y\"|", .env = "A=b|");
	FORK(.of = run, .at = 4 * S, .pid = 4, .parent = 3, .comm = "sh", .inherited = 1 << 20);
	EXEC(.of = run, .at = 5 * S, .pid = 4, .parent = 3, .exe = "/usr/bin/sort", .args = "sort|-k\t2|\xff|");
	CPU_SAMPLED(.of = run, .at = 6 * S, .pid = 4, .cpu = 900 * MS, .state = 'R');
	MEM_SAMPLED(.of = run, .at = 6 * S, .pid = 4, .bytes = 5 << 20, .shmem = 1 << 20);
	IO_SAMPLED(.of = run, .at = 6 * S, .pid = 4, .chars = 4096);
	CPU_REPLACED(.of = run, .at = 7 * S, .pid = 4, .cpu = 1 * S);
	MEM_REPLACED(.of = run, .at = 7 * S, .pid = 4, .bytes = 6 << 20);
	IO_REPLACED(.of = run, .at = 7 * S, .pid = 4, .chars = 8192);
	EXEC(.of = run, .at = 7 * S, .pid = 4, .parent = 3, .exe = "/usr/bin/uniq", .args = "uniq|");
	EXEC_FAILED(.of = run, .at = 8 * S, .pid = 3, .exe = "/bin/none", .error = ENOENT);
	OOM_KILL(.of = run, .at = 8 * S, .pid = 4, .bytes = 7 << 20, .cgroup = "/a");
	LOST(.of = run, .at = 8 * S, .stream = MEM, .count = 3, .since = 7 * S, .cause = "ring_full");
	END(.of = run, .at = 9 * S, .pid = 4, .parent = 3, .signal = 9, .cpu = 2 * S, .bytes = 7 << 20);
	IO_CLOSED(.of = run, .at = 9 * S, .pid = 4, .chars = 9000);
	END(.of = run, .at = 10 * S, .pid = 3, .parent = 2, .code = 1, .cpu = 3 * S, .bytes = 1 << 20);
	FORK(.of = run, .at = 10 * S, .pid = 5, .parent = 2, .comm = "bash");
	EXEC_FAILED(.of = run, .at = 10 * S, .pid = 5, .exe = "/bin/none", .error = ENOENT);
	END(.of = run, .at = 10 * S, .pid = 5, .parent = 2, .code = 127);
	FORK(.of = run, .at = 10 * S, .pid = 6, .parent = 2, .comm = "bash");
	END(.of = run, .at = 10 * S, .pid = 6, .parent = 2, .signal = 11);
	END(.of = run, .at = 11 * S, .pid = 2, .cpu = 4 * S, .bytes = 1 << 20);
}

/* Names as no kernel gives them. */
static void forge(struct buffer *seed)
{
	static const char *const names[] = {"ENOENT", "SIGSEGV"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint8_t *at = seed->data, *end = at + seed->size;

		for (; (at = memmem(at, end - at, names[i], strlen(names[i]))); at++)
			at[3] = i ? '\33' : 0xff;
	}
}

static void write_sinks(int dir)
{
	/* found by fuzzing: two runs, 240 years apart, in a report */
	static const char far[] =
		"\x0f\x01\x9d\x10\x00\x6b\x28\x00\x04\x04\x01\xa4\x63\x6f\xce\x0d\x69\x3a\x40\xa1\x52\x02\xdc\x00"
		"\x11\x10\xcf\x68\x00\x00\x00\x54\x0b\xe4\x00\x13\x03\x00\x03\x03\x23\xa4\x63\x6d\x00\x10\x00\x00"
		"\x72\x5f\x68\x61\x72\x73";
	static struct made run;
	/* a process of a trace that ended 288 years later */
	static const char late[] =
		"\x72\x00\xdc\x00\x12\x10\xce\x3b\x9a\xca\x00\x00\x02\xce\x3b\x9a\xca\x00\x02\x02\x01\x00\x00\xa4"
		"\x62\x61\x73\x68\xa9\x2f\x62\x69\x6e\x2f\x62\x61\x73\x68\x92\xa4\x62\x61\x73\x68\xa6\x72\x75\x6e"
		"\x2e\x73\x68\xa2\x2f\x77\xcd\x03\xe8\xcd\x03\xe8\xa1\x2f\x80\xce\x3b\x9a\xca\x00\xa4\x62\x61\x73"
		"\x68\x00\xdc\x00\x12\x12\xce\xb2\xd0\x5e\x00\x02\x03\xce\x77\x35\x94\x00\x03\x03\x01\x02\xce\x3b"
		"\x9a\xca\x00\xa2\x73\x68\xa7\x2f\x62\x69\x6e\x2f\x73\x68\x93\xa2\x73\x68\xa2\x2d\x63\xa6\x78\x20"
		"\x22\x24\x79\x22\xa1\x2f\xcd\x03\xe8\xcd\x03\xe8\xa1\x2f\x81\xa1\x41\xa1\x62\x00\x28\x00\x2a\x05"
		"\xf2\x00\x9e\x11\xcf\x69\x6d\x61\xdc\x00\x13\x11\xcf\x00\x00\x00\x02\x54\x0b\xe4\x00\x13\x00\x00"
		"\x00\x02\xdc\x00\x13\x11\xcf\x00\x00\x00\x02\x54\x0b\xe4\x00\x13\x03\xce\x77\x35\x94\x00\x03\x03"
		"\x01\xa4\x63\x6d\x6d\xce\x00\x00\x00\x10\x00\x00\x00\x00\xcd\x6f\x6d\x6d\xce\x6b\x01";
	/* a sample of a process with 120 years of CPU time in a nanosecond */
	static const char busy[] =
		"\x04\x00\xdc\x00\x13\x10\x00\x04\x04\xce\xee\x6b\x28\x00\x04\x04\x01\x03\xc0\xc0\xc0\xc0\xc0\x09"
		"\x2f\xc0\xc0\xc0\x01\xdc\x00\x1b\x10\x00\x05\x04\xce\xee\x6b\x28\x00\x04\x04\x01\xa4\x63\x6f\x6d"
		"\x6d\xcf\x35\xa4\xe9\x00\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\xc0\x2f\xc0\xc0\xc0"
		"\xc0\xc0\x2f";
	/* one that holds more than half of 16 EiB */
	static const char large[] =
		"\x7c\x00\x9b\x11\x00\x03\x04\xce\xee\x6b\x28\x00\x04\x04\x01\x03\x00\xa1\x2f\x02\xdc\x00\x13\x10"
		"\xcf\x69\x6d\x61\x67\x65\xa0\xbc\x00\x06\x04\xce\xee\x6b\x28\x00\x04\x04\x01\xa4\x63\xcf\xcf\xcf"
		"\xcf\xcf\xcf\xcf\xce\x00\x77\x72\x69\x74\x65\x5f\x73\x79\x0a\x65\x78\x00";
	struct buffer seed = {0};
	char name[16];

	for (unsigned i = 0; i < 3 * SINKS; i++) {
		uint8_t sink = i % SINKS | (i / SINKS == 1 ? 7 << 4 : 0);

		seed.size = 0;
		EXPECT(!buffer__append(&seed, &sink, 1));
		made__init(&run, "run", take, &seed);
		made__own_io(&run);
		send_run(&run);
		EXPECT(!made__free(&run));
		if (i / SINKS == 2)
			forge(&seed);
		snprintf(name, sizeof(name), "run%u", i);
		write_seed(dir, name, seed.data, seed.size);
	}
	buffer__free(&seed);
	write_seed(dir, "far", far, sizeof(far) - 1);
	write_seed(dir, "late", late, sizeof(late) - 1);
	write_seed(dir, "busy", busy, sizeof(busy) - 1);
	write_seed(dir, "large", large, sizeof(large) - 1);
}

static void write_texts(int dir, const char *const *texts, size_t count)
{
	char name[16];

	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		write_seed(dir, name, texts[i], strlen(texts[i]));
	}
}

/* A NUL in place of each '|'. */
static void write_lists(int dir, const char *const *texts, size_t count)
{
	char bytes[256], name[16];

	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(texts[i]);

		memcpy(bytes, texts[i], size);
		for (size_t k = 0; k < size; k++)
			bytes[k] = bytes[k] == '|' ? '\0' : bytes[k];
		snprintf(name, sizeof(name), "%zu", i);
		write_seed(dir, name, bytes, size);
	}
}

static void write_self(int dir)
{
	char head[4096];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, head, sizeof(head));

	EXPECT(n > 0);
	write_seed(dir, "elf", head, n);
	close(fd);
}

/* What servers of the Forward protocol send. */
static void write_answers(int dir)
{
	static const char ack[] = "\x82\xa5other\x93\x01\xc0\xc3\xa3"
				  "ack\xa8"
				  "MTIzNDU2";
	static const char helo[] = "\x92\xa4HELO\x83\xa5nonce\xc4\x04\x00\x01\xff\x02\xa4"
				   "auth\xa4salt\xa9keepalive\xc2";
	static const char pong[] = "\x95\xa4PONG\xc2\xa6reason\xa4host\xa6"
				   "digest\x81\xa3"
				   "ack\xa1x";

	write_seed(dir, "ack", ack, sizeof(ack) - 1);
	write_seed(dir, "helo", helo, sizeof(helo) - 1);
	write_seed(dir, "pong", pong, sizeof(pong) - 1);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {
		"flag=true,number=7,bytes=8MiB,time=500ms,text=a\\,b,list=a\\,b\\\\\\,c,map=k=v\\,l=w",
		"text=${A},time=1d", "${env:A}$${env:B:-c}"};
	static const char *const lists[] = {"/usr/**/[a-c]*x?|/usr/bin/bcx1",
					    "(--token=)\\S+|--token=abc|--password|x|https://u:p@h/",
					    "AKIA[A-Z0-9]{16}|Authorization: Bearer abcdefghijkl|API_KEY=1 x"};
	static const char *const traces[] = {
		"task_id\thash\tname\tstatus\n1\tab/cdef01\tx (1)\tCOMPLETED\n2\t-\ty\tFAILED\r\n",
		"hash\tname\thash\nab/1\tx\tcd/2\n"};
	int top, files;

	if (argc != 2) {
		fputs("Usage: seeds_sinks FOLDER\n", stderr);
		return 2;
	}
	top = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(top >= 0);
	write_sinks(folder_in(top, "sinks"));
	write_texts(folder_in(top, "options"), options, sizeof(options) / sizeof(*options));
	write_lists(folder_in(top, "match"), lists, sizeof(lists) / sizeof(*lists));
	write_answers(folder_in(top, "forward"));
	files = folder_in(top, "files");
	write_texts(files, traces, sizeof(traces) / sizeof(*traces));
	write_self(files);
	return 0;
}
