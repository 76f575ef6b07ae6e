/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of a signal's si_code. Includes nothing. */
#ifndef PROBES_LIFECYCLE_SIGNAL_CODE_H
#define PROBES_LIFECYCLE_SIGNAL_CODE_H

/* Of a value of lifecycle_exit.signal_code: "SI_USER", "SEGV_MAPERR"...; the number if it has no name. Valid until the
 * next call. */
const char *signal_code__name(uint64_t value);

#endif
