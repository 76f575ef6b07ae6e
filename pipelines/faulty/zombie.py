#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Zombies: zombie.py [CHILDREN [SECONDS]] reaps its children only SECONDS after they ended.
# What to see: CHILDREN that end at once with status 0 and stay in state Z while their parent sleeps.
# Exit status: 0.
import os
import sys
import time

children = int(sys.argv[1]) if len(sys.argv) > 1 else 5
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3

for _ in range(children):
    if os.fork() == 0:
        os._exit(0)

time.sleep(seconds)
for _ in range(children):
    os.wait()
