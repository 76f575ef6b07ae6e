#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Burns CPU: cpu_burn.py [SECONDS [PROCESSES]] takes SECONDS of CPU time in each of PROCESSES children.
# What to see: cpu_burn.py children with SECONDS of user time each, almost no system time and memory.
import os
import sys
import time

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2
processes = int(sys.argv[2]) if len(sys.argv) > 2 else 2

for _ in range(processes):
    if os.fork() == 0:
        while time.process_time() < seconds:
            sum(range(100_000))
        os._exit(0)

sys.exit(any([os.wait()[1] for _ in range(processes)]))
