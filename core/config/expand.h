/* SPDX-License-Identifier: BSD-2-Clause */
/* Environment variable substitution in values of the configuration, with OpenTelemetry's syntax:
 *
 *	${NAME}, ${env:NAME}	value of the variable; an error if it is not set
 *	${env:NAME:-TEXT}	TEXT if it is not set or empty
 *	$$			a literal dollar; a dollar before other characters is literal too
 *
 * The result is text: it is neither parsed as YAML nor expanded again. */
#ifndef CORE_CONFIG_EXPAND_H
#define CORE_CONFIG_EXPAND_H

#include <stddef.h>

#include "core/error.h"

/* Sets *out to the expanded text, to be freed by the caller. 0, or -EINVAL, -ENOMEM, or -E2BIG if references expand to
 * more than `max` bytes, with `err` set. */
int expand__env(const char *text, size_t max, char **out, struct error *err);

#endif
