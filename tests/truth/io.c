// SPDX-License-Identifier: BSD-2-Clause
/* Cases: what a process reads and writes, with its own /proc/self/io. */
#include "tests/truth/truth.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[MIB];

/* What /proc/self/io says, left in memory that the parent sees: a pipe would be I/O again. */
static void look(char *text)
{
	int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 4000);

	text[n > 0 ? n : 0] = 0;
}

static void say_io(char *text)
{
	look(text);
	_exit(0);
}

static long long value(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atoll(at + strlen(key)) : -1;
}

/* Its look at its account was a read of the account's own length. */
static void expect_io(const struct birth *b, const char *text)
{
	long long looked;

	settle(b->pid); /* only now has it written its text */
	looked = strlen(text);
	if (!looked) {
		expect_end(b, "execs=0");
		expect_none("no_/proc/self/io");
	} else {
		expect_end(b,
			   "read_chars=%lld write_chars=%lld read_syscalls=%lld write_syscalls=%lld read_bytes=%lld "
			   "write_bytes=%lld",
			   value(text, "rchar: ") + looked, value(text, "wchar: "), value(text, "syscr: ") + 1,
			   value(text, "syscw: "), value(text, "\nread_bytes: "), value(text, "\nwrite_bytes: "));
	}
}

static void *writes(void *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (int i = 0; i < 8; i++)
		if (write(fd, buffer, sizeof(buffer)) != sizeof(buffer))
			_exit(1);
	fsync(fd);
	lseek(fd, 0, SEEK_SET);
	while (read(fd, buffer, sizeof(buffer)) > 0)
		continue;
	close(fd);
	return NULL;
}

static void io_8m(void)
{
	char *text = take(4096, MAP_SHARED | MAP_ANONYMOUS, -1);
	struct birth b;

	if (born(&b)) {
		writes("truth-io.tmp");
		say_io(text);
	}
	expect_io(&b, text);
	unlink("truth-io.tmp");
}

static void *writes_and_tells(void *done)
{
	writes("truth-io.tmp");
	__atomic_store_n((int *)done, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void io_by_thread(void)
{
	char *text = take(4096, MAP_SHARED | MAP_ANONYMOUS, -1);
	static int done;
	struct birth b;

	if (born(&b)) {
		start_thread(writes_and_tells, (intptr_t)&done);
		while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
			sleep_ms(5);
		say_io(text);
	}
	expect_io(&b, text);
	unlink("truth-io.tmp");
}

static void io_none(void)
{
	char *text = take(4096, MAP_SHARED | MAP_ANONYMOUS, -1);
	struct birth b;

	if (born(&b))
		say_io(text);
	expect_io(&b, text);
}

/* The parent looks at its own account before it waits for its child, whose account the kernel then adds to it. */
static void io_of_children(void)
{
	char *text = take(8192, MAP_SHARED | MAP_ANONYMOUS, -1), *own = text + 4096;
	struct birth b, child;

	if (born(&b)) {
		writes("truth-io.tmp");
		if (born(&child)) {
			writes("truth-io-child.tmp");
			say_io(text);
		}
		look(own);
		waitpid(child.pid, NULL, 0); /* reap() reads */
		_exit(0);
	}
	settle(b.pid);
	if (!*own || !*text) {
		expect_end(&b, "execs=0");
		expect_none("no_/proc/self/io");
	} else {
		expect_end(&b,
			   "read_chars=%lld write_chars=%lld read_bytes=%lld write_bytes=%lld children_read_chars=%lld "
			   "children_write_chars=%lld children_read_syscalls=%lld children_write_syscalls=%lld "
			   "children_read_bytes=%lld children_write_bytes=%lld",
			   value(own, "rchar: ") + (long long)strlen(own), value(own, "wchar: "),
			   value(own, "\nread_bytes: "), value(own, "\nwrite_bytes: "),
			   value(text, "rchar: ") + (long long)strlen(text), value(text, "wchar: "),
			   value(text, "syscr: ") + 1, value(text, "syscw: "), value(text, "\nread_bytes: "),
			   value(text, "\nwrite_bytes: "));
	}
	unlink("truth-io.tmp");
	unlink("truth-io-child.tmp");
}

const struct truth_case io_cases[] = {
	{"io_none", "nothing", io_none, false},
	{"io_8m", "8 MB written, synced, read again", io_8m, false},
	{"io_by_thread", "the same by a thread", io_by_thread, false},
	{"io_of_children", "the same, and as much by a child that it waits for", io_of_children, false},
	{0},
};
