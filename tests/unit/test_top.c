/* SPDX-License-Identifier: BSD-2-Clause */
/* sinks/live and sinks/top: a made-up run as a tree, what of it is shown, and as which text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sinks/live/live.h"
#include "sinks/top/view.h"
#include "tests/unit/sink_made.h"

#define MiB (1ULL << 20)
#define WITH(stream) (1U << (stream))
#define ALL (WITH(LIFECYCLE) | WITH(CPU) | WITH(MEM) | WITH(IO))

/* ---- a model, its tree and what is chosen of it ---- */

struct seen {
	struct made made;
	struct steps *steps;
	struct model *model;
	struct live_tree tree;
	struct view view;
	struct view_rows rows;
};

static int feed(void *arg, const struct record *record)
{
	return model__feed(((struct seen *)arg)->model, record);
}

static struct seen *watch(const char *rules, unsigned streams)
{
	static const struct model_calls calls = LIVE_CALLS;
	struct seen *s = calloc(1, sizeof(*s));
	char path[PATH_SIZE];
	struct error err;

	assert_non_null(s);
	assert_int_equal(steps__load(rules ? file_with(path, rules) : "none", &s->steps, &err), 0);
	if (rules)
		unlink(path);
	made__init(&s->made, "run-1", feed, s);
	s->model = model__new(&calls, s, s->steps);
	assert_non_null(s->model);
	for (int i = 0; i < STREAMS; i++)
		if (streams & WITH(i))
			assert_int_equal(model__stream(s->model, &s->made.info[i]), 0);
	return s;
}

static struct live_tree *tree_of(struct seen *s)
{
	assert_int_equal(s->made.err, 0);
	assert_int_equal(live_tree__build(&s->tree, s->model, false), 0);
	return &s->tree;
}

static void leave(struct seen *s)
{
	live_run__free_all(s->model);
	view__free(&s->view, &s->rows);
	live_tree__free(&s->tree);
	model__free(s->model);
	steps__free(s->steps);
	made__free(&s->made);
	free(s);
}

static void program(uint64_t at, uint32_t pid, uint32_t parent, const char *args)
{
	char exe[64];

	snprintf(exe, sizeof(exe), "/bin/%.*s", (int)strcspn(args, "|"), args);
	FORK(.at = at, .pid = pid, .parent = parent, .comm = "sh");
	EXEC(.at = at + MS, .pid = pid, .parent = parent, .exe = exe, .args = args);
}

static const struct live_node *process(const struct live_tree *tree, uint32_t pid)
{
	for (size_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].kind == LIVE_PROCESS && tree->nodes[i].live.row->pid == pid)
			return &tree->nodes[i];
	fail_msg("there is no process %u", pid);
	return NULL;
}

static const struct live_node *step(const struct live_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].kind == LIVE_STEP && !strcmp(tree->nodes[i].step, name))
			return &tree->nodes[i];
	fail_msg("there is no step %s", name);
	return NULL;
}

/* The rows' processes, steps and runs in one line: "run 10 step:a 11". */
static const char *shown(struct seen *s)
{
	static char line[4096];
	size_t n = 0;

	tree_of(s);
	assert_int_equal(view__arrange(&s->view, &s->tree, &s->rows), 0);
	*line = '\0';
	for (size_t i = 0; i < s->rows.count && n < sizeof(line) - 64; i++) {
		const struct live_node *node = s->rows.rows[i].node;
		const char *blank = i ? " " : "";

		if (node->kind == LIVE_PROCESS)
			n += (size_t)sprintf(line + n, "%s%u", blank, node->live.row->pid);
		else if (node->kind == LIVE_RUN)
			n += (size_t)sprintf(line + n, "%srun", blank);
		else
			n += (size_t)sprintf(line + n, "%s%s:%.16s", blank, node->kind == LIVE_STEP ? "step" : "task",
					     node->step);
	}
	return line;
}

/* ---- figures ---- */

