/* SPDX-License-Identifier: BSD-2-Clause */
/* How a function fails that tells why in a sentence: `return fail_with(-EINVAL, err, size, "...", ...);` */
#ifndef CORE_BASE_ERROR_H
#define CORE_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static inline __attribute__((format(printf, 4, 5))) int fail_with(int rc, char *err, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return rc;
}

#endif
