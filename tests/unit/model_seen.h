/* SPDX-License-Identifier: BSD-2-Clause */
/* What a model says of a made-up run: its rows, tasks, samples and hidden failures. */
#ifndef TESTS_UNIT_MODEL_SEEN_H
#define TESTS_UNIT_MODEL_SEEN_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sinks/model/process.h"
#include "sinks/steps/steps_rule.h"
#include "tests/made/made.h"

#define SEEN 64

struct seen {
	struct made made;
	struct steps *steps;
	struct model *model;
	size_t tasks_count, rows_count, hidden_count, retried_count, unsure_count, ignored_count, samples_count;
	size_t unseen_count;
	struct {
		struct model_task task;
		char step[64], id[64], tag[64], rules[64];
		size_t rows; /* that had come before */
	} tasks[SEEN];
	struct {
		struct model_row row;
		char exe[64], tried[64], args[128], parent[128]; /* args with '|' after each */
		uint32_t task;
		uint64_t sampled_cpu_ns; /* sum */
		uint64_t held_ns;	 /* time that samples of memory cover */
	} rows[SEEN];
	char waits[SEEN][64]; /* of each row; empty: none */
	struct {
		uint32_t pid, by;
		enum model_expected expected;
		char exe[64]; /* of what hides it */
	} hidden[SEEN];
	uint64_t sampled_cpu_ns, held_ns; /* since the last row, of one process at a time */
	uint64_t rss[SEEN];
	struct model_oom *oom; /* a reference: of the last row that has one */
	int fail;	       /* what on_row returns */
};

static inline void args_of(char *to, size_t size, const struct model_command *command)
{
	size_t n = command ? command->args.length : 0;

	assert_true(n < size);
	for (size_t i = 0; i < n; i++)
		to[i] = command->args.data[i] ? command->args.data[i] : '|';
	to[n] = '\0';
}

/* Why the stream lifecycle lacks events; NULL: it lacks none. */
static const char *const *seen_lacks __attribute__((unused));

static inline int on_row(void *arg, const struct model_row *row)
{
	struct seen *s = arg;

	s->unseen_count += row->ending && row->ending->expected == MODEL_EXPECTED_UNSEEN && !row->ending->cause;
	if (row->oom) {
		oom__unref(s->oom);
		s->oom = oom__ref((struct model_oom *)row->oom);
	}
	if (s->rows_count < SEEN) {
		s->rows[s->rows_count].row = *row;
		args_of(s->rows[s->rows_count].args, 128, row->command);
		args_of(s->rows[s->rows_count].parent, 128, row->parent);
		if (row->command && row->command->exe.data)
			strncpy(s->rows[s->rows_count].exe, row->command->exe.data, 63);
		if (row->tried && row->tried->exe.data)
			strncpy(s->rows[s->rows_count].tried, row->tried->exe.data, 63);
		s->rows[s->rows_count].task = row->task ? row->task->number : 0;
		s->rows[s->rows_count].sampled_cpu_ns = s->sampled_cpu_ns;
		s->rows[s->rows_count].held_ns = s->held_ns;
		if (row->waits_for)
			strncpy(s->waits[s->rows_count], row->waits_for, 63);
	}
	s->sampled_cpu_ns = s->held_ns = 0;
	s->rows_count++;
	return s->fail;
}

static inline int on_hidden(void *arg, const struct model_row *row, uint32_t pid, const struct model_command *by)
{
	struct seen *s = arg;

	assert_true(s->hidden_count < SEEN);
	if (by && by->exe.data)
		strncpy(s->hidden[s->hidden_count].exe, by->exe.data, 63);
	s->hidden[s->hidden_count].pid = row->pid;
	s->hidden[s->hidden_count].expected = row->ending ? row->ending->expected : MODEL_EXPECTED_NOT;
	s->hidden[s->hidden_count++].by = pid;
	return 0;
}

static inline int on_retried(void *arg, const struct model_row *row)
{
	((struct seen *)arg)->retried_count++;
	((struct seen *)arg)->unsure_count += row->ending && row->ending->unsure;
	return 0;
}