static void rates_are_those_between_two_samples(void **state)
{
	struct seen *s = watch(NULL, ALL);
	uint64_t io[MADE_IO] = {0, 0, 0, 0, 10 * MiB, 0, 0}, more[MADE_IO] = {0, 0, 0, 0, 14 * MiB, 2 * MiB, 0};

	(void)state;
	program(S, 10, 0, "root");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = S / 2);
	MEM_SAMPLED(.at = 2 * S, .pid = 10, .bytes = 100 * MiB);
	assert_int_equal(process(tree_of(s), 10)->own.cpu_milli, 500); /* since its start */
	CPU_SAMPLED(.at = 3 * S, .pid = 10, .cpu = 2 * S, .state = 'R');
	IO_SAMPLED(.at = 3 * S, .pid = 10, .io = io);
	MEM_SAMPLED(.at = 3 * S, .pid = 10, .bytes = 70 * MiB);
	IO_SAMPLED(.at = 5 * S, .pid = 10, .io = more); /* two intervals later: it used nothing in the first */
	tree_of(s);
	assert_int_equal(process(&s->tree, 10)->own.cpu_milli, 1500);
	assert_int_equal(process(&s->tree, 10)->own.cpu_ns, 2 * S);
	assert_int_equal(process(&s->tree, 10)->own.rss_bytes, 70 * MiB);
	assert_int_equal(process(&s->tree, 10)->own.read_rate, 4 * MiB);
	assert_int_equal(process(&s->tree, 10)->own.written_rate, 2 * MiB);
	assert_int_equal(process(&s->tree, 10)->live.state, 'R');
	assert_int_equal(process(&s->tree, 10)->age_ns, 4 * S);
	leave(s);
}

static void without_a_sample_nothing_is_used(void **state)
{
	struct seen *s = watch(NULL, ALL);

	(void)state;
	program(S, 10, 0, "root");
	program(S, 11, 10, "busy");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = S);
	for (uint64_t at = 2; at < 9; at++)
		CPU_SAMPLED(.at = at * S, .pid = 11, .cpu = (at - 1) * S);
	tree_of(s);
	assert_int_equal(process(&s->tree, 10)->own.cpu_milli, 0);
	assert_int_equal(process(&s->tree, 11)->own.cpu_milli, 1000);
	assert_int_equal(process(&s->tree, 11)->own.read_rate, 0); /* it has never read */
	assert_int_equal(s->tree.all.cpu_milli, 1000);
	leave(s);
}

static void what_is_not_known_is_null_with_the_reason(void **state)
{
	struct seen *s = watch(NULL, WITH(LIFECYCLE) | WITH(CPU));
	const struct live_figures *own;

	(void)state;
	ALIVE(.at = S, .pid = 10, .start = 1, .exe = "/bin/old", .args = "old|");
	CPU_SAMPLED(.at = 2 * S, .pid = 10, .cpu = 500 * S);
	own = &process(tree_of(s), 10)->own;
	assert_int_equal(own->cpu_milli, EVENT_NULL(EVENT_REASON_UNSEEN)); /* used before recording began */
	assert_int_equal(own->rss_bytes, EVENT_NULL(MODEL_REASON_OFF));
	assert_int_equal(own->read_rate, EVENT_NULL(MODEL_REASON_OFF));
	assert_int_equal(s->tree.all.rss_bytes, EVENT_NULL(MODEL_REASON_OFF));
	CPU_SAMPLED(.at = 3 * S, .pid = 10, .cpu = 501 * S);
	assert_int_equal(process(tree_of(s), 10)->own.cpu_milli, 1000);
	leave(s);
}

/* ---- the tree ---- */

#define RULES "steps: [{args: '^task(?<n>\\d)', step: 'step ${n}', tag: '${n}'}]"

