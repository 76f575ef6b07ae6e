/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a verdict-to-be of waits that belong together: evidence, what would refute it, and what to do. */
#include <errno.h>
#include <stdlib.h>

#include "sinks/verdicts/finding.h"

#define OTHERS_MAX 4 /* waits in the sentence beside the subject's */
#define MEMBERS_MAX 64

/* What a user does next, by what the subject waits for. %u is its pid. */
static const struct advice {
	enum wait_how how;
	enum stand_type type; /* 0: of any */
	const char *next;
} advices[] = {
	{WAIT_READ, STAND_TTY,
	 "which question has it asked there? Give the answer as input or option: pid %u reads a terminal"},
	{WAIT_READ, 0,
	 "ls -l /proc/%u/fd and those of the holders: which one should have closed, or written to, the other end?"},
	{WAIT_WRITE, 0, "ls -l /proc/%u/fd and those of the holders: which one should read the other end?"},
	{WAIT_MOVE, 0, "ls -l /proc/%u/fd and those of the holders: which one should use the other end?"},
	{WAIT_POLL, 0, "ls -l /proc/%u/fd: which process should use the other ends?"},
	{WAIT_CHILD, 0, "see what the child waits for: ps -o pid,stat,wchan:20,cmd --ppid %u"},
	{WAIT_SIGNAL, 0, "see what the child waits for: ps -o pid,stat,wchan:20,cmd --ppid %u"},
	{WAIT_VFORK, 0, "see what the child does before it executes: ps -o pid,stat,wchan:20,cmd --ppid %u"},
	{WAIT_FUTEX, 0, "the stacks of its threads: gdb -p %u -batch -ex 'thread apply all bt'"},
	{WAIT_FLOCK, 0, "the holder: lslocks; which one should have released it before pid %u asked?"},
	{WAIT_FCNTL, 0, "the holder: lslocks; which one should have released it before pid %u asked?"},
	{WAIT_STOPPED, 0, "kill -CONT %u, and find what stopped it"},
	{WAIT_ACCEPT, 0, "ss -lnp | grep pid=%u: which client should connect?"},
	{WAIT_CONNECT, 0, "ss -np | grep pid=%u: does the server answer?"},
	{WAIT_OPEN, 0, "which program should open the other end of the FIFO? cat /proc/%u/stack"},
	{WAIT_IPC, 0, "ipcs -p: which process should send to, or release, what pid %u waits for?"},
	{WAIT_DISK, 0, "cat /proc/%u/stack: which file system does not answer?"},
	{WAIT_KERNEL_LOCK, 0, "cat /proc/%u/stack, and that of the thread that holds the lock"},
	{WAIT_UNKNOWN, 0, "cat /proc/%u/stack"},
};

static bool is_for(const struct advice *advice, const struct waiter *subject)
{
	return advice->how == subject->wait.how &&
	       (!advice->type || (subject->at && subject->at->type == advice->type));
}

static void put_next(struct text *text, const struct waiter *subject, uint32_t pid)
{
	const struct advice *advice = advices;

	while (!is_for(advice, subject) && advice->how != WAIT_UNKNOWN)
		advice++;
	text__printf(text, advice->next, pid);
}

static void put_refute(struct finding *finding)
{
	if (!finding->closed)
		text__printf(&finding->refute, "it goes on, or ends by itself");
	else
		text__printf(&finding->refute, "one of the members%s goes on, and no signal had ended another one",
			     finding->limited ? " that wait without a time limit" : "");
}

/* "thread 12 " if its process has several, or another process's name. */
static void put_other(struct text *text, const struct wakers *wakers, const struct waiter *waiter, uint32_t subject)
{
	text__printf(text, "; ");
	if (waiter->process != subject)
		text__waker(text, wakers, waiter->process);
	else
		text__printf(text, "its thread %u", waiter->thread->tid);
	text__printf(text, waiter->wait.how == WAIT_STOPPED ? " is stopped " : " waits ");
	text__wait(text, wakers, waiter);
}

static void put_members(struct finding *finding, const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	uint32_t subject = wakers->waiters[first].process, count = 0;

	for (uint32_t i = first; i != GRAPH_NONE; i = next[i], count++) {
		const struct waiter *waiter = &wakers->waiters[i];

		if (count < MEMBERS_MAX)
			text__member(&finding->members, wakers->processes[waiter->process].track->pid,
				     waiter->thread->tid);
		if (count && count <= OTHERS_MAX)
			put_other(&finding->rest, wakers, waiter, subject);
	}
	if (count > OTHERS_MAX + 1)
		text__printf(&finding->rest, "; and %u more", count - OTHERS_MAX - 1);
	if (count > MEMBERS_MAX)
		text__printf(&finding->members, " and %u more", count - MEMBERS_MAX);
}

/* They say what the hang holds up. Returns whether there are any. */
static bool put_dependents(struct finding *finding, const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	struct dependent found[DEPENDENTS_MAX];
	uint32_t count = dependents__find(wakers, first, next, found);

	for (uint32_t i = 0; i < count; i++) {
		const struct waiter *waiter = &wakers->waiters[found[i].waiter];

		text__member(&finding->members, wakers->processes[waiter->process].track->pid, waiter->thread->tid);
		text__printf(&finding->rest, "; ");
		text__waker(&finding->rest, wakers, waiter->process);
		text__printf(&finding->rest, " waits ");
		text__service(&finding->rest, wakers, waiter, found[i].process);
		finding->limited |= waiter->wait.limited;
	}
	return count;
}

