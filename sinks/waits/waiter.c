/* SPDX-License-Identifier: BSD-2-Clause */
/* The edges of one wait: what could end it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/waits/wakers.h"

/* ---- threads ---- */

struct waiter *waiter__of_thread(const struct wakers *wakers, uint64_t host, uint64_t tid)
{
	uint32_t low = 0, high = wakers->waiters_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (wakers->waiters[wakers->by_tid[middle]].thread->tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < wakers->waiters_count; low++) {
		struct waiter *waiter = &wakers->waiters[wakers->by_tid[low]];

		if (waiter->thread->tid != tid)
			break;
		if (wakers->processes[waiter->process].host == host)
			return waiter;
	}
	return NULL;
}

/* Something that is not watched, or that is not known, may end it. */
static int connect_outside(struct wakers *wakers, struct waiter *waiter, enum waiter_class class)
{
	waiter->class = class;
	waiter->outside = true;
	return graph__edge(&wakers->graph, waiter->node, wakers->outside, false);
}

/* It waits for thread `tid` alone. */
static int connect_owner(struct wakers *wakers, struct waiter *waiter, uint64_t tid)
{
	struct waiter *owner = waiter__of_thread(wakers, wakers->processes[waiter->process].host, tid);

	if (!owner)
		return connect_outside(wakers, waiter, WAITER_WAITS);
	waiter->owner = owner - wakers->waiters;
	return graph__edge(&wakers->graph, waiter->node, owner->node, true);
}

/* ---- descriptors ---- */

/* What kind of a wait that for a descriptor is; connects `node` to those of its holders. */
static int await_descriptor(struct wakers *wakers, uint32_t node, uint32_t process, const struct stand_descriptor *at,
			    bool write, enum waiter_class *class, uint32_t *resource)
{
	uint64_t host = wakers->processes[process].host;
	uint32_t master;
	int err;
	struct resource_key key = {write ? RESOURCE_READERS : RESOURCE_WRITERS, host, at->device, at->inode};

	*class = WAITER_WAITS;
	switch (at->type) {
	case STAND_PIPE:
	case STAND_FIFO:
		return resource__await(wakers, node, key, resource);
	case STAND_SOCKET:
		key = (struct resource_key){RESOURCE_SOCKET, host, 0, at->peer};
		if (!EVENT_IS_NULL(at->peer))
			return resource__await(wakers, node, key, resource);
		key = (struct resource_key){RESOURCE_TCP, host, 0, address__number(at->address, true)};
		if (key.inode)
			return resource__await(wakers, node, key, resource);
		break;
	case STAND_EVENTFD:
		key = (struct resource_key){RESOURCE_EVENT, host, 0, at->open_file};
		return resource__await(wakers, node, key, resource);
	case STAND_TTY:
		err = terminal__await(wakers, node, process, at, &master);
		if (err || master != GRAPH_NONE)
			return err;
		*class = WAITER_FACT;
		break;
	case STAND_TIMERFD:
		*class = WAITER_FACT;
		break;
	default:
		*class = WAITER_IDLE;
		break;
	}
	return graph__edge(&wakers->graph, node, wakers->outside, false);
}

static int connect_terminal(struct wakers *wakers, struct waiter *waiter)
{
	int err = terminal__await(wakers, waiter->node, waiter->process, waiter->at, &waiter->terminal);

	if (err || waiter->terminal == GRAPH_NONE)
		return err ? err : connect_outside(wakers, waiter, WAITER_WAITS);
	waiter->class = WAITER_WAITS;
	waiter->open = "which process has the other end of the terminal";
	return 0;
}

static int connect_descriptor(struct wakers *wakers, struct waiter *waiter, uint64_t fd, bool write)
{
	const struct waker_process *process = &wakers->processes[waiter->process];
	const struct stand_descriptor *at = stand__fd(process->stand, fd);

	if (!at)
		return connect_outside(wakers, waiter, WAITER_IDLE);
	if (!waiter->at)
		waiter->at = at;
	/* For an answer. A program that polls its terminal is an interactive one, and may be left alone. */
	if (at->type == STAND_TTY && !write)
		return connect_terminal(wakers, waiter);
	if (at->type == STAND_EVENTFD)
		waiter->open = "whether the kernel itself signals the eventfd";
	return await_descriptor(wakers, waiter->node, waiter->process, at, write, &waiter->class, &waiter->resource);
}

