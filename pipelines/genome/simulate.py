#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Simulates a genome: simulate.py [LENGTH [SEED]] writes FASTA; the same seed gives the same genome.
# What to see: a short python step, the first of the genome pipelines.
import random
import sys

length = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)

bases = "".join(rng.choices("ACGT", k=length))
print(">chr1")
for start in range(0, length, 60):
    print(bases[start:start + 60])
