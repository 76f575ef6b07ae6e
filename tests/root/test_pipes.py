# SPDX-License-Identifier: BSD-2-Clause
"""Which pipes descriptors 0 and 1 are, at an exec and at a failure, against what the program itself finds there."""
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from harness import Started, collect, new_folder, wait_for

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
# The program's own view, written to descriptor 3; what is opened for it in place of a closed one is no pipe.
WITNESS = """
import json, os, stat, sys
def pipe(number):
    try:
        link = os.readlink(f"/proc/self/fd/{number}")
        st = os.stat(f"/proc/self/fd/{number}")
    except FileNotFoundError:
        return None
    if link.startswith("pipe:["):
        return int(link[6:-1])
    return st.st_ino if stat.S_ISFIFO(st.st_mode) else None
said = {"pid": os.getpid(), "name": sys.argv[1], "stdin_pipe": pipe(0), "stdout_pipe": pipe(1)}
os.write(3, json.dumps(said).encode() + b"\\n")
"""
SCRIPT = """
exec 3>&1 >/dev/null </dev/null
w() { "$PYTHON" -S witness "$1"; }
w nothing
w first | w middle | w last
{ w before; w after; } | cat
w file <witness >file
w closed <&- >&-
w socket <&9 >&9
w collector >&3
mkfifo fifo
w writer >fifo & w reader <fifo; wait
w both <>fifo >&0
"""
LONE = {"nothing", "file", "closed", "socket"}


def run_in(folder, *command, **popen):
    (folder / "witness").write_text(WITNESS)
    return collect(*command, cwd=folder, env={**os.environ, "PYTHON": PYTHON}, **popen)


def pipes(event):
    return event["stdin_pipe"], event["stdout_pipe"]


def test_each_exec_says_its_pipes():
    folder = new_folder()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        run = run_in(folder, "bash", "-c", SCRIPT, pass_fds=(9,), preexec_fn=lambda: os.dup2(theirs.fileno(), 9))
    seen = {}
    for said in run.said:
        exec_ = run.of("lifecycle.exec", pid=said["pid"])[-1]
        assert pipes(exec_) == pipes(said), said["name"]
        assert "_pipe" not in exec_.get("missing", "")
        seen[said["name"]] = pipes(exec_)
    assert len(seen) == 13 and not run.lost
    assert {name for name, found in seen.items() if found == (None, None)} == LONE
    assert seen["first"][1] == seen["middle"][0] and seen["middle"][1] == seen["last"][0]
    assert len({seen["first"], seen["middle"], seen["last"]}) == 3 and seen["first"][0] is seen["last"][1] is None
    assert seen["before"] == seen["after"] and seen["before"][1]
    fifo = os.stat(folder / "fifo").st_ino
    assert (seen["writer"], seen["reader"], seen["both"]) == ((None, fifo), (fifo, None), (fifo, fifo))


def test_what_fails_says_the_pipes_that_it_had():
    """A member of a pipeline that ran no program too, if it had gone before the next was created."""
    folder = new_folder()
    run = run_in(folder, "bash", "-c", """
        exec </dev/null >/dev/null 2>log
        missing-tool | head -c 10
        missing-tool; head -c 20
        sh -c 'exit 3' | head -c 30
        sh -c 'exec >&-; exit 4' | head -c 40
        head -c 50 witness | sh -c 'exit 5'; :
        """)
    failed = {e["exit_code"]: run.one("lifecycle.failure", pid=e["pid"]) for e in run.of("lifecycle.exit") if 3 <= (e["exit_code"] or 0) <= 5}
    head = {e["args"][2]: pipes(e) for e in run.of("lifecycle.exec", comm="head")}
    shell = {e["args"][2]: pipes(e) for e in run.of("lifecycle.exec", comm="sh")}
    piped, alone = (pipes(e) for e in run.of("lifecycle.failure", programs=0))
    assert piped == (None, head["10"][0]) and piped[1] and alone == head["20"] == (None, None)
    assert pipes(failed[3]) == shell["exit 3"] == (None, head["30"][0]) and head["30"][0]
    # closed since: as for any program that checks what it wrote
    assert pipes(failed[4]) == (None, None) and shell["exec >&-; exit 4"] == (None, head["40"][0]) and head["40"][0]
    assert pipes(failed[5]) == shell["exit 5"] == (head["50"][1], None) and head["50"][1]


def watched_before(**descriptors):
    """What is said of a process that was there before, and the process's links then."""
    with subprocess.Popen(["sleep", "1000"], stderr=subprocess.DEVNULL, **descriptors) as sleeper:
        # until then the dynamic linker has files of its own in place of what is closed
        wait_for(lambda: re.search(r"\(sleep\) S ", Path(f"/proc/{sleeper.pid}/stat").read_text()), "it sleeps")
        links = [os.readlink(f"/proc/{sleeper.pid}/fd/{n}") if os.path.lexists(f"/proc/{sleeper.pid}/fd/{n}") else None
                 for n in (0, 1)]
        with Started("--no-summary", "--pid", str(sleeper.pid)) as started:
            started.wait_until_watching()
            sleeper.kill()
            sleeper.wait()
            run = started.end(None)
    return run.one("lifecycle.alive", pid=sleeper.pid), links


def test_a_process_that_was_there_before():
    alive, links = watched_before(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert [f"pipe:[{inode}]" for inode in pipes(alive)] == links
    folder = new_folder()
    with open(folder / "log", "wb") as log:
        alive, links = watched_before(stdin=subprocess.DEVNULL, stdout=log)
    assert pipes(alive) == (None, None) and links == ["/dev/null", str(folder / "log")]
    alive, links = watched_before(preexec_fn=lambda: os.closerange(0, 2))
    assert pipes(alive) == (None, None) and links == [None, None] and "_pipe" not in (alive.get("missing") or "")
