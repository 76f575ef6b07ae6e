/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the wait graph of all that stands still. */
#include <errno.h>
#include <stdlib.h>

#include "sinks/model/ending.h"
#include "sinks/waits/wakers.h"

static bool lives(const struct wakers *wakers, const struct track *track)
{
	return EVENT_IS_NULL(track->exited_ns) || track == wakers->ending;
}

static uint64_t host_of(const struct track *track)
{
	const char *boot = track->run->info->boot_id;

	return boot ? hash__bytes(0, boot, strlen(boot)) : 0;
}

/* The stuck process that is its parent; NULL: that goes on, or has ended. */
static struct waker_process *stuck_parent(const struct wakers *wakers, const struct track *track)
{
	const struct stand *stand =
		track->parent && lives(wakers, track->parent) ? track__has_room(track->parent, wakers->detector) : NULL;

	return stand__is_stuck(stand) ? &wakers->processes[stand->index] : NULL;
}

/* ---- processes and threads ---- */

static int add_process(struct wakers *wakers, struct track *track)
{
	struct stand *stand = track__has_room(track, wakers->detector);
	bool stuck = stand__is_stuck(stand);
	struct waker_process *process = &wakers->processes[wakers->processes_count];
	bool same = wakers->processes_count && process[-1].track->run == track->run;

	*process = (struct waker_process){.track = track,
					  .stand = stand,
					  .host = same ? process[-1].host : host_of(track),
					  .node = graph__node(&wakers->graph, stuck ? GRAPH_ANY : GRAPH_LIVE),
					  .waiters = wakers->waiters_count,
					  .waiters_count = stuck ? stand->threads_count : 0,
					  .children = GRAPH_NONE,
					  .polls = GRAPH_NONE};
	if (stand)
		stand->index = wakers->processes_count;
	wakers->processes_count++;
	wakers->waiters_count += process->waiters_count;
	if (stuck)
		wakers->resources_room += 2 * (stand->threads_count + stand->descriptors_count);
	return process->node == GRAPH_NONE ? -ENOMEM : 0;
}

static int add_threads(struct wakers *wakers, uint32_t index)
{
	const struct waker_process *process = &wakers->processes[index];
	int err = 0;

	for (uint32_t i = 0; i < process->waiters_count && !err; i++) {
		struct waiter *waiter = &wakers->waiters[process->waiters + i];

		*waiter = (struct waiter){.thread = &process->stand->threads[i],
					  .wait = wait__of(&process->stand->threads[i]),
					  .node = graph__node(&wakers->graph, GRAPH_ANY),
					  .process = index,
					  .resource = GRAPH_NONE,
					  .owner = GRAPH_NONE,
					  .terminal = GRAPH_NONE,
					  .child = GRAPH_NONE};
		err = waiter->node == GRAPH_NONE ? -ENOMEM
						 : graph__edge(&wakers->graph, process->node, waiter->node, true);
		wakers->by_tid[process->waiters + i] = process->waiters + i;
	}
	return err;
}

static int compare_tids(const void *a, const void *b, void *arg)
{
	const struct waiter *waiters = arg;
	uint32_t x = waiters[*(const uint32_t *)a].thread->tid, y = waiters[*(const uint32_t *)b].thread->tid;

	return x < y ? -1 : x > y;
}

static int add_all(struct wakers *wakers, struct track **tracks, size_t count)
{
	int err = 0;

	wakers->processes = calloc(count + 1, sizeof(*wakers->processes));
	if (!wakers->processes)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		if (lives(wakers, tracks[i]))
			err = add_process(wakers, tracks[i]);
	wakers->waiters = calloc(wakers->waiters_count + 1, sizeof(*wakers->waiters));
	wakers->by_tid = calloc(wakers->waiters_count + 1, sizeof(*wakers->by_tid));
	wakers->resources = calloc(wakers->resources_room + 1, sizeof(*wakers->resources));
	if (!wakers->waiters || !wakers->by_tid || !wakers->resources)
		err = -ENOMEM;
	for (uint32_t i = 0; i < wakers->processes_count && !err; i++)
		err = add_threads(wakers, i);
	if (!err)
		qsort_r(wakers->by_tid, wakers->waiters_count, sizeof(*wakers->by_tid), compare_tids, wakers->waiters);
	return err;
}

