/* SPDX-License-Identifier: BSD-2-Clause */
/* How long system calls take: calls N, the nanoseconds of one getppid() and of one write() of 64 bytes to descriptor 2, a
 * pipe that is read at the same time. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	static const char line[64] = "a line of a tool that has much to say of its progress, and no\n";
	long n = argc > 1 ? atol(argv[1]) : 1000000;
	char sink[65536];
	double begin, calls, writes;
	int ends[2];

	if (pipe(ends))
		return 1;
	if (!fork()) {
		close(ends[1]);
		while (read(ends[0], sink, sizeof(sink)) > 0)
			;
		_exit(0);
	}
	close(ends[0]);
	dup2(ends[1], 2);
	close(ends[1]);
	begin = now_ns();
	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	calls = now_ns() - begin;
	begin = now_ns();
	for (long i = 0; i < n / 10; i++)
		if (write(2, line, sizeof(line)) < 0)
			return 1;
	writes = now_ns() - begin;
	close(2);
	wait(NULL);
	printf("%.1f %.1f\n", calls / n, writes / (n / 10));
	return 0;
}
