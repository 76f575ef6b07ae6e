# SPDX-License-Identifier: BSD-2-Clause
"""What is on disk, read by a stranger's msgpack, against what collector-merge says of it."""
import os
import platform
import socket
from pathlib import Path

import pytest
from harness import KIND_BASE, Started, ask, collect, merge, new_folder, program, read_stream, to_bytes

HEAD = ["ts", "seq", "pid", "start", "tid", "cpu"]
CONFIG = """
run: {name: the-run, tags: {team: tests, empty: ""}}
probes:
  lifecycle: {env: [WANTED]}
  cpu: {interval: 100ms}
  mem: {interval: 100ms}
"""


def test_runs_of_one_second_in_different_folders_are_different_runs():
    """As those of a job array are. One lake takes them all, and queries keep them apart."""
    started = [Started("--no-summary", "--", "sleep", f"0.{i}") for i in range(1, 5)]
    runs = [one.end(None) for one in started]
    assert len({run.path.name for run in runs}) == 4, [run.path.name for run in runs]
    lake = new_folder() / "lake"
    for run in runs:
        merge(run.path, sink="parquet:partition=true", options=("--quiet", "-o", lake))
    rows = ask(lake, "SELECT run, list_last(args) AS slept FROM images ORDER BY slept")
    assert rows == [{"run": run.path.name, "slept": f"0.{i}"} for i, run in enumerate(runs, 1)]


@pytest.fixture(scope="module")
def run():
    script = '"$0" code abort sixteen_together; /bin/true "$(printf "\\377")" ""; sleep 0.4; exit 3'
    return collect("sh", "-c", script, program("endings"), config=CONFIG, code=3,
                   env={**os.environ, "WANTED": "a=b"}, cwd=new_folder())


def plain(value):
    """A value of the JSON as msgpack has it."""
    if isinstance(value, list):
        return [to_bytes(item) for item in value]
    if isinstance(value, dict) and set(value) != {"base64"}:
        return {to_bytes(key): to_bytes(item) for key, item in value.items()}
    return to_bytes(value) if isinstance(value, (str, dict)) else value


def test_every_value_of_every_event(run):
    """In the same order, field by field, nothing more and nothing less."""
    total = 0
    for path in run.path.glob("*.msgpack"):
        header, records = read_stream(path)
        stream = header[b"stream"].decode()
        fields = {e[b"kind"]: [f[b"name"].decode() for f in e[b"fields"]] for e in header[b"events"]}
        events = {e["seq"]: e for e in run.events if e["stream"] == stream}
        records = [r for r in records if r["kind"] >= KIND_BASE]
        assert set(events) == {r["seq"] for r in records}
        for record in records:
            event = events[record["seq"]]
            names = fields[record["kind"]]
            assert event["event"] == record["event"]
            assert {name: event[name] for name in HEAD} == {name: record[name] for name in HEAD}
            assert {name: plain(event[name]) for name in names} == {name: record[name] for name in names}
            assert event["marker"] == header[b"marker"].hex()
            extra = {"stream", "event", "time", "marker", "run", "host", "missing"}
            assert set(event) - extra == set(HEAD) | set(names)
        total += len(records)
    assert total == len(run.events) > 500


def test_order_of_keys(run):
    """As EVENTS says: stream, event, ts, time, seq, marker, run, host, pid, start, tid, cpu, then the event's own."""
    for event in run.events:
        assert list(event)[:12] == ["stream", "event", "ts", "time", "seq", "marker", "run", "host", "pid", "start", "tid",
                                    "cpu"]


