/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals with both ends in the run, as those of expect(1): one process opens the master's end, and what it starts has
 * the slave's. Which slave belongs to a master is not recorded: it is that of the nearest ancestor that has one and not the
 * slave. */
#include <string.h>

#include "sinks/verdicts/wakers.h"

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
