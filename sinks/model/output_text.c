/* SPDX-License-Identifier: BSD-2-Clause */
/* What processes that failed wrote last, kept with their run: it arrives after the exit, and perhaps after the row. */
#include "sinks/model/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_BYTES (512 << 10) /* of a run: the first texts, and as much of the last ones */
#define TOOL_MAX 128

enum { TEXT, CUT, PATH }; /* fields of the role */

struct said {
	struct hash_node node;
	struct said *next;	     /* of the last ones, oldest first */
	struct model_command *shell; /* of one whose last lines say more; else NULL */
	uint64_t exit_code;	     /* its */
	struct ending *ending;	     /* a reference, of one that may say more of its cause; else NULL */
	struct model_said pub;
	size_t bytes;
	bool first; /* it stays */
	char tool[TOOL_MAX];
	char *text, *path; /* NULL: none */
};

static struct said *said__of(struct hash_node *node)
{
	return (struct said *)((char *)node - offsetof(struct said, node));
}

static struct said *find(const struct run *run, uint32_t pid, uint64_t start)
{
	struct hash_node *node = hash__first(&run->said.all, hash__number(start, pid));

	for (; node; node = hash__next(node))
		if (said__of(node)->pub.pid == pid && said__of(node)->pub.start == start)
			return said__of(node);
	return NULL;
}

const struct model_said *model_run__said(const struct model_run *run, uint32_t pid, uint64_t start)
{
	const struct said *said = find((const struct run *)run, pid, start);

	return said && (said->text || said->pub.reason) ? &said->pub : NULL;
}

static void said__free(struct said *said)
{
	model_command__unref(said->shell);
	ending__unref(said->ending);
	free(said->text);
	free(said->path);
	free(said);
}

/* The first ones stay, and the last ones. */
static void drop_some(struct said_table *table)
{
	while (table->last_bytes > KEPT_BYTES) {
		struct said *oldest = table->oldest;

		table->oldest = oldest->next;
		if (!table->oldest)
			table->newest = NULL;
		table->last_bytes -= oldest->bytes;
		hash__remove(&table->all, &oldest->node);
		said__free(oldest);
	}
}

static struct said *add(struct run *run, uint32_t pid, uint64_t start)
{
	struct said_table *table = &run->said;
	struct said *said = calloc(1, sizeof(*said));

	if (!said)
		return NULL;
	said->pub.pid = pid;
	said->pub.start = start;
	if (hash__add(&table->all, &said->node, hash__number(start, pid))) {
		free(said);
		return NULL;
	}
	said->first = table->first_bytes < KEPT_BYTES;
	if (said->first)
		return said;
	if (table->newest)
		table->newest->next = said;
	else
		table->oldest = said;
	table->newest = said;
	return said;
}

/* Counts its bytes; this may drop it. */
static void count(struct run *run, struct said *said)
{
	size_t *sum = said->first ? &run->said.first_bytes : &run->said.last_bytes;

	*sum -= said->bytes;
	said->bytes = sizeof(*said) + said->pub.length + (said->path ? strlen(said->path) : 0) +
		      (said->shell ? said->shell->size : 0);
	*sum += said->bytes;
	drop_some(&run->said);
}

int said__expect(struct process *process)
{
	const struct model_row *row = &process->row;
	bool may_tell = process->ending && process->ending->untold;
	struct said *said;

	if ((!may_tell && !tool__may_be_missing(process->command, row->exit_code)) ||
	    find(process->run, row->pid, row->start))
		return 0;
	said = add(process->run, row->pid, row->start);
	if (!said)
		return -ENOMEM;
	said->shell = model_command__ref(process->command);
	said->exit_code = row->exit_code;
	said->ending = may_tell ? ending__ref(process->ending) : NULL;
	count(process->run, said);
	return 0;
}

/* After an escape sequence: of colours and of the cursor, a character set, a title or link; `at` itself: there is none. */
static const char *after_escape(const char *at, const char *end)
{
	const char *from = at;

	if (end - at < 2 || *at != '\x1b')
		return at;
	at += 2;
	switch (from[1]) {
	case '[':
		while (at < end && (*at < '@' || *at > '~'))
			at++;
		return at < end ? at + 1 : end;
	case ']':
		while (at < end && *at != '\a' && *at != '\x1b')
			at++;
		return at < end && *at == '\a' ? at + 1 : end - at < 2 ? end : at + 2;
	case '(':
	case ')':
		return at < end ? at + 1 : end;
	default:
		return at;
	}
}

/* As it is read, without what only says how a terminal shows it. Returns the length. */
static size_t copy_plain(char *to, const char *at, size_t length)
{
	const char *end = at + length, *next;
	size_t n = 0;

	for (; at < end; at = next) {
		next = after_escape(at, end);
		if (next == at)
			to[n++] = *next++ == '\t' ? ' ' : *at;
	}
	to[n] = '\0';
	return n;
}

static int set(char **to, const struct value *value)
{
	free(*to);
	*to = value->type == VALUE_STRING ? strndup(value->string, value->length) : NULL;
	if (value->type == VALUE_STRING && *to)
		return 0;
	return value->type == VALUE_STRING ? -ENOMEM : 0;
}

int said__take(const struct feed *f)
{
	struct said *said = find(f->run, f->record->pid, f->record->start);
	const struct value *text = f->field[TEXT];
	uint64_t cut = value__number(f->field[CUT]);
	int err;

	if (said && said->text && text->type != VALUE_STRING)
		return 0; /* another of its files is better than none */
	if (!said)
		said = add(f->run, f->record->pid, f->record->start);
	if (!said)
		return -ENOMEM;
	free(said->text);
	said->text = text->type == VALUE_STRING ? malloc(text->length + 1) : NULL;
	if (text->type == VALUE_STRING && !said->text)
		return -ENOMEM;
	said->pub.length = said->text ? copy_plain(said->text, text->string, text->length) : 0;
	said->pub.written = said->text ? text->length : 0;
	err = set(&said->path, f->field[PATH]);
	if (err)
		return err;
	said->pub.text = said->text;
	said->pub.path = said->path;
	said->pub.cut = EVENT_IS_NULL(cut) ? 0 : cut;
	said->pub.reason = said->text ? 0 : text->reason;
	if (said->text && said->shell && tool__may_be_missing(said->shell, said->exit_code) &&
	    model_said__tool(&said->pub, said->shell, said->exit_code, said->tool, sizeof(said->tool)))
		said->pub.tool = said->tool;
	if (said->text && said->ending && said->ending->untold)
		cause__told(said->ending, &said->pub);
	count(f->run, said);
	return 0;
}

void said__free_all(struct run *run)
{
	for (size_t i = 0; i < run->said.all.size; i++)
		for (struct hash_node *node = run->said.all.slots[i], *next; node; node = next) {
			next = node->next;
			said__free(said__of(node));
		}
	hash__free(&run->said.all);
}
