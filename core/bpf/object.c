/* SPDX-License-Identifier: BSD-2-Clause */
/* One BPF object: opened, shared, loaded, attached, drained and sampled. */
#include "core/bpf/object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/types.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/bpf/hook.h"
#include "core/bpf/relocation.h"
#include "core/bpf/ring.h"
#include "core/bpf/types.h"
#include "core/event.h"
#include "core/log.h"
#include "core/scope.h"

const uint32_t bpf__commands[BPF_COMMANDS] = {
	BPF_MAP_LOOKUP_ELEM,  BPF_MAP_UPDATE_ELEM,    BPF_MAP_DELETE_ELEM,
	BPF_MAP_GET_NEXT_KEY, BPF_OBJ_GET_INFO_BY_FD, BPF_ITER_CREATE,
};

#define SCOPE_MAP "scope"
#define RING_MAP "events"
#define LOST_MAP ".data.lost"

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text, *line, *rest;

	/* Only for debugging: libbpf also warns about errors that it then works around; we report the others. */
	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			log__print(LOG_DEBUG, "%s", line);
	free(text);
	return 0;
}

void bpf__init(void)
{
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(print_libbpf);
	hook__init();
}

const struct bpf_object_open_opts *bpf__open_opts(void)
{
	static struct bpf_object_open_opts opts = {.sz = sizeof(opts)};

	opts.btf_custom_path = relocation__path();
	return &opts;
}

/* Finds a variable in the object's BTF: its section, offset and size. */
static int find_variable(const struct btf *btf, const char *name, const char **section, uint32_t *offset,
			 uint32_t *size)
{
	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const struct btf_var_secinfo *var = btf_var_secinfos(type);

		if (!btf_is_datasec(type))
			continue;
		for (int i = 0; i < btf_vlen(type); i++, var++) {
			if (strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, var->type)->name_off), name))
				continue;
			*section = btf__name_by_offset(btf, type->name_off);
			*offset = var->offset;
			*size = var->size;
			return 0;
		}
	}
	return -ENOENT;
}

/* The map of a section of global data: its name ends with that of the section. */
static struct bpf_map *section_map(struct bpf_object *object, const char *section)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		size_t length = strlen(bpf_map__name(map)), tail = strlen(section);

		if (bpf_map__is_internal(map) && length >= tail && !strcmp(bpf_map__name(map) + length - tail, section))
			return map;
	}
	return NULL;
}

int bpf__set(struct bpf_object *object, const char *variable, const void *value, size_t size)
{
	const char *section, *name = bpf_object__name(object);
	struct bpf_map *map = NULL;
	uint32_t offset, have;
	size_t bytes = 0;
	char *data;

	if (!find_variable(bpf_object__btf(object), variable, &section, &offset, &have))
		map = section_map(object, section);
	if (!map) {
		log__error("%s: BPF object has no global variable \"%s\"", name, variable);
		return -ENOENT;
	}
	data = (char *)bpf_map__initial_value(map, &bytes); /* const in some versions of libbpf */
	if (have != size || !data || offset + size > bytes) {
		log__error("%s: variable \"%s\" of its BPF object has %u bytes, not %zu", name, variable, have, size);
		return -EINVAL;
	}
	if (bpf_map__fd(map) >= 0 && bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) {
		log__error("%s: variable \"%s\" is const: set it before the load", name, variable);
		return -EINVAL;
	}
	memcpy(data + offset, value, size);
	return 0;
}

/* A skeleton as bpftool generates it, with only the maps of global data: loading it mmaps them. */
struct opened {
	struct bpf_object *object;
	struct bpf_map **maps;
	void **data;
};

