/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a process did not end well: which of its children's failures it passed on, and which of those were retried. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/again.h"

/* ---- endings ---- */

static void unref_fate(struct fate *fate)
{
	while (fate && !--fate->refs) {
		struct fate *over = fate->over;

		free(fate);
		fate = over;
	}
}

struct ending *ending__ref(struct ending *ending)
{
	if (ending)
		ending->refs++;
	return ending;
}

void ending__unref(struct ending *ending)
{
	while (ending && !--ending->refs) {
		struct ending *cause = (struct ending *)ending->pub.cause;

		model_command__unref((struct model_command *)ending->pub.command);
		model_command__unref((struct model_command *)ending->pub.tried);
		model_command__unref((struct model_command *)ending->pub.asked);
		oom__unref((struct model_oom *)ending->pub.oom);
		unref_fate(ending->fate);
		brood__free(ending->brood);
		ending__unref((struct ending *)ending->pub.before);
		free(ending);
		ending = cause;
	}
}

/* Whether a child, or what that has hidden, has failed. */
static bool has_failed(const struct brood *brood)
{
	bool failed = brood && brood->hidden;

	for (uint32_t i = 0; brood && i < brood->count; i++)
		failed = failed || !brood->bad[i]->pub.row.benign;
	return failed;
}

/* With copies of its step's names and its folder: a task has a reference to how it ended. */
static struct ending *ending__new(const struct process *p)
{
	const struct model_task *task = p->task ? &p->task->pub : NULL;
	size_t step = task ? strlen(task->step) + 1 : 0, id = task && task->id ? strlen(task->id) + 1 : 0;
	size_t tag = task && task->tag ? strlen(task->tag) + 1 : 0, folder = p->folder ? strlen(p->folder) + 1 : 0;
	size_t within = task && task->within ? strlen(task->within) + 1 : 0;
	struct ending *ending = calloc(1, sizeof(*ending) + step + id + tag + folder + within);
	char *names = (char *)(ending + 1);

	if (!ending || !(ending->fate = calloc(1, sizeof(*ending->fate)))) {
		free(ending);
		return NULL;
	}
	ending->refs = ending->fate->refs = 1;
	ending->counts_attempts = again__counts_attempts(p->asked);
	ending->pipes = p->pipes;
	ending->alone = !p->has_forked || (model_command__is_shell(p->command, p->row.comm) && !has_failed(p->brood));
	ending->pub = (struct model_ending){
		.row = p->row,
		.command = model_command__ref(p->command),
		.tried = model_command__ref(p->tried),
		.asked = model_command__ref(p->asked),
		.oom = oom__ref(p->oom),
		.step = step ? memcpy(names, task->step, step) : NULL,
		.id = id ? memcpy(names + step, task->id, id) : NULL,
		.tag = tag ? memcpy(names + step + id, task->tag, tag) : NULL,
		.folder = folder ? memcpy(names + step + id + tag, p->folder, folder) : NULL,
		.within = within ? memcpy(names + step + id + tag + folder, task->within, within) : NULL,
	};
	return ending;
}

static const struct fate *retried_by(const struct fate *fate)
{
	while (fate && !fate->retried)
		fate = fate->over;
	return fate;
}

/* Also if it only passed on what was retried. */
const struct fate *ending__retried(const struct ending *ending)
{
	const struct fate *retried = NULL;

	for (; ending && !retried; ending = (const struct ending *)ending->pub.cause)
		retried = retried_by(ending->fate);
	return retried;
}

/* ---- children ---- */

void brood__free(struct brood *brood)
{
	for (uint32_t i = 0; brood && i < brood->count; i++)
		ending__unref(brood->bad[i]);
	if (brood)
		ending__unref(brood->hidden);
	free(brood);
}

/* The parent that may pass its end on; NULL: it has ended, or is not known. */
static struct process *parent_of(const struct process *p)
{
	struct process *parent = p->ancestor;
	bool own = parent && parent->row.pid == p->row.ppid && parent->row.start == p->row.parent_start;

	return own && parent->standing == LIVES ? parent : NULL;
}

static struct brood *brood__of(struct process *parent)
{
	if (!parent->brood)
		parent->brood = calloc(1, sizeof(*parent->brood));
	return parent->brood;
}

int brood__add(struct process *parent, struct ending *ending)
{
	struct brood *brood = brood__of(parent);

	if (!brood)
		return -ENOMEM;
	if (brood->count == BROOD_MAX) {
		again__settle(parent, brood->bad[BROOD_FIRST]->pub.row.start);
		ending__unref(brood->bad[BROOD_FIRST]);
		memmove(&brood->bad[BROOD_FIRST], &brood->bad[BROOD_FIRST + 1],
			(BROOD_MAX - BROOD_FIRST - 1) * sizeof(*brood->bad));
		brood->count--;
	}
	brood->bad[brood->count++] = ending__ref(ending);
	return 0;
}

