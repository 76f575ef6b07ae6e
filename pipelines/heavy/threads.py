#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Runs threads: threads.py [SECONDS [THREADS]] hashes in THREADS threads for SECONDS of wall time.
# What to see: one process with 1 + THREADS threads that keeps all cores busy (sha256 drops the GIL).
import hashlib
import sys
import threading
import time

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2
threads = int(sys.argv[2]) if len(sys.argv) > 2 else 4

block = bytes(1 << 20)
end = time.monotonic() + seconds


def work():
    while time.monotonic() < end:
        hashlib.sha256(block)


for _ in range(threads):
    threading.Thread(target=work).start()
