#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Ends while a process of its own still writes, which is then killed. Usage: outlived.sh [SECONDS]
# What to see: python3, which writes for SECONDS after the end of its pipeline, and is ended by SIGTERM.
# Exit status: 0.
set -euo pipefail

file=$(mktemp)
exec 3<>"$file"
rm -f "$file"
# in the place of a batch system, which kills what is left of a job
timeout "${1:-3}" /usr/bin/python3 -c '
import time
with open(3, "w", buffering=1) as file:
    while True:
        print("record", file=file)
        time.sleep(0.02)' >/dev/null 2>&1 &
