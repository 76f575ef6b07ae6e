/* SPDX-License-Identifier: BSD-2-Clause */
/* The lifecycle probe: forks, execs and exits. */
#include "core/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/lifecycle/alive.h"
#include "probes/lifecycle/lifecycle.h"
#include "probes/lifecycle/lifecycle.skel.h"
#include "probes/lifecycle/signal_code.h"
#include "probes/lifecycle/stderr_map.h"

_Static_assert(sizeof(struct lifecycle_fork) == 32 + 8 + 8 + EVENT_COMM, "layout shared with BPF");
_Static_assert(sizeof(struct lifecycle_exec) == 32 + 3 * 8 + 24 + EVENT_COMM + 5 * 12 + 48 + 4,
	       "layout shared with BPF");
_Static_assert(sizeof(struct lifecycle_failure) == 32 + 2 * 8 + 48 + 12 + 3 * 4, "layout shared with BPF");
_Static_assert(sizeof(struct lifecycle_exit) == 32 + 4 * 8 + 8 + EVENT_COMM + 8 + 4 * 8 + 12 + EVENT_COMM + 4,
	       "layout shared with BPF");

struct lifecycle_conf {
	struct opt_list env;
	bool exec_failed;
};

static const struct opt options[] = {
	OPT(struct lifecycle_conf, env, OPT_LIST, NULL, 0, 0,
	    "names of environment variables to record with each exec"),
	OPT(struct lifecycle_conf, exec_failed, OPT_BOOL, "false", 0, 0,
	    "also record execs that failed; slows down every system call of the machine a little"),
	{0},
};

#define PARENT(s)                                                                                       \
	FIELD(s, ppid, NULL, "PID of the parent"), FIELD(s, parent_start, "ns", "start of the parent"), \
		FIELD(s, comm, NULL, "name of the group leader's thread")

#define NS_PID(s) FIELD(s, ns_pid, NULL, "PID in its own PID namespace; pid outside of containers")

#define PIPES(s)                                                                                           \
	FIELD(s, stdin_pipe, NULL, "inode of the pipe that is descriptor 0; null: not a pipe, or closed"), \
		FIELD(s, stdout_pipe, NULL, "inode of the pipe that is descriptor 1; as stdin_pipe")

#define PROGRAM                                                                                       \
	PARENT(struct lifecycle_exec), FIELD(struct lifecycle_exec, exe, NULL, "path as executed"),   \
		FIELD(struct lifecycle_exec, args, NULL, "argv, byte for byte"),                      \
		FIELD(struct lifecycle_exec, cwd, NULL, "working directory, in its mount namespace"), \
		FIELD(struct lifecycle_exec, uid, NULL, "UID, in the initial namespace"),             \
		FIELD(struct lifecycle_exec, gid, NULL, "GID, in the initial namespace"),             \
		FIELD(struct lifecycle_exec, cgroup, NULL, "cgroup"),                                 \
		FIELD(struct lifecycle_exec, env, NULL, "the environment variables that the option env names")

static const char *signal_name(uint64_t number)
{
	static char real_time[16];
	const char *name = number < 32 ? sigabbrev_np(number) : NULL;

	if (name)
		snprintf(real_time, sizeof(real_time), "SIG%s", name);
	else
		snprintf(real_time, sizeof(real_time), "SIGRTMIN+%u", (unsigned)number - 32);
	return real_time;
}

static const char *sender_name(uint64_t sender)
{
	static const char *const names[] = {
		[LIFECYCLE_SENDER_USER] = "user",
		[LIFECYCLE_SENDER_KERNEL] = "kernel",
		[LIFECYCLE_SENDER_TIMER] = "timer",
		[LIFECYCLE_SENDER_OOM] = "oom",
		[LIFECYCLE_SENDER_MEMORY_LIMIT] = "memory_limit",
	};

	return sender < sizeof(names) / sizeof(*names) ? names[sender] : NULL;
}

static const char *error_name(uint64_t number)
{
	return strerrorname_np(number);
}

