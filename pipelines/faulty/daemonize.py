#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# A daemon that outlives its pipeline: daemonize.py [SECONDS] forks twice and prints the daemon's pid.
# What to see: daemonize.py ends at once, its grandchild lives SECONDS more, in a session of its own.
# Exit status: 0.
import os
import sys
import time

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5

if os.fork():
    os.wait()
    sys.exit(0)

os.setsid()
daemon = os.fork()
if daemon:
    print(daemon, flush=True)
    os._exit(0)

# Leave the folder and close all files: no reader of our output has to wait for its end.
os.chdir("/")
os.closerange(3, 1024)
null = os.open(os.devnull, os.O_RDWR)
for fd in (0, 1, 2):
    os.dup2(null, fd)
time.sleep(seconds)
