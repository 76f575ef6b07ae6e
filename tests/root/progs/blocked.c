/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that block for good, each in another way, and for each kind one that does the same but goes on. Says their
 * pids, as {"kind": pid}; a line "wake" on stdin wakes the reader of a pipe, the end of stdin ends all. */
#include "tests/root/progs/witness.h"

#include "tests/root/progs/blocked.h"

static pid_t start(const struct kind *kind, bool goes_on)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	kind->block(goes_on);
	_exit(1);
}

int main(void)
{
	size_t count = sizeof(kinds) / sizeof(kinds[0]);
	pid_t pids[2 * sizeof(kinds) / sizeof(kinds[0])];
	char line[16];

	must(pipe(wake), "pipe");
	printf("{");
	for (size_t i = 0; i < 2 * count; i++) {
		pids[i] = start(&kinds[i / 2], i % 2);
		printf("%s\"%s%s\": %d", i ? ", " : "", kinds[i / 2].name, i % 2 ? "_on" : "", pids[i]);
	}
	printf("}\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		must(write(wake[1], "x", 1), "write");
	for (size_t i = 0; i < 2 * count; i++)
		kill(pids[i], SIGKILL);
	for (size_t i = 0; i < 2 * count; i++)
		waitpid(pids[i], NULL, 0);
	return 0;
}