static int fill_skeleton(struct bpf_object_skeleton *skel, struct opened *opened)
{
	struct bpf_map *map;
	size_t count = 0;

	bpf_object__for_each_map(map, opened->object) count++;
	skel->sz = sizeof(*skel);
	skel->name = bpf_object__name(opened->object);
	skel->obj = &opened->object;
	skel->map_skel_sz = sizeof(*skel->maps);
	skel->maps = calloc(count + 1, sizeof(*skel->maps));
	opened->maps = calloc(count + 1, sizeof(*opened->maps));
	opened->data = calloc(count + 1, sizeof(*opened->data));
	if (!skel->maps || !opened->maps || !opened->data)
		return -ENOMEM;
	bpf_object__for_each_map(map, opened->object)
	{
		int i = skel->map_cnt;

		if (!bpf_map__is_internal(map))
			continue;
		opened->maps[i] = map;
		skel->maps[i] = (struct bpf_map_skeleton){
			.name = bpf_map__name(map), .map = &opened->maps[i], .mmaped = &opened->data[i]};
		skel->map_cnt++;
	}
	return 0;
}

int bpf_unit__open(struct bpf_unit *unit, const void *elf, size_t size)
{
	struct bpf_object_open_opts opts = *bpf__open_opts();
	struct opened *opened = calloc(1, sizeof(*opened));
	int err = -ENOMEM;

	unit->skel = calloc(1, sizeof(*unit->skel));
	if (!opened || !unit->skel) {
		free(opened);
		free(unit->skel);
		unit->skel = NULL;
		return err;
	}
	unit->opened = opened;
	opts.object_name = unit->name;
	opened->object = elf ? bpf_object__open_mem(elf, size, &opts) : NULL;
	err = opened->object ? fill_skeleton(unit->skel, opened) : elf ? -errno : -ENOEXEC;
	if (err) {
		log__error("%s: cannot open its BPF object: %s", unit->name, strerror(-err));
		bpf_unit__destroy(unit);
	}
	return err;
}

void bpf_unit__destroy(struct bpf_unit *unit)
{
	if (!unit->opened)
		return;
	bpf_object__close(unit->opened->object);
	free(unit->opened->maps);
	free(unit->opened->data);
	free(unit->skel->maps);
	free(unit->skel);
	free(unit->opened);
	unit->opened = NULL;
	unit->skel = NULL;
}

/* Not for maps of global data: their name is that of the object and the section. */
static struct bpf_map *find_map(struct bpf_unit *unit, const char *name)
{
	struct bpf_object *object = *unit->skel->obj;
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		if (!strcmp(bpf_map__name(map), name))
			return map;
	}
	return NULL;
}

static struct bpf_map *need_map(struct bpf_unit *unit, const char *name)
{
	struct bpf_map *map = find_map(unit, name);

	if (!map)
		log__error("%s: BPF object has no map \"%s\"; include core/probe.bpf.h in its source", unit->name,
			   name);
	return map;
}

/* bpf_map__reuse_fd() does not compare type and sizes: with others, garbage would be read. */
static int reuse_scope(struct bpf_unit *unit, struct bpf_map *map, int scope_fd)
{
	if (bpf_map__type(map) != BPF_MAP_TYPE_HASH || bpf_map__key_size(map) != sizeof(struct scope_key) ||
	    bpf_map__value_size(map) != sizeof(struct scope_entry)) {
		log__error("%s: map \"" SCOPE_MAP "\" (type %u, key %u, value %u bytes) differs from the core's "
			   "(type %u, key %zu, value %zu bytes); rebuild the probe for this version",
			   unit->name, bpf_map__type(map), bpf_map__key_size(map), bpf_map__value_size(map),
			   (unsigned)BPF_MAP_TYPE_HASH, sizeof(struct scope_key), sizeof(struct scope_entry));
		return -EINVAL;
	}
	return bpf_map__reuse_fd(map, scope_fd);
}

int bpf_unit__share(struct bpf_unit *unit, int scope_fd, uint64_t ring_bytes)
{
	struct bpf_map *scope = need_map(unit, SCOPE_MAP), *ring = need_map(unit, RING_MAP);
	int err;

	if (!scope || !ring || !need_map(unit, LOST_MAP))
		return -EINVAL;
	hook__choose(*unit->skel->obj);
	err = reuse_scope(unit, scope, scope_fd);
	if (!err)
		err = bpf_map__set_max_entries(ring, ring_bytes);
	if (!err)
		err = bpf__set(*unit->skel->obj, "ring_hurry", &(__u32){ring_bytes / 4}, sizeof(__u32));
	if (!err)
		err = relocation__add(bpf_object__btf(*unit->skel->obj));
	if (err)
		log__error("%s: cannot prepare its maps: %s", unit->name, strerror(-err));
	return err;
}

