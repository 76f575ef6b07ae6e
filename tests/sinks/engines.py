# SPDX-License-Identifier: BSD-2-Clause
"""Runs as engines make them: of real Snakemake with its own benchmark files, and of what Nextflow starts for a task
(there is no Nextflow here: folders, scripts and trace file follow its documentation)."""
import csv
import functools
import os
import shutil
import subprocess

from harness import collect, merge, new_folder

# holds so many MiB for so many seconds, and spins for so many of them
HOLD = """#!/usr/bin/python3
import sys, time
mib, seconds, spin = map(float, sys.argv[1:])
held = bytearray(int(mib) << 20)
held[::4096] = b"x" * len(held[::4096])
begin = time.monotonic()
while time.process_time() < spin:
    pass
time.sleep(max(0, begin + seconds - time.monotonic()))
"""
SNAKEFILE = """
rule all:
    input: "one.txt", "pair.txt"
rule one:
    output: "one.txt"
    benchmark: "one.tsv"
    shell: "./hold.py 300 7 3 && touch {output}"
rule pair:
    output: "pair.txt"
    benchmark: "pair.tsv"
    shell: "./both.py 120 7 1 | ./both.py 160 7 1 > {output}"
"""
HASHES = {"ab/cdef12": 64, "0a/123456": 220}  # with or without what they share, it is 0.375 GB
TRACE = """task_id\thash\tnative_id\tname\tstatus\texit\tcpus\tmemory\tpeak_rss
1\tab/cdef12\t4711\tRNASEQ:ALIGN (sample1)\tCOMPLETED\t0\t8\t36 GB\t7.2 MB
2\t0a/123456\t4712\tRNASEQ:ALIGN (sample2)\tCOMPLETED\t0\t8\t36 GB\t-
3\tff/000000\t-\tRNASEQ:QC (sample1)\tCACHED\t0\t2\t6 GB\t1.1 GB
"""


def table(path, sink, code=0):
    """What a sink of tab-separated lines says of a run."""
    return list(csv.DictReader(merge(path, sink=sink, code=code).splitlines(), delimiter="\t"))


def script(folder, name):
    path = folder / name
    path.write_text(HOLD)
    path.chmod(0o755)


@functools.cache
def snakemake():
    """The run, and the folder with the benchmark files."""
    folder = new_folder()
    script(folder, "hold.py")
    script(folder, "both.py")
    (folder / "Snakefile").write_text(SNAKEFILE)
    config = "probes: {lifecycle: {}, mem: {interval: 500ms}, cpu: {interval: 500ms}, io: {interval: 500ms}}\n"
    run = collect("snakemake", "--cores", "2", "--quiet", cwd=folder, config=config,
                  env={**os.environ, "XDG_CACHE_HOME": str(folder)})
    return run, folder


def benchmark(folder, rule):
    with open(folder / f"{rule}.tsv", encoding="ascii") as file:
        (line,) = csv.DictReader(file, delimiter="\t")
    return line


@functools.cache
def nextflow():
    """The run, and its trace file."""
    folder = new_folder()
    lines = []
    for name, mib in HASHES.items():
        work = folder / "work" / name.ljust(33, "0")
        work.mkdir(parents=True)
        script(work, "hold.py")
        (work / ".command.run").write_text("bash .command.sh\n")
        (work / ".command.sh").write_text(f"./hold.py {mib} 2.5 1\n")
        lines.append(f"(cd {work} && NXF_TASK_WORKDIR={work} bash .command.run) &")
    (folder / "trace.txt").write_text(TRACE)
    return collect("sh", "-c", "\n".join([*lines, "wait"])), folder / "trace.txt"


no_snakemake = not shutil.which("snakemake") and "no snakemake: tests/setup genome"
if not no_snakemake and subprocess.run(["snakemake", "--version"], capture_output=True, check=False).returncode:
    no_snakemake = "snakemake does not run"
