/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks: begun by rules, inherited by children, summed up and closed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/model/process.h"
#include "sinks/steps/steps.h"

/* ---- what a task is ---- */

static uint64_t key_of(const struct run *run, const char *rules, const char *id)
{
	return hash__bytes(hash__bytes(run->pub.index, rules, strlen(rules)), id, strlen(id));
}

static struct task *task_of(struct hash_node *node)
{
	return (struct task *)((char *)node - offsetof(struct task, node));
}

static struct task *find(const struct model *model, const struct run *run, const char *rules, const char *id)
{
	struct hash_node *node = hash__first(&model->tasks, key_of(run, rules, id));

	for (; node; node = hash__next(node)) {
		struct task *task = task_of(node);

		if (task->run == run && !strcmp(task->pub.id, id) && !strcmp(task->pub.rules, rules))
			return task;
	}
	return NULL;
}

struct task *task__ref(struct task *task)
{
	if (task)
		task->refs++;
	return task;
}

void task__unref(struct task *task)
{
	while (task && !--task->refs) {
		struct task *outer = task->outer;

		model_command__unref(task->command);
		ending__unref((struct ending *)task->pub.ending);
		text__free(&task->within);
		free(task);
		task = outer;
	}
}

/* Whether `task` is `around` or inside it. */
static bool within(const struct task *task, const struct task *around)
{
	while (task && task != around)
		task = task->outer;
	return task;
}

/* Skips closed tasks, or a chain of tasks that each begin one and end would keep growing. */
static void let_go_closed(struct task *task)
{
	struct task *over;

	while (task && (over = task->outer) && !over->open) {
		task->outer = task__ref(over->outer);
		task__unref(over);
	}
}

static void set_null(struct model_task *pub)
{
	uint64_t null = EVENT_NULL(MODEL_REASON_ABSENT);

	pub->began_ns = pub->ended_ns = pub->wall_ns = null;
	pub->cpu_ns = pub->user_ns = pub->system_ns = pub->cpu_from_ns = pub->cpu_span_ns = null;
	pub->peak_rss_bytes = pub->rss_peak_bytes = pub->rss_lower_bytes = pub->pss_peak_bytes = null;
	pub->hugetlb_bytes = null;
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		pub->io[i] = null;
}

/* The steps around a task. An engine does not run a job in another one of its own; it submits it there. */
static void put_around(struct text *text, const struct task *outer, const char *rules)
{
	const struct model_task *pub = outer ? &outer->pub : NULL;

	if (pub && strcmp(pub->rules, rules) != 0)
		text__steps(text, model_command__name(pub->command, ""), pub->step, pub->tag, pub->id, pub->within);
	else if (pub && pub->within)
		text__printf(text, "%s", pub->within);
}

static struct task *make(struct model *model, struct process *p, struct model_command *command, const char *rules)
{
	const char *step = steps_matcher__step(model->matcher), *id = steps_matcher__id(model->matcher);
	const char *tag = steps_matcher__tag(model->matcher);
	size_t step_size = strlen(step) + 1, id_size = strlen(id) + 1, tag_size = strlen(tag) + 1;
	size_t room = model->calls.task_room;
	struct task *task = calloc(1, sizeof(*task) + room + step_size + id_size + tag_size);
	char *names = (char *)(task + 1) + room;

	if (!task)
		return NULL;
	task->run = p->run;
	task->command = model_command__ref(command);
	task->rss.peak = &task->pub.rss_peak_bytes;
	task->rss.lower = &task->pub.rss_lower_bytes;
	task->rss.pss = &task->pub.pss_peak_bytes;
	let_go_closed(p->task);
	task->outer = task__ref(p->task);
	set_null(&task->pub);
	task->pub.exit_code = task->pub.signal = EVENT_NULL(MODEL_REASON_ABSENT);
	task->pub.run = &p->run->pub;
	task->pub.number = ++p->run->tasks;
	task->pub.parent = p->task ? p->task->pub.number : 0;
	task->pub.user = task + 1;
	task->pub.step = memcpy(names, step, step_size);
	task->pub.id = *id ? memcpy(names + step_size, id, id_size) : NULL;
	task->pub.tag = *tag ? memcpy(names + step_size + id_size, tag, tag_size) : NULL;
	put_around(&task->within, p->task, rules);
	task->pub.within = task->within.data;
	task->pub.rules = rules;
	task->pub.pid = p->row.pid;
	task->pub.start = p->row.start;
	task->pub.command = task->command;
	task->listed = *id && !task->within.error && !hash__add(&model->tasks, &task->node, key_of(p->run, rules, id));
	if ((*id && !task->listed) || task->within.error) {
		task->refs = 1;
		task__unref(task);
		return NULL;
	}
	return task;
}

/* ---- its processes ---- */

void task__enter(struct process *process, struct task *task)
{
	process->task = task__ref(task);
	if (!task)
		return;
	task->open++;
	task->living += process->standing == LIVES;
}