#define READER_NS 1000000000ULL /* by so much its end may be recorded after that of a writer which it leaves */

/* Counts a child that has ended well and began after a failure. Those of one pipeline are forked before the first of them
 * ends. */
static void note_after(struct ending *bad, const struct process *child)
{
	if (child->row.start < bad->pub.row.ended_ns)
		return;
	if (!bad->well_after++)
		bad->after_ended_ns = child->row.ended_ns;
	bad->went_on = bad->went_on || child->row.start >= bad->after_ended_ns;
}

static bool leaves_writer(const struct process *child, const struct model_row *writer)
{
	return child->row.start > writer->start && child->row.start < writer->ended_ns &&
	       child->row.ended_ns - writer->ended_ns <= READER_NS;
}

/* A child has ended well. */
static void brood__well(struct model *model, struct brood *brood, const struct process *child)
{
	expected__searched(model, brood, child);
	for (uint32_t i = 0; i < brood->count; i++) {
		struct ending *bad = brood->bad[i];

		bad->pub.reader_left = bad->pub.reader_left || leaves_writer(child, &bad->pub.row);
		note_after(bad, child);
		bad->again = bad->again || again__is(child, bad);
	}
}

/* ---- what is hidden ---- */

/* A child has ended well, whatever failed below it. 0 or -ENOMEM. */
static int brood__hide(struct process *parent, const struct process *child)
{
	struct ending *hidden = child->brood ? choice__latest(child->brood, UINT32_MAX, false) : NULL;

	if (child->brood && !hidden)
		hidden = child->brood->hidden;
	if (!hidden)
		return 0;
	if (!brood__of(parent))
		return -ENOMEM;
	ending__unref(parent->brood->hidden);
	parent->brood->hidden = ending__ref(hidden);
	return 0;
}

/* What the parent's children have hidden so far, if it is that which has failed. */
static struct ending *tallied(const struct process *p)
{
	const struct process *parent = parent_of(p);
	struct ending *hidden = parent && parent->brood ? parent->brood->hidden : NULL;

	return hidden && choice__is_candidate(hidden) ? hidden : NULL;
}

/* ---- what rules say ---- */

static struct steps_program program_of(const struct process *p)
{
	const struct process *parent = parent_of(p);

	return (struct steps_program){.command = p->command,
				      .parent = p->parent,
				      .comm = p->row.comm,
				      .depth = p->above,
				      .forked = p->row.forked,
				      .alone = !p->has_forked,
				      .beside = parent && parent->forked_pid != p->row.pid};
}

/* What the rules say of the descendants of this program; found out once. */
static enum steps_exit below(struct model *model, struct process *p)
{
	struct steps_program program = program_of(p);

	if (!p->row.forked && !p->below_known)
		p->below = steps_matcher__below(model->matcher, &program);
	p->below_known = true;
	return (enum steps_exit)p->below;
}

/* Whether what fails below it is none of its failures, unless it fails itself. */
static bool excuses(enum steps_exit below)
{
	return below == STEPS_ANSWER || below == STEPS_TESTS || below == STEPS_UNSEEN;
}

/* What the rules of the programs above it say: STEPS_ANSWER before the others. */
static enum steps_exit said_above(struct model *model, const struct process *p)
{
	enum steps_exit says = STEPS_FAILURE;

	for (struct process *over = p->ancestor; over && says != STEPS_ANSWER; over = over->ancestor)
		if (excuses(below(model, over)))
			says = below(model, over);
	return says;
}

/* Whether a rule says so of the program itself. Of the run's first one everything is seen; by a signal it was not asked. */
static bool is_unseen(struct model *model, struct process *p)
{
	return model->matcher && !outcome__ends_run(p) && p->row.outcome == MODEL_FAILED &&
	       below(model, p) == STEPS_UNSEEN;
}

enum steps_exit cause__below(struct model *model, struct process *p)
{
	return model->matcher ? below(model, p) : STEPS_FAILURE;
}

enum steps_exit cause__says(struct model *model, const struct process *p)
{
	struct steps_program program = program_of(p);

	return model->matcher ? steps_matcher__exit(model->matcher, &program, model_row__status(&p->row))
			      : STEPS_FAILURE;
}

/* ---- the judgement ---- */

/* It wrote to a pipe whose reader had closed it. */
static bool lost_its_reader(const struct model_row *row)
{
	return row->outcome == MODEL_KILLED && row->signal == SIGPIPE;
}

