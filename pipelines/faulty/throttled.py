#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# More busy threads than it has CPUs: throttled.py [SECONDS [THREADS]]
# What to see: throttled.py, whose threads are ready for longer than they run.
# Exit status: 0.
import hashlib
import os
import sys
import threading
import time

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4
threads = int(sys.argv[2]) if len(sys.argv) > 2 else 8

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # the fault: one CPU for all of them
end = time.monotonic() + seconds
data = bytes(4 << 20)


def work():
    while time.monotonic() < end:
        hashlib.sha256(data)  # without the interpreter's lock


for _ in range(threads):
    threading.Thread(target=work).start()
