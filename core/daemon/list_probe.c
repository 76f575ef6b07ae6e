/* SPDX-License-Identifier: BSD-2-Clause */
/* What --list prints of a probe. */
#include "core/base/base.h"
#include "core/daemon/daemon.h"
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
	fprintf(out, "  event %s: %s\n", event->name, event->help);
	for (const struct schema_field *f = event->fields; f->name; f++)
		fprintf(out, "    %-22s %-9s %s%s%s%s\n", f->name, f->name_of ? "string" : type_name(f->type), f->help,
			f->unit ? " [" : "", f->unit ? f->unit : "", f->unit ? "]" : "");
}

void list__probe(FILE *out, const void *table)
{
	const struct probe *probe = table;
	char text[32];

	fprintf(out, "probe %s: %s\n  options\n", probe->name, probe->help);
	list__option(out, "required", "bool", "false", "whether its failure stops the start");
	opt_type__format(OPT_SIZE, probe->ring_bytes, text, sizeof(text));
	list__option(out, "ring", "size", text, "size of its ring, a power of two");
	if (probe->interval_ns) {
		opt_type__format(OPT_DURATION, probe->interval_ns, text, sizeof(text));
		list__option(out, "interval", "duration", text, "time between samples");
	}
	list__options(out, probe->options);
	for (size_t i = 0; i < probe->events_count; i++)
		if (probe->events[i].name)
			print_event(out, &probe->events[i]);
	fprintf(out, "  hooks\n");
	for (const char *const *hook = probe->hooks; hook && *hook; hook++)
		fprintf(out, "    %s\n", *hook);
	fputc('\n', out);
}
