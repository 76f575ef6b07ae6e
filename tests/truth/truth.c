// SPDX-License-Identifier: BSD-2-Clause
/* The conformance suite: processes of which everything is known, and whether the collector says the same.
 *
 *	truth list			the cases
 *	truth run EXPECT [CASE]...	runs them, to be watched: collector -- truth run EXPECT
 *	truth early EXPECT GO		runs some that are there before: collector --pid; ends when the file GO is there
 *	truth still EXPECT [CASE]...	those that stand still, with EXPECT.still and EXPECT.told, see still.c
 *	truth mixed EXPECT COUNT WORKERS	very many of mixed kinds, to be watched too
 *	truth outside EXPECT		runs some that are not watched and must not be seen
 *	truth check EXPECT EVENTS [MEM]	compares with the collector's events (collector-merge --sink jsonl); MEM: the
 *					mem probe's stream, which says what this kernel cannot give
 *	truth child ROLE [ARGUMENT]...	what some cases execute
 *
 * check prints a line a case: its name, then `right`; `null` and which value is missing for what reason;
 * `WRONG` and what; `none`, not run and why. It ends with 1 if anything is WRONG. */
#include "tests/truth/truth.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORT_FD 100

static const struct truth_case *const tables[] = {
	ending_cases, birth_cases, cpu_cases, memory_cases, argv_cases,
	io_cases,     place_cases, oom_cases, quota_cases,  NULL,
};
static const struct truth_case *const still_tables[] = {still_cases, NULL};

char truth_path[4096];
static int expect_fd = -1;
const char *current;
static int report_fd = -1;

uint64_t boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void sleep_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	while (nanosleep(&t, &t) && errno == EINTR)
		continue;
}

static int64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

void burn_us(unsigned us)
{
	int64_t end = thread_ns() + us * 1000ll;

	while (thread_ns() < end)
		continue;
}

void burn_ms(unsigned ms)
{
	burn_us(ms * 1000);
}

void die(const char *what)
{
	fprintf(stderr, "truth: %s: %s: %s\n", current ? current : "", what, strerror(errno));
	exit(99);
}

/* ---- births and ends ---- */

bool born(struct birth *b)
{
	b->before = boot_ns();
	b->pid = fork();
	if (b->pid < 0)
		die("fork");
	b->after = boot_ns();
	return b->pid == 0;
}

void reap(const struct birth *b, struct death *d)
{
	settle(b->pid);
	while (wait4(b->pid, &d->status, __WALL, &d->use) != b->pid)
		if (errno != EINTR)
			die("wait4");
}

static void write_line(const struct birth *b, const char *more, const char *fmt, va_list ap)
{
	char line[8192];
	size_t n = snprintf(line, sizeof(line), "%s pid=%d before=%llu after=%llu %s", current, b->pid,
			    (unsigned long long)b->before, (unsigned long long)b->after, more);

	n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	if (n >= sizeof(line) - 1)
		die("an expectation is too long");
	line[n++] = '\n';
	if (write(expect_fd, line, n) != (ssize_t)n)
		die("expectations");
}

void expect(const struct birth *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(b, "", fmt, ap);
	va_end(ap);
}

void expect_none(const char *why)
{
	dprintf(expect_fd, "%s none=%s\n", current, why);
}

void expect_processes(unsigned count)
{
	dprintf(expect_fd, "%s processes=%u\n", current, count);
}

void expect_end(const struct birth *b, const char *fmt, ...)
{
	char more[64];
	struct death d;
	va_list ap;

	reap(b, &d);
	snprintf(more, sizeof(more), "status=%d maxrss=%ld ", d.status, d.use.ru_maxrss);
	va_start(ap, fmt);
	write_line(b, more, fmt, ap);
	va_end(ap);
}

static long long microseconds(const struct timeval *t)
{
	return t->tv_sec * 1000000ll + t->tv_usec;
}

void expect_cpu(const struct birth *b, const char *fmt, ...)
{
	char more[128];
	struct death d;
	va_list ap;

	reap(b, &d);
	snprintf(more, sizeof(more), "status=%d user=%lld system=%lld ", d.status, microseconds(&d.use.ru_utime),
		 microseconds(&d.use.ru_stime));
	va_start(ap, fmt);
	write_line(b, more, fmt, ap);
	va_end(ap);
}

