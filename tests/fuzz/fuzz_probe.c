/* SPDX-License-Identifier: BSD-2-Clause */
/* Hands whatever bytes to the callbacks of every built probe (probes/NAME.so of the current folder), as events from
 * the kernel and as files of /proc. Each event is written whole, held back, or counted as invalid; none holds a
 * variable that the option `env` does not name. The plugins must be built with the same sanitizers and compiler.
 *
 * The bytes are steps: a struct step, and as many bytes as it says. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bpf/probes.h"
#include "core/bpf/settle.h"
#include "core/config/config.h"
#include "core/record.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_probe.h"

#define PROBES_MAX 16
#define WANTED "WANTED"
#define LINKS 2

static const char *const files[] = {"exe", "cwd", "cgroup", "cmdline", "environ", "status", "comm"};

/* ---- the plugins ---- */

static const struct probe *probes[PROBES_MAX];
static struct bpf_object *objects[PROBES_MAX]; /* never loaded */
static size_t probes_count;
static char proc_path[] = "/dev/shm/fuzz_probe.XXXXXX"; /* many files a second */
static int proc_dir = -1, proc = -1;

static void remove_proc(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(proc_dir, files[i], 0);
	rmdir(proc_path);
}

static struct bpf_object *open_object(const struct probe *probe)
{
	size_t size;
	const void *elf = probe->elf(&size);
	struct bpf_object *object = bpf_object__open_mem(elf, size, NULL);

	EXPECT(object);
	return object;
}

