# SPDX-License-Identifier: BSD-2-Clause
"""Killed for want of memory: who, by which cgroup's limit, how big; against the kernel's own log."""
import contextlib
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from harness import BUILD, Started, ask, collect, merge, merge_into, new_folder, program, truth, wait_for

LIMIT = 30 << 20


def groups():
    """Where a group can be made, by the version of cgroups: (parent, file of the limit)."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup" and "memory" in options.split(","):
            yield 1, Path(folder), "memory.limit_in_bytes"
        elif kind == "cgroup2" and "memory" in Path(folder, "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                Path(folder, "cgroup.subtree_control").write_text("+memory")
            yield 2, Path(folder), "memory.max"


@pytest.fixture(scope="module", params=[1, 2])
def group(request):
    found = [(parent, file) for version, parent, file in groups() if version == request.param]
    if not found:
        pytest.skip(f"no memory controller of version {request.param} here")
    folder = found[0][0] / f"collector-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / found[0][1]).write_text(str(LIMIT))
    except OSError as why:
        pytest.skip(f"no group can be made: {why}")
    yield folder
    folder.rmdir()


@pytest.fixture(scope="module")
def killed(group):
    """One that takes too much, under a shell that goes on; and what the kernel logged of it."""
    script = 'echo 0 >"$1"/cgroup.procs; "$0" hold 10; "$0" hold 100; exit 0'
    run = collect("sh", "-c", script, program("memory"), group)
    log = subprocess.run(["dmesg"], capture_output=True, text=True, check=False).stdout
    return run, log


def test_who_and_by_which_limit(killed, group):
    run, _ = killed
    kill = run.one("mem.oom_kill")
    victim = run.one("lifecycle.exec", args=[str(program("memory")), "hold", "100"])
    assert (kill["pid"], kill["start"]) == (victim["pid"], victim["start"])
    assert kill["comm"] == "memory"
    assert (kill["limit"], kill["limit_bytes"]) == ("cgroup", LIMIT)
    # the group's path is what the victim's own exec has, and the folder's name is its last part
    assert kill["cgroup"] == victim["cgroup"] and kill["cgroup"].endswith("/" + group.name)
    assert (kill["oom_scope"], kill["oom_cgroup"]) == ("cgroup", kill["cgroup"])
    assert LIMIT - (4 << 20) < kill["usage_bytes"] <= LIMIT
    # it was alone: what it wanted itself was too much
    assert (kill["trigger_pid"], kill["trigger_start"], kill["trigger_comm"]) == (kill["pid"], kill["start"], "memory")
    end = run.one("lifecycle.exit", pid=kill["pid"])
    assert (end["signal"], end["signal_name"], end["exit_code"]) == (9, "SIGKILL", None)
    assert end["ts"] >= kill["ts"]
    assert (end["signal_code"], end["sender"], end["sender_pid"]) == ("SI_KERNEL", "memory_limit", None)
    others = [e for e in run.of("lifecycle.exit") if e["pid"] != kill["pid"]]
    assert others and all(e["exit_code"] == 0 for e in others)


def test_its_size(killed):
    """The log reads counters without what each CPU has not added yet: some hundred KiB less or more."""
    run, log = killed
    kill = run.one("mem.oom_kill")
    lines = [line for line in log.splitlines() if f"Killed process {kill['pid']} (memory)" in line]
    if not lines:
        pytest.skip("the kernel's log cannot be read")
    logged = sum(int(re.search(rf"{kind}-rss:(\d+)kB", lines[-1])[1]) << 10 for kind in ("anon", "file", "shmem"))
    assert abs(kill["rss_bytes"] - logged) <= 1 << 20
    assert LIMIT - (4 << 20) < kill["rss_bytes"] < LIMIT + (4 << 20)


def test_the_summary_says_so(killed):
    run, _ = killed
    text = merge(run.path, sink="summary")
    assert re.search(r"^ +OOM +memory hold 100$", text, re.M), text
    assert "Failed (1)" in text and "HIDDEN" in text  # the shell ended with 0
    cgroup = run.one("mem.oom_kill")["cgroup"]
    assert re.search(rf"limit 30 MiB, usage (29|30) MiB, its own \d\d MiB( with shared files)?, cgroup {re.escape(cgroup)}$",
                     text, re.M), text


# Two that hold memory and say so, one in the group, and one that is killed in it once both were sampled.
OTHERS = """
import subprocess, sys, time
memory, group = sys.argv[1:]
held = bytearray(b"x" * (80 << 20))
into = 'echo 0 >"$1"/cgroup.procs; shift; exec "$@"'
hold = "x = bytearray(b'x' * (4 << 20)); print(flush=True); input()"
sleeper = subprocess.Popen(["sh", "-c", into, "sh", group, sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
sleeper.stdout.readline()
print(sleeper.pid, flush=True)
sys.stdin.readline()
subprocess.run(["sh", "-c", into, "sh", group, memory, "hold", "100"])
sleeper.communicate(b"\\n")
"""


def rss(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) << 10


def test_the_largest_others(group):
    line = [sys.executable, "-c", OTHERS, program("memory"), group]
    with Started("--no-summary", "--", *line, config="probes: {lifecycle: {}, mem: {interval: 20ms}}", stdin=subprocess.PIPE) as started:
        sleeper = int(started.process.stdout.readline())
        parent = int(re.search(r"PPid:\s+(\d+)", Path(f"/proc/{sleeper}/status").read_text())[1])
        sizes = {pid: rss(pid) for pid in (parent, sleeper)}
        wait_for_samples(started, sizes)
        started.tell("")
        run = started.end(None)
    text = merge(run.path, sink="summary")
    found = re.search(r"largest others: (.*)", text).group(1)
    others = [(int(pid), float(size)) for size, pid in re.findall(r"\S+ ([\d.]+) MiB \(pid (\d+)\)", found)]
    assert [pid for pid, _ in others] == [sleeper], text  # the parent holds more, in another cgroup
    assert others[0][1] == pytest.approx(sizes[sleeper] / (1 << 20), abs=2)


def wait_for_samples(started, sizes):
    """Until the stream has a sample of each that is as large as the process is."""
    def sampled():
        held = Counter()
        for e in merge(started.out / os.readlink(started.out / "latest")):
            if e["stream"] == "mem" and e["event"] == "sample":
                held[e["pid"]] = e["rss_bytes"]
        return all(held[pid] > size - (2 << 20) for pid, size in sizes.items())
    wait_for(sampled, "samples of both")


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_the_query_failed_says_so(killed):
    run, _ = killed
    kill = run.one("mem.oom_kill")
    row, = ask(run, "failed")
    assert row["outcome"] == "oom" and row["pid"] == kill["pid"]
    assert re.match(rf"limit 30\.0 MiB, usage (29|30)\.\d MiB, cgroup {re.escape(kill['cgroup'])}", row["oom"]), row


@pytest.mark.parametrize("version", [1, 2])
def test_for_another_and_by_the_group_above(version):
    """The suite's own cases: a big one that sleeps is killed for a small one; the limit is the parent group's."""
    folder = new_folder(0o777)
    run = collect(truth(), "run", folder / "expected", f"oom_v{version}")
    merge_into(folder / "events.jsonl", run.path)
    done = subprocess.run([truth(), "check", folder / "expected", folder / "events.jsonl"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout
    if f"oom_v{version} none" in done.stdout:
        pytest.skip(f"no memory controller of version {version} here")
    assert f"oom_v{version} right" in done.stdout, done.stdout
