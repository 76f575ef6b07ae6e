/* SPDX-License-Identifier: BSD-2-Clause */
/* A run's folder: OUT/RUN_ID with one empty file per stream, and the link OUT/latest. Made by the keeper, with the rights
 * of the command that it starts. */
#ifndef CORE_DAEMON_FOLDER_H
#define CORE_DAEMON_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/error.h"

struct folder {
	char *id;
	char *path; /* OUT/ID, for messages */
	int outfd, dirfd;
	int *files; /* one per stream, in order */
	size_t count;
};

struct folder_opts {
	const char *output;
	const char *name; /* of the run */
	uid_t uid;	  /* owner of what is made; -1: unchanged */
	gid_t gid;
	bool group_reads; /* what is made; else only its owner does */
};

/* Checks that the output folder, if it exists, is a writable directory, and that no link of another user leads to it.
 * Warns if a user that is neither root, this process's nor `owner` can replace runs in it. 0, or -errno with `err` set. */
int folder__check_output(const char *output, uid_t owner, struct error *err);

/* Opens the output folder, after creating it unless it exists (its parent must). Its descriptor, or -errno with `err`
 * set. */
int folder__open_output(const struct folder_opts *opts, struct error *err);

/* Becomes the owner of the output folder, after making it, unless that is root, for good. 1; 0: it is not changed; or -errno,
 * logged. */
int folder__become_owner(const struct folder_opts *opts);

/* Makes the folder and the files of `count` streams, under a hidden name until folder__keep(): a run that can be seen has its
 * headers. Overwrites nothing; on failure removes what it made.
 * 0, or -errno with `err` set. */
int folder__make(struct folder *folder, const struct folder_opts *opts, const char *const *streams, size_t count,
		 struct error *err);

/* Gives it its name, and makes it the latest run. 0, or -errno, logged. */
int folder__keep(const struct folder *folder, const struct folder_opts *opts);

/* Removes it, with the files that it was made with. */
void folder__remove(const struct folder *folder, const char *const *streams);

void folder__close(struct folder *folder); /* its descriptors */

#endif
