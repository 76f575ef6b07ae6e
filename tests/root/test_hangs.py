# SPDX-License-Identifier: BSD-2-Clause
"""Programs that hang or deadlock, each beside a healthy one that only looks like it: what the query says while they last, what
remains when they are ended, and what /proc says of them."""
import json
import os
import re
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
from harness import Started, merge, new_folder, program, stage, wait_for

CONFIG = """
probes: {lifecycle: {required: true}, cpu: {interval: 200ms}, stall: {interval: 200ms, after: 1s}}
verdicts: {after: 1s}
"""

# Starts all of argv[1], waits for a line, and ends them itself: what is only suspected then ends by the run's own doing.
STARTER = """
import json, signal, subprocess, sys
started = {name: subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
           for name, argv in json.loads(sys.argv[1]).items()}
print(json.dumps({name: process.pid for name, process in started.items()}), flush=True)
sys.stdin.readline()
import os
for process in started.values():
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
"""
EACH_OTHER = """
import os
a, b = os.pipe(), os.pipe()
if os.fork():
    os.close(a[1]), os.close(b[0])
    os.read(a[0], 1)
else:
    os.close(a[0]), os.close(b[1])
    os.read(b[0], 1)
"""
LOCKS = """
import fcntl, os
ready = os.pipe(), os.pipe()
child = os.fork()
files = [open(name, 'w') for name in ('one.lock', 'two.lock')]
first, second = files if child else files[::-1]
fcntl.flock(first, fcntl.LOCK_EX)
mine, other = ready if child else ready[::-1]
os.write(mine[1], b'x'), os.read(other[0], 1)
fcntl.flock(second, fcntl.LOCK_EX)
"""
STOPPED = """
import os, signal, subprocess
child = subprocess.Popen(['sleep', '1000'])
os.kill(child.pid, signal.SIGSTOP)
child.wait()
"""
ACCEPT = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.accept()"

PYTHON = [sys.executable, "-I", "-c"]
BASH = ["bash", "-c"]

# What is executed, then the only verdict but suspected ones on it or its descendants: kind, certainty, words of its evidence.
FAULTY = {
    "own_fifo": ([*BASH, "exec 3<>own; read x <&3"], "deadlock", "proven", r"for a read of FIFO .*/own, whose only writer is itself"),
    "each_other": ([*PYTHON, EACH_OTHER], "deadlock", "proven", r"for a read of pipe:\[\d+\], held as writer by"),
    "locks": ([*PYTHON, LOCKS], "deadlock", "proven", r"for a lock of file .*/two\.lock, held by .*one\.lock"),
    "tee": ([*BASH, "exec 3<>tee.fifo; tee copy <tee.fifo; true"], "deadlock", "proven", r"for its child tee copy .*tee\.fifo"),
    "stopped": ([*PYTHON, STOPPED], "hang", "likely", r"sleep 1000 \(pid \d+\) has been stopped for"),
    "wait": ([*BASH, "exec 3<>wait.fifo; read x <&3 & wait"], "deadlock", "proven", r"for its child .*wait\.fifo"),
    "mutexes": (None, "deadlock", "proven", r"for a mutex .*that thread \d+ holds; its thread \d+ waits for a mutex"),
}
# Verdicts that may be suspected while they last, and none when they have ended.
HEALTHY = {
    "slow_writer": [*BASH, "exec 3<>slow; sleep 1000 & exec 4<slow; exec 3<&-; read x <&4"],
    "server": [*PYTHON, ACCEPT],
    "sleeper": ["sleep", "1000"],
    "heartbeat": [*BASH, "while sleep 0.3; do :; done"],
    "held_lock": [*BASH, "exec 3>held; flock 3; sleep 1000 & exec 3>&-; flock held true"],
    "held_lock_for_a_time": [*BASH, "exec 3>timed; flock 3; sleep 1000 & exec 3>&-; flock -w 900 timed true"],
    "mutexes_again": None,
}


def query(out):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", "--format", "json", out / "latest",
                           "SELECT kind, certainty, pid, evidence, members FROM verdicts"], capture_output=True, check=False)
    return json.loads(done.stdout or "[]") if done.returncode == 0 else []


def pids_below(pid):
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir()
                for child in (task / "children").read_text().split()]
    return {pid, *(each for child in children for each in pids_below(child))}


def switches(pid):
    """How often its threads were switched: what stands still is not."""
    return sorted((task.name, re.findall(r"ctxt_switches:\t(\d+)", (task / "status").read_text()))
                  for task in Path(f"/proc/{pid}/task").iterdir())


