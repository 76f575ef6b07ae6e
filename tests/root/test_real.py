# SPDX-License-Identifier: BSD-2-Clause
"""Real programs: what strace counts, the collector counts, in the same run."""
import os
import re
import shutil
from collections import Counter

import pytest
from harness import SRC, collect, new_folder

EXEC = re.compile(r'^execve(?:at)?\(.*\) = 0$')
TRACE = ["strace", "-ff", "-z", "-v", "-s", "0", "-e", "trace=execve,execveat", "-e", "signal=none"]


def under_strace(*command, cwd):
    """The command in strace in the collector: both see the same processes. Gives (run, {pid: programs run})."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    logs = new_folder()
    run = collect(*TRACE, "-o", logs / "log", "--", *command, cwd=cwd, timeout=140)
    by_pid = {}
    for log in logs.iterdir():
        lines = [line for line in log.read_text(errors="replace").splitlines() if EXEC.match(line)]
        by_pid[int(log.suffix[1:])] = [re.search(r'"([^"]*)"', line).group(1) for line in lines]
    return run, by_pid


def compare(run, by_pid):
    strace = run.of("lifecycle.exec")[0]["pid"]
    ours = {}
    for e in run.of("lifecycle.exec"):
        if e["pid"] != strace:
            ours.setdefault(e["pid"], []).append(e["exe"])
    theirs = {pid: programs for pid, programs in by_pid.items() if programs}
    assert len(theirs) > 10
    names = [Counter(os.path.basename(p) for programs in found.values() for p in programs) for found in (ours, theirs)]
    assert names[0] == names[1], "programs, and how often each"
    assert ours == theirs, "each process with its programs"
    forks, exits = (Counter((e["pid"], e["start"]) for e in run.of(f"lifecycle.{name}")) for name in ("fork", "exit"))
    assert forks == exits and set(forks.values()) == {1}
    assert not run.lost
    return names[0]


def test_configure():
    """The project's own, on a copy of what it needs."""
    folder = new_folder()
    shutil.copy(SRC / "configure", folder)
    for file in "Makefile.in", "core/collector.pc.in", "core/daemon/main.c":
        (folder / file).parent.mkdir(exist_ok=True)
        shutil.copy(SRC / file, folder / file)
    shutil.copytree(SRC / "m4", folder / "m4")
    for name in "probes", "sinks":
        (folder / name).mkdir()
    names = compare(*under_strace("./configure", "--quiet", cwd=folder))
    assert sum(names.values()) > 200


def test_snakemake():
    for tool in "snakemake", "bwa", "samtools", "bcftools":
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    folder = new_folder()
    names = compare(*under_strace(SRC / "pipelines/genome/snakemake.sh", folder / "work", "2", "samples=2",
                                  "length=20000", "pairs=1000", cwd=folder))
    assert names["bwa"] >= 3 and names["samtools"] >= 4 and names["bcftools"] >= 2
    assert (folder / "work" / "report.txt").exists()


def test_genome_alone():
    """Without a tracer: the shell pipeline, its commands by name, and that all went well."""
    if not shutil.which("bwa") or not shutil.which("bcftools"):
        pytest.skip("bwa and bcftools are not installed")
    folder = new_folder()
    run = collect(SRC / "pipelines/genome/genome.sh", folder / "work", "20000", "1000", cwd=folder)
    bwa = {e["args"][1] for e in run.of("lifecycle.exec") if e["args"][0] == "bwa"}
    assert bwa == {"index", "mem"}
    assert all(e["exit_code"] == 0 for e in run.of("lifecycle.exit"))
