// SPDX-License-Identifier: BSD-2-Clause
/* Very many processes of mixed kinds, some at a time: truth mixed EXPECT COUNT WORKERS.
 *
 * What a process does is drawn by its number, so that two runs are alike. Each worker makes one after the other,
 * and writes down what wait4, the program itself, or the parent that passed the arguments knows of it. */
#include "tests/truth/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/root/progs/signals.h"

#define ARGS_MAX 64
#define FOREVER (~0ull)

static char *const no_env[] = {NULL};
static uint64_t random_state;

/* splitmix64 */
static uint64_t draw(uint64_t below)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (z ^ z >> 31) % below;
}

/* ---- arguments ---- */

struct arguments {
	char *argv[ARGS_MAX + 8], text[160 << 10];
	size_t length; /* of text, which is them as the kernel lays them out */
	int count;
};
static struct arguments arguments;

static void add_argument(const char *text, size_t length)
{
	struct arguments *a = &arguments;

	a->argv[a->count++] = a->text + a->length;
	memcpy(a->text + a->length, text, length);
	a->text[a->length + length] = 0;
	a->length += length + 1;
	a->argv[a->count] = NULL;
}

/* Any bytes but NUL; some of them long. */
static void add_drawn(void)
{
	static char text[100000];
	size_t length = draw(200) ? draw(60) : draw(sizeof(text));
	bool wild = !draw(4);

	for (size_t i = 0; i < length; i++)
		text[i] = wild ? 1 + draw(255) : 'a' + draw(26);
	if (arguments.length + length < sizeof(arguments.text) - 64)
		add_argument(text, length);
}

/* truth child ROLE NUMBER and others that it does not look at. */
static void draw_arguments(const char *role, int number)
{
	char text[16];
	int more = draw(10) ? draw(8) : draw(ARGS_MAX);

	arguments.count = arguments.length = 0;
	add_argument("truth", 5);
	add_argument("child", 5);
	add_argument(role, strlen(role));
	add_argument(text, snprintf(text, sizeof(text), "%d", number));
	while (more-- > 0)
		add_drawn();
}

static void expect_arguments(const struct birth *b)
{
	expect_cpu(b, "execs=1 args=%zu:%llx", arguments.length,
		   (unsigned long long)hash_bytes(HASH_START, arguments.text, arguments.length));
}

/* ---- kinds: each returns how many processes it made ---- */

static int mixed_exit(void)
{
	int code = draw(256);
	struct birth b;

	if (born(&b))
		_exit(code);
	expect_cpu(&b, "execs=0 threads=1 ppid=%d", getpid());
	return 1;
}

static int mixed_signal(void)
{
	static const int numbers[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGILL,  SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGUSR1,
				      SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGSYS,  34,	   50,	   64};
	int number = numbers[draw(sizeof(numbers) / sizeof(numbers[0]))];
	struct birth b;

	if (born(&b))
		die_by(number);
	expect_cpu(&b, "execs=0 threads=1");
	return 1;
}

static int mixed_exec(void)
{
	struct birth b;

	draw_arguments("exit", draw(256));
	if (born(&b)) {
		execve(truth_path, arguments.argv, no_env);
		_exit(127);
	}
	expect_arguments(&b);
	return 1;
}

static int mixed_vfork_exec(void)
{
	struct birth b = {.before = boot_ns()};

	draw_arguments("exit", draw(256));
	b.pid = vfork();
	if (!b.pid) {
		execve(truth_path, arguments.argv, no_env);
		_exit(127);
	}
	b.after = boot_ns();
	expect_arguments(&b);
	return 1;
}

static int mixed_vfork_exit(void)
{
	struct birth b = {.before = boot_ns()};
	int code = draw(256);

	b.pid = vfork();
	if (!b.pid)
		_exit(code);
	b.after = boot_ns();
	expect_cpu(&b, "execs=0 shared=1");
	return 1;
}

