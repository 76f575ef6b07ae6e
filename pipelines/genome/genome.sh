#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# From a simulated genome to its variants, one sample. Usage: genome.sh [WORK [LENGTH [PAIRS]]]
# What to see: bwa mem and bcftools mpileup lead in CPU, in pipes with samtools sort and bcftools call.
# Exit status: 0. The files stay in WORK (default: a fresh folder, named at the end).
set -euo pipefail

here=$(realpath "$(dirname "$0")")
work=${1:-$(mktemp -d)}
mkdir -p "$work"
cd "$work"

"$here/simulate.py" "${2:-300000}" > ref.fa
bwa index ref.fa
samtools faidx ref.fa
wgsim -S 1 -e 0.005 -N "${3:-30000}" -1 100 -2 100 ref.fa r1.fq r2.fq > truth.txt

bwa mem ref.fa r1.fq r2.fq | samtools sort -o sorted.bam -
samtools index sorted.bam
samtools flagstat sorted.bam > flagstat.txt

bcftools mpileup -f ref.fa sorted.bam | bcftools call -mv -o calls.vcf
bcftools stats calls.vcf > stats.txt
"$here/check.sh" truth.txt calls.vcf
echo "files are in $PWD"
