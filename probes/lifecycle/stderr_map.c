/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns the numbers of descriptor 2 into the items of a map. */
#include "core/probe.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/lifecycle/lifecycle.h"
#include "probes/lifecycle/stderr_map.h"

static const char *type_of(const struct lifecycle_stderr *error)
{
	switch (error->mode & S_IFMT) {
	case 0:
		return "closed";
	case S_IFREG:
		return "file";
	case S_IFIFO:
		return "pipe";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		if (error->rdev == DEVICE_NULL)
			return "null";
		return device__is_terminal(error->rdev) ? "tty" : "other";
	default:
		return "other";
	}
}

/* The items end in a NUL each. Returns their size. */
static int print(const struct lifecycle_stderr *error, char *text, size_t size)
{
	unsigned long long inode = error->inode, offset = error->offset, bytes = error->size;
	unsigned long long device = device__shown(error->device);
	const char *type = type_of(error);

	if (!error->mode)
		return snprintf(text, size, "type=%s", type) + 1;
	if (!S_ISREG(error->mode))
		return snprintf(text, size, "type=%s%cdevice=%llu%cinode=%llu", type, 0, device, 0, inode) + 1;
	return snprintf(text, size, "type=%s%cdevice=%llu%cinode=%llu%coffset=%llu%csize=%llu%cpath=", type, 0, device,
			0, inode, 0, offset, 0, bytes, 0);
}

void stderr_map__complete(struct lifecycle_stderr *error, struct event *event, size_t least, size_t size)
{
	struct event_map *map = &error->map;
	char text[LIFECYCLE_STDERR_ROOM];
	int length;

	if (map->reason != EVENT_REASON_NONE && map->reason != EVENT_REASON_TRUNCATED)
		return;
	if (map->offset < least + sizeof(text) || map->offset > size || map->length > size - map->offset) {
		*map = (struct event_map){.reason = EVENT_REASON_FAULT};
		return;
	}
	length = print(error, text, sizeof(text));
	map->offset -= length;
	map->length += length;
	memcpy((char *)event + map->offset, text, length);
}
