#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Leaks memory: leak.py [MIB [SECONDS]] keeps one more MiB per record, steadily, up to MIB.
# What to see: leak.py, whose memory only grows, and is at its peak of MIB when it ends.
# Exit status: 0.
import sys
import time

mib = int(sys.argv[1]) if len(sys.argv) > 1 else 200
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 4

records = []  # the leak: filled, never read nor emptied
for _ in range(mib):
    records.append(b"\1" * (1 << 20))
    time.sleep(seconds / mib)
