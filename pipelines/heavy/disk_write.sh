#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Writes MIB to a disk, syncs, reads it back and removes it. Usage: disk_write.sh [MIB [FOLDER]]
# What to see: dd writes MIB and waits for the disk, cksum reads MIB back.
set -euo pipefail

# Not /tmp, which often is memory.
file=$(mktemp "${2:-/var/tmp}/disk_write.XXXXXX")
trap 'rm -f "$file"' EXIT

dd if=/dev/zero of="$file" bs=1M count="${1:-200}" conv=fsync status=none
cksum < "$file"
