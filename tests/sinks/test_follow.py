# SPDX-License-Identifier: BSD-2-Clause
"""collector-merge --follow: what comes when, in which order, and where it goes on."""
import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import merge, new_folder, stage, wait_for
from live import Blocks, Follower, Live, cpu_seconds, cursor_of, descriptors, positions, processes_of

KILLS = int(os.environ.get("FOLLOW_KILLS", "25"))


def test_events_come_while_the_run_goes_on():
    with Live() as live, Follower(live.path) as follower:
        for i in range(5):
            live.tell("put 0 10", "put 1 10", "flush")
            assert follower.wait_for_numbers(20 * (i + 1))
        assert follower.process.poll() is None
        live.tell("end")
        assert "events lost" not in follower.end()
        assert follower.lines() == merge(live.path)


def test_what_is_followed_comes_first():
    with Live() as live, Follower(live.path) as follower:
        live.tell("put 0 10", "flush")
        assert follower.wait_for_numbers(10)
        reads = max(os.getpriority(os.PRIO_PROCESS, pid) for pid in processes_of(follower.process.pid))
        assert reads == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
        live.tell("end")
        follower.end()


def test_an_idle_stream_holds_nothing_back_once_it_is_marked():
    with Live() as live, Follower(live.path) as follower:
        live.tell("put 0 10", "hold")  # not even a mark of its own would help: that of stream 1 is missing
        live.tell("put 0 5", "flush")
        assert sorted(follower.wait_for_numbers(15)) == list(range(15))


def test_order_across_streams():
    """Stream 1 is written later, with earlier events: what stream 0 has waits for its mark."""
    with Live() as live, Follower(live.path) as follower:
        live.tell("put 1 3", "put 0 3", "flush", "end")
        follower.end()
        times = [line["ts"] for line in follower.lines()]
        assert times == sorted(times)
        assert follower.lines() == merge(live.path)


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_what_is_written_during_a_read_needs_no_other_event():
    """A stream whose events wait for the marks of others has more by the time these come: no wait runs into its limit, 5 s."""
    trace = new_folder() / "trace"
    # LeakSanitizer itself traces, which strace prevents
    env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    with Live() as live, Follower(live.path, before=["strace", "-f", "-e", "trace=ppoll", "-o", trace], env=env) as follower:
        live.tell("pace 3000 3000 10")
        follower.wait_for_numbers(3000)
        waits = trace.read_text()
        live.tell("end")
        follower.end()
    assert "tv_sec=5" in waits
    assert not [line for line in waits.splitlines() if "tv_sec=5" in line and line.endswith("(Timeout)")]


def test_a_block_that_is_half_written_is_no_damage():
    with Live() as live, Follower(live.path, options=["--strict"]) as follower:
        live.tell("put 0 4", "flush", "put 0 4", "half")
        follower.wait_for_numbers(4)
        live.tell("whole")
        follower.wait_for_numbers(8)
        live.tell("end")
        follower.end()
        assert [line["number"] for line in merge(live.path)] == follower.numbers()


def test_a_writer_that_is_killed():
    """The follower ends, and says it."""
    with Live() as live, Follower(live.path, options=["--strict"]) as follower:
        live.tell("put 0 4", "flush", "put 0 4")
        follower.wait_for_numbers(4)
        live.die()
        assert "the collector was killed" in follower.end(3)
        assert sorted(follower.numbers()) == list(range(4))
        assert [line["cause"] for line in follower.lines() if line["event"] == "lost"] == ["truncated"] * 3


@pytest.mark.parametrize("sink", ["msgpack", "summary", "null"])
def test_other_sinks(sink):
    with Live() as live, Follower(live.path, sink=sink) as follower:
        live.tell("put 0 4", "flush", "put 1 3", "end")
        follower.end()
        done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-q", "-s", sink, live.path],
                              capture_output=True, check=True)
        assert follower.out.read_bytes() == done.stdout


def test_a_sink_of_a_folder():
    with Live() as live, Follower(live.path, sink="parquet") as follower:
        live.tell("put 0 4", "flush", "put 1 3", "end")
        follower.end()
        assert (follower.out / "stream0_tick.parquet").exists()


