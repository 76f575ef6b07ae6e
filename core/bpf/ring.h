/* SPDX-License-Identifier: BSD-2-Clause */
/* The reader of a BPF ring buffer. libbpf's maps the data twice, one copy after the other, to read an event across the end in
 * one piece: all of it counts twice as resident memory. Here such an event is copied. Not thread-safe. */
#ifndef CORE_BPF_RING_H
#define CORE_BPF_RING_H

#include <stddef.h>

struct ring;

/* Called for each event, which is valid during the call and aligned to 8 bytes. */
typedef void (*ring_event)(void *arg, const void *event, size_t size);

/* Maps the ring buffer of this map. NULL, errno is set. The caller frees it with ring__close(), and keeps the descriptor,
 * which is readable while events are pending. */
struct ring *ring__open(int map_fd, ring_event event, void *arg);
void ring__close(struct ring *ring); /* also NULL */

/* Passes all pending events to event(). Returns their number. */
int ring__drain(struct ring *ring);

#endif