/* A process that comes later with the same id begins another task. */
static void unlist(struct model *model, struct task *task)
{
	if (task->listed)
		hash__remove(&model->tasks, &task->node);
	task->listed = false;
}

void task__ended(struct model *model, struct task *task)
{
	if (task && !--task->living)
		unlist(model, task);
}

static int move(struct model *model, struct process *p, struct task *to)
{
	struct task *from = p->task;
	int err;

	rss__drop(p);
	p->in_job = false;
	task__enter(p, to);
	if (p->standing == LIVES)
		task__ended(model, from);
	err = task__leave(model, from);
	task__unref(from);
	return err;
}

static bool has_begun(const struct process *p, size_t rule)
{
	return p->begun && p->begun[rule / 8] & 1U << rule % 8;
}

static int set_begun(const struct model *model, struct process *p, size_t rule)
{
	if (!p->begun)
		p->begun = calloc(steps__count(model->steps) / 8 + 1, 1);
	if (!p->begun)
		return -ENOMEM;
	p->begun[rule / 8] |= (uint8_t)(1U << rule % 8);
	return 0;
}

/* What else has been in its task so far, and will be, is of the engine: its figures are those from now on. */
static void restart(struct task *task)
{
	struct model_task *pub = &task->pub;

	pub->job = true;
	set_null(pub);
	rss__restart(&task->rss);
	task->endless = task->cpu_until_ns = task->until_ns = task->wall_unknown = 0;
	pub->rows = pub->processes = pub->rows_without_cpu = pub->rows_without_peak = 0;
	pub->cpu_partial = pub->io_partial = 0;
}

/* The process is the job of `task`, or one of them, wherever it has come from; NULL: of none. */
static int set_job(struct model *model, struct process *p, struct task *task)
{
	int err = 0;

	if (!task || (p->task != task && within(p->task, task)))
		return 0;
	if (p->task == task)
		rss__drop(p);
	else
		err = move(model, p, task);
	p->in_job = true;
	if (!task->pub.job)
		restart(task);
	return err;
}

/* A rule whose task the program is in already is skipped: a later one may begin a task inside. */
int task__exec(struct model *model, struct process *process, struct model_command *command)
{
	const struct steps *steps = model->steps;
	struct steps_program program = {.command = command,
					.parent = process->parent,
					.comm = process->row.comm,
					.depth = process->above,
					.inside = process->task,
					.file = head__find,
					.files = process->run,
					.log = process->run->log};
	size_t i = 0;

	process->engine = process->engine_forks = false;
	if (!model->matcher)
		return 0;
	for (; (i = steps_matcher__next(model->matcher, &program, i)) < steps__count(steps); i++) {
		const char *id = steps_matcher__id(model->matcher), *rules = steps_matcher__rules(model->matcher);
		enum steps_engine engine = steps_matcher__engine(model->matcher);
		struct task *task = *id ? find(model, process->run, rules, id) : NULL;

		if (engine == STEPS_ENGINE_ABOVE && set_job(model, process, *id ? task : process->task))
			return -ENOMEM;
		process->engine_forks |= engine == STEPS_ENGINE_PROGRAM || engine == STEPS_ENGINE_FORKS;
		process->engine |= engine == STEPS_ENGINE_PROGRAM;
		if (process->engine)
			return 0;
		if (engine)
			continue;
		if (has_begun(process, i) || (task && within(process->task, task)))
			continue;
		if (!task)
			task = make(model, process, command, rules);
		if (!task || set_begun(model, process, i))
			return -ENOMEM;
		return move(model, process, task);
	}
	return 0;
}

int task__executed(struct model *model)
{
	struct process *process = model->executed;

	model->executed = NULL;
	return process ? task__exec(model, process, process->command) : 0;
}

/* ---- its figures ---- */

static void set_peak(struct model_task *pub, const struct model_row *row)
{
	bool bound;
	uint64_t peak = model_row__peak(row, &bound), before = pub->peak_rss_bytes;

	figure__set_greater(&pub->peak_rss_bytes, peak);
	if (pub->peak_rss_bytes != before)
		pub->peak_is_bound = bound;
}

/* The end of the last one is unknown if the end of any is. */
static void set_times(struct task *task, const struct model_row *row)
{
	struct model_task *pub = &task->pub;

	if (EVENT_IS_NULL(pub->began_ns) || row->began_ns < pub->began_ns)
		pub->began_ns = row->began_ns;
	if (EVENT_IS_NULL(row->ended_ns))
		task->endless = row->ended_ns;
	figure__set_greater(&pub->ended_ns, row->ended_ns);
	if (EVENT_IS_NULL(row->wall_ns))
		task->wall_unknown = row->wall_ns;
	else if (row->began_ns + row->wall_ns > task->until_ns)
		task->until_ns = row->began_ns + row->wall_ns;
}

