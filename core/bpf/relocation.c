/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel types that BPF objects are relocated against. */
#include "core/bpf/relocation.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/base.h"
#include "core/bpf/types.h"
#include "core/buffer.h"

static struct {
	int fd; /* of a memfd, plus one */
	char path[32];
	struct btf *names; /* used for its set of strings only */
} relocation;

const char *relocation__path(void)
{
	int fd;

	if (relocation.fd)
		return relocation.path;
	fd = memfd_create("btf", MFD_CLOEXEC);
	snprintf(relocation.path, sizeof(relocation.path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && !access(relocation.path, R_OK)) {
		relocation.fd = fd + 1;
		return relocation.path;
	}
	if (fd >= 0)
		close(fd);
	return BTF_PATH;
}

/* A name without the suffix "___flavor", which CO-RE ignores. `copy` is for the shortened name. */
static const char *without_flavor(const char *name, char *copy, size_t size)
{
	const char *flavor = strstr(name, "___");

	if (!flavor || flavor == name || (size_t)(flavor - name) >= size)
		return name;
	memcpy(copy, name, flavor - name);
	copy[flavor - name] = 0;
	return copy;
}

/* Only these are searched by name. */
static bool can_be_root(const struct btf_type *type)
{
	return type->name_off && (btf_is_composite(type) || btf_is_any_enum(type) || btf_is_typedef(type) ||
				  btf_is_int(type) || btf_is_float(type) || btf_is_fwd(type));
}

int relocation__add(const struct btf *object)
{
	char copy[256];
	int err = 0;

	if (!relocation.names)
		relocation.names = btf__new_empty();
	if (!relocation.names)
		return -errno;
	for (uint32_t id = 1; err >= 0 && object && id < btf__type_cnt(object); id++) {
		const struct btf_type *type = btf__type_by_id(object, id);

		if (can_be_root(type))
			err = btf__add_str(relocation.names, without_flavor(btf__name_by_offset(object, type->name_off),
									    copy, sizeof(copy)));
	}
	return err < 0 ? err : 0;
}

/* An extraction: types are copied from one BTF to another. */
struct extraction {
	const struct btf *from;
	struct btf *to;
	uint32_t *copies[2]; /* id in `from` -> id in `to`, 0: none; [1]: of the target of a pointer, reduced */
	int err;
};

static bool is_named(const struct btf *from, const struct btf_type *type)
{
	char copy[256];

	return can_be_root(type) &&
	       btf__find_str(relocation.names,
			     without_flavor(btf__name_by_offset(from, type->name_off), copy, sizeof(copy))) > 0;
}

/* The i-th reference to another type; NULL: there are no more. */
static uint32_t *reference(struct btf_type *type, int i)
{
	if (btf_is_array(type))
		return i == 0 ? &btf_array(type)->type : i == 1 ? &btf_array(type)->index_type : NULL;
	if (btf_is_composite(type))
		return i < btf_vlen(type) ? &btf_members(type)[i].type : NULL;
	if (btf_is_func_proto(type))
		return i == 0 ? &type->type : i <= btf_vlen(type) ? &btf_params(type)[i - 1].type : NULL;
	if (btf_is_ptr(type) || btf_is_mod(type) || btf_is_typedef(type) || btf_is_type_tag(type))
		return i ? NULL : &type->type;
	return NULL;
}

static uint32_t copy(struct extraction *e, const struct btf_type *type, bool forward)
{
	int to = forward ? btf__add_fwd(e->to, btf__name_by_offset(e->from, type->name_off),
					btf_is_union(type) ? BTF_FWD_UNION : BTF_FWD_STRUCT)
			 : btf__add_type(e->to, e->from, type);

	if (to < 0)
		e->err = to;
	return to < 0 ? 0 : to;
}

/* Copies a type and what it consists of. CO-RE compares the targets of pointers by kind and name only: there a struct
 * that no object names becomes a forward declaration, which ends the walk through the kernel's types. */
static uint32_t extract(struct extraction *e, uint32_t id, bool reduced)
{
	struct btf_type *type = (struct btf_type *)btf__type_by_id(e->from, id);
	bool forward;
	uint32_t *from, *to;

	if (!id || e->err)
		return 0;
	reduced &= reference(type, 0) && !is_named(e->from, type);
	forward = reduced && btf_is_composite(type) && type->name_off;
	reduced &= forward || !btf_is_composite(type);
	to = &e->copies[reduced][id];
	if (*to)
		return *to;
	*to = copy(e, type, forward);
	for (int i = 0; !forward && !e->err && (from = reference(type, i)); i++) {
		uint32_t part = extract(e, *from, reduced || btf_is_ptr(type));

		/* Only now, as adding types moves them. */
		*reference((struct btf_type *)btf__type_by_id(e->to, *to), i) = part;
	}
	return *to;
}

static int write_types(const struct btf *types)
{
	uint32_t size;
	const void *data = btf__raw_data(types, &size);

	if (!data)
		return -ENOMEM;
	if (ftruncate(relocation.fd - 1, 0) || lseek(relocation.fd - 1, 0, SEEK_SET))
		return -errno;
	return write_all(relocation.fd - 1, data, size);
}

int relocation__write(const struct btf *types)
{
	uint32_t count = types ? btf__type_cnt(types) : 0;
	struct extraction e = {.from = types, .to = btf__new_empty()};

	if (!relocation.fd)
		goto out;
	e.copies[0] = calloc(count + 1, sizeof(*e.copies[0]));
	e.copies[1] = calloc(count + 1, sizeof(*e.copies[1]));
	if (!types || !relocation.names || !e.to || !e.copies[0] || !e.copies[1])
		e.err = -ENOMEM;
	for (uint32_t id = 1; id < count && !e.err; id++)
		if (is_named(types, btf__type_by_id(types, id)))
			extract(&e, id, false);
	if (!e.err)
		e.err = write_types(e.to);
out:
	btf__free(e.to);
	free(e.copies[0]);
	free(e.copies[1]);
	return e.err;
}

void relocation__forget(void)
{
	if (relocation.fd)
		close(relocation.fd - 1);
	relocation.fd = 0;
	btf__free(relocation.names);
	relocation.names = NULL;
}
