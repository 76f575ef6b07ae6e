/* SPDX-License-Identifier: BSD-2-Clause */
/* core/daemon/ask_keeper.c and answer.c: what a probe asks is answered once, or it learns why it is not. */
#include "core/daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/base.h"
#include "core/bpf/bpf.h"
#include "core/daemon/recorder.h"
#include "core/proc/proc.h"

#define MANY 300

static int answers, errors[MANY + 1];
static uint64_t cost_ns;
static char last[CHANNEL_ANSWER_TEXT + 1];

static const struct proc_own own = {.count = 0};

static const struct event *on_answer(void *state, const struct probe_answer *answer, size_t *size)
{
	(void)state;
	(void)size;
	errors[answers++] = answer->error;
	assert_int_equal(answer->ask->run, 3);
	assert_true(answer->size <= CHANNEL_ANSWER_TEXT && !answer->text[answer->size]);
	memcpy(last, answer->text, answer->size + 1);
	cost_ns = answer->cost_ns;
	return NULL;
}

static const struct probe probe = {.name = "test", .answer = on_answer};

struct two {
	struct recorder r;
	struct probe_unit unit;
	struct answerer *answerer;
	int keeper;
};

static void on_notified(struct recorder *r, struct channel_message *m)
{
	r->orphaned = !m;
	if (m && m->kind == CHANNEL_ANSWER)
		ask_keeper__answer(r, m);
}

static int setup(void **state)
{
	struct two *two = calloc(1, sizeof(*two));
	int fds[2];

	assert_int_equal(channel__pair(fds), 0);
	two->r.channel = fds[0];
	two->r.notified = on_notified;
	two->r.asks.end = &two->r.asks.first;
	two->keeper = fds[1];
	two->unit.probe = &probe;
	answers = 0;
	*state = two;
	return 0;
}

static int teardown(void **state)
{
	struct two *two = *state;

	close(two->r.channel);
	if (two->keeper >= 0)
		close(two->keeper);
	free(two);
	return 0;
}

/* The keeper's loop, for one message. */
static bool serve(struct two *two)
{
	struct channel_message m;

	if (channel__receive(two->keeper, &m, 0) != 1)
		return false;
	assert_int_equal(m.kind, CHANNEL_ASK);
	answerer__ask(two->answerer, two->keeper, &m);
	return true;
}

static void await_answers(struct two *two, int count)
{
	for (int i = 0; i < 1000 && answers < count; i++) {
		while (serve(two))
			;
		ask__any(&two->r, 10);
	}
	assert_int_equal(answers, count);
}

/* As the kernel says it, which rounds down. */
static uint64_t start_of(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(
		fscanf(file,
		       "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		       &ticks),
		1);
	fclose(file);
	return ticks * (1000000000 / sysconf(_SC_CLK_TCK)) - (clock__ns(CLOCK_BOOTTIME) - clock__boot());
}

static int ask(struct two *two, enum probe_ask_what what, pid_t pid, uint64_t start)
{
	return ask_keeper__ask(&two->r, &two->unit,
			       &(struct probe_ask){.what = what, .run = 3, .pid = pid, .start = start});
}

static unsigned long long number_of(const char *name)
{
	const char *at = strstr(last, name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 10);
}

static void test_a_process_is_read(void **state)
{
	struct two *two = *state;
	size_t size = 64 << 20;
	char *more = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	assert_true(more != MAP_FAILED);
	two->answerer = answerer__start(two->keeper, &own);
	assert_non_null(two->answerer);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), start_of(getpid())), 0);
	await_answers(two, 1);
	assert_int_equal(errors[0], 0);
	assert_true(number_of("\nPss:") << 10 >= size && number_of("\nPss:") << 10 < size + (32 << 20));
	assert_true(cost_ns > 0);
	munmap(more, size);
	assert_int_equal(two->r.asks.count, 0);
}

