#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# All the heavy programs as one pipeline. Usage: heavy.sh [SECONDS [MIB]], SECONDS for each step
# What to see: cpu_burn.py and threads.py lead in CPU, mem_hold.py in memory, slow.sh only in time,
#              disk_write.sh in bytes written; no failure.
set -euo pipefail

seconds=${1:-2}
mib=${2:-200}
cd "$(dirname "$0")"

./cpu_burn.py "$seconds" 2
./threads.py "$seconds" 4
./mem_hold.py "$mib" "$seconds"
./slow.sh "$seconds"
./disk_write.sh "$mib"
