/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that are all there at once: crowd COUNT EARLY. The first EARLY end; then the others run a program and
 * end too. A word on standard output after each of the three steps, and a line of standard input before the next. */
#include "witness.h"

static char *const run_nothing[] = {"crowd", NULL};
static char *const empty_env[] = {NULL};

static void child(int gate)
{
	char c;

	if (read(gate, &c, 1))
		_exit(99);
	execve("/proc/self/exe", run_nothing, empty_env);
	_exit(127);
}

static void early_child(int gate)
{
	char c;

	_exit(read(gate, &c, 1) ? 99 : 0);
}

static void reap(int count)
{
	int status;

	while (count-- > 0)
		if (wait(&status) < 0 || status)
			die("wait");
}

static void step(const char *word)
{
	char line[16];

	puts(word);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		die("stdin");
}

int main(int argc, char **argv)
{
	int count, early, first[2], second[2];

	if (argc < 3)
		return 0;
	count = atoi(argv[1]);
	early = atoi(argv[2]);
	if (pipe(first) || pipe(second))
		die("pipe");
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		close(first[1]);
		close(second[1]);
		if (i < early)
			early_child(first[0]);
		child(second[0]);
	}
	step("born");
	close(first[1]);
	reap(early);
	step("fewer");
	close(second[1]);
	reap(count - early);
	step("none");
	return 0;
}
