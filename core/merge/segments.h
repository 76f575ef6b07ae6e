/* SPDX-License-Identifier: BSD-2-Clause */
/* The segments of a stream after its first one: a merge opens each when it gets there. If it has dropped the rights to that, the
 * process that it was started by opens them. */
#ifndef CORE_MERGE_SEGMENTS_H
#define CORE_MERGE_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "core/merge/merge.h"

/* ---- segments.c ---- */

struct segments {
	char *folder; /* its path, as the user wrote it */
	char *real;   /* the same without links, which may show another run later; NULL: unknown */
	char *stream; /* name of the stream, as its files have it */
	dev_t device; /* of the folder */
	ino_t inode;
	bool running; /* the last one was written when they were listed */
	uint32_t last;
	uint64_t bytes;
	const struct merge *merge; /* that says what is left out */
	/* While it follows: what watches the last one that is known, and what is called when that is another one. */
	int inotify, watch; /* 0: does not follow; -1: it cannot be watched */
	void (*moved)(void *arg, int from, int to);
	void *moved_arg;
	/* By another process: */
	int (*request)(const struct segments *segments, uint32_t after, uint32_t *number,
		       int *watch); /* NULL: by this one */
	int ask;
	uint32_t id;
};

/* Those of one stream in a folder; what is known of them is added. NULL: out of memory. */
struct segments *segments__new(const char *folder, const struct stat *st, const char *stream, size_t length);
void segments__free(struct segments *segments); /* takes NULL */
void segments__path(const struct segments *segments, uint32_t number, char *path, size_t size);

/* The reader goes on with them; it frees them. */
void segments__attach(struct segments *segments, const struct merge *merge, struct stream_reader *reader);

/* Opens the first one after this number, by this process, and watches it if `inotify` is not 0. A descriptor, or -errno; what it
 * is about in *number. */
int segments__open(const struct segments *segments, uint32_t after, uint32_t *number, int inotify, int *watch);

/* ---- segments_server.c ---- */

struct segments_server {
	int ends[2]; /* of the process that serves; of the one that asks */
	int inotify; /* 0: none */
	struct segments **all;
	size_t count;
};

/* Before the fork; then all inputs are added. 0 or -errno. */
int segments_server__open(struct segments_server *server);
int segments_server__add(struct segments_server *server, struct segments *segments);
void segments_server__ask(struct segments_server *server);   /* in the child: asks from now on */
void segments_server__serve(struct segments_server *server); /* in the parent: until the child has ended */
void segments_server__free(struct segments_server *server);

#endif