/* From the first program's begin or CPU to the last one's end or CPU: in between some may wait for others. */
static void set_cpu_span(struct task *task, const struct model_row *row)
{
	struct model_task *pub = &task->pub;
	uint64_t until;

	if (EVENT_IS_NULL(row->cpu_span_ns))
		return;
	until = row->cpu_from_ns + row->cpu_span_ns;
	if (EVENT_IS_NULL(pub->cpu_from_ns) || row->cpu_from_ns < pub->cpu_from_ns)
		pub->cpu_from_ns = row->cpu_from_ns;
	if (until > task->cpu_until_ns)
		task->cpu_until_ns = until;
}

static bool is_process(const struct model_row *row, uint32_t pid, uint64_t start)
{
	return row->pid == pid && row->start == start;
}

/* How another one ended stays, if it has failed before. */
void task__note_end(struct task *task, const struct model_row *row, struct ending *ending, bool member)
{
	struct model_task *pub = task ? &task->pub : NULL;
	const struct model_ending *before = pub && model_outcome__bad(pub->outcome) ? pub->ending : NULL;

	if (!pub || (before && !is_process(row, before->row.pid, before->row.start)) ||
	    (!is_process(row, pub->pid, pub->start) && !(member && model_outcome__bad(row->outcome))))
		return;
	pub->exit_code = row->exit_code;
	pub->signal = row->signal;
	pub->outcome = row->outcome;
	if (ending)
		ending->fate->ends_task = model_outcome__bad(row->outcome);
	if (!ending || pub->ending == &ending->pub)
		return;
	ending__unref((struct ending *)pub->ending);
	pub->ending = &ending__ref(ending)->pub;
}

static void add_figures(struct task *task, const struct model_row *row, const uint64_t *own_io)
{
	struct model_task *pub = &task->pub;

	pub->rows++;
	pub->processes += row->last;
	set_times(task, row);
	set_cpu_span(task, row);
	pub->rows_without_cpu += EVENT_IS_NULL(row->cpu_ns) || model_figure__lacks(row->cpu_ns, row->cpu_partial);
	pub->rows_without_peak += EVENT_IS_NULL(row->peak_rss_bytes);
	figure__add(&pub->cpu_ns, row->cpu_ns);
	figure__add(&pub->user_ns, row->user_ns);
	figure__add(&pub->system_ns, row->system_ns);
	figure__note(&pub->cpu_partial, row->cpu_ns, row->cpu_partial);
	figure__note(&pub->io_partial, row->io[0], row->io_partial);
	set_peak(pub, row);
	figure__set_greater(&pub->hugetlb_bytes, model_row__hugetlb(row));
	for (int i = 0; i < MODEL_IO_FIGURES; i++)
		figure__add(&pub->io[i], own_io[i]);
}

void task__row(struct task *task, const struct model_row *row, const uint64_t *own_io)
{
	struct model_task *pub = &task->pub;

	if (own_io)
		add_figures(task, row, own_io);
	/* What only passes on, around the job, how that ended is of the engine. */
	if (model_outcome__bad(row->outcome) && (own_io || !row->propagated)) {
		pub->failed++;
		task->propagated += row->propagated;
	}
	task__note_end(task, row, (struct ending *)row->ending, false);
}

void task__hidden(struct task *task, const struct task *by)
{
	if (task && within(by, task))
		task->pub.hidden++;
}

static void close_cpu_span(struct task *task)
{
	struct model_task *pub = &task->pub;
	uint64_t until = task->cpu_until_ns > task->until_ns ? task->cpu_until_ns : task->until_ns;

	pub->cpu_span_ns = pub->cpu_ns;
	if (EVENT_IS_NULL(pub->cpu_ns))
		return;
	if (EVENT_IS_NULL(pub->cpu_from_ns) || pub->cpu_from_ns > pub->began_ns)
		pub->cpu_from_ns = pub->began_ns;
	pub->cpu_span_ns = task->wall_unknown ? task->wall_unknown : until - pub->cpu_from_ns;
}

int task__leave(struct model *model, struct task *task)
{
	struct model_task *pub;
	int err;

	if (!task || --task->open)
		return 0;
	pub = &task->pub;
	unlist(model, task); /* an error may have left it there */
	pub->wall_ns = task->wall_unknown ? task->wall_unknown : task->until_ns - pub->began_ns;
	close_cpu_span(task);
	if (task->endless)
		pub->ended_ns = task->endless;
	rss__close(&task->rss);
	pub->pss_peak_bytes = reason__explained(task->run, MODEL_MEM, pub->pss_peak_bytes, false);
	pub->rss_peak_bytes = reason__explained(task->run, MODEL_MEM, pub->rss_peak_bytes, false);
	pub->rss_lower_bytes = reason__explained(task->run, MODEL_MEM, pub->rss_lower_bytes, false);
	pub->hugetlb_bytes = reason__explained(task->run, MODEL_MEM, pub->hugetlb_bytes, false);
	if (pub->outcome == MODEL_OK) /* its exit status shows none of them */
		pub->hidden = pub->failed - task->propagated;
	err = retry__task(model, task);
	if (err)
		return err;
	return model->calls.task ? model->calls.task(model->arg, pub) : 0;
}
