# SPDX-License-Identifier: BSD-2-Clause
"""Waits for a CPU and limits of a process, against what it reads of itself in /proc."""
import re
import subprocess
import sys

import pytest
from harness import BUILD, CC, ask, collect

CONFIG = "probes: {lifecycle: {}, cpu: {interval: 100ms}, mem: {}, stall: {interval: 100ms, after: 500ms}}\n"

# Two processes share one CPU, so each waits about as long as the other runs. Each thread says last what it waited for so
# far, and when; what it waits for until its end is at most the time until then.
SPINS = """
import json, os, signal, threading, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
other = os.fork()
if not other:
    while True:
        pass
said = []
def waited():
    tid = threading.get_native_id()
    ns = int(open(f"/proc/self/task/{tid}/schedstat").read().split()[1])
    said.append((ns, time.clock_gettime_ns(time.CLOCK_BOOTTIME)))
def spin():
    while time.thread_time() < 0.2:
        pass
    waited()
threads = [threading.Thread(target=spin) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
waited()
os.kill(other, signal.SIGKILL)
os.wait()
print(json.dumps({"pid": os.getpid(), "said": said}))
"""


@pytest.fixture(scope="module")
def spun():
    return collect(sys.executable, "-c", SPINS, config=CONFIG)


def test_run_delay_of_threads_that_have_ended(spun):
    said = spun.said[0]
    told = spun.one("cpu.exit", pid=said["pid"])
    least = sum(ns for ns, _ in said["said"])
    most = sum(ns + told["exited_ns"] - at for ns, at in said["said"])
    assert len(said["said"]) == 7 and least > 100e6
    assert least <= told["run_delay_ns"] <= most, (least, told, most)


def test_run_delay_grows_by_samples(spun):
    values = [e["run_delay_ns"] for e in spun.of("cpu.sample", pid=spun.said[0]["pid"])]
    last = spun.one("cpu.exit", pid=spun.said[0]["pid"])
    assert len(values) > 3 and values[0] < values[-1] <= last["run_delay_ns"]
    assert last["samples"] >= len(values) and last["iowait_samples"] <= last["samples"]


def test_of_one_thread_it_is_exact():
    """A process in the way of others on one CPU; it reads its own account as its last act."""
    script = """
import json, os, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for _ in range(2):
    if not os.fork():
        while time.process_time() < 0.3:
            pass
        os._exit(0)
while time.process_time() < 0.3:
    pass
ns = int(open("/proc/self/schedstat").read().split()[1])
print(json.dumps({"pid": os.getpid(), "ns": ns, "at": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}), flush=True)
os._exit(0)
"""
    run = collect(sys.executable, "-c", script, config=CONFIG)
    said = run.said[0]
    told = run.one("cpu.exit", pid=said["pid"])
    assert 50e6 < said["ns"] <= told["run_delay_ns"] <= said["ns"] + told["exited_ns"] - said["at"]
    assert told["cpus_allowed"] == 1


def test_limit_of_the_stack():
    script = """
import os, resource
for limit in (3 << 20, resource.RLIM_INFINITY):
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_STACK, (limit, resource.RLIM_INFINITY))
        os._exit(0)
    os.waitpid(pid, 0)
    print('{"pid": %d}' % pid, flush=True)
"""
    run = collect(sys.executable, "-c", script, config=CONFIG)
    limits = [run.one("mem.exit", pid=said["pid"])["stack_limit_bytes"] for said in run.said]
    assert limits == [3 << 20, None]


def test_zombies():
    """One that stays, and one that its parent waits for."""
    script = """
import json, os, sys, time
left = os.fork()
if not left:
    os._exit(3)
reaped = os.fork()
if not reaped:
    os._exit(0)
os.waitpid(reaped, 0)
time.sleep(2)
state = open(f"/proc/{left}/stat").read().rpartition(")")[2].split()[0]
print(json.dumps({"pid": os.getpid(), "left": left, "reaped": reaped, "state": state}))
"""
    run = collect(sys.executable, "-c", script, config=CONFIG)
    said = run.said[0]
    assert said["state"] == "Z"
    zombie = run.one("stall.zombie")
    assert (zombie["pid"], zombie["parent_pid"]) == (said["left"], said["pid"])
    assert zombie["since"] == run.one("lifecycle.exit", pid=said["left"])["ts"]
    assert zombie["parent_start"] == run.one("lifecycle.exec", pid=said["pid"])["start"]
    assert not run.of("stall.stuck", pid=said["left"])


# Each waits for something else for 2 s at least; what it sleeps in is read in /proc by another process.
WAITS = """
import fcntl, json, os, signal, socket, sys, time
folder = sys.argv[1]
os.mkfifo(folder + "/fifo")
held = open(folder + "/lock", "w")
fcntl.flock(held, fcntl.LOCK_EX)
locked = open(folder + "/record", "w")
fcntl.lockf(locked, fcntl.LOCK_EX)
pipe, full = os.pipe(), os.pipe()
ours, theirs = socket.socketpair()

def fill():
    data = b"x" * 65536
    while True:
        os.write(full[1], data)

does = {
    "fifo": lambda: open(folder + "/fifo"),
    "flock": lambda: fcntl.flock(open(folder + "/lock"), fcntl.LOCK_EX),
    "fcntl": lambda: fcntl.lockf(open(folder + "/record", "r+"), fcntl.LOCK_EX),
    "pipe": lambda: os.read(pipe[0], 1),
    "full": fill,
    "socket": lambda: theirs.recv(1),
    "stopped": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "signal": signal.pause,
    "timer": lambda: time.sleep(1000),
}
pids = {}
for name, do in does.items():
    pids[name] = os.fork()
    if not pids[name]:
        do()
        os._exit(0)
time.sleep(2.5)
said = {}
for name, pid in pids.items():
    said[name] = {"pid": pid, "state": open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0],
                  "syscall": open(f"/proc/{pid}/syscall").read().split()[0]}
for pid in pids.values():
    os.kill(pid, signal.SIGKILL)
for pid in pids.values():
    os.waitpid(pid, 0)
print(json.dumps(said))
"""

# By the words of the named query.
WORDS = {
    "fifo": "a FIFO to be opened at its other end",
    "flock": "a file lock (flock)",
    "fcntl": "a file lock (fcntl)",
    "pipe": "input from a pipe",
    "full": "a pipe to be read: it is full",
    "socket": "input from a socket",
    "stopped": "SIGCONT: it was stopped",
    "signal": "a signal",
    "timer": "a timer",
}


def numbers_of_calls():
    """By <sys/syscall.h>."""
    done = subprocess.run([*CC, "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"], capture_output=True, check=True)
    return {name: int(number) for name, number in re.findall(r"^#define __NR_(\w+) (\d+)$", done.stdout.decode(), re.M)}


def test_what_each_process_waited_for(tmp_path):
    run = collect(sys.executable, "-c", WAITS, str(tmp_path))
    said = run.said[0]
    numbers = numbers_of_calls()
    for name, seen in said.items():
        last = run.of("cpu.sample", pid=seen["pid"])[-1]
        assert last["state"] == seen["state"], name
        if name != "stopped":
            assert numbers[last["syscall"]] == int(seen["syscall"]), (name, last)
        else:
            assert last["syscall"] is None
    if not (BUILD / "collector-query").exists():
        pytest.skip("built without DuckDB: tests/setup duckdb")
    told = {row["pid"]: row["waits_for"] for row in ask(run, "idle")}
    assert {name: told.get(seen["pid"]) for name, seen in said.items()} == WORDS
