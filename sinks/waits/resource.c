/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads wait for, and the descriptors by which processes can end these waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/waits/wakers.h"

static uint64_t hash_key(const struct resource_key *key)
{
	uint64_t hash = hash__number(key->kind, key->host);

	return hash__number(hash__number(hash, key->device), key->inode);
}

static struct resource *find(const struct wakers *wakers, const struct resource_key *key)
{
	struct hash_node *node = hash__first(&wakers->by_key, hash_key(key));

	for (; node; node = hash__next(node)) {
		struct resource *resource = (struct resource *)node;

		if (resource->key.kind == key->kind && resource->key.host == key->host &&
		    resource->key.device == key->device && resource->key.inode == key->inode)
			return resource;
	}
	return NULL;
}

/* NULL: out of memory. */
static struct resource *add(struct wakers *wakers, struct resource_key key)
{
	struct resource *resource = &wakers->resources[wakers->resources_count];

	if (wakers->resources_count == wakers->resources_room)
		return NULL;
	*resource = (struct resource){.key = key};
	/* A lock that several share is free when all have released it. */
	resource->node = graph__node(&wakers->graph, key.kind == RESOURCE_LOCK ? GRAPH_ALL : GRAPH_ANY);
	if (resource->node == GRAPH_NONE || hash__add(&wakers->by_key, &resource->hashed, hash_key(&key)))
		return NULL;
	wakers->resources_count++;
	return resource;
}

int resource__await(struct wakers *wakers, uint32_t node, struct resource_key key, uint32_t *number)
{
	struct resource *resource = find(wakers, &key);

	if (!resource)
		resource = add(wakers, key);
	if (!resource)
		return -ENOMEM;
	if (number)
		*number = resource - wakers->resources;
	return graph__edge(&wakers->graph, node, resource->node, true);
}

uint64_t address__number(const char *address, bool reversed)
{
	const char *local = address ? strchr(address, ' ') : NULL;
	const char *arrow = local ? strstr(local + 1, " -> ") : NULL; /* a socket may have no name: "unix -> /run/x" */
	uint64_t ends[2];

	if (!arrow)
		return 0;
	ends[0] = hash__bytes(0, local + 1, arrow - local - 1);
	ends[1] = hash__bytes(0, arrow + 4, strlen(arrow + 4));
	return hash__number(ends[reversed], ends[!reversed]) | 1;
}

/* ---- holders ---- */

#define ROLES_MAX 3

/* What the holder of a descriptor can do for others; how many. */
static int roles_of(const struct stand_descriptor *by, uint64_t host, struct resource_key roles[ROLES_MAX])
{
	uint64_t tcp = by->type == STAND_SOCKET ? address__number(by->address, false) : 0;
	bool pipe = by->type == STAND_PIPE || by->type == STAND_FIFO;
	int count = 0;

	if (pipe && by->reads)
		roles[count++] = (struct resource_key){RESOURCE_READERS, host, by->device, by->inode};
	if (pipe && by->writes)
		roles[count++] = (struct resource_key){RESOURCE_WRITERS, host, by->device, by->inode};
	if (by->type == STAND_SOCKET)
		roles[count++] = (struct resource_key){RESOURCE_SOCKET, host, 0, by->inode};
	if (tcp)
		roles[count++] = (struct resource_key){RESOURCE_TCP, host, 0, tcp};
	if (by->type == STAND_EVENTFD)
		roles[count++] = (struct resource_key){RESOURCE_EVENT, host, 0, by->open_file};
	if (by->locked)
		roles[count++] = (struct resource_key){RESOURCE_LOCK, host, by->device, by->inode};
	return count;
}

