#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A busy loop that waits for a file that is never written. Usage: spin.sh [SECONDS]
# What to see: a bash child that takes a whole core for SECONDS, until timeout sends SIGTERM.
# Exit status: 124, that of timeout.
set -euo pipefail

timeout "${1:-3}" bash -c 'until [ -e /nonexistent/result ]; do :; done'