static bool is_listening(const struct stand_descriptor *at)
{
	static const char word[] = " listen";
	size_t length = at->address ? strlen(at->address) : 0;

	return at->type == STAND_SOCKET && length >= strlen(word) && !strcmp(at->address + length - strlen(word), word);
}

/* A socket that is at no other end: clients may come. Nothing is wrong with a daemon that waits for them, unless only a signal
 * has ended what started it. */
static void await_clients(struct waker_process *process, const struct stand_descriptor *at)
{
	const struct track *parent = process->track->parent;

	process->listens |= is_listening(at);
	if (parent && !EVENT_IS_NULL(parent->exited_ns) && !parent->signalled && at->type == STAND_SOCKET &&
	    EVENT_IS_NULL(at->peer) && !address__number(at->address, true))
		process->serves = true;
}

static int connect_accept(struct wakers *wakers, struct waiter *waiter)
{
	struct waker_process *process = &wakers->processes[waiter->process];

	waiter->at = stand__fd(process->stand, waiter->wait.from);
	if (waiter->at && waiter->wait.how == WAIT_ACCEPT)
		await_clients(process, waiter->at);
	return connect_outside(wakers, waiter, WAITER_WAITS);
}

/* ---- poll: what it waits for is in its memory; at most all of its descriptors ---- */

static bool is_polled(const struct stand_descriptor *at)
{
	/* Files are always ready; what an epoll descriptor refers to is in the table itself. */
	return !at->outsider && at->type != STAND_FILE && at->type != STAND_DIRECTORY && at->type != STAND_NULL &&
	       at->type != STAND_EPOLL && (at->type != STAND_TTY || at->reads);
}

/* Once for all threads of a process. */
static int connect_polls(struct wakers *wakers, struct waker_process *process)
{
	const struct stand *stand = process->stand;
	enum waiter_class class = WAITER_IDLE, worst = WAITER_WAITS;
	bool any = false;
	int err = 0;

	process->polls = graph__node(&wakers->graph, GRAPH_ANY);
	if (process->polls == GRAPH_NONE)
		return -ENOMEM;
	for (uint32_t i = 0; i < stand->descriptors_count && !err; i++) {
		const struct stand_descriptor *at = &stand->descriptors[i];

		if (!is_polled(at))
			continue;
		any = true;
		await_clients(process, at);
		if (at->reads)
			err = await_descriptor(wakers, process->polls, process - wakers->processes, at, false, &class,
					       NULL);
		if (!err && at->writes && at->type != STAND_EVENTFD)
			err = await_descriptor(wakers, process->polls, process - wakers->processes, at, true, &class,
					       NULL);
		if (class > worst)
			worst = class;
	}
	process->polls_class = any ? worst : WAITER_IDLE;
	if (!any && !err)
		err = graph__edge(&wakers->graph, process->polls, wakers->outside, false);
	return err;
}

static int connect_poll(struct wakers *wakers, struct waiter *waiter)
{
	struct waker_process *process = &wakers->processes[waiter->process];
	int err = process->polls == GRAPH_NONE ? connect_polls(wakers, process) : 0;

	waiter->class = process->polls_class;
	waiter->open = "which descriptors it polls, and whether a signal handler writes to one of them";
	if (!err)
		err = graph__edge(&wakers->graph, waiter->node, process->polls, true);
	if (!err && process->children != GRAPH_NONE) /* by SIGCHLD */
		err = graph__edge(&wakers->graph, waiter->node, process->children, false);
	return err;
}

/* ---- futexes ---- */

/* glibc: a mutex that is held, and waited for. Signal handlers release none. */
#define MUTEX_CONTENDED 2

/* Any process may have mapped the page. */
static int connect_sharers(struct wakers *wakers, struct waiter *waiter)
{
	int err = 0;

	if (wakers->sharers == GRAPH_NONE) {
		wakers->sharers = graph__node(&wakers->graph, GRAPH_LIVE);
		if (wakers->sharers == GRAPH_NONE)
			return -ENOMEM;
		for (uint32_t i = 0; i < wakers->processes_count && !err; i++)
			err = graph__edge(&wakers->graph, wakers->sharers, wakers->processes[i].node, false);
	}
	waiter->class = WAITER_WAITS;
	waiter->outside = true;
	return err ? err : graph__edge(&wakers->graph, waiter->node, wakers->sharers, false);
}

