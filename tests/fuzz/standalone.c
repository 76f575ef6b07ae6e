/* SPDX-License-Identifier: BSD-2-Clause */
/* A main for fuzz targets without a fuzzer: runs every file given, to replay a corpus or a finding. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long size = -1;

	if (file && !fseek(file, 0, SEEK_END))
		size = ftell(file);
	if (size >= 0 && !fseek(file, 0, SEEK_SET)) {
		bytes = malloc(size ? size : 1);
		if (bytes && fread(bytes, 1, size, file) == (size_t)size)
			LLVMFuzzerTestOneInput(bytes, size);
		else
			size = -1;
	}
	if (size < 0)
		perror(path);
	free(bytes);
	if (file)
		fclose(file);
	return size < 0;
}

int main(int argc, char **argv)
{
	int i, failed = 0;

	for (i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}
