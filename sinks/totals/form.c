/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that are compared with a form. */
#include "sinks/totals/form.h"

#include <ctype.h>

/* How many bytes at `at` the sign, or letter, of a form stands for; 0: it does not fit. */
static size_t fit_one(const char *form, const char *at, const char *end)
{
	const char *from = at;

	if (*form == '?')
		return at < end;
	if (*form != '%' && *form != '@')
		return *form && at < end && form[*form == '\\'] == *at;
	while (at < end && (*form == '%' ? isdigit((unsigned char)*at) : isalpha((unsigned char)*at)))
		at++;
	return (size_t)(at - from);
}

bool form__fits(const char *form, const char *at, const char *end)
{
	const char *star = NULL, *retry = NULL;

	for (;;) {
		size_t n = *form == '*' ? 0 : fit_one(form, at, end);

		if (*form == '*') {
			star = ++form;
			retry = at;
		} else if (n) {
			form += 1 + (*form == '\\');
			at += n;
		} else if (!*form && at == end) {
			return true;
		} else if (star && retry < end) {
			form = star;
			at = ++retry;
		} else {
			return false;
		}
	}
}
