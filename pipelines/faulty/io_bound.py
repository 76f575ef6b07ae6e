#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Writes in small pieces, and waits for the disk after each: io_bound.py [SECONDS]
# What to see: io_bound.py, which waits for I/O for most of its life. TMPDIR must be on a disk.
# Exit status: 0.
import os
import sys
import tempfile
import time

end = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else 4)
with tempfile.NamedTemporaryFile(dir=os.environ.get("TMPDIR", "/var/tmp")) as file:
    journal = os.open(file.name, os.O_WRONLY | os.O_DSYNC)
    while time.monotonic() < end:
        os.pwrite(journal, bytes(4096), 0)