static const struct schema_field program_fields[] = {
	PROGRAM,
	NS_PID(struct lifecycle_exec),
	FIELD(struct lifecycle_exec, euid, NULL, "effective UID: not uid for a set-user-ID program"),
	FIELD(struct lifecycle_exec, egid, NULL, "effective GID"),
	FIELD_AS(
		struct lifecycle_exec, error.map, "stderr", NULL,
		"descriptor 2: type (file, pipe, tty, null, socket...), device, inode; of a file offset, size and path"),
	PIPES(struct lifecycle_exec),
	{0},
};
static const struct schema_field fork_fields[] = {PARENT(struct lifecycle_fork), NS_PID(struct lifecycle_fork), {0}};

static const struct schema_field failure_fields[] = {
	FIELD_AS(struct lifecycle_failure, error.map, "stderr", NULL,
		 "descriptor 2 then, or before it closed it; of a file offset at the fork, or the last exec, and size"),
	FIELD(struct lifecycle_failure, cwd, NULL,
	      "working directory then; null: it ran a program, and its parent has the same"),
	FIELD(struct lifecycle_failure, programs, NULL, "programs that it has executed; 0: it ran that of its parent"),
	PIPES(struct lifecycle_failure),
	{0},
};

static const struct schema_field exec_failed_fields[] = {
	FIELD(struct lifecycle_exec_failed, comm, NULL, "name of the thread"),
	FIELD(struct lifecycle_exec_failed, exe, NULL, "path to execute"),
	FIELD_NAME(struct lifecycle_exec_failed, error, "error", error_name, "ENOENT, EACCES..."),
	FIELD(struct lifecycle_exec_failed, args, NULL, "argv, as far as readable"),
	{0},
};