def test_header(run):
    for stream in "lifecycle", "cpu", "mem":
        header, records = read_stream(run.path / f"{stream}.msgpack")
        assert header[b"stream"].decode() == stream
        assert header[b"host"].decode() == socket.gethostname()
        assert header[b"kernel"].decode() == platform.release()
        assert header[b"boot_id"].decode() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        assert header[b"run"][b"id"].decode() == run.path.name
        assert set(header[b"streams"]) == {b"cpu", b"lifecycle", b"mem"}
        assert header[b"run"][b"name"] == b"the-run"
        assert header[b"run"][b"tags"] == {b"team": b"tests", b"empty": b""}
        assert header[b"interval_ns"] == (0 if stream == "lifecycle" else 100_000_000)
        for event in header[b"events"]:
            for field in event[b"fields"]:
                assert field[b"help"]
                for unit in b"ns", b"bytes":
                    assert field[b"name"].endswith(b"_" + unit) <= (field[b"unit"] == unit)
        sequence = [r["seq"] for r in records]
        assert sequence == list(range(len(records))), "a number is missing"
        assert records[-2]["event"] == "end"
        assert records[-2]["records"] == sum(r["kind"] >= KIND_BASE for r in records)


def test_modes_and_names(run):
    assert {path.name for path in run.path.iterdir()} == {"lifecycle.msgpack", "cpu.msgpack", "mem.msgpack"}
    assert run.path.name.startswith("the-run-")
    for path in [run.path, *run.path.iterdir()]:
        assert not path.stat().st_mode & 0o027, "others can read or the group can write"


def test_time(run):
    """RFC 3339 of the real time clock: between the run folder's name and now, and equal steps with ts."""
    first, last = run.events[0], run.events[-1]
    assert first["time"].endswith("Z") and len(first["time"]) == len("2026-01-01T00:00:00.123456789Z")
    step = int(last["time"][20:29]) - int(first["time"][20:29])
    assert (step - (last["ts"] - first["ts"])) % 1_000_000_000 == 0


def timeless(events):
    """The streams of a host share one clock anchor in a merge: which one, depends on what is merged."""
    return [{**e, "time": None} for e in events]


def test_cut_and_damaged(run):
    """A stream that ends in the middle, or has bytes of another: the rest is read, the damage told."""
    whole = (run.path / "lifecycle.msgpack").read_bytes()
    records = [e for e in run.events if e["stream"] == "lifecycle"]
    for cut in range(len(whole) // 2, len(whole), max(1, len(whole) // 16)):
        folder = new_folder()
        (folder / "lifecycle.msgpack").write_bytes(whole[:cut])
        events = merge(folder)
        merge(folder, options=["--strict"], sink="null", code=3)
        seen = [e for e in events if e["event"] != "lost"]
        assert timeless(seen) == timeless(records[:len(seen)])
    folder = new_folder()
    at = len(whole) * 2 // 3
    (folder / "lifecycle.msgpack").write_bytes(whole[:at] + b"\0" * 64 + whole[at + 64:])
    events = merge(folder)
    lost = [e for e in events if e["event"] == "lost"]
    assert {e["stream_lost"] for e in lost if e["cause"] == "missing"} == {"cpu", "mem"}
    lost = [e for e in lost if e["cause"] != "missing"]
    assert lost and all(e["cause"] == "damage" for e in lost)
    seen = [e for e in events if e["event"] != "lost"]
    assert 0 < len(seen) < len(records)
    assert sum(e["count"] for e in lost) + len(seen) == len(records)


def test_merge_of_two_runs(run):
    """Several runs in one: by time, each with its own name; one can be picked out again."""
    other = collect("true", options=["--name", "other"])
    events = merge(run.path, other.path)
    assert len(events) == len(run.events) + len(other.events)
    assert [e["time"] for e in events] == sorted(e["time"] for e in events)
    again = merge(run.path, other.path, options=["--run", other.path.name])
    assert timeless(again) == timeless(other.events)


def test_filters(run):
    exits = [e for e in run.events if e["event"] == "exit"]
    assert merge(run.path, options=["--event", "exit"]) == exits
    assert merge(run.path, options=["--event", "lifecycle.exit"]) == run.of("lifecycle.exit")
    middle = run.events[len(run.events) // 2]["time"]
    assert merge(run.path, options=["--since", middle]) == [e for e in run.events if e["time"] >= middle]
    assert merge(run.path, options=["--until", middle]) in (
        [e for e in run.events if e["time"] <= middle], [e for e in run.events if e["time"] < middle])
