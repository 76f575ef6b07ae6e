#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A quota of CPU time that is too small: a fifth of a CPU, by a cgroup of its own. Usage: quota.sh [SECONDS]
# What to see: a bash that wants a whole core and gets a fifth of it.
# Exit status: 0; 77 where no cgroup with the CPU controller can be made (root can, mostly).
set -euo pipefail

name=collector-faulty-$$
for parent in /sys/fs/cgroup/cpu /sys/fs/cgroup/cpu,cpuacct /sys/fs/cgroup; do
    group=$parent/$name
    mkdir "$group" 2>/dev/null || continue
    trap 'rmdir "$group"' EXIT
    if [ -e "$group/cpu.cfs_quota_us" ]; then
        echo 20000 >"$group/cpu.cfs_quota_us"
    elif [ -e "$group/cpu.max" ]; then
        echo 20000 100000 >"$group/cpu.max"
    else
        rmdir "$group"
        trap - EXIT
        continue
    fi
    # shellcheck disable=SC2016 # for the shell within
    bash -c 'echo $$ >"$1/cgroup.procs"; SECONDS=0; while [ "$SECONDS" -lt "$2" ]; do :; done' bash "$group" "${1:-4}"
    exit 0
done
echo "no cgroup with the CPU controller can be made" >&2
exit 77
