#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A pipe that hides a failure: its second member dies half-way. Usage: pipe_hides_failure.sh [fail|kill]
# What to see: awk with status 3 (fail, the default) or killed by SIGKILL (kill) in a step that is "fine".
# Exit status: 0. pipefail is left out: its absence is the fault.
set -eu

# shellcheck disable=SC2016 # $PPID is for the shell below awk
case ${1:-fail} in
    fail) die='exit 3' ;;
    kill) die='fflush(); system("kill -KILL $PPID")' ;;
    *) echo "usage: $0 [fail|kill]" >&2; exit 2 ;;
esac

kept=$(seq 1000 | awk "NR == 501 { $die } { print }" | wc -l)
echo "$kept of 1000 lines came through"
