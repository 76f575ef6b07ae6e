/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of its children's ends a process has passed on. */
#include "sinks/model/again.h"

#include <signal.h>
#include <string.h>

#include "sinks/model/again.h"

/* Children that end well between a failure and the end of what passes it on, under another status. */
#define AFTER_MAX 3

/* What an answer ends, ends so soon after it. */
#define ANSWER_NS 1000000000ULL

/* Failures before one whose status a shell ends with, of a pipe or of what a handler is for; more of them it ignores. */
#define ROW_MAX 2

bool choice__is_candidate(const struct ending *ending)
{
	return !ending->fate->retried && !ending->fate->ignored && !ending->fate->answered;
}

/* A writer whose reader had enough ends so by right: what that ends has the status of SIGPIPE, by pipefail. */
static bool lost_its_reader(const struct ending *e)
{
	return e->pub.row.benign && model_row__status(&e->pub.row) == 128 + SIGPIPE;
}

/* What passes its children's ends on: what runs others, and what runs tests. Another program that asks only looks around. */
static bool passes_answers(const struct passer *passer)
{
	return passer->row->runs_others || passer->tests;
}

static bool is_same_status(const struct ending *e, const struct passer *passer)
{
	return model_row__status(&e->pub.row) == model_row__status(passer->row);
}

/* Whether it was called to print nothing, as grep -q is: no other reads what it finds. */
static bool is_quiet(const struct model_command *command)
{
	const char *at = command ? command->args.data : NULL, *end = at ? at + command->args.length : NULL;
	bool quiet = false;

	for (; at < end && !quiet; at += strlen(at) + 1)
		quiet = !strcmp(at, "--quiet") || !strcmp(at, "--silent") ||
			(at[0] == '-' && at[1] != '-' && strchr(at, 'q'));
	return quiet;
}

/* Whether it may have been the writer of a pipe whose other members the shell has started only after its end. Its status is
 * that of the pipe then (pipefail). What was to be silent, or was asked several times, rather was a question. */
static bool may_be_piped(const struct ending *e, const struct passer *passer)
{
	return !e->went_on && !e->polled && is_same_status(e, passer) && !is_quiet(e->pub.command) &&
	       !model_ending__is_silent(&e->pub) && model_command__is_shell(passer->command, passer->row->comm);
}

/* Whether the status of a child that was killed is that of its parent, which was not asked to end itself: that says of what it
 * died, also if the parent has sent the signal. */
static bool says_killed(const struct ending *e, const struct passer *passer)
{
	return model_row__is_killed(&e->pub.row) && is_same_status(e, passer) && !passer->row->sender && !e->well_after;
}

/* Whether the child's end may be that of its parent: an answer, if nothing comes after it. */
static bool may_end(const struct ending *e, const struct passer *passer)
{
	bool answers = passes_answers(passer) && (!e->well_after || may_be_piped(e, passer));

	return !e->pub.row.benign ||
	       ((answers || says_killed(e, passer)) && passer->row->ended_ns - e->pub.row.ended_ns <= ANSWER_NS);
}

/* What the kernel sends to many at once, of a terminal or a PID namespace; other signals of its own are about one process. */
static bool is_sent_to_many(uint64_t signal)
{
	return signal == SIGINT || signal == SIGQUIT || signal == SIGHUP || signal == SIGKILL;
}

/* Whether it has sent itself the signal that ended it, which one sends to end something, as kill 0 does to its whole group. */
static bool ended_itself(const struct model_row *row)
{
	return row->sender_is == MODEL_RELATION_ITSELF && (row->signal == SIGTERM || is_sent_to_many(row->signal));
}

/* Whether a process that a signal has ended passes its child's end on: not if it was a signal of its own. A shell sends it to
 * itself right after a child that died of it, unless it has ended that as well; timeout(1) and the OOM killer send it to both. */
static bool died_alike(const struct model_row *row, const struct ending *e)
{
	const struct model_row *child = &e->pub.row;

	if (row->outcome == MODEL_OOM || child->signal != row->signal)
		return false;
	if (row->sender_is == MODEL_RELATION_ITSELF)
		return !e->well_after && row->ended_ns - child->ended_ns <= ANSWER_NS &&
		       (child->sender_pid != row->pid || child->sender_start != row->start);
	if (row->sender == MODEL_SENDER_TIMER || (row->sender == MODEL_SENDER_KERNEL && !is_sent_to_many(row->signal)))
		return false;
	return row->sender == child->sender && row->sender_pid == child->sender_pid &&
	       row->sender_start == child->sender_start;
}

/* The latest that ended as its parent did; no answer before a failure. */
static struct ending *latest_alike(const struct passer *passer, const struct brood *brood)
{
	bool failed = false;

