# SPDX-License-Identifier: BSD-2-Clause
"""What is lost is counted: seen + lost = happened, in every stream and of every kind, and the output says when."""
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from harness import Started, collect, merge, new_folder, program, wait_for

STREAMS = ["lifecycle", "cpu", "mem", "io"]
CHILDREN = 6000


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def count(run):
    """How many of each kind were seen, and how many are told as lost."""
    seen, lost = Counter(), Counter()
    for e in run.events:
        if e["event"] == "lost":
            lost[e["stream_lost"], e["event_lost"]] += e["count"]
        else:
            seen[e["stream"], e["event"]] += 1
    return seen, lost


def boot_ns():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


# ---- rings that are too small, and a reader that stands still ----

@pytest.fixture(scope="module")
def overflown():
    config = "".join(f"{name}: {{ring: 64KiB, interval: 1h}}, " for name in STREAMS[1:])
    script = 'read go; "$0" "$1" 2 >&2; echo done; read go'
    with Started("--no-summary", "--", "sh", "-c", script, program("storm"), str(CHILDREN),
                 config=f"probes: {{lifecycle: {{ring: 64KiB}}, {config}}}\n",
                 stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        started.wait_until_watching()
        # the shell waits for us: the recorder may sleep as long as we like
        recorder = started.recorder()
        os.kill(recorder, signal.SIGSTOP)
        wait_for(lambda: state(recorder) == "T", "the recorder stands")
        begun = boot_ns()
        started.tell("go")
        assert started.process.stdout.readline() == b"done\n"
        over = boot_ns()
        os.kill(recorder, signal.SIGCONT)
        started.tell("go")
        run = started.end(None)
    run.begun, run.over = begun, over
    return run


def test_a_full_ring(overflown):
    happened = 1 + 1 + 2 + CHILDREN  # sh, storm, workers, children
    seen, lost = count(overflown)
    for kind in [("lifecycle", "fork"), *((stream, "exit") for stream in STREAMS)]:
        assert lost[kind] > CHILDREN // 10, f"{kind}: the ring did not overflow: the test is about nothing"
        assert seen[kind] + lost[kind] == happened, kind
    assert seen["lifecycle", "exec"] + lost["lifecycle", "exec"] == 1 + 1 + CHILDREN // 2
    assert {e["cause"] for e in overflown.lost} == {"ring_full"}


def test_when(overflown):
    """A loss is told with the time in which it lies, and stands in the merged order where it was told."""
    for e in overflown.lost:
        assert e["since"] <= e["ts"] and e["ts"] >= overflown.begun, e
        # the accounts of cpu and io are closed some time after the process has been reaped
        assert e["since"] <= overflown.over or e["stream_lost"] in ("cpu", "io"), e
    times = [e["ts"] for e in overflown.events]
    assert times == sorted(times)


def test_the_output_says_so(overflown):
    """The summary names each kind with how many and when; --strict refuses."""
    _, lost = count(overflown)
    merge(overflown.path, options=["--strict"], sink="null", code=3)
    text = merge(overflown.path, sink="summary")
    whole = text.replace("\n    ", " ")  # a line that is too long goes on in the next
    said = re.findall(r"^ +(\w+)\.(\w+): ([\d,]+) records? lost between .+ and .+: the ring was full$", whole, re.M)
    assert {(stream, event): int(n.replace(",", "")) for stream, event, n in said} == lost, text


# ---- a scope that is full ----

def crowd(children, early, room):
    """`children` at once, of which `early` end before the others run a program; `room` for so many processes."""
    config = f"run: {{max_processes: {room}}}\nprobes: {{lifecycle: {{}}, cpu: {{}}, mem: {{}}, io: {{}}}}\n"
    with Started("--no-summary", "--", program("crowd"), str(children), str(early), config=config,
                 stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        for word in b"born\n", b"fewer\n", b"none\n":
            assert started.process.stdout.readline() == word
            if word == b"fewer\n" and early < children:
                # the last record of a process is written when the kernel frees it, and its room
                wait_for(lambda: len(merge(started.out / "latest", options=["--event", "cpu.exit"])) > 0.9 * early,
                         "those that have ended are freed")
            started.tell("go")
        return started.end(None)


def test_a_full_scope():
    """Who finds no room is missing in every stream, and each of its events is told as lost."""
    run = crowd(1500, 1500, 1024)
    seen, lost = count(run)
    for kind in [("lifecycle", "fork"), *((stream, "exit") for stream in STREAMS)]:
        assert (seen[kind], lost[kind]) == (1024, 1501 - 1024), kind
    assert {e["cause"] for e in run.lost} == {"scope_full"}
    assert sum(lost.values()) == 5 * (1501 - 1024), "more is told than was lost"
    # of who is there, all is there
    forks = Counter((e["pid"], e["start"]) for e in run.of("lifecycle.fork"))
    for stream in STREAMS:
        assert Counter((e["pid"], e["start"]) for e in run.of(f"{stream}.exit")) == forks


def test_a_scope_that_is_large_enough():
    run = crowd(1500, 700, 2048)
    seen, _ = count(run)
    assert not run.lost
    assert seen["lifecycle", "fork"] == 1501 and seen["lifecycle", "exec"] == 1 + 800


def test_a_late_entry():
    """Who found no room at its birth is taken in when it runs a program, if there is room by then: what is lost of it
    is its birth, and nothing more. Who finds none again loses the program too, and its end."""
    run = crowd(1500, 1000, 1024)
    seen, lost = count(run)
    assert (seen["lifecycle", "fork"], lost["lifecycle", "fork"]) == (1024, 1501 - 1024)
    assert seen["lifecycle", "exec"] + lost["lifecycle", "exec"] == 1 + 500
    for stream in STREAMS:
        assert seen[stream, "exit"] + lost[stream, "exit"] == 1501, stream
        ends = Counter((e["pid"], e["start"]) for e in run.of(f"{stream}.exit"))
        assert set(ends.values()) == {1}
    late = {(e["pid"], e["start"]) for e in run.of("lifecycle.exec")} - \
        {(e["pid"], e["start"]) for e in run.of("lifecycle.fork")}
    assert len(late) > 300
    assert {e["cause"] for e in run.lost} == {"scope_full"}


def test_children_of_who_found_no_room():
    """They belong to the run all the same: each is seen or counted, to the last generation."""
    script = "\n".join([
        "import os, sys", "r, w = os.pipe()", "pids = []",
        "for i in range(1100):", "    pid = os.fork()", "    if not pid:", "        os.close(w)", "        os.read(r, 1)",
        "        os._exit(0)", "    pids.append(pid)",
        "for i in range(50):", "    pid = os.fork()", "    if not pid:",
        "        os.waitpid(os.fork() or os.execv('/bin/true', ['true']), 0)", "        os._exit(0)",
        "    os.waitpid(pid, 0)",
        "os.close(w)", "for pid in pids: os.waitpid(pid, 0)"])
    config = "run: {max_processes: 1024}\nprobes: {lifecycle: {}, cpu: {}, mem: {}, io: {}}\n"
    run = collect("/usr/bin/python3", "-c", script, config=config)
    happened = 1 + 1100 + 50 * 2
    seen, lost = count(run)
    for kind in [("lifecycle", "fork"), *((stream, "exit") for stream in STREAMS)]:
        assert seen[kind] == 1024 and seen[kind] + lost[kind] == happened, kind
    assert seen["lifecycle", "exec"] + lost["lifecycle", "exec"] == 1 + 50


# ---- who is older than its run ----

def test_a_child_that_was_there_before_its_run():
    """A rule opens a run when its program is executed; a child made before enters when it runs one too: its birth is
    told as unseen, and nothing else."""
    top = new_folder()
    tool = shutil.copy("/bin/sh", top / "special-tool")
    script = 'mkfifo gate; { read go; exec /bin/true late; } <gate & exec "$0" -c "echo go >gate; wait; exec sleep 0.3"'
    with Started(config=f"scope: [{{exe: {tool}}}]\nprobes: {{lifecycle: {{}}, cpu: {{}}, mem: {{}}, io: {{}}}}\n",
                 stderr=subprocess.DEVNULL) as daemon:
        daemon.wait_until_watching()
        subprocess.run(["sh", "-c", script, tool], check=True, cwd=top, timeout=30)
        run = daemon.end()
    late = run.one("lifecycle.exec", args=["/bin/true", "late"])
    assert not run.of("lifecycle.fork", pid=late["pid"])
    for stream in STREAMS:
        assert run.one(f"{stream}.exit", pid=late["pid"])["start"] == late["start"]
    # the tool's own birth was before its run as well, and is nobody's loss: its run begins by its exec
    _, lost = count(run)
    assert lost == {("lifecycle", "fork"): 1}
    assert {e["cause"] for e in run.lost} == {"unseen"}


# ---- who is never freed ----

def test_zombies_that_nobody_reaps():
    """Each has its one end in every stream, though the kernel never frees it while the run lasts."""
    script = "\n".join(["import os, time", "for i in range(20):", "    os.fork() or os._exit(i)",
                        "print('there', flush=True)", "os.close(1)", "time.sleep(60)"])
    with Started("--no-summary", "--grace", "300ms", "--", "sh", "-c", '/usr/bin/python3 -c "$0" & read go', script,
                 stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as started:
        assert started.process.stdout.readline() == b"there\n"
        started.tell("go")
        run = started.end(None)
    parent = run.one("lifecycle.exec", args=["/usr/bin/python3", "-c", script])
    try:
        children = {(e["pid"], e["start"]) for e in run.of("lifecycle.fork", ppid=parent["pid"])}
        assert len(children) == 20
        for stream in STREAMS:
            ends = Counter((e["pid"], e["start"]) for e in run.of(f"{stream}.exit"))
            assert {child: ends[child] for child in children} == dict.fromkeys(children, 1), stream
        assert sorted(e["exit_code"] for e in run.of("lifecycle.exit", ppid=parent["pid"])) == list(range(20))
        assert not run.lost
        assert not run.of("lifecycle.exit", pid=parent["pid"]), "it runs on"
    finally:
        subprocess.run(["kill", str(parent["pid"])], check=True)
