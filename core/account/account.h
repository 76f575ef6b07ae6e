/* SPDX-License-Identifier: BSD-2-Clause */
/* Header of the account room: capabilities, and what a command that runs as another user has of its caller: its
 * environment, descriptors and terminal. */
#ifndef CORE_ACCOUNT_ACCOUNT_H
#define CORE_ACCOUNT_ACCOUNT_H

#include "core/account/caps_check.h"
#include "core/account/environment.h"
#include "core/account/privileges.h"
#include "core/account/pty.h"
#include "core/account/seccomp.h"
#include "core/account/session.h"
#include "core/account/user.h"

#endif