	for (uint32_t i = brood->count; i-- > 0;) {
		struct ending *e = brood->bad[i];

		if (!choice__is_candidate(e) || (failed && e->pub.row.benign))
			continue;
		if (is_same_status(e, passer) && may_end(e, passer) &&
		    (!model_row__is_killed(passer->row) || died_alike(passer->row, e)))
			return e;
		failed = failed || !e->pub.row.benign;
	}
	return NULL;
}

/* The latest failure, or answer if those count, if not more than so many children have begun after it and ended well. */
struct ending *choice__latest(const struct brood *brood, uint32_t after, bool answers)
{
	for (uint32_t i = brood->count; i-- > 0;) {
		struct ending *e = brood->bad[i];

		if (choice__is_candidate(e) && ((answers && !lost_its_reader(e)) || !e->pub.row.benign))
			return e->well_after <= after ? e : NULL;
	}
	return NULL;
}

/* The failure right before its own end. */
static struct ending *latest_before(const struct passer *passer, const struct brood *brood)
{
	struct ending *e = choice__latest(brood, 0, false);

	return e && passer->row->ended_ns - e->pub.row.ended_ns <= ANSWER_NS ? e : NULL;
}

/* What runs tests fails by one of those that failed, and only it knows which were to fail. */
void choice__note_others(const struct brood *brood, struct ending *found, const struct model_row *row)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < brood->count; i++)
		count += choice__is_candidate(brood->bad[i]);
	if (count < 2)
		return;
	while (found->pub.cause)
		found = (struct ending *)found->pub.cause;
	found->pub.among = count;
	memcpy(found->pub.among_of, row->comm, EVENT_COMM);
}

static bool were_together(const struct model_row *a, const struct model_row *b)
{
	return a->start < b->ended_ns && b->start < a->ended_ns;
}

/* Of those that ran at the same time, such as members of a pipe, the first that failed: the others may have failed
 * because of it. A writer that has lost its reader is never why that failed. */
static struct ending *first_together(const struct brood *brood, struct ending *last)
{
	for (uint32_t i = 0; i < brood->count; i++) {
		struct ending *e = brood->bad[i];

		if (e == last)
			break;
		if (choice__is_candidate(e) && (last->pub.row.benign || !e->pub.row.benign) &&
		    (!lost_its_reader(e) || lost_its_reader(last)) && were_together(&e->pub.row, &last->pub.row))
			return e;
	}
	return last;
}

/* Whether its errors were to be seen by none: whatever it says, its caller goes on. */
static bool was_prepared_for(const struct ending *e)
{
	return e->pub.expected || (model_ending__is_silent(&e->pub) && model_row__exited_as_shells_do(&e->pub.row));
}

static bool is_script(const struct passer *passer)
{
	return passer->says == STEPS_FAILURE && !passer->tests && !model_row__is_killed(passer->row) &&
	       model_command__is_shell(passer->command, passer->row->comm);
}

/* ---- failures one after the other ---- */

/* At once, with no success between them. */
static bool follows(const struct ending *next, const struct ending *e)
{
	return next->well_after == e->well_after &&
	       (next->pub.row.start < e->pub.row.ended_ns || next->pub.row.start - e->pub.row.ended_ns <= ANSWER_NS);
}

/* What a failing script runs to put things in order, or to say so. */
static bool puts_in_order(const struct ending *e)
{
	static const char *const programs[] = {"rm",	  "rmdir", "unlink", "umount",	 "kill",  "pkill",
					       "killall", "mail",  "mailx",  "sendmail", "logger"};
	const char *name = model_command__name(e->pub.command, e->pub.row.comm);

	return !e->pub.row.forked && program__is_one_of(name, programs, sizeof(programs) / sizeof(*programs));
}

/* Whether it only came after a failure, as handlers and traps do, rather than being one of its own. */
static bool may_handle(const struct ending *e, const struct passer *passer)
{
	bool subshell = e->pub.row.forked && !e->pub.cause; /* in which nothing has failed: (echo failed; exit 1) */
	bool missing = model_row__exited_as_shells_do(&e->pub.row);

	return was_prepared_for(e) || puts_in_order(e) || (subshell && !(missing && is_same_status(e, passer)));
}

/* What has lost its reader leads to nothing, nor what was asked in silence, unless that is `tied` to what came after it. */
static bool counts_in_row(const struct ending *e, bool tied)
{
	return !e->pub.row.benign && (tied || !was_prepared_for(e)) && e->pub.row.signal != SIGPIPE;
}

/* A script that goes on after a failure comes to others, which are of it: they read its pipe, or its files. So is what handles
 * it. What has nothing to do with the one before it fails by itself: that was handled, as in `a || echo no a; b`. Of attempts
 * it is the last. */
