/* SPDX-License-Identifier: BSD-2-Clause */
/* The stall probe: the processes that stand still, what each of their threads waits for, and the holders of the other ends. */
#include "core/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "probes/stall/describe.h"
#include "probes/stall/stall.h"
#include "probes/stall/stall.skel.h"

struct stall_conf {
	uint64_t after;
};

static const struct opt options[] = {
	OPT(struct stall_conf, after, OPT_DURATION, "60s", 100000000, 86400000000000,
	    "report a process once all of its threads have stood still for this long; at least two intervals"),
	{0},
};

static const char *lock_name(uint64_t lock)
{
	static const char *const names[] = {
		[STALL_MUTEX] = "mutex",
		[STALL_SEMAPHORE] = "semaphore",
		[STALL_RWSEM_READER] = "rwsem_reader",
		[STALL_RWSEM_WRITER] = "rwsem_writer",
	};

	return names[lock & 3];
}

static const char *locked_name(uint64_t locked)
{
	return locked == STALL_FLOCK ? "flock" : locked == STALL_POSIX ? "posix" : "ofd";
}

static const char *incomplete_name(uint64_t reason)
{
	static const char *const names[] = {
		[STALL_MOVED] = "moved",
		[STALL_LIMIT] = "limit",
		[STALL_NAMESPACE] = "namespace",
		[STALL_DENIED] = "denied",
	};

	return names[reason & 3];
}

static const struct schema_field stuck_fields[] = {
	FIELD(struct stall_stuck, look, NULL, "number of the look, from 1 on: records of one look belong together"),
	FIELD(struct stall_stuck, since, "ns",
	      "boot clock: since then no thread of the process ran: the time of the look that found it so, up to one interval late"),
	FIELD(struct stall_stuck, comm, NULL, "name of the thread"),
	FIELD(struct stall_stuck, state, NULL, "S D T t I, as in ps(1)"),
	FIELD(struct stall_stuck, wait_channel, NULL, "kernel function it sleeps in, as in /proc/PID/wchan"),
	FIELD(struct stall_stuck, syscall, NULL,
	      "system call by name, as \"futex\"; null: in none (stopped in user space, a page fault)"),
	FIELD(struct stall_stuck, syscall_args, NULL, "its six arguments, \"0x3\", as in /proc/PID/syscall"),
	FIELD(struct stall_stuck, opening, NULL,
	      "of a thread that waits for the other end of a FIFO to be opened: its path, at most the first 512 bytes; else null"),
	FIELD(struct stall_stuck, futex_word, NULL,
	      "of a thread in a futex wait: the 32 bits at the first argument; null: in none, or not readable"),
	FIELD(struct stall_stuck, futex_owner, NULL,
	      "thread (tid in the initial PID namespace) that owns that futex, by its word (PI, robust) or that of a glibc "
	      "mutex; null: no owner is known (a condition variable, a semaphore), gone: it has ended"),
	FIELD(struct stall_stuck, blocker, NULL,
	      "thread that owns the kernel lock it waits for; null: it waits for none, or the kernel does not say"),
	FIELD_NAME(struct stall_stuck, blocker_lock, "blocker_lock", lock_name,
		   "that lock: mutex, semaphore, rwsem_reader, rwsem_writer"),
	FIELD(struct stall_stuck, ptracer, NULL, "process that traces it; null: none"),
	FIELD(struct stall_stuck, in_iowait, NULL, "waits for I/O, as the kernel counts it"),
	FIELD(struct stall_stuck, children, NULL,
	      "children of this thread that are not yet waited for, zombies included"),
	FIELD(struct stall_stuck, timer, NULL,
	      "an alarm, interval or POSIX timer of the process is armed: it may end the wait"),
	{0},
};

