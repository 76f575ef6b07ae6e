/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink that says as whom it runs, each time it is loaded and when it is used, and tries what it must not be able to do. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/sink.h"

struct witness_conf {
	char *rules;
};

static const struct opt options[] = {
	OPT(struct witness_conf, rules, OPT_STRING, NULL, 0, 0, "a file to read"),
	{0},
};

/* A line for each process that loads it, in the file WITNESS. */
static __attribute__((constructor)) void loaded(void)
{
	const char *path = getenv("WITNESS");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (fd >= 0)
		dprintf(fd, "%u %u\n", getuid(), geteuid());
}

static void copy(int from, int to)
{
	char buffer[4096];
	ssize_t n;

	while (from >= 0 && (n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, n) != n)
			abort();
}

static void try(int out, const char *what, int rc)
{
	dprintf(out, "try %s: %s\n", what, rc < 0 ? strerror(errno) : "done");
}

static int witness__open(const struct sink_api *api, const void *conf, void **state)
{
	const char *secret = getenv("SECRET");
	char memory[64];

	(void)conf;
	*state = NULL;
	copy(open("/proc/self/status", O_RDONLY | O_CLOEXEC), api->out);
	try(api->out, "setuid", setuid(0));
	try(api->out, "secret", open(secret ? secret : "/etc/shadow", O_RDONLY | O_CLOEXEC));
	try(api->out, "signal", kill(getppid(), 0));
	snprintf(memory, sizeof(memory), "/proc/%d/mem", getppid());
	try(api->out, "memory", open(memory, O_RDONLY | O_CLOEXEC));
	dprintf(api->out, "file ");
	if (sink_api__file(api, "rules"))
		copy(sink_api__file(api, "rules"), api->out);
	return 0;
}

static int witness__write(void *state, const struct record *record)
{
	(void)state;
	(void)record;
	return 0;
}

static void witness__close(void *state)
{
	(void)state;
}

SINK(witness, "says what it may do", .options = options, .conf_size = sizeof(struct witness_conf),
     .open = witness__open, .write = witness__write, .close = witness__close, .reads = "rules");
