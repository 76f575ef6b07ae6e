#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Recursion without end: a script that calls itself, stopped only by a bound. Usage: recursion.sh [DEPTH]
# What to see: a chain of DEPTH + 1 recursion.sh, each the child of the one before, all with status 1.
# Exit status: 1.
set -euo pipefail

left=${1:-100}
if [ "$left" -eq 0 ]; then
    echo "stopped: recursion too deep" >&2
    exit 1
fi
"$0" "$((left - 1))"
