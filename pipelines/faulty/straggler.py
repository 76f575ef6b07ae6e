#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# One of many tasks alike takes much longer than all others. Usage: straggler.py [MILLISECONDS]
# What to see: 16 straggler.py --task, two at a time, of which number 7 takes so long and the others 300 ms.
# Exit status: 0.
import os
import sys
import time

if sys.argv[1:2] == ["--task"]:
    time.sleep(int(sys.argv[3]) / 1000)
    sys.exit()

slow = sys.argv[1] if len(sys.argv) > 1 else "5000"
running = 0
for task in range(1, 17):
    if running == 2:
        os.wait()
        running -= 1
    me = os.path.abspath(__file__)
    os.spawnv(os.P_NOWAIT, me, [me, "--task", str(task), slow if task == 7 else "300"])
    running += 1
while running:
    os.wait()
    running -= 1
