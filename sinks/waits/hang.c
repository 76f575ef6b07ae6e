/* SPDX-License-Identifier: BSD-2-Clause */
/* Hang and deadlock: waits that nothing ends, by the wait graph. What only something outside could end is suspected while it
 * lasts, likely if a process had to be ended for it, and withdrawn if it goes on or ends by itself. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "core/format.h"
#include "sinks/model/ending.h"
#include "sinks/waits/finding.h"

/* ---- verdicts ---- */

static void put_evidence(struct draft *draft, struct finding *finding, const struct model_row *row, uint64_t until)
{
	char time[FORMAT_SIZE];

	text__process(&draft->evidence, row);
	text__printf(&draft->evidence, " %s %s ", finding->waited, format__duration(time, until - finding->since_ns));
	text__put(&draft->evidence, finding->rest.data, finding->rest.size);
}

static void move(struct text *to, struct text *from)
{
	*to = *from;
	*from = (struct text){0};
}

/* Of a verdict on what was ended by a limit of time, by one of its own (flock -w), or by what is above it, as make does. */
enum { MARK_AT_LIMIT = 1, MARK_AT_OWN_LIMIT, MARK_FROM_ABOVE };

static int give(struct verdicts *verdicts, struct finding *finding, const struct model_row *row,
		enum verdict_certainty certainty, uint64_t ended_ns, uint8_t mark)
{
	uint64_t until = EVENT_IS_NULL(ended_ns) ? row->run->last_ts : ended_ns;
	bool lasts = EVENT_IS_NULL(ended_ns) && row->run->life == STREAM_RUNNING;
	struct draft draft = draft__new(finding->kind, certainty, row);

	if (until < finding->since_ns ||
	    until - finding->since_ns < verdict_run__limit(verdicts, row->run, finding->kind)->after)
		return 0;
	draft.mark = mark;
	draft.since_ns = finding->since_ns;
	draft.ended_ns = ended_ns;
	put_evidence(&draft, finding, row, until);
	move(&draft.refute, &finding->refute);
	move(&draft.next, lasts ? &finding->next : &finding->again);
	move(&draft.members, &finding->members);
	move(&draft.missing, &finding->missing);
	return draft__add(verdicts, &draft);
}

/* A process that a signal ends runs before it is seen to exit; on a machine under load for that long. */
#define DYING_NS 2000000000ULL

static bool may_be_dying(const struct finding *finding, uint64_t now)
{
	return finding->moved_ns && now <= finding->moved_ns + DYING_NS;
}

static void forget(struct stand *stand)
{
	finding__free(stand->finding);
	stand->finding = NULL;
}

/* A closed set goes on, or its subject has ended: unless a signal did that, it was none. 0 or -ENOMEM. */
static int dissolve(struct verdicts *verdicts, struct track *track, struct stand *stand, uint64_t ts)
{
	const struct model_row *row = stand->finding->broken ? track__row(verdicts, track) : NULL;
	int err = 0;

	if (row && stand->finding->closed)
		err = give(verdicts, stand->finding, row, stand->finding->proven ? VERDICT_PROVEN : VERDICT_LIKELY, ts,
			   0);
	forget(stand);
	return err;
}

/* ---- a pass over all that stands still ---- */

static int found(void *arg, const struct wakers *wakers, uint32_t first, const uint32_t *next)
{
	const struct waker_process *subject = &wakers->processes[wakers->waiters[first].process];
	struct finding *old = subject->stand->finding;
	bool broken = old && old->broken;

	(void)arg;
	if (old && !old->stale)
		return 0; /* several sets of one process: one verdict */
	forget(subject->stand);
	subject->stand->finding = finding__new(wakers, first, next);
	if (!subject->stand->finding)
		return -ENOMEM;
	subject->stand->finding->broken = broken;
	for (uint32_t i = first; i != GRAPH_NONE; i = next[i]) {
		struct stand *member = wakers->processes[wakers->waiters[i].process].stand;

		member->subject_pid = subject->track->pid;
		member->subject_start = subject->track->start;
	}
	return 0;
}

