/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs a stream's header. core/stream/STREAM.md documents the keys. */
#include "core/stream/stream_header.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/pack.h"

static const char *const head_names[RECORD_HEAD] = {
	"kind", "ts", "seq", "pid", "start", "tid", "cpu", "run",
};

struct stream_anchor stream_anchor__now(void)
{
	struct stream_anchor best = {0};
	uint64_t before, real, took, least = UINT64_MAX;
	int i;

	/* the attempt with the shortest gap */
	for (i = 0; i < 4; i++) {
		before = clock__boot();
		real = clock__ns(CLOCK_REALTIME);
		took = clock__boot() - before;
		if (took < least) {
			least = took;
			best.boot_ns = before + took / 2;
			best.real_ns = real;
		}
	}
	return best;
}

/* Most that the kernel believes real time to be off; EVENT_NULL: nothing keeps it right. Only root can change it by this call. */
static uint64_t clock_error_ns(void)
{
	struct timex timex = {.modes = 0};
	long state = syscall(SYS_adjtimex, &timex);

	if (state < 0 || state == TIME_ERROR || timex.status & STA_UNSYNC)
		return EVENT_NULL(EVENT_REASON_NONE);
	return (uint64_t)timex.maxerror * 1000;
}

static int pack_string(struct buffer *to, const char *text)
{
	return text ? pack__text(to, text, strlen(text)) : pack_nil(to);
}

static int pack_pair(struct buffer *to, const char *key, const char *text)
{
	return pack_string(to, key) || pack_string(to, text);
}

static int pack_number(struct buffer *to, const char *key, uint64_t number)
{
	return pack_string(to, key) || pack_uint64(to, number);
}

static size_t strings_count(const char *const *strings)
{
	size_t n = 0;

	while (strings && strings[n])
		n++;
	return n;
}

static int pack_strings(struct buffer *to, const char *key, const char *const *strings)
{
	size_t i, n = strings_count(strings);
	int err = pack_string(to, key) || pack_array(to, n);

	for (i = 0; i < n && !err; i++)
		err = pack_string(to, strings[i]);
	return err;
}

static int pack_tags(struct buffer *to, const char *const *tags)
{
	size_t i, name, n = strings_count(tags);
	int err = pack_string(to, "tags") || pack_map(to, n);

	for (i = 0; i < n && !err; i++) {
		name = strcspn(tags[i], "=");
		err = pack__text(to, tags[i], name) || pack_string(to, tags[i] + name + (tags[i][name] == '='));
	}
	return err;
}

static int pack_run(struct buffer *to, const struct stream_run *run)
{
	bool known = run->uid != STREAM_NO_UID, named = run->user && *run->user;
	bool job = run->job && *run->job;

	return pack_string(to, "run") || pack_map(to, 5 + known + named + job) || pack_pair(to, "id", run->id) ||
	       pack_pair(to, "name", run->name) || pack_number(to, "number", run->number) || pack_tags(to, run->tags) ||
	       pack_strings(to, "command", run->command) || (known && pack_number(to, "uid", run->uid)) ||
	       (named && pack_pair(to, "user", run->user)) || (job && pack_pair(to, "job", run->job));
}

static const char *type_name(const struct schema_field *field)
{
	static const char *const names[] = {
		[SCHEMA_BOOL] = "bool",	   [SCHEMA_U32] = "u32",       [SCHEMA_I32] = "i32",   [SCHEMA_U64] = "u64",
		[SCHEMA_CHARS] = "string", [SCHEMA_STRING] = "string", [SCHEMA_LIST] = "list", [SCHEMA_MAP] = "map",
	};

	return field->name_of ? "string" : names[field->type];
}

static const char *role_name(enum schema_role role)
{
	return role == SCHEMA_EXIT ? STREAM_ROLE_EXIT : NULL;
}

static int pack_event(struct buffer *to, const char *stream, unsigned kind, const struct schema_event *event)
{
	const struct schema_field *field;
	unsigned n = 0;
	int err;

	while (n < SCHEMA_FIELDS_MAX && event->fields[n].name)
		n++;
	err = pack_map(to, 6) || pack_number(to, "kind", kind) || pack_pair(to, "stream", stream) ||
	      pack_pair(to, "name", event->name) || pack_pair(to, "role", role_name(event->role)) ||
	      pack_pair(to, "help", event->help) || pack_string(to, "fields") || pack_array(to, n);
	for (field = event->fields; n && !err; n--, field++)
		err = pack_map(to, 4) || pack_pair(to, "name", field->name) ||
		      pack_pair(to, "type", type_name(field)) || pack_pair(to, "unit", field->unit) ||
		      pack_pair(to, "help", field->help);
	return err;
}

