#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# A tree of processes that fork themselves, stopped by a bound: fork_bomb.py [LEVELS [SECONDS]]
# What to see: 2 to the power of LEVELS fork_bomb.py that live at once for SECONDS (at most 10 levels).
# Exit status: 0.
import os
import signal
import sys
import time

levels = min(int(sys.argv[1]) if len(sys.argv) > 1 else 8, 10)
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies: they would be a fault of their own
for _ in range(levels):
    os.fork()
time.sleep(seconds)
