#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# A deadlock: two threads take two locks in opposite order. Usage: deadlock.py [SECONDS]
# What to see: a process of three threads that waits for ever without CPU, until timeout sends SIGTERM.
# Exit status: 124, that of timeout.
import os
import sys
import threading

if sys.argv[1:] != ["--unbounded"]:
    bound = sys.argv[1] if len(sys.argv) > 1 else "3"
    os.execvp("timeout", ["timeout", bound, os.path.abspath(__file__), "--unbounded"])

a, b = threading.Lock(), threading.Lock()
both_hold_one = threading.Barrier(2)


def take(first, second):
    with first:
        both_hold_one.wait()
        with second:
            print("never reached")


threading.Thread(target=take, args=(a, b)).start()
threading.Thread(target=take, args=(b, a)).start()