/* How many maps of variables are to be mapped: if the kernel refuses libbpf's trial of such a map, they no longer are,
 * and the object is loaded without its variables. */
static int mappable(const struct bpf_unit *unit)
{
	int count = 0;

	for (int i = 0; i < unit->skel->map_cnt; i++)
		count += unit->skel->maps[i].mmaped && bpf_map__map_flags(*unit->skel->maps[i].map) & BPF_F_MMAPABLE;
	return count;
}

static int load(struct bpf_unit *unit)
{
	size_t size;
	int variables = mappable(unit), err = bpf_object__load_skeleton(unit->skel);

	if (err) {
		log__error("%s: %s its BPF programs: %s; %s", unit->name,
			   err == -EMFILE || err == -ENFILE ? "cannot load" : "the kernel rejected", strerror(-err),
			   bpf__next_step(err));
		return err;
	}
	unit->lost = bpf_map__initial_value(find_map(unit, LOST_MAP), &size);
	if (!unit->lost || size < BPF_UNIT_KINDS * sizeof(uint64_t)) {
		log__error("%s: cannot read its counters of lost events", unit->name);
		return -EINVAL;
	}
	if (mappable(unit) != variables) {
		log__error("%s: cannot map its variables: the kernel refused an array that can be mapped", unit->name);
		return -ENOMEM;
	}
	unit->ring_fd = bpf_map__fd(find_map(unit, RING_MAP));
	unit->ring = ring__open(unit->ring_fd, unit->event, unit->arg);
	if (!unit->ring) {
		err = -errno;
		log__error("%s: cannot map its ring buffer: %s", unit->name, strerror(errno));
	}
	return err;
}

static void *load_one(void *arg)
{
	struct bpf_unit *unit = arg;

	unit->err = load(unit);
	return NULL;
}

/* glibc's own signal, which it lets no program touch, and takes for itself at the first pthread_create(). */
#define SIGNAL_OF_GLIBC 33
#define KERNEL_SIGSET 8 /* bytes */

/* The verifier takes most of the time, and runs in parallel for objects that are loaded in parallel. The command is to
 * start with the caller's signals: so all are put back. */
int bpf_units__load(struct bpf_unit *const *units, size_t count)
{
	pthread_t *threads = calloc(count + 1, sizeof(*threads));
	uint64_t action[8] = {}; /* the kernel's struct sigaction, of at most five words */
	size_t started = 0;
	int err = threads ? relocation__write(bpf__types()) : -ENOMEM;

	for (size_t i = 0; i < count; i++)
		units[i]->err = err;
	if (err)
		log__error("cannot extract the kernel's types: %s", strerror(-err));
	syscall(SYS_rt_sigaction, SIGNAL_OF_GLIBC, NULL, action, KERNEL_SIGSET);
	while (!err && started < count && !pthread_create(&threads[started], NULL, load_one, units[started]))
		started++;
	for (size_t i = started; !err && i < count; i++)
		load_one(units[i]);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	syscall(SYS_rt_sigaction, SIGNAL_OF_GLIBC, action, NULL, KERNEL_SIGSET);
	free(threads);
	for (size_t i = 0; i < count && !err; i++)
		err = units[i]->err;
	return err;
}

/* Runs an iterator once for its side effects on the object's global data. */
static int run_once(struct bpf_link *link)
{
	int fd = bpf_iter_create(bpf_link__fd(link));
	char buffer[256];

	if (fd < 0)
		return -errno;
	while (read(fd, buffer, sizeof(buffer)) > 0)
		continue;
	close(fd);
	return 0;
}

/* Iterators over tasks and what they have; others run once. */
static bool is_sampler(const char *section)
{
	return !strncmp(section, "iter/task", 9) || !strncmp(section, "iter.s/task", 11);
}

