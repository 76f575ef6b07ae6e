# SPDX-License-Identifier: BSD-2-Clause
"""Memory that processes share counts once: what the keeper reads, against the same files read by the test."""
import contextlib
import os
import pwd
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import NOBODY, Run, Started, collect, collector, merge, stage, wait_for

MIB = 1 << 20
CONFIG = "{probes: {lifecycle: {}, mem: {interval: 100ms}}}"
WORKERS = 8

# A parent and its workers share 200 MiB by mmap(), and 60 MiB that the workers have inherited and only read.
SHARING = f"""
import mmap, os, sys
shared = mmap.mmap(-1, {200 * MIB})
private = mmap.mmap(-1, {60 * MIB}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for area in shared, private:
    for at in range(0, len(area), 4096):
        area[at] = 1
ready, done = os.pipe(), os.pipe()
for i in range({WORKERS}):
    if not os.fork():
        os.close(done[1])
        sum(area[at] for area in (shared, private) for at in range(0, len(area), 4096))
        os.write(ready[1], b"x")
        os.read(done[0], 1)
        os._exit(0)
for i in range({WORKERS}):
    os.read(ready[0], 1)
print("ready", flush=True)
sys.stdin.readline()
os.close(done[1])
for i in range({WORKERS}):
    os.wait()
"""


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pss(pid):
    """In bytes, by name."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name.rstrip(":"): int(value) * 1024 for name, value, *_ in map(str.split, lines)}


def of_mem(started, event):
    run = started.out / "latest"
    if not run.exists():
        return []
    return [e for e in merge(run, options=["--quiet"]) if e["stream"] == "mem" and e["event"] == event]


class Sharing(Started):
    """That program; and its processes when all are there."""

    def __init__(self, *options):
        super().__init__("--no-summary", *options, "--", sys.executable, "-c", SHARING, config=CONFIG, stdin=subprocess.PIPE)

    def wait_until_shared(self):
        assert self.process.stdout.readline() == b"ready\n", self.process.communicate()[1].decode()
        parent = next(child for child in children(self.pid) if child != self.recorder())
        if not children(parent):
            parent, = children(parent)  # below the leader of its session
        self.pids = [parent, *children(parent)]
        assert len(self.pids) == WORKERS + 1
        return self


def near(event, values):
    """Other processes on this machine may map python's files meanwhile."""
    found = {"anon": event["pss_anon_bytes"], "shmem": event["pss_shmem_bytes"], "private": event["private_bytes"]}
    truth = {"anon": values["Pss_Anon"], "shmem": values["Pss_Shmem"],
             "private": values["Private_Clean"] + values["Private_Dirty"]}
    return all(abs(found[name] - truth[name]) < MIB for name in truth)


