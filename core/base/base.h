/* SPDX-License-Identifier: BSD-2-Clause */
/* The base room: what every other room builds on, and libc. One header for all of it. */
#ifndef CORE_BASE_BASE_H
#define CORE_BASE_BASE_H

#include "core/base/apart.h"
#include "core/base/caps.h"
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/encode.h"
#include "core/error.h"
#include "core/base/dir.h"
#include "core/base/hash.h"
#include "core/base/heap.h"
#include "core/base/infile.h"
#include "core/base/list.h"
#include "core/base/nearest.h"
#include "core/base/outfile.h"
#include "core/base/plugin.h"
#include "core/base/rehearse.h"

#endif
