/* SPDX-License-Identifier: BSD-2-Clause */
/* A probe that has fallen to an attacker: its event() tries what gives back privileges, and logs how that went. Compiled with
 * -DELF=\"SKELETON\" -DBYTES=FUNCTION; -DSYSCALLS='"NAME",' are those that it declares. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/probe.h"
#include ELF

static const struct core_api *core;

static void log_try(const char *what, long result)
{
	core->log(LOG_WARN, "%s: %s", what, result < 0 ? strerror(errno) : "worked");
}

static void try_all(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	log_try("open", open("/etc/passwd", O_RDONLY));
	log_try("socket", socket(AF_INET, SOCK_STREAM, 0));
	log_try("fork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	log_try("execve", execl("/bin/true", "true", NULL));
	log_try("ptrace", ptrace(PTRACE_SEIZE, getppid(), 0, 0));
	log_try("kill", kill(getppid(), 0));
	log_try("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
	log_try("executable memory",
		mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	log_try("memory", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	log_try("setuid", syscall(SYS_setuid, 0));
	log_try("umask", syscall(SYS_umask, 022));
}

static int curious__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	(void)conf;
	(void)object;
	(void)state;
	core = api;
	return 0;
}

static const struct event *curious__event(void *state, struct event *event, size_t *size)
{
	static bool tried;

	(void)state;
	(void)event;
	(void)size;
	if (!tried)
		try_all();
	tried = true;
	return NULL;
}

struct curious_event {
	struct event head;
	char comm[EVENT_COMM];
};

static const struct schema_field fields[] = {FIELD(struct curious_event, comm, NULL, "a name"), {0}};
static const struct schema_event events[] = {
	EVENT(0, struct curious_event, "first", "one", fields),
	EVENT(1, struct curious_event, "second", "and another", fields),
};
static const char *const syscalls[] = {SYSCALLS NULL};

static const struct probe curious = {
	.abi = PROBE_ABI,
	.size = sizeof(curious),
	.name = "curious",
	.help = "tries what it may not",
	.events = events,
	.events_count = sizeof(events) / sizeof(events[0]),
	.elf = BYTES,
	.syscalls = syscalls,
	.open = curious__open,
	.event = curious__event,
};

PROBE_EXPORT const struct probe *const collector_probe;
const struct probe *const collector_probe = &curious;
