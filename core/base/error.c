/* SPDX-License-Identifier: BSD-2-Clause */
/* Error messages of functions that failed. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error__set(struct error *err, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return rc;
}

void error__append(struct error *err, const char *fmt, ...)
{
	size_t length = strlen(err->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text + length, sizeof(err->text) - length, fmt, ap);
	va_end(ap);
}
