/* SPDX-License-Identifier: BSD-2-Clause */
/* Gives records with whatever values, that fit their headers, to a sink (sinks/NAME.so of the current folder; not those
 * that need DuckDB). The first byte says which, and what rules it reads; then, for each record, a byte for its stream
 * and a msgpack array. Text is UTF-8 and steers no terminal. The plugins must be built with the same sanitizers and compiler. */
#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <yaml.h>

#include "core/sink.h"
#include "core/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/made/made.h"

/* ---- the rules ---- */

/* One of each kind, for the run of seeds_sinks.c. */
static const char few_rules[] = "steps: [{parent: '^bash ', args: '^\\S*sh -(c)', step: 's ${tool}', id: '${1}'},"
				" {env: {A: '(.+)'}, depth: 2, outside: true, step: b, id: x, tag: '${1}'}]\n"
				"exits: [{command: [sort, uniq], code: [1], is: answer}, {command: [sh], is: wrapper},"
				" {command: [bash], is: runner}, {args: '^sort -k', below: ignored}]\n"
				"limits: [{command: [bash], limit: memory}]\n"
				"clients: [{command: [sort], server: '^sh'}]\n";
static bool all_rules;

/* In place of libyaml's: to read the sets that are compiled into a sink takes ten times as long as all else. The set of
 * exits, which all sinks read, is few_rules then, and the others are empty. */
void yaml_parser_set_input_string(yaml_parser_t *parser, const unsigned char *input, size_t size)
{
	static void (*real)(yaml_parser_t * parser, const unsigned char *input, size_t size);
	const char *text = strstr((const char *)input, "\nexits:") ? few_rules : "steps: []";

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "yaml_parser_set_input_string");
	EXPECT(real);
	real(parser, all_rules ? input : (const unsigned char *)text, all_rules ? size : strlen(text));
}

/* ---- what a sink calls ---- */

static void say_nothing(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

static void delivered(const struct sink_api *api, uint64_t records)
{
	EXPECT(api && records < UINT32_MAX);
}

static void check_text(const char *text, size_t size)
{
	EXPECT(utf8__valid(text, size));
	for (size_t i = 0; i < size; i++)
		EXPECT((uint8_t)text[i] >= ' ' || text[i] == '\n' || text[i] == '\t');
}

static void verdict(const struct sink_api *api, const char *kind, bool proven, const char *evidence)
{
	EXPECT(api && *kind && (proven || *evidence));
	check_text(evidence, strlen(evidence));
}

/* ---- which sink ---- */

struct fuzzed {
	const char *name;
	bool text; /* its output is read */
	const struct sink *sink;
};

static struct fuzzed sinks[] = {
	{"summary", true, NULL},   {"jsonl", true, NULL},    {"trace", true, NULL}, {"advise", true, NULL},
	{"perfetto", false, NULL}, {"msgpack", false, NULL}, {"ci", true, NULL},    {"judge", true, NULL},
};
static struct fuzzed report = {"report", false, NULL};

/* The first byte of an input. */
#define REPORT 15
#define ALL_RULES 0x70 /* summary */

static const struct fuzzed *sink_of(uint8_t byte)
{
	struct fuzzed *fuzzed = byte == REPORT ? &report : &sinks[byte % (sizeof(sinks) / sizeof(*sinks))];
	char path[64];
	void *so;

	if (fuzzed->sink)
		return fuzzed;
	snprintf(path, sizeof(path), "sinks/%s.so", fuzzed->name);
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!so)
		fprintf(stderr, "%s\n", dlerror());
	EXPECT(so);
	fuzzed->sink = *(const struct sink *const *)dlsym(so, SINK_SYMBOL);
	return fuzzed;
}

/* ---- what goes in ---- */

static void write_records(const struct sink *sink, void *state, struct made *made, const uint8_t *data, size_t size)
{
	struct cursor c = {data, data + size};
	uint64_t last = 0;

	while (c.end - c.at > 1) {
		int stream = *c.at++ % STREAMS;
		const uint8_t *begin = c.at;
		struct record record;
		uint8_t *exact;
		size_t length;

		if (cursor__skip(&c) != 1)
			return;
		length = c.at - begin;
		exact = malloc(length); /* so that a byte too far is seen */
		EXPECT(exact);
		memcpy(exact, begin, length);
		memset(&record, 0, sizeof(record));
		if (record__head(exact, length, &record) && record.kind < SCHEMA_KIND_BASE + MADE_KINDS &&
		    made->events[stream][record.kind].name) {
			record.info = &made->info[stream];
			record.event = &made->events[stream][record.kind];
			last = record.ts = record.ts > last ? record.ts : last;
			record.real_ns = 1763782572 * S + record.ts;
			if (record__fits(&record))
				EXPECT(!sink->write(state, &record));
		}
		free(exact);
	}
}

/* ---- what comes out ---- */

static void check_output(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = malloc(size + 1);

	EXPECT(text && pread(fd, text, size, 0) == size);
	check_text(text, size);
	free(text);
}

static int output(bool text)
{
	static int null = -1, memory = -1;

	if (null < 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		memory = memfd_create("fuzz", MFD_CLOEXEC);
	}
	EXPECT(null >= 0 && memory >= 0 && !ftruncate(memory, 0) && !lseek(memory, 0, SEEK_SET));
	return text ? memory : null;
}

static void *conf_of(const struct sink *sink, bool steps)
{
	const struct opt *rules = opt__find(sink->options, "steps");
	void *conf = calloc(1, sink->conf_size + 1);
	struct error err;

	EXPECT(conf && !opt__defaults(sink->options, conf));
	if (!steps && rules) /* but for few_rules */
		EXPECT(!opt__set(rules, conf, "none", &err));
	return conf;
}

static struct made *made_once(void)
{
	static struct made made;

	if (!made_last) {
		made__init(&made, "run", NULL, NULL);
		made__own_io(&made);
	}
	return &made;
}

__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/* A report and the reading of all rules take ten times as long as another sink: few inputs are theirs. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
	size = LLVMFuzzerMutate(data, size, most);
	if (size && ((*data & 15) == REPORT || *data == ALL_RULES) && seed % 16)
		*data = seed / 16 % REPORT;
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct made *made = made_once();
	const struct fuzzed *fuzzed = sink_of(size ? *data & 15 : 0);
	const struct sink *sink = fuzzed->sink;
	struct sink_api api = {.size = sizeof(api),
			       .out = output(fuzzed->text),
			       .columns = 80,
			       .log = say_nothing,
			       .delivered = delivered,
			       .verdict = verdict};
	struct stream_state stream = {.complete = true, .life = STREAM_ENDED};
	void *conf = conf_of(sink, size && *data == ALL_RULES), *state;

	all_rules = size && *data == ALL_RULES;
	EXPECT(!sink->open(&api, conf, &state));
	for (int i = 0; i < STREAMS && sink->stream; i++)
		EXPECT(!sink->stream(state, &made->info[i]));
	if (size)
		write_records(sink, state, made, data + 1, size - 1);
	for (int i = 0; i < STREAMS && sink->ended; i++)
		EXPECT(!sink->ended(state, &made->info[i], &stream));
	EXPECT(!sink->flush || !sink->flush(state, true));
	sink->close(state);
	if (fuzzed->text)
		check_output(api.out);
	if (sink->options)
		opt__free(sink->options, conf);
	free(conf);
	return 0;
}