static struct ending *first_in_row(const struct passer *passer, const struct brood *brood, struct ending *last)
{
	struct ending *first = last, *next = last;
	bool handles = may_handle(last, passer), of_it = handles;
	/* A loop that goes on, and says in the end that some have failed: not by a tool's own code. */
	bool collects = !is_same_status(last, passer) || model_row__status(passer->row) == 1;
	uint32_t i = brood->count, before = 0;

	if (!is_script(passer))
		return last;
	while (brood->bad[--i] != last)
		;
	while (i-- > 0) {
		struct ending *e = brood->bad[i];
		bool tied;

		if (!choice__is_candidate(e))
			continue;
		tied = tie__between(e, first) || (collects && tie__is_of_kind(e, first));
		if (!tied && !follows(next, e))
			break;
		next = e;
		if (!counts_in_row(e, tied) || again__is_same(e, first))
			continue;
		of_it = of_it || tied;
		first = of_it ? e : first;
		before++;
	}
	return before > ROW_MAX && is_same_status(last, passer) && !handles ? last : first;
}

/* The first of those that follow each other up to this one: a script that handles none of them comes to this as well. */
static struct ending *first_before(const struct brood *brood, const struct ending *last)
{
	const struct ending *next = last;
	struct ending *first = NULL;
	uint32_t i = 0;

	while (i < brood->count && brood->bad[i] != last)
		i++;
	while (i < brood->count && i-- > 0) {
		struct ending *e = brood->bad[i];

		if (!choice__is_candidate(e))
			continue;
		if (!follows(next, e))
			break;
		next = e;
		first = counts_in_row(e, false) && !again__is_same(e, last) ? e : first;
	}
	return first;
}

/* The first failure of what its shell did not wait for, as a server is, before this one. */
static struct ending *first_overlapped(const struct brood *brood, const struct ending *last)
{
	for (uint32_t i = 0; i < brood->count; i++) {
		struct ending *e = brood->bad[i];

		if (choice__is_candidate(e) && e->overlapped && !e->polled && !e->pub.row.benign &&
		    !was_prepared_for(e) && e->pub.row.signal != SIGPIPE && e->pub.row.ended_ns <= last->pub.row.start)
			return e;
	}
	return NULL;
}

/* What a shell has asked again and again, and always with the same answer, was waited for: what came to an end before that is why
 * it did not come. */
static struct ending *waited_for(const struct passer *passer, const struct brood *brood)
{
	struct ending *last = is_script(passer) ? choice__latest(brood, UINT32_MAX, true) : NULL;

	return last && last->polled ? first_overlapped(brood, last) : NULL;
}

struct ending *choice__before(const struct passer *passer, const struct brood *brood, const struct ending *cause)
{
	struct ending *overlapped;

	if (!brood || !is_script(passer))
		return NULL;
	overlapped = first_overlapped(brood, cause);
	return overlapped ? overlapped : first_before(brood, cause);
}

static bool is_same_task(const struct ending *a, const struct ending *b)
{
	const struct model_ending *x = model_ending__origin(&a->pub), *y = model_ending__origin(&b->pub);

	return x->tag && y->tag && !strcmp(x->tag, y->tag) && !strcmp(x->step, y->step);
}

/* Whether the same task failed again later. */
static bool is_attempt(const struct brood *brood, uint32_t at)
{
	bool attempt = false;

	for (uint32_t i = at + 1; i < brood->count; i++)
		attempt =
			attempt || (choice__is_candidate(brood->bad[i]) && is_same_task(brood->bad[at], brood->bad[i]));
	return attempt;
}

/* An engine sees a failure only when it looks for it, and may start other tasks until then. */
#define LOOKS_NS 1000000000ULL

/* Whether it was asked to end from outside of the run, or at its terminal. */
static bool was_asked(const struct model_row *row)
{
	return row->sender_is == MODEL_RELATION_OUTSIDE || (row->sender && row->sender_is == MODEL_RELATION_NONE);
}

/* What the signal to a runner has ended below it as well. */
static struct ending *first_asked(const struct passer *passer, const struct brood *brood)
{
	const struct model_row *row = passer->row;

	for (uint32_t i = 0; i < brood->count; i++) {
		const struct model_row *origin = &model_ending__origin(&brood->bad[i]->pub)->row;

		if (choice__is_candidate(brood->bad[i]) && model_row__is_killed(origin) &&
		    origin->sender == row->sender && origin->sender_pid == row->sender_pid)
			return brood->bad[i];
	}
	return NULL;
}

/* A runner fails by the first failure, unless it went on after that as if it were none, as make does after a line that begins
 * with a -; then it is the latest. */