static int pack_events(struct buffer *to, const struct stream_writer_opts *opts)
{
	size_t kind, n = RECORD_END;
	int err;

	for (kind = 0; kind < opts->events_count; kind++)
		n += opts->events[kind].name != NULL;
	err = pack_string(to, "events") || pack_array(to, n);
	for (kind = RECORD_LOST; kind <= RECORD_END && !err; kind++)
		err = pack_event(to, "core", kind, &record_control[kind]);
	for (kind = 0; kind < opts->events_count && !err; kind++)
		if (opts->events[kind].name)
			err = pack_event(to, opts->stream, SCHEMA_KIND_BASE + kind, &opts->events[kind]);
	return err;
}

static int pack_reasons(struct buffer *to)
{
	unsigned reason;
	int err = pack_string(to, "reasons") || pack_array(to, EVENT_REASON_MAX);

	for (reason = 0; reason < EVENT_REASON_MAX && !err; reason++)
		err = pack_string(to, event_reason__name(reason));
	return err;
}

int stream_header__pack(struct buffer *out, const struct stream_writer_opts *opts, const uint8_t marker[STREAM_MARKER],
			const struct stream_anchor *anchor, struct stream_lock lock)
{
	struct utsname host = {0};
	size_t start = out->size;
	uint64_t clock_error = clock_error_ns();
	bool kept = !EVENT_IS_NULL(clock_error);
	char boot_id[STREAM_BOOT_ID];
	int i, err;

	uname(&host);
	stream_boot_id__read(boot_id);
	err = pack_map(out, 24 + kept + (opts->streams != NULL) + (opts->verdicts != NULL) + 2 * (opts->segment > 1)) ||
	      pack_pair(out, "format", STREAM_FORMAT) || pack_number(out, "version", STREAM_VERSION) ||
	      pack_string(out, "marker") || pack_bin(out, STREAM_MARKER) || pack_bin_body(out, marker, STREAM_MARKER) ||
	      pack_pair(out, "stream", opts->stream) || pack_pair(out, "help", opts->help) ||
	      pack_number(out, "abi", opts->abi) || pack_pair(out, "collector", PACKAGE_VERSION) ||
	      pack_pair(out, "host", host.nodename) || pack_pair(out, "boot_id", boot_id) ||
	      pack_pair(out, "kernel", host.release) || pack_pair(out, "machine", host.machine) ||
	      pack_number(out, "boot_ns", anchor->boot_ns) || pack_number(out, "real_ns", anchor->real_ns) ||
	      pack_number(out, "lock_device", lock.device) || pack_number(out, "lock_inode", lock.inode) ||
	      pack_number(out, "interval_ns", opts->interval_ns) || pack_run(out, &opts->run) ||
	      pack_strings(out, "unavailable", opts->unavailable) ||
	      pack_strings(out, "privileges", opts->privileges) || pack_reasons(out) ||
	      pack_pair(out, "args", record_args__name(opts->privacy.args)) ||
	      pack_number(out, "redacted", opts->privacy.redacted) || pack_string(out, "record") ||
	      pack_array(out, RECORD_HEAD);
	for (i = 0; i < RECORD_HEAD && !err; i++)
		err = pack_string(out, head_names[i]);
	err = err || pack_events(out, opts);
	if (!err && kept)
		err = pack_number(out, "clock_error_ns", clock_error);
	if (!err && opts->streams)
		err = pack_strings(out, "streams", opts->streams);
	if (!err && opts->verdicts)
		err = pack_strings(out, "verdicts", opts->verdicts);
	if (!err && opts->segment > 1)
		err = pack_number(out, "segment", opts->segment) || pack_string(out, "follows") ||
		      pack_bin(out, STREAM_MARKER) || pack_bin_body(out, opts->follows, STREAM_MARKER);
	if (err) {
		out->size = start;
		return -ENOMEM;
	}
	return 0;
}