@pytest.fixture(scope="module")
def shared():
    """(the run, the sum of Pss that it recorded, the test's own by process): each process's is near, and their sum."""
    with Sharing() as started:
        started.wait_until_shared()
        witness = {pid: pss(pid) for pid in started.pids}
        total = sum(values["Pss"] for values in witness.values())

        def complete():
            last = {e["pid"]: e for e in of_mem(started, "pss")}
            return last.keys() >= witness.keys() and all(near(last[pid], values) for pid, values in witness.items()) and \
                [e for e in of_mem(started, "together") if e["processes"] == e["processes_read"] == WORKERS + 1
                 and abs(e["pss_bytes"] - total) < total // 100]
        found = wait_for(complete, "a round has read all processes, as the test has")
        time.sleep(0.5)  # more than an interval: what changes from now on did not while that was read
        started.tell("end")
        yield started.end(None), found[-1], witness


def test_the_witness_shares(shared):
    _, _, witness = shared
    assert all(values["Rss"] > 260 * MIB for values in witness.values())
    assert 260 * MIB < sum(values["Pss"] for values in witness.values()) < 400 * MIB


def test_summary_and_advice(shared):
    run, total, witness = shared
    page = merge(run.path, sink="summary")
    number, unit = re.search(r"([\d.]+) ([MG]iB)  all at once", page).groups()
    # python's files are mapped by others too: at most as much as its largest process has
    assert abs(float(number) - total["pss_bytes"] / MIB) < 10 and unit == "MiB", page
    assert "at most at once" not in page
    rules = run.out / "steps.yaml"
    rules.write_text("steps: [{args: '-c', step: whole}]\n")
    text = merge(run.path, sink=f"advise:format=slurm,steps={rules}")
    memory = int(re.search(r"--mem=(\d+)M", text)[1])
    assert total["pss_bytes"] / MIB < memory < 2 * total["pss_bytes"] / MIB, text


def test_a_process_that_may_not_be_read():
    """The keeper has the rights of the command: of a process that is not dumpable, as a setuid program, only root reads."""
    script = "import ctypes, sys; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); print('ready', flush=True); sys.stdin.readline()"
    name = pwd.getpwuid(NOBODY).pw_name
    with Started("--no-summary", "--user", name, "--", sys.executable, "-c", script, config=CONFIG,
                 stdin=subprocess.PIPE) as started:
        assert started.process.stdout.readline() == b"ready\n"
        refused = wait_for(lambda: [e for e in of_mem(started, "pss") if e["pss_bytes"] is None], "it was asked for")
        wait_for(lambda: [e for e in of_mem(started, "together") if e["processes_read"] < e["processes"]], "it is not counted")
        started.tell("end")
        run = started.end(None)
    assert all("pss_bytes=denied" in e["missing"] and "shared_bytes=denied" in e["missing"] for e in refused)
    assert len(run.of("mem.pss", pid=refused[0]["pid"], pss_bytes=None)) == 1, "once, not in each round"


def test_a_process_that_has_gone_is_not_its_successor():
    """Short processes come and go in every round: what is read is of one that was sampled, or nothing."""
    run = collect("sh", "-c", "for i in $(seq 40); do sleep 0.12 & sleep 0.06; done; wait", config=CONFIG)
    started = {(e["pid"], e["start"]) for e in run.of("mem.sample")}
    assert run.of("mem.together")
    assert all((e["pid"], e["start"]) in started for e in run.of("mem.pss"))
    assert all(e["pss_bytes"] is not None for e in run.of("mem.pss"))


def test_in_a_pid_namespace():
    """The keeper's numbers of processes are others than the kernel's; and it may not see who else is in the cgroup."""
    line, out = collector("--no-summary", "--", sys.executable, "-c", "import time; held = b'x' * (20 << 20); time.sleep(1)",
                          config=CONFIG)
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", *line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = Run(out, 0, b"", done.stderr)
    assert max(e["pss_bytes"] for e in run.of("mem.pss")) > 20 * MIB
    page = merge(run.path, sink="summary")
    assert all(e["cgroup_bytes"] is None or e["cgroup_processes"] != e["cgroup_run_processes"] for e in run.of("mem.together"))
    assert "charged" not in page or re.search(r"others may be in it|\d+ others? in it", page)


def test_events_can_be_left_out():
    run = collect("sh", "-c", "sleep 1; true", config="{probes: {mem: {interval: 100ms, events: [sample, exit]}}}")
    assert run.of("mem.sample") and not run.of("mem.pss") and not run.of("mem.together")


# ---- the cgroup ----

def group_parent():
    """(version, folder) of the memory controller; None: there is none."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup" and "memory" in options.split(","):
            return 1, Path(folder)
        if kind == "cgroup2" and "memory" in Path(folder, "cgroup.controllers").read_text().split():
            with contextlib.suppress(OSError):
                Path(folder, "cgroup.subtree_control").write_text("+memory")
            return 2, Path(folder)
    return None


@pytest.fixture
def group():
    found = group_parent()
    if not found:
        pytest.skip("no memory controller here")
    folder = found[1] / f"collector-pss-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as why:
        pytest.skip(f"no group can be made: {why}")
    yield found[0], folder

    def removed():
        try:
            folder.rmdir()
        except OSError:
            return False
        return True
    wait_for(removed, "the group is empty")


CACHING = """
import os, sys
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
held = b"x" * (30 << 20)
with open(sys.argv[2], "wb") as file:
    file.write(b"x" * (50 << 20))
    file.flush()
    os.fsync(file.fileno())
print("ready", flush=True)
sys.stdin.readline()
"""


def test_the_charge_of_a_cgroup(group):
    version, folder = group
    with Started("--no-summary", "--", "sh", "-c", '"$0" -c "$1" "$2" "$3"; true', sys.executable, CACHING, folder,
                 stage() / "cached", config=CONFIG, stdin=subprocess.PIPE) as started:
        assert started.process.stdout.readline() == b"ready\n"
        charge = int((folder / ("memory.usage_in_bytes" if version == 1 else "memory.current")).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        cached = int(stat["total_cache" if version == 1 else "file"])
        other = subprocess.Popen(["sleep", "1000"])

        def found():
            return [e for e in of_mem(started, "together") if (e["cgroup"] or "").endswith("/" + folder.name)
                    and abs((e["cgroup_bytes"] or 0) - charge) < 4 * MIB
                    and abs((e["cgroup_page_cache_bytes"] or 0) - cached) < 2 * MIB]
        record = wait_for(found, "the charge has been read")[-1]
        assert cached >= 50 * MIB
        assert record["cgroup_anon_bytes"] >= 30 * MIB
        assert (record["cgroup_processes"], record["cgroup_run_processes"]) == (1, 1)
        page = merge(started.out / "latest", options=["--quiet"], sink="summary")
        line = next(line for line in page.splitlines() if line.startswith("  cgroup "))
        assert re.search(r"charged \([\d.]+ MiB page cache\): /", line), line

        (folder / "cgroup.procs").write_text(str(other.pid))
        started.tell("end")
        run = started.end(None)
        other.kill()
        other.wait()
    (stage() / "cached").unlink()
    assert run.of("mem.together")


def test_a_cgroup_with_others_says_so():
    """The test itself is in it."""
    if not group_parent():
        pytest.skip("no memory controller here")
    run = collect(sys.executable, "-c", "import time; held = b'x' * (20 << 20); time.sleep(1)", config=CONFIG)
    totals = run.of("mem.together")
    if totals[-1]["cgroup_bytes"] is None:
        pytest.skip("the root of version 2 has no charge")
    assert all(e["cgroup_processes"] > e["cgroup_run_processes"] for e in totals)
    line = next((line for line in merge(run.path, sink="summary").splitlines() if line.startswith("  cgroup ")), None)
    large = 4 * (20 << 20) >= max(e["cgroup_bytes"] for e in totals)
    assert not large or line
    assert not line or re.search(r"charged.* \(.*; \d+ others? in it", line), line