static int mixed_spawn(void)
{
	struct birth b = {.before = boot_ns()};

	draw_arguments("exit", draw(256));
	if (posix_spawn(&b.pid, truth_path, NULL, NULL, arguments.argv, no_env))
		die("posix_spawn");
	b.after = boot_ns();
	expect_arguments(&b);
	return 1;
}

static int mixed_chain(void)
{
	int length = 2 + draw(3);
	struct birth b;
	char text[16];

	snprintf(text, sizeof(text), "%d", length);
	if (born(&b))
		exec_child("chain", text);
	expect_cpu(&b, "execs=%d", length + 1);
	return 1;
}

static int mixed_thread_exec(void)
{
	char code[16];
	struct birth b;

	snprintf(code, sizeof(code), "%d", (int)draw(256));
	if (born(&b))
		exec_child("thread_exec", code);
	expect_cpu(&b, "execs=2");
	return 1;
}

static int mixed_exec_fails(void)
{
	struct birth b;

	if (born(&b)) {
		execl("/nonexistent/program", "program", NULL);
		_exit(127);
	}
	expect_cpu(&b, "execs=0 exec_failed=ENOENT");
	return 1;
}

static int mixed_burn(void)
{
	unsigned us = draw(3000);
	struct birth b;

	if (born(&b)) {
		burn_us(us);
		_exit(0);
	}
	expect_cpu(&b, "cpu_at_least=%u", us);
	return 1;
}

static void *burns(void *us)
{
	burn_us((intptr_t)us);
	return NULL;
}

static void *ends_all(void *code)
{
	burn_us(100);
	syscall(SYS_exit_group, (int)(intptr_t)code);
	return NULL;
}

/* Joined; ended by the leader, or by another, while they work; the leader first. */
static int mixed_threads(void)
{
	int how = draw(4), code = draw(256), threads = 1 + draw(7);
	struct birth b;

	if (born(&b)) {
		pthread_t t[8];

		for (int i = 0; i < threads; i++)
			pthread_create(&t[i], NULL, i || how < 2 ? burns : ends_all,
				       (void *)(intptr_t)(i || how < 2 ? 300 : code));
		for (int i = 0; i < threads && !how; i++)
			pthread_join(t[i], NULL);
		if (how < 2)
			_exit(code);
		if (how == 2)
			syscall(SYS_exit, 3);
		for (;;)
			pause();
	}
	expect_cpu(&b, "execs=0");
	return 1;
}

static void expect_peak_and_cpu(const struct birth *b)
{
	expect_cpu(b, "peak=%s", read_report());
}

static int mixed_hold(void)
{
	size_t bytes = draw(8) * MIB + draw(MIB);
	struct birth b;

	open_report();
	if (born(&b)) {
		touch(take(bytes + 4096, MAP_PRIVATE | MAP_ANONYMOUS, -1), bytes);
		say_peak();
	}
	expect_peak_and_cpu(&b);
	return 1;
}

static int mixed_exec_hold(void)
{
	char mib[16];
	struct birth b;

	snprintf(mib, sizeof(mib), "%d", (int)draw(8));
	open_report();
	if (born(&b)) {
		touch(take(12 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1), draw(12) * MIB); /* of no program's peak */
		exec_child("peak", mib);
	}
	expect_peak_and_cpu(&b);
	return 1;
}

static int mixed_sleep(void)
{
	unsigned ms = 1 + draw(10);
	bool killed = draw(2);
	struct birth b;

	if (born(&b)) {
		sleep_ms(killed ? 10000 : ms);
		_exit(0);
	}
	if (killed)
		kill(b.pid, draw(2) ? SIGKILL : SIGTERM);
	expect_cpu(&b, "execs=0 threads=1");
	return 1;
}

static int mixed_stopped(void)
{
	struct birth b;
	int status;

	if (born(&b)) {
		raise(SIGSTOP);
		_exit(1);
	}
	waitpid(b.pid, &status, WUNTRACED);
	kill(b.pid, draw(2) ? SIGKILL : SIGCONT);
	expect_cpu(&b, "execs=0");
	return 1;
}