/* A process that has the pid of another one, that has ended, or that only root may read. */
static void test_a_process_is_not_read(void **state)
{
	struct two *two = *state;
	pid_t ended = fork(), other;
	uint64_t start;
	int pipe_fds[2];
	char byte;

	if (!ended)
		_exit(0);
	start = start_of(ended);
	waitpid(ended, NULL, 0);
	assert_int_equal(pipe(pipe_fds), 0);
	other = fork();
	if (!other) {
		/* As with a setuid program: only root may read it. */
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
		assert_int_equal(write(pipe_fds[1], "", 1), 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	two->answerer = answerer__start(two->keeper, &own);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), start_of(getpid()) + 1000000000), 0);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, ended, start), 0);
	assert_int_equal(ask(two, PROBE_ASK_WHATS, getpid(), start_of(getpid())), 0);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, other, start_of(other)), 0);
	await_answers(two, 4);
	assert_int_equal(errors[0], -ESRCH);
	assert_int_equal(errors[1], -ESRCH);
	assert_int_equal(errors[2], -EINVAL);
	assert_int_equal(errors[3], geteuid() ? -EACCES : 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void test_a_cgroup_is_read(void **state)
{
	struct two *two = *state;

	two->answerer = answerer__start(two->keeper, &own);
	assert_int_equal(ask(two, PROBE_ASK_CGROUP, getpid(), start_of(getpid())), 0);
	await_answers(two, 1);
	if (errors[0]) {
		assert_true(errors[0] == -ENOTSUP || errors[0] == -ENOENT); /* no memory controller here */
		return;
	}
	assert_int_equal(strncmp(last, "cgroup /", 8), 0);
	assert_true(number_of("\ncurrent ") > 0);
	assert_true(number_of("\nprocesses ") > 0);
}

/* Whatever /proc/PID/cgroup says, no cgroup outside of the mount is looked for. */
static void test_cgroups_that_are_not_there(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"0",
		"0:",
		"memory",
		"4:memory",
		"0::",
		"0::/../outside\n",
		"4:cpu,memory:/../../outside\n",
		"0::/none-of-this-name\n",
		"4:xmemory:/\n",
	};
	char folder[] = "/tmp/cgroup.XXXXXX", bytes[CHANNEL_ANSWER_TEXT + 1];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	fd = open(folder, O_PATH | O_DIRECTORY);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct proc_text out = {.text = bytes, .size = CHANNEL_ANSWER_TEXT};
		int file = openat(fd, "cgroup", O_WRONLY | O_CREAT | O_TRUNC, 0600);

		assert_int_equal(write(file, texts[i], strlen(texts[i])), strlen(texts[i]));
		close(file);
		if (proc__append_cgroup(&out, fd, &own, true))
			continue;
		assert_string_equal(texts[i], "0::"); /* the root, if it has a charge */
	}
	unlinkat(fd, "cgroup", 0);
	close(fd);
	rmdir(folder);
}

/* Few are with the keeper, so that other messages have room; as many as fit wait, all are answered. */
static void test_more_than_fit(void **state)
{
	struct two *two = *state;
	int asked = 0;

	two->answerer = answerer__start(two->keeper, &own);
	while (asked < MANY && !ask(two, PROBE_ASK_SMAPS, getpid(), start_of(getpid())))
		asked++;
	assert_true(asked > 100 && asked < MANY);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 0), -EAGAIN);
	assert_int_equal(two->r.asks.dropped, 2);
	assert_true(ask_keeper__waits(&two->r, 3));
	assert_false(ask_keeper__waits(&two->r, 4));
	assert_int_equal(channel__tell(two->r.channel, CHANNEL_ASK, 0, 0), 0); /* no question, no answer */
	await_answers(two, asked);
	for (int i = 0; i < asked; i++)
		assert_int_equal(errors[i], 0);
	assert_false(ask_keeper__waits(&two->r, 3));
}

/* What an answer gives belongs to the time that was asked about: a stream is not complete up to there before. */
static void test_the_stream_waits_for_answers(void **state)
{
	struct two *two = *state;
	const struct probe_ask early = {.what = PROBE_ASK_SMAPS, .run = 3, .pid = getpid(), .ts = 500};
	const struct probe_ask late = {.what = PROBE_ASK_SMAPS, .run = 3, .pid = getpid(), .ts = 700};

	two->answerer = answerer__start(two->keeper, &own);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), start_of(getpid())), 0); /* of no time */
	assert_int_equal(ask_keeper__ask(&two->r, &two->unit, &late), 0);
	assert_int_equal(ask_keeper__ask(&two->r, &two->unit, &early), 0);
	assert_int_equal(ask_keeper__reached(&two->r, 3, 0, 1000), 499);
	assert_int_equal(ask_keeper__reached(&two->r, 3, 0, 300), 300);
	assert_int_equal(ask_keeper__reached(&two->r, 3, 1, 1000), 1000);
	assert_int_equal(ask_keeper__reached(&two->r, 4, 0, 1000), 1000);
	await_answers(two, 3);
	assert_int_equal(ask_keeper__reached(&two->r, 3, 0, 1000), 1000);
}

/* A keeper without the thread refuses; one that says nothing, or has ended, is not waited for. */
static void test_no_answer(void **state)
{
	struct two *two = *state;
	struct channel_message m = {.kind = CHANNEL_ANSWER};

	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 1), 0);
	await_answers(two, 1);
	assert_int_equal(errors[0], -EAGAIN);

	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 1), 0);
	ask_keeper__expire(&two->r);
	assert_int_equal(answers, 1);
	ask_keeper__finish(&two->r);
	assert_int_equal(answers, 2);
	assert_int_equal(errors[1], -ETIMEDOUT);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 1), -ETIMEDOUT);

	/* A late answer shows that it is there again; one that is too short, or to no question, changes nothing. */
	assert_int_equal(channel__send(two->keeper, &m), 0);
	ask__any(&two->r, 1000);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 1), -ETIMEDOUT);
	assert_true(serve(two));
	ask__any(&two->r, 1000);
	assert_int_equal(answers, 2);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 1), 0);

	close(two->keeper);
	two->keeper = -1;
	ask_keeper__finish(&two->r);
	assert_int_equal(answers, 3);
	assert_int_equal(errors[2], -EPIPE);
	assert_int_equal(ask(two, PROBE_ASK_SMAPS, getpid(), 1), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_process_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_process_is_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_cgroup_is_read, setup, teardown),
		cmocka_unit_test(test_cgroups_that_are_not_there),
		cmocka_unit_test_setup_teardown(test_more_than_fit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_stream_waits_for_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_answer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