/* Calls of two rounds: the first finds how many there are and the latest look of each, the second adds them. */
static void collect(struct wakers *wakers, uint32_t process, bool add_them)
{
	const struct waker_process *holder = &wakers->processes[process];

	for (uint32_t i = 0; holder->stand && i < holder->stand->descriptors_count; i++) {
		const struct stand_descriptor *by = &holder->stand->descriptors[i];
		struct resource_key roles[ROLES_MAX];
		int count = roles_of(by, holder->host, roles);

		while (count--) {
			struct resource *resource = find(wakers, &roles[count]);

			if (!resource)
				continue;
			if (!add_them) {
				wakers->holds_count++;
				if (by->look > resource->look)
					resource->look = by->look;
			} else if (by->look == resource->look) {
				wakers->holds[wakers->holds_count++] =
					(struct hold){resource - wakers->resources, process, by};
			}
		}
	}
}

/* By resource, then by open file, then by process. */
static int compare(const void *a, const void *b)
{
	const struct hold *x = a, *y = b;

	if (x->resource != y->resource)
		return x->resource < y->resource ? -1 : 1;
	if (x->by->open_file != y->by->open_file)
		return x->by->open_file < y->by->open_file ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process;
}

static uint32_t target(const struct wakers *wakers, const struct hold *hold)
{
	return hold->by->outsider ? wakers->outside : wakers->processes[hold->process].node;
}

/* Holders of one lock by one open file: any of them can release it. 0 or -ENOMEM. */
static int connect_lock(struct wakers *wakers, struct resource *resource)
{
	const struct hold *holds = &wakers->holds[resource->holds];
	uint32_t node = GRAPH_NONE, files = 0;
	int err = 0;

	for (uint32_t i = 0; i < resource->holds_count && !err; i++) {
		if (!i || holds[i].by->open_file != holds[i - 1].by->open_file) {
			node = graph__node(&wakers->graph, GRAPH_ANY);
			err = node == GRAPH_NONE ? -ENOMEM : graph__edge(&wakers->graph, resource->node, node, true);
			files++;
		}
		if (!err)
			err = graph__edge(&wakers->graph, node, target(wakers, &holds[i]), true);
	}
	/* Locks of ranges: which of them is in the way is not known. */
	if (files > 1 && holds->by->locked != STAND_FLOCK) {
		wakers->graph.nodes[resource->node].combine = GRAPH_ANY;
		resource->open = true;
	}
	return err;
}

/* 0 or -ENOMEM. */
static int connect(struct wakers *wakers, struct resource *resource)
{
	const struct hold *holds = &wakers->holds[resource->holds];
	uint64_t files = 0, counted;
	int err = 0;

	for (uint32_t i = 0; i < resource->holds_count && !err; i++) {
		files += !i || holds[i].by->open_file != holds[i - 1].by->open_file;
		resource->outsider |= holds[i].by->outsider;
		if (resource->key.kind != RESOURCE_LOCK)
			err = graph__edge(&wakers->graph, resource->node, target(wakers, &holds[i]), true);
	}
	if (err)
		return err;
	if (!resource->holds_count) {
		resource->unseen = true;
		return graph__edge(&wakers->graph, resource->node, wakers->outside, false);
	}
	if (resource->key.kind == RESOURCE_LOCK)
		return connect_lock(wakers, resource);
	if (resource->key.kind > RESOURCE_WRITERS)
		return 0;
	counted = resource->key.kind == RESOURCE_READERS ? holds->by->readers : holds->by->writers;
	resource->open = EVENT_IS_NULL(counted);
	resource->unseen = !resource->open && counted > files;
	return resource->unseen ? graph__edge(&wakers->graph, resource->node, wakers->outside, false) : 0;
}

int resources__find_holds(struct wakers *wakers)
{
	int err = 0;

	for (uint32_t i = 0; i < wakers->processes_count; i++)
		collect(wakers, i, false);
	wakers->holds = calloc(wakers->holds_count + 1, sizeof(*wakers->holds));
	if (!wakers->holds)
		return -ENOMEM;
	wakers->holds_count = 0;
	for (uint32_t i = 0; i < wakers->processes_count; i++)
		collect(wakers, i, true);
	qsort(wakers->holds, wakers->holds_count, sizeof(*wakers->holds), compare);
	for (uint32_t i = 0; i < wakers->holds_count; i++) {
		struct resource *resource = &wakers->resources[wakers->holds[i].resource];

		if (!resource->holds_count++)
			resource->holds = i;
	}
	for (uint32_t i = 0; i < wakers->resources_count && !err; i++)
		err = connect(wakers, &wakers->resources[i]);
	return err;
}

