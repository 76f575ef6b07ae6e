/* SPDX-License-Identifier: BSD-2-Clause */
/* Uses memory in different ways and says its own peak from /proc/self/status before it ends.
 * Usage: memory CASE MIB [FILE]
 *        memory parent MIB CASE MIB... | /PROGRAM: takes memory, then runs that, says wait4's maxrss */
#include "witness.h"

#include <fcntl.h>

static char *take(size_t mib, int flags, int fd)
{
	size_t size = mib << 20;
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	volatile char sum = 0;

	if (at == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < size; i += 4096) {
		if (fd < 0)
			at[i] = 1;
		sum += at[i];
	}
	return at;
}

static long status_kib(const char *text, const char *key)
{
	const char *line = strstr(text, key);

	return line ? strtol(line + strlen(key), NULL, 10) : -1;
}

/* By system calls alone: stdio would take memory after the look. */
static void say(const char *name)
{
	static char text[8192], out[512];
	int fd = open("/proc/self/status", O_RDONLY), n;

	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		die("status");
	text[n] = 0;
	n = snprintf(out, sizeof(out),
		     "{\"case\":\"%s\",\"pid\":%d,\"hwm_kib\":%ld,\"rss_kib\":%ld,\"vm_kib\":%ld,"
		     "\"anon_kib\":%ld,\"file_kib\":%ld,\"shmem_kib\":%ld}\n",
		     name, getpid(), status_kib(text, "VmHWM:"), status_kib(text, "VmRSS:"),
		     status_kib(text, "VmSize:"), status_kib(text, "RssAnon:"), status_kib(text, "RssFile:"),
		     status_kib(text, "RssShmem:"));
	if (write(STDOUT_FILENO, out, n) != n)
		die("write");
	_exit(0);
}

static void parent(size_t mib, char **argv)
{
	struct child c = {.name = "parent", .argument = mib};
	char *at = take(mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	c.pid = fork();
	if (!c.pid) {
		execv(argv[1][0] == '/' ? argv[1] : "/proc/self/exe", argv[1][0] == '/' ? argv + 1 : argv);
		_exit(127);
	}
	child__reap(&c);
	munmap(at, mib << 20);
}

int main(int argc, char **argv)
{
	const char *name = argc > 2 ? argv[1] : "small";
	size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	int private = MAP_PRIVATE | MAP_ANONYMOUS;

	if (!strcmp(name, "parent")) {
		parent(mib, argv + 2);
		return 0;
	}
	if (!strcmp(name, "hold")) {
		take(mib, private, -1);
	} else if (!strcmp(name, "freed")) {
		munmap(take(mib, private, -1), mib << 20);
	} else if (!strcmp(name, "shared")) {
		take(mib, MAP_SHARED | MAP_ANONYMOUS, -1);
	} else if (!strcmp(name, "file")) {
		take(mib, MAP_PRIVATE, open(argv[3], O_RDWR));
	} else if (!strcmp(name, "exec_small")) {
		take(mib, private, -1);
		execl("/proc/self/exe", "memory", "small", "0", NULL);
	}
	say(name);
}
