/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions about what a header says. */
#include <stdio.h>
#include <string.h>

#include "core/base/base.h"
#include "core/stream.h"

void stream_marker__put(char text[STREAM_MARKER_TEXT], const uint8_t marker[STREAM_MARKER])
{
	for (size_t i = 0; i < STREAM_MARKER; i++)
		snprintf(text + 2 * i, 3, "%02x", marker[i]);
}

uint64_t stream_marker__sum(const char *marker)
{
	return hash__bytes(0, marker, strlen(marker));
}

bool stream_info__lacks(const struct stream_info *info, const char *event)
{
	size_t length = strlen(event);

	/* "event: reason"; "event.field: reason" is about a field. */
	for (const char *const *text = info->unavailable; *text; text++)
		if (!strncmp(*text, event, length) && (*text)[length] == ':')
			return true;
	for (uint32_t kind = 0; info->selected && kind < info->events_count; kind++)
		if (info->events[kind].name && !strcmp(info->events[kind].name, event))
			return !info->selected[kind];
	return false;
}

static bool same_event(const struct stream_event *a, const struct stream_event *b)
{
	if (!a->name || !b->name)
		return a->name == b->name;
	if (strcmp(a->name, b->name) || strcmp(a->stream, b->stream) || a->role != b->role ||
	    a->fields_count != b->fields_count)
		return false;
	for (uint32_t i = 0; i < a->fields_count; i++)
		if (strcmp(a->fields[i].name, b->fields[i].name) || a->fields[i].type != b->fields[i].type)
			return false;
	return true;
}

bool stream_info__same_stream(const struct stream_info *a, const struct stream_info *b)
{
	if (strcmp(a->stream, b->stream) || strcmp(a->run.id, b->run.id) || a->run.number != b->run.number ||
	    strcmp(a->boot_id, b->boot_id) || strcmp(a->host, b->host) || a->events_count != b->events_count)
		return false;
	for (uint32_t kind = 0; kind < a->events_count; kind++)
		if (!same_event(&a->events[kind], &b->events[kind]))
			return false;
	return true;
}