@pytest.fixture(scope="module", name="run")
def made_run():
    run = types.SimpleNamespace()
    folder, mutexes = new_folder(), program("mutexes")
    for name in "own", "tee.fifo", "wait.fifo", "slow":
        os.mkfifo(folder / name)
    commands = {name: argv or [str(mutexes)] for name, (argv, *_) in FAULTY.items()}
    commands.update({name: argv or [str(mutexes), "again"] for name, argv in HEALTHY.items()})
    with Started("--no-summary", "--", *PYTHON, STARTER, json.dumps(commands), config=CONFIG, stdin=subprocess.PIPE,
                 cwd=folder) as started:
        pids = json.loads(started.process.stdout.readline())
        of = {name: set() for name in pids}

        def missing():
            of.update({name: pids_below(pid) for name, pid in pids.items()})
            run.found = query(started.out)
            stand = {v["pid"] for v in run.found if v["certainty"] != "suspected"}
            return {name for name in FAULTY if not stand & of[name]}
        wait_for(lambda: not missing(), "verdicts while they last", 120)
        live = run.found
        before = {pid: switches(pid) for name in FAULTY for pid in of[name]}
        wait_for(lambda: query(started.out), "once more")
        still = {pid for pid, was in before.items() if switches(pid) == was}
        started.tell("end")
        found = started.end(None)
        found.pids, found.below, found.live, found.still = pids, of, live, still
        found.last = [e for e in map(json.loads, merge(found.path, sink="jsonl:verdicts=true").splitlines())
                      if e["event"] == "verdict"]
        yield found


def test_one_that_handles_the_request_to_end():
    """As a JVM does: it exits with a code, but has not come to that by itself."""
    folder = new_folder()
    os.mkfifo(folder / "own")
    script = '"$@" & p=$!; read x; kill $p; wait $p; exit 0'
    line = [*BASH, script, "bash", *BASH, "trap 'exit 3' TERM; exec 3<>own; read x <&3"]
    with Started("--no-summary", "--", *line, config=CONFIG, stdin=subprocess.PIPE, cwd=folder) as started:
        live, = wait_for(lambda: [v for v in query(started.out) if v["kind"] == "deadlock"], "it is found while it lasts", 120)
        started.tell("end")
        run = started.end(None)
    assert run.one("lifecycle.exit", pid=live["pid"])["exit_code"] == 3
    last, = [v for v in query(started.out) if v["kind"] == "deadlock"]
    assert (last["pid"], last["certainty"]) == (live["pid"], live["certainty"])


def on(run, verdicts, name):
    """Those that are more than suspected, of the processes of one case."""
    return [v for v in verdicts if v["pid"] in run.below[name] and v["certainty"] != "suspected"]


@pytest.mark.parametrize("name", FAULTY)
def test_faulty(run, name):
    _, kind, certainty, words = FAULTY[name]
    for verdicts in run.live, run.last:
        found = on(run, verdicts, name)
        assert [(v["kind"], v["certainty"]) for v in found] == [(kind, certainty)], found
        assert re.search(words, found[0]["evidence"]), found[0]["evidence"]
    # By the kernel's own count none of its members has run meanwhile.
    members = {int(pid) for pid in re.findall(r"pid (\d+)", on(run, run.live, name)[0]["members"])}
    assert members and members <= run.below[name] and members <= run.still


def test_healthy(run):
    suspected = {name for name in HEALTHY for v in run.live if v["pid"] in run.below[name]}
    assert {"slow_writer", "server", "held_lock", "held_lock_for_a_time"} <= suspected
    for name in HEALTHY:
        assert not on(run, run.live, name)
        assert not [v for v in run.last if v["pid"] in run.below[name]]
    for name in "sleeper", "mutexes_again":
        assert not [v for v in run.live if v["pid"] in run.below[name]]


def test_only_those(run):
    """The program that started them all merely waits."""
    culprits = {v["pid"] for v in run.last}
    assert len(run.last) == len(FAULTY) and culprits <= set().union(*(run.below[name] for name in FAULTY))


@pytest.mark.parametrize("answered", [True, False])
def test_question_on_a_terminal(answered):
    """Nobody answers, and it has to be ended; or somebody does."""
    user, terminal = os.openpty()
    folder = new_folder()
    (folder / "kept").touch()
    with Started("--no-summary", "--", *BASH, "rm -i kept; true", config=CONFIG, stdin=terminal, cwd=folder) as started:
        os.close(terminal)
        pid, = wait_for(lambda: [v["pid"] for v in query(started.out) if "for a read of terminal" in v["evidence"]],
                        "it is suspected while it lasts")
        if answered:
            os.write(user, b"n\n")
        else:
            os.kill(pid, signal.SIGTERM)
        started.end(None)
    os.close(user)
    hangs = [(v["certainty"], v["pid"]) for v in query(started.out) if v["kind"] == "hang"]
    assert hangs == ([] if answered else [("likely", pid)])
