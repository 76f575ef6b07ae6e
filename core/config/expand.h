/* SPDX-License-Identifier: BSD-2-Clause */
/* ${env:NAME} in the values of the configuration, by OpenTelemetry's grammar:
 *
 *	${NAME}, ${env:NAME}	the variable's value; that it is not set is an error
 *	${env:NAME:-TEXT}	TEXT where it is not set, or empty
 *	$$			one dollar; a dollar before anything else stands for itself
 *
 * What comes out is text: it is not read as YAML, nor expanded, again. */
#ifndef CORE_CONFIG_EXPAND_H
#define CORE_CONFIG_EXPAND_H

#include <stddef.h>

#include "core/error.h"

/* Gives back the expanded text in *out, allocated. 0; -EINVAL or -ENOMEM with a sentence in `err`. */
int expand__env(const char *text, char **out, struct error *err);

#endif