static void an_ended_process_counts_and_has_no_row(void **state)
{
	struct seen *s = watch(RULES, WITH(LIFECYCLE) | WITH(CPU));
	const struct live_node *run;

	(void)state;
	program(S, 10, 0, "root");
	program(S + MS, 11, 10, "task1");
	program(S + 2 * MS, 12, 10, "task1");
	program(S + 3 * MS, 13, 11, "inner");
	CPU_SAMPLED(.at = 2 * S, .pid = 11, .cpu = S / 10);
	CPU_SAMPLED(.at = 2 * S, .pid = 13, .cpu = S / 5);
	run = tree_of(s)->runs;
	assert_int_equal(run->running, 4);
	assert_int_equal(step(&s->tree, "step 1")->running, 2);
	assert_null(step(&s->tree, "step 1")->task);
	assert_int_equal(step(&s->tree, "step 1")->own.cpu_milli, 300);
	assert_int_equal(step(&s->tree, "step 1")->own.cpu_ns, 3 * S / 10);
	assert_ptr_equal(process(&s->tree, 13)->parent, process(&s->tree, 11));
	assert_int_equal(process(&s->tree, 11)->all.cpu_milli, 300);
	assert_int_equal(process(&s->tree, 11)->own.cpu_milli, 100);
	assert_ptr_equal(s->tree.longest, process(&s->tree, 12)); /* 11 waits for 13 */
	/* it waits for its account */
	EXIT(.at = 3 * S, .pid = 12, .code = 3);
	run = tree_of(s)->runs;
	assert_int_equal(run->running, 3);
	assert_int_equal(run->ended, 1);
	assert_int_equal(run->failed, 1);
	assert_int_equal(step(&s->tree, "step 1")->running, 1);
	assert_int_equal(step(&s->tree, "step 1")->ended, 1);
	/* and has it: the sum is the same */
	CPU_CLOSED(.at = 3 * S + MS, .pid = 12, .cpu = S);
	run = tree_of(s)->runs;
	assert_int_equal(run->ended, 1);
	assert_int_equal(run->own.cpu_ns, S + 3 * S / 10);
	assert_int_equal(step(&s->tree, "step 1")->own.cpu_ns, S + 3 * S / 10);
	assert_int_equal(step(&s->tree, "step 1")->ended, 1);
	assert_int_equal(step(&s->tree, "step 1")->failed, 1);
	assert_string_equal(shown(s), "run step:step 1 11 13 10");
	leave(s);
}

static void an_orphan_stands_in_its_step(void **state)
{
	struct seen *s = watch(RULES, WITH(LIFECYCLE));

	(void)state;
	program(S, 10, 0, "root");
	program(S + MS, 11, 10, "task1");
	program(S + 2 * MS, 12, 11, "left");
	EXIT(.at = 2 * S, .pid = 11, .code = 0);
	assert_string_equal(shown(s), "run 10 step:step 1 12");
	leave(s);
}

static void forged_parents_make_no_ring(void **state)
{
	struct seen *s = watch(NULL, WITH(LIFECYCLE));

	(void)state;
	FORK(.at = S, .pid = 10, .parent = 10, .comm = "itself");
	s->made.starts[21] = S;
	FORK(.at = S, .pid = 20, .parent = 21, .comm = "first");
	FORK(.at = S, .pid = 21, .parent = 20, .comm = "second");
	assert_string_equal(shown(s), "run 10 20 21");
	leave(s);
}

static void a_chain_of_processes_is_no_stack(void **state)
{
	struct seen *s = watch(NULL, WITH(LIFECYCLE) | WITH(CPU));

	(void)state;
	for (uint32_t pid = 1; pid < 20000; pid++)
		FORK(.at = S + pid, .pid = pid, .parent = pid - 1, .comm = "deep");
	CPU_SAMPLED(.at = 2 * S, .pid = 19999, .cpu = S / 2);
	shown(s);
	assert_int_equal(s->rows.count, 20000);
	assert_int_equal(s->rows.rows[19999].depth, 19999);
	assert_int_equal(process(&s->tree, 1)->all.cpu_ns, S / 2);
	assert_int_equal(process(&s->tree, 1)->running, 19999);
	leave(s);
}

/* ---- what is shown ---- */

static struct seen *three_children(void)
{
	struct seen *s = watch(NULL, ALL);

	program(S, 10, 0, "root");
	program(S + MS, 11, 10, "young|--threads=4|");
	program(S, 12, 10, "Old|file.bam|");
	program(S + MS, 13, 11, "under");
	CPU_SAMPLED(.at = 2 * S, .pid = 12, .cpu = S / 5);
	CPU_SAMPLED(.at = 2 * S, .pid = 13, .cpu = S / 2);
	MEM_SAMPLED(.at = 2 * S, .pid = 11, .bytes = 10 * MiB);
	MEM_SAMPLED(.at = 2 * S, .pid = 12, .bytes = 20 * MiB);
	return s;
}

static void children_are_sorted_by_what_is_below_them(void **state)
{
	struct seen *s = three_children();

	(void)state;
	assert_string_equal(shown(s), "run 10 11 13 12");
	s->view.reverse = true;
	assert_string_equal(shown(s), "run 10 12 11 13");
	s->view = (struct view){.sort = VIEW_MEMORY};
	assert_string_equal(shown(s), "run 10 12 11 13");
	s->view.sort = VIEW_NAME;
	assert_string_equal(shown(s), "run 10 12 11 13");
	s->view = (struct view){.flat = true};
	assert_string_equal(shown(s), "13 12 10 11");
	leave(s);
}