static int connect_futex(struct wakers *wakers, struct waiter *waiter)
{
	const struct stand_thread *thread = waiter->thread;
	const struct waker_process *process = &wakers->processes[waiter->process];
	const struct waiter *sibling = waiter__of_thread(wakers, process->host, waiter->wait.expected);
	int err;

	if (!EVENT_IS_NULL(thread->owner)) {
		err = connect_owner(wakers, waiter, thread->owner);
		waiter->joins = !waiter->wait.private && thread->word == thread->owner && waiter->owner != GRAPH_NONE &&
				wakers->waiters[waiter->owner].process == waiter->process;
		return err;
	}
	/* It has ended: no thread will release it. */
	if (EVENT_NULL_REASON(thread->owner) == EVENT_REASON_GONE)
		return 0;
	/* pthread_join() waits for the kernel to clear the thread's number. */
	if (!waiter->wait.private && sibling && sibling->process == waiter->process && sibling != waiter &&
	    thread->word == waiter->wait.expected) {
		waiter->joins = true;
		return connect_owner(wakers, waiter, waiter->wait.expected);
	}
	if (!waiter->wait.private)
		return connect_sharers(wakers, waiter);
	if (EVENT_NULL_REASON(thread->owner) != EVENT_REASON_NONE)
		waiter->open = "the owner of the futex";
	else if (thread->word != MUTEX_CONTENDED || waiter->wait.expected != MUTEX_CONTENDED)
		waiter->open = "whether a signal handler may wake it";
	/* A lone thread that waits on a semaphore can only mean to be woken by a signal handler. */
	if (waiter->open && process->waiters_count == 1)
		return connect_outside(wakers, waiter, WAITER_WAITS);
	return graph__edge(&wakers->graph, waiter->node, process->node, false);
}

/* ---- processes ---- */

static int connect_children(struct wakers *wakers, struct waiter *waiter)
{
	struct waker_process *process = &wakers->processes[waiter->process];

	waiter->class = WAITER_CHILD;
	if (waiter->child != GRAPH_NONE)
		return graph__edge(&wakers->graph, waiter->node, wakers->processes[waiter->child].node, true);
	if (process->children == GRAPH_NONE)
		return connect_outside(wakers, waiter, WAITER_CHILD);
	if (process->children_open)
		waiter->open = "all of its children";
	return graph__edge(&wakers->graph, waiter->node, process->children, true);
}

/* Supervisors, and shells that wait for children, are woken by SIGCHLD; all else comes from outside. */
static int connect_signal(struct wakers *wakers, struct waiter *waiter)
{
	int err;

	if (wakers->processes[waiter->process].children == GRAPH_NONE)
		return connect_outside(wakers, waiter, WAITER_IDLE);
	err = connect_children(wakers, waiter);
	waiter->open = "which signals it waits for";
	return err;
}

/* The user of a terminal, or a debugger, may have stopped it. */
static int connect_stopped(struct wakers *wakers, struct waiter *waiter)
{
	const struct waker_process *process = &wakers->processes[waiter->process];
	const struct track *parent = process->track->parent;
	const struct stand *stand =
		parent && EVENT_IS_NULL(parent->exited_ns) ? track__has_room(parent, wakers->detector) : NULL;

	for (uint32_t i = 0; i < process->stand->descriptors_count; i++)
		if (process->stand->descriptors[i].type == STAND_TTY && !process->stand->descriptors[i].outsider)
			return connect_outside(wakers, waiter, WAITER_FACT);
	waiter->open = "whether a process outside of the run may continue it";
	if (!stand__is_stuck(stand))
		return connect_outside(wakers, waiter, WAITER_WAITS);
	return graph__edge(&wakers->graph, waiter->node, wakers->processes[stand->index].node, false);
}

/* ---- all ---- */

