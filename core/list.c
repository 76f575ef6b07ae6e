/* SPDX-License-Identifier: BSD-2-Clause */
/* What --list prints. */
#include "core/list.h"

#include "core/probe.h"
#include "core/sink.h"

static const char *type_name(enum schema_type type)
{
	static const char *const names[] = {
		[SCHEMA_BOOL] = "bool",	    [SCHEMA_U32] = "u32",	[SCHEMA_I32] = "i32",	[SCHEMA_U64] = "u64",
		[SCHEMA_CHARS] = "string",  [SCHEMA_STRING] = "string", [SCHEMA_LIST] = "list", [SCHEMA_MAP] = "map",
	};
	return names[type];
}

static void print_option(FILE *out, const char *name, const char *type, const char *value, const char *help)
{
	fprintf(out, "    %-22s %-9s %s", name, type, help);
	if (value)
		fprintf(out, " (default %s)", value);
	fputc('\n', out);
}

static void print_options(FILE *out, const struct opt *opts)
{
	for (; opts && opts->name; opts++)
		print_option(out, opts->name, opt_type__name(opts->type), opts->value, opts->help);
}

static void print_event(FILE *out, const struct schema_event *event)
{
	fprintf(out, "  event %s: %s\n", event->name, event->help);
	for (const struct schema_field *f = event->fields; f->name; f++)
		fprintf(out, "    %-22s %-9s %s%s%s%s\n", f->name, f->name_of ? "string" : type_name(f->type), f->help,
			f->unit ? " [" : "", f->unit ? f->unit : "", f->unit ? "]" : "");
}

void list__probe(FILE *out, const struct probe *probe)
{
	char text[32];

	fprintf(out, "probe %s: %s\n  options\n", probe->name, probe->help);
	print_option(out, "required", "bool", "false", "whether its failure stops the start");
	opt_type__format(OPT_SIZE, probe->ring_bytes, text, sizeof(text));
	print_option(out, "ring", "size", text, "size of its ring, a power of two");
	if (probe->interval_ns) {
		opt_type__format(OPT_DURATION, probe->interval_ns, text, sizeof(text));
		print_option(out, "interval", "duration", text, "time between samples");
	}
	print_options(out, probe->options);
	for (size_t i = 0; i < probe->events_count; i++)
		if (probe->events[i].name)
			print_event(out, &probe->events[i]);
	fprintf(out, "  hooks\n");
	for (const char *const *hook = probe->hooks; hook && *hook; hook++)
		fprintf(out, "    %s\n", *hook);
	fputc('\n', out);
}

void list__sink(FILE *out, const struct sink *sink)
{
	fprintf(out, "sink %s: %s\n", sink->name, sink->help);
	if (sink->options)
		fprintf(out, "  options\n");
	print_options(out, sink->options);
	fputc('\n', out);
}
