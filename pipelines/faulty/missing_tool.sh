#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Tools that cannot run: one does not exist, one is not executable; their status is not checked.
# What to see: two children that end with 127 (not found) and 126 (no permission) without an exec.
# Exit status: 0. errexit is left out: its absence is the fault.
set -uo pipefail

tool=$(mktemp) || exit 2    # a file without x bits
trap 'rm -f "$tool"' EXIT

no_such_tool --sort input.bam
echo "status of the missing tool: $?"
"$tool" --sort input.bam
echo "status of the non-executable tool: $?"