def test_a_signal_ends_it_with_all_that_was_there():
    with Live() as live, Follower(live.path) as follower:
        live.tell("put 0 10", "flush")
        follower.wait_for_numbers(10)
        follower.end(0, signal.SIGTERM)
        assert len(follower.lines()) == 10


def test_a_run_that_has_ended_ends_it_at_once():
    with Live() as live:
        live.tell("put 0 10", "end")
        with Follower(live.path) as follower:
            follower.end()
            assert follower.lines() == merge(live.path)


def test_a_run_that_is_deleted_while_it_is_followed():
    with Live() as live, Follower(live.path) as follower:
        live.tell("put 0 10", "flush")
        follower.wait_for_numbers(10)
        shutil.rmtree(live.path)
        live.tell("put 1 10", "flush")
        follower.wait_for_numbers(20)
        live.tell("end")
        follower.end()


def test_a_header_that_never_ends():
    """Reported and left out; the run's other streams are followed."""
    with Live() as live:
        live.tell("put 0 10", "flush")
        (live.path / "long.msgpack").write_bytes(b"\xdf\xff\xff\xff\xff" + b"\xa1a\xa1b" * 6_000_000)
        with Follower(live.path) as follower:
            follower.wait_for_numbers(10)
            live.tell("end")
            assert follower.end().count("long.msgpack") == 1


def test_nothing_is_done_while_nothing_comes():
    """No busy loop: a run that is idle costs less than a hundredth of a core."""
    with Live() as live, Follower(live.path) as follower:
        live.tell("put 0 10", "flush")
        follower.wait_for_numbers(10)
        before, begin = cpu_seconds(follower.process.pid), time.monotonic()
        time.sleep(3)
        assert cpu_seconds(follower.process.pid) - before < 0.01 * (time.monotonic() - begin)


# ---- cursors ----

def follow_again(live, cursor, out, **more):
    return Follower(live.path, options=["--cursor", cursor], out=out, **more)


def test_it_goes_on_from_its_cursor():
    cursor = new_folder() / "made/for/it"
    cursor.parent.mkdir(parents=True)
    with Live() as live:
        out = new_folder() / "out"
        for i in range(4):
            with follow_again(live, cursor, out) as follower:
                live.tell("put 0 10", "put 1 10", "flush")
                follower.wait_for_numbers(20 * (i + 1))
                follower.end(0, signal.SIGTERM)
        live.tell("put 0 1", "end")
        for _ in range(2):  # the second finds that all is delivered
            with follow_again(live, cursor, out) as follower:
                follower.end()
        assert follower.lines() == merge(live.path)
        assert cursor.stat().st_mode & 0o777 == 0o700


def test_without_a_cursor_it_begins_at_the_start():
    with Live() as live:
        live.tell("put 0 10", "end")
        out = new_folder() / "out"
        for i in (1, 2):
            with Follower(live.path, out=out) as follower:
                follower.end()
                assert follower.numbers() == [line["number"] for line in merge(live.path)] * i


def test_a_torn_line_is_ended_first():
    with Live() as live:
        live.tell("put 0 2", "end")
        out = new_folder() / "out"
        out.write_bytes(b'{"torn')
        with Follower(live.path, out=out) as follower:
            follower.end()
            assert out.read_bytes().startswith(b'{"torn\n{"stream"')
            assert out.read_bytes().count(b"\n") == 3


def test_a_torn_line_of_stdout():
    with Live() as live:
        live.tell("put 0 2", "end")
        out = new_folder() / "out"
        out.write_bytes(b'{"torn')
        with out.open("ab") as file:
            subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--follow", "-s", "jsonl", live.path],
                           stdout=file, check=True)
        assert out.read_bytes().startswith(b'{"torn\n{"stream"')


def damage(path):
    text = path.read_bytes()
    path.write_bytes(text[:-20] + b"0" + text[-19:])


def empty(path):
    path.write_bytes(b"")


def forge(path):
    path.write_text(path.read_text().replace("host ", "host x"))


