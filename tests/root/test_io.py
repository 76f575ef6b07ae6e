# SPDX-License-Identifier: BSD-2-Clause
"""What processes read and wrote, against their own last look at /proc/self/io."""
import json
import os
import sys
from collections import Counter

import pytest
from harness import collect, new_folder, program, stage

PYTHON = os.path.realpath(sys.executable)
FIELDS = {
    "rchar": "read_chars", "wchar": "write_chars", "syscr": "read_syscalls", "syscw": "write_syscalls",
    "read_bytes": "read_bytes", "write_bytes": "write_bytes", "cancelled_write_bytes": "cancelled_write_bytes",
}


@pytest.fixture(scope="module")
def run():
    if not (stage() / "probes/io.so").exists():
        pytest.skip("there is no io probe")
    folder = new_folder()
    return collect("sh", "-c", f'"$0" {folder}/a 8 0; "$0" {folder}/b 2 3; rm {folder}/a', program("io"))


def test_account_is_exact(run):
    for line in run.stdout.splitlines():
        said = json.loads(line)
        words = said["io"].replace(":", "").split()
        truth = {FIELDS[name]: int(value) for name, value in zip(words[::2], words[1::2])}
        truth["read_chars"] += said["read"]
        truth["read_syscalls"] += 1
        truth["write_chars"] += len(line) + 1
        truth["write_syscalls"] += 1
        end = run.one("io.exit", pid=said["pid"])
        assert {name: end[name] for name in truth} == truth
        assert truth["write_chars"] >= 8 << 20


def test_every_process_has_one_account(run):
    accounts = Counter((e["pid"], e["start"]) for e in run.of("io.exit"))
    assert accounts == Counter((e["pid"], e["start"]) for e in run.of("lifecycle.exit"))
    assert not run.lost


# A family: each says itself what it read and wrote, at its end, by /proc/self/io; a parent's includes its children's.
FAMILY = """
import json, os, signal, sys, threading
path, kind = sys.argv[1:3]

def mine():
    with open("/proc/self/io") as file:
        return {name.strip(": "): int(n) for name, n in (line.split() for line in file)}

def work(mib):
    with open(path, "rb", buffering=0) as file:
        for _ in range(mib):
            file.seek(0)
            assert len(file.read(1 << 20)) == 1 << 20

def child(mib):
    pid = os.fork()
    if not pid:
        work(mib)
        os._exit(0)
    return pid

if kind == "ignored":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for mib in (3, 5):
    pid = child(mib)
    if kind != "ignored":
        os.waitpid(pid, 0)
if kind == "ignored":
    try:
        os.wait()
    except ChildProcessError:
        pass
if kind == "threads":
    threads = [threading.Thread(target=work, args=(7,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
work(2)
"""

MIB = 1 << 20


@pytest.mark.parametrize("kind, own, children", [("waited", 2, 8), ("ignored", 2, 0), ("threads", 30, 8)])
def test_own_and_childrens(kind, own, children):
    """Of a parent: what its threads read, and what the children that it waited for did. No byte is in two processes."""
    folder = new_folder()
    (folder / "file").write_bytes(bytes(MIB))
    for _ in range(5):
        run = collect(PYTHON, "-S", "-c", FAMILY, folder / "file", kind)
        exits = {(e["pid"], e["start"]): e for e in run.of("io.exit")}
        assert len(exits) == 3
        if all(e["final"] for e in exits.values()):
            break
    # where BPF does not run while PID 1 does, some last events are missing
    assert all(e["final"] for e in exits.values())
    parent = run.one("lifecycle.fork", ppid=run.of("lifecycle.fork")[0]["ppid"])
    root = exits.pop((parent["pid"], parent["start"]))
    # besides the file: what the interpreter reads to start, far below a MiB in whole
    assert own * MIB <= root["read_chars"] < (own + 1) * MIB
    assert [round(e["read_chars"] / MIB) for e in sorted(exits.values(), key=lambda e: e["read_chars"])] == [3, 5]
    assert all(e["children_read_chars"] == e["children_write_chars"] == 0 for e in exits.values())
    theirs = sum(e["read_chars"] for e in exits.values())
    assert root["children_read_chars"] == (theirs if children else 0)
    assert root["children_read_syscalls"] == (sum(e["read_syscalls"] for e in exits.values()) if children else 0)


def test_samples_are_apart_too():
    """While it runs: of the threads that have exited, those that live, and the children."""
    folder = new_folder()
    (folder / "file").write_bytes(bytes(MIB))
    script = FAMILY + "\nimport time\nfor _ in range(12):\n    work(1)\n    time.sleep(0.05)\n"
    run = collect(PYTHON, "-S", "-c", script, folder / "file", "threads",
                  config="probes: {io: {interval: 50ms}, lifecycle: {}}\n")
    parent = run.of("lifecycle.fork")[0]
    samples = run.of("io.sample", pid=parent["pid"])
    assert len(samples) > 5
    last = samples[-1]
    assert 40 * MIB <= last["read_chars"] < 43 * MIB and last["children_read_chars"] // MIB == 8
    for name in ("read_chars", "children_read_chars", "write_chars"):
        values = [e[name] for e in samples]
        assert values == sorted(values), name


def test_threads_that_exit_at_once_all_count():
    """The last one may get to the probe before another one that has left the process before it."""
    run = collect(program("exit_together"), "1000")
    accounts = [run.one("io.exit", pid=child["pid"]) for child in run.said]
    assert len(accounts) == 1000
    final = [account for account in accounts if account["final"]]
    assert len(final) > 900
    wrong = [account for account in final if account["read_chars"] != 5 + 7]
    assert not wrong, f"{len(wrong)} of {len(final)}: {wrong[0]}"
