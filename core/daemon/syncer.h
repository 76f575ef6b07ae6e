/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread that waits for the disk, so that the one which reads the ring buffers never does. Jobs are done in the order
 * in which they are added. */
#ifndef CORE_DAEMON_SYNCER_H
#define CORE_DAEMON_SYNCER_H

struct syncer;

/* Belongs to the caller; what it refers to is the syncer's until syncer__done() returns it. */
struct syncer_job {
	struct syncer_job *next;
	void (*work)(void *arg); /* on the syncer's thread */
	void *arg;
};

struct syncer *syncer__new(void); /* NULL: out of memory */

/* Starts the thread. It keeps the capabilities that the caller has now, blocks all signals, and no fork may come
 * after it. 0 or -errno. */
int syncer__start(struct syncer *syncer);

void syncer__add(struct syncer *syncer, struct syncer_job *job);

/* The next job that has been done, or NULL. Does not block. */
struct syncer_job *syncer__done(struct syncer *syncer);

/* Waits until all jobs have been done, and ends the thread; if none was started, does them here. */
void syncer__finish(struct syncer *syncer);

void syncer__free(struct syncer *syncer); /* after syncer__finish(); takes NULL */

#endif