@pytest.mark.parametrize("how", [damage, empty, forge])
def test_a_cursor_that_is_damaged(how):
    """Said, and from the start."""
    cursor, out = new_folder() / "cursors", new_folder() / "out"
    with Live() as live:
        live.tell("put 0 10", "end")
        with follow_again(live, cursor, out) as follower:
            follower.end()
        how(next(path for path in cursor.glob("jsonl/*/*") if path.is_file()))
        with follow_again(live, cursor, out) as follower:
            assert "its cursor is damaged: from the beginning" in follower.end()
        assert len(follower.numbers()) == 20
        with follow_again(live, cursor, out) as follower:  # it was replaced
            assert "cursor" not in follower.end()
        assert len(follower.numbers()) == 20


def test_a_run_that_is_replaced():
    """Another run of the same name has other markers."""
    cursor, out = new_folder() / "cursors", new_folder() / "out"
    with Live() as live:
        live.tell("put 0 10", "end")
        with follow_again(live, cursor, out) as follower:
            follower.end()
        shutil.rmtree(live.path)
        with Live(live.path) as other:
            other.tell("put 0 3", "end")
            with follow_again(other, cursor, out) as follower:
                assert "its cursor is that of another run" in follower.end()
    assert sorted(follower.numbers()) == sorted([*range(10), *range(3)])


def test_two_followers_with_one_cursor():
    cursor = new_folder() / "cursors"
    with Live() as live, follow_again(live, cursor, None) as first:
        live.tell("put 0 10", "flush")
        first.wait_for_numbers(10)
        with follow_again(live, cursor, None) as second:
            assert "another follower uses it" in second.end(1)
        with Follower(live.path, sink="msgpack", options=["--cursor", cursor]) as other:  # a sink of its own
            wait_for(lambda: cursor_of(cursor, "msgpack"), "a cursor of its own")
            other.end(0, signal.SIGTERM)
        live.tell("put 0 10", "end")
        first.end()
        assert len(first.numbers()) == 20


def test_a_lock_that_is_about_to_go_is_waited_for():
    """As that of a follower that was killed: a service that starts it again must not fail for that. What that one writes to its
    end stays apart."""
    cursor = new_folder() / "cursors"
    (cursor / "jsonl").mkdir(parents=True)
    with Live() as live, (cursor / "jsonl/.lock").open("wb") as lock:
        live.tell("put 0 10", "end")
        fcntl.lockf(lock, fcntl.LOCK_EX)
        out = new_folder() / "out"
        with follow_again(live, cursor, out) as follower:
            def waits():
                return "poll" in Path(f"/proc/{follower.process.pid}/wchan").read_text()
            wait_for(waits, "it waits for the lock")
            with out.open("ab") as last:
                last.write(b'{"half": ')
            lock.close()
            follower.end()
            lines = out.read_bytes().splitlines()
            assert lines[0] == b'{"half": ' and sorted(json.loads(line)["number"] for line in lines[1:]) == list(range(10))


def test_a_cursor_needs_one_sink():
    for options in (["--cursor", "x"], ["--follow", "--cursor", "x", "-s", "jsonl", "-s", "null"]):
        done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), *options, "run"], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 2
        assert "one sink" in done.stderr


def small_disk():
    """A file system of 64 KiB, filled but for nothing; None: it cannot be mounted."""
    folder = new_folder()
    if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs", folder], stderr=subprocess.DEVNULL):
        return None
    return folder


