/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of runs that are merged. Most have the same columns and notes, byte for byte: DuckDB, which takes longer to open a
 * small file than to read it, is asked about one of each form. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/lake/compact.h"

/* The bytes of footers that are the same. There are few: one of each version of the collector and the kernel. */
struct form {
	struct form *next;
	uint32_t number;
	size_t size;
	char bytes[];
};

struct listing {
	struct lake_inputs *inputs;
	struct form *forms;
	struct text bytes; /* of the file at hand */
	struct error *err;
};

/* NULL: out of memory */
static const struct form *intern(struct listing *listing)
{
	const struct text *bytes = &listing->bytes;
	struct form *form = listing->forms;

	while (form && (form->size != bytes->size || memcmp(form->bytes, bytes->data, bytes->size) != 0))
		form = form->next;
	if (form)
		return form;
	form = malloc(sizeof(*form) + bytes->size);
	if (!form)
		return NULL;
	form->next = listing->forms;
	form->number = listing->forms ? listing->forms->number + 1 : 0;
	form->size = bytes->size;
	memcpy(form->bytes, bytes->data, bytes->size);
	return listing->forms = form;
}

static void free_forms(struct form *form)
{
	while (form) {
		struct form *next = form->next;

		free(form);
		form = next;
	}
}

static int add(struct lake_inputs *inputs, const char *name, uint32_t form)
{
	struct lake_input *list = inputs->list;

	if (!(inputs->count & (inputs->count - 1)))
		list = reallocarray(list, inputs->count ? 2 * inputs->count : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	inputs->list = list;
	list[inputs->count] = (struct lake_input){strdup(name), form};
	return list[inputs->count].name ? (inputs->count++, 0) : -ENOMEM;
}

static int list_one(int folder, const char *name, void *arg)
{
	struct listing *listing = arg;
	const struct form *form;
	int rc;

	listing->bytes.size = 0;
	rc = lake_footer__read(folder, name, &listing->bytes);
	if (rc)
		return error__set(listing->err, rc, "%s: %s", name,
				  rc == -EBADMSG ? "is not a Parquet file" : strerror(-rc));
	form = intern(listing);
	return form ? add(listing->inputs, name, form->number) : -ENOMEM;
}

static int by_form(const void *a, const void *b)
{
	const struct lake_input *x = a, *y = b;

	return x->form != y->form ? (x->form > y->form) - (x->form < y->form) : strcmp(x->name, y->name);
}

/* Those of one form follow each other. */
static int find_examples(struct lake_inputs *inputs, struct lake_inputs *examples)
{
	int rc = 0;

	if (inputs->count)
		qsort(inputs->list, inputs->count, sizeof(*inputs->list), by_form);
	for (size_t i = 0; i < inputs->count && !rc; i++)
		if (!i || inputs->list[i].form != inputs->list[i - 1].form)
			rc = add(examples, inputs->list[i].name, inputs->list[i].form);
	return rc;
}

int lake_inputs__read(struct lake_inputs *inputs, struct lake_inputs *examples, int work, struct error *err)
{
	struct listing listing = {.inputs = inputs, .err = err};
	int folder = dir__open(work, "in"), rc = folder < 0 ? folder : dir__each(folder, list_one, &listing);

	if (folder >= 0)
		close(folder);
	if (!rc)
		rc = find_examples(inputs, examples);
	text__free(&listing.bytes);
	free_forms(listing.forms);
	return rc;
}

void lake_inputs__free(struct lake_inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		free(inputs->list[i].name);
	free(inputs->list);
	*inputs = (struct lake_inputs){0};
}
