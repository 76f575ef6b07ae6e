#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A storm of very short processes, one after the other. Usage: fork_storm.sh [COUNT]
# What to see: COUNT times true, all with status 0; no single one of them counts, their sum does.
# Exit status: 0.
set -euo pipefail

for ((i = 0; i < ${1:-2000}; i++)); do
    /bin/true
done
