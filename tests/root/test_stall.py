# SPDX-License-Identifier: BSD-2-Clause
"""Processes that stand still, against what /proc says of them at the same time."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from harness import CC, Started, merge, new_folder, program, wait_for

CONFIG = "probes: {lifecycle: {}, stall: {interval: 200ms, after: 3s}}\n"


def of_stall(started, event):
    found = merge(started.out / os.readlink(started.out / "latest"))
    return [e for e in found if e["stream"] == "stall" and e["event"] == event]


def read(path):
    return Path(path).read_text().strip()


def syscall_names():
    """By number, from the C library's header."""
    text = subprocess.run([*CC, "-E", "-dM", "-"], input="#include <sys/syscall.h>", capture_output=True, text=True, check=True)
    return {int(number): name for name, number in re.findall(r"#define __NR_([a-z]\w*) (\d+)$", text.stdout, re.M)}


def processes_below(pid):
    below = [int(child) for task in os.listdir(f"/proc/{pid}/task")
             for child in read(f"/proc/{pid}/task/{task}/children").split()]
    return below + [each for child in below for each in processes_below(child)]


class Thread:
    """What /proc says."""

    def __init__(self, pid, tid):
        folder = f"/proc/{pid}/task/{tid}"
        self.tid = tid
        self.state = read(f"{folder}/stat").rpartition(")")[2].split()[0]
        self.channel = read(f"{folder}/wchan")
        self.syscall = read(f"{folder}/syscall").split()
        self.tracer = int(re.search(r"TracerPid:\t(\d+)", read(f"{folder}/status"))[1])
        self.children = len(read(f"{folder}/children").split())


def descriptors(pid):
    """By number: (link, stat, flags)."""
    return {int(fd): (os.readlink(f"/proc/{pid}/fd/{fd}"), os.stat(f"/proc/{pid}/fd/{fd}"),
                      int(re.search(r"flags:\t(\d+)", read(f"/proc/{pid}/fdinfo/{fd}"))[1], 8))
            for fd in os.listdir(f"/proc/{pid}/fd")}


class Blocked:
    """The run, the pids by name, and what /proc said of those that were stuck: while none of them could move."""

    def __init__(self, started):
        self.pids = started.said
        still = [pid for name, pid in self.pids.items() if not name.endswith("_on")]
        self.helpers = wait_for(lambda: self.all_forked(still), "all are forked")
        self.still = still + [each for pid in still for each in self.helpers[pid]]
        self.pictures = {e["pid"]: e for e in wait_for(lambda: self.all_told(started), "all that are stuck are told")}
        self.threads = {pid: [Thread(pid, int(tid)) for tid in os.listdir(f"/proc/{pid}/task")] for pid in self.still}
        self.descriptors = {pid: descriptors(pid) for pid in self.still}
        self.locks = read("/proc/locks")

    def all_forked(self, still):
        """The one child of those that have one."""
        found = {pid: processes_below(pid) for pid in still}
        with_child = {self.pids[name] for name in ("futex_shared", "flock", "fcntl", "wait4", "vfork", "traced")}
        return {pid for pid, below in found.items() if len(below) == 1} == with_child and found

    def all_told(self, started):
        told = of_stall(started, "picture")
        return {e["pid"] for e in told} >= set(self.still) and told


@pytest.fixture(scope="module")
def run():
    with Started("--no-summary", "--", program("blocked"), config=CONFIG, stdin=subprocess.PIPE, cwd=new_folder()) as started:
        started.said = json.loads(started.process.stdout.readline())
        blocked = Blocked(started)
        pid, looks = started.said["pipe_read"], blocked.pictures[started.said["pipe_read"]]["look"]
        started.tell("wake")
        wait_for(lambda: [e for e in of_stall(started, "picture") if e["pid"] == pid and e["look"] > looks], "told again")
        blocked.until = time.clock_gettime_ns(time.CLOCK_BOOTTIME)  # then all are killed
        started.process.stdin.close()
        started.process.stdin = None
        found = started.end(None)
        found.blocked = blocked
        yield found


def stuck(run, name):
    return run.of("stall.stuck", pid=run.blocked.pids[name], look=run.blocked.pictures[run.blocked.pids[name]]["look"])


def moving(run, **values):
    return [e for e in run.of("stall.moving", **values) if e["ts"] < run.blocked.until]


def test_threads_are_as_in_proc(run):
    names, blocked = syscall_names(), run.blocked
    assert len(blocked.still) >= 20
    for pid in blocked.still:
        told = {e["tid"]: e for e in run.of("stall.stuck", pid=pid, look=blocked.pictures[pid]["look"])}
        assert told.keys() == {thread.tid for thread in blocked.threads[pid]}
        for thread in blocked.threads[pid]:
            e = told[thread.tid]
            assert (e["state"], e["wait_channel"]) == (thread.state, thread.channel), e
            assert e["ptracer"] == (thread.tracer or None), e
            assert e["children"] == thread.children, e
            if thread.syscall[0] == "-1":
                assert e["syscall"] is None and e["syscall_args"] is None, e
                continue
            assert e["syscall"] == names[int(thread.syscall[0])], (e, thread.syscall)
            assert e["syscall_args"] == thread.syscall[1:7], (e, thread.syscall)


