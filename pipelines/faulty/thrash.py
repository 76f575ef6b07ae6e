#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Reads the pages of one file again and again, as they do not stay in memory: thrash.py [SECONDS [MIB]]
# What to see: thrash.py with thousands of major faults a second. It drops the pages itself, as a kernel short of
# memory would do. TMPDIR must be on a disk: a file in tmpfs always stays in memory.
# Exit status: 0.
import mmap
import os
import sys
import tempfile
import time

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
size = (int(sys.argv[2]) if len(sys.argv) > 2 else 32) << 20

with tempfile.TemporaryFile(dir=os.environ.get("TMPDIR", "/var/tmp")) as file:
    file.write(os.urandom(size))
    file.flush()
    os.fsync(file.fileno())
    pages = mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)
    pages.madvise(mmap.MADV_RANDOM)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pages.madvise(mmap.MADV_DONTNEED)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        sum(pages[at] for at in range(0, size, 4 * mmap.PAGESIZE))
