// SPDX-License-Identifier: BSD-2-Clause
/* Events, read from JSONL into one struct a process. */
#include "tests/truth/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/truth/json.h"
#include "tests/truth/truth.h"

const char *const seen_names[SEEN_NUMBERS] = {
	"ppid",
	"exit_code",
	"signal",
	"core_dumped",
	"duration_ns",
	"threads_peak",
	"sender_pid",
	"cpu_ns",
	"user_ns",
	"system_ns",
	"run_delay_ns",
	"quota_ns",
	"period_ns",
	"periods",
	"throttled_periods",
	"throttled_ns",
	"quota_cgroup_id",
	"final",
	"peak_rss_bytes",
	"rusage_maxrss_bytes",
	"swap_bytes",
	"read_chars",
	"write_chars",
	"read_syscalls",
	"write_syscalls",
	"read_bytes",
	"write_bytes",
	"children_read_chars",
	"children_write_chars",
	"children_read_syscalls",
	"children_write_syscalls",
	"children_read_bytes",
	"children_write_bytes",
	"image_peak",
	"image_cpu",
};

static const char *const streams[SEEN_STREAMS] = {"lifecycle", "cpu", "mem", "io"};

/* One event, as far as it matters here. */
struct event_line {
	char stream[16], event[16], error[16], missing[512], stream_lost[16];
	uint64_t ts, pid, tid, start, parent_start, count, ns_pid, exited_ns;
	uint64_t number[SEEN_NUMBERS];
	uint64_t args_length, args_hash, cwd_length, cwd_hash, limit_bytes, rss_bytes, trigger_pid;
	uint64_t owner_pid, parent_pid;
	struct seen_thread thread;
	struct seen_descriptor descriptor;
	char comm[16], cgroup[128], sender[16], signal_code[16];
};

static void read_text(struct json *j, char *out, size_t size)
{
	size_t n = json__string(j, out, size - 1);

	out[n < size ? n : size - 1] = 0;
}

/* As they lay in memory: each ended by a NUL. */
static void read_args(struct json *j, struct event_line *e)
{
	static char text[1 << 20];
	bool first = true;

	e->args_hash = HASH_START;
	if (*j->at != '[') {
		json__skip(j);
		return;
	}
	while (json__item(j, &first)) {
		size_t n = json__string(j, text, sizeof(text) - 1);

		n = n < sizeof(text) ? n : sizeof(text) - 1;
		text[n] = 0;
		e->args_hash = hash_bytes(e->args_hash, text, n + 1);
		e->args_length += n + 1;
	}
}

/* As in /proc/PID/syscall, with commas. */
static void read_call_args(struct json *j, struct seen_thread *thread)
{
	bool first = true;
	char arg[24];
	size_t used = 0;

	if (*j->at != '[') {
		json__skip(j);
		return;
	}
	while (json__item(j, &first)) {
		read_text(j, arg, sizeof(arg));
		used += snprintf(thread->args + used, sizeof(thread->args) - used, "%s%s", used ? "," : "", arg);
		if (used >= sizeof(thread->args))
			die("system call's arguments");
	}
}

static void read_cwd(struct json *j, struct event_line *e)
{
	static char path[16384];

	e->cwd_length = json__string(j, path, sizeof(path));
	e->cwd_hash = hash_bytes(HASH_START, path, e->cwd_length < sizeof(path) ? e->cwd_length : sizeof(path));
}

#define MEMBER(name, member)                                                                        \
	{                                                                                           \
		name, offsetof(struct event_line, member), sizeof(((struct event_line *)0)->member) \
	}

struct member {
	const char *name;
	size_t offset, size;
};

static const struct member texts[] = {
	MEMBER("stream", stream),
	MEMBER("event", event),
	MEMBER("error", error),
	MEMBER("missing", missing),
	MEMBER("stream_lost", stream_lost),
	MEMBER("comm", comm),
	MEMBER("cgroup", cgroup),
	MEMBER("sender", sender),
	MEMBER("signal_code", signal_code),
	MEMBER("state", thread.state),
	MEMBER("wait_channel", thread.channel),
	MEMBER("opening", thread.opening),
	MEMBER("syscall", thread.call),
	MEMBER("locked", descriptor.locked),
	{0},
};

/* Each a uint64_t. */
static const struct member numbers[] = {
	MEMBER("ts", ts),
	MEMBER("pid", pid),
	MEMBER("tid", tid),
	MEMBER("start", start),
	MEMBER("parent_start", parent_start),
	MEMBER("count", count),
	MEMBER("ns_pid", ns_pid),
	MEMBER("exited_ns", exited_ns),
	MEMBER("limit_bytes", limit_bytes),
	MEMBER("rss_bytes", rss_bytes),
	MEMBER("trigger_pid", trigger_pid),
	MEMBER("futex_word", thread.word),
	MEMBER("futex_owner", thread.owner),
	MEMBER("blocker", thread.blocker),
	MEMBER("fd", descriptor.fd),
	MEMBER("device", descriptor.device),
	MEMBER("inode", descriptor.inode),
	MEMBER("owner_pid", owner_pid),
	MEMBER("parent_pid", parent_pid),
	{0},
};