void open_report(void)
{
	int ends[2];

	if (pipe(ends) || dup2(ends[1], REPORT_FD) < 0)
		die("pipe");
	close(ends[1]);
	report_fd = ends[0];
	fcntl(report_fd, F_SETFD, FD_CLOEXEC);
}

void report(const char *fmt, ...)
{
	static char text[4096]; /* static, and no stdio: memory is being measured */
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (write(REPORT_FD, text, n) != n)
		_exit(96);
}

const char *read_report(void)
{
	static char text[4096];
	size_t n = 0;
	ssize_t got;

	close(REPORT_FD);
	while ((got = read(report_fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += got;
	close(report_fd);
	text[n] = 0;
	return text;
}

void close_report(void)
{
	close(REPORT_FD);
}

void exec_child(const char *role, const char *argument)
{
	execl(truth_path, "truth", "child", role, argument, NULL);
	_exit(127);
}

void start_thread(void *(*body)(void *), intptr_t argument)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	if (pthread_create(&thread, &attr, body, (void *)argument))
		die("pthread_create");
}

void *spin(void *unused)
{
	for (;;)
		__asm__ volatile("" : : "r"(unused) : "memory");
	return NULL;
}

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211ull;
	return hash;
}

/* ---- the command line ---- */

static bool wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	while (*names && strcmp(*names, name))
		names++;
	return *names != NULL;
}

static void for_each_case(const struct truth_case *const *table,
			  void (*action)(const struct truth_case *, char **names), char **names)
{
	for (; *table; table++)
		for (const struct truth_case *c = *table; c->name; c++)
			action(c, names);
}

static void list_case(const struct truth_case *c, char **names)
{
	(void)names;
	printf("%-22s %s%s\n", c->name, c->what, c->guest ? " (only where TRUTH_GUEST is set)" : "");
}

static void run_case(const struct truth_case *c, char **names)
{
	if (!wanted(c->name, names))
		return;
	current = c->name;
	if (c->guest && !getenv("TRUTH_GUEST")) {
		expect_none("changes_the_machine");
		return;
	}
	c->run();
}

static void open_expectations(const char *path)
{
	expect_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (expect_fd < 0)
		die(path);
}

static int run_outside(const char *path)
{
	open_expectations(path);
	current = "outside";
	outside();
	return 0;
}

static int run_early(const char *path, const char *go)
{
	open_expectations(path);
	early(go);
	return 0;
}

static int run_mixed(const char *path, int count, int workers)
{
	open_expectations(path);
	mixed(count, workers);
	return 0;
}

static int run(const char *path, char **names)
{
	open_expectations(path);
	for_each_case(tables, run_case, names);
	return 0;
}

static int run_still(const char *path, char **names)
{
	open_expectations(path);
	for_each_case(still_tables, run_case, names);
	still__finish(path);
	return 0;
}

static int list(void)
{
	for_each_case(tables, list_case, NULL);
	for_each_case(still_tables, list_case, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", truth_path, sizeof(truth_path) - 1);

	truth_path[n > 0 ? n : 0] = 0;
	if (argc >= 2 && !strcmp(argv[1], "child"))
		return child_main(argc - 2, argv + 2);
	if (argc >= 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return run(argv[2], argv + 3);
	if (argc >= 3 && !strcmp(argv[1], "still"))
		return run_still(argv[2], argv + 3);
	if (argc == 5 && !strcmp(argv[1], "mixed"))
		return run_mixed(argv[2], atoi(argv[3]), atoi(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "early"))
		return run_early(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "outside"))
		return run_outside(argv[2]);
	if (argc >= 4 && !strcmp(argv[1], "check"))
		return check(argv[2], argv[3], argc > 4 ? argv[4] : NULL);
	if (argc <= 1)
		return child_main(0, argv);
	fprintf(stderr,
		"usage: truth list | run EXPECT [CASE]... | still EXPECT [CASE]... | early EXPECT GO | mixed EXPECT COUNT WORKERS | "
		"outside EXPECT | check EXPECT EVENTS [MEM]\n");
	return 2;
}
