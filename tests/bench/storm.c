/* SPDX-License-Identifier: BSD-2-Clause */
/* What the benchmark watches: very many processes, one after another or all at once.
 *
 *	storm run COUNT JOBS PROGRAM PID	JOBS workers run PROGRAM, COUNT times in all, one by one each
 *	storm sleep COUNT			COUNT processes sleep; SIGUSR1 wakes each once, SIGTERM ends all
 *
 * run prints, in ns: the wall time, the CPU time of all processes, and that of the watcher PID meanwhile. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGES 256
#define PAGE 4096

static char pages[PAGES][PAGE];

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* What the scheduler says a process's first thread has run, ns. */
static unsigned long long ran(pid_t pid)
{
	unsigned long long ns = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = fopen(path, "r");
	if (file && fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

static int run_one(const char *program)
{
	char *argv[] = {"tiny", NULL}, *envp[] = {NULL};
	pid_t pid = vfork();
	int status;

	if (!pid) {
		execve(program, argv, envp);
		_exit(127);
	}
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

static void work(long count, const char *program, int go)
{
	int failed = 0;
	char byte;

	if (read(go, &byte, 1) < 0)
		die("read");
	while (count-- && !failed)
		failed = run_one(program);
	_exit(failed);
}

static int run(long count, int jobs, const char *program, pid_t watcher)
{
	unsigned long long begin, end, before;
	int go[2], status, failed = 0;
	struct rusage usage;

	if (pipe(go))
		die("pipe");
	for (int i = 0; i < jobs; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			close(go[1]);
			work(count / jobs + (i < count % jobs), program, go[0]);
		}
	}
	before = ran(watcher);
	begin = now();
	close(go[1]); /* they are off */
	while (wait(&status) > 0)
		failed |= status;
	end = now();
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("%llu %llu %llu\n", end - begin,
	       (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ull +
		       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull,
	       ran(watcher) - before);
	return failed != 0;
}

/* Another page each time, so that its memory changes too. */
static void on_wake(int number)
{
	static unsigned at;

	(void)number;
	pages[at++ % PAGES][0] = 1;
}

static void sleeper(pid_t parent, const sigset_t *none)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR2, on_wake);
	while (getppid() == parent)
		sigsuspend(none);
	_exit(0);
}

static int sleepers(long count)
{
	sigset_t set, none;
	pid_t self = getpid();
	int number;

	/* Its own group, to wake all by one call. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid)
			sleeper(self, &none);
	}
	printf("%d\n", self);
	fflush(stdout);
	signal(SIGUSR2, SIG_IGN);
	while (!sigwait(&set, &number) && number != SIGTERM)
		if (number == SIGUSR1)
			kill(0, SIGUSR2);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "run"))
		return run(atol(argv[2]), atoi(argv[3]), argv[4], atoi(argv[5]));
	if (argc == 3 && !strcmp(argv[1], "sleep"))
		return sleepers(atol(argv[2]));
	fprintf(stderr, "Usage: storm run COUNT JOBS PROGRAM PID | storm sleep COUNT\n");
	return 2;
}
