#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Compares the SNPs called in VCF with those wgsim planted. Usage: check.sh TRUTH VCF
# What to see: bcftools query and awk; the last step of each sample in the genome pipelines.
# Exit status: 0 if more than half of the planted SNPs were found, else 1.
set -euo pipefail

bcftools query -i 'TYPE="snp"' -f '%POS\n' "$2" | awk '
    NR == FNR { if ($3 != "-" && $4 != "-") { planted[$2]; n++ } next }
    { called++ }
    $1 in planted { found++ }
    END {
        printf "SNPs planted: %d, called: %d, of them planted: %d\n", n, called, found
        exit found * 2 <= n
    }' "$1" -
