# SPDX-License-Identifier: BSD-2-Clause
"""Many processes at full speed: none is lost, none counted twice."""
import os
import signal
import subprocess
from collections import Counter

import pytest
from harness import collect, program

COUNT = 20_000


def keys(events):
    return Counter((e["pid"], e["start"]) for e in events)


def test_storm():
    run = collect(program("storm"), str(COUNT), "2")
    born = Counter(map(int, run.stdout.split()))
    assert sum(born.values()) == COUNT
    assert not run.lost
    forks, exits = run.of("lifecycle.fork"), run.of("lifecycle.exit")
    # the storm itself, its two workers, and all their children
    assert len(forks) == COUNT + 3
    born_pids = Counter(e["pid"] for e in forks)
    born_pids.subtract(born)
    assert sorted(born_pids.values())[-3:] == [1, 1, 1] and sum(map(abs, born_pids.values())) == 3
    assert set(keys(forks).values()) == {1}
    assert keys(exits) == keys(forks)
    assert keys(run.of("mem.exit")) == keys(forks)
    accounts = run.of("cpu.exit")
    assert keys(accounts) == keys(forks)
    # where BPF does not run while PID 1 does, some last events are missing; more when it is busy
    assert sum(e["final"] for e in accounts) >= 0.95 * len(accounts)
    execs = run.of("lifecycle.exec")
    assert len(execs) == COUNT // 2 + 1
    assert set(keys(execs).values()) == {1}
    assert all(e["exit_code"] == 0 for e in exits)


@pytest.mark.parametrize("config", [None, "probes: {lifecycle: {ring: 512KiB}}\n"])
def test_the_reader_batches(config):
    """A ring buffer that fills wakes the collector once, not again at each event from then on."""
    script = 'switches() { grep ^voluntary /proc/$PPID/status; }; switches; "$0" "$1" 2 >/dev/null; switches'
    run = collect("sh", "-c", script, program("storm"), str(COUNT), config=config)
    before, after = (int(line.split()[1]) for line in run.stdout.splitlines())
    assert not run.lost
    assert after - before < COUNT / 20


def test_events_across_the_end_of_a_ring():
    """A small ring buffer that comes round many times: what lies across its end is as whole as the rest."""
    count, script = 800, 'i=0; while [ $i -lt $1 ]; do i=$((i + 1)); /bin/true "$(printf "%*d" $i $i)" end; done'
    run = collect("bash", "-c", script, "sh", str(count), config="probes: {lifecycle: {ring: 64KiB}}\n")
    assert not run.lost
    execs = [e for e in run.of("lifecycle.exec") if e["exe"] == "/bin/true"]
    assert [e["args"] for e in execs] == [["/bin/true", f"{i:{i}d}", "end"] for i in range(1, count + 1)]
    assert {(e["comm"], e["cwd"]) for e in execs} == {("true", os.getcwd())}


def test_order():
    """Of one process: fork, exec, exit, in the merged order too; of all: by time."""
    run = collect(program("storm"), "2000", "2")
    late = [(a, b) for a, b in zip(run.events, run.events[1:]) if a["ts"] > b["ts"]]
    assert not late
    seen = {}
    for e in run.events:
        if e["stream"] == "lifecycle":
            seen.setdefault((e["pid"], e["start"]), []).append(e["event"])
    assert {tuple(events) for events in seen.values()} == {("fork", "exit"), ("fork", "exec", "exit")}


def test_neighbours_contribute_nothing():
    """A storm beside the watched command, of the same program, with the same parent as the collector."""
    neighbour = subprocess.Popen(["sh", "-c", f"while :; do {program('storm')} 200 2; done"],
                                 stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        run = collect("sh", "-c", 'for i in 1 2 3 4 5; do /bin/true; "$0" 200 2; sleep 0.2; done', program("storm"))
    finally:
        os.killpg(neighbour.pid, signal.SIGKILL)
        neighbour.wait()
    # sh, five times: true, the storm, two workers, 200 children, sleep
    assert len(run.of("lifecycle.fork")) == 1 + 5 * (1 + 1 + 2 + 200 + 1)
    tree = set()
    for e in run.of("lifecycle.fork"):
        assert not tree or (e["ppid"], e["parent_start"]) in tree
        tree.add((e["pid"], e["start"]))
    assert {(e["pid"], e["start"]) for e in run.events} == tree
