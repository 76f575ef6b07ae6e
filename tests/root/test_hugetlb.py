# SPDX-License-Identifier: BSD-2-Clause
"""Memory in pages of hugetlbfs, which the kernel counts in no RSS: against /proc/PID/status."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import BUILD, Started, ask, collect, merge, wait_for

POOL = Path("/proc/sys/vm/nr_hugepages")
PAGES = 4
MAP_HUGETLB = 0x40000

HOLDER = f"""
import mmap, os, re, sys
held = mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | {MAP_HUGETLB})
for at in range(0, len(held), 4096):
    held[at] = 1
print(os.getpid(), re.search(r"HugetlbPages:\\s+(\\d+)", open("/proc/self/status").read())[1], flush=True)
sys.stdin.readline()
held.close()
"""


def page_bytes():
    return int(re.search(r"Hugepagesize:\s+(\d+)", Path("/proc/meminfo").read_text())[1]) << 10


@pytest.fixture(scope="module")
def run():
    before = POOL.read_text() if POOL.exists() else None
    if before is None:
        pytest.skip("this kernel has no pool of huge pages")
    try:
        POOL.write_text(str(int(before) + PAGES))
        if int(POOL.read_text()) < int(before) + PAGES:
            pytest.skip("no memory for huge pages")
        line = [sys.executable, "-c", HOLDER, str(PAGES * page_bytes())]
        config = "probes: {lifecycle: {}, mem: {interval: 20ms}}"
        with Started("--no-summary", "--", *line, config=config, stdin=subprocess.PIPE) as started:
            pid, said = map(int, started.process.stdout.readline().split())
            wait_for(lambda: any(sampled(started.out / os.readlink(started.out / "latest"), pid)), "a sample of it")
            started.tell("")
            return started.end(None), pid, said << 10
    finally:
        POOL.write_text(before)


def sampled(path, pid):
    return [e["hugetlb_bytes"] for e in merge(path) if e["stream"] == "mem" and e["event"] == "sample" and e["pid"] == pid]


def test_samples_have_what_the_kernel_says(run):
    run, pid, said = run
    assert said == PAGES * page_bytes()
    held = sampled(run.path, pid)
    assert max(held) == said
    # not resident, and given back before the exit; before the exec a sample is of its parent's program
    began = run.one("lifecycle.exec", pid=pid)["ts"]
    resident = [e["rss_bytes"] for e in run.of("mem.sample", pid=pid) if e["ts"] > began]
    assert max(resident) < run.one("mem.exit", pid=pid)["peak_rss_bytes"] * 1.1
    assert run.one("mem.exit", pid=pid)["hugetlb_bytes"] in (0, None)


def test_it_is_shown_beside_the_peak(run):
    run, _, said = run
    text = merge(run.path, sink="summary")
    assert re.search(rf"^  huge pages +≥ ?{said >> 20}(\.0)? MiB", text, re.M), text


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_tables_have_it(run):
    run, pid, said = run
    sql = f"SELECT hugetlb_bytes, peak_rss_bytes FROM processes WHERE pid = {pid}"
    row, = ask(run, sql)
    assert int(row["hugetlb_bytes"]) == said


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_what_no_sample_saw_is_not_known():
    run = collect("true", config="probes: {lifecycle: {}, mem: {interval: 1h}}\n")
    row, = ask(run, "SELECT hugetlb_bytes, sampled_rss_bytes, missing['hugetlb_bytes'] AS why, "
                    "missing['sampled_rss_bytes'] AS as_of FROM processes")
    assert row["hugetlb_bytes"] is None and row["sampled_rss_bytes"] is None
    assert row["why"] and row["why"] == row["as_of"]
