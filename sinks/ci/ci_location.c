/* SPDX-License-Identifier: BSD-2-Clause */
/* Where in the sources a failure was reported, by the message of the program that failed. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "sinks/ci/ci.h"

#define LINES 20	 /* of what it wrote last */
#define MESSAGE_MAX 1000 /* bytes: those that name a place are short */

/* The first group is the file, the second the line. */
static const char *const shapes[] = {
	"^([^: ][^:]*): line ([0-9]+): ",		    /* sh, bash */
	"^([^: ][^:]*):([0-9]+):([0-9]+:)? (fatal )?error", /* gcc, clang, rustc */
	"^ *File \"([^\"]+)\", line ([0-9]+)",		    /* Python */
};

/* The path from the workspace, if it is below it. */
static bool put_path(struct text *out, const char *path, const struct model_text *cwd, const char *workspace)
{
	size_t n = strlen(workspace);
	struct text whole = {0};
	bool below;

	if (*path != '/' && cwd && cwd->data) {
		text__put(&whole, cwd->data, cwd->length);
		text__printf(&whole, "/");
	}
	text__printf(&whole, "%s", strncmp(path, "./", 2) ? path : path + 2);
	below = !whole.error && *whole.data == '/' && !strncmp(whole.data, workspace, n) && whole.data[n] == '/' &&
		!strstr(whole.data, "/../");
	if (below)
		text__safe(out, whole.data + n + 1, strlen(whole.data + n + 1));
	text__free(&whole);
	return below;
}

static bool find_in(const regex_t *shape, const struct story_line *message, struct text *file, unsigned *number,
		    const struct model_text *cwd, const char *workspace)
{
	char line[MESSAGE_MAX], *path;
	regmatch_t found[3];

	if (message->length >= sizeof(line))
		return false;
	memcpy(line, message->at, message->length);
	line[message->length] = '\0';
	if (regexec(shape, line, 3, found, 0))
		return false;
	path = line + found[1].rm_so;
	line[found[1].rm_eo] = '\0';
	*number = (unsigned)strtoul(line + found[2].rm_so, NULL, 10);
	return *number && put_path(file, path, cwd, workspace);
}

bool ci_location__find(struct text *file, unsigned *line, const struct model_said *said, const struct model_text *cwd,
		       const char *workspace)
{
	struct story_line lines[LINES];
	size_t count = workspace && *workspace == '/' && workspace[1] ? story__said(said, lines, LINES) : 0;
	bool found = false;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes) && !found; i++) {
		regex_t shape;

		if (regcomp(&shape, shapes[i], REG_EXTENDED))
			continue;
		for (size_t j = count; j-- > 0 && !found;) /* Python names the innermost place last */
			found = find_in(&shape, &lines[j], file, line, cwd, workspace);
		regfree(&shape);
	}
	return found;
}
