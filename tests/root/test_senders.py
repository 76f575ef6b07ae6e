# SPDX-License-Identifier: BSD-2-Clause
"""Who sent the signal that ended a process, or asked it to end: against the sender's own word, and what strace reads from the siginfo."""
import os
import re
import shutil
import signal
import subprocess

import pytest
from harness import Started, collect, new_folder, program, stage, wait_for

SELF, PARENT, OTHER = "pid", "parent", "other"

# case of progs/senders.c: signal, si_code, sender, which process of those that the line names
CASES = {
    "parent": ("SIGTERM", "SI_USER", "user", PARENT),
    "real_time": ("SIGRTMIN+5", "SI_USER", "user", PARENT),
    "group": ("SIGTERM", "SI_USER", "user", PARENT),
    "thread": ("SIGTERM", "SI_TKILL", "user", PARENT),
    "many_threads": ("SIGTERM", "SI_USER", "user", PARENT),
    "queued": ("SIGTERM", "SI_QUEUE", "user", PARENT),
    "forged": ("SIGTERM", "SI_TIMER", "user", PARENT),
    "other": ("SIGKILL", "SI_USER", "user", OTHER),
    "killed_twice": ("SIGKILL", "SI_USER", "user", PARENT),
    "two_blocked": ("SIGINT", "SI_USER", "user", PARENT),
    "ignored_then_killed": ("SIGKILL", "SI_USER", "user", PARENT),
    "taken_then_sent_again": ("SIGTERM", "SI_USER", "user", PARENT),
    "blocked_over_exec": ("SIGTERM", "SI_USER", "user", OTHER),
    "handled": (None, "SI_USER", "user", PARENT),
    "handled_and_raised_again": ("SIGTERM", "SI_USER", "user", PARENT),
    "handled_of_another": (None, "SI_USER", "user", OTHER),
    "read_from_a_descriptor": (None, "SI_USER", "user", PARENT),
    "handled_hangup": (None, None, None, None),  # daemons read their configuration then
    "ignored": (None, None, None, None),
    "raise": ("SIGTERM", "SI_TKILL", "user", SELF),
    "kills_itself": ("SIGKILL", "SI_USER", "user", SELF),
    "abort": ("SIGABRT", "SI_TKILL", "user", SELF),
    "alarm": ("SIGALRM", "SI_KERNEL", "timer", None),
    "virtual_alarm": ("SIGVTALRM", "SI_KERNEL", "timer", None),
    "posix_timer": ("SIGTERM", "SI_TIMER", "timer", None),
    "not_mapped": ("SIGSEGV", "SEGV_MAPERR", "kernel", None),
    "read_only": ("SIGSEGV", "SEGV_ACCERR", "kernel", None),
    "thread_faults": ("SIGSEGV", "SEGV_MAPERR", "kernel", None),
    "stack_is_full": ("SIGSEGV", "SEGV_MAPERR", "kernel", None),
    "thread_stack_is_full": ("SIGSEGV", "SEGV_ACCERR", "kernel", None),
    "cut_map": ("SIGBUS", "BUS_ADRERR", "kernel", None),
    "closed_pipe": ("SIGPIPE", "SI_USER", "kernel", None),
    "file_limit": ("SIGXFSZ", "SI_USER", "kernel", None),
    "cpu_limit": ("SIGXCPU", "SI_KERNEL", "kernel", None),
    "hard_cpu_limit": ("SIGKILL", "SI_KERNEL", "kernel", None),
    "seccomp": ("SIGSYS", "SYS_SECCOMP", "kernel", None),
}
SENDER = ("sender_pid", "sender_start", "sender_comm")


def seen(run, child):
    end = run.one("lifecycle.exit", pid=child["pid"])
    return end, (end["signal_name"], end["signal_code"], end["sender"])


@pytest.fixture(scope="module")
def run():
    return collect(program("senders"), timeout=120)


def test_every_way(run):
    starts = {e["pid"]: e["start"] for event in ("fork", "exec") for e in run.of(f"lifecycle.{event}")}
    assert [child["case"] for child in run.said] == list(CASES)
    for child in run.said:
        name, code, sender, who = CASES[child["case"]]
        end, ending = seen(run, child)
        # before 5.16 the kernel ends it by seccomp without a signal
        if child["case"] == "seccomp" and end.get("missing"):
            assert end["missing"] == dict.fromkeys(("signal_code", "sender", *SENDER), "unsupported")
            continue
        assert ending == (name, code, sender), child
        if who:
            assert [end[key] for key in SENDER] == [child[who], starts[child[who]], "senders"], child
        else:
            assert [end[key] for key in SENDER] == [None] * 3, child
        assert not end.get("missing")


