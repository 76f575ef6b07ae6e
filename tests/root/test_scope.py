# SPDX-License-Identifier: BSD-2-Clause
"""Who is watched: the command's tree to its last daemon, a running process by --pid, and what rules mean."""
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import msgpack
import pytest
from harness import SRC, Started, collect, collector, merge, new_folder, program, stage, wait_for


# ---- a command's tree ----

def test_daemons_belong():
    """Forked twice, in a session of their own, with init for a parent."""
    script = SRC / "pipelines/faulty/daemonize.py"
    run = collect("/usr/bin/python3", script, "0.5")
    daemon = int(run.stdout.split()[0])
    end = run.one("lifecycle.exit", pid=daemon)
    assert end["exit_code"] == 0
    assert end["duration_ns"] >= 500_000_000
    fork = run.one("lifecycle.fork", pid=daemon)
    assert end["start"] == fork["start"]
    # its first parent was gone long before
    assert (end["ppid"], end["parent_start"]) != (fork["ppid"], fork["parent_start"])
    assert run.one("lifecycle.exit", pid=fork["ppid"])["ts"] < end["ts"]
    assert not run.lost


# ---- --pid ----

def test_pid_follows_a_process_and_its_descendants():
    folder = new_folder()
    neighbour = subprocess.Popen(["sh", "-c", "while /bin/true neighbour; do sleep 0.02; done"],
                                 start_new_session=True)
    script = '/bin/sleep 30 & echo $!; read word; /bin/true late; kill $!; wait $!; exit 3'
    target = subprocess.Popen(["sh", "-c", script, "an argument"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              cwd=folder, text=True, env={**os.environ, "WANTED": "x y"})
    try:
        child = int(target.stdout.readline())
        wait_for(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", "the child runs its program")
        config = "probes: {lifecycle: {env: [WANTED]}, cpu: {}, mem: {}}\n"
        with Started("--pid", str(target.pid), "--no-summary", config=config) as started:
            started.wait_until_watching()
            before = {pid: start_of(pid) for pid in (target.pid, child)}
            target.communicate("go\n")
            run = started.end(None)
    finally:
        os.killpg(neighbour.pid, signal.SIGKILL)
        neighbour.wait()
        target.kill()
    assert target.returncode == 3
    assert {e["pid"] for e in run.of("lifecycle.alive")} == {target.pid, child}
    alive = run.one("lifecycle.alive", pid=target.pid)
    assert alive["args"] == ["sh", "-c", script, "an argument"]
    assert (alive["cwd"], alive["uid"], alive["gid"]) == (str(folder), os.getuid(), os.getgid())
    assert alive["exe"] == os.path.realpath(shutil.which("sh"))
    assert alive["env"] == {"WANTED": "x y"}
    assert alive["ppid"] == os.getpid()
    sleep = run.one("lifecycle.alive", pid=child)
    assert (sleep["ppid"], sleep["parent_start"], sleep["args"]) == (target.pid, alive["start"], ["/bin/sleep", "30"])
    for pid, start in before.items():
        # /proc counts in ticks, cut
        assert 0 <= run.one("lifecycle.alive", pid=pid)["start"] - start < 1e9 / os.sysconf("SC_CLK_TCK")
    late = run.one("lifecycle.exec")
    assert late["args"] == ["/bin/true", "late"] and late["ppid"] == target.pid
    assert run.one("lifecycle.exit", pid=target.pid)["exit_code"] == 3
    assert run.one("lifecycle.exit", pid=child)["signal"] == signal.SIGTERM
    assert {e["pid"] for e in run.events} == {target.pid, child, late["pid"]}
    assert len(run.of("cpu.exit")) == len(run.of("mem.exit")) == 3
    assert not run.lost


def start_of(pid):
    """By /proc: ticks since boot, as ns."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def test_pid_that_is_not_there():
    gone = subprocess.Popen(["true"])
    gone.wait()
    before = collect("true")
    line, _ = collector("--pid", str(gone.pid), out=before.out)
    done = subprocess.run(line, capture_output=True, check=False)
    assert done.returncode == 125
    assert done.stderr.decode() == f"collector: error: --pid {gone.pid}: no such process\n"
    # no run is made, and the latest one is still that before
    assert runs(before.out) == {before.path.name}


# ---- the daemon ----

def runs(out):
    return {path.name for path in out.glob("[!.]*") if path.is_dir() and not path.is_symlink()}


def exes(path):
    return {e["exe"] for e in merge(path) if e["event"] in ("exec", "alive")}


class Sleeper:
    """A process that runs `program sleep` and a child of its own until it is told to end."""

    def __init__(self, path, **popen):
        self.process = subprocess.Popen(["sh", "-c", f"read word; '{path}' exit 0; exit 4"], stdin=subprocess.PIPE,
                                        **popen)
        self.pid = self.process.pid

    def end(self):
        self.process.communicate(b"\n")
        assert self.process.returncode == 4


@pytest.fixture
def cgroup():
    """A cgroup of our own in the unified hierarchy: (its folder, its path)."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if line.split()[2] == "cgroup2"]
    if not mounts:
        pytest.skip("there is no unified cgroup hierarchy")
    folder = Path(mounts[0]) / f"collector-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup can be made: {error}")
    yield folder, "/" + folder.name
    wait_for(lambda: not (folder / "cgroup.procs").read_text(), "the cgroup is empty")
    folder.rmdir()


def in_cgroup(folder):
    return lambda: (folder / "cgroup.procs").write_text(str(os.getpid()))


def test_daemon_with_rules(cgroup):
    """Four rules, four runs at once, each in its own folder; each ends with its last process."""
    folder, path = cgroup
    top = new_folder()
    tool = shutil.copy(program("execs"), top / "special-tool")
    inside = top / "work" / "a" / "b"
    inside.mkdir(parents=True)
    present = Sleeper("/bin/true")
    config = f"""
run: {{name: daemon, tags: {{team: tests}}}}
scope:
  - exe: {tool}
  - cwd: {top}/work/**
  - cgroup: {path[:-2]}*
  - pid: {present.pid}
probes: {{lifecycle: {{required: true}}, cpu: {{}}, mem: {{}}}}
"""
    with Started(config=config) as started:
        started.wait_until_watching()
        out = started.out
        by_pid = only_new(out, set())
        wait_for(lambda: exes(by_pid), "who was there already is on disk")
        assert exes(by_pid) == {os.path.realpath("/bin/sh")}
        seen = {by_pid.name}

        by_exe_process = subprocess.Popen([tool, "sleep", "100000"], cwd=top)
        by_exe = only_new(out, seen)
        by_cwd_process = Sleeper("/bin/true", cwd=inside)
        by_cwd = only_new(out, seen)
        by_cgroup_process = Sleeper("/bin/true", preexec_fn=in_cgroup(folder), cwd="/")
        by_cgroup = only_new(out, seen)
        wait_for(lambda: out / os.readlink(out / "latest") == by_cgroup, "latest is the last one")
        subprocess.run(["/bin/true", "belongs to none"], cwd=top, check=True)
        assert runs(out) == seen and len(seen) == 4

        # they end one after the other, the others go on
        by_cwd_process.end()
        wait_for(lambda: is_complete(by_cwd), "the run ends with its last process")
        assert not is_complete(by_exe)
        by_exe_process.kill()
        by_exe_process.wait()
        by_cgroup_process.end()
        present.end()
        for path in by_exe, by_cgroup, by_pid:
            wait_for(lambda path=path: is_complete(path), "the run ends with its last process")
        started.end(signal.SIGTERM)

    for path, process, root, children in [
        (by_exe, by_exe_process, "exec", 0), (by_cwd, by_cwd_process.process, "exec", 1),
        (by_cgroup, by_cgroup_process.process, "exec", 1), (by_pid, present.process, "alive", 1),
    ]:
        events = merge(path, options=["--strict"])
        first = next(e for e in events if e["stream"] == "lifecycle")
        assert (first["pid"], first["event"]) == (process.pid, root)
        forks = [e for e in events if e["event"] == "fork"]
        assert [e["ppid"] for e in forks] == [process.pid] * children
        assert {e["pid"] for e in events} == {process.pid, *(e["pid"] for e in forks)}
        assert len([e for e in events if e["event"] == "exit" and e["stream"] == "lifecycle"]) == 1 + children
        assert {e["run"] for e in events} == {path.name}
    assert by_exe.name.startswith("daemon-")


def only_new(out, seen):
    """The run that has just been opened; adds it to those seen."""
    new = wait_for(lambda: runs(out) - seen, "a run opens")
    assert len(new) == 1
    seen |= new
    return out / new.pop()


def is_complete(path):
    """Nothing is missing, and nothing is still to come."""
    line = [stage() / "collector-merge", "--plugin-dir", stage(), "--strict", "-s", "null", path]
    done = subprocess.run(line, check=False, capture_output=True, text=True)
    return done.returncode == 0 and "still running" not in done.stderr


def test_daemon_ends_open_runs():
    """SIGTERM while a run is open: its streams get their end, its processes live on."""
    tool = shutil.copy(program("execs"), new_folder() / "tool")
    with Started(config=f"scope: [{{exe: {tool}}}]\n") as started:
        started.wait_until_watching()
        process = subprocess.Popen([tool, "sleep", "100000"])
        path = only_new(started.out, set())
        wait_for(lambda: exes(path), "the exec is on disk")
        started.end(signal.SIGTERM)
    assert process.poll() is None
    process.kill()
    process.wait()
    assert is_complete(path)
    assert exes(path) == {str(tool)}


def test_daemon_patterns():
    """A rule's whole pattern counts, not only its beginning; a path through a link is the file's."""
    top = new_folder()
    for name in "tool-1", "tool-22", "other":
        shutil.copy(program("execs"), top / name)
    (top / "link").symlink_to(top / "tool-1")
    with Started(config=f"scope: [{{exe: {top}/tool-?}}]\n") as started:
        started.wait_until_watching()
        for name in "other", "tool-22", "tool-1", "link":
            subprocess.run([top / name, "exit", "0"], check=True)
        wait_for(lambda: len(runs(started.out)) == 2, "two runs open")
        run = started.end(signal.SIGTERM)
    found = sorted(exe for name in runs(run.out) for exe in exes(run.out / name))
    assert found == [str(top / "link"), str(top / "tool-1")]


def test_runs_have_the_name_of_their_rule():
    """Of one that came later, of one that exists, and of a rule without a name: in the folder's name and in every header."""
    top = new_folder()
    for name in "late", "plain", "early":
        shutil.copy(program("execs"), top / name)
    shutil.copy("/bin/sh", top / "early-sh")
    early = subprocess.Popen([top / "early-sh", "-c", "read word; :"], stdin=subprocess.PIPE)
    wait_for(lambda: os.readlink(f"/proc/{early.pid}/exe") == str(top / "early-sh"), "it runs")
    config = (f"run: {{name: other}}\nscope: [{{exe: {top}/late, name: late-1.x}}, {{name: before, exe: {top}/early-sh}}, "
              f"{{exe: {top}/plain}}]\n")
    with Started(config=config) as started:
        started.wait_until_watching()
        for name in "late", "plain":
            subprocess.run([top / name, "exit", "0"], check=True)
        early.communicate(b"\n")
        wait_for(lambda: len(runs(started.out)) == 3, "three runs open")
        run = started.end(signal.SIGTERM)
    found = {re.fullmatch(r"(.*)-\d{8}T\d{6}Z-\d+", name)[1]: run.out / name for name in runs(run.out)}
    assert set(found) == {"late-1.x", "before", "other"}
    for name, path in found.items():
        for stream in path.glob("*.msgpack"):
            with stream.open("rb") as file:
                assert next(iter(msgpack.Unpacker(file, strict_map_key=False)))["run"]["name"] == name
    assert exes(found["late-1.x"]) == {str(top / "late")}


def test_daemon_watches_all():
    """Who is there already, and who comes; no kernel threads."""
    top = new_folder()
    there = Sleeper("/bin/true")
    with Started(config="scope: [{all: true}]\nprobes: {lifecycle: {}}\n") as started:
        started.wait_until_watching()
        subprocess.run([program("execs"), "exit", "7"], check=False, cwd=top)
        path = started.out / os.readlink(started.out / "latest")
        # read by its own pid: other tests may run beside this one
        wait_for(lambda: [e for e in merge(path) if e["event"] == "exit" and e["exit_code"] == 7
                          and e["ppid"] == os.getpid()], "its end is on disk")
        there.end()
        wait_for(lambda: [e for e in merge(path) if e["event"] == "exit" and e["pid"] == there.pid], "another end")
        run = started.end(signal.SIGTERM)
    alive = {e["pid"]: e for e in run.of("lifecycle.alive")}
    assert {there.pid, os.getpid()} <= set(alive)
    assert "kthreadd" not in {e["comm"] for e in alive.values()}
    mine = run.one("lifecycle.exec", cwd=str(top))
    assert mine["args"][1:] == ["exit", "7"]
    assert run.one("lifecycle.exit", pid=there.pid)["exit_code"] == 4


def test_daemon_sleeps_when_nothing_happens():
    """No wakeup in three seconds, though other processes come and go."""
    def switches():
        status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in (started.pid, started.recorder()))
        return [int(line.split()[1]) for line in status.splitlines() if line.startswith("voluntary_ctxt_switches")]

    with Started(config="scope: [{exe: /nonexistent/tool}]\n") as started:
        started.wait_until_watching()
        before = switches()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            subprocess.run(["/bin/true"], check=True)
        assert switches() == before
        assert not runs(started.out)
        run = started.end(signal.SIGTERM)
    assert not runs(run.out)


