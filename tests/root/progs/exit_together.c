// SPDX-License-Identifier: BSD-2-Clause
/* Children, each with two threads that read 5 and 7 bytes and then exit at the same time. Usage: exit_together COUNT */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int ready;
static int zero;

static void read_and_exit(size_t bytes)
{
	char text[8];

	if (read(zero, text, bytes) != (ssize_t)bytes)
		abort();
	ready++;
	while (ready < 2)
		continue;
	syscall(SYS_exit, 0);
}

static void *other(void *unused)
{
	(void)unused;
	read_and_exit(7);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1;
	pthread_t thread;

	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (!pid) {
			pthread_create(&thread, NULL, other, NULL);
			read_and_exit(5);
		}
		printf("{\"pid\": %d}\n", pid);
		waitpid(pid, NULL, 0);
	}
	return 0;
}
