/* SPDX-License-Identifier: BSD-2-Clause */
/* A wait in words: what for, and which processes hold that. */
#include <inttypes.h>
#include <stdlib.h>

#include "sinks/waits/finding.h"

#define NAMED_MAX 4 /* processes by name in one list */

/* ---- names ---- */

void text__waker(struct text *text, const struct wakers *wakers, uint32_t index)
{
	const struct track *track = wakers->processes[index].track;
	const struct model_row *row = track__row(wakers->verdicts, track);

	if (row)
		text__process(text, row);
	else
		text__printf(text, "pid %u", track->pid);
}

static void put_safe(struct text *text, const char *string)
{
	text__safe(text, string, strlen(string));
}

static void put_descriptor(struct text *text, const struct stand_descriptor *at)
{
	static const char *const names[] = {
		[STAND_PIPE] = "pipe",	       [STAND_FIFO] = "FIFO",
		[STAND_SOCKET] = "socket",     [STAND_EVENTFD] = "eventfd",
		[STAND_TTY] = "terminal",      [STAND_INOTIFY] = "inotify (changes of files)",
		[STAND_SIGNALFD] = "signalfd", [STAND_DIRECTORY] = "directory",
		[STAND_FILE] = "file",
	};
	const char *name = at->type < sizeof(names) / sizeof(*names) ? names[at->type] : NULL;

	text__printf(text, "%s", name ? name : "descriptor");
	if (at->path && at->type != STAND_PIPE && at->type != STAND_SOCKET) {
		text__printf(text, " ");
		put_safe(text, at->path);
	} else if (at->type == STAND_PIPE || at->type == STAND_FIFO || at->type == STAND_SOCKET ||
		   at->type == STAND_FILE) {
		text__printf(text, ":[%" PRIu64 "]", at->inode);
	}
	if (at->type == STAND_SOCKET && at->address) {
		text__printf(text, " (");
		put_safe(text, at->address);
		text__printf(text, ")");
	}
}

/* ---- lists of processes ---- */

struct list {
	struct text *text;
	uint32_t count, last;
};

static void list__add(struct list *list, const struct wakers *wakers, uint32_t index)
{
	if (list->count && list->last == index)
		return;
	list->last = index;
	if (++list->count > NAMED_MAX)
		return;
	if (list->count > 1)
		text__printf(list->text, ", ");
	text__waker(list->text, wakers, index);
}

static void list__end(const struct list *list)
{
	if (list->count > NAMED_MAX)
		text__printf(list->text, " and %u more", list->count - NAMED_MAX);
}

/* One that is not watched: a server, a user's shell. */
static void list__add_outsider(struct list *list, const struct stand_descriptor *by)
{
	list->last = GRAPH_NONE;
	if (++list->count > NAMED_MAX)
		return;
	if (list->count > 1)
		text__printf(list->text, ", ");
	put_safe(list->text, by->comm);
	text__printf(list->text, " (pid %u, not watched)", by->owner_pid);
}

static int by_process(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	if (x->by->outsider != y->by->outsider)
		return x->by->outsider ? 1 : -1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->by->owner_pid < y->by->owner_pid ? -1 : x->by->owner_pid > y->by->owner_pid;
}

/* Its holders were sorted by their open files: here each process counts once. */
static bool only_itself(const struct wakers *wakers, const struct resource *resource, uint32_t process)
{
	for (uint32_t i = 0; i < resource->holds_count; i++)
		if (wakers->holds[resource->holds + i].process != process ||
		    wakers->holds[resource->holds + i].by->outsider)
			return false;
	return resource->holds_count;
}