static void load_probes(void)
{
	DIR *dir = opendir("probes");
	struct dirent *entry;
	char path[300];
	void *so;

	EXPECT(dir && mkdtemp(proc_path));
	while ((entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);

		if (length < 4 || strcmp(entry->d_name + length - 3, ".so"))
			continue;
		snprintf(path, sizeof(path), "probes/%s", entry->d_name);
		so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (!so)
			fprintf(stderr, "%s\n", dlerror());
		EXPECT(so && probes_count < PROBES_MAX);
		probes[probes_count] = *(const struct probe *const *)dlsym(so, PROBE_SYMBOL);
		objects[probes_count] = open_object(probes[probes_count]);
		probes_count++;
	}
	closedir(dir);
	EXPECT(probes_count);
	proc_dir = open(proc_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	proc = open(proc_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	EXPECT(proc_dir >= 0 && proc >= 0);
	atexit(remove_proc);
}

/* ---- what the core offers, without a kernel ---- */

static int set(struct bpf_object *object, const char *variable, const void *value, size_t size)
{
	EXPECT(object && *variable && value && size);
	return 0;
}

static bool has_helper(int func)
{
	return func > 0;
}

static bool has_type(const char *type, const char *member)
{
	return *type && (!member || *member);
}

static int tracepoint_args(const char *name)
{
	return *name ? 2 : -1;
}

static bool has_function(const char *name)
{
	return *name;
}

#define ASKS_MAX 8

static struct probe_ask asks[ASKS_MAX];
static size_t asks_count;

static int ask(const struct core_api *api, const struct probe_ask *ask)
{
	EXPECT(api && ask->what && ask->what < PROBE_ASK_WHATS);
	if (asks_count == ASKS_MAX)
		return -EAGAIN;
	asks[asks_count++] = *ask;
	return 0;
}

static const char *syscall_name(int number)
{
	return number % 2 ? "read" : NULL;
}

static uint64_t stack_bytes(void)
{
	return 0;
}

static void say_nothing(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

/* ---- what comes out ---- */

/* With variables that are not wanted it would write secrets to disk. */
static void check_environment(const uint8_t *event, size_t size, const struct schema_field *field)
{
	struct event_map map;
	const char *at, *end;

	memcpy(&map, event + field->offset, sizeof(map));
	if ((map.reason != EVENT_REASON_NONE && map.reason != EVENT_REASON_TRUNCATED) || map.offset > size ||
	    map.length > size - map.offset)
		return; /* is written as null */
	at = (const char *)event + map.offset;
	for (end = at + map.length; at < end; at += strnlen(at, end - at) + 1)
		EXPECT(end - at > (ptrdiff_t)strlen(WANTED) && !memcmp(at, WANTED "=", sizeof(WANTED)));
}

static void written(void *arg, struct probe_unit *unit, const struct event *event, size_t size)
{
	const struct schema_event *schema = &unit->probe->events[event->kind];
	uint8_t *exact = malloc(size); /* so that a byte too far is seen */
	struct buffer out = {0};
	struct cursor c;

	EXPECT(event->kind < unit->probe->events_count && size >= schema->size && exact);
	memcpy(exact, event, size);
	for (const struct schema_field *field = schema->fields; field->name; field++)
		if (field->type == SCHEMA_MAP && !strcmp(field->name, "env"))
			check_environment(exact, size, field);
	EXPECT(!record__pack(&out, schema, SCHEMA_KIND_BASE + event->kind, 1, (struct event *)exact, size, NULL));
	c = (struct cursor){out.data, out.data + out.size};
	EXPECT(cursor__skip(&c) == 1 && c.at == c.end);
	buffer__free(&out);
	free(exact);
	++*(size_t *)arg;
}

/* ---- what goes in ---- */

/* The bytes given, and a list of variables for the rest. */
static void fill(uint8_t *to, size_t size, const uint8_t *given, size_t given_size)
{
	static const char variables[] = WANTED "=yes\0OTHER=no\0" WANTED;
	static uint8_t rest[UINT16_MAX];
	size_t head = given_size < size ? given_size : size;

	if (!*rest) /* a loop for each input would take most of the time */
		for (size_t i = 0; i < sizeof(rest); i++)
			rest[i] = variables[i % sizeof(variables)];
	EXPECT(size <= sizeof(rest));
	if (head)
		memcpy(to, given, head);
	memcpy(to + head, rest + head, size - head);
}

static void take(struct probe_unit *unit, const struct fuzz_step *step, const uint8_t *given, size_t *count)
{
	struct event *event = malloc(step->size ? step->size : 1);
	size_t before = *count, invalid = unit->invalid;
	bool held;

	EXPECT(event);
	fill((uint8_t *)event, step->size, given, step->given);
	if (step->size >= sizeof(*event) && step->op != FUZZ_RAW) {
		event->pid = 1 + step->process % 2;
		event->start = 1;
		event->run = 1;
	}
	free(unit->copy);
	unit->copy = malloc(step->size ? step->size : 1);
	EXPECT(unit->copy);
	probe_unit__take(unit, event, step->size);
	held = step->size >= sizeof(*event) && event->flags & EVENT_PROVISIONAL;
	if (step->size < sizeof(*event) || event->kind < EVENT_KIND_INTERNAL)
		EXPECT(*count > before || unit->invalid > invalid || held);
	free(event);
}

static void write_proc(const struct fuzz_step *step, const uint8_t *given)
{
	size_t file = step->process % (sizeof(files) / sizeof(files[0]));
	char *bytes = calloc(1, step->size + 1);
	int fd;

	EXPECT(bytes);
	fill((uint8_t *)bytes, step->size, given, step->given);
	unlinkat(proc_dir, files[file], 0);
	if (file < LINKS) {
		if (symlinkat(bytes, proc_dir, files[file]))
			EXPECT(errno == ENAMETOOLONG || errno == ENOENT);
	} else {
		fd = openat(proc_dir, files[file], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		EXPECT(fd >= 0 && write(fd, bytes, step->size) == step->size);
		close(fd);
	}
	free(bytes);
}

static void answer(struct probe_unit *unit, const struct fuzz_step *step, const uint8_t *given)
{
	struct probe_ask asked = asks[0];
	char *text = calloc(1, step->size + 1);
	struct probe_answer answer = {
		.ask = &asked,
		.error = step->process % 2 ? -step->process : 0,
		.ts = 9,
		.cost_ns = step->process,
		.text = text,
		.size = step->size,
	};

	EXPECT(text);
	if (asks_count) {
		fill((uint8_t *)text, step->size, given, step->given);
		memmove(asks, asks + 1, --asks_count * sizeof(asks[0]));
		probe_unit__answer(unit, &answer);
	}
	free(text);
}

static void run_steps(struct probe_unit *unit, const uint8_t *data, size_t size, size_t *count)
{
	const struct probe_process process = {
		.ts = 5, .start = 1, .parent_start = 1, .pid = 1, .ppid = 1, .run = 1, .proc = proc};
	struct fuzz_step step;

	while (size >= sizeof(step)) {
		memcpy(&step, data, sizeof(step));
		data += sizeof(step);
		size -= sizeof(step);
		if (step.given > size)
			step.given = size;
		if (step.op == FUZZ_FILE)
			write_proc(&step, data);
		else if (step.op == FUZZ_EXISTING)
			probe_unit__existing(unit, &process);
		else if (step.op == FUZZ_SAMPLED && unit->probe->sampled &&
			 !unit->probe->on_demand) /* there are none to run */
			unit->probe->sampled(unit->state);
		else if (step.op == FUZZ_ANSWER)
			answer(unit, &step, data);
		else
			take(unit, &step, data, count);
		data += step.given;
		size -= step.given;
	}
}

static void fuzz_probe(const struct probe *probe, struct bpf_object *object, const uint8_t *data, size_t size)
{
	size_t count = 0;
	struct probes all = {.calls = {.event = written}, .arg = &count};
	struct probe_unit unit = {.probe = probe, .events = ~0ULL, .all = &all, .settle = settle__new()};
	const struct core_api api = {
		.size = sizeof(api),
		.events = &unit.events,
		.set = set,
		.has_helper = has_helper,
		.has_type = has_type,
		.tracepoint_args = tracepoint_args,
		.has_function = has_function,
		.log = say_nothing,
		.ask = ask,
		.syscall_name = syscall_name,
		.stack_bytes = stack_bytes,
	};
	void *conf = calloc(1, probe->conf_size + 1);
	struct error err;

	asks_count = 0;
	EXPECT(unit.settle && conf);
	for (const struct opt *opt = probe->options; opt && opt->name; opt++)
		if (opt->type == OPT_LIST && !strcmp(opt->name, "env"))
			EXPECT(!opt__append(opt, conf, WANTED, &err));
	/* One without callbacks is the core's own code alone. */
	if (probe->open && (probe->event || probe->existing))
		EXPECT(!probe->open(&api, conf, object, &unit.state));
	run_steps(&unit, data, size, &count);
	probe_unit__settle(&unit, 0, 0);
	if (probe->close && (probe->event || probe->existing))
		probe->close(unit.state);
	settle__free(unit.settle);
	if (probe->options)
		opt__free(probe->options, conf);
	free(unit.copy);
	free(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!probes_count)
		load_probes();
	for (size_t i = 0; i < probes_count; i++)
		fuzz_probe(probes[i], objects[i], data, size);
	return 0;
}
