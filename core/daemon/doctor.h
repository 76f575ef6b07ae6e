/* SPDX-License-Identifier: BSD-2-Clause */
/* `collector doctor`: what works on this host, found by trying it. */
#ifndef CORE_DAEMON_DOCTOR_H
#define CORE_DAEMON_DOCTOR_H

#include <stdbool.h>

struct conf;
struct conf_finder;

/* Prints a table or JSON to stdout. The finder finds the sink that lists what verdicts need. Returns 0 if the configuration
 * would run on this host, else 1. */
int doctor__run(const struct conf *conf, const struct conf_finder *finder, bool json);

#endif
