#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A simple pipeline: pipes, a subshell and a loop of short processes. Usage: pipeline_1.sh [LINES]
# What to see: seq, awk, sort, grep, wc, gzip and 10 times head and tail; no failure, little CPU.
set -euo pipefail

lines=${1:-20000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A fixed shuffle, then two pipes.
seq "$lines" | awk '{ print ($1 * 7919) % 20011, $1 }' > "$work/shuffled"
sort -n "$work/shuffled" | tee "$work/sorted" | wc -l
grep -c 7 "$work/sorted"

# A subshell.
( cd "$work" && gzip -n sorted && wc -c sorted.gz )

# A loop of short processes.
for i in {1..10}; do
    head -n "$i" "$work/shuffled" | tail -n 1
done > "$work/picked"
wc -l < "$work/picked"