static inline int on_ignored(void *arg, const struct model_row *row)
{
	(void)row;
	((struct seen *)arg)->ignored_count++;
	return 0;
}

static inline int on_task(void *arg, const struct model_task *task)
{
	struct seen *s = arg;

	if (s->tasks_count < SEEN) {
		s->tasks[s->tasks_count].task = *task;
		s->tasks[s->tasks_count].rows = s->rows_count;
		strncpy(s->tasks[s->tasks_count].step, task->step, 63);
		strncpy(s->tasks[s->tasks_count].id, task->id ? task->id : "", 63);
		strncpy(s->tasks[s->tasks_count].tag, task->tag ? task->tag : "", 63);
		strncpy(s->tasks[s->tasks_count].rules, task->rules, 63);
	}
	s->tasks_count++;
	return 0;
}

static inline int on_sample(void *arg, const struct model_sample *sample)
{
	struct seen *s = arg;

	assert_true(sample->from_ns <= sample->until_ns);
	if (sample->source == MODEL_CPU) {
		s->sampled_cpu_ns += sample->cpu_ns;
	} else {
		s->held_ns += sample->until_ns - sample->from_ns;
		if (s->samples_count < SEEN)
			s->rss[s->samples_count] = sample->rss_bytes;
		s->samples_count++;
	}
	return 0;
}

static inline int feed(void *arg, const struct record *record)
{
	return model__feed(((struct seen *)arg)->model, record);
}

/* Loads rules from a file of that text. */
static inline int load(const char *text, struct steps **steps, struct error *err)
{
	char path[] = "/tmp/steps.XXXXXX";
	int fd = mkstemp(path), rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = steps__load(path, steps, err);
	unlink(path);
	return rc;
}

static inline struct steps *loaded(const char *text)
{
	struct steps *steps;
	struct error err = {0};

	if (load(text, &steps, &err))
		fail_msg("%s", err.text);
	return steps;
}

/* The rules that all have. */
static inline struct steps *only_exits(void)
{
	struct steps *steps;
	struct error err = {0};

	if (steps__load("none", &steps, &err))
		fail_msg("%s", err.text);
	return steps;
}

/* `rules` of steps, or NULL; `streams`: bits of those that are switched on. */
static inline struct seen *begin(const char *rules, unsigned streams)
{
	static const struct model_calls calls = {.row = on_row,
						 .hidden = on_hidden,
						 .retried = on_retried,
						 .ignored = on_ignored,
						 .task = on_task,
						 .sample = on_sample};
	struct seen *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->steps = rules ? loaded(rules) : only_exits();
	made__init(&s->made, "run-1", feed, s);
	if (seen_lacks)
		s->made.info[LIFECYCLE].unavailable = seen_lacks;
	s->model = model__new(&calls, s, s->steps);
	assert_non_null(s->model);
	for (int i = 0; i < STREAMS; i++)
		if (streams & 1U << i)
			assert_int_equal(model__stream(s->model, &s->made.info[i]), 0);
	return s;
}

static inline void end(struct seen *s)
{
	assert_int_equal(s->made.err, 0);
	model__free(s->model);
	oom__unref(s->oom);
	steps__free(s->steps);
	made__free(&s->made);
	free(s);
}

#define ALL 7U /* but io */
#define why_of(value) (assert_true(EVENT_IS_NULL(value)), EVENT_NULL_REASON(value))

/* A process under another: forked, and executed 1 ms later. It starts at `ts`. */
static inline void program(uint64_t ts, uint32_t pid, uint32_t parent, const char *args)
{
	char exe[64];

	snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(args, "|"), args);
	FORK(.at = ts, .pid = pid, .parent = parent, .comm = "sh");
	EXEC(.at = ts + MS, .pid = pid, .exe = exe, .args = args);
}

static const char step_rule[] __attribute__((unused)) = "steps: [{args: '^step(?<n>\\w*)', step: 'step ${n}'}]";

static inline bool is_hidden(const struct seen *s, uint32_t pid)
{
	for (size_t i = 0; i < s->hidden_count; i++)
		if (s->hidden[i].pid == pid)
			return true;
	return false;
}

#endif
