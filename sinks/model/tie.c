/* SPDX-License-Identifier: BSD-2-Clause */
/* What ties two failures of one script together: a pipe, a file that both were called with, or a loop over tasks of a kind. */
#include "sinks/model/again.h"

#include <ctype.h>
#include <string.h>

#define OPERANDS_MAX 64 /* that are looked at: each of one with each of the other */

static bool is_piped(const struct ending *from, const struct ending *to)
{
	return from->pipes.out && from->pipes.out == to->pipes.in;
}

/* The file that an argument may name: x.bam, ./x.bam, --output=x.bam; NULL: none. */
static const char *file_in(const char *argument)
{
	const char *equals = strchr(argument, '='), *file = equals ? equals + 1 : argument;

	file += strncmp(file, "./", 2) ? 0 : 2;
	return (*argument != '-' || equals) && strlen(file) > 2 && strpbrk(file, "./") ? file : NULL;
}

static bool has_file(const struct model_list *args, const char *file)
{
	const char *at = args->data, *end = at + args->length, *other;

	for (int i = 0; at < end && i < OPERANDS_MAX; at += strlen(at) + 1, i++)
		if ((other = file_in(at)) && !strcmp(other, file))
			return true;
	return false;
}

/* Without the program, a script or an archive that is one: java -jar x.jar. */
static struct model_list operands(const struct ending *e)
{
	struct model_list args =
		e->pub.row.forked || !e->pub.command ? (struct model_list){0} : model_command__called(e->pub.command);
	uint32_t size = args.length ? (uint32_t)strlen(args.data) + 1 : 0;

	args.data = size ? args.data + size : NULL;
	args.length -= size;
	return args;
}

static bool shares_file(const struct ending *a, const struct ending *b)
{
	struct model_list own = operands(a), others = operands(b);
	const char *at = own.data, *end = at ? at + own.length : NULL, *before = "", *file;

	for (int i = 0; at < end && others.length && i < OPERANDS_MAX; before = at, at += strlen(at) + 1, i++)
		if (strcmp(before, "-jar") != 0 && (file = file_in(at)) && has_file(&others, file))
			return true;
	return false;
}

/* The first that is a plain word, as "view" of samtools view -b x.bam; "": none. */
static const char *word_in(const struct model_list *args)
{
	const char *at = args->data, *end = at ? at + args->length : NULL;

	while (at < end && (!isalpha((unsigned char)*at) || file_in(at)))
		at += strlen(at) + 1;
	return at < end ? at : "";
}

bool tie__is_of_kind(const struct ending *a, const struct ending *b)
{
	struct model_list own = operands(a), others = operands(b);

	return a->pub.command && b->pub.command && same__program(a->pub.command, b->pub.command) &&
	       !strcmp(word_in(&own), word_in(&others));
}

bool tie__between(const struct ending *first, const struct ending *later)
{
	return is_piped(first, later) || shares_file(first, later);
}
