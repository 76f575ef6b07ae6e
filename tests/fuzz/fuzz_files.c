/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever bytes as files that others wrote: a plugin, whose headers are compared with its size, a trace file of Nextflow, and
 * the footer of a Parquet file. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/plugin_elf.h"
#include "core/lake/compact.h"
#include "sinks/steps/nextflow.h"
#include "tests/fuzz/fuzz.h"

static void check_trace(const char *path)
{
	struct nextflow *nextflow;
	struct error err = {0};

	if (nextflow__load(&nextflow, path, 0, &err)) {
		EXPECT(*err.text);
		return;
	}
	for (size_t i = 0; i < nextflow->tasks_count; i++) {
		const char *hash = nextflow__value(nextflow, nextflow->tasks[i], "hash");

		EXPECT(!hash || nextflow__find(nextflow, hash));
	}
	nextflow__free(nextflow);
}

static void check_footer(const uint8_t *data, size_t size)
{
	struct text form = {0};

	EXPECT(!lake_footer__form(data, size, &form) || form.size < size);
	text__free(&form);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;
	const char *fault;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	EXPECT(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fault = plugin_elf__fault(fd, size);
	EXPECT(fault ? *fault : size >= 64); /* a segment may be the header itself */
	check_trace(path);
	check_footer(data, size);
	return 0;
}
