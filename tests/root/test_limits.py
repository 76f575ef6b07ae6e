# SPDX-License-Identifier: BSD-2-Clause
"""The limits: what a run may write, what is kept on disk, how many runs are recorded, and a full disk. The daemon is
driven by its rule for a program of the test's own; what it removes is seen by what is left."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness import NOBODY, Started, collect, disk_used, merge, new_folder, program, read_stream, wait_for

CONFIG = "scope: [{{exe: {tool}}}]\nprobes: {probes}\nlimits: {limits}\n"


@contextlib.contextmanager
def daemon(limits, out=None, shell=False, probes="{lifecycle: {required: true}}", **popen):
    """A daemon that records each run of `tool`; shell: that is a shell."""
    tool = new_folder() / "tool"
    shutil.copy(os.path.realpath("/bin/sh") if shell else program("execs"), tool)
    with Started(config=CONFIG.format(tool=tool, limits=limits, probes=probes), out=out, **popen) as started:
        started.wait_until_watching()
        started.tool = tool
        yield started


def runs(out):
    return {path.name for path in out.glob("run-*Z*") if path.is_dir() and not path.is_symlink()}


def is_over(path):
    streams = list(path.glob("*.msgpack"))
    return streams and all(stream.stat().st_size and [r["event"] for r in read_stream(stream)[1]][-2:-1] == ["end"]
                           for stream in streams)


def one_run(started, *prefix):
    """Runs the tool once and returns the name of its run's folder, when that has ended."""
    before = runs(started.out)
    subprocess.run([*prefix, started.tool, "exit", "0"], check=True)
    new, = wait_for(lambda: runs(started.out) - before, "a new run")
    wait_for(lambda: not (started.out / new).exists() or is_over(started.out / new), "its end")
    return new


def lost(path, cause):
    return [e for e in merge(path) if e["event"] == "lost" and e["cause"] == cause]


# ---- the size of a run ----

def test_size_of_a_run():
    """What is there and what is counted as lost are all of the events: three of each process."""
    limit, processes = 256 << 10, 4000
    run = collect("/bin/sh", "-c", f"for i in $(seq {processes}); do /bin/true; done",
                  config=f"limits: {{run: {limit}}}\n")
    assert "limits.run is reached" in run.stderr
    size = sum(path.stat().st_size for path in run.path.glob("*.msgpack"))
    assert limit <= size < limit + (64 << 10)
    events = [e for e in run.events if e["stream"] == "lifecycle" and e["event"] in ("fork", "exec", "exit")]
    missing = [e for e in run.lost if e["stream_lost"] == "lifecycle"]
    # the shell itself, and seq
    assert len(events) + sum(e["count"] for e in missing) == 3 * (processes + 2)
    assert {e["cause"] for e in run.lost} == {"limit"} and events and missing
    assert min(e["since"] for e in missing) >= max(e["ts"] for e in events if e["event"] == "fork")
    # every stream that lacks something says so
    assert {e["stream_lost"] for e in run.lost} >= {"lifecycle", "cpu", "mem"}


def test_lost_records_of_a_limit_stay_few():
    """A run that goes on for long says what is missing more and more seldom."""
    run = collect("/bin/sh", "-c", "for i in $(seq 100); do /bin/sleep 0.05; done", config="limits: {run: 1KiB}\n")
    missing = [e for e in run.lost if e["stream_lost"] == "lifecycle"]
    assert sum(e["count"] for e in missing) + len(run.of("lifecycle.exit")) + len(run.of("lifecycle.fork")) \
        + len(run.of("lifecycle.exec")) == 3 * 102
    assert 1 <= len(missing) <= 8


def test_no_limit_for_a_command_by_default():
    run = collect("/bin/true", config="probes: {lifecycle: {}}\n")
    assert not run.lost and len(run.of("lifecycle.exit")) == 1


# ---- what is kept ----

def test_the_oldest_go():
    with daemon("{runs: 3}") as started:
        made = [one_run(started) for _ in range(8)]
        wait_for(lambda: runs(started.out) == set(made[-3:]), "the last three are left")
        assert os.readlink(started.out / "latest") == made[-1]
        started.end(signal.SIGTERM)


