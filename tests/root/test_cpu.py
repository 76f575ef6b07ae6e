# SPDX-License-Identifier: BSD-2-Clause
"""CPU time of processes that have ended, against wait4's rusage."""
from collections import Counter

import pytest
from harness import collect, program

# wait4 gives user and system time cut to whole microseconds, and a child's account may get a last tick
# between the parent's look and the task's free
TOLERANCE_NS = 20_000


@pytest.fixture(scope="module")
def run():
    return collect(program("cpu"))


@pytest.fixture(scope="module")
def pairs(run):
    """Each child with its account."""
    return [(child, run.one("cpu.exit", pid=child["pid"])) for child in run.said]


def test_every_process_has_one_account(run):
    accounts = Counter((e["pid"], e["start"]) for e in run.of("cpu.exit"))
    exits = Counter((e["pid"], e["start"]) for e in run.of("lifecycle.exit"))
    assert accounts == exits
    assert set(accounts.values()) == {1}
    assert not run.lost


def test_nearly_all_accounts_are_final(pairs):
    """Where BPF does not run while PID 1 does, about 0.5 % of the last events are missing."""
    final = sum(end["final"] for _, end in pairs)
    assert final >= 0.98 * len(pairs)


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
