/* SPDX-License-Identifier: BSD-2-Clause */
/* The folders of the runs that are recorded, in which the keeper makes the files of further segments. Header of the room. */
#ifndef CORE_ROTATE_ROTATE_H
#define CORE_ROTATE_ROTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct delivered;

struct rotate_stream {
	char *name;
	uint32_t made;	  /* the last segment; 0: none */
	uint32_t cleared; /* as many of the first ones */
	uint32_t until;	  /* while space is freed: the first segment that stays */
};

struct rotate_run {
	struct rotate_run *next;
	uint32_t run;
	char *id;
	int folder;
	size_t count;
	struct rotate_stream streams[];
};

struct rotate_owner {
	uid_t uid; /* of what is made; -1: unchanged */
	gid_t gid;
	mode_t mode;
};

/* ---- rotate.c ---- */

/* A run with these streams, in the folder `id`, of which it keeps a descriptor. 0 or -errno. */
int rotate__add(struct rotate_run **runs, uint32_t run, const char *id, int folder, const char *const *streams,
		size_t count);

/* Makes the file of a segment of the run's stream number `stream`, or opens the one made last if it is still empty: it was not
 * taken. A descriptor, or -errno; never of a file that another process made. */
int rotate__make(struct rotate_run *runs, uint32_t run, size_t stream, uint32_t segment,
		 const struct rotate_owner *owner);

/* The run has ended: a file that was not taken goes. */
void rotate__end(struct rotate_run **runs, uint32_t run);
void rotate__free(struct rotate_run *runs);				/* takes NULL; the same for all */
struct rotate_run *rotate__find(struct rotate_run *runs, uint32_t run); /* NULL: there is none */

/* ---- rotate_space.c ---- */

/* Clears segments that all sinks have delivered, the oldest first, until these bytes are free: of each the header stays. Returns
 * how many bytes that are. */
uint64_t rotate__free_space(struct rotate_run *runs, uint32_t run, struct delivered *delivered, uint64_t bytes);

#endif