static int connect_lock(struct wakers *wakers, struct waiter *waiter)
{
	const struct waker_process *process = &wakers->processes[waiter->process];
	struct resource_key key = {.kind = RESOURCE_LOCK, .host = process->host};
	int err;

	waiter->at = stand__fd(process->stand, waiter->wait.from);
	if (!waiter->at)
		return connect_outside(wakers, waiter, WAITER_WAITS);
	key.device = waiter->at->device;
	key.inode = waiter->at->inode;
	err = resource__await(wakers, waiter->node, key, &waiter->resource);
	if (err || !waiter->wait.limited)
		return err;
	wakers->graph.nodes[waiter->node].combine = GRAPH_ANY;
	return connect_outside(wakers, waiter, WAITER_WAITS);
}

/* Whether nothing but the process itself can make a descriptor of the poll ready. */
static bool polls_itself(const struct wakers *wakers, const struct waker_process *process)
{
	const struct graph *graph = &wakers->graph;

	for (uint32_t e = graph->nodes[process->polls].first; e != GRAPH_NONE; e = graph->edges[e].next)
		for (uint32_t k = graph->nodes[graph->edges[e].to].first; k != GRAPH_NONE; k = graph->edges[k].next)
			if (graph->edges[k].to != process->node)
				return false;
	return true;
}

/* A lone thread that polls what only itself writes to can only mean to be woken by a signal handler: those of event loops
 * write to such a pipe. */
static int check_poll(struct wakers *wakers, struct waiter *waiter)
{
	const struct waker_process *process = &wakers->processes[waiter->process];

	if (process->waiters_count > 1 || process->children != GRAPH_NONE || !polls_itself(wakers, process))
		return 0;
	return connect_outside(wakers, waiter, process->polls_class);
}

int waiter__check(struct wakers *wakers, struct waiter *waiter)
{
	const struct resource *resource;

	if (waiter->wait.how == WAIT_POLL)
		return check_poll(wakers, waiter);
	if (waiter->resource == GRAPH_NONE || (waiter->wait.how != WAIT_FLOCK && waiter->wait.how != WAIT_FCNTL))
		return 0;
	resource = &wakers->resources[waiter->resource];
	for (uint32_t i = 0; i < resource->holds_count; i++) {
		const struct hold *hold = &wakers->holds[resource->holds + i];
		bool own = hold->by->locked == STAND_POSIX ? hold->process == waiter->process && !hold->by->outsider
							   : hold->by->open_file == waiter->at->open_file;

		if (!own)
			return 0;
	}
	wakers->graph.nodes[waiter->node].combine = GRAPH_ANY;
	return connect_outside(wakers, waiter, WAITER_WAITS);
}

int waiter__connect(struct wakers *wakers, struct waiter *waiter)
{
	const struct wait *wait = &waiter->wait;
	int err = 0;

	switch (wait->how) {
	case WAIT_TIMED:
	case WAIT_TRACED:
		return connect_outside(wakers, waiter, WAITER_FACT);
	case WAIT_STOPPED:
		return connect_stopped(wakers, waiter);
	case WAIT_KERNEL_LOCK:
		return connect_owner(wakers, waiter, waiter->thread->blocker);
	case WAIT_READ:
		return connect_descriptor(wakers, waiter, wait->from, false);
	case WAIT_WRITE:
		return connect_descriptor(wakers, waiter, wait->to, true);
	case WAIT_MOVE:
		err = connect_descriptor(wakers, waiter, wait->from, false);
		return err ? err : connect_descriptor(wakers, waiter, wait->to, true);
	case WAIT_CHILD:
	case WAIT_VFORK:
		return connect_children(wakers, waiter);
	case WAIT_FUTEX:
		return connect_futex(wakers, waiter);
	case WAIT_FLOCK:
	case WAIT_FCNTL:
		return connect_lock(wakers, waiter);
	case WAIT_POLL:
		return connect_poll(wakers, waiter);
	case WAIT_SIGNAL:
		return connect_signal(wakers, waiter);
	case WAIT_ACCEPT:
	case WAIT_CONNECT:
		return connect_accept(wakers, waiter);
	case WAIT_OPEN:
	case WAIT_IPC:
	case WAIT_DISK:
		return connect_outside(wakers, waiter, WAITER_WAITS);
	case WAIT_UNKNOWN:
		break;
	}
	return connect_outside(wakers, waiter, WAITER_IDLE);
}