static void a_filter_keeps_what_is_above_and_below(void **state)
{
	static const struct {
		const char *filter, *rows;
	} cases[] = {
		{"OLD", "run 10 12"}, {"g --THREADS", "run 10 11 13"}, {"under", "run 10 11 13"}, {"12", "run 10 12"},
		{"variant", "run"},   {"nothing of it", ""},	       {"/bin/Old", "run 10 12"},
	};
	struct seen *s = three_children();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		strcpy(s->view.filter, cases[i].filter);
		assert_string_equal(shown(s), cases[i].rows);
	}
	leave(s);
}

static void folds_and_the_selection_stay_with_their_process(void **state)
{
	struct seen *s = three_children();

	(void)state;
	shown(s);
	view__select(&s->view, &s->rows, 2);
	assert_int_equal(view__fold(&s->view, s->rows.rows[2].node), 0);
	assert_string_equal(shown(s), "run 10 11 12");
	assert_true(s->rows.rows[2].folded);
	CPU_SAMPLED(.at = 3 * S, .pid = 12, .cpu = 2 * S);
	assert_string_equal(shown(s), "run 10 12 11");
	assert_int_equal(s->view.at, 3);
	view__fold(&s->view, s->rows.rows[3].node);
	assert_string_equal(shown(s), "run 10 12 11 13");
	view__select(&s->view, &s->rows, 99);
	assert_int_equal(s->view.at, 4);
	EXIT(.at = 3 * S, .pid = 13, .code = 0);
	assert_string_equal(shown(s), "run 10 12 11");
	assert_int_equal(s->view.at, 3);
	leave(s);
}

static void the_selected_row_is_on_the_screen(void **state)
{
	struct view view = {.at = 50};

	(void)state;
	view__scroll(&view, 100, 20);
	assert_int_equal(view.top, 31);
	view.at = 30;
	view__scroll(&view, 100, 20);
	assert_int_equal(view.top, 30);
	view__scroll(&view, 35, 20); /* others have ended */
	assert_int_equal(view.top, 15);
	view__scroll(&view, 35, 0); /* a window of no lines */
	view__scroll(&view, 0, 20);
	assert_int_equal(view.top, 0);
}

/* ---- text ---- */

static size_t columns_of(const char *line)
{
	struct text nothing = {0};
	size_t columns = text__cut(&nothing, line, SIZE_MAX);

	text__free(&nothing);
	return columns;
}

static void lines_fit_the_window(void **state)
{
	struct seen *s = watch(NULL, ALL);
	char args[2000];

	(void)state;
	memset(args, 'x', sizeof(args));
	strcpy(args + 1990, "|");
	program(S, 10, 0, "root");
	FORK(.at = S, .pid = 11, .parent = 10, .comm = "sh");
	EXEC(.at = S, .pid = 11, .exe = "/bin/long", .args = args);
	shown(s);
	for (size_t width = 1; width < 200; width++)
		for (size_t i = 0; i < s->rows.count + 3; i++) {
			struct text line = {0};

			if (i < s->rows.count)
				line__row(&line, &s->rows.rows[i], width);
			else if (i == s->rows.count)
				line__headings(&line, width);
			else
				line__head(&line, &s->tree, (int)(i - s->rows.count - 1), width);
			assert_true(columns_of(line.data) <= width);
			text__free(&line);
		}
	leave(s);
}

static void hostile_names_cannot_reach_the_terminal(void **state)
{
	struct seen *s = watch("steps: [{args: '^(?<x>evil)', step: 'a\\e[2Jb', tag: '${x}'}]", ALL);
	struct text text = {0};
	const struct buffer found = {0}; /* no verdict */

	(void)state;
	s->made.info[0].host = "ho\x1b]0;st";
	program(S, 10, 0, "root");
	EXEC(.at = 2 * S, .pid = 10, .exe = "/bin/\x1b[31m\n", .args = "evil\x1b[2J|\x9b|a\nb|",
	     .cwd = "/tmp/\x1b\x07");
	shown(s);
	for (size_t i = 0; i < s->rows.count; i++) {
		line__row(&text, &s->rows.rows[i], 0);
		detail__put(&text, s->rows.rows[i].node, 80);
	}
	line__head(&text, &s->tree, 0, 0);
	assert_int_equal(page__put(&text, &s->tree, &found, 0), 0);
	assert_int_equal(json__put(&text, &s->tree, &found), 0);
	for (size_t i = 0; i < text.size; i++)
		assert_true((unsigned char)text.data[i] >= ' ' || text.data[i] == '\n');
	text__put(&text, "", 1);
	assert_null(strstr(text.data, "\x1b"));
	text__free(&text);
	leave(s);
}