/* NULL: none of this table has that key. */
static void *member_of(const struct member **at, const char *key, struct event_line *e)
{
	while ((*at)->name && strcmp(key, (*at)->name) != 0)
		(*at)++;
	return (*at)->name ? (char *)e + (*at)->offset : NULL;
}

static void read_member(struct json *j, const char *key, struct event_line *e)
{
	const struct member *text = texts, *number = numbers;
	void *to;

	if ((to = member_of(&text, key, e)))
		return read_text(j, to, text->size);
	for (size_t i = 0; i < SEEN_NUMBERS; i++)
		if (!strcmp(key, seen_names[i]))
			return (void)(e->number[i] = json__number(j));
	if ((to = member_of(&number, key, e)))
		*(uint64_t *)to = json__number(j);
	else if (!strcmp(key, "args"))
		read_args(j, e);
	else if (!strcmp(key, "cwd"))
		read_cwd(j, e);
	else if (!strcmp(key, "syscall_args"))
		read_call_args(j, &e->thread);
	else
		json__skip(j);
}

static struct seen *first(const struct events *events, pid_t pid)
{
	size_t i = events->newest[pid % EVENTS_HASH];

	return i ? &events->seen[i - 1] : NULL;
}

static struct seen *next(const struct events *events, const struct seen *s)
{
	return s->older ? &events->seen[s->older - 1] : NULL;
}

static struct seen *find(const struct events *events, pid_t pid, uint64_t start)
{
	struct seen *s = first(events, pid);

	while (s && (s->pid != pid || s->start != start))
		s = next(events, s);
	return s;
}

static struct seen *entry(struct events *events, pid_t pid, uint64_t start)
{
	struct seen *s = find(events, pid, start);

	if (s)
		return s;
	if (events->count == events->room) {
		events->room = events->room ? events->room * 2 : 1024;
		events->seen = reallocarray(events->seen, events->room, sizeof(*events->seen));
		if (!events->seen)
			die("out of memory");
	}
	s = &events->seen[events->count++];
	*s = (struct seen){.pid = pid, .start = start};
	memset(s->number, 0xff, sizeof(s->number));
	s->older = events->newest[pid % EVENTS_HASH];
	events->newest[pid % EVENTS_HASH] = events->count;
	return s;
}

static int stream_of(const char *name)
{
	for (int i = 0; i < SEEN_STREAMS; i++)
		if (!strcmp(name, streams[i]))
			return i;
	return -1;
}

static void add_exit(struct seen *s, int stream, const struct event_line *e)
{
	size_t used = strlen(s->missing);

	s->ends[stream]++;
	if (stream == SEEN_CPU) {
		s->account_ts = e->ts;
		s->exited = e->exited_ns;
	}
	if (stream == SEEN_LIFECYCLE) {
		memcpy(s->comm, e->comm, sizeof(s->comm));
		memcpy(s->sender, e->sender, sizeof(s->sender));
		memcpy(s->signal_code, e->signal_code, sizeof(s->signal_code));
	}
	for (size_t i = 0; i < SEEN_NUMBERS; i++)
		if (e->number[i] != JSON_NULL)
			s->number[i] = e->number[i];
	s->final[stream] = e->number[SEEN_FINAL] == 1;
	snprintf(s->missing + used, sizeof(s->missing) - used, "%s,", e->missing);
}

static void add_sample(struct seen *s, const struct event_line *e)
{
	size_t used = strlen(s->missing);

	if (e->number[SEEN_QUOTA] != JSON_NULL)
		memcpy(&s->number[SEEN_QUOTA], &e->number[SEEN_QUOTA],
		       (SEEN_QUOTA_CGROUP - SEEN_QUOTA + 1) * sizeof(*s->number));
	else if (strstr(e->missing, "quota_ns") && !strstr(s->missing, "quota_ns"))
		snprintf(s->missing + used, sizeof(s->missing) - used, "%s,", e->missing);
}

static void add_program(struct seen *s, const struct event_line *e)
{
	size_t used = strlen(s->missing);

	s->args_length = e->args_length;
	s->args_hash = e->args_hash;
	s->cwd_length = e->cwd_length;
	s->cwd_hash = e->cwd_hash;
	snprintf(s->missing + used, sizeof(s->missing) - used, "%s,", e->missing);
}

static void add_fork(struct events *events, struct seen *s, const struct event_line *e)
{
	struct seen *parent = find(events, e->number[SEEN_PPID], e->parent_start);

	s->forks++;
	s->ns_pid = e->ns_pid;
	s->born_of = e->number[SEEN_PPID];
	if (parent) {
		s->sibling = parent->child;
		parent->child = s - events->seen + 1;
	}
}

