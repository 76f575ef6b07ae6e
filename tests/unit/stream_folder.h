/* SPDX-License-Identifier: BSD-2-Clause */
/* A folder for each test, and streams of the made-up probe in it. */
#ifndef TESTS_UNIT_STREAM_FOLDER_H
#define TESTS_UNIT_STREAM_FOLDER_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/stream_made.h"

/* Later than any boot: the streams are opened before it. */
#define TS (1ULL << 60)

struct folder {
	char path[256];
	int fd;
};

static int setup(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	*state = folder;
	folder->fd = made__folder(folder->path, sizeof(folder->path));
	return folder->fd < 0;
}

static int teardown(void **state)
{
	struct folder *folder = *state;

	close(folder->fd);
	made__remove(folder->path);
	free(folder);
	return 0;
}

static inline struct stream_writer *open_writer(const struct folder *folder, const char *stream)
{
	struct stream_writer_opts opts = made__opts(stream);
	struct stream_writer *w;

	assert_int_equal(stream_writer__open(&w, folder->fd, &opts), 0);
	return w;
}

#endif
