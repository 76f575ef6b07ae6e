/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 (FIPS 180-4) of a short text. */
#ifndef SINKS_OTLP_SHA256_H
#define SINKS_OTLP_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32

void sha256(const void *bytes, size_t size, uint8_t out[SHA256_SIZE]);

#endif
