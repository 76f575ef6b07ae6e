/* SPDX-License-Identifier: BSD-2-Clause */
/* Untrusted text in Markdown: an entity has no meaning but its character, neither to Markdown nor to HTML, and hides `##[` and
 * `::` from a runner that looks for commands in its log. */
#include <ctype.h>
#include <string.h>

#include "sinks/ci/ci.h"

static bool is_plain(unsigned char c)
{
	return c >= 0x80 || isalnum(c) || strchr(" -/=,", c);
}

void markdown__text(struct text *out, const char *safe)
{
	for (size_t n; *safe; safe += n) {
		for (n = 0; safe[n] && is_plain((unsigned char)safe[n]);)
			n++;
		text__put(out, safe, n);
		if (!n) {
			text__printf(out, "&#%d;", *safe);
			n = 1;
		}
	}
}

void markdown__code(struct text *out, const char *safe, size_t columns)
{
	struct text cut = {0};

	text__cut(&cut, safe, columns);
	text__printf(out, "<code>");
	markdown__text(out, cut.data ? cut.data : "");
	text__printf(out, "</code>");
	if (cut.error)
		out->error = cut.error;
	text__free(&cut);
}
