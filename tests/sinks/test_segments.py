# SPDX-License-Identifier: BSD-2-Clause
"""Streams in segments, which readers and followers take as one: the same events in the same order as of one file, what is missing
counted, and nothing twice that a follower's sink has acknowledged."""
import os
import random
import shutil
import time

import pytest
from harness import merge, new_folder, read_stream, wait_for
from live import AS_NOBODY, Blocks, Follower, Live, cursor_of, open_to_all

KILLS = int(os.environ.get("FOLLOW_KILLS", "20"))


def segment_of(path):
    number = path.name.split(".")[1]
    return int(number) if number != "msgpack" else 1


def segments(run, stream):
    return sorted(run.glob(f"{stream}.*msgpack"), key=segment_of)


def lost(lines):
    return [(line["stream_lost"], line["cause"], line["count"]) for line in lines if line["event"] == "lost"]


@pytest.fixture(name="run", scope="module")
def made_run():
    """Three streams: the first one in five segments with 40 events each, the second in two, one in one."""
    with Live() as live:
        for i in range(5):
            live.tell("put 0 20", "flush", "put 0 20", "put 1 30", "flush")
            if i < 4:
                live.tell("cut 0")
            if not i:
                live.tell("cut 1")
        live.tell("end")
    return live.path


def copy_of(run, *without):
    copy = new_folder() / run.name
    shutil.copytree(run, copy)
    for name in without:
        (copy / name).unlink()
    return copy


def test_they_are_one_stream(run):
    lines = merge(run, options=["--strict"])
    assert [line["number"] for line in sorted(lines, key=lambda line: line["number"])] == list(range(350))
    assert [line["ts"] for line in lines] == sorted(line["ts"] for line in lines)
    assert not lost(lines)
    for stream, count in ("stream0", 5), ("stream1", 2):
        files = segments(run, stream)
        headers = [read_stream(path)[0] for path in files]
        assert len(files) == count and [segment_of(path) for path in files] == list(range(1, count + 1))
        assert [header.get(b"follows") for header in headers] == [None, *(header[b"marker"] for header in headers[:-1])]
        assert [header.get(b"segment", 1) for header in headers] == [segment_of(path) for path in files]
        named = {(line["marker"], line["seq"]) for line in lines if line["stream"] == stream}
        assert named == {(one.marker, seq) for one in map(Blocks, files) for seq in one.seqs}


@pytest.mark.parametrize("gone, found", [
    (["stream0.msgpack"], ("stream0", "missing", 40)),
    (["stream0.3.msgpack"], ("stream0", "missing", 40)),
    (["stream0.2.msgpack", "stream0.3.msgpack"], ("stream0", "missing", 80)),
    (["stream0.5.msgpack"], ("stream0", "missing", None)),
    (["stream1.msgpack"], ("stream1", "missing", 30)),
])
def test_one_that_is_missing_is_counted(run, gone, found):
    copy = copy_of(run, *gone)
    lines = merge(copy, options=["--strict"], code=3)
    assert lost(lines) == [found]
    there = {line["number"]: line for line in merge(run)}
    assert [line for line in lines if line["event"] != "lost"] == [
        line for line in there.values() if line["marker"] not in
        {Blocks(run / name).marker for name in gone}]
    # in its place in time
    one, = (line for line in lines if line["event"] == "lost")
    absent = [line["ts"] for line in there.values() if line["marker"] in {Blocks(run / name).marker for name in gone}]
    assert one["since"] <= one["ts"] <= max(absent)
    assert "the file is missing" in merge(copy, sink="summary")


def test_files_that_are_no_segments(run):
    """One twice, one of another stream, one of another run, one that is none, one that its writer left empty."""
    copy = copy_of(run)
    with Live() as other:
        other.tell("put 0 5", "flush", "cut 0", "end")
    shutil.copy(copy / "stream0.2.msgpack", copy / "stream0.6.msgpack")
    shutil.copy(copy / "stream0.2.msgpack", copy / "stream1.3.msgpack")
    shutil.copy(other.path / "stream0.2.msgpack", copy / "stream0.7.msgpack")
    (copy / "stream0.8.msgpack").write_bytes(b"no stream")
    (copy / "stream1.9.msgpack").touch()
    lines = merge(copy, options=["--strict"], code=3)  # as they are left out
    assert lines == merge(run)


