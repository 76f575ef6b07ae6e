# SPDX-License-Identifier: BSD-2-Clause
"""A stranger's reader: the format as core/stream/STREAM.md tells it, by Debian's msgpack and nothing of ours."""
import base64
import json
import os
import re
import subprocess
import sys
import zlib

import pytest

msgpack = pytest.importorskip("msgpack")

from harness import CC, KIND_BASE, SRC, stage  # noqa: E402

SYNC, END = 3, 4


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """A stream with every type and several reasons in it, out of order."""
    out = tmp_path_factory.mktemp("stream")
    base = ("buffer.c", "clock.c", "error.c", "hash.c", "nearest.c", "utf8.c")
    core = [*(SRC / "core/stream").glob("*.c"), *(SRC / "core/base" / name for name in base)]
    subprocess.run([*CC, "-std=gnu11", "-D_GNU_SOURCE", '-DPACKAGE_VERSION="test"', "-I", SRC,
                    SRC / "tests/fuzz/seeds.c", *core, "-lz", "-o", out / "seeds"], check=True)
    subprocess.run([out / "seeds", out], check=True)
    return out / "made.msgpack"


def merged(stream, sink, *options):
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--sink", sink, *options, stream],
                          check=True, capture_output=True)
    return done.stdout


def unpack(data):
    unpacker = msgpack.Unpacker(strict_map_key=False, raw=True)
    unpacker.feed(data)
    return unpacker


def text(value):
    """A byte string as the jsonl sink shows it."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def shown(value):
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, list):
        return [text(item) for item in value]
    if isinstance(value, dict):
        return {text(name): text(item) for name, item in value.items()}
    return value


def by_the_book(data):
    """Every event and loss of a whole stream, as the jsonl sink should show it, less `time`."""
    unpacker = unpack(data)
    header = next(unpacker)
    reasons = [name and name.decode() for name in header[b"reasons"]]
    head = [name.decode() for name in header[b"record"]]
    events = {event[b"kind"]: event for event in header[b"events"]}
    rows = []
    for record in unpacker:
        event = events[record[0]]
        if record[0] < KIND_BASE and event[b"name"] != b"lost":
            continue
        values = dict(zip(head, record))
        control = record[0] < KIND_BASE
        row = {"stream": event[b"stream"].decode(), "event": event[b"name"].decode(), "ts": values["ts"],
               "seq": values["seq"], "marker": header[b"marker"].hex(), "run": header[b"run"][b"id"].decode(), "host": header[b"host"].decode()}
        row.update({name: None if control else values[name] for name in ("pid", "start", "tid", "cpu")})
        fields = [field[b"name"].decode() for field in event[b"fields"]]
        row.update({name: shown(value) for name, value in zip(fields, record[len(head):])})
        if len(record) > len(head) + len(fields):
            row["missing"] = ",".join(f"{fields[field]}={reasons[why]}" for field, why in record[-1].items())
        rows.append(row)
    return sorted(rows, key=lambda row: (row["ts"], row["seq"]))


def test_our_merge_shows_what_a_stranger_reads(stream):
    ours = [json.loads(line) for line in merged(stream, "jsonl").splitlines()]
    for row in ours:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", row.pop("time"))
    assert ours == by_the_book(stream.read_bytes())
    assert len(ours) == 21


def test_both_sinks_say_the_same(stream):
    lines = [json.loads(line) for line in merged(stream, "jsonl").splitlines()]
    maps = [{key.decode(): shown(value) for key, value in row.items()} for row in unpack(merged(stream, "msgpack"))]
    assert maps == lines
    assert [list(row) for row in maps] == [list(row) for row in lines]


def test_blocks_are_as_written_up(stream):
    """The sums, by zlib; every byte belongs to a block; totals count."""
    data = stream.read_bytes()
    unpacker = unpack(data)
    marker = next(unpacker)[b"marker"]
    assert len(marker) == 16
    begin = records = total = blocks = 0
    at = unpacker.tell()
    for record in unpacker:
        if record[0] == SYNC:
            found, length, count, running, crc = record[8:]
            place = data.index(marker, at)
            assert data[place - 2:place] == b"\xc4\x10"
            assert (found, length, count, running) == (marker, place - begin, records, total)
            assert zlib.crc32(data[begin:unpacker.tell() - len(msgpack.packb(crc))]) == crc
            begin, records, blocks = unpacker.tell(), 0, blocks + 1
        else:
            records += 1
            total += 3 if record[0] == 1 else record[0] >= KIND_BASE
            last = record
        at = unpacker.tell()
    assert begin == len(data)
    assert blocks > 3
    assert last[0] == END and last[8:] == [20, 3, 0, b""]


def test_the_example_of_the_document_runs(stream, tmp_path):
    code = re.search(r"```python\n(.*?)```", (SRC / "core/stream/STREAM.md").read_text(), re.DOTALL).group(1)
    (tmp_path / "reader.py").write_text(code)
    done = subprocess.run([sys.executable, tmp_path / "reader.py", stream], check=True, capture_output=True,
                          env={**os.environ, "PYTHONIOENCODING": "utf-8:surrogateescape"})
    lines = done.stdout.decode(errors="surrogateescape").splitlines()
    assert len(lines) == 20
    assert lines[0].startswith("made third {'kind': 18, 'ts': 1000000000, 'seq': 1, 'pid': 4711, ")
    assert "'list': ['ls', '-l', b'\\xff'], 'map': {'A': '1', 'B': 'x=y'}" in lines[0]


def test_every_option_of_the_merge(stream, tmp_path):
    def run(*options, code=0):
        done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), *options],
                              capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout.decode(), done.stderr.decode()

    assert run("--version")[0].startswith("collector-merge ")
    assert "Examples:" in run("--help")[0]
    assert "jsonl" in run("--list")[0]
    out = tmp_path / "out.jsonl"
    os.umask(0o022)
    run("--sink", "jsonl", "--output", out, stream)
    assert len(out.read_text().splitlines()) == 21
    assert out.stat().st_mode & 0o777 == 0o640
    run("--sink", "jsonl", "--event", "third", "--output", out, stream)
    assert len(out.read_text().splitlines()) == 6  # the loss is never hidden
    run("--sink", "nothing", "--output", tmp_path / "none", stream, code=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl"]

    assert "3 events lost" in run("--sink", "null", "--strict", stream, code=3)[1]
    assert run("--sink", "null", "--strict", "--quiet", stream, code=3)[1] == ""
    assert 'did you mean "jsonl"' in run("--sink", "jsnl", stream, code=2)[1]
    assert 'did you mean "third"' in run("--sink", "null", "--event", "thrd", stream, code=2)[1]
    assert "--since" in run("--sink", "null", "--since", "late", stream, code=2)[1]
    assert "No such file" in run("--sink", "null", tmp_path / "none", code=2)[1]
    assert "\\x1b" in run("--sink", "null", tmp_path / "\033[31m", code=2)[1]
    run("--sink", "null", code=2)
    run("--no-such-option", stream, code=2)

    cut = tmp_path / "cut.msgpack"
    cut.write_bytes(stream.read_bytes()[:-10])
    assert "no end" in run("--sink", "null", cut)[1]
    lines = [json.loads(line) for line in run("--sink", "jsonl", "--quiet", cut)[0].splitlines()]
    [told] = [line for line in lines if line.get("cause") == "truncated"]
    assert told["count"] is None and told["missing"] == "count=lost"