def test_runs_of_an_earlier_daemon():
    with daemon("{}") as started:
        made = [one_run(started) for _ in range(4)]
        started.end(signal.SIGTERM)
    with daemon("{age: 1s}", out=started.out) as again:
        wait_for(lambda: not runs(again.out), "all have gone")
        assert not os.path.lexists(again.out / "latest")
        again.end(signal.SIGTERM)
    assert len(made) == 4


def test_latest_moves_to_what_is_left():
    """The run that began last ends first: it goes, and one that still runs is the latest then."""
    with daemon("{age: 1s}") as started:
        with subprocess.Popen([started.tool, "sleep", "100000"]) as process:
            wait_for(lambda: len(runs(started.out)) == 1, "a run that stays open")
            first, = runs(started.out)
            second = one_run(started)
            wait_for(lambda: runs(started.out) == {first}, "the other has gone")
            assert second != first and os.readlink(started.out / "latest") == first
            process.kill()
        started.end(signal.SIGTERM)


def as_nobody(*command):
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


def test_one_user_does_not_drive_out_another():
    with daemon("{runs_per_user: 2}") as started:
        mine = one_run(started)
        for _ in range(5):
            one_run(started, *as_nobody())
        wait_for(lambda: len(runs(started.out)) == 3, "one of root's and two of nobody's")
        assert mine in runs(started.out)
        users = [read_stream(path / "lifecycle.msgpack")[0][b"run"] for path in started.out.glob("run-*")]
        assert sorted((run[b"uid"], run[b"user"]) for run in users) == [(0, b"root"), *[(NOBODY, b"nobody")] * 2]
        started.end(signal.SIGTERM)


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
            for path in sorted(folder.rglob("*"))}


def test_only_runs_go():
    """Folders that only look like runs, links, and runs that hold something else stay as they are."""
    with daemon("{}") as started:
        good = [one_run(started) for _ in range(3)]
        started.end(signal.SIGTERM)
    out, outside = started.out, new_folder()
    stream = (out / good[0] / "lifecycle.msgpack").read_bytes()
    name = "run-20200101T00000{}Z".format
    shutil.copytree(out / good[0], outside / "real")
    (out / name(0)).symlink_to(outside / "real")  # a link to a run
    for i in range(1, 9):
        (out / name(i)).mkdir()
        if i > 2:
            (out / name(i) / "lifecycle.msgpack").write_bytes(stream)  # of another run
    (out / name(1) / "notes.txt").write_text("no stream")
    (out / name(4) / "notes.txt").write_text("mine")
    (out / name(5) / "cpu.msgpack").symlink_to(outside / "real/cpu.msgpack")
    (out / name(6) / ".tables").symlink_to(outside / "real")
    (out / name(7) / "lifecycle.msgpack").write_text("not a stream")
    os.mkfifo(out / name(8) / "cpu.msgpack")
    (out / good[1] / "keep").touch()
    (out / "other").mkdir()
    (out / "other" / "lifecycle.msgpack").write_bytes(stream)
    (out / "file-20200101T000009Z").write_text("a file")
    (out / "latest").unlink()
    (out / "latest").mkdir()
    for path in [*out.rglob("*"), out]:
        os.utime(path, (1, 1), follow_symlinks=False)
    there = contents(out) | {f"outside/{key}": value for key, value in contents(outside).items()}
    with daemon("{age: 1s}", out=out) as again:
        wait_for(lambda: not (out / good[0]).exists() and not (out / good[2]).exists(), "the runs have gone")
        said = again.end(signal.SIGTERM).stderr
    left = contents(out) | {f"outside/{key}": value for key, value in contents(outside).items()}
    assert left == {key: value for key, value in there.items() if key.split("/")[0] not in (good[0], good[2])}
    assert said.count("the limits do not count this folder") == 1


def test_a_run_that_another_process_writes_stays():
    with daemon("{}") as first, subprocess.Popen([first.tool, "sleep", "100000"]) as process:
        wait_for(lambda: len(runs(first.out)) == 1, "an open run")
        name, = runs(first.out)
        done = one_run(first)
        for path in (first.out / name).iterdir():
            os.utime(path, (1, 1))
        with daemon("{age: 1s}", out=first.out) as second:
            wait_for(lambda: not (first.out / done).exists(), "the other has gone")
            assert (first.out / name / "lifecycle.msgpack").exists()
            second.end(signal.SIGTERM)
        process.kill()
        process.wait()
        wait_for(lambda: is_over(first.out / name), "its end")
        first.end(signal.SIGTERM)


