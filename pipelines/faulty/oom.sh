#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Takes more memory than its cgroup may have. Usage: oom.sh [MIB], the limit
# What to see: python3 killed by the OOM killer, with the limit; the script reports it and fails.
# Exit status: 137; 77 where no cgroup with the memory controller can be made (root can, mostly).
set -uo pipefail

mib=${1:-48}
for parent in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    group=$parent/collector-faulty-$$
    mkdir "$group" 2>/dev/null || continue
    for limit in memory.limit_in_bytes memory.max; do
        [ -e "$group/$limit" ] && echo "${mib}M" >"$group/$limit" || continue
        # shellcheck disable=SC2016 # for the shell within
        bash -c 'echo $$ >"$1/cgroup.procs"; exec /usr/bin/python3 -c "
kept = [bytearray(b\"x\" * 1048576) for _ in range(2 * $2)]"' bash "$group" "$mib"
        code=$?
        rmdir "$group"
        exit "$code"
    done
    rmdir "$group"
done
echo "no cgroup with the memory controller can be made" >&2
exit 77