#define MISSING_MAX 400 /* bytes */

/* Adds a reason once. */
static void put_missing(struct text *text, const char *reason)
{
	if (!reason || text->size > MISSING_MAX || (text->size && strstr(text->data, reason)))
		return;
	text__printf(text, text->size ? ", " : "");
	text__safe(text, reason, strlen(reason));
}

/* What of the set could not be looked at. */
static void put_all_missing(struct text *text, const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	for (uint32_t i = first; i != GRAPH_NONE; i = next[i]) {
		const struct waiter *waiter = &wakers->waiters[i];
		const struct waker_process *process = &wakers->processes[waiter->process];

		put_missing(text, waiter->open);
		if (waiter->resource != GRAPH_NONE && wakers->resources[waiter->resource].open)
			put_missing(text, "which holder of the other end, or of the lock, matters");
		if (!process->stand->complete)
			put_missing(text,
				    process->stand->incomplete[0] ? process->stand->incomplete : "all that it holds");
		if (process->track->run->lossy[MODEL_LIFECYCLE])
			put_missing(text, "records of processes, some were lost");
	}
}

/* ---- what a healthy one has in common with it ---- */

/* What holds what it waits for, and does not stand still; GRAPH_NONE: nothing. */
static uint32_t holder_that_goes_on(const struct wakers *wakers, const struct waiter *waiter)
{
	const struct resource *resource = waiter->resource == GRAPH_NONE ? NULL : &wakers->resources[waiter->resource];

	for (uint32_t i = 0; resource && i < resource->holds_count; i++) {
		const struct hold *hold = &wakers->holds[resource->holds + i];

		if (!hold->by->outsider && !wakers->processes[hold->process].waiters_count)
			return hold->process;
	}
	return GRAPH_NONE;
}

static void put_doubt(struct finding *finding, const struct wakers *wakers, const struct waiter *subject, bool served)
{
	bool lock = subject->wait.how == WAIT_FLOCK || subject->wait.how == WAIT_FCNTL;
	uint32_t holder = lock && !finding->closed ? holder_that_goes_on(wakers, subject) : GRAPH_NONE;

	finding->goes_on = holder != GRAPH_NONE;
	finding->listens = !finding->closed && !served && wakers->processes[subject->process].listens;
	if (finding->goes_on) {
		text__printf(&finding->rest, "; ");
		text__waker(&finding->rest, wakers, holder);
		text__printf(&finding->rest, " goes on, and may release it");
	}
	if (finding->listens)
		text__printf(&finding->rest, "; it listens for clients, and an idle server does no more than that");
}

static void begin_with(struct finding *finding, const struct stand *stand)
{
	if (!EVENT_IS_NULL(stand->since_ns) && stand->since_ns > finding->since_ns)
		finding->since_ns = stand->since_ns;
}

/* With those that hold what it waits for, and stand still too: a server may still have been on its way to that. */
static void begin_with_holders(struct finding *finding, const struct wakers *wakers, const struct waiter *waiter)
{
	const struct resource *resource = waiter->resource == GRAPH_NONE ? NULL : &wakers->resources[waiter->resource];

	for (uint32_t i = 0; resource && i < resource->holds_count; i++) {
		const struct hold *hold = &wakers->holds[resource->holds + i];

		if (!hold->by->outsider && wakers->processes[hold->process].waiters_count)
			begin_with(finding, wakers->processes[hold->process].stand);
	}
}

struct finding *finding__new(const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	struct finding *finding = calloc(1, sizeof(*finding));
	const struct waiter *subject = &wakers->waiters[first];
	const struct graph_node *node = &wakers->graph.nodes[subject->node];
	const struct track *track = wakers->processes[subject->process].track;

	if (!finding)
		return NULL;
	finding->closed = !node->live && !wakers->supposed;
	finding->kind =
		finding->closed && wakers->graph.components[node->component].cycle ? VERDICT_DEADLOCK : VERDICT_HANG;
	finding->waits = subject->wait.how == WAIT_STOPPED ? "is stopped" : "waits";
	for (uint32_t i = first; i != GRAPH_NONE; i = next[i]) {
		begin_with(finding, wakers->processes[wakers->waiters[i].process].stand);
		begin_with_holders(finding, wakers, &wakers->waiters[i]);
		finding->stopped |= wakers->waiters[i].wait.how == WAIT_STOPPED;
	}
	finding->limits_itself = subject->wait.limited;
	text__wait(&finding->rest, wakers, subject);
	put_members(finding, wakers, first, next);
	put_doubt(finding, wakers, subject, put_dependents(finding, wakers, first, next));
	put_refute(finding);
	put_next(&finding->next, subject, track->pid);
	put_all_missing(&finding->missing, wakers, first, next);
	finding->proven = finding->closed && !finding->missing.size;
	return finding;
}

void finding__free(struct finding *finding)
{
	if (!finding)
		return;
	text__free(&finding->rest);
	text__free(&finding->refute);
	text__free(&finding->next);
	text__free(&finding->members);
	text__free(&finding->missing);
	free(finding);
}