/* Alive at once. */
static int mixed_burst(void)
{
	struct birth b[24];
	int count = 2 + draw(22);

	for (int i = 0; i < count; i++)
		if (born(&b[i])) {
			sleep_ms(2);
			_exit(i);
		}
	for (int i = 0; i < count; i++)
		expect_cpu(&b[i], "execs=0 threads=1");
	return count;
}

/* Its parent ends first; a process of the system takes it in. */
static int mixed_orphan(void)
{
	struct birth outer, b;
	int code = draw(256);

	open_report();
	if (born(&outer)) {
		if (born(&b)) {
			sleep_ms(2);
			_exit(code);
		}
		report("%d %lu %lu", b.pid, b.before, b.after);
		_exit(0);
	}
	expect_cpu(&outer, "execs=0");
	sscanf(read_report(), "%d %lu %lu", &b.pid, &b.before, &b.after); /* waits for its end */
	expect(&b, "status=%d execs=0 born_of=%d", code << 8, outer.pid);
	return 2;
}

/* A parent with children of its own, which it waits for. */
static int mixed_family(void)
{
	int children = 1 + draw(4);
	struct birth b;

	if (born(&b)) {
		for (int i = 0; i < children; i++)
			mixed_exit();
		_exit(children);
	}
	expect_end(&b, "execs=0 descendants=%d", children);
	return children + 1;
}

static const struct kind {
	const char *name;
	int weight; /* of a thousand draws */
	int (*make)(void);
} kinds[] = {
	{"mixed_exit", 210, mixed_exit},
	{"mixed_signal", 80, mixed_signal},
	{"mixed_exec", 190, mixed_exec},
	{"mixed_vfork_exec", 90, mixed_vfork_exec},
	{"mixed_vfork_exit", 40, mixed_vfork_exit},
	{"mixed_spawn", 50, mixed_spawn},
	{"mixed_chain", 20, mixed_chain},
	{"mixed_thread_exec", 20, mixed_thread_exec},
	{"mixed_exec_fails", 20, mixed_exec_fails},
	{"mixed_burn", 60, mixed_burn},
	{"mixed_threads", 60, mixed_threads},
	{"mixed_hold", 60, mixed_hold},
	{"mixed_exec_hold", 30, mixed_exec_hold},
	{"mixed_sleep", 20, mixed_sleep},
	{"mixed_stopped", 10, mixed_stopped},
	{"mixed_burst", 10, mixed_burst},
	{"mixed_orphan", 10, mixed_orphan},
	{"mixed_family", 20, mixed_family},
};

static const struct kind *draw_kind(void)
{
	const struct kind *kind = kinds;

	for (int n = draw(1000); n >= kind->weight; kind++)
		n -= kind->weight;
	return kind;
}

/* At least `count` processes; how many there were goes to the parent. */
static void work(int worker, int count, int out)
{
	int made = 0;

	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
	random_state = worker;
	while (made < count) {
		const struct kind *kind = draw_kind();

		current = kind->name;
		made += kind->make();
	}
	if (write(out, &made, sizeof(made)) != sizeof(made))
		die("write");
	_exit(0);
}

void mixed(int count, int workers)
{
	struct birth b[64], own = {.pid = getpid(), .after = FOREVER};
	int made, total = 1, ends[2];

	workers = workers < 1 ? 1 : workers > 64 ? 64 : workers;
	current = "mixed_workers";
	if (pipe(ends))
		die("pipe");
	for (int i = 0; i < workers; i++)
		if (born(&b[i]))
			work(i, (count + workers - 1) / workers, ends[1]);
	for (int i = 0; i < workers; i++) {
		expect_end(&b[i], "execs=0 threads=1 ppid=%d", own.pid);
		if (read(ends[0], &made, sizeof(made)) != sizeof(made))
			die("read");
		total += made + 1;
	}
	expect(&own, "status=0");
	current = "mixed_all";
	expect_processes(total);
}
