/* SPDX-License-Identifier: BSD-2-Clause */
/* Header of the runs room: folders of runs, and which of them stay. */
#ifndef CORE_RUNS_RUNS_H
#define CORE_RUNS_RUNS_H

#include "core/runs/output_folder.h"
#include "core/runs/retention.h"
#include "core/runs/run_list.h"
#include "core/runs/store.h"
#include "core/runs/store_run.h"

#endif
