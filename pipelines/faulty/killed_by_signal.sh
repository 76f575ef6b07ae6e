#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A child dies of a signal and the step goes on. Usage: killed_by_signal.sh [SEGV|KILL]
# What to see: python3 killed by SIGSEGV (a read at address 0, the default) or bash by SIGKILL.
# Exit status: 0.
set -euo pipefail

ulimit -c 0     # no core file
case ${1:-SEGV} in
    SEGV) /usr/bin/python3 -c 'import ctypes; ctypes.string_at(0)' & ;;
    KILL) bash -c 'kill -KILL $$' & ;;
    *) echo "usage: $0 [SEGV|KILL]" >&2; exit 2 ;;
esac
wait $! || echo "child ended with $?, going on"
