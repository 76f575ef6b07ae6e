/* SPDX-License-Identifier: BSD-2-Clause */
/* The field `stderr`, made of what the kernel says of descriptor 2. Includes nothing. */
#ifndef PROBES_LIFECYCLE_STDERR_MAP_H
#define PROBES_LIFECYCLE_STDERR_MAP_H

struct event;
struct lifecycle_stderr;

/* Puts the numbers in front of the path, into the room that was left for them in this event of `size` bytes, whose struct
 * has `least`. */
void stderr_map__complete(struct lifecycle_stderr *error, struct event *event, size_t least, size_t size);

#endif