def test_many_files_of_others_cost_little():
    out = new_folder()
    for i in range(20000):
        (out / f"data-{i}.txt").touch()
    with daemon("{runs: 2}", out=out) as started:
        def used():
            return sum(int(n) for n in Path(f"/proc/{started.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        before = used()
        made = [one_run(started) for _ in range(5)]
        wait_for(lambda: runs(out) == set(made[-2:]), "the last two are left")
        assert used() - before < 100  # ticks: 1 s of CPU time
        started.end(signal.SIGTERM)
    assert len(list(out.glob("data-*"))) == 20000


def test_total_size():
    with daemon("{total: 100KiB}") as started:
        made = [one_run(started) for _ in range(20)]
        wait_for(lambda: disk_used(started.out) <= 100 << 10, "what is left fits")
        left = runs(started.out)
        assert left and left == set(made[-len(left):])
        started.end(signal.SIGTERM)


def test_total_size_by_runs_that_are_open():
    """Nothing can go: recording stops, new runs are refused, and it goes on when the great one has ended."""
    with daemon("{total: 200KiB}", shell=True) as started:
        with subprocess.Popen([started.tool, "-c", "while read -r n; do for i in $(seq $n); do /bin/true; done; done"],
                              stdin=subprocess.PIPE) as process:
            def tell(n):
                process.stdin.write(f"{n}\n".encode())
                process.stdin.flush()
            tell(1500)
            wait_for(lambda: len(runs(started.out)) == 1, "a run")
            name, = runs(started.out)
            stream = started.out / name / "lifecycle.msgpack"
            wait_for(lambda: stream.stat().st_size > 200 << 10, "it has grown")
            # every new run is refused from some moment on, which is known by the count in the end
            def refused():
                before = runs(started.out)
                subprocess.run([started.tool, "-c", ":"], check=True)
                tell(10)
                return lost(started.out / name, "limit") and before == runs(started.out)
            wait_for(refused, "it is told not to record")
            process.stdin.close()
            process.wait()
        wait_for(lambda: name not in runs(started.out), "the great run has gone")
        def recorded():
            before = runs(started.out)
            subprocess.run([started.tool, "-c", ":"], check=True)
            return runs(started.out) - before
        wait_for(recorded, "a run is recorded again")
        said = started.end(signal.SIGTERM).stderr
    assert "limits.total is reached by runs that are still recorded" in said
    assert "limits.total holds again" in said and "runs were not recorded, because of limits" in said


# ---- how many are recorded at once ----

def test_open_runs():
    with daemon("{open: 4, open_per_user: 3}") as started:
        processes = [subprocess.Popen([started.tool, "sleep", "100000"]) for _ in range(6)]
        processes += [subprocess.Popen(as_nobody(started.tool, "sleep", "100000")) for _ in range(3)]
        # setpriv takes its time: one that is killed before it executes the tool asks for no run
        wait_for(lambda: all(os.path.samefile(f"/proc/{process.pid}/exe", started.tool) for process in processes), "all run")
        wait_for(lambda: len(runs(started.out)) == 4, "four are recorded")
        for process in processes:
            process.kill()
            process.wait()
        wait_for(lambda: all(is_over(started.out / name) for name in runs(started.out)), "they have ended")
        # until they are on the disk, they count
        more = wait_for(lambda: try_one(started), "a run is recorded again")
        wait_for(lambda: all(is_over(started.out / name) for name in more), "its end")
        said = started.end(signal.SIGTERM).stderr
    users = [read_stream(path / "lifecycle.msgpack")[0][b"run"][b"uid"] for path in started.out.glob("run-*")]
    assert more and users.count(NOBODY) == 1 and users.count(0) >= 4
    refused = int(re.search(r"(\d+) runs were not recorded, because of limits", said)[1])
    assert said.count("limits.open") == 1 and refused >= 5  # of the nine, and those that came too early
    assert f"{refused - 1} more runs were not recorded" in said


# ---- a full disk ----

@contextlib.contextmanager
def small_disk(options):
    folder = new_folder()
    if subprocess.call(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], stderr=subprocess.DEVNULL):
        pytest.skip("cannot mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(out):
    with open(out / "fill", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def try_one(started):
    before = runs(started.out)
    subprocess.run([started.tool, "exit", "0"], check=True)
    return runs(started.out) - before


@pytest.mark.parametrize("full", ["bytes", "inodes"])
def test_a_disk_that_is_full_when_a_run_starts(full):
    """The run is refused, its process is not, and the next one is recorded when there is room."""
    options = "size=4m" if full == "bytes" else "size=4m,nr_inodes=2"
    log = new_folder() / "log"
    with open(log, "wb") as stderr, small_disk(options) as out, daemon("{}", out=out, stderr=stderr) as started:
        if full == "bytes":
            fill(out)
        for _ in range(20):
            subprocess.run([started.tool, "exit", "0"], check=True)
        wait_for(lambda: "; the run is not recorded" in log.read_text(), "a run is refused")
        wait_for(lambda: Path(f"/proc/{started.recorder()}/syscall").read_text(), "it lives")
        wait_for(lambda: not runs(out), "none is recorded")
        if full == "bytes":
            (out / "fill").unlink()
        else:
            subprocess.run(["mount", "-o", "remount,nr_inodes=1000", out], check=True)
        wait_for(lambda: try_one(started), "a run is recorded again")
        started.end(signal.SIGTERM, code=125)
    said = log.read_text()
    assert "No space left on device; the run is not recorded" in said and said.count("; the run is not recorded") == 1
    assert "runs could not be recorded" in said


def test_a_disk_that_fills_while_a_run_is_open():
    with small_disk("size=4m") as out, daemon("{}", out=out, shell=True) as started:
        with subprocess.Popen([started.tool, "-c", "while read -r n; do for i in $(seq $n); do /bin/true; done; done"],
                              stdin=subprocess.PIPE) as process:
            def tell(n):
                process.stdin.write(f"{n}\n".encode())
                process.stdin.flush()
            wait_for(lambda: runs(out), "a run")
            name, = runs(out)
            fill(out)
            tell(500)
            os.set_blocking(started.process.stderr.fileno(), False)
            said = b""
            def full():
                nonlocal said
                said += started.process.stderr.read() or b""
                return b"No space left on device; continuing" in said
            wait_for(full, "the disk is full")
            (out / "fill").unlink()
            tell(20)
            wait_for(lambda: lost(out / name, "disk_full"), "it writes again, and says what is missing")
            tell(20)
            process.stdin.close()
            process.wait()
        wait_for(lambda: is_over(out / name), "its end")
        exits = [e for e in merge(out / name) if e["event"] == "exit"]
        assert exits[-1]["pid"] == process.pid and len(exits) >= 20
        one, *_ = wait_for(lambda: try_one_shell(started), "the next run is recorded")  # a slow one may come with the next
        wait_for(lambda: is_over(out / one), "its end")
        assert not lost(out / one, "disk_full")
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(30) == 125


def try_one_shell(started):
    before = runs(started.out)
    subprocess.run([started.tool, "-c", ":"], check=True)
    return runs(started.out) - before


@pytest.mark.parametrize("left", [0, 5])
def test_the_oldest_runs_make_room(left):
    """Of a disk that others have filled, or where `left` blocks are enough for the begin of a run's streams: no more than it
    takes, and the run that is started then loses nothing."""
    with small_disk("size=4m") as out, daemon("{}", out=out, probes="{lifecycle: {}, cpu: {}, mem: {}, io: {}}") as started:
        made = [one_run(started) for _ in range(20)]
        fill(out)
        os.truncate(out / "fill", os.stat(out / "fill").st_size - left * 4096)
        def recorded():
            try_one(started)
            return [name for name in runs(out) - set(made) if is_over(out / name)]
        last = wait_for(recorded, "a run on a full disk")[0]
        assert not lost(out / last, "disk_full") and (out / "fill").exists()
        left = [name in runs(out) for name in made]
        assert not left[0] and left[-1] and left == sorted(left)
        started.end(signal.SIGTERM, code=None)
