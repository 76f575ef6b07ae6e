/* SPDX-License-Identifier: BSD-2-Clause */
/* Header of the config room: YAML to structs by option tables, path patterns, redaction. Needs libyaml and PCRE2. */
#ifndef CORE_CONFIG_CONFIG_H
#define CORE_CONFIG_CONFIG_H

#include "core/config/conf.h"
#include "core/config/conf_reload.h"
#include "core/config/conf_verdicts.h"
#include "core/config/expand.h"
#include "core/config/glob.h"
#include "core/config/redact.h"
#include "core/config/tree.h"
#include "core/config/verdict_limits.h"

#endif
