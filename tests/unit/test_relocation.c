/* SPDX-License-Identifier: BSD-2-Clause */
/* The types extracted for relocation: what an object names is there as the kernel has it, and little else. The kernel is
 * one that the test makes, and where its BTF can be read, this machine's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bpf/btf.h>
#include <string.h>
#include <unistd.h>

#include "core/bpf/relocation.h"
#include "core/bpf/types.h"

/* An object that names these structs, one of them with a flavor. */
static struct btf *object_naming(const char *one, const char *other)
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	assert_true(btf__add_struct(btf, one, 8) > 0);
	if (other)
		assert_true(btf__add_struct(btf, other, 8) > 0);
	return btf;
}

static struct btf *extracted(const struct btf *kernel, const struct btf *object)
{
	const char *path = relocation__path(); /* objects are opened with it first */
	struct btf *found;

	assert_int_equal(relocation__add(object), 0);
	assert_int_equal(relocation__write(kernel), 0);
	found = btf__parse(path, NULL);
	assert_non_null(found);
	return found;
}

static const struct btf_type *find(const struct btf *btf, const char *name, int kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

static const struct btf_type *member_type(const struct btf *btf, const struct btf_type *type, int i)
{
	return btf__type_by_id(btf, btf_members(type)[i].type);
}

/* struct leaf { int x; }; struct node { int a; struct leaf in; struct leaf *leaf; struct node *next; struct far *far; };
 * typedef struct far far_t; struct by_typedef { far_t *behind; far_t in; }; struct far { int y; } */
static struct btf *made_kernel(void)
{
	struct btf *btf = btf__new_empty();
	int number, leaf, leaf_ptr, node_ptr, node, far, far_ptr, far_t, far_t_ptr;

	assert_non_null(btf);
	number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	leaf = btf__add_struct(btf, "leaf", 4);
	btf__add_field(btf, "x", number, 0, 0);
	far = btf__add_struct(btf, "far", 4);
	btf__add_field(btf, "y", number, 0, 0);
	leaf_ptr = btf__add_ptr(btf, leaf);
	far_ptr = btf__add_ptr(btf, far);
	far_t = btf__add_typedef(btf, "far_t", far);
	far_t_ptr = btf__add_ptr(btf, far_t);
	node_ptr = btf__add_ptr(btf, btf__type_cnt(btf) + 1); /* of the next type */
	node = btf__add_struct(btf, "node", 32);
	assert_int_equal(node, node_ptr + 1);
	btf__add_field(btf, "a", number, 0, 0);
	btf__add_field(btf, "in", leaf, 32, 0);
	btf__add_field(btf, "leaf", leaf_ptr, 64, 0);
	btf__add_field(btf, "next", node_ptr, 128, 0);
	btf__add_field(btf, "far", far_ptr, 192, 0);
	btf__add_struct(btf, "by_typedef", 16);
	btf__add_field(btf, "behind", far_t_ptr, 0, 0);
	btf__add_field(btf, "in", far_t, 64, 0);
	btf__add_struct(btf, "unrelated", 4);
	btf__add_field(btf, "z", number, 0, 0);
	return btf;
}

static void what_is_named_is_whole(void **state)
{
	struct btf *kernel = made_kernel(), *object = object_naming("node___v2", NULL),
		   *found = extracted(kernel, object);
	const struct btf_type *node = find(found, "node", BTF_KIND_STRUCT), *type;

	(void)state;
	assert_non_null(node);
	assert_int_equal(node->size, 32);
	assert_int_equal(btf_vlen(node), 5);
	assert_int_equal(btf_member_bit_offset(node, 4), 192);
	/* embedded: whole, although nobody names it */
	type = member_type(found, node, 1);
	assert_true(btf_is_struct(type) && btf_vlen(type) == 1);
	/* pointers: to a named struct, and to one that is only declared */
	type = btf__type_by_id(found, member_type(found, node, 3)->type);
	assert_ptr_equal(type, node);
	type = btf__type_by_id(found, member_type(found, node, 4)->type);
	assert_true(btf_is_fwd(type));
	assert_string_equal(btf__name_by_offset(found, type->name_off), "far");
	assert_null(find(found, "far", BTF_KIND_STRUCT));
	assert_null(find(found, "unrelated", BTF_KIND_STRUCT));
	btf__free(found);
	btf__free(object);
	btf__free(kernel);
	relocation__forget();
}

/* The same typedef once by pointer and once as a member. */
static void a_typedef_is_both(void **state)
{
	struct btf *kernel = made_kernel(), *object = object_naming("by_typedef", NULL),
		   *found = extracted(kernel, object);
	const struct btf_type *type = find(found, "by_typedef", BTF_KIND_STRUCT);

	(void)state;
	assert_non_null(type);
	assert_int_equal(btf__resolve_size(found, btf_members(type)[1].type), 4);
	assert_true(btf_is_struct(btf__type_by_id(found, member_type(found, type, 1)->type)));
	btf__free(found);
	btf__free(object);
	btf__free(kernel);
	relocation__forget();
}

static void a_second_object_adds(void **state)
{
	struct btf *kernel = made_kernel(), *object = object_naming("node", NULL),
		   *other = object_naming("unrelated", "none");
	struct btf *found = extracted(kernel, object);

	(void)state;
	btf__free(found);
	found = extracted(kernel, other);
	assert_non_null(find(found, "node", BTF_KIND_STRUCT));
	assert_non_null(find(found, "unrelated", BTF_KIND_STRUCT));
	assert_null(find(found, "none", BTF_KIND_STRUCT));
	btf__free(found);
	btf__free(other);
	btf__free(object);
	btf__free(kernel);
	relocation__forget();
}

static void this_kernel(void **state)
{
	struct btf *object, *found;
	const struct btf *kernel;
	const struct btf_type *theirs, *ours;
	uint32_t size;

	(void)state;
	if (access(BTF_PATH, R_OK))
		skip();
	kernel = bpf__types();
	assert_non_null(kernel);
	object = object_naming("task_struct", "mm_struct");
	found = extracted(kernel, object);
	theirs = find(kernel, "task_struct", BTF_KIND_STRUCT);
	ours = find(found, "task_struct", BTF_KIND_STRUCT);
	assert_non_null(ours);
	assert_int_equal(ours->size, theirs->size);
	assert_int_equal(btf_vlen(ours), btf_vlen(theirs));
	for (int i = 0; i < btf_vlen(theirs); i++) {
		const struct btf_member *a = &btf_members(ours)[i], *b = &btf_members(theirs)[i];

		assert_string_equal(btf__name_by_offset(found, a->name_off), btf__name_by_offset(kernel, b->name_off));
		assert_int_equal(a->offset, b->offset);
		assert_int_equal(btf__resolve_size(found, a->type), btf__resolve_size(kernel, b->type));
		assert_int_equal(btf_kind(btf__type_by_id(found, a->type)), btf_kind(btf__type_by_id(kernel, b->type)));
	}
	btf__raw_data(found, &size);
	assert_true(size < 1 << 18);
	btf__free(found);
	btf__free(object);
	bpf__forget();
	relocation__forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_named_is_whole),
		cmocka_unit_test(a_typedef_is_both),
		cmocka_unit_test(a_second_object_adds),
		cmocka_unit_test(this_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