/* Those of the pass before, until they are found again. */
static void make_stale(const struct wakers *wakers)
{
	for (uint32_t i = 0; i < wakers->processes_count; i++) {
		struct stand *stand = wakers->processes[i].stand;

		if (stand)
			stand->subject_pid = 0;
		if (stand && stand->finding)
			stand->finding->stale = true;
	}
}

static int drop_stale(struct verdicts *verdicts, const struct wakers *wakers)
{
	int err = 0;

	for (uint32_t i = 0; i < wakers->processes_count && !err; i++) {
		const struct waker_process *process = &wakers->processes[i];

		if (process->stand && process->stand->finding && process->stand->finding->stale &&
		    !may_be_dying(process->stand->finding, process->track->run->last_ts))
			err = dissolve(verdicts, process->track, process->stand, process->track->run->last_ts);
	}
	return err;
}

static int pass(struct verdicts *verdicts, const struct track *ending)
{
	struct wakers wakers;
	int err;

	if (!verdicts->stalled)
		return 0;
	verdicts->stalled = verdicts->stuck = false;
	err = wakers__build(&wakers, verdicts, ending, &detector_graph);
	if (!err) {
		make_stale(&wakers);
		err = culprits__find(&wakers, found, NULL);
	}
	if (!err)
		err = drop_stale(verdicts, &wakers);
	wakers__free(&wakers);
	return err;
}

/* ---- records ---- */

static int take_stuck(const struct seen *seen)
{
	struct stand *stand = seen->track ? track__room(seen->track, &detector_graph) : NULL;

	seen->verdicts->stalled = seen->verdicts->stuck = true;
	return !seen->track ? 0 : stand ? stand__stuck(stand, seen) : -ENOMEM;
}

static int take_descriptor(const struct seen *seen)
{
	struct stand *stand = seen->track ? track__room(seen->track, &detector_graph) : NULL;

	return !seen->track ? 0 : stand ? stand__descriptor(stand, seen) : -ENOMEM;
}

static int take_picture(const struct seen *seen)
{
	struct stand *stand = seen->track ? track__has_room(seen->track, &detector_graph) : NULL;

	if (stand)
		stand__picture(stand, seen);
	return 0;
}

static int take_moving(const struct seen *seen)
{
	struct stand *stand = seen->track ? track__has_room(seen->track, &detector_graph) : NULL;
	/* It may run as it dies: until now it stood still. */
	int err = stand && seen->verdicts->stuck ? pass(seen->verdicts, NULL) : 0;

	if (!stand || err)
		return err;
	seen->verdicts->stalled = true;
	stand__moving(stand);
	if (stand->finding && stand->finding->broken)
		return dissolve(seen->verdicts, seen->track, stand, seen->record->ts);
	if (stand->finding && !stand->finding->moved_ns)
		stand->finding->moved_ns = seen->record->ts;
	return 0;
}

enum { SIGNAL, SENDER, CODE, SENDER_PID, SENDER_START };

/* A process that has started nothing else is there to end it at a limit. */
static bool is_limit(const struct track *track, const struct track *sender)
{
	return sender == track->parent && sender->children == 1;
}

/* By itself, by a process above it, or by a child of one: as a script ends a service that it does not need any more. */
static bool is_sent_from_above(const struct seen *seen)
{
	uint64_t pid = value__number(seen->field[SENDER_PID]), start = value__number(seen->field[SENDER_START]);
	const struct track *sender = EVENT_IS_NULL(pid) || EVENT_IS_NULL(start)
					     ? NULL
					     : track__find(seen->verdicts, seen->run, (uint32_t)pid, start);

	for (const struct track *above = sender ? seen->track : NULL; above; above = above->parent)
		if (above == sender || above == sender->parent)
			return !is_limit(seen->track, sender);
	return false;
}

/* A member of a set has ended: by a signal, or did it fail when it was asked to end? A set that is not proven may be a service;
 * of its subject the row has the sender. */