/* The status of a program that handles a request to end, such as a JVM; none of its children has ended so. Where
 * what started it ends well, that was meant, but for a request from outside. */
static bool was_asked_to_end(const struct process *p)
{
	uint32_t status = model_row__status(&p->row);

	if (outcome__ends_run(p) || p->row.outcome == MODEL_KILLED || p->row.sender_is == MODEL_RELATION_OUTSIDE ||
	    (status != 128 + SIGTERM && status != 128 + SIGINT && status != 128 + SIGHUP))
		return false;
	for (uint32_t i = 0; p->brood && i < p->brood->count; i++)
		if (model_row__status(&p->brood->bad[i]->pub.row) == status)
			return false;
	return true;
}

/* Its parent, which is known, has ended before it: a daemon. */
static bool is_orphan(const struct process *p)
{
	return p->ancestor && !parent_of(p);
}

/* A shell that was called with a command line, and ends as the answer that came last: its caller looks at that, as it would
 * without the shell. Where it begins a step, or a runner takes it for a failure, it is one. */
static bool asks_for_another(struct model *model, const struct process *p, const struct ending *cause)
{
	const struct process *parent = parent_of(p);
	const struct ending *first = cause;

	while (first && first->pub.row.benign && first->pub.cause)
		first = (const struct ending *)first->pub.cause;
	return first && first->pub.row.benign &&
	       (first->says == STEPS_ANSWER || first->pub.expected == MODEL_EXPECTED_UNSEEN) && !outcome__ends_run(p) &&
	       !p->begun && model_row__status(&p->row) == model_row__status(&cause->pub.row) &&
	       model_command__shell_line(p->command, p->row.comm) &&
	       (!parent || cause__says(model, parent) != STEPS_RUNNER);
}

/* Whether one has sent the signal that ended the other. timeout(1) with -k has failed then, though it ends after it. */
static bool is_sender(const struct model_row *row, const struct model_row *ended)
{
	return ended->sender_pid == row->pid && ended->sender_start == row->start;
}

static void set_cause(struct ending *own, struct ending *cause)
{
	struct model_row *row = &own->pub.row;

	own->pub.cause = cause ? &ending__ref(cause)->pub : NULL;
	row->cause_pid = cause ? cause->pub.cause ? cause->pub.row.cause_pid : cause->pub.row.pid : 0;
	row->cause_start = cause ? cause->pub.cause ? cause->pub.row.cause_start : cause->pub.row.start
				 : EVENT_NULL(EVENT_REASON_NONE);
	row->propagated = !row->benign && cause && !cause->pub.row.benign;
}

/* What timeout(1) ends with before its time is up is its command's. */
static enum steps_exit passed_on(const struct process *p, enum steps_exit says)
{
	const struct model_row *row = &p->row;

	return says == STEPS_ORIGIN && !model_command__timed_out(p->command, row->ended_ns - row->began_ns)
		       ? STEPS_WRAPPER
		       : says;
}

/* Links what the process passes on to what began it. */
static void link_cause(struct model *model, struct process *p)
{
	struct model_row *row = &p->row;
	enum steps_exit says = passed_on(p, cause__says(model, p));
	bool rules = model->matcher != NULL;
	enum steps_exit above = rules ? said_above(model, p) : STEPS_FAILURE;
	enum steps_exit under = rules ? below(model, p) : STEPS_FAILURE;
	struct passer passer = {row, p->command, says, excuses(under), under == STEPS_IGNORED};
	struct ending *own = p->ending, *cause = says == STEPS_TALLY ? tallied(p) : NULL;
	const struct brood *brood = p->brood;
	const struct process *ended = sender__namespace(p);

	row->cut_off = ended && ended->standing == ENDED_OK;
	row->runs_others = row->forked || says == STEPS_WRAPPER || says == STEPS_RUNNER ||
			   model_command__is_shell(p->command, row->comm);
	/* A program that tries things out, or runs tests in itself, knows what was to fail: it says so itself. */
	if (!cause && (row->runs_others || !passer.tests))
		cause = choice__cause(&passer, brood);
	if (passer.tests && under != STEPS_UNSEEN && cause && brood)
		choice__note_others(brood, cause, row);
	own->says = says;
	own->ignores = passer.ignores;
	own->tested = above == STEPS_TESTS;
	own->tests = passer.tests;

	for (uint32_t i = 0; brood && i < brood->count; i++)
		if (!brood->bad[i]->fate->over) {
			brood->bad[i]->fate->over = own->fate;
			own->fate->refs++;
		}
	row->muted = says == STEPS_MUTED;
	row->benign = row->muted || (says == STEPS_ANSWER && !outcome__ends_run(p)) || lost_its_reader(row) ||
		      sender__meant(row, is_orphan(p)) || (sender__closed_terminal(p) && !outcome__ends_run(p)) ||
		      client__is_closed(model, p) || was_asked_to_end(p) || ended || above == STEPS_ANSWER ||
		      (above == STEPS_TESTS && !model_row__crashed(row)) || asks_for_another(model, p, cause);
	if (cause && cause->pub.row.benign &&
	    ((row->forked && model_row__status(row) == model_row__status(&cause->pub.row)) ||
	     (says == STEPS_WRAPPER && !is_sender(row, &cause->pub.row))))
		row->benign = true;
	/* How an engine looks around fails nothing, but for what it passes on. */
	if (p->engine && (!cause || cause->pub.row.benign))
		row->benign = true;
	if (!row->benign && (above == STEPS_UNSEEN || is_unseen(model, p))) {
		own->pub.expected = MODEL_EXPECTED_UNSEEN;
		row->benign = true;
	}
	own->pub.answer = says == STEPS_ANSWER && row->benign && !excuses(above);
	own->question = !row->benign && expected__asks_itself(p);
	row->benign = row->benign || own->question;
	own->pub.row = *row;
	own->pub.before = cause ? (struct model_ending *)ending__ref(choice__before(&passer, brood, cause)) : NULL;
	set_cause(own, cause);
	*row = own->pub.row;
}