static bool is_on_demand(const struct bpf_unit *unit, const char *program)
{
	const char *const *name = unit->on_demand;

	while (name && *name && strcmp(*name, program) != 0)
		name++;
	return name && *name;
}

static int attach_one(struct bpf_unit *unit, struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);
	struct bpf_link *link = hook__attach(prog);
	int err = 0;

	if (!link) {
		err = -errno;
		log__error("%s: cannot attach %s to %s: %s", unit->name, bpf_program__name(prog), section,
			   strerror(-err));
		return err;
	}
	if (is_sampler(section)) {
		unit->samplers[unit->samplers_count++] = (struct bpf_sampler){
			link, bpf_program__name(prog), is_on_demand(unit, bpf_program__name(prog))};
	} else if (!strncmp(section, "iter/", 5)) {
		err = run_once(link);
		bpf_link__destroy(link);
	} else {
		unit->links[unit->links_count++] = link;
	}
	return err;
}

int bpf_unit__attach(struct bpf_unit *unit, const char *only, const char *except)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, *unit->skel->obj)
	{
		const char *name = bpf_program__name(prog);
		int err;

		if (!bpf_program__autoload(prog) || (only && strcmp(name, only)) || (except && !strcmp(name, except)))
			continue;
		if (unit->links_count == BPF_UNIT_LINKS || unit->samplers_count == BPF_UNIT_LINKS)
			return -E2BIG;
		err = attach_one(unit, prog);
		if (err)
			return err;
	}
	return 0;
}

int bpf_unit__drain(struct bpf_unit *unit)
{
	return ring__drain(unit->ring);
}

/* The kernel outputs whole events, but a read may end within one: the rest moves to the front of the buffer. */
static int sample_one(struct bpf_unit *unit, struct bpf_link *link, size_t (*size_of)(void *arg, const void *event))
{
	_Alignas(8) char buffer[65536];
	size_t have = 0;
	ssize_t n;
	int fd = bpf_iter_create(bpf_link__fd(link));

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buffer + have, sizeof(buffer) - have)) > 0 || (n < 0 && errno == EAGAIN)) {
		size_t at = 0, size;

		have += n > 0 ? n : 0;
		while ((size = size_of(unit->arg, have - at >= sizeof(struct event) ? buffer + at : NULL)) > 0 &&
		       have - at >= size) {
			unit->event(unit->arg, buffer + at, size);
			at += size;
		}
		have -= at;
		memmove(buffer, buffer + at, have);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

int bpf_unit__sample(struct bpf_unit *unit, size_t (*size_of)(void *arg, const void *event))
{
	int err = 0;

	for (size_t i = 0; i < unit->samplers_count && !err; i++)
		if (!unit->samplers[i].on_demand)
			err = sample_one(unit, unit->samplers[i].link, size_of);
	return err;
}

int bpf_unit__run(struct bpf_unit *unit, const char *program, size_t (*size_of)(void *arg, const void *event))
{
	for (size_t i = 0; i < unit->samplers_count; i++)
		if (unit->samplers[i].on_demand && !strcmp(unit->samplers[i].program, program))
			return sample_one(unit, unit->samplers[i].link, size_of);
	return -ENOENT;
}

uint64_t bpf_unit__new_misses(struct bpf_unit *unit)
{
	struct bpf_program *prog;
	uint64_t sum = 0, moved;

	bpf_object__for_each_program(prog, *unit->skel->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_program__autoload(prog) && unit->misses_count(unit->arg, bpf_program__name(prog)) &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size))
			sum += info.recursion_misses;
	}
	moved = sum - unit->misses;
	unit->misses = sum;
	return moved;
}

void bpf_unit__close(struct bpf_unit *unit)
{
	ring__close(unit->ring);
	unit->ring = NULL;
	for (size_t i = 0; i < unit->samplers_count; i++)
		bpf_link__destroy(unit->samplers[i].link);
	for (size_t i = 0; i < unit->links_count; i++)
		bpf_link__destroy(unit->links[i]);
	unit->samplers_count = unit->links_count = 0;
}
