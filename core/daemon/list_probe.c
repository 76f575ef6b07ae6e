/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints a probe for --list. */
#include "core/account/account.h"
#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/daemon/recorder.h"
#include "core/probe.h"

static const char *type_name(enum schema_type type)
{
	static const char *const names[] = {
		[SCHEMA_BOOL] = "bool",	   [SCHEMA_U32] = "u32",       [SCHEMA_I32] = "i32",   [SCHEMA_U64] = "u64",
		[SCHEMA_CHARS] = "string", [SCHEMA_STRING] = "string", [SCHEMA_LIST] = "list", [SCHEMA_MAP] = "map",
	};
	return names[type];
}

static void print_event(FILE *out, const struct schema_event *event)
{
	fprintf(out, "  event %s: %s%s\n", event->name, event->help, event->flags & SCHEMA_OFF ? " (off)" : "");
	for (const struct schema_field *f = event->fields; f->name; f++)
		fprintf(out, "    %-22s %-9s %s%s%s%s\n", f->name, f->name_of ? "string" : type_name(f->type), f->help,
			f->unit ? " [" : "", f->unit ? f->unit : "", f->unit ? "]" : "");
}

struct listing {
	FILE *out;
	const struct probe *probe;
};

static void print_hook(void *arg, const char *hook, const char *program)
{
	const struct listing *listing = arg;
	int kind = probe__kind_of(listing->probe, program);

	fprintf(listing->out, "    %s", hook);
	if (kind >= 0)
		fprintf(listing->out, " (%s)", listing->probe->events[kind].name);
	fputc('\n', listing->out);
}

void list__privileges(const struct probe *probe, char *out, size_t size)
{
	char capabilities[512];
	size_t used;

	caps__names(probe->keeps, capabilities, sizeof(capabilities));
	used = snprintf(out, size, "capabilities: %s; system calls:%s", capabilities, probe->syscalls ? "" : " none");
	for (const char *const *name = probe->syscalls; name && *name && used < size; name++)
		used += snprintf(out + used, size - used, " %s", *name);
}

void list__probe(FILE *out, const void *table)
{
	const struct probe *probe = table;
	struct listing listing = {out, probe};
	char text[32], rights[1024];
	size_t size = 0;
	const void *elf = probe->elf ? probe->elf(&size) : NULL;

	fprintf(out, "probe %s: %s\n  options\n", probe->name, probe->help);
	list__option(out, "required", "bool", "false", "whether its failure aborts the start");
	opt_type__format(OPT_SIZE, probe->ring_bytes ? probe->ring_bytes : 1 << 20, text, sizeof(text));
	list__option(out, "ring", "size", text, "size of its ring buffer, a power of two");
	list__option(out, "events", "list", NULL, "names of the events to record; default: all that are not off");
	if (probe->interval_ns) {
		opt_type__format(OPT_DURATION, probe->interval_ns, text, sizeof(text));
		list__option(out, "interval", "duration", text, "time between samples");
	}
	list__options(out, probe->options);
	for (size_t i = 0; i < probe->events_count; i++)
		if (probe->events[i].name)
			print_event(out, &probe->events[i]);
	fprintf(out, "  hooks\n");
	if (hook__list(elf, size, print_hook, &listing))
		fprintf(out, "    none: not a BPF object\n");
	list__privileges(probe, rights, sizeof(rights));
	fprintf(out, "  privileges after the start\n    %s\n", rights);
	fputc('\n', out);
}
