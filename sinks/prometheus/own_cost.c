/* SPDX-License-Identifier: BSD-2-Clause */
/* The cost of this process, by the conventional names; node_exporter refuses them in its text files. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sinks/prometheus/prometheus.h"

static void put(struct text *out, const char *name, const char *type, const char *help, double value)
{
	text__printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.3f\n", name, help, name, type, name, value);
}

static unsigned open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count > 3 ? count - 3 : 0; /* ".", "..", the folder itself */
}

/* Pages that are resident, by /proc/self/statm. */
static unsigned long long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (file) {
		if (fscanf(file, "%*u %llu", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	return pages;
}

void own_cost__write(struct text *out)
{
	struct rusage usage;
	double cpu;

	getrusage(RUSAGE_SELF, &usage);
	cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	      (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	put(out, "process_cpu_seconds_total", "counter", "CPU time of the process that feeds this sink.", cpu);
	put(out, "process_resident_memory_bytes", "gauge", "Resident memory of that process.",
	    (double)resident() * (double)sysconf(_SC_PAGESIZE));
	put(out, "process_open_fds", "gauge", "Open descriptors of that process.", open_files());
}