static void put_holders(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	static const char *const ends[] = {
		[RESOURCE_READERS] = "reader", [RESOURCE_WRITERS] = "writer", [RESOURCE_SOCKET] = "peer",
		[RESOURCE_TCP] = "peer",       [RESOURCE_EVENT] = "holder",   [RESOURCE_LOCK] = "holder",
	};
	const struct resource *resource = &wakers->resources[waiter->resource];
	struct hold *holds = &wakers->holds[resource->holds];
	const char *end = ends[resource->key.kind];
	struct list list = {.text = text};

	if (!resource->holds_count) {
		text__printf(text, ", whose %s is in no process of this host that was seen", end);
		return;
	}
	if (only_itself(wakers, resource, waiter->process)) {
		text__printf(text, ", whose only %s is itself", end);
		return;
	}
	qsort(holds, resource->holds_count, sizeof(*holds), by_process);
	text__printf(text, resource->key.kind == RESOURCE_LOCK ? ", held by " : ", held as %s by ", end);
	for (uint32_t i = 0; i < resource->holds_count; i++) {
		if (!holds[i].by->outsider)
			list__add(&list, wakers, holds[i].process);
		else if (!i || holds[i - 1].by->owner_pid != holds[i].by->owner_pid || !holds[i - 1].by->outsider)
			list__add_outsider(&list, holds[i].by);
	}
	list__end(&list);
}

/* Nodes of processes follow that of what is outside. */
static void put_children(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	const struct waker_process *process = &wakers->processes[waiter->process];
	uint32_t e = process->children == GRAPH_NONE ? GRAPH_NONE : wakers->graph.nodes[process->children].first;
	struct list list = {.text = text};

	if (waiter->child != GRAPH_NONE) {
		text__printf(text, "for its child ");
		text__waker(text, wakers, waiter->child);
		return;
	}
	text__printf(text, e != GRAPH_NONE && wakers->graph.edges[e].next == GRAPH_NONE ? "for its child "
											: "for its children ");
	for (; e != GRAPH_NONE; e = wakers->graph.edges[e].next)
		if (wakers->graph.edges[e].to != wakers->outside)
			list__add(&list, wakers, wakers->graph.edges[e].to - wakers->processes[0].node);
	list__end(&list);
}

/* ---- waits ---- */

static void put_thread(struct text *text, const struct wakers *wakers, const struct waiter *from, uint32_t index)
{
	const struct waiter *waiter = &wakers->waiters[index];

	if (waiter == from) {
		text__printf(text, "it holds itself");
		return;
	}
	text__printf(text, "thread %u ", waiter->thread->tid);
	if (waiter->process != from->process) {
		text__printf(text, "of ");
		text__waker(text, wakers, waiter->process);
		text__printf(text, " ");
	}
	text__printf(text, "holds");
}

static void put_futex(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	const struct stand_thread *thread = waiter->thread;
	uint32_t threads = wakers->processes[waiter->process].waiters_count;

	if (waiter->joins && waiter->owner != GRAPH_NONE) {
		text__printf(text, "for the end of its thread %u", wakers->waiters[waiter->owner].thread->tid);
	} else if (waiter->owner != GRAPH_NONE) {
		text__printf(text, "for a mutex (futex 0x%" PRIx64 ") that ", thread->args[0]);
		put_thread(text, wakers, waiter, waiter->owner);
	} else if (!EVENT_IS_NULL(thread->owner)) {
		text__printf(text, "for a mutex (futex 0x%" PRIx64 ") that thread %" PRIu64 " holds", thread->args[0],
			     thread->owner);
	} else if (EVENT_NULL_REASON(thread->owner) == EVENT_REASON_GONE) {
		text__printf(text, "for a mutex (futex 0x%" PRIx64 ") whose owner, a thread, has ended",
			     thread->args[0]);
	} else if (!waiter->wait.private) {
		text__printf(text, "on a futex 0x%" PRIx64 " in shared memory", thread->args[0]);
	} else {
		text__printf(text,
			     waiter->open ? "on a condition variable or semaphore (futex 0x%" PRIx64 ")"
					  : "for a lock that is held (futex 0x%" PRIx64 ")",
			     thread->args[0]);
		if (threads > 1)
			text__printf(text, " that only its %u threads can signal", threads);
		else
			text__printf(text, " that no other thread can signal");
	}
}

