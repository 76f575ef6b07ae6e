// SPDX-License-Identifier: BSD-2-Clause
/* The keys of an expectation of a process that stands still: what /proc said of it meanwhile. */
#include "tests/truth/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/truth/json.h"

/* The thread that "TID:..." names, and what follows; NULL: it was not reported, which is judged. */
static const struct seen_thread *thread_of(struct comparison *c, const char *value, const char **rest)
{
	const struct seen_thread *t;
	char *end;
	pid_t tid = strtol(value, &end, 10);

	*rest = *end ? end + 1 : end;
	for (t = c->seen->threads; t; t = t->next)
		if (t->tid == tid)
			return t;
	judge(c, WRONG, "thread %d of process %d was not reported", tid, c->seen->pid);
	return NULL;
}

/* True: the value is null, and the record says why. */
static bool is_missing(struct comparison *c, const struct seen_thread *t, const char *field)
{
	char why[32];

	if (!missing__reason(t->missing, field, why, sizeof(why)))
		return false;
	judge(c, NULL_VALUE, "%s: %s", field, why);
	return true;
}

static void equal(struct comparison *c, const struct seen_thread *t, const char *field, const char *seen,
		  const char *truth)
{
	if (strcmp(seen, truth) && (*seen || !is_missing(c, t, field)))
		judge(c, WRONG, "%s \"%s\" instead of \"%s\"", field, seen, truth);
}

/* "TID:STATE:CHANNEL:CALL:ARGUMENTS"; CALL is "-" where it is in none. */
void check_wait(struct comparison *c, const char *value)
{
	char state[4] = "", channel[80] = "", call[24] = "", args[160] = "";
	const struct seen_thread *t = thread_of(c, value, &value);

	if (!t)
		return;
	sscanf(value, "%3[^:]:%79[^:]:%23[^:]:%159s", state, channel, call, args);
	equal(c, t, "state", t->state, state);
	equal(c, t, "wait_channel", t->channel, channel);
	equal(c, t, "syscall", t->call, strcmp(call, "-") ? call : "");
	equal(c, t, "syscall_args", t->args, args);
}

static void equal_number(struct comparison *c, const struct seen_thread *t, const char *field, uint64_t seen,
			 const char *truth)
{
	if (seen == JSON_NULL && is_missing(c, t, field))
		return;
	if (seen == JSON_NULL || seen != strtoull(truth, NULL, 10))
		judge(c, WRONG, "%s %lld instead of %s", field, (long long)seen, truth);
}

void check_word(struct comparison *c, const char *value)
{
	const struct seen_thread *t = thread_of(c, value, &value);

	if (t)
		equal_number(c, t, "futex_word", t->word, value);
}

/* "TID:OWNER", "TID:none", or "TID:gone" if it has ended. */
void check_owner(struct comparison *c, const char *value)
{
	const struct seen_thread *t = thread_of(c, value, &value);
	char why[32] = "none";

	if (!t)
		return;
	if (strcmp(value, "none") && strcmp(value, "gone")) {
		equal_number(c, t, "futex_owner", t->owner, value);
		return;
	}
	missing__reason(t->missing, "futex_owner", why, sizeof(why));
	if (t->owner != JSON_NULL)
		judge(c, WRONG, "futex_owner %lld instead of %s", (long long)t->owner, value);
	else if (!strcmp(why, "unsupported"))
		judge(c, NULL_VALUE, "futex_owner: %s", why);
	else if (strcmp(why, value))
		judge(c, WRONG, "futex_owner null for the reason %s instead of %s", why, value);
}

void check_blocker(struct comparison *c, const char *value)
{
	const struct seen_thread *t = thread_of(c, value, &value);

	if (t)
		equal_number(c, t, "blocker", t->blocker, value);
}

void check_opening(struct comparison *c, const char *value)
{
	const struct seen_thread *t = thread_of(c, value, &value);

	if (t)
		equal(c, t, "opening", t->opening, value);
}

/* "FD:DEVICE:INODE" */
void check_fd(struct comparison *c, const char *value)
{
	unsigned long long fd = 0, device = 0, inode = 0;
	const struct seen_descriptor *d;

	sscanf(value, "%llu:%llu:%llu", &fd, &device, &inode);
	for (d = c->seen->descriptors; d && d->fd != fd; d = d->next)
		continue;
	if (!d)
		judge(c, WRONG, "descriptor %llu was not reported", fd);
	else if (d->device != device || d->inode != inode)
		judge(c, WRONG, "descriptor %llu is inode %llu of device %llu instead of %s", fd,
		      (unsigned long long)d->inode, (unsigned long long)d->device, value);
}

void check_fds(struct comparison *c, const char *value)
{
	unsigned count = 0;

	for (const struct seen_descriptor *d = c->seen->descriptors; d; d = d->next)
		count++;
	if (count != (unsigned)atoi(value))
		judge(c, WRONG, "%u descriptors instead of %s", count, value);
}

/* "INODE:KIND", by any of its descriptors. */
void check_locked(struct comparison *c, const char *value)
{
	char *kind;
	uint64_t inode = strtoull(value, &kind, 10);

	for (const struct seen_descriptor *d = c->seen->descriptors; d; d = d->next)
		if (d->inode == inode && !strcmp(d->locked, kind + 1))
			return;
	judge(c, WRONG, "no descriptor has the lock %s", value);
}

void check_zombie(struct comparison *c, const char *value)
{
	if (c->seen->zombie_of != strtoull(value, NULL, 10))
		judge(c, WRONG, "a zombie of %llu instead of %s", (unsigned long long)c->seen->zombie_of, value);
}

/* One that goes on is never reported. */
void check_goes_on(struct comparison *c, const char *value)
{
	(void)value;
	if (c->seen->threads || c->seen->zombie_of)
		judge(c, WRONG, "it goes on, and was reported");
}
