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

#include "probes/lifecycle/lifecycle.h"
#include "probes/lifecycle/lifecycle.skel.h"

_Static_assert(sizeof(struct lifecycle_fork) == 32 + 8 + 4 + EVENT_COMM + 4, "layout shared with BPF");
_Static_assert(sizeof(struct lifecycle_exec) == 32 + 8 + 12 + EVENT_COMM + 5 * 12, "layout shared with BPF");
_Static_assert(sizeof(struct lifecycle_exit) == 32 + 4 * 8 + 8 + EVENT_COMM + 8, "layout shared with BPF");

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

static const char *error_name(uint64_t number)
{
	return strerrorname_np(number);
}

static const struct schema_field program_fields[] = {PROGRAM, {0}};
static const struct schema_field fork_fields[] = {PARENT(struct lifecycle_fork), {0}};

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
	FIELD(struct lifecycle_exit, duration_ns, "ns", "from its start to the exit of its last thread"),
	FIELD(struct lifecycle_exit, threads_peak, NULL, "peak number of live threads"),
	{0},
};

static const struct schema_event events[] = {
	EVENT(LIFECYCLE_ALIVE, struct lifecycle_exec, "alive", "an existing process: it started before the collector",
	      program_fields),
	EVENT(LIFECYCLE_FORK, struct lifecycle_fork, "fork", "a process was created", fork_fields, .role = SCHEMA_FORK),
	EVENT(LIFECYCLE_EXEC, struct lifecycle_exec, "exec", "a process executed a program", program_fields,
	      .role = SCHEMA_EXEC),
	EVENT(LIFECYCLE_EXEC_FAILED, struct lifecycle_exec_failed, "exec_failed", "an exec failed", exec_failed_fields,
	      .flags = SCHEMA_OFF | SCHEMA_SPARSE),
	EVENT(LIFECYCLE_EXIT, struct lifecycle_exit, "exit", "once per process, when its last thread exits",
	      exit_fields, .role = SCHEMA_EXIT),
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
	if (l->conf->exec_failed)
		*api->events |= 1ULL << LIFECYCLE_EXEC_FAILED;
	*state = l;
	return PROBE_SET(api, object, want_env, (bool)(l->conf->env.n > 0));
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

/* Stores a part. A first part replaces those left over from an exec that was lost. */
static void keep_part(struct lifecycle *l, const struct lifecycle_part *part, size_t size)
{
	struct pending **link = find_pending(l, &part->head, part->area), *p = *link;
	size_t have = p && part->offset ? p->length : 0;
	struct pending *next = p ? p->next : NULL;

	if (part->length > size - offsetof(struct lifecycle_part, bytes) || part->offset != have)
		return; /* an earlier part is missing: detected by the length in the exec */
	p = realloc(p, sizeof(*p) + have + part->length);
	if (!p)
		return;
	p->next = next;
	p->pid = part->head.pid;
	p->start = part->head.start;
	p->area = part->area;
	memcpy(p->bytes + have, part->bytes, part->length);
	p->length = have + part->length;
	*link = p;
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
	struct pending **link = find_pending(l, &e->head, area), *p = *link;
	size_t length = p ? p->length : 0;
	struct event_list *list;

	if (!make_room(l, *size + length))
		return e;
	if ((char *)e != l->event)
		memcpy(l->event, e, *size);
	e = (struct lifecycle_exec *)l->event;
	list = area == LIFECYCLE_ARGS ? &e->args : (struct event_list *)&e->env;
	if (length != list->length)
		list->reason = EVENT_REASON_TRUNCATED;
	list->offset = *size;
	list->length = length;
	if (p) {
		memcpy(l->event + *size, p->bytes, length);
		*size += length;
		*link = p->next;
		free(p);
	}
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

	if (e->env.offset > size || e->env.length > size - e->env.offset)
		return;
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

static const struct event *lifecycle__event(void *state, struct event *event, size_t *size)
{
	struct lifecycle_exec *e = (struct lifecycle_exec *)event;
	struct lifecycle *l = state;

	if (event->kind == LIFECYCLE_PART) {
		if (*size >= offsetof(struct lifecycle_part, bytes))
			keep_part(l, (struct lifecycle_part *)event, *size);
		return NULL;
	}
	if (event->kind != LIFECYCLE_EXEC)
		return event;
	if (e->args.offset == LIFECYCLE_PARTS)
		e = append_parts(l, e, size, LIFECYCLE_ARGS);
	if (e->env.offset == LIFECYCLE_PARTS)
		e = append_parts(l, e, size, LIFECYCLE_ENV);
	filter_env(l, e, *size);
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

static __u32 status_id(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtoul(line + strlen(key), NULL, 10) : (__u32)-1;
}

static void read_ids(int proc, struct lifecycle_exec *e)
{
	char status[4096];
	int fd = openat(proc, "status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);

	if (fd >= 0)
		close(fd);
	status[n > 0 ? n : 0] = 0;
	e->uid = status_id(status, "\nUid:");
	e->gid = status_id(status, "\nGid:");
}

static void read_comm(int proc, struct lifecycle_exec *e)
{
	int fd = openat(proc, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, e->comm, sizeof(e->comm));

	if (fd >= 0)
		close(fd);
	e->comm[n > 0 ? n - 1 : 0] = 0;
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
	read_ids(p->proc, &e);
	read_comm(p->proc, &e);
	append_proc(l, size, p->proc, "exe", true, &e.exe);
	append_proc(l, size, p->proc, "cwd", true, &e.cwd);
	append_proc(l, size, p->proc, "cgroup", false, &e.cgroup);
	pick_cgroup(l->event, &e.cgroup);
	append_proc(l, size, p->proc, "cmdline", false, (struct event_string *)&e.args);
	if (l->conf->env.n)
		append_proc(l, size, p->proc, "environ", false, (struct event_string *)&e.env);
	memcpy(l->event, &e, sizeof(e));
	filter_env(l, (struct lifecycle_exec *)l->event, *size);
	return (struct event *)l->event;
}

PROBE(lifecycle, "fork, exec and exit of every process", events, .options = options,
      .conf_size = sizeof(struct lifecycle_conf), .ring_bytes = 16 << 20, .open = lifecycle__open,
      .close = lifecycle__close, .event = lifecycle__event, .existing = lifecycle__existing);
