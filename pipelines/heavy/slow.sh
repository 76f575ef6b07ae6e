#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Takes time and nothing else: two sleeps of half of SECONDS. Usage: slow.sh [SECONDS]
# What to see: slow.sh lasts SECONDS, with two sleep children and almost no CPU.
set -euo pipefail

half=$(awk -v s="${1:-2}" 'BEGIN { print s / 2 }')
sleep "$half"
sleep "$half"
