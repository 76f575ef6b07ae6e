/* SPDX-License-Identifier: BSD-2-Clause */
/* The output folder, opened component by component: a link leads on only if no other user could have made it. */
#ifndef CORE_RUNS_OUTPUT_FOLDER_H
#define CORE_RUNS_OUTPUT_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/error.h"

/* Opens the folder, which is not a link itself. A link before it is followed if it belongs to root or to this process's
 * user, and the folder that it is in too, where no other user can replace it. With `mode` the folder is made unless it
 * exists, and *made says so. Its descriptor, or -errno with `err` set. */
int output__open(const char *path, mode_t mode, bool *made, struct error *err);

#endif
