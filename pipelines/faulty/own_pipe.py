#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# A deadlock of one process: it waits for the end of a pipe whose only writer is itself. Usage: own_pipe.py [SECONDS]
# What to see: a process that waits for ever without CPU, until timeout sends SIGTERM.
# Exit status: 124, that of timeout.
import os
import sys

if sys.argv[1:] != ["--unbounded"]:
    bound = sys.argv[1] if len(sys.argv) > 1 else "5"
    os.execvp("timeout", ["timeout", bound, os.path.abspath(__file__), "--unbounded"])

reader, writer = os.pipe()
os.write(writer, b"records")
while os.read(reader, 4096):  # the fault: the writer was never closed, so that there is no end
    pass