static const struct schema_field exit_fields[] = {
	PARENT(struct lifecycle_exit),
	FIELD(struct lifecycle_exit, exit_code, NULL, "0 to 255; null: killed by a signal"),
	FIELD(struct lifecycle_exit, signal, NULL, "signal that killed it; null: it exited"),
	FIELD_NAME(struct lifecycle_exit, signal, "signal_name", signal_name, "name of the signal"),
	FIELD(struct lifecycle_exit, core_dumped, NULL, "the kernel wrote a core dump"),
	FIELD(struct lifecycle_exit, stack_fault, NULL,
	      "ended by SIGSEGV for an access next to a thread's stack pointer: its stack was full"),
	FIELD(struct lifecycle_exit, duration_ns, "ns", "from its start to the exit of its last thread"),
	FIELD(struct lifecycle_exit, threads_peak, NULL, "peak number of live threads"),
	FIELD_NAME(struct lifecycle_exit, signal_code, "signal_code", signal_code__name,
		   "si_code of the signal that ended it, or asked it to end: SIGINT, SIGTERM"),
	FIELD_NAME(struct lifecycle_exit, sender, "sender", sender_name,
		   "its sender: user, kernel, timer, oom, memory_limit"),
	FIELD(struct lifecycle_exit, sender_pid, NULL, "PID of the process that sent it; null: no process did"),
	FIELD(struct lifecycle_exit, sender_start, "ns", "its start"),
	FIELD(struct lifecycle_exit, sender_comm, NULL, "its name; it may be unwatched"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(LIFECYCLE_ALIVE, struct lifecycle_exec, "alive", "an existing process: it started before the collector",
	      program_fields),
	EVENT(LIFECYCLE_FORK, struct lifecycle_fork, "fork", "a process was created", fork_fields, .role = SCHEMA_FORK),
	EVENT(LIFECYCLE_EXEC, struct lifecycle_exec, "exec", "a process executed a program", program_fields,
	      .role = SCHEMA_EXEC, .flags = SCHEMA_SHOWN),
	EVENT(LIFECYCLE_EXEC_FAILED, struct lifecycle_exec_failed, "exec_failed", "an exec failed", exec_failed_fields,
	      .flags = SCHEMA_OFF | SCHEMA_SPARSE),
	EVENT(LIFECYCLE_EXIT, struct lifecycle_exit, "exit", "once per process, when its last thread exits",
	      exit_fields, .role = SCHEMA_EXIT),
	EVENT(LIFECYCLE_FAILURE, struct lifecycle_failure, "failure",
	      "before the exit of a process that fails: where its errors are, if in a file", failure_fields,
	      .flags = SCHEMA_SHOWN),
};

/* The parts received so far of a list that is too long for one event; its exec follows. */
struct pending {
	struct pending *next;
	__u64 start;
	__u32 pid, area;
	size_t length;
	char bytes[];
};

struct lifecycle {
	const struct lifecycle_conf *conf;
	const uint32_t *only_user; /* core_api.only_user */
	bool lent;		   /* core_api.lent */
	struct pending *pending;
	char *event; /* being assembled */
	size_t room;
};

static int lifecycle__open(const struct core_api *api, const void *conf, struct bpf_object *object, void **state)
{
	struct lifecycle *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->conf = conf;
	l->only_user = api->only_user;
	*state = l;
	l->lent = api->lent;
	if (l->lent && l->conf->env.n)
		api->log(LOG_WARN, "lifecycle: env: no environment is recorded with file capabilities");
	if (l->lent) /* not even what the kernel reads for it */
		*api->events &= ~(1ULL << LIFECYCLE_EXEC_FAILED);
	else if (l->conf->exec_failed)
		*api->events |= 1ULL << LIFECYCLE_EXEC_FAILED;
	return PROBE_SET(api, object, want_env, (bool)(l->conf->env.n > 0 && !l->lent)) ||
			       PROBE_SET(api, object, stack_bytes, (__u64)api->stack_bytes()) ||
			       PROBE_SET(api, object, want_failure, (bool)(*api->events >> LIFECYCLE_FAILURE & 1))
		       ? -EINVAL
		       : 0;
}

static void lifecycle__close(void *state)
{
	struct lifecycle *l = state;

	while (l && l->pending) {
		struct pending *next = l->pending->next;

		free(l->pending);
		l->pending = next;
	}
	if (l)
		free(l->event);
	free(l);
}

static struct pending **find_pending(struct lifecycle *l, const struct event *e, __u32 area)
{
	struct pending **link = &l->pending;

	while (*link && ((*link)->pid != e->pid || (*link)->start != e->start || (*link)->area != area))
		link = &(*link)->next;
	return link;
}

/* Forgets the parts of a list whose exec has been seen, or never will be. */
static void drop_pending(struct lifecycle *l, const struct event *e, __u32 area)
{
	struct pending **link = find_pending(l, e, area), *p = *link;

	if (!p)
		return;
	*link = p->next;
	free(p);
}

static void drop_parts(struct lifecycle *l, const struct event *e)
{
	drop_pending(l, e, LIFECYCLE_ARGS);
	drop_pending(l, e, LIFECYCLE_ENV);
}

/* Stores a part. A first part replaces those left over from an exec that was lost. Returns false unless it is valid. */
static bool keep_part(struct lifecycle *l, const struct lifecycle_part *part, size_t size)
{
	struct pending **link, *p;
	size_t have;

	if (size < offsetof(struct lifecycle_part, bytes) ||
	    part->length > size - offsetof(struct lifecycle_part, bytes) || part->area > LIFECYCLE_ENV)
		return false;
	if (!part->offset)
		drop_pending(l, &part->head, part->area);
	link = find_pending(l, &part->head, part->area);
	p = *link;
	have = p ? p->length : 0;
	if (part->offset != have)
		return true; /* an earlier part is missing: detected by the length in the exec */
	p = realloc(p, sizeof(*p) + have + part->length);
	if (!p)
		return true;
	if (!have)
		p->next = NULL;
	p->pid = part->head.pid;
	p->start = part->head.start;
	p->area = part->area;
	memcpy(p->bytes + have, part->bytes, part->length);
	p->length = have + part->length;
	*link = p;
	return true;
}

static bool make_room(struct lifecycle *l, size_t size)
{
	char *more;

	if (size <= l->room)
		return true;
	more = realloc(l->event, size * 2);
	if (!more)
		return false;
	l->event = more;
	l->room = size * 2;
	return true;
}

/* Appends the parts of one list to the event, whose address may change. */
static struct lifecycle_exec *append_parts(struct lifecycle *l, struct lifecycle_exec *e, size_t *size, __u32 area)
{
	const struct pending *p = *find_pending(l, &e->head, area);
	struct event_list *list = area == LIFECYCLE_ARGS ? &e->args : (struct event_list *)&e->env;
	size_t length = p && p->length <= list->length ? p->length : 0; /* more are those of an exec that was lost */
	bool ours = (char *)e == l->event;				/* then it moves along with the buffer */

	if (!make_room(l, *size + length)) {
		*list = (struct event_list){.offset = *size, .reason = EVENT_REASON_TRUNCATED};
		return e;
	}
	if (!ours)
		memcpy(l->event, e, *size);
	e = (struct lifecycle_exec *)l->event;
	list = area == LIFECYCLE_ARGS ? &e->args : (struct event_list *)&e->env;
	if (length != list->length)
		list->reason = EVENT_REASON_TRUNCATED;
	list->offset = *size;
	list->length = length;
	if (length)
		memcpy(l->event + *size, p->bytes, length);
	*size += length;
	return e;
}

static bool is_wanted(const struct lifecycle *l, const char *item, size_t length)
{
	for (size_t i = 0; i < l->conf->env.n; i++) {
		size_t n = strlen(l->conf->env.items[i]);

		if (length > n && item[n] == '=' && !memcmp(item, l->conf->env.items[i], n))
			return true;
	}
	return false;
}

/* Removes the variables that the option `env` does not name, in place. */
static void filter_env(struct lifecycle *l, struct lifecycle_exec *e, size_t size)
{
	char *at = (char *)e + e->env.offset, *end, *to = at;

	if (!e->env.length)
		return;
	if (e->env.offset < sizeof(*e) || e->env.offset > size || e->env.length > size - e->env.offset) {
		e->env = (struct event_map){.reason = e->env.reason ? e->env.reason : EVENT_REASON_FAULT};
		return;
	}
	for (end = at + e->env.length; at < end;) {
		char *nul = memchr(at, 0, end - at);
		size_t length = (nul ? nul + 1 : end) - at;

		if (is_wanted(l, at, length)) {
			memmove(to, at, length);
			to += length;
		}
		at += length;
	}
	e->env.length = to - ((char *)e + e->env.offset);
}

/* Leaves nothing that /proc would deny to the only user: a set-user-ID program's, and what it starts. */
static bool is_others(const struct lifecycle *l, __u32 uid, __u32 euid)
{
	return l->only_user && (uid != *l->only_user || euid != *l->only_user);
}

static void hide_others(const struct lifecycle *l, struct lifecycle_exec *e)
{
	if (!is_others(l, e->uid, e->euid) && !(l->only_user && e->gid != e->egid))
		return;
	e->exe = e->cwd = (struct event_string){.reason = EVENT_REASON_DENIED};
	if (l->lent) /* else root has started this, and ps(1) shows them */
		e->args = (struct event_list){.reason = EVENT_REASON_DENIED};
	e->env = e->error.map = (struct event_map){.reason = EVENT_REASON_DENIED};
	e->stdin_pipe = e->stdout_pipe = EVENT_NULL(EVENT_REASON_DENIED);
}

/* Of a program whose output is denied to the only user: none. */
static const struct event *complete_failure(const struct lifecycle *l, struct lifecycle_failure *e, size_t size)
{
	if (size < sizeof(*e) || is_others(l, e->uid, e->euid))
		return NULL;
	stderr_map__complete(&e->error, &e->head, sizeof(*e), size);
	return &e->head;
}

static const struct event *lifecycle__event(void *state, struct event *event, size_t *size)
{
	struct lifecycle_exec *e = (struct lifecycle_exec *)event;
	struct lifecycle *l = state;

	if (event->kind == LIFECYCLE_PART)
		return keep_part(l, (struct lifecycle_part *)event, *size) ? NULL : event;
	if (event->kind == LIFECYCLE_FAILURE)
		return complete_failure(l, (struct lifecycle_failure *)event, *size);
	if (event->kind == LIFECYCLE_EXIT)
		drop_parts(l, event);
	if (event->kind != LIFECYCLE_EXEC && event->kind != LIFECYCLE_ALIVE)
		return event;
	if (e->args.offset == LIFECYCLE_PARTS)
		e = append_parts(l, e, size, LIFECYCLE_ARGS);
	if (e->env.offset == LIFECYCLE_PARTS)
		e = append_parts(l, e, size, LIFECYCLE_ENV);
	drop_parts(l, &e->head);
	stderr_map__complete(&e->error, &e->head, sizeof(*e), *size);
	/* last of what writes into the event: a forged one may have its parts one over the other */
	filter_env(l, e, *size);
	hide_others(l, e);
	return &e->head;
}

/* ---- existing processes, from /proc ---- */

/* Appends the content of the file /proc/PID/NAME, or the target if it is a link. */
static void append_proc(struct lifecycle *l, size_t *size, int proc, const char *name, bool link,
			struct event_string *string)
{
	ssize_t n;
	int fd;

	string->offset = *size;
	string->length = 0;
	string->reason = EVENT_REASON_NONE;
	if (link) {
		n = make_room(l, *size + 4096) ? readlinkat(proc, name, l->event + *size, 4096) : -1;
	} else {
		fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
		for (n = fd < 0 ? -1 : 0; fd >= 0;) {
			ssize_t more = make_room(l, *size + n + 4096) ? read(fd, l->event + *size + n, 4096) : -1;

			if (more <= 0)
				break;
			n += more;
		}
		if (fd >= 0)
			close(fd);
	}
	if (n < 0) {
		string->reason = errno == EACCES || errno == EPERM ? EVENT_REASON_DENIED : EVENT_REASON_GONE;
		return;
	}
	string->length = n;
	*size += n;
}

/* /proc/PID/cgroup has a line for each hierarchy: picks the unified one ("0::PATH") or, if that is not in use, that of
 * the memory controller. */
static void pick_cgroup(const char *text, struct event_string *cgroup)
{
	const char *at = text + cgroup->offset, *end = at + cgroup->length, *best = NULL;
	size_t best_length = 0;

	while (at < end) {
		const char *nl = memchr(at, '\n', end - at), *stop = nl ? nl : end;
		const char *path = memmem(at, stop - at, ":/", 2);
		bool unified = stop - at > 3 && !memcmp(at, "0::", 3);

		if (path &&
		    ((unified && stop - path > 2) || (!best && unified) || memmem(at, path - at, "memory", 6))) {
			best = path + 1;
			best_length = stop - best;
		}
		at = stop + 1;
	}
	if (best) {
		cgroup->offset = best - text;
		cgroup->length = best_length;
	}
}

static const struct event *lifecycle__existing(void *state, const struct probe_process *p, size_t *size)
{
	struct lifecycle *l = state;
	struct lifecycle_exec e = {
		.head = {.ts = p->ts,
			 .start = p->start,
			 .pid = p->pid,
			 .tid = p->pid,
			 .run = p->run,
			 .kind = LIFECYCLE_ALIVE},
		.parent_start = p->parent_start,
		.ppid = p->ppid,
	};

	*size = sizeof(e);
	if (!make_room(l, *size))
		return NULL;
	alive__read_ids(p->proc, &e);
	alive__read_comm(p->proc, &e);
	append_proc(l, size, p->proc, "exe", true, &e.exe);
	append_proc(l, size, p->proc, "cwd", true, &e.cwd);
	append_proc(l, size, p->proc, "cgroup", false, &e.cgroup);
	pick_cgroup(l->event, &e.cgroup);
	append_proc(l, size, p->proc, "cmdline", false, (struct event_string *)&e.args);
	if (l->conf->env.n && !l->lent)
		append_proc(l, size, p->proc, "environ", false, (struct event_string *)&e.env);
	*size += LIFECYCLE_STDERR_ROOM;
	append_proc(l, size, p->proc, "fd/2", true, (struct event_string *)&e.error.map);
	alive__read_stderr(p->proc, &e.error);
	e.stdin_pipe = alive__pipe(p->proc, "fd/0");
	e.stdout_pipe = alive__pipe(p->proc, "fd/1");
	memcpy(l->event, &e, sizeof(e));
	stderr_map__complete(&((struct lifecycle_exec *)l->event)->error, (struct event *)l->event, sizeof(e), *size);
	filter_env(l, (struct lifecycle_exec *)l->event, *size);
	hide_others(l, (struct lifecycle_exec *)l->event);
	return (struct event *)l->event;
}

PROBE(lifecycle, "fork, exec and exit of every process", events, .options = options,
      .conf_size = sizeof(struct lifecycle_conf), .ring_bytes = 8 << 20, .open = lifecycle__open,
      .close = lifecycle__close, .event = lifecycle__event, .existing = lifecycle__existing);