def test_which_stack_was_full(run):
    full = {child["case"] for child in run.said if seen(run, child)[0]["stack_fault"]}
    assert full == {"stack_is_full", "thread_stack_is_full"}


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_as_strace_reads_it():
    """strace itself is no sender, though it stops the process at each signal and hands it on."""
    trace = new_folder() / "trace"
    run = collect("strace", "-f", "-e", "trace=none", "-e", "signal=all", "-o", trace, program("senders"),
                  timeout=200, code=None)
    if "ptrace" in run.stderr and not run.stdout:
        pytest.skip("strace cannot trace here: " + run.stderr.splitlines()[0])
    last = {}
    for line in trace.read_text().splitlines():
        found = re.match(r"(\d+) +--- (SIG\w+) \{.*?si_code=(\w+)(?:, si_pid=(\d+))?", line)
        if found:
            last[int(found[1]), found[2].replace("SIGRT_", "SIGRTMIN+")] = found[3], found[4]
    compared = 0
    for child in run.said:
        end = run.one("lifecycle.exit", pid=child["pid"])
        told = last.get((child["pid"], end["signal_name"]))
        if not told:  # SIGKILL is not shown, nor one of another thread under the process's pid
            continue
        code, pid = told
        assert end["signal_code"] == code, child
        # of what it sent to itself because it was asked to end, the one that has asked is the sender
        if end["sender"] == "user" and child["case"] not in ("forged", "handled_and_raised_again"):
            assert end["sender_pid"] == int(pid), child
        compared += 1
    assert compared >= 18


def test_one_outside_of_the_run():
    """As earlyoom or a batch system: it is not watched, and named all the same."""
    with Started("--no-summary", "--", "sh", "-c", "sleep 600; exit 0") as started:
        started.wait_until_watching()
        sleeper = wait_for(lambda: subprocess.run(["pgrep", "-P", str(child_of(started)), "-x", "sleep"], check=False,
                                                  capture_output=True, text=True).stdout.strip(), "sleep runs")
        os.kill(int(sleeper), signal.SIGKILL)
        run = started.end(number=None)
    end = run.one("lifecycle.exit", pid=int(sleeper))
    assert (end["signal_name"], end["signal_code"], end["sender"]) == ("SIGKILL", "SI_USER", "user")
    with open("/proc/self/comm", encoding="utf-8") as comm:
        assert (end["sender_pid"], end["sender_comm"]) == (os.getpid(), comm.read().rstrip("\n"))
        name = end["sender_comm"]
    assert not run.of("lifecycle.exec", pid=os.getpid())
    page = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", "summary", run.path], check=True,
                          capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}).stdout
    assert "Failed (1)\n" in page and f" sent by {name} (pid {os.getpid()}), outside of the run\n" in page


def child_of(started):
    """The command: the only child of the collector that is not the recorder."""
    def found():
        with open(f"/proc/{started.pid}/task/{started.pid}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        return [pid for pid in children if pid != started.recorder()]
    return wait_for(found, "the command runs")[0]


def test_a_sender_in_a_pid_namespace():
    """Its pid is that of the initial namespace, as all are."""
    run = collect("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "sleep 600 & kill $!; wait $!; echo $$; exit 0")
    assert run.stdout == b"1\n"
    shell = next(e for e in run.of("lifecycle.exec", comm="sh"))
    end = run.one("lifecycle.exit", signal=signal.SIGTERM)
    assert shell["ns_pid"] == 1 and shell["pid"] > 1
    assert [end[key] for key in SENDER] == [shell["pid"], shell["start"], "sh"]


def test_the_end_of_a_pid_namespace():
    """The kernel kills what its init leaves."""
    run = collect("unshare", "--pid", "--fork", "sh", "-c", "sleep 600 & exit 0")
    end = run.one("lifecycle.exit", signal=signal.SIGKILL)
    assert (end["signal_code"], end["sender"], end["sender_pid"]) == ("SI_KERNEL", "kernel", None)


def test_a_storm_of_kills_loses_no_sender():
    script = "import os, signal\n" \
             "for _ in range(2000):\n" \
             "    pid = os.fork()\n" \
             "    if not pid: signal.pause()\n" \
             "    os.kill(pid, signal.SIGTERM)\n" \
             "    os.waitpid(pid, 0)\n"
    run = collect("/usr/bin/python3", "-S", "-c", script)
    parent = run.one("lifecycle.exec")
    ends = run.of("lifecycle.exit", signal=signal.SIGTERM)
    assert len(ends) == 2000 and not run.lost
    assert {(e["sender_pid"], e["sender_start"]) for e in ends} == {(parent["pid"], parent["start"])}
