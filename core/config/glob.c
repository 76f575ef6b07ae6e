/* SPDX-License-Identifier: BSD-2-Clause */
/* Path patterns: fnmatch() has no `**`. */
#include "core/config/glob.h"

#include <string.h>

/* Matches one character against a set and advances *pattern past the set. An unclosed set matches nothing. */
static bool in_set(const char **pattern, char c)
{
	const char *p = *pattern + 1;
	bool negate = *p == '!' || *p == '^', found = false, first = true;

	p += negate;
	for (; *p && (first || *p != ']'); p++, first = false) {
		char low = *p, high = low;

		if (p[1] == '-' && p[2] && p[2] != ']') {
			high = p[2];
			p += 2;
		}
		found |= low <= c && c <= high;
	}
	if (!*p)
		return false;
	*pattern = p + 1;
	return found != negate;
}

/* Matches one character of the text against one element of the pattern other than a star. */
static bool step(const char **pattern, const char **text)
{
	char c = **text;

	if (!c)
		return false;
	if (**pattern == '[') {
		if (c == '/' || !in_set(pattern, c))
			return false;
	} else if (**pattern == '?') {
		if (c == '/')
			return false;
		++*pattern;
	} else {
		*pattern += **pattern == '\\' && (*pattern)[1];
		if (**pattern != c)
			return false;
		++*pattern;
	}
	++*text;
	return true;
}

bool glob__match(const char *pattern, const char *text)
{
	/* Where to backtrack to: after the last `*`, and after the last `**`. */
	const char *star = NULL, *star_text = NULL, *deep = NULL, *deep_text = NULL;

	while (*text || *pattern) {
		if (*pattern == '*') {
			if (pattern[1] == '*') {
				pattern += strspn(pattern, "*");
				deep = pattern;
				deep_text = text;
				star = NULL;
			} else {
				star = ++pattern;
				star_text = text;
			}
		} else if (*pattern && step(&pattern, &text)) {
			continue;
		} else if (star && *star_text && *star_text != '/') {
			pattern = star;
			text = ++star_text;
		} else if (deep && *deep_text) {
			pattern = deep;
			text = ++deep_text;
			star = NULL;
		} else {
			return false;
		}
	}
	return true;
}

size_t glob__literal(const char *pattern)
{
	return strcspn(pattern, "*?[\\");
}
