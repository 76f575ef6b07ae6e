/* SPDX-License-Identifier: BSD-2-Clause */
/* What a line that a program wrote is for, by its form: of the last ones, not all say what was wrong. */
#ifndef SINKS_TOTALS_LINE_KIND_H
#define SINKS_TOTALS_LINE_KIND_H

#include "sinks/totals/story.h"

enum line_kind {
	LINE_PLAIN,
	LINE_HEAD,    /* a message begins with it, and what follows explains it */
	LINE_CALL,    /* a frame with its place in the sources: the first one after what happened says where */
	LINE_FRAME,   /* of a stack that begins with the last call */
	LINE_CURRENT, /* the frames that follow are those of the thread that failed */
	LINE_NOTHING, /* says nothing: counts, hints, where there is help */
};

/* Blanks around the line do not count. */
enum line_kind line_kind__of(const struct story_line *line);

#endif