def test_a_full_disk_for_cursors():
    """Said once; all is delivered; once there is room, it is saved."""
    disk = small_disk()
    if not disk:
        pytest.skip("cannot mount a tmpfs")
    try:
        with Live() as live, follow_again(live, disk / "cursors", None) as follower:
            live.tell("put 0 10", "flush")
            follower.wait_for_numbers(10)
            wait_for(lambda: cursor_of(disk / "cursors"), "a first cursor")
            with open(disk / "full", "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    pass
            before = cursor_of(disk / "cursors")
            live.tell("put 0 10", "flush")
            follower.wait_for_numbers(20)
            wait_for(lambda: "cannot be saved" in follower.said.read_text(), "a warning")
            assert cursor_of(disk / "cursors") == before
            (disk / "full").unlink()
            wait_for(lambda: cursor_of(disk / "cursors") != before, "it is saved at last")
            live.tell("end")
            assert follower.end().count("cannot be saved") == 1
    finally:
        subprocess.run(["umount", disk], check=True)


# ---- kill -9 ----

class Kills:
    """What each follower found and left: the size of the output, and the cursor."""

    def __init__(self, live, folder):
        self.live, self.cursor, self.out = live, folder / "cursors", folder / "out"
        self.states = []

    def kill(self, seconds):
        """A follower that is killed after this time, wherever it is then."""
        with follow_again(self.live, self.cursor, self.out) as follower:
            time.sleep(seconds)
        self.states.append((self.out.stat().st_size if self.out.exists() else 0, cursor_of(self.cursor)))

    def segments(self):
        """For each follower: the records it wrote, whole lines only, and the cursor that it found."""
        text, begin, found = self.out.read_bytes(), 0, None
        for size, cursor in [*self.states, (len(text), None)]:
            part = text[begin:size]
            yield part, found
            begin, found = size, cursor


def names_of(part):
    """(marker, seq) of each whole line."""
    names = []
    for line in part.split(b"\n"):
        if line.startswith(b'{"stream"') and line.endswith(b"}"):
            marker, _, rest = line.partition(b'"marker":"')[2].partition(b'"')
            seq = int(line.partition(b'"seq":')[2].partition(b",")[0])
            names.append((marker.decode(), seq))
            assert rest
    return names


def check_doubles(kills, blocks):
    """Each follower wrote nothing that the cursor which it found has acknowledged, and what is acknowledged is there."""
    written, doubles = {marker: set() for marker in blocks}, 0
    for part, cursor in kills.segments():
        places = positions(cursor) if cursor else {}
        opened = {marker: blocks[marker].open_at(place) for marker, place in places.items()}
        for marker, (seq, pending) in opened.items():
            acknowledged = {one for one in blocks[marker].seqs if one < seq} - pending
            assert acknowledged <= written[marker], "acknowledged, but lost"
        for marker, seq in names_of(part):
            if marker in opened:
                assert seq >= opened[marker][0] or seq in opened[marker][1], f"{seq} was acknowledged"
            doubles += seq in written[marker]
            written[marker].add(seq)
    return written, doubles


def test_kill_at_random_points():
    """Nothing is lost, and nothing doubled that was acknowledged. FOLLOW_KILLS=1000 for the whole."""
    random.seed(KILLS)
    with Live(streams=4) as live:
        kills = Kills(live, new_folder())
        live.say(f"pace {KILLS * 150} 3000 50")
        for _ in range(KILLS):
            kills.kill(random.uniform(0.005, 0.08))
        live.answer()
        live.tell("end")
        with follow_again(live, kills.cursor, kills.out) as follower:
            follower.end()
        blocks = {one.marker: one for one in map(Blocks, live.path.glob("*.msgpack"))}
        written, doubles = check_doubles(kills, blocks)
        assert written == {marker: one.seqs for marker, one in blocks.items()}
        assert sum(map(len, written.values())) == KILLS * 150
        print(f"{KILLS} kills, {KILLS * 150} events, {doubles} doubled")


# ---- many runs ----

def test_a_folder_of_runs():
    """Runs that were there, one that is made now, and one that is deleted."""
    top, out = new_folder() / "runs", new_folder() / "out"
    top.mkdir()
    cursor = new_folder() / "cursors"
    with Live(top / "first") as first:
        first.tell("put 0 5", "end")
    with Follower(top, options=["--cursor", cursor], out=out) as follower:
        follower.wait_for_numbers(5)
        with Live(top / "second") as second:
            second.tell("put 0 5", "flush")
            follower.wait_for_numbers(10)
            with Live(top / "third") as third:
                third.tell("put 1 5", "end")
                follower.wait_for_numbers(15)
            second.tell("put 1 5", "end")
            follower.wait_for_numbers(20)
        wait_for(lambda: all("ended 1" in path.read_text() for path in cursor.glob("jsonl/*/*") if path.name[0] != "."),
                 "all runs are done")
        shutil.rmtree(top / "first")
        wait_for(lambda: {path.name for path in cursor.glob("jsonl/*/*")} == {"second", "third"}, "its cursor goes, too")
        follower.end(0, signal.SIGTERM)
    runs = {line["run"] for line in follower.lines()}
    assert runs == {"first", "second", "third"}
    for run in ("second", "third"):
        assert [line for line in follower.lines() if line["run"] == run] == merge(top / run)


def test_cursors_of_runs_that_went_meanwhile():
    """Of those that are there they stay, however old, and of one that went today, as its folder may only be elsewhere."""
    top, cursor = new_folder() / "runs", new_folder() / "cursors"
    top.mkdir()
    for name in "kept", "old", "new":
        with Live(top / name) as live:
            live.tell("put 0 5", "end")
    cursors = lambda: {path.name: path for path in cursor.glob("jsonl/*/*") if path.name[0] != "."}
    with Follower(top, options=["--cursor", cursor]) as follower:
        wait_for(lambda: sum("ended 1" in path.read_text() for path in cursors().values()) == 3, "all are done")
        follower.end(0, signal.SIGTERM)
    for name in "kept", "old":
        os.utime(cursors()[name], (1, 1))
    for name in "old", "new":
        shutil.rmtree(top / name)
    with Follower(top, options=["--cursor", cursor]) as follower:
        wait_for(lambda: "old" not in cursors(), "it goes")
        assert set(cursors()) == {"kept", "new"} and cursors()["kept"].stat().st_mtime > 1
        follower.end(0, signal.SIGTERM)
    assert not follower.lines()


def test_many_runs_one_after_the_other():
    """Runs that have ended are let go: descriptors and memory do not grow."""
    top = new_folder() / "runs"
    top.mkdir()
    with Follower(top) as follower:
        def make(first, count):
            for i in range(first, first + count):
                with Live(top / f"run{i}") as live:
                    live.tell("put 0 5", "flush", "end")
            follower.wait_for_numbers(5 * (first + count))
        make(0, 60)
        files, memory = descriptors(follower.process.pid), resident(follower.process.pid)
        make(60, 240)
        assert descriptors(follower.process.pid) <= files + 4
        assert resident(follower.process.pid) < memory + 3 * 2**20
        follower.end(0, signal.SIGTERM)
        assert sorted(follower.numbers()) == sorted(list(range(5)) * 300)


def resident(pid):
    from live import processes_of
    return sum(int(open(f"/proc/{one}/statm", encoding="ascii").read().split()[1]) * 4096 for one in processes_of(pid))


def test_many_runs_at_once():
    """A thousand runs that were copied there, with few files open at once."""
    top = new_folder() / "runs"
    with Live(new_folder() / "run") as live:
        live.tell("put 0 20", "put 1 20", "end")
        top.mkdir()
        shutil.copytree(live.path, top / "run")
        with Live(top / "goes") as goes:
            goes.tell("put 0 5", "flush")
            for i in range(400):
                with Live(top / f"run{i}") as other:
                    other.tell("put 0 10", "end")
            with Follower(top, preexec_fn=few_files) as follower:
                follower.wait_for_numbers(40 + 4000 + 5)
                goes.tell("put 0 5", "flush")
                follower.wait_for_numbers(40 + 4000 + 10)
                follower.end(0, signal.SIGTERM)


def few_files():
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))


# ---- a sink that stalls ----

def test_a_sink_that_stalls():
    """The writer does not notice; later the reader gets all."""
    reader, writer = os.pipe()
    with Live() as live:
        process = subprocess.Popen([stage() / "collector-merge", "--plugin-dir", stage(), "--follow", "-s", "jsonl", live.path],
                                   stdout=writer)
        os.close(writer)
        live.tell("pace 20000 0 50")  # far more than a pipe holds, and nobody reads
        live.tell("end")
        with os.fdopen(reader, "rb") as file:
            assert sum(b'"event":"tick"' in line for line in file) == 20000
        assert process.wait() == 0


def test_a_reader_that_goes():
    reader, writer = os.pipe()
    with Live() as live:
        process = subprocess.Popen([stage() / "collector-merge", "--plugin-dir", stage(), "--follow", "-s", "jsonl", live.path],
                                   stdout=writer)
        os.close(writer)
        os.close(reader)
        live.tell("put 0 1", "flush")
        assert process.wait(timeout=60) == 0
