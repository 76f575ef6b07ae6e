# SPDX-License-Identifier: BSD-2-Clause
"""CPU time of processes that have ended, against wait4's rusage."""
import sys
from collections import Counter

import pytest
from harness import BUILD, ask, collect, program

TOLERANCE_NS = 2_000  # wait4 gives user and system time cut to whole microseconds


@pytest.fixture(scope="module")
def run():
    return collect(program("cpu"))


@pytest.fixture(scope="module")
def pairs(run):
    return paired(run)


def paired(run):
    """Each child with its account."""
    return [(child, run.one("cpu.exit", pid=child["pid"])) for child in run.said]


def test_every_process_has_one_account(run):
    accounts = Counter((e["pid"], e["start"]) for e in run.of("cpu.exit"))
    exits = Counter((e["pid"], e["start"]) for e in run.of("lifecycle.exit"))
    assert accounts == exits
    assert set(accounts.values()) == {1}
    assert not run.lost


def test_nearly_all_accounts_are_final(pairs):
    """Where BPF does not run while PID 1 does, about 0.5 % of the last events are missing: more of them where PID 1 has work
    (here it carries every terminal's output), so the best of five runs counts. The kernel matrix (cpu_final) wants them all."""
    shares = []
    for attempt in range(5):
        ends = pairs if attempt == 0 else paired(collect(program("cpu")))
        shares.append(sum(end["final"] for _, end in ends) / len(ends))
        if shares[-1] >= 0.98:
            return
    raise AssertionError(f"final: {shares}")


def test_cpu_is_what_wait4_says(pairs):
    wrong = []
    for child, end in pairs:
        truth = (child["user_us"] + child["system_us"]) * 1000
        if end["final"] and abs(end["cpu_ns"] - truth) > TOLERANCE_NS:
            wrong.append((child["case"], truth, end["cpu_ns"]))
        if not end["final"] and end["cpu_ns"] > truth + TOLERANCE_NS:
            wrong.append((child["case"], "provisional", truth, end["cpu_ns"]))
    assert not wrong


def test_user_and_system_add_up(pairs):
    for _, end in pairs:
        assert end["user_ns"] + end["system_ns"] == end["cpu_ns"]


def test_user_and_system_are_split_as_by_wait4(pairs):
    """By the kernel's rule, so as near as the sum is."""
    wrong = [
        (child, end["user_ns"], end["system_ns"]) for child, end in pairs
        if end["final"] and (abs(end["user_ns"] - child["user_us"] * 1000) > TOLERANCE_NS
                             or abs(end["system_ns"] - child["system_us"] * 1000) > TOLERANCE_NS)
    ]
    assert not wrong


def test_the_witness_did_use_cpu(pairs):
    used = {}
    for child, end in pairs:
        used.setdefault((child["case"], child["argument"]), []).append(end["cpu_ns"] / 1e6)
    assert min(used["burn", 300]) >= 300 and min(used["threads", 50]) >= 200
    assert max(used["sleeps", 100]) < 20
    assert min(used["threads_running", 30]) >= 30


def test_threads_are_counted(pairs):
    for child, end in pairs:
        assert end["threads"] == {"threads": 5, "threads_running": 9}.get(child["case"], 1)


def test_switches(pairs):
    """One who sleeps gives the CPU up."""
    assert all(end["voluntary_switches"] >= 1 for child, end in pairs if child["case"] == "sleeps")


TWO_PROGRAMS = """
import json, os, time
began = time.monotonic_ns()
child = os.fork()
if not child:
    until = time.process_time() + 0.6
    while time.process_time() < until:
        pass
    os.execv("/bin/true", ["true"])
usage = os.wait4(child, 0)[2]
wall = time.monotonic_ns() - began
for _ in range(50):
    os.spawnv(os.P_WAIT, "/bin/true", ["true"])
print(json.dumps({"pid": child, "cpu_ns": round((usage.ru_utime + usage.ru_stime) * 1e9), "wall_ns": wall}))
"""


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
@pytest.mark.parametrize("interval", ("30s", "50ms"))
def test_no_program_of_one_thread_keeps_more_than_one_cpu_busy(interval):
    """A short program gets the CPU of the one before it, as far as no sample has seen that: its share is of the same time."""
    run = collect(sys.executable, "-c", TWO_PROGRAMS, config=f"probes: {{lifecycle: {{}}, cpu: {{interval: {interval}}}}}")
    said, = run.said
    for table in "processes", "images":
        rows = ask(run, f"SELECT pid, exec, forked, cpu_ns, cpu_span_ns FROM {table} WHERE cpu_ns IS NOT NULL ORDER BY pid, exec")
        assert len(rows) > 50
        assert not [row for row in rows if int(row["cpu_ns"]) > int(row["cpu_span_ns"])]
    own = [row for row in rows if row["pid"] == said["pid"]]
    cpu, span = (sum(int(row[name]) for row in own) for name in ("cpu_ns", "cpu_span_ns"))
    assert cpu == pytest.approx(said["cpu_ns"], abs=1e6)
    assert said["cpu_ns"] < span * 1.001 and span < said["wall_ns"]
    assert all(float(row["cpus"]) <= 1 for row in ask(run, "cpu") if row["command"] == "true")