def many_runs_under(soft, hard, count, enough):
    """A daemon under these limits of open files, with `count` runs open at once, until enough(folder) is true."""
    tool = shutil.copy(program("execs"), new_folder() / "tool")
    with Started(config=f"scope: [{{exe: {tool}}}]\n",
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))) as started:
        started.wait_until_watching()
        processes = [subprocess.Popen([tool, "sleep", "100000"]) for _ in range(count)]
        wait_for(lambda: enough(started.out), "the runs are open")
        for process in processes:
            process.kill()
            process.wait()
        return started.end(signal.SIGTERM, code=None)


def test_daemon_with_more_runs_than_the_soft_limit_allows():
    run = many_runs_under(160, 4096, 30, lambda out: len(runs(out)) == 30)
    assert run.code == 0, run.stderr
    assert all(is_complete(run.out / name) for name in runs(run.out))


def test_daemon_with_more_runs_than_the_hard_limit_allows():
    """Those that there is no room for are counted, and what to do is said; the others are complete."""
    run = many_runs_under(200, 200, 30, lambda out: len(runs(out)) >= 5)
    assert run.code == 125
    missing = re.search(r"(\d+) runs could not be recorded", run.stderr)
    assert missing and "LimitNOFILE" in run.stderr
    complete = [name for name in runs(run.out) if is_complete(run.out / name)]
    assert len(complete) + int(missing[1]) == 30