def test_a_loop_and_two_that_follow_the_same(run):
    """Each file is read once, and what does not follow is said."""
    copy = copy_of(run, "stream0.3.msgpack")
    shutil.copy(copy / "stream0.2.msgpack", copy / "stream0.3.msgpack")
    lines = merge(copy, options=["--strict"], code=3)
    assert lost(lines) == [("stream0", "damage", 40)]
    assert len(lines) == 311 and len({(line["marker"], line["seq"]) for line in lines}) == 311


def test_a_damaged_one_costs_what_is_damaged(run):
    copy = copy_of(run)
    path = copy / "stream0.2.msgpack"
    blocks = Blocks(path)
    data = bytearray(path.read_bytes())
    data[blocks.begins[1] + 20] ^= 0xff
    path.write_bytes(data)
    lines = merge(copy, options=["--strict"], code=3)
    assert lost(lines) == [("stream0", "damage", 20)]
    # without its end, which the next one makes up for
    path.write_bytes((run / "stream0.2.msgpack").read_bytes()[:blocks.begins[2]])
    assert merge(copy, options=["--strict"]) == merge(run)
    path.write_bytes((run / "stream0.2.msgpack").read_bytes()[:blocks.begins[1]])
    assert lost(merge(copy, options=["--strict"], code=3)) == [("stream0", "truncated", 20)]


def test_a_copy_that_was_made_earlier(run):
    copy = copy_of(run, "stream0.4.msgpack", "stream0.5.msgpack")
    assert merge(copy, run, options=["--strict"]) == merge(run, copy, options=["--strict"]) == merge(run)


# ---- followers ----

@pytest.mark.parametrize("account", [{}, AS_NOBODY])
def test_they_come_while_the_run_goes_on(account):
    """To one that had to drop its rights, too: its parent opens the files."""
    cursor = new_folder(0o777) / "cursors"
    with Live() as live:
        open_to_all(live.path)
        if not account:
            live.path.chmod(0o700)
        with Follower(live.path, options=["--cursor", cursor], out=new_folder(0o777) / "out", **account) as follower:
            for i in range(6):
                live.tell("put 0 3", "flush", "cut 0", "put 0 3", "put 1 2", "flush", *["cut 1"] * (i % 2))
                follower.wait_for_numbers(8 * (i + 1))
            live.tell("end")
            assert follower.end() == ""
        assert "ended 1" in cursor_of(cursor)
    assert follower.lines() == merge(live.path)
    assert len(segments(live.path, "stream0")) == 7


def test_a_follower_that_comes_late():
    with Live() as live:
        for _ in range(10):
            live.tell("put 0 10", "put 1 1", "flush", "cut 0")
        with Follower(live.path) as follower:
            follower.wait_for_numbers(110)
            live.tell("put 0 10", "flush", "cut 0", "put 2 1", "flush")
            follower.wait_for_numbers(121)
            live.tell("end")
            assert follower.end() == ""
    assert follower.lines() == merge(live.path)


def test_a_link_that_shows_another_run_later():
    latest = new_folder() / "latest"
    with Live() as live:
        latest.symlink_to(live.path)
        live.tell("put 0 3", "flush")
        with Follower(latest) as follower:
            follower.wait_for_numbers(3)
            latest.unlink()
            latest.symlink_to(new_folder())
            live.tell("cut 0", "put 0 3", "flush", "cut 0", "put 0 3", "end")
            assert follower.end() == ""
    assert sorted(follower.numbers()) == list(range(9))


def test_a_writer_that_is_killed_after_a_cut():
    with Live() as live:
        live.tell("put 0 10", "flush", "cut 0", "put 0 5", "flush")
        with Follower(live.path) as follower:
            follower.wait_for_numbers(15)
            live.die()
            assert "the collector was killed" in follower.end()
    assert {cause for _, cause, _ in lost(follower.lines())} == {"truncated"}
    by_place = lambda lines: sorted(lines, key=lambda line: (line["ts"], line["seq"]))  # the loss is known at the end
    assert by_place(follower.lines()) == by_place(merge(live.path))