/* ---- pseudo-terminals with both ends in the run, as those of expect(1) ----
 *
 * One process opens the master's end, and what it starts has the slave's. Which slave belongs to a master is not recorded: it is
 * that of the nearest ancestor that has one and not the slave. */

static bool is_master(const struct stand_descriptor *at)
{
	return at->type == STAND_TTY && !at->outsider && at->path &&
	       (!strcmp(at->path, "/dev/ptmx") || !strcmp(at->path, "/dev/pts/ptmx"));
}

static bool is_slave(const struct stand_descriptor *at)
{
	return at->type == STAND_TTY && !at->outsider && at->path && !strncmp(at->path, "/dev/pts/", 9) &&
	       !is_master(at);
}

static bool has_master(const struct stand *stand)
{
	for (uint32_t i = 0; i < stand->descriptors_count; i++)
		if (is_master(&stand->descriptors[i]))
			return true;
	return false;
}

static bool has_slave(const struct stand *stand, const struct stand_descriptor *at)
{
	for (uint32_t i = 0; i < stand->descriptors_count; i++)
		if (is_slave(&stand->descriptors[i]) && stand->descriptors[i].device == at->device &&
		    stand->descriptors[i].inode == at->inode)
			return true;
	return false;
}

/* Of one that goes on it is not known what it has. */
static uint32_t master_of(const struct wakers *wakers, uint32_t process, const struct stand_descriptor *at)
{
	const struct track *above = wakers->processes[process].track->parent;

	for (; above; above = above->parent) {
		const struct stand *stand = track__has_room(above, wakers->detector);

		if (!EVENT_IS_NULL(above->exited_ns) && above != wakers->ending)
			continue;
		if (!stand__is_stuck(stand))
			return GRAPH_NONE;
		if (!has_slave(stand, at) && has_master(stand))
			return stand->index;
	}
	return GRAPH_NONE;
}

static bool is_below(const struct wakers *wakers, uint32_t process, uint32_t master)
{
	const struct track *above = wakers->processes[process].track->parent;

	while (above && above != wakers->processes[master].track)
		above = above->parent;
	return above;
}

/* Whether it has a slave of this master. */
static bool is_served(const struct wakers *wakers, uint32_t process, uint32_t master)
{
	const struct stand *stand = wakers->processes[process].stand;

	for (uint32_t i = 0; stand__is_stuck(stand) && i < stand->descriptors_count; i++)
		if (is_slave(&stand->descriptors[i]) && master_of(wakers, process, &stand->descriptors[i]) == master)
			return true;
	return false;
}

/* For all that it has started: any of them may have the slave. */
static int await_slaves(struct wakers *wakers, uint32_t node, uint32_t process, uint32_t *master)
{
	int err = 0;

	for (uint32_t i = process + 1; i < wakers->processes_count && *master == GRAPH_NONE; i++)
		if (is_below(wakers, i, process) && is_served(wakers, i, process))
			*master = process;
	for (uint32_t i = process + 1; i < wakers->processes_count && *master != GRAPH_NONE && !err; i++)
		if (is_below(wakers, i, process))
			err = graph__edge(&wakers->graph, node, wakers->processes[i].node, true);
	return err;
}

int terminal__await(struct wakers *wakers, uint32_t node, uint32_t process, const struct stand_descriptor *at,
		    uint32_t *master)
{
	*master = GRAPH_NONE;
	if (is_master(at))
		return await_slaves(wakers, node, process, master);
	if (is_slave(at))
		*master = master_of(wakers, process, at);
	return *master == GRAPH_NONE ? 0 : graph__edge(&wakers->graph, node, wakers->processes[*master].node, true);
}
