/* SPDX-License-Identifier: BSD-2-Clause */
/* Forms of texts: "*" stands for any bytes, "?" for one, "%" for digits, "@" for letters; after a backslash a sign is itself. */
#ifndef SINKS_TOTALS_FORM_H
#define SINKS_TOTALS_FORM_H

#include <stdbool.h>
#include <stddef.h>

bool form__fits(const char *form, const char *at, const char *end);

#endif