def places(cursor):
    """By the stream's marker: its numbers, the segments of the three places, none if all is in the first one."""
    found, marker = {}, None
    for line in cursor.splitlines():
        words = line.split()
        if words[0] == "stream":
            marker = words[1]
            found[marker] = [int(word) for word in words[2:]], (1, 1, 1)
        elif words[0] == "segment":
            found[marker] = found[marker][0], tuple(map(int, words[2:5]))
    return found


def acknowledged(cursor, streams):
    """(marker, seq) of all records that a cursor says are delivered."""
    done = set()
    for marker, (place, (number, *before)) in places(cursor).items():
        files = next(files for files in streams if marker in [one.marker for one in files])
        pending = set()
        for next_, begin, segment in zip((place[8], place[14]), (place[9], place[15]), before):
            if next_ != 2**64 - 1:
                one = files[segment - 1]
                pending |= {(one.marker, seq) for seq in one.events[one.begins.index(begin)][next_:]}
        for one in files[:number]:
            at = one.begins.index(place[3]) if one.marker == marker and place[3] in one.begins else len(one.begins)
            limit = one.starts[at] if at < len(one.starts) else 2**64
            done |= {(one.marker, seq) for seq in one.seqs if seq < limit}
        done -= pending
    return done


def names_of(lines):
    return [(line["marker"], line["seq"]) for line in lines]


def test_kill_at_random_points():
    """Nothing is lost, and nothing doubled that was acknowledged. FOLLOW_KILLS=1000 for more."""
    random.seed(KILLS)
    folder = new_folder()
    cursor, out, states = folder / "cursors", folder / "out", []
    with Live(streams=3, segment=8192) as live:
        live.say(f"pace {KILLS * 200} 3000 20")
        for _ in range(KILLS):
            with Follower(live.path, options=["--cursor", cursor], out=out):
                time.sleep(random.uniform(0.01, 0.12))
            states.append((out.stat().st_size if out.exists() else 0, cursor_of(cursor)))
        live.answer()
        live.tell("end")
        with Follower(live.path, options=["--cursor", cursor], out=out) as follower:
            follower.end()
    streams = [[Blocks(path) for path in segments(live.path, f"stream{i}")] for i in range(3)]
    assert len(streams[0]) > 5
    text, begin, found, written = out.read_bytes(), 0, None, set()
    for size, saved in [*states, (len(text), None)]:
        done = acknowledged(found, streams) if found else set()
        assert done <= written, "acknowledged, but lost"
        part = [line for line in text[begin:size].split(b"\n") if line.startswith(b"{") and line.endswith(b"}")]
        names = [(line.partition(b'"marker":"')[2][:32].decode(), int(line.partition(b'"seq":')[2].partition(b",")[0]))
                 for line in part]
        assert not done & set(names), "acknowledged, but sent again"
        written |= set(names)
        begin, found = size, saved
    assert written == set(names_of(merge(live.path))) and len(written) == KILLS * 200


def test_a_segment_that_went_before_it_was_read():
    """Of a run that goes on: counted, and it is not waited for."""
    with Live() as live:
        live.tell("put 0 10", "flush", "cut 0", "put 0 7", "flush", "cut 0", "put 0 3", "flush")
        (live.path / "stream0.2.msgpack").unlink()
        with Follower(live.path) as follower:
            follower.wait_for_numbers(13)
            live.tell("end")
            follower.end()
    assert lost(follower.lines()) == [("stream0", "missing", 7)]


def test_a_cursor_of_a_run_that_was_replaced():
    cursor, out = new_folder() / "cursors", new_folder() / "out"
    with Live() as live:
        live.tell("put 0 10", "flush", "cut 0", "put 0 5", "flush")
        with Follower(live.path, options=["--cursor", cursor], out=out) as follower:
            follower.wait_for_numbers(15)
            wait_for(lambda: "segment stream0 2" in (cursor_of(cursor) or ""), "the cursor of the second segment")
    shutil.rmtree(live.path)
    with Live(folder=live.path) as other:
        other.tell("put 0 4", "flush", "cut 0", "put 0 4", "end")
        with Follower(other.path, options=["--cursor", cursor], out=out) as follower:
            assert "its cursor" in follower.end()
    assert sorted(follower.numbers()) == sorted([*range(15), *range(8)])