static void put_where(struct text *text, const struct stand_thread *thread)
{
	text__printf(text, "in ");
	put_safe(text, thread->syscall[0] ? thread->syscall : "the kernel");
	if (thread->channel[0]) {
		text__printf(text, " (");
		put_safe(text, thread->channel);
		text__printf(text, ")");
	}
}

/* The processes at the other ends of what is polled. */
struct ends {
	uint32_t found[NAMED_MAX + 1];
	uint32_t count; /* at most that many */
	bool itself, outside;
};

static void add_end(struct ends *ends, const struct wakers *wakers, uint32_t node, uint32_t self)
{
	uint32_t index = node - wakers->processes[0].node;

	ends->outside |= node == wakers->outside;
	ends->itself |= index == self;
	if (node == wakers->outside || index == self || ends->count == sizeof(ends->found) / sizeof(*ends->found))
		return;
	for (uint32_t i = 0; i < ends->count; i++)
		if (ends->found[i] == index)
			return;
	ends->found[ends->count++] = index;
}

static struct ends ends_of(const struct wakers *wakers, const struct waiter *waiter)
{
	const struct graph *graph = &wakers->graph;
	uint32_t polls = wakers->processes[waiter->process].polls, e = graph->nodes[polls].first;
	struct ends ends = {0};

	for (; e != GRAPH_NONE; e = graph->edges[e].next) {
		uint32_t to = graph->edges[e].to, k = graph->nodes[to].first;

		/* A process, or what is outside; else a pipe or alike, and its holders. */
		if (to < wakers->processes[0].node + wakers->processes_count)
			add_end(&ends, wakers, to, waiter->process);
		else
			for (; k != GRAPH_NONE; k = graph->edges[k].next)
				add_end(&ends, wakers, graph->edges[k].to, waiter->process);
	}
	return ends;
}

bool waiter__polls_itself(const struct wakers *wakers, const struct waiter *waiter)
{
	struct ends ends = ends_of(wakers, waiter);

	return ends.itself && !ends.count && !ends.outside;
}

static void put_open(struct text *text, const struct stand *stand)
{
	uint32_t pipes = 0, sockets = 0;

	for (uint32_t i = 0; i < stand->descriptors_count; i++) {
		uint8_t type = stand->descriptors[i].type;

		pipes += !stand->descriptors[i].outsider && (type == STAND_PIPE || type == STAND_FIFO);
		sockets += !stand->descriptors[i].outsider && type == STAND_SOCKET;
	}
	text__printf(text, ", with %u pipe%s and %u socket%s open", pipes, &"s"[pipes == 1], sockets,
		     &"s"[sockets == 1]);
}

static void put_polled(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	struct ends ends = ends_of(wakers, waiter);
	struct list list = {.text = text};

	put_where(text, waiter->thread);
	text__printf(text, " without a time limit");
	if (!ends.count && ends.itself && !ends.outside) {
		text__printf(text, ", and only itself has the other ends of its pipes and sockets");
		return;
	}
	if (!ends.count) {
		put_open(text, wakers->processes[waiter->process].stand);
		return;
	}
	text__printf(text, ", and ");
	for (uint32_t i = 0; i < ends.count; i++)
		list__add(&list, wakers, ends.found[i]);
	text__printf(text, ends.count > NAMED_MAX ? " and more have other ends of what it polls"
			   : ends.count > 1	  ? " have other ends of what it polls"
						  : " has the other end of what it polls");
}

static void put_stopped(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	const struct track *parent = wakers->processes[waiter->process].track->parent;
	bool lives = parent && EVENT_IS_NULL(parent->exited_ns);
	const struct model_row *row = lives ? track__row(wakers->verdicts, parent) : NULL;

	text__printf(text, "by a signal (SIGSTOP or alike)");
	if (row) {
		text__printf(text, ", and nothing continues it: its parent ");
		text__process(text, row);
		text__printf(text, waiter->outside ? " goes on" : " waits too");
	}
}

