#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A hang: it reads a FIFO that nothing opens for writing. Usage: hang.sh [SECONDS]
# What to see: a cat that waits for ever without CPU, until timeout sends SIGTERM.
# Exit status: 124, that of timeout.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
mkfifo "$folder/inbox"
timeout "${1:-5}" cat "$folder/inbox"
