/* SPDX-License-Identifier: BSD-2-Clause */
/* The words in which sinks for people describe a failure, and the order in which they show failures and groups. */
#include "sinks/totals/story.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

const char *story__ending(char out[STORY_ENDING], const struct model_row *row)
{
	const char *name = row->signal_name;
	bool killed = model_row__is_killed(row);

	if (row->outcome == MODEL_OOM)
		strcpy(out, "OOM");
	else if (killed && *name && !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+")])
		strcpy(out, name);
	else if (killed)
		snprintf(out, STORY_ENDING, "signal %llu", (unsigned long long)row->signal);
	else if (!EVENT_IS_NULL(row->exit_code))
		snprintf(out, STORY_ENDING, "exit %llu", (unsigned long long)row->exit_code);
	else
		strcpy(out, row->outcome == MODEL_RUNNING ? "running" : "not seen");
	return out;
}

/* By a Ctrl-C, or as by one from outside of the run. */
static bool is_interrupted(const struct model_row *row)
{
	return model_row__is_killed(row) && row->signal == SIGINT &&
	       (row->sender_is == MODEL_RELATION_OUTSIDE || !strcmp(row->signal_code, "SI_KERNEL"));
}

const char *story__interrupted(const struct model_ending *origin)
{
	if (!is_interrupted(&origin->row))
		return NULL;
	return origin->row.sender_is == MODEL_RELATION_OUTSIDE ? "interrupted from outside; what that ended:"
							       : "interrupted at its terminal; what that ended:";
}

/* Whether the signal that has ended the run has ended these as well. */
static bool is_ended_alike(const struct tally *tally, const struct tally_failure *kind)
{
	const struct model_ending *origin = story__origin(&tally->run);

	return origin && is_interrupted(&origin->row) && is_interrupted(&kind->row) &&
	       kind->row.sender_pid == origin->row.sender_pid;
}

uint64_t story__ended_alike(const struct tally *tally)
{
	const struct hash *all = &tally->failures;
	uint64_t n = 0;

	for (struct hash_node *node = hash__any(all, NULL); node; node = hash__any(all, node))
		if (is_ended_alike(tally, tally_failure__of(node)))
			n += story__beside_chain(tally, tally_failure__of(node));
	return n;
}

/* Hidden ones first: no exit status shows them. Then the rarest kinds, in order of time. */
static int by_weight(const void *a, const void *b)
{
	const struct tally_failure *x = tally_failure__of(*(struct hash_node *const *)a);
	const struct tally_failure *y = tally_failure__of(*(struct hash_node *const *)b);

	if (!x->hidden != !y->hidden)
		return x->hidden ? -1 : 1;
	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	if (x->row.ended_ns != y->row.ended_ns)
		return x->row.ended_ns < y->row.ended_ns ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct hash_node **story__failures(const struct tally *tally, size_t *count)
{
	struct hash_node **list = hash__sorted(&tally->failures, by_weight);
	size_t n = 0;

	for (size_t i = 0; list && i < tally->failures.count; i++) {
		const struct tally_failure *f = tally_failure__of(list[i]);

		if (story__beside_chain(tally, f) && !is_ended_alike(tally, f))
			list[n++] = list[i];
	}
	*count = n;
	return list;
}

int story__by_cpu(const void *a, const void *b)
{
	const struct totals_group *x = totals_group__of(*(struct hash_node *const *)a);
	const struct totals_group *y = totals_group__of(*(struct hash_node *const *)b);

	if (x->cpu.value != y->cpu.value)
		return x->cpu.value > y->cpu.value ? -1 : 1;
	if (x->wall.value != y->wall.value)
		return x->wall.value > y->wall.value ? -1 : 1;
	return strcmp(x->name, y->name);
}

static enum wrote_part part_of(const struct tally *tally, const struct model_said *said)
{
	return said->path && said->written
		       ? wrote__part(&tally->wrote, said->pid, said->start, said->cut + said->written)
		       : WROTE_ALL;
}

const struct model_said *story__heard(const struct tally *tally, uint32_t pid, uint64_t start)
{
	const struct model_said *said = model_run__said(tally->run.run, pid, start);

	return said && (part_of(tally, said) == WROTE_NONE || story__is_blank(said)) ? NULL : said;
}

/* What a file grew by while it ran is its own if nothing of the run ran beside it. Known of the chain of the run's end. */
static bool was_alone(const struct tally *tally, const struct model_said *said)
{
	const struct model_ending *e = tally->run.run->ending, *own = model_ending__find(e, said->pid, said->start);

	for (; own && e != own && !e->beside; e = e->cause)
		;
	return own && e == own && !own->beside;
}

/* "sort: cannot read: x" */
static bool names(const struct model_said *said, const char *comm)
{
	char name[EVENT_COMM + 1];
	int n = snprintf(name, sizeof(name), "%s:", comm);

	return *comm && memmem(said->text, said->length, name, (size_t)n);
}

void story__shared(struct text *text, const struct tally *tally, const struct model_said *said, const char *comm)
{
	enum wrote_part part = said ? part_of(tally, said) : WROTE_ALL;

	if (part == WROTE_SOME)
		text__printf(text, "others write to this file, too: ");
	else if (part == WROTE_UNKNOWN && !was_alone(tally, said) && !names(said, comm))
		text__printf(text, "others may write to this file, too: ");
	else
		return;
	text__safe(text, said->path, strlen(said->path));
}

/* The run's own standard error is named where it was sent. */
static bool is_of_run(const struct tally *tally, const struct model_said *said)
{
	const struct model_ending *end = tally->run.run->ending;

	return end && end->command && end->command->errors.data && !strcmp(end->command->errors.data, said->path);
}

void story__file(struct text *text, const struct tally *tally, const struct model_said *said, const char *comm)
{
	size_t before = text->size;

	story__shared(text, tally, said, comm);
	if (text->size > before || !said || !said->path || is_of_run(tally, said))
		return;
	text__printf(text, "its standard error: ");
	text__safe(text, said->path, strlen(said->path));
}

bool story__is_sure(const struct tally *tally, const struct model_said *said)
{
	return said && part_of(tally, said) != WROTE_UNKNOWN;
}

/* ---- parts of an ending ---- */

enum story_unnamed story__unnamed(const struct tally *tally, const struct model_row *row,
				  const struct model_command *command, bool shell)
{
	if (*row->tried_error || story__names_wanted(row, command))
		return STORY_NAMED;
	if (row->exit_code == 255 && row->forked && !shell)
		return tally->run.run->hears_execs ? STORY_NAMED : STORY_UNNAMED_FORK;
	if (!model_row__exited_as_shells_do(row) || !row->runs_others)
		return STORY_NAMED;
	/* A shell looks for a command itself, and executes what it has found. */
	if (row->exit_code == 127 && shell && row->silenced)
		return STORY_NAMED;
	if (row->exit_code == 127 && shell && !wrote__nothing(&tally->wrote, row->pid, row->start) &&
	    !tally->run.run->hears_writes)
		return STORY_UNNAMED_MESSAGE;
	return tally->run.run->hears_execs ? STORY_NAMED : STORY_UNNAMED_EXEC;
}

static void put_steps(struct text *text, const struct model_ending *ending)
{
	struct text steps = {0};

	if (ending->step)
		text__steps(&steps, model_command__name(ending->command, ending->row.comm), ending->step, ending->tag,
			    ending->id, ending->within);
	if (steps.size)
		text__printf(text, ", in step %s", steps.data);
	if (steps.error)
		text->error = steps.error;
	text__free(&steps);
}

void story__circumstances(struct text *text, const struct model_run *run, const struct model_ending *ending)
{
	const struct model_row *row = &ending->row;
	char number[FORMAT_SIZE];

	story__pid(text, row);
	if (!EVENT_IS_NULL(row->ended_ns))
		text__printf(text, " at +%s", format__duration(number, story__offset(run, row->ended_ns)));
	if (!EVENT_IS_NULL(row->ended_ns) && row->ended_ns >= row->began_ns)
		text__printf(text, ", after %s", format__duration(number, row->ended_ns - row->began_ns));
	if (row->core_dumped)
		text__printf(text, ", core dumped");
	put_steps(text, ending);
}

void story__how(struct text *text, const struct model_ending *ending)
{
	struct model_row row = ending->row;

	row.command = ending->command;
	row.tried = ending->tried;
	if (!story__not_found(text, &row))
		model_row__how(&row, text);
	if (ending->among)
		text__printf(text, "%sone of %u that failed below %s, which knows if it was meant to",
			     text->size ? ", " : "", ending->among, ending->among_of);
}

void story__limit(struct text *text, const struct model_ending *ending)
{
	if (ending->oom)
		model_oom__limit(ending->oom, text);
}

void story__holders(struct text *text, const struct model_ending *ending)
{
	if (ending->oom)
		model_oom__others(ending->oom, text);
}

/* Of those from the run's end to what began it; NULL: nothing. */
static const struct model_ending *before_chain(const struct tally *tally)
{
	const struct model_ending *before = NULL;

	for (const struct model_ending *e = tally->run.run->ending; e; e = e->cause)
		before = e->before ? e->before : before;
	return model_ending__origin(before);
}

static void put_before(struct text *text, const struct tally *tally, const struct model_ending *before)
{
	char how[STORY_ENDING], number[FORMAT_SIZE];
	struct story_line line;

	text__printf(text, "%s ", story__ending(how, &before->row));
	story__command(text, before);
	text__printf(text, " at +%s", format__duration(number, story__offset(tally->run.run, before->row.ended_ns)));
	if (!story__message(story__heard(tally, before->row.pid, before->row.start), &line, 1))
		return;
	text__printf(text, ": ");
	text__safe(text, line.at, line.length);
}

void story__before(struct text *text, const struct tally *tally, const struct model_ending *ending)
{
	const struct model_ending *before = before_chain(tally);
	char how[STORY_ENDING], number[FORMAT_SIZE];
	struct tally_answered last;

	if (before)
		put_before(text, tally, before);
	else if (tally__answered(tally, &ending->row, &last))
		text__printf(text, "%s times %s %s, which counts as an answer", format__count(number, last.count),
			     story__ending(how, last.row), last.shown);
}

const char *story__note(struct text *text, const struct tally *tally, const struct model_ending *ending, size_t i)
{
	static const struct {
		const char *label;
		void (*put)(struct text *text, const struct tally *tally, const struct model_ending *ending);
	} notes[] = {{"meanwhile ", story__waited}, {"before it ", story__before}};

	if (i >= sizeof(notes) / sizeof(*notes))
		return NULL;
	notes[i].put(text, tally, ending);
	return notes[i].label;
}

void story__kind(struct text *text, const struct tally *tally, const struct tally_failure *kind)
{
	uint64_t count = story__beside_chain(tally, kind);
	struct tally_process first = story__beside(tally, kind);
	struct model_row row = story__row_beside(kind, &first);
	char number[FORMAT_SIZE];

	if (count && !first.pid)
		text__printf(text, "%s more, after ", format__count(number, count));
	else if (count > 1)
		text__printf(text, "%s times, first ", format__count(number, count));
	story__pid(text, &row);
	if (!EVENT_IS_NULL(row.ended_ns))
		text__printf(text, " at +%s", format__duration(number, story__offset(tally->run.run, row.ended_ns)));
	if (kind->row.core_dumped)
		text__printf(text, ", core dumped");
	if (kind->step)
		text__printf(text, ", in step %s", kind->step);
	if (kind->parent)
		text__printf(text, ", under %s", kind->parent);
}

void story__pids_limit(struct text *text, char number[FORMAT_SIZE], const struct totals_run *run)
{
	char refused[FORMAT_SIZE];

	if (!run->run->pids_refused)
		return;
	format__count(number, run->run->pids_limit);
	text__printf(text, "of a cgroup (pids.max): %s fork%s failed for it",
		     format__count(refused, run->run->pids_refused), run->run->pids_refused == 1 ? "" : "s");
}

void story__huge_pages(struct text *text, char number[FORMAT_SIZE], const struct totals_run *run)
{
	if (!run->hugetlb_bytes)
		return;
	format__bytes(number, run->hugetlb_bytes);
	text__printf(text, "of one process in hugetlbfs; not in its peak memory");
}

void story__pid(struct text *text, const struct model_row *row)
{
	text__printf(text, "pid %u", row->pid);
	if (row->ns_pid && row->ns_pid != row->pid)
		text__printf(text, " (%u in its namespace)", row->ns_pid);
}

uint64_t story__offset(const struct model_run *run, uint64_t ts)
{
	return ts > run->first_ts ? ts - run->first_ts : 0;
}

/* ---- what a process wrote last ---- */

static size_t skip_digits(const struct story_line *line, size_t at)
{
	while (at < line->length && line->at[at] >= '0' && line->at[at] <= '9')
		at++;
	return at;
}

static bool says_the_same(const struct story_line *a, const struct story_line *b)
{
	size_t i = skip_digits(a, 0), k = skip_digits(b, 0);

	for (; i < a->length && k < b->length && a->at[i] == b->at[k];
	     i = skip_digits(a, i + 1), k = skip_digits(b, k + 1))
		;
	return i == a->length && k == b->length;
}

size_t story__others(const struct tally *tally, const struct tally_failure *kind, struct story_line *lines)
{
	struct story_line seen[STORY_OTHERS + 1];
	struct tally_process shown = story__beside(tally, kind);
	size_t first = story__message(story__heard(tally, shown.pid, shown.start), seen, 1), n = first, k;

	for (unsigned i = 0; i < kind->more_count && n - first < STORY_OTHERS; i++) {
		if (story__is_in_chain(tally, &kind->more[i]) ||
		    !story__message(story__heard(tally, kind->more[i].pid, kind->more[i].start), &seen[n], 1))
			continue;
		for (k = 0; k < n && !says_the_same(&seen[k], &seen[n]); k++)
			;
		n += k == n;
	}
	memcpy(lines, seen + first, (n - first) * sizeof(*lines));
	return n - first;
}