/* ---- children ---- */

/* Whether a wait for one pid, which is that of its own pid namespace, is for this child. */
static bool is_for(const struct wakers *wakers, const struct waiter *waiter, const struct track *child)
{
	const struct model_row *row;

	if (waiter->wait.how != WAIT_CHILD || !waiter->wait.pid)
		return false;
	if (waiter->wait.pid == child->pid)
		return true;
	row = track__row(wakers->verdicts, child);
	return row && row->ns_pid == waiter->wait.pid;
}

static int add_child(struct wakers *wakers, uint32_t index)
{
	struct track *track = wakers->processes[index].track;
	struct waker_process *parent = stuck_parent(wakers, track);

	if (!parent)
		return 0;
	for (uint32_t i = 0; i < parent->waiters_count; i++)
		if (is_for(wakers, &wakers->waiters[parent->waiters + i], track))
			wakers->waiters[parent->waiters + i].child = index;
	if (parent->children == GRAPH_NONE)
		parent->children = graph__node(&wakers->graph, GRAPH_ANY);
	if (parent->children == GRAPH_NONE)
		return -ENOMEM;
	return graph__edge(&wakers->graph, parent->children, wakers->processes[index].node, true);
}

/* Children that the streams do not have, as those of a process that ended before them, may be alive. */
static int check_children(struct wakers *wakers, struct waker_process *process)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < process->waiters_count; i++) {
		uint64_t children = process->stand->threads[i].children;

		process->children_open |= EVENT_IS_NULL(children);
		count += EVENT_IS_NULL(children) ? 0 : children;
	}
	if (process->children == GRAPH_NONE || count <= process->children_known)
		return 0;
	process->children_open = true;
	return graph__edge(&wakers->graph, process->children, wakers->outside, false);
}

static int connect_children(struct wakers *wakers, struct track **tracks, size_t count)
{
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		struct waker_process *parent = stuck_parent(wakers, tracks[i]);

		if (parent && EVENT_IS_NULL(tracks[i]->released_ns))
			parent->children_known++;
	}
	for (uint32_t i = 0; i < wakers->processes_count && !err; i++)
		err = add_child(wakers, i);
	for (uint32_t i = 0; i < wakers->processes_count && !err; i++)
		err = check_children(wakers, &wakers->processes[i]);
	return err;
}

/* ---- all ---- */

static int build(struct wakers *wakers, struct track **tracks, size_t count)
{
	int err;

	wakers->outside = graph__node(&wakers->graph, GRAPH_LIVE);
	wakers->sharers = GRAPH_NONE;
	err = wakers->outside == GRAPH_NONE ? -ENOMEM : add_all(wakers, tracks, count);
	if (!err)
		err = connect_children(wakers, tracks, count);
	for (uint32_t i = 0; i < wakers->waiters_count && !err; i++)
		err = waiter__connect(wakers, &wakers->waiters[i]);
	if (!err)
		err = resources__find_holds(wakers);
	for (uint32_t i = 0; i < wakers->waiters_count && !err; i++)
		err = waiter__check(wakers, &wakers->waiters[i]);
	return err ? err : graph__solve(&wakers->graph);
}

int wakers__suppose(struct wakers *wakers, bool supposed)
{
	wakers->supposed = supposed;
	wakers->graph.nodes[wakers->sharers].combine = supposed ? GRAPH_ANY : GRAPH_LIVE;
	return graph__solve(&wakers->graph);
}

int wakers__build(struct wakers *wakers, const struct verdicts *verdicts, const struct track *ending,
		  const struct detector *detector)
{
	size_t count;
	struct track **tracks = tracks__sorted(verdicts, &count);
	int err;

	*wakers = (struct wakers){.verdicts = verdicts, .detector = detector, .ending = ending};
	err = tracks ? build(wakers, tracks, count) : -ENOMEM;
	free(tracks);
	return err;
}

void wakers__free(struct wakers *wakers)
{
	graph__free(&wakers->graph);
	hash__free(&wakers->by_key);
	free(wakers->processes);
	free(wakers->waiters);
	free(wakers->by_tid);
	free(wakers->resources);
	free(wakers->holds);
	*wakers = (struct wakers){0};
}
