/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes a verdict-to-be of waits that belong together: evidence, what would refute it, and what to do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sinks/waits/finding.h"

#define OTHERS_MAX 4 /* waits in the sentence beside the subject's */
#define MEMBERS_MAX 64

/* What a user does next, by what the subject waits for: a question, and where its answer is seen, if its process lives. */
static const struct advice {
	enum wait_how how;
	enum stand_type type; /* 0: of any */
	const char *question;
	const char *look; /* %s is its pid; NULL: nothing beside what the evidence says */
} advices[] = {
	{WAIT_READ, STAND_TTY, "which question has it asked there? Give the answer as input or option", NULL},
	{WAIT_READ, 0, "which process should have closed, or written to, the other end?",
	 "ls -l /proc/%s/fd and those of the holders"},
	{WAIT_WRITE, 0, "which process should read the other end?", "ls -l /proc/%s/fd and those of the holders"},
	{WAIT_MOVE, 0, "which process should use the other end?", "ls -l /proc/%s/fd and those of the holders"},
	{WAIT_POLL, 0, "which process should have closed, or used, the other ends?", "ls -l /proc/%s/fd"},
	{WAIT_CHILD, 0, "what does the child wait for?", "ps -o pid,stat,wchan:20,cmd --ppid %s"},
	{WAIT_SIGNAL, 0, "what does the child wait for?", "ps -o pid,stat,wchan:20,cmd --ppid %s"},
	{WAIT_VFORK, 0, "what does the child do before it executes?", "ps -o pid,stat,wchan:20,cmd --ppid %s"},
	{WAIT_FUTEX, 0, "which thread should have released, or signalled, it?",
	 "gdb -p %s -batch -ex 'thread apply all bt'"},
	{WAIT_FLOCK, 0, "which holder should have released the lock before it was asked for?", "lslocks"},
	{WAIT_FCNTL, 0, "which holder should have released the lock before it was asked for?", "lslocks"},
	{WAIT_STOPPED, 0, "what stopped it?", "kill -CONT %s continues it"},
	{WAIT_ACCEPT, 0, "which client should connect?", "ss -lnp | grep pid=%s"},
	{WAIT_CONNECT, 0, "does the server answer?", "ss -np | grep pid=%s"},
	{WAIT_OPEN, 0, "which program should open the other end of the FIFO?", NULL},
	{WAIT_IPC, 0, "which process should send, or release, what it waits for?", "ipcs -p"},
	{WAIT_DISK, 0, "which file system does not answer?", "cat /proc/%s/stack"},
	{WAIT_KERNEL_LOCK, 0, "what does the thread that holds the lock wait for?",
	 "cat /proc/%s/stack, and that of the holder"},
	{WAIT_UNKNOWN, 0, "what does it wait for?", "cat /proc/%s/stack"},
};

static const struct advice to_itself = {WAIT_POLL, 0, "only itself can wake it: which of its tasks should have?",
					"gdb -p %s -batch -ex 'thread apply all bt'"};

static const struct advice at_terminal = {
	WAIT_READ, STAND_TTY, "what does it ask at its terminal, and what does the other end expect there?", NULL};

static bool is_for(const struct advice *advice, const struct waiter *subject)
{
	return advice->how == subject->wait.how &&
	       (!advice->type || (subject->at && subject->at->type == advice->type));
}

static const struct advice *advice_for(const struct wakers *wakers, const struct waiter *subject)
{
	const struct advice *advice = advices;

	if (subject->wait.how == WAIT_POLL && waiter__polls_itself(wakers, subject))
		return &to_itself;
	while (!is_for(advice, subject) && advice->how != WAIT_UNKNOWN)
		advice++;
	return advice;
}

static void put_next(struct finding *finding, const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	const struct waiter *subject = &wakers->waiters[first];
	const struct advice *advice = advice_for(wakers, subject);
	char pid[16];

	for (uint32_t i = first; i != GRAPH_NONE; i = next[i])
		if (wakers->waiters[i].terminal != GRAPH_NONE)
			advice = &at_terminal;
	snprintf(pid, sizeof(pid), "%u", wakers->processes[subject->process].track->pid);
	text__printf(&finding->next, "%s", advice->question);
	text__printf(&finding->again, "%s", advice->question);
	if (!advice->look)
		return;
	text__printf(&finding->next, " ");
	text__printf(&finding->next, advice->look, pid);
	text__printf(&finding->again, " It has ended; when it waits again: ");
	text__printf(&finding->again, advice->look, "PID");
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

/* Threads of one process that wait in the same way for any of the others: one of them says it for all. */
struct alike {
	uint32_t process, named; /* named: bits of enum wait_how */
};

static bool was_named(struct alike *alike, const struct waiter *waiter)
{
	bool any = waiter->wait.how == WAIT_POLL || (waiter->wait.how == WAIT_FUTEX && waiter->owner == GRAPH_NONE);
	uint32_t bit = any ? 1U << waiter->wait.how : 0;
	bool named;

	if (alike->process != waiter->process)
		*alike = (struct alike){.process = waiter->process};
	named = alike->named & bit;
	alike->named |= bit;
	return named;
}

/* Those of the subject's process, or of the others. Returns how many it names. */
static uint32_t put_others(struct finding *finding, const struct wakers *wakers, uint32_t first, const uint32_t *next,
			   bool own, uint32_t most)
{
	const struct waiter *subject = &wakers->waiters[first];
	struct alike alike = {.process = GRAPH_NONE};
	uint32_t count = 0;

	was_named(&alike, subject);
	for (uint32_t i = next[first]; i != GRAPH_NONE && count < most; i = next[i]) {
		const struct waiter *waiter = &wakers->waiters[i];

		if ((waiter->process == subject->process) != own || was_named(&alike, waiter))
			continue;
		put_other(&finding->rest, wakers, waiter, subject->process);
		count++;
	}
	return count;
}

/* What another process does at the other end says more than what the process's own threads do. */
static void put_members(struct finding *finding, const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	uint32_t count = 0, named;

	for (uint32_t i = first; i != GRAPH_NONE; i = next[i], count++) {
		const struct waiter *waiter = &wakers->waiters[i];

		if (count < MEMBERS_MAX)
			text__member(&finding->members, wakers->processes[waiter->process].track->pid,
				     waiter->thread->tid);
	}
	named = put_others(finding, wakers, first, next, false, OTHERS_MAX);
	named += put_others(finding, wakers, first, next, true, OTHERS_MAX - named);
	if (count > named + 1)
		text__printf(&finding->rest, "; and %u more", count - named - 1);
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

	if (!finding)
		return NULL;
	finding->closed = !node->live && !wakers->supposed;
	finding->kind =
		finding->closed && wakers->graph.components[node->component].cycle ? VERDICT_DEADLOCK : VERDICT_HANG;
	finding->waited = subject->wait.how == WAIT_STOPPED ? "has been stopped for" : "has waited";
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
	put_next(finding, wakers, first, next);
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
	text__free(&finding->again);
	text__free(&finding->members);
	text__free(&finding->missing);
	free(finding);
}