static const struct schema_field descriptor_fields[] = {
	FIELD(struct stall_descriptor, look, NULL, "number of the look"),
	FIELD(struct stall_descriptor, fd, NULL, "number of the descriptor in owner_pid"),
	FIELD_NAME(
		struct stall_descriptor, type, "type", describe__type,
		"file, directory, pipe, fifo, socket, tty, null, char, block, eventfd, epoll, timerfd, signalfd, inotify, "
		"pidfd, io_uring, other"),
	FIELD(struct stall_descriptor, device, NULL, "of the file system, as st_dev in stat(2)"),
	FIELD(struct stall_descriptor, inode, NULL, "(device, inode) identifies a pipe, FIFO, socket or file"),
	FIELD(struct stall_descriptor, mode, NULL, "r, w or rw: how it is open"),
	FIELD(struct stall_descriptor, peer, NULL,
	      "of a connected Unix socket the inode of the other end; of a pidfd the pid; else null"),
	FIELD(struct stall_descriptor, address, NULL,
	      "of a socket: \"tcp 127.0.0.1:80 -> 127.0.0.1:4711\", \"unix /run/x.sock\", \"unix @abstract\"; else null"),
	FIELD(struct stall_descriptor, path, NULL, "where it has one, at most the first 512 bytes; else null"),
	FIELD(struct stall_descriptor, open_file, NULL,
	      "a number for the open file description: the same in two descriptors if one is a duplicate of the other (dup, fork), "
	      "different in each run"),
	FIELD(struct stall_descriptor, readers, NULL,
	      "of a pipe or FIFO: open file descriptions that can read, by the kernel's own count; more than the distinct "
	      "open_file with mode r or rw in this look: some holder is not seen (in flight over a socket)"),
	FIELD(struct stall_descriptor, writers, NULL, "the same, that can write"),
	FIELD_NAME(
		struct stall_descriptor, locked, "locked", locked_name,
		"flock, posix or ofd: the holder has a lock on that file by this descriptor (posix: as a process); else null"),
	FIELD(struct stall_descriptor, owner_pid, NULL, "the process that has the descriptor: pid, if watched is true"),
	FIELD(struct stall_descriptor, owner_start, "ns", "its start"),
	FIELD(struct stall_descriptor, owner_comm, NULL, "its name"),
	FIELD(struct stall_descriptor, watched, NULL,
	      "the owner is in the scope; false: an outsider, and pid is the stuck process that shares it with the outsider"),
	{0},
};

static const struct schema_field picture_fields[] = {
	FIELD(struct stall_picture, look, NULL, "number of the look"),
	FIELD(struct stall_picture, since, "ns", "boot clock: since then no thread of it ran"),
	FIELD(struct stall_picture, comm, NULL, "name of the group leader's thread"),
	FIELD(struct stall_picture, threads, NULL, "stuck records of this process in this look"),
	FIELD(struct stall_picture, descriptors, NULL, "descriptor records of its own descriptors in this look"),
	FIELD(struct stall_picture, holders, NULL,
	      "descriptor records of this look of all processes that were not themselves described in it"),
	FIELD(struct stall_picture, complete, NULL,
	      "all threads, all descriptors and all holders of its pipes, FIFOs, sockets (Unix, local TCP), eventfds and locked files "
	      "are in the stream, watched or not"),
	FIELD_NAME(
		struct stall_picture, incomplete, "incomplete", incomplete_name,
		"why not: moved (it went on meanwhile), limit (more than a look has room for), namespace (the collector does "
		"not see all processes of the host), denied (it or a holder is another user's, whose details the run's owner may "
		"not see); null: it is complete"),
	{0},
};

static const struct schema_field moving_fields[] = {
	FIELD(struct stall_moving, look, NULL, "number of the look"),
	FIELD(struct stall_moving, since, "ns", "boot clock: it had stood still since then"),
	FIELD(struct stall_moving, stuck_ns, "ns", "for how long, to within an interval"),
	FIELD(struct stall_moving, comm, NULL, "name of the group leader's thread"),
	{0},
};