static void put_lock(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	text__printf(text, "for a lock of ");
	if (waiter->at)
		put_descriptor(text, waiter->at);
	else
		text__printf(text, "a file");
	if (waiter->wait.limited)
		text__printf(text, " with a time limit");
	if (waiter->resource != GRAPH_NONE && (!waiter->outside || waiter->wait.limited))
		put_holders(text, wakers, waiter);
	else
		text__printf(text, ", held outside of what is watched");
}

static void put_kernel_lock(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	text__printf(text, "for a lock of the kernel ");
	put_where(text, waiter->thread);
	text__printf(text, " that ");
	if (waiter->owner != GRAPH_NONE)
		put_thread(text, wakers, waiter, waiter->owner);
	else
		text__printf(text, "thread %" PRIu64 " holds", waiter->thread->blocker);
}

static void put_io(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	bool write = waiter->wait.how == WAIT_WRITE;

	if (!waiter->at) {
		put_where(text, waiter->thread);
		return;
	}
	text__printf(text, write			   ? "for a write to "
			   : waiter->wait.how == WAIT_READ ? "for a read of "
							   : "for a move of ");
	put_descriptor(text, waiter->at);
	if (write && (waiter->at->type == STAND_PIPE || waiter->at->type == STAND_FIFO))
		text__printf(text, ", which is full");
	if (waiter->resource != GRAPH_NONE)
		put_holders(text, wakers, waiter);
	if (waiter->terminal != GRAPH_NONE) {
		text__printf(text, ", whose other end is that of ");
		text__waker(text, wakers, waiter->terminal);
	}
}

static void put_opening(struct text *text, const struct stand_thread *thread)
{
	text__printf(text, "to open ");
	if (thread->opening) {
		text__printf(text, "the FIFO ");
		put_safe(text, thread->opening);
	} else {
		text__printf(text, "a FIFO");
	}
	text__printf(text, " whose other end no process opens, ");
	put_where(text, thread);
}

void text__service(struct text *text, const struct wakers *wakers, const struct waiter *waiter, uint32_t holder)
{
	uint32_t pid = wakers->processes[holder].track->pid;

	if (wakers->resources[waiter->resource].key.kind == RESOURCE_LOCK) {
		text__printf(text, "for the lock of ");
		put_descriptor(text, waiter->at);
		text__printf(text, " that pid %u holds%s", pid, waiter->wait.limited ? ", with a time limit" : "");
		return;
	}
	text__printf(text, waiter->wait.how == WAIT_READ ? "for an answer of pid %u by " : "for pid %u to read from ",
		     pid);
	put_descriptor(text, waiter->at);
}

void text__wait(struct text *text, const struct wakers *wakers, const struct waiter *waiter)
{
	switch (waiter->wait.how) {
	case WAIT_READ:
	case WAIT_WRITE:
	case WAIT_MOVE:
		put_io(text, wakers, waiter);
		return;
	case WAIT_CHILD:
	case WAIT_VFORK:
		put_children(text, wakers, waiter);
		return;
	case WAIT_FUTEX:
		put_futex(text, wakers, waiter);
		return;
	case WAIT_FLOCK:
	case WAIT_FCNTL:
		put_lock(text, wakers, waiter);
		return;
	case WAIT_KERNEL_LOCK:
		put_kernel_lock(text, wakers, waiter);
		return;
	case WAIT_STOPPED:
		put_stopped(text, wakers, waiter);
		return;
	case WAIT_POLL:
		put_polled(text, wakers, waiter);
		return;
	case WAIT_ACCEPT:
	case WAIT_CONNECT:
		text__printf(text, waiter->wait.how == WAIT_ACCEPT ? "to accept a client that connects to "
								   : "to connect by ");
		if (waiter->at)
			put_descriptor(text, waiter->at);
		else
			text__printf(text, "a socket");
		return;
	case WAIT_OPEN:
		put_opening(text, waiter->thread);
		return;
	default:
		if (waiter->class == WAITER_CHILD)
			put_children(text, wakers, waiter);
		else
			put_where(text, waiter->thread);
	}
}
