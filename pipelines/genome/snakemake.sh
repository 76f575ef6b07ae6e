#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the Snakefile. Usage: snakemake.sh [WORK [CORES [KEY=VALUE...]]], with the keys named there
# What to see: as in the Snakefile.
# Exit status: 0. The files stay in WORK (default: a fresh folder, named at the end).
set -euo pipefail

work=${1:-$(mktemp -d)}
work=$(realpath -m "$work")
cores=${2:-2}
export XDG_CACHE_HOME=$work/.cache      # no cache in HOME

snakemake --snakefile "$(dirname "$0")/Snakefile" --directory "$work" --cores "$cores" \
    --quiet rules --config "${@:3}"
cat "$work/report.txt"
echo "files are in $work"