static int take_exit(const struct seen *seen)
{
	const struct stand *member = seen->track ? track__has_room(seen->track, &detector_graph) : NULL;
	uint64_t signal = value__number(seen->field[SIGNAL]), code = value__number(seen->field[CODE]);
	bool killed = !EVENT_IS_NULL(signal) && signal;
	bool asked = seen->field[SENDER]->type == VALUE_STRING && !EVENT_IS_NULL(code) && code;
	struct track *subject;
	struct stand *stand;

	if (!member || !member->subject_pid || (!killed && !asked))
		return 0;
	subject = track__find(seen->verdicts, seen->run, member->subject_pid, member->subject_start);
	stand = subject ? track__has_room(subject, &detector_graph) : NULL;
	if (stand && stand->finding &&
	    (stand->finding->proven || stand->finding->stopped ||
	     (subject != seen->track && !is_sent_from_above(seen))))
		stand->finding->broken = true;
	return 0;
}

static const struct detector_role roles[] = {
	{"stall", "stuck", take_stuck, {STAND_STUCK_FIELDS}},
	{"stall", "descriptor", take_descriptor, {STAND_DESCRIPTOR_FIELDS}},
	{"stall", "picture", take_picture, {STAND_PICTURE_FIELDS}},
	{"stall", "moving", take_moving, {NULL}},
	{"lifecycle", "exit", take_exit, {"signal", "sender", "exit_code", "sender_pid", "sender_start"}},
	{.stream = NULL},
};

/* ---- ends ---- */

static int exited(struct verdicts *verdicts, struct track *track)
{
	return pass(verdicts, track);
}

static int settle(struct verdicts *verdicts)
{
	return pass(verdicts, NULL);
}

/* By timeout(1) or alike, which may be further up; a shell ends what it does not need any more. */
static bool ended_at_limit(const struct track *track, const struct model_row *row)
{
	bool shell = model_command__is_shell(NULL, row->sender_comm);
	const struct track *above = ended__by_signal(row) && !shell ? track->parent : NULL;

	while (above && (above->pid != row->sender_pid || above->start != row->sender_start))
		above = above->parent;
	return above && above->children == 1;
}

/* Whether it had to be ended: for as long as a hang takes, nothing else had got on. What had ended before, as another job of
 * the same make -j, may have done its work while this one waited already. */
static enum verdict_certainty outside(const struct verdicts *verdicts, const struct track *track,
				      const struct finding *finding, const struct model_row *row, bool at_limit)
{
	uint64_t until_ns = EVENT_IS_NULL(row->ended_ns) ? row->run->last_ts : row->ended_ns;
	uint64_t after = verdict_run__limit(verdicts, row->run, finding->kind)->after, idle_ns;

	if (!ended__outside(verdicts, row) && !at_limit)
		return VERDICT_SUSPECTED;
	idle_ns = ended__others_got_on(verdicts, track, true);
	if (idle_ns < finding->since_ns)
		idle_ns = finding->since_ns;
	return idle_ns <= until_ns && until_ns - idle_ns >= after ? VERDICT_LIKELY : VERDICT_SUSPECTED;
}

/* Whether the run failed by this process, or it passed that on. */
static bool has_failed_the_run(const struct verdict *verdict)
{
	const struct model_ending *ending = verdict->run->ending;

	while (ending && (ending->row.pid != verdict->pid || ending->row.start != verdict->start))
		ending = ending->cause;
	return ending;
}

/* Whether a signal from outside ended the run in the same moment: what is above it has then passed that on. */
static bool ended_with_run(const struct verdicts *verdicts, const struct verdict *verdict)
{
	const struct verdict_run *run = verdicts->runs[verdict->run->index];
	uint64_t root_ns = run->root_ended_ns;

	return run->outside && root_ns + DYING_NS >= verdict->ended_ns && verdict->ended_ns + DYING_NS >= root_ns;
}

/* What a limit of time has ended may have been given that time: listen for 5 s. Then the run is none the worse for it. */
static int finish(struct verdicts *verdicts)
{
	for (size_t i = 0; i < verdicts->count; i++) {
		struct verdict *verdict = verdicts->list[i];
		bool hangs = verdict->kind == VERDICT_HANG || verdict->kind == VERDICT_DEADLOCK;

		if (hangs && verdict->mark == MARK_AT_LIMIT && !verdicts->runs[verdict->run->index]->root_failed)
			verdict->dropped = true;
		if (hangs && verdict->mark == MARK_FROM_ABOVE && !ended_with_run(verdicts, verdict))
			verdict->dropped = true;
		if (hangs && verdict->mark == MARK_AT_OWN_LIMIT && !has_failed_the_run(verdict))
			verdict->dropped = true;
	}
	return 0;
}