def test_each_kind_is_in_its_system_call(run):
    """That the program does what this test thinks it does."""
    calls = {"pipe_read": "read", "pipe_write": "write", "fifo_read": "read", "fifo_write": "write", "fifo_open": "openat",
             "unix_read": "read",
             "tcp_read": "read", "event_read": "read", "wait4": "wait4", "futex_condition": "futex", "timer": "pause"}
    assert {name: stuck(run, name)[0]["syscall"] for name in calls} == calls
    assert stuck(run, "stopped")[0]["state"] == "T"
    assert stuck(run, "vfork")[0]["state"] == "D"
    child, = run.blocked.helpers[run.blocked.pids["traced"]]
    assert run.one("stall.stuck", pid=child)["state"] == "t"
    assert run.one("stall.stuck", pid=child)["ptracer"] == run.blocked.pids["traced"]


def test_the_fifo_that_is_opened_has_a_path(run):
    """By its thread only: it has no descriptor yet."""
    opening = {(e["pid"], e["opening"]) for e in run.of("stall.stuck") if e["opening"]}
    assert opening == {(run.blocked.pids["fifo_open"], run.one("lifecycle.exec")["cwd"] + "/fifo5")}


def test_those_that_go_on_are_not_told(run):
    moving = {pid for name, pid in run.blocked.pids.items() if name.endswith("_on")}
    assert len(moving) == len(run.blocked.pids) // 2
    assert not [e for e in run.of("stall.stuck") + run.of("stall.picture") + run.of("stall.moving") if e["pid"] in moving]


def test_futexes(run):
    for name in "futex_private", "futex_pi", "futex_robust":
        both = stuck(run, name)
        waiter, = [e for e in both if e["futex_word"] is not None]
        holder, = [e for e in both if e is not waiter]
        assert waiter["futex_owner"] == holder["tid"], both
        if name != "futex_private":
            assert waiter["futex_word"] & 0x3fffffff == holder["tid"]
        assert holder["futex_owner"] is None and holder["syscall"] != "futex"
    pid = run.blocked.pids["futex_shared"]
    other, = run.blocked.helpers[pid]
    pair = [run.one("stall.stuck", pid=each) for each in (pid, other)]
    waiter, = [e for e in pair if e["futex_word"] is not None]
    holder, = [e for e in pair if e is not waiter]
    assert waiter["futex_owner"] == holder["tid"]
    assert stuck(run, "futex_condition")[0]["futex_owner"] is None


def test_the_owner_of_a_futex_has_ended(run):
    waiter, = stuck(run, "futex_dead")
    assert waiter["syscall"] == "futex" and waiter["futex_word"] == 2, waiter
    assert waiter["futex_owner"] is None and "futex_owner=gone" in waiter["missing"].split(","), waiter


def test_what_lies_behind_the_lock_of_another_library_is_no_owner(run):
    """Neither one that lives nor one that has ended: by its word alone it looks like a mutex of glibc or musl."""
    threads = [e for e in stuck(run, "futex_foreign") if e["syscall"] == "futex"]
    assert len(threads) == 7
    pid = run.blocked.pids["futex_foreign"]
    for thread in threads:
        assert thread["futex_owner"] == (pid if thread["futex_word"] == 0x80000000 | pid else None), thread
        assert "futex_owner=" not in thread.get("missing", ""), thread


def test_owner_of_a_kernel_lock(run):
    """task->blocker: since 6.16, where the kernel is configured so. Its own type information is the witness."""
    both = stuck(run, "kernel_lock")
    reader, = [e for e in both if e["syscall"] == "read"]
    writer, = [e for e in both if e["syscall"] == "write"]
    assert (reader["state"], reader["tid"], len(both)) == ("D", run.blocked.pids["kernel_lock"], 2), both
    if b"\0blocker\0" in Path("/sys/kernel/btf/vmlinux").read_bytes():
        assert (reader["blocker"], reader["blocker_lock"]) == (writer["tid"], "mutex"), both
        assert writer["blocker"] is None and "blocker" not in writer.get("missing", ""), both
    else:
        assert reader["blocker"] is None and "blocker=unsupported" in reader["missing"].split(","), both


def test_descriptors_are_as_in_proc(run):
    for pid in run.blocked.still:
        picture = run.blocked.pictures[pid]
        told = {e["fd"]: e for e in run.of("stall.descriptor", pid=pid, look=picture["look"], owner_pid=pid)}
        assert told.keys() == run.blocked.descriptors[pid].keys()
        assert picture["descriptors"] == len(told)
        for fd, (link, st, flags) in run.blocked.descriptors[pid].items():
            e = told[fd]
            assert (e["device"], e["inode"]) == (st.st_dev, st.st_ino), (link, e)
            assert e["mode"] == ("r", "w", "rw")[flags & 3], (link, e)
            assert e["watched"] is True and e["owner_start"] == e["start"]
            if link.startswith("/"):
                assert e["path"] == link and e["type"] in ("file", "fifo", "null", "tty", "char"), (link, e)
            else:
                kind = re.match(r"(pipe|socket|anon_inode:\[(\w+)\])", link)
                known = {"userfaultfd": "other"}.get(kind[2], kind[2] or kind[1])
                assert e["path"] is None and e["type"] == known, (link, e)


