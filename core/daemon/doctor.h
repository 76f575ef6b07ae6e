/* SPDX-License-Identifier: BSD-2-Clause */
/* What this host can give and what it cannot, found by trying: `collector doctor`. */
#ifndef CORE_DAEMON_DOCTOR_H
#define CORE_DAEMON_DOCTOR_H

#include <stdbool.h>

struct conf;

/* Prints a table, or JSON, to stdout. Returns 0 if the configuration would run here, else 1. */
int doctor__run(const struct conf *conf, bool json);

#endif
