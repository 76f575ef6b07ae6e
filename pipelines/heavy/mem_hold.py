#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Holds memory: mem_hold.py [MIB [SECONDS]] touches MIB, and frees three quarters of it half-way.
# What to see: mem_hold.py with a peak of MIB (plus about 10 for python), and far less at its end.
import sys
import time

mib = int(sys.argv[1]) if len(sys.argv) > 1 else 200
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2

# Filled with ones: zeroed memory would stay untouched.
freed = b"\1" * (mib * 3 // 4 << 20)
kept = b"\1" * (mib - mib * 3 // 4 << 20)
time.sleep(seconds / 2)
del freed
time.sleep(seconds / 2)
