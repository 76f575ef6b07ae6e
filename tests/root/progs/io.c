/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes, in threads too, and says what /proc/self/io has of it. Usage: io FILE MIB THREADS */
#include "witness.h"

#include <fcntl.h>

static const char *path;
static int mib;

static void *work(void *arg)
{
	static char buffer[1 << 20];
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < mib; i++)
		if (pwrite(fd, buffer, sizeof(buffer), (off_t)i << 20) != sizeof(buffer))
			die("write");
	fsync(fd);
	for (int i = 0; i < mib; i++)
		if (pread(fd, buffer, sizeof(buffer), (off_t)i << 20) != sizeof(buffer))
			die("read");
	close(fd);
	return arg;
}

int main(int argc, char **argv)
{
	static char text[4096], out[5000];
	int fd, n, threads = atoi(argv[3]);
	pthread_t t;

	(void)argc;
	path = argv[1];
	mib = atoi(argv[2]);
	for (int i = 0; i < threads; i++) {
		pthread_create(&t, NULL, work, NULL);
		pthread_join(t, NULL);
	}
	work(NULL);
	fd = open("/proc/self/io", O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		die("/proc/self/io");
	for (int i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = ' ';
	/* this read and this write come on top */
	n = snprintf(out, sizeof(out), "{\"pid\":%d,\"read\":%d,\"io\":\"%s\"}\n", getpid(), n, text);
	if (write(STDOUT_FILENO, out, n) != n)
		die("write");
	_exit(0);
}