static struct ending *first_of_runner(const struct passer *passer, const struct brood *brood)
{
	uint64_t starts = recipe__keeps_going(passer->command) ? UINT64_MAX / 2 : passer->ignores ? LOOKS_NS : 0;

	for (uint32_t i = 0; i < brood->count; i++) {
		struct ending *e = brood->bad[i];

		if (choice__is_candidate(e) && !e->pub.row.benign && !is_attempt(brood, i) &&
		    e->followed_ns <= e->pub.row.ended_ns + starts)
			return e;
	}
	return choice__latest(brood, UINT32_MAX, false);
}

/* ---- which of its children's ends a process has passed on, by what it is ---- */

static struct ending *latest_failure(const struct passer *passer, const struct brood *brood)
{
	return choice__latest(brood, passer->says == STEPS_WRAPPER ? UINT32_MAX : AFTER_MAX, false);
}

static struct ending *latest_answer(const struct passer *passer, const struct brood *brood)
{
	return choice__latest(brood, passer->says == STEPS_WRAPPER ? UINT32_MAX : 0, true);
}

static struct ending *latest_of_tests(const struct passer *passer, const struct brood *brood)
{
	(void)passer;
	return choice__latest(brood, UINT32_MAX, true);
}

/* What a process is, or did: bits. Those of a runner that a signal has ended are none of its own. */
enum kind {
	ANY = 1 << 0,
	RUNNER = 1 << 1, /* has codes of its own: that a child's is the same says nothing */
	TESTER = 1 << 2, /* a runner of tests: only it knows which were to fail */
	ASKED = 1 << 3,	 /* a runner that was asked to end */
	SCRIPT = 1 << 4,
	THREW = 1 << 5, /* no shell, with the status of an exception: a child's may be the same by chance */
	ENDED_ITSELF = 1 << 6,
	CODED = 1 << 7,	  /* its status is not that of a signal */
	ANSWERED = 1 << 8 /* may end by an answer */
};

static unsigned int kinds_of(const struct passer *passer)
{
	const struct model_row *row = passer->row;
	bool signalled = model_row__status(row) > 128, killed = model_row__is_killed(row);
	bool runs = passer->says == STEPS_RUNNER && !killed, passes = runs || passer->says == STEPS_WRAPPER;
	unsigned int kinds = ANY;

	kinds |= runs && was_asked(row) ? ASKED : 0;
	kinds |= runs ? passer->tests ? TESTER : RUNNER : 0;
	kinds |= is_script(passer) ? SCRIPT : 0;
	kinds |= !row->runs_others && !killed && row->exit_code == 1 ? THREW : 0;
	kinds |= row->runs_others && ended_itself(row) ? ENDED_ITSELF : 0;
	kinds |= signalled ? 0 : CODED;
	kinds |= !killed && (passes || !signalled) ? ANSWERED : 0;
	return kinds;
}

/* What a way finds. */
enum found {
	CAUSE,
	CAUSE_OR_NONE, /* there is no other way */
	LATEST	       /* the latest of some, which another may have begun */
};

/* The first way that finds one decides. */
/* clang-format off */
static const struct way {
	enum kind of;
	enum found finds;
	struct ending *(*find)(const struct passer *passer, const struct brood *brood);
} WAYS[] = {
	{ ASKED, CAUSE_OR_NONE, first_asked },
	{ RUNNER, CAUSE, first_of_runner },
	{ SCRIPT, CAUSE, waited_for },
	{ TESTER, LATEST, latest_of_tests },
	{ THREW, LATEST, latest_before },
	{ ANY, LATEST, latest_alike },
	{ ENDED_ITSELF, LATEST, latest_before },
	{ CODED, LATEST, latest_failure },
	{ ANSWERED, LATEST, latest_answer },
};
/* clang-format on */

/* Of those that ended about then, the one that began it; NULL: none may be why it ended. */
static struct ending *began(const struct passer *passer, const struct brood *brood, struct ending *latest)
{
	bool passes = passer->says == STEPS_WRAPPER || passer->says == STEPS_RUNNER;

	if (!passes && !may_end(latest, passer))
		return NULL;
	return first_in_row(passer, brood, first_together(brood, latest));
}

struct ending *choice__cause(const struct passer *passer, const struct brood *brood)
{
	unsigned int kinds = kinds_of(passer);

	if (!brood || passer->says == STEPS_ANSWER || passer->says == STEPS_ORIGIN)
		return NULL;
	for (const struct way *way = WAYS; way < WAYS + sizeof(WAYS) / sizeof(*WAYS); way++) {
		struct ending *found = way->of & kinds ? way->find(passer, brood) : NULL;

		if (found || (way->finds == CAUSE_OR_NONE && way->of & kinds))
			return way->finds == LATEST ? began(passer, brood, found) : found;
	}
	return NULL;
}
