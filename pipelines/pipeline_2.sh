#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A more varied pipeline: here-doc, background jobs, find, xargs -P, tar. Usage: pipeline_2.sh [LINES]
# What to see: split next to sort, four gzip two at a time below xargs, tar; no failure.
set -euo pipefail

lines=${1:-200000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# A here-doc drives a loop.
while read -r name first step; do
    seq "$first" "$step" "$lines" > "$name.txt"
done <<'TABLE'
odd  1 2
even 2 2
TABLE

# Background jobs, each waited for by its id so that a failure would count.
sort -r odd.txt > odd.sorted & sorter=$!
split -n l/4 even.txt part. & splitter=$!
wait "$sorter"
wait "$splitter"

# Parallel compression, then an archive of the result.
find . -name 'part.*' -print0 | xargs -0 -P 2 -n 1 gzip -n
find . -name 'part.*.gz' | sort | tar -cf parts.tar -T -
tar -tf parts.tar | wc -l

# What was packed is what was generated.
tar -xOf parts.tar | gzip -dc | sort -n | cmp - even.txt
awk '{ sum += $1 } END { printf "sum of odd numbers: %.0f\n", sum }' odd.sorted