/* ---- the sink ---- */

static struct page_test *made_with(const char *options)
{
	struct page_test *t = begin_with(options, ALL);

	program(S, 10, 0, "bash");
	program(S, 11, 10, "samtools|sort|in.bam|");
	CPU_SAMPLED(.at = 2 * S, .pid = 11, .cpu = S * 95 / 100, .state = 'R');
	MEM_SAMPLED(.at = 2 * S, .pid = 11, .bytes = 100 * MiB);
	program(3 * S, 12, 10, "false");
	END(.at = 4 * S, .pid = 12, .code = 1);
	LOST(.at = 4 * S, .stream = CPU, .count = 7, .cause = "ring_full");
	return t;
}

static void a_page_of_a_running_run(void **state)
{
	struct page_test *t = made_with("steps=none");
	const char *page;

	(void)state;
	t->made.err = 0;
	page = print_as(t, STREAM_RUNNING, 4 * S);
	assert_has(page, "r1 on node7, 3.0 s: 2 running, 1 ended, 1 failed\n");
	assert_has(page, "7 events lost");
	assert_has(page, "     11 R    3.0 s   95.0  100 MiB        -   950 ms       1       samtools sort in.bam\n");
	assert_has_not(page, "false");
	end(t);
}

static void values_that_cannot_be_had_have_reasons_in_json(void **state)
{
	struct page_test *t = made_with("format=json,steps=none");
	const char *page = print_as(t, STREAM_RUNNING, 4 * S);

	(void)state;
	assert_has(page,
		   "{\"runs\":[\n{\"run\":\"r1\",\"name\":\"variant-calling\",\"host\":\"node7\",\"state\":\"running\","
		   "\"running\":2,\"ended\":1,\"failed\":1,\"hidden\":0,\"lost\":7,\"age_ns\":3015000000,");
	assert_has(page, "\"pid\":11,");
	assert_has(page, "\"command\":\"samtools sort in.bam\"");
	assert_has(page, "\"cpu_ns\":950000000,\"cpus\":0.950,\"rss_bytes\":104857600");
	assert_has(page, "\"state\":\"R\"");
	assert_has(page, "\"missing\":{\"state\":\"lost\",\"threads\":\"lost\",\"cpu_ns\":\"lost\"");
	end(t);
}

static void an_unknown_format_is_refused(void **state)
{
	struct sink_api api = {.size = sizeof(api), .log = log__print};
	void *conf = calloc(1, collector_sink->conf_size), *sink;
	struct error err;

	(void)state;
	assert_int_equal(opt__defaults(collector_sink->options, conf), 0);
	assert_int_equal(opt__parse(collector_sink->options, conf, "format=xml", &err), 0);
	assert_int_equal(collector_sink->open(&api, conf, &sink), -EINVAL);
	opt__free(collector_sink->options, conf);
	free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_those_between_two_samples),
		cmocka_unit_test(without_a_sample_nothing_is_used),
		cmocka_unit_test(what_is_not_known_is_null_with_the_reason),
		cmocka_unit_test(an_ended_process_counts_and_has_no_row),
		cmocka_unit_test(an_orphan_stands_in_its_step),
		cmocka_unit_test(forged_parents_make_no_ring),
		cmocka_unit_test(a_chain_of_processes_is_no_stack),
		cmocka_unit_test(children_are_sorted_by_what_is_below_them),
		cmocka_unit_test(a_filter_keeps_what_is_above_and_below),
		cmocka_unit_test(folds_and_the_selection_stay_with_their_process),
		cmocka_unit_test(the_selected_row_is_on_the_screen),
		cmocka_unit_test(lines_fit_the_window),
		cmocka_unit_test(hostile_names_cannot_reach_the_terminal),
		cmocka_unit_test(a_page_of_a_running_run),
		cmocka_unit_test(values_that_cannot_be_had_have_reasons_in_json),
		cmocka_unit_test(an_unknown_format_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
