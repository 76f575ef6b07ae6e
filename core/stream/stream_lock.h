/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a stream is still written, by a lock that its writer holds on the file itself: the kernel releases it when
 * the writer ends, however it ends, and a copy of the file has none. Not installed. */
#ifndef CORE_STREAM_STREAM_LOCK_H
#define CORE_STREAM_STREAM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The file that was locked, for the header: a lock taken through an overlay file system does not show on the file
 * below it, which has the same inode on another device. */
struct stream_lock {
	uint64_t device, inode; /* 0: it could not be locked */
};

/* Locks the file for its writer. */
struct stream_lock stream_lock__take(int fd);

/* Processes that were forked and have not executed anything share the lock: closing the file does not release it. */
void stream_lock__drop(int fd);

/* Whether a writer holds it; takes nothing. False also if that cannot be asked. */
bool stream_lock__is_held(int fd);

/* Whether the lock says anything about the writer: it was taken on this very file, on this host since its boot, and
 * the file system is this host's own. `lock` and `boot_id` are the header's. */
bool stream_lock__is_meant(int fd, const struct stream_lock *lock, const char *boot_id);

/* Whether it is certain that nothing writes the file any more: its writer locked it, on a file system of this host's
 * own, and no lock is there. */
bool stream_lock__is_released(int fd, const struct stream_lock *lock, const char *boot_id);

#define STREAM_BOOT_ID 64

/* "" if the kernel does not provide it: such a stream counts as a boot of its own. */
void stream_boot_id__read(char id[STREAM_BOOT_ID]);

#endif