/* As a script ends a service that it does not need any more: such a process is not stopped. */
static bool is_meant(const struct track *track, const struct finding *finding, const struct model_row *row)
{
	bool above = row->sender_is >= MODEL_RELATION_ITSELF && row->sender_is <= MODEL_RELATION_HELPER;
	bool limit = row->sender_is == MODEL_RELATION_PARENT && track->parent && is_limit(track, track->parent);

	return above && !limit && !row->sender_limit && !finding->stopped;
}

/* Whether a closed set stood still until a signal ended it. What is not proven may be a service. */
static bool was_broken(const struct track *track, const struct finding *finding, const struct model_row *row)
{
	return finding->broken || (ended__by_signal(row) && (finding->proven || !is_meant(track, finding, row)));
}

/* Nothing distinguishes it from a healthy one that its user has ended: a server by Ctrl-C. */
static bool is_doubtful(const struct finding *finding, const struct model_row *row, bool at_limit)
{
	return (finding->listens && row->signal == SIGINT) || (finding->goes_on && !at_limit);
}

static int row(struct verdicts *verdicts, struct track *track, const struct model_row *row)
{
	struct stand *stand = track ? track__has_room(track, &detector_graph) : NULL;
	struct finding *finding = stand ? stand->finding : NULL;
	bool lives = row->outcome == MODEL_RUNNING || row->outcome == MODEL_UNKNOWN;
	bool failed = row->ending && !row->propagated; /* also by an answer: that it did not get the lock */
	enum verdict_certainty certainty;
	bool at_limit, at_own_limit, from_above;

	if (!finding)
		return 0;
	at_limit = !finding->closed && ended_at_limit(track, row);
	from_above = !finding->closed && !at_limit && model_row__is_killed(row) &&
		     (row->sender_is == MODEL_RELATION_PARENT || row->sender_is == MODEL_RELATION_ANCESTOR);
	at_own_limit = !finding->closed && finding->limits_itself && failed && !ended__by_signal(row);
	if (finding->closed)
		certainty = finding->proven ? VERDICT_PROVEN : VERDICT_LIKELY;
	else
		certainty =
			at_own_limit ? VERDICT_LIKELY : outside(verdicts, track, finding, row, at_limit || from_above);
	/* It went on, or ended by itself: then it was none. Of what ends with the run the end may not have been seen. */
	if (finding->moved_ns && !finding->broken &&
	    ((lives && row->run->life == STREAM_RUNNING) ||
	     !may_be_dying(finding, lives ? row->run->last_ts : row->ended_ns)))
		return 0;
	if (!lives && (finding->closed ? !was_broken(track, finding, row) : certainty == VERDICT_SUSPECTED))
		return 0;
	if (!finding->closed && is_doubtful(finding, row, at_limit || at_own_limit))
		certainty = VERDICT_SUSPECTED;
	return give(verdicts, finding, row, certainty, row->ended_ns,
		    at_own_limit ? MARK_AT_OWN_LIMIT
		    : at_limit	 ? MARK_AT_LIMIT
		    : from_above ? MARK_FROM_ABOVE
				 : 0);
}

static void drop(void *room)
{
	struct stand *stand = room;

	forget(stand);
	stand__clear(stand);
}

const struct detector detector_graph = {
	.about =
		{
			.kinds = "deadlock, hang",
			.needs = "lifecycle.fork, lifecycle.exit, stall.stuck, stall.moving",
			.proof = "stall.descriptor, stall.picture, stall.stuck.futex_owner",
			.certainty =
				"proven if all that could end the wait is known, else likely; suspected while something outside could",
			.text = "threads and processes that wait for each other (deadlock), or for what nothing will do (hang)",
		},
	.room = sizeof(struct stand),
	.roles = roles,
	.exited = exited,
	.row = row,
	.settle = settle,
	.finish = finish,
	.drop = drop,
	.index = DETECT_GRAPH,
};
