/* SPDX-License-Identifier: BSD-2-Clause */
/* Burns CPU in several threads and takes memory in steps, and says at each step what it has used by its own
 * clocks and /proc. Usage: grow STEPS THREADS MIB-PER-STEP; a step takes 50 ms; half-way all memory is given back. */
#include "witness.h"

#include <fcntl.h>

static void *burn_on(void *arg)
{
	for (;;)
		burn_ms(1000);
	return arg;
}

static long rss_kib(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY), n = read(fd, text, sizeof(text) - 1);
	long size, resident;

	close(fd);
	text[n > 0 ? n : 0] = 0;
	if (sscanf(text, "%ld %ld", &size, &resident) != 2)
		die("statm");
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
	int steps = atoi(argv[1]), threads = atoi(argv[2]);
	size_t mib = argc > 3 ? atoi(argv[3]) : 0, size = mib << 20;
	char *memory = mmap(NULL, size * steps + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t t;

	for (int i = 1; i < threads; i++)
		pthread_create(&t, NULL, burn_on, NULL);
	for (int i = 0; i < steps; i++) {
		uint64_t until = boot_ns() + 50000000;
		struct timespec used;
		uint64_t from;

		if (i == steps / 2)
			madvise(memory, size * i, MADV_DONTNEED);
		else
			memset(memory + size * i, 1, size);
		from = boot_ns(); /* what was read was so between these two */
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
		printf("{\"pid\":%d,\"from\":%llu,\"cpu_ns\":%llu,\"rss_kib\":%ld,", getpid(), (unsigned long long)from,
		       used.tv_sec * 1000000000ull + used.tv_nsec, rss_kib());
		printf("\"to\":%llu}\n", (unsigned long long)boot_ns());
		while (boot_ns() < until)
			if (!threads)
				sleep_ms(5);
	}
	fflush(stdout);
	_exit(0);
}