/* A shell that an answer has ended, or a failure after which others ended well, unless its last line is a message of its own:
 * "x.sh: line 9: SAMPLE: unbound variable". What it says of a process that was killed, or was not found, is of that. */
static bool may_be_itself(const struct ending *ending)
{
	const struct model_ending *e = &ending->pub;
	const struct model_row *cause = e->cause ? &e->cause->row : NULL;

	return cause && model_command__is_shell(e->command, e->row.comm) && !model_row__is_killed(cause) &&
	       (cause->benign || (((const struct ending *)e->cause)->well_after && model_row__status(cause) < 126));
}

void cause__told(struct ending *ending, const struct model_said *said)
{
	struct ending *cause = (struct ending *)ending->pub.cause;
	struct passer passer = {&ending->pub.row, ending->pub.command, ending->says, ending->tests, ending->ignores};
	bool itself = may_be_itself(ending) && said__own_message(said, ending->pub.command);

	recipe__ignored(said, ending->brood);
	if (cause && (itself || !choice__is_candidate(cause))) {
		set_cause(ending, itself ? NULL : choice__cause(&passer, ending->brood));
		ending__unref(cause);
	}
	ending->untold = false;
}

/* Of what runs others the same may be done again by another run of it. */
static void keep_brood(struct process *process)
{
	struct ending *ending = process->ending;

	ending->untold =
		process->brood && (recipe__is_told(process->command, process->row.exit_code) || may_be_itself(ending));
	if (ending->untold || ending->says == STEPS_RUNNER || ending->says == STEPS_WRAPPER ||
	    ending->says == STEPS_ORIGIN)
		ending->brood = process->brood;
	else
		brood__free(process->brood);
}

int cause__judge(struct model *model, struct process *process)
{
	struct process *parent = parent_of(process);
	struct model_row *row = &process->row;
	int err = parent && again__note(parent, process) ? -ENOMEM : 0;

	if (err)
		return err;
	again__settle(process, UINT64_MAX);
	expected__settle(model, process, process->brood ? cause__below(model, process) : STEPS_FAILURE);
	if (!model_outcome__bad(row->outcome)) {
		if (row->outcome == MODEL_OK && parent && parent->brood)
			brood__well(model, parent->brood, process);
		if (row->outcome == MODEL_OK && parent)
			again__below(parent_of(parent), parent, process);
		if (row->outcome == MODEL_OK && parent)
			err = brood__hide(parent, process);
	} else {
		process->ending = ending__new(process);
		if (!process->ending)
			return -ENOMEM;
		process->ending->served = parent && !process->serves ? parent->serves : 0;
		process->ending->pub.reader_left = parent && again__reader_left(parent, process);
		link_cause(model, process);
		if (process == process->run->root)
			process->run->pub.ending = &process->ending->pub;
		if (parent)
			err = brood__add(parent, process->ending);
	}
	if (process->ending)
		keep_brood(process);
	else
		brood__free(process->brood);
	process->brood = NULL;
	again__free(process->turns);
	process->turns = NULL;
	if (row->benign)
		row->outcome = MODEL_OK;
	return err;
}