static void add_image(struct seen *s, int stream, const struct event_line *e)
{
	size_t used = strlen(s->missing);

	if (stream == SEEN_MEM)
		s->number[SEEN_IMAGE_PEAK] = e->number[SEEN_PEAK];
	else if (stream == SEEN_CPU)
		s->number[SEEN_IMAGE_CPU] = e->number[SEEN_CPU_NS];
	snprintf(s->missing + used, sizeof(s->missing) - used, "%s,", e->missing);
}

static void add_oom_kill(struct seen *s, const struct event_line *e)
{
	s->oom_kills++;
	s->oom_limit = e->limit_bytes;
	s->oom_rss = e->rss_bytes;
	s->oom_trigger = e->trigger_pid;
	memcpy(s->oom_cgroup, e->cgroup, sizeof(s->oom_cgroup));
}

static void *copy(const void *from, size_t size)
{
	void *made = malloc(size);

	if (!made)
		die("out of memory");
	return memcpy(made, from, size);
}

static void add_thread(struct seen *s, const struct event_line *e)
{
	struct seen_thread *thread = copy(&e->thread, sizeof(*thread));

	thread->tid = e->tid;
	memcpy(thread->missing, e->missing, sizeof(thread->missing));
	thread->missing[sizeof(thread->missing) - 1] = 0;
	thread->next = s->threads;
	s->threads = thread;
}

/* Only its own: another look may say again what others that it has to do with hold. */
static void add_descriptor(struct seen *s, const struct event_line *e)
{
	struct seen_descriptor *descriptor;

	for (descriptor = s->descriptors; descriptor; descriptor = descriptor->next)
		if (descriptor->fd == e->descriptor.fd)
			return;
	descriptor = copy(&e->descriptor, sizeof(*descriptor));
	descriptor->next = s->descriptors;
	s->descriptors = descriptor;
}

static void add_stall(struct events *events, const struct event_line *e)
{
	struct seen *s = entry(events, e->pid, e->start);

	if (!strcmp(e->event, "stuck"))
		add_thread(s, e);
	else if (!strcmp(e->event, "descriptor") && e->owner_pid == e->pid)
		add_descriptor(s, e);
	else if (!strcmp(e->event, "zombie"))
		s->zombie_of = e->parent_pid;
}

static void add(struct events *events, const struct event_line *e)
{
	int stream = stream_of(e->stream);
	struct seen *s;

	if (!strcmp(e->event, "lost")) {
		stream = stream_of(e->stream_lost);
		for (int i = 0; i < SEEN_STREAMS; i++)
			if (i == stream || stream < 0)
				events->lost[i] += e->count;
		return;
	}
	if (!strcmp(e->stream, "stall"))
		return add_stall(events, e);
	if (stream < 0 || (!strcmp(e->event, "sample") && stream != SEEN_CPU))
		return;
	s = entry(events, e->pid, e->start);
	if (!strcmp(e->event, "sample")) {
		add_sample(s, e);
	} else if (!strcmp(e->event, "exit")) {
		add_exit(s, stream, e);
	} else if (!strcmp(e->event, "fork")) {
		add_fork(events, s, e);
	} else if (!strcmp(e->event, "exec")) {
		s->execs++;
		if ((pid_t)e->ns_pid != s->ns_pid)
			s->ns_pid = -1;
		s->exec_tid = e->tid;
		add_program(s, e);
	} else if (!strcmp(e->event, "alive")) {
		s->alive++;
		add_program(s, e);
	} else if (!strcmp(e->event, "image")) {
		add_image(s, stream, e);
	} else if (!strcmp(e->event, "oom_kill")) {
		add_oom_kill(s, e);
	} else if (!strcmp(e->event, "exec_failed")) {
		memcpy(s->exec_error, e->error, sizeof(s->exec_error));
	}
}

int events__read(struct events *events, const char *path)
{
	FILE *file = fopen(path, "r");
	size_t room = 0;
	char *line = NULL, key[32];

	if (!file) {
		perror(path);
		return -1;
	}
	while (getline(&line, &room, file) > 0) {
		struct json j = {.at = line};
		struct event_line e = {0};

		memset(e.number, 0xff, sizeof(e.number));
		while (json__next(&j, key, sizeof(key)))
			read_member(&j, key, &e);
		if (j.bad) {
			fprintf(stderr, "truth: %s: no JSON at %.40s\n", path, j.at);
			return -1;
		}
		events->lines++;
		add(events, &e);
	}
	free(line);
	fclose(file);
	return 0;
}

const struct seen *events__find(const struct events *events, pid_t pid, uint64_t after, uint64_t before)
{
	const struct seen *s;

	for (s = first(events, pid); s; s = next(events, s))
		if (s->pid == pid && s->start >= after && s->start <= before)
			return s;
	return NULL;
}
