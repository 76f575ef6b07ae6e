#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The disk is full, and no status is checked: gzip writes to /dev/full, and its messages go to a log.
# What to see: gzip with status 1, whose last words are "No space left on device".
# Exit status: 0.
set -u

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
seq 200000 | gzip -c >/dev/full 2>"$folder/gzip.log"
echo "archived: $?"
sleep 0.5