static const struct schema_field zombie_fields[] = {
	FIELD(struct stall_zombie, look, NULL, "number of the look"),
	FIELD(struct stall_zombie, since, "ns", "boot clock: when it exited"),
	FIELD(struct stall_zombie, comm, NULL, "its name"),
	FIELD(struct stall_zombie, parent_pid, NULL, "the process that is to wait for it"),
	FIELD(struct stall_zombie, parent_start, "ns", "its start"),
	FIELD(struct stall_zombie, parent_comm, NULL, "its name"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(STALL_STUCK, struct stall_stuck, "stuck",
	      "once per thread, when all threads of its process stood still for `after`", stuck_fields),
	EVENT(STALL_DESCRIPTOR, struct stall_descriptor, "descriptor",
	      "once per descriptor of such a process, and of the others that hold what it holds", descriptor_fields),
	EVENT(STALL_PICTURE, struct stall_picture, "picture", "the end of what a look found of one process",
	      picture_fields),
	EVENT(STALL_MOVING, struct stall_moving, "moving", "such a process goes on", moving_fields),
	EVENT(STALL_ZOMBIE, struct stall_zombie, "zombie",
	      "once per process that has exited and has been a zombie for `after`; its end is that of cpu.exit or io.exit",
	      zombie_fields),
};

/* ---- looks ---- */

struct stall {
	const struct core_api *api;
	struct bpf_object *object;
	struct stall_look *look;    /* in the object's mapped variables; after the load */
	const char *unavailable[4]; /* terminated by NULL */
};

/* In this order, once a look has found a process that is stuck. Of the pairs the kernel has loaded one. */
static const char *const on_demand[] = {
	"stall_stuck_words",
	"stall_stuck",
	"stall_stuck_loop",
	"stall_descriptor_own",
	"stall_descriptor_own_loop",
	"stall_descriptor_other",
	"stall_descriptor_other_loop",
	"stall_picture",
	"stall_picture_loop",
	NULL,
};

/* Lists what is unavailable on this kernel. */
static int choose(struct stall *s, const struct stall_conf *conf)
{
	const struct core_api *api = s->api;
	struct bpf_object *object = s->object;
	bool words = api->has_type("bpf_func_id", "BPF_FUNC_copy_from_user_task");
	bool names = api->has_helper(BPF_FUNC_snprintf);
	uint64_t salt = 0;
	size_t n = 0;

	if (!words) {
		bpf_program__set_autoload(bpf_object__find_program_by_name(object, "stall_stuck_words"), false);
		s->unavailable[n++] = "stuck.futex_word, stuck.futex_owner: not before kernel 5.18";
	}
	if (!names)
		s->unavailable[n++] = "stuck.wait_channel: not before kernel 5.13";
	if (!api->has_type("task_struct", "blocker"))
		s->unavailable[n++] =
			"stuck.blocker: this kernel does not keep it (since 6.16, CONFIG_DETECT_HUNG_TASK_BLOCKER)";
	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return -EIO;
	return PROBE_SET(api, object, after_ns, (__u64)conf->after) || PROBE_SET(api, object, salt, (__u64)salt) ||
			       PROBE_SET(api, object, stack_bytes, (__u64)api->stack_bytes()) ||
			       PROBE_SET(api, object, has_snprintf, names) || PROBE_SET(api, object, has_words, words)
		       ? -EINVAL
		       : 0;
}

static int stall__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	struct stall *s = *state = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->api = api;
	s->object = object;
	return choose(s, conf);
}

static int stall__loaded(const struct core_api *api, struct bpf_object *object, void *state)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".data.look");
	struct stall *s = state;
	size_t size = 0;

	(void)api;
	s->look = map ? (struct stall_look *)bpf_map__initial_value(map, &size) : NULL;
	if (!s->look || size < sizeof(*s->look))
		return -EINVAL;
	s->look->number = 1;
	return 0;
}

static const char *const *stall__unavailable(void *state)
{
	return ((struct stall *)state)->unavailable;
}

static void clear(struct stall *s, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(s->object, name);
	_Alignas(8) char key[16]; /* of either map */

	while (!bpf_map_get_next_key(fd, NULL, key) && !bpf_map_delete_elem(fd, key))
		;
}

/* Nothing runs and nothing is read unless a process is newly stuck. */
static void stall__sampled(void *state)
{
	struct stall *s = state;
	int err;

	if (s->look->processes) {
		for (const char *const *program = on_demand; *program; program++) {
			err = s->api->run(s->api, *program);
			if (err && err != -ENOENT)
				s->api->log(LOG_WARN, "stall: %s: %s", *program, strerror(-err));
		}
		clear(s, "stuck");
		clear(s, "wanted");
	}
	*s->look = (struct stall_look){.number = s->look->number + 1};
}

static const struct event *stall__event(void *state, struct event *event, size_t *size)
{
	struct stall *s = state;

	if (event->kind == STALL_STUCK && *size >= sizeof(struct stall_stuck))
		describe__thread((struct stall_stuck *)event, s->api);
	else if (event->kind == STALL_DESCRIPTOR && *size >= sizeof(struct stall_descriptor))
		describe__descriptor((struct stall_descriptor *)event);
	return event;
}

PROBE(stall, "processes that stand still: what each thread waits for, and the processes that could end it", events,
      .options = options, .conf_size = sizeof(struct stall_conf), .ring_bytes = 64 << 10, .interval_ns = 5000000000,
      .open = stall__open, .close = free, .loaded = stall__loaded, .unavailable = stall__unavailable,
      .event = stall__event, .sampled = stall__sampled, .on_demand = on_demand);