def test_the_other_end_of_a_socket(run):
    ends = [e for e in run.of("stall.descriptor", pid=run.blocked.pids["unix_read"]) if e["type"] == "socket"]
    assert len(ends) == 2
    assert ends[0]["peer"] == ends[1]["inode"] and ends[1]["peer"] == ends[0]["inode"]
    addresses = [e["address"] for e in run.of("stall.descriptor", pid=run.blocked.pids["tcp_read"]) if e["type"] == "socket"]
    ends = [re.fullmatch(r"tcp (127\.0\.0\.1:\d+) -> (127\.0\.0\.1:\d+)", text) for text in addresses if "->" in text]
    assert len(ends) == 2 and ends[0].groups() == ends[1].groups()[::-1], addresses
    assert [text for text in addresses if "listen" in text]


def owner_in_proc(run, path):
    """Who has the lock on this file, and who waits for it, by /proc/locks."""
    inode = run.blocked.descriptors[run.blocked.pids[path]]
    inode, = [st.st_ino for link, st, _ in inode.values() if link.endswith({"flock": "/lock", "fcntl": "/range"}[path])]
    lines = [line.split() for line in run.blocked.locks.splitlines() if line.split(":")[-1].split()[0] == str(inode)]
    owner, = [int(words[4]) for words in lines if words[1] != "->"]
    waiter, = [int(words[5]) for words in lines if words[1] == "->"]
    return inode, owner, waiter


@pytest.mark.parametrize("name,kind", [("flock", "flock"), ("fcntl", "posix")])
def test_locks(run, name, kind):
    inode, owner, waiter = owner_in_proc(run, name)
    parent = run.blocked.pids[name]
    assert {owner, waiter} == {parent, *run.blocked.helpers[parent]}
    for pid, held in (owner, {kind}), (waiter, {None}):
        found = [e for e in run.of("stall.descriptor", owner_pid=pid) if e["inode"] == inode]
        # by flock the child has its parent's open file too
        assert held <= {e["locked"] for e in found} and (held != {None} or name == "flock" or len(found) == 1), found


def test_pipes_count_their_holders(run):
    """The kernel's own counts are the descriptors of this look."""
    for name in "pipe_read", "pipe_write", "poll":
        pid = run.blocked.pids[name]
        e = next(e for e in run.of("stall.descriptor", pid=pid) if e["fd"] == int(stuck(run, name)[0]["syscall_args"][0], 16)
                 or name == "poll" and e["type"] == "pipe" and e["mode"] == "r" and e["fd"] > 2)
        same = [o for o in run.of("stall.descriptor", look=e["look"]) if (o["device"], o["inode"]) == (e["device"], e["inode"])]
        assert len({o["open_file"] for o in same if "r" in o["mode"]}) == e["readers"] == 1
        assert len({o["open_file"] for o in same if "w" in o["mode"]}) == e["writers"] == 1


def test_holders_outside_are_seen(run):
    """The test has the other end of the command's standard input."""
    found = [e for e in run.of("stall.descriptor", watched=False) if e["owner_pid"] == os.getpid()]
    assert found and {e["owner_start"] for e in found} == {found[0]["owner_start"]}
    assert found[0]["owner_comm"] == read("/proc/self/comm")
    inside = {(e["device"], e["inode"]) for e in run.of("stall.descriptor", watched=True) if e["fd"] in (0, 1)}
    assert {(e["device"], e["inode"]) for e in found} & inside


def test_pictures_are_complete(run):
    for e in run.blocked.pictures.values():
        assert e["complete"] and e["incomplete"] is None, e
        assert e["threads"] == len(run.of("stall.stuck", pid=e["pid"], look=e["look"]))


def test_one_that_goes_on_and_stops_again(run):
    pid = run.blocked.pids["pipe_read"]
    told = [(e["event"], e["look"], e["since"]) for e in run.of("stall.picture", pid=pid) + moving(run, pid=pid)]
    told.sort(key=lambda each: each[1])
    assert [event for event, _, _ in told] == ["picture", "moving", "picture"]
    assert told[0][2] == told[1][2] < told[2][2]
    moved, = moving(run, pid=pid)
    assert moved["stuck_ns"] == moved["ts"] - moved["since"] >= 3e9


def test_timer(run):
    assert stuck(run, "timer")[0]["timer"] is True
    assert stuck(run, "pipe_read")[0]["timer"] is False


def test_nothing_is_told_twice(run):
    keys = [(e["pid"], e["tid"], e["look"]) for e in run.of("stall.stuck")]
    assert len(keys) == len(set(keys))
    command = run.of("lifecycle.exec")[0]["pid"]  # that was told to wake it
    moved = {e["pid"] for e in moving(run)}
    assert run.blocked.pids["pipe_read"] in moved <= {run.blocked.pids["pipe_read"], command}
