/* SPDX-License-Identifier: BSD-2-Clause */
/* A storm of processes: storm COUNT WORKERS. Every second one runs a program. Prints the children's pids. */
#include "witness.h"

static char *const run_nothing[] = {"storm", NULL};
static char *const empty_env[] = {NULL};

static void worker(int count, int out)
{
	int *pids = malloc(count * sizeof(*pids)), status;

	for (int i = 0; i < count; i++) {
		pids[i] = i % 2 ? vfork() : fork();
		if (!pids[i] && i % 2)
			execve("/proc/self/exe", run_nothing, empty_env);
		if (!pids[i])
			_exit(0);
		if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i] || status)
			die("child");
	}
	/* together they are longer than what a pipe takes at once: a line each, written whole */
	for (int i = 0; i < count; i++) {
		char line[16];
		int n = snprintf(line, sizeof(line), "%d\n", pids[i]);

		if (write(out, line, n) != n)
			die("write");
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int status, workers;

	if (argc < 3)
		return 0;
	workers = atoi(argv[2]);
	for (int i = 0; i < workers; i++)
		if (!fork())
			worker(atoi(argv[1]) / workers, STDOUT_FILENO);
	while (wait(&status) > 0)
		if (status)
			return 1;
	return 0;
}
