# SPDX-License-Identifier: BSD-2-Clause
"""Limits of the run's cgroups and how often they were met, against the files of the cgroups."""
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import Started, collect, merge, wait_for

CONFIG = "{probes: {lifecycle: {}, mem: {interval: 100ms}}}"

# Enters its cgroups, uses up its quota, and forks until that is refused.
MEETS = """
import os, sys, time
for folder in sys.argv[1:]:
    open(folder + "/cgroup.procs", "w").write("0")
while time.process_time() < 0.3:
    pass
try:
    while True:
        if not os.fork():
            time.sleep(1000)
except OSError:
    pass
held = b"x" * (8 << 20)
print("ready", flush=True)
sys.stdin.readline()
os.killpg(0, 9)
"""


def mounts():
    """(folder, type, options) of the mounted hierarchies."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, right = line.split(" - ")
        yield Path(left.split()[4]), right.split()[0], right.split()[2].split(",")


def parents():
    """Where groups with limits can be made: (version, the folders for CPU time and for processes); None: nowhere."""
    found = {name: folder for folder, kind, options in mounts() if kind == "cgroup" for name in options if name in ("cpu", "pids")}
    if len(found) == 2:
        return 1, [found["cpu"], found["pids"]]
    for folder, kind, _ in mounts():
        if kind == "cgroup2" and {"cpu", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split()):
            return 2, [folder]
    return None


@pytest.fixture(name="groups")
def made_groups():
    where = parents()
    if not where:
        pytest.skip("no CPU and pids controllers here")
    version, above = where
    folders = [folder / f"collector-test-{os.getpid()}" for folder in above]
    for folder in folders:
        folder.mkdir()
    if version == 1:
        (folders[0] / "cpu.cfs_period_us").write_text("50000")
        (folders[0] / "cpu.cfs_quota_us").write_text("10000")
    else:
        (folders[0] / "cpu.max").write_text("10000 50000")
    (folders[-1] / "pids.max").write_text("7")
    yield version, folders
    for folder in folders:
        def removed(folder=folder):
            try:
                folder.rmdir()
            except OSError:
                return False
            return True
        wait_for(removed, "the group is empty")


def values(path):
    return {line.split()[0]: int(line.split()[1]) for line in path.read_text().splitlines()}


def test_limits_that_were_met(groups):
    version, folders = groups
    with Started("--no-summary", "--", "setsid", "-w", sys.executable, "-c", MEETS, *folders, config=CONFIG,
                 stdin=subprocess.PIPE) as started:
        assert started.process.stdout.readline() == b"ready\n", started.process.communicate()[1].decode()
        ready = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

        def after_that():
            return [e for e in merge(started.out / os.readlink(started.out / "latest"))
                    if e["event"] == "together" and e["ts"] > ready]
        stat = values(folders[0] / "cpu.stat")
        told = wait_for(after_that, "the cgroup was read again")[-1]
        later = values(folders[0] / "cpu.stat")
        pids, refused = int((folders[-1] / "pids.current").read_text()), values(folders[-1] / "pids.events")["max"]
        started.tell("end")
        started.end(None, code=None)
    assert (told["quota_ns"], told["period_ns"]) == (10_000_000, 50_000_000)
    assert stat["nr_throttled"] > 0 and stat["nr_throttled"] <= told["throttled_periods"] <= later["nr_throttled"]
    assert stat["nr_periods"] <= told["periods"] <= later["nr_periods"]
    time_of = (lambda s: s["throttled_time"]) if version == 1 else (lambda s: s["throttled_usec"] * 1000)
    assert time_of(stat) <= told["throttled_ns"] <= time_of(later)
    assert told["pids"] == pids == told["pids_limit"] == 7
    assert told["pids_refused"] == refused >= 1


SPINS = """
import sys, time
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
while time.process_time() < float(sys.argv[2]):
    pass
time.sleep(0.3)
"""
QUOTA_CONFIG = "{probes: {lifecycle: {}, cpu: {interval: 100ms}}, verdicts: {after: 1s}}"
QUOTA = ("quota_ns", "period_ns", "quota_cgroup_id")


@pytest.mark.parametrize("used", [0.5, 0.02], ids=["used up", "not used up"])
def test_quota_of_a_process(groups, used):
    """The quota is that of a cgroup above the process's own."""
    _, folders = groups
    below = folders[0] / "below"
    below.mkdir()
    try:
        run = collect(sys.executable, "-c", SPINS, below, str(used), config=QUOTA_CONFIG)
    finally:
        below.rmdir()
    stat = values(folders[0] / "cpu.stat")
    samples = run.of("cpu.sample")
    limited = [e for e in samples if e["quota_ns"] is not None]
    assert {tuple(e[key] for key in QUOTA) for e in limited} == {(10_000_000, 50_000_000, folders[0].stat().st_ino)}
    assert limited[-1]["periods"] <= stat["nr_periods"] and limited[-1]["throttled_periods"] <= stat["nr_throttled"]
    told = [e for e in merge(run.path, sink="jsonl:verdicts=true").splitlines() if '"event":"verdict"' in e]
    if used < 0.1:
        assert not told and limited[-1]["throttled_periods"] <= 1
        return
    assert stat["nr_throttled"] - 2 <= limited[-1]["throttled_periods"] and limited[-1]["throttled_periods"] > 20
    verdict, = map(json.loads, told)
    assert (verdict["kind"], verdict["certainty"], verdict["pid"]) == ("throttled", "proven", limited[-1]["pid"])
    assert "quota is 0.20 CPUs" in verdict["evidence"]
