/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether two children of a process were to do the same: arguments, folder, recorded variables, the file for errors. */
#include <string.h>

#include "sinks/model/again.h"

/* "--attempt": what follows it may count attempts. */
static bool names_attempts(const char *argument)
{
	return argument && (strcasestr(argument, "attempt") || strcasestr(argument, "retry") ||
			    strcasestr(argument, "try=") || !strcmp(argument + strspn(argument, "-"), "try"));
}

bool again__counts_attempts(const struct model_command *asked)
{
	const char *at = asked ? asked->args.data : NULL, *end = at ? at + asked->args.length : NULL;

	while (at < end && !names_attempts(at))
		at += strlen(at) + 1;
	return at < end;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool same_but_for_numbers(const char *a, const char *b)
{
	while (*a && *b) {
		if (is_digit(*a) != is_digit(*b) || (!is_digit(*a) && *a != *b))
			return false;
		while (is_digit(*a) && is_digit(a[1]))
			a++;
		while (is_digit(*b) && is_digit(b[1]))
			b++;
		a++;
		b++;
	}
	return !*a && !*b;
}

/* Items end with a NUL each. */
bool same__list(const struct model_list *a, const struct model_list *b, bool counts)
{
	const char *before = NULL, *at, *other;

	if (a->length == b->length && (!a->length || !memcmp(a->data, b->data, a->length)))
		return true;
	if (!counts || a->reason || b->reason || a->count != b->count)
		return false;
	at = a->data;
	other = b->data;
	while (at < a->data + a->length && other < b->data + b->length) {
		if (strcmp(at, other) != 0 &&
		    !(same_but_for_numbers(at, other) && (names_attempts(before) || names_attempts(at))))
			return false;
		before = at;
		at += strlen(at) + 1;
		other += strlen(other) + 1;
	}
	return at >= a->data + a->length && other >= b->data + b->length;
}

static const char *name_called(const struct model_command *command)
{
	struct model_list called = model_command__called(command);

	return called.length ? basename(called.data) : "";
}

bool same__program(const struct model_command *a, const struct model_command *b)
{
	return !strcmp(name_called(a), name_called(b));
}

static bool has_log_below(const struct model_command *c)
{
	return c->errors.data && c->cwd.data && c->errors.length > c->cwd.length &&
	       !memcmp(c->errors.data, c->cwd.data, c->cwd.length) && c->errors.data[c->cwd.length] == '/';
}

/* Files elsewhere are temporary ones, as those of parallel; of the same name but for its numbers, they may be of attempts. */
static bool same_log(const struct model_command *a, const struct model_command *b)
{
	return !has_log_below(a) || !has_log_below(b) || same_but_for_numbers(a->errors.data, b->errors.data);
}

static bool same_command(const struct ending *bad, const struct model_command *b)
{
	const struct model_command *a = bad->pub.asked;

	return a && b && a->args.data && b->args.data && same__list(&a->args, &b->args, bad->counts_attempts) &&
	       same__list(&a->env, &b->env, true) && same_log(a, b);
}

bool again__is_same(const struct ending *a, const struct ending *b)
{
	return same_command(a, b->pub.asked);
}

bool same__folder(const struct model_command *a, const struct model_command *b)
{
	return !a || !b || !a->cwd.data || !b->cwd.data ||
	       (a->cwd.length == b->cwd.length && !memcmp(a->cwd.data, b->cwd.data, a->cwd.length));
}

/* Arguments after the first one; NULL: there are none. */
static const char *after_first(const struct model_list *args, size_t *length)
{
	size_t first = args->data ? strnlen(args->data, args->length) + 1 : args->length;

	*length = first < args->length ? args->length - first : 0;
	return *length ? args->data + first : NULL;
}

/* A fork's command has the folder in which its parent began, not that in which it failed. */
static bool same_folder_as_fork(const struct model_ending *bad, const struct model_command *command)
{
	const struct model_text *cwd = command ? &command->cwd : NULL;

	return !bad->folder || !cwd || !cwd->data ||
	       (strlen(bad->folder) == cwd->length && !memcmp(bad->folder, cwd->data, cwd->length));
}

/* Of several tools for one thing, the first one that is there: what comes after one that is not found, with the same
 * arguments. Those of other tools may be the same too where there are none. */
static bool is_instead(const struct process *child, const struct ending *bad)
{
	const struct model_command *tried = bad->pub.tried, *asked = child->asked;
	const char *wanted, *got;
	struct model_list called;
	size_t length, got_length;

	if (!tried || !asked || !bad->pub.row.forked || strcmp(bad->pub.row.tried_error, "ENOENT") != 0 ||
	    tried->args.reason || asked->args.reason)
		return false;
	wanted = after_first(&tried->args, &length);
	called = model_command__called(asked);
	got = after_first(&called, &got_length);
	return wanted && got && length == got_length && !memcmp(wanted, got, length) &&
	       same_folder_as_fork(&bad->pub, child->command);
}

bool again__is(const struct process *child, const struct ending *bad)
{
	return child->row.start >= bad->pub.row.ended_ns &&
	       ((same_command(bad, child->asked) && same__folder(bad->pub.command, child->command)) ||
		is_instead(child, bad));
}
