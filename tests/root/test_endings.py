# SPDX-License-Identifier: BSD-2-Clause
"""Every way in which a process can end, against what wait4 tells its parent."""
import os
import signal
from collections import Counter

import pytest
from harness import collect, new_folder, program


@pytest.fixture(scope="module")
def run():
    # in a folder of its own, where the kernel may write its core dumps
    return collect(program("endings"), cwd=new_folder(), timeout=120)


def expected(status):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return {"exit_code": None, "signal": number, "core_dumped": os.WCOREDUMP(status)}
    return {"exit_code": os.WEXITSTATUS(status), "signal": None, "core_dumped": False}


def test_every_ending_has_one_exit_with_wait4s_status(run):
    children = run.said
    exits = Counter(e["pid"] for e in run.of("lifecycle.exit"))
    # 256 codes, 56 fatal signals, and the rest of the table
    assert len(children) > 256 + 56 + 40
    assert len({child["pid"] for child in children}) == len(children), "pids were reused: run fewer cases"
    wrong = []
    for child in children:
        ends = run.of("lifecycle.exit", pid=child["pid"])
        seen = [{key: end[key] for key in expected(child["status"])} for end in ends]
        if seen != [expected(child["status"])]:
            wrong.append((child["case"], child["argument"], hex(child["status"]), seen))
    assert not wrong
    assert set(exits.values()) == {1}
    assert not run.lost


def test_the_witness_saw_all_codes_and_signals(run):
    """So that the comparison above is about what it says."""
    codes = {os.WEXITSTATUS(c["status"]) for c in run.said if c["case"] == "code"}
    signals = {os.WTERMSIG(c["status"]) for c in run.said if c["case"] == "signal"}
    assert codes == set(range(256))
    assert signals == {c["argument"] for c in run.said if c["case"] == "signal"} and len(signals) == 56
    assert all(os.WTERMSIG(c["status"]) == signal.SIGKILL for c in run.said if c["case"].endswith("killed"))


def test_core_dumps_are_told(run):
    dumped = [c for c in run.said if os.WIFSIGNALED(c["status"]) and os.WCOREDUMP(c["status"])]
    if not dumped:
        pytest.skip("this kernel writes no core dumps")
    for child in dumped:
        assert run.one("lifecycle.exit", pid=child["pid"])["core_dumped"] is True


def test_names_of_signals(run):
    for child in run.said:
        end = run.one("lifecycle.exit", pid=child["pid"])
        number = end["signal"]
        if number is None:
            assert end["signal_name"] is None
        elif number < 32:
            assert getattr(signal, end["signal_name"]) == number  # some have two names
        else:
            assert end["signal_name"] == f"SIGRTMIN+{number - 32}"


def test_times_lie_where_the_parent_saw_them(run):
    """start between the clock before and after fork; the exit before the parent has reaped it."""
    for child in run.said:
        end = run.one("lifecycle.exit", pid=child["pid"])
        assert child["before"] <= end["start"] <= child["after"], child
        assert end["start"] < end["ts"] <= child["reaped"], child
        assert end["duration_ns"] == end["ts"] - end["start"]


def test_parents(run):
    shell = run.one("lifecycle.exec")
    for child in run.said:
        fork, end = run.one("lifecycle.fork", pid=child["pid"]), run.one("lifecycle.exit", pid=child["pid"])
        for event in fork, end:
            assert (event["ppid"], event["parent_start"]) == (shell["pid"], shell["start"])
            assert event["start"] == fork["start"]


def test_threads(run):
    """threads_peak is exact; the leader of a process that a worker ended is not the thread that ended last."""
    for child in run.said:
        end = run.one("lifecycle.exit", pid=child["pid"])
        peak = {"sixteen_together": 16, "threads_spin_then_code": 9, "code": 1}
        if child["case"] in peak:
            assert end["threads_peak"] == peak[child["case"]], child
        if child["case"] == "many_short_threads":
            assert end["threads_peak"] >= 9  # a joined thread may still be there for a moment
        if child["case"] == "leader_first":
            assert end["tid"] != end["pid"]
