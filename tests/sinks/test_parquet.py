# SPDX-License-Identifier: BSD-2-Clause
"""sinks/parquet, read back by hyparquet, held against the JSONL of the same run and what a made run says of itself."""
import json
import os
import subprocess
from datetime import datetime, timezone

import pytest
from harness import collect, made_run, new_folder, read_stream, rewrite_stream, stage, why_no_bpf
from tables import HEAD, needs_reader, needs_sink, odd_run, read_parquet, rows_in, rows_of, run_merge

pytestmark = [needs_sink, needs_reader]
needs_bpf = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

MODEL = {"images", "processes", "steps", "hidden_failures", "runs", "verdicts"}
HOSTILE = r"""
/bin/echo "$(printf 'evil <b>\033[31m \377 back\\slash')" >/dev/null
(exit 3) || true
sh -c 'kill -9 $$' || true
"""


def tables(*runs, options=""):
    folder = new_folder() / "tables"
    run_merge("-s", f"parquet{options}", "-o", folder, *runs)
    return folder


def compare(folder, *runs, pipeline=None):
    expected = rows_of(*runs, pipeline=pipeline)
    assert expected
    for file in folder.glob("*.parquet"):
        if file.stem not in MODEL:
            assert rows_in(file) == expected.pop(file.stem, []), file.stem
    assert not expected, "events without a table"


def test_every_event_is_there():
    run, _ = made_run(2000)
    compare(tables(run), run, pipeline="made")


@needs_bpf
def test_every_event_of_a_real_run_is_there():
    run = collect("/bin/sh", "-c", HOSTILE, config="probes: {lifecycle: {exec_failed: true}, cpu: {}, mem: {}, io: {}}\n")
    folder = tables(run.path)
    header, _ = read_stream(run.path / "cpu.msgpack")
    compare(folder, run.path, pipeline=header[b"run"][b"name"].decode())
    echo, = [row for row in rows_in(folder / "images.parquet") if row["comm"] == "echo"]
    assert echo["args"] == ["/bin/echo", "evil <b>\033[31m \\xff back\\\\slash"]
    assert json.loads(echo["missing"])["args"] == "escaped"


def test_processes_are_as_they_were_made():
    run, made = made_run(2000)
    folder = tables(run)
    rows = read_parquet(folder / "images.parquet")["rows"]
    assert len(rows) == made["processes"]
    assert sum(int(row["cpu_ns"]) for row in rows) == made["cpu_ns"]
    for outcome, count in ("killed", made["killed"]), ("oom", made["oom"]):
        assert sum(row["outcome"] == outcome for row in rows) == count
    tools = [row for row in rows if row["depth"] == 2]
    assert sum(row["outcome"] == "failed" for row in tools) == made["failed"]
    steps = read_parquet(folder / "steps.parquet")["rows"]
    assert len(steps) == made["jobs"]
    by_number = {row["task"]: row["step"] for row in steps}
    assert all(by_number[row["task"]] == row["step"] for row in rows if row["task"] is not None)
    run, = read_parquet(folder / "runs.parquet")["rows"]
    assert all((int(row["began_ns"]) + int(run["boot_epoch_ns"])) // 1000 == int(row["began"]) for row in rows)


def test_values_that_are_hard_to_write_down():
    folder = tables(odd_run())
    rows = rows_in(folder / "odd_thing.parquet")
    plain, hostile, ugly, nulls, extremes = rows
    assert list(plain)[:11] == HEAD
    assert (plain["flag"], plain["number"], plain["big"], plain["small"]) == (True, "-5", "123456789", "77")
    assert (plain["text"], plain["list"], plain["map"]) == ("/bin/ä", ["ls", "-l", "/tmp"], '{"A":"1","B":"x=y"}')
    # fields that are called like columns of all events
    assert (plain["run"], plain["cpu"]) == ("run-odd", "3")
    assert (plain["Run_bigint"], plain["cpu_int"], plain["missing_text"]) == ("4712", "4711", "nothing")
    assert plain["missing"] is None
    assert (hostile["comm"], hostile["text"]) == ("\\xff\\\\", "a\\\\b\\xfe\n\033[31m")
    assert hostile["list"] == ["back\\\\slash", "\\x80\\x81", "plain"]
    assert json.loads(hostile["map"]) == {"K\\xff": "v", "L": "\\\\"}
    assert json.loads(hostile["missing"]) == dict.fromkeys(["comm", "text", "list", "map"], "escaped")
    assert (ugly["comm"], ugly["text"]) == ("'\"\\", "\033]0;title\a,\"quoted\"\r\n'; DROP TABLE x; --")
    assert (ugly["list"], ugly["map"], ugly["missing"]) == (["", "\n", ",", '"'], '{"":"empty","E":""}', None)
    assert [nulls[name] for name in ("big", "Run_bigint", "text", "list", "missing_text")] == [None] * 5
    assert nulls["map"] == "{}" and extremes["map"] is None, "empty is not null"
    assert json.loads(nulls["missing"]) == {"big": "released", "text": "fault", "list": "gone", "missing_text": "denied"}
    # what is beyond the type is the type's greatest, and that is said
    assert (extremes["big"], extremes["Run_bigint"], extremes["small"]) == (str(2**63 - 1), str(2**63 - 1), str(2**32 - 1))
    assert (extremes["number"], extremes["list"]) == (str(-2**31), ["cut", "of"])
    assert json.loads(extremes["missing"]) == {"big": "saturated", "list": "truncated", "map": "denied",
                                              "Run_bigint": "saturated"}


def test_losses_are_a_table():
    lost, = rows_in(tables(odd_run()) / "core_lost.parquet")
    assert (lost["lost_events"], lost["cause"], lost["stream_lost"], lost["event_lost"]) == ("17", "ring_full", "odd", "thing")
    assert lost["pid"] is None and lost["start"] is None


def test_types_units_and_compression():
    folder = tables(odd_run())
    read = read_parquet(folder / "odd_thing.parquet")
    assert read["codecs"] == ["SNAPPY"], "of few rows"
    assert read["columns"]["time"][2:4] == ["TIMESTAMP", "MICROS"] and read["columns"]["time"][5] is True
    assert read["columns"]["big"][:2] == ["INT64", "INT_64"] and read["columns"]["number"][:2] == ["INT32", "INT_32"]
    assert read["columns"]["flag"][0] == "BOOLEAN" and read["columns"]["text"][1] == "UTF8"
    assert read["notes"]["big"] == 'it\'s "big" (ns)' and read["notes"]["table_help"] == "happens"
    empty = read_parquet(folder / "odd_never.parquet")
    assert empty["rows"] == [] and list(empty["columns"]) == list(read["columns"])


def test_two_versions_of_a_probe():
    rows = rows_in(tables(odd_run("run-1", 1), odd_run("run-2", 2)) / "odd_thing.parquet")
    old, = [row for row in rows if row["run"] == "run-1" and row["pid"] == "100"]
    new, = [row for row in rows if row["run"] == "run-2" and row["pid"] == "100"]
    assert (old["small"], old["small_text"], old["more"]) == ("77", None, None)
    assert (new["small"], new["small_text"], new["more"]) == (None, "seventy-seven", "42")
    assert len(rows) == 10


def test_incomplete_run():
    run, _ = made_run(2000)
    cut = new_folder() / "cut"
    cut.mkdir()
    for stream in run.glob("*.msgpack"):
        data = stream.read_bytes()
        (cut / stream.name).write_bytes(data[:len(data) * 2 // 3] if stream.stem == "cpu" else data)
    folder = new_folder() / "tables"
    said = run_merge("-s", "parquet", "-o", folder, cut)
    assert "cpu.msgpack: the stream has no end" in said
    compare(folder, cut, pipeline="made")
    rows = read_parquet(folder / "processes.parquet")["rows"]
    unknown = [row for row in rows if row["cpu_ns"] is None]
    assert unknown and all(json.loads(row["missing"])["cpu_ns"] for row in unknown)


# ---- files ----

def leftovers(folder):
    return [path for path in folder.rglob(".*")]


def test_nothing_is_overwritten_unasked():
    run = odd_run()
    folder = tables(run)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    said = run_merge("-s", "parquet", "-o", folder, odd_run("other"), code=2)
    assert "processes.parquet: exists; overwrite=true" in said
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    run_merge("-s", "parquet:overwrite=true", "-o", folder, odd_run("other"))
    assert {row["run"] for row in rows_in(folder / "odd_thing.parquet")} == {"other"}
    assert not leftovers(folder)


def test_where_to_must_be_said():
    assert "no output folder: add --output FOLDER" in run_merge("-s", "parquet", odd_run(), code=2)


def test_wrong_rules_of_steps_are_wrong_usage():
    assert "steps: \"nosuch\"" in run_merge("-s", "parquet:steps=nosuch", "-o", new_folder() / "t", odd_run(), code=2)


def day_of(run):
    """The day, in UTC, on which the run began, by the header of its stream."""
    stream = next(run.glob("*.msgpack"))
    seconds = read_stream(stream)[0][b"real_ns"] // 10**9
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")


def test_a_lake():
    lake = new_folder() / "lake"
    first, second = odd_run("run 1.%"), odd_run("run-2", 2)
    run_merge("-s", "parquet:partition=true", "-o", lake, first, second)  # at once, as well as one after the other
    host, names = os.uname().nodename, ("run%201%2E%25", "run-2")
    found = {path.relative_to(lake).as_posix() for path in lake.rglob("*.parquet")}
    assert found >= {f"{table}/date={day_of(run)}/{name}.{host}.parquet" for run, name in zip((first, second), names)
                     for table in ("odd_thing", "core_lost", "runs")}
    assert {path.split("/")[0] for path in found} == {"odd_thing", "odd_never", "core_lost", *MODEL}
    read = rows_in(lake / f"odd_thing/date={day_of(first)}/{names[0]}.{host}.parquet")
    assert [(row["run"], row["host"], row["pipeline"]) for row in read] == [("run 1.%", host, "odd")] * 5
    assert not leftovers(lake)
    before = {path: path.stat().st_ino for path in lake.rglob("*.parquet")}
    said = run_merge("-s", "parquet:partition=true", "-o", lake, odd_run("run-2", 1), code=1)
    assert "exists; overwrite=true replaces it" in said
    run_merge("-s", "parquet:partition=true,overwrite=true", "-o", lake, second)
    assert not leftovers(lake)
    kept = {path for path, inode in before.items() if path.stat().st_ino == inode}
    assert {path.name for path in kept if path.parts[-3] == "odd_thing"} == {f"{names[0]}.{host}.parquet"}, "the other's file stays"


def test_rows_without_a_run_have_no_place_in_a_lake():
    """Of a forged stream: DuckDB made a folder run=NULL of them."""
    def forge(record, event):
        if event:
            record[7] = 99  # of a run that the header does not have

    lake, run = new_folder() / "lake", odd_run()
    for stream in run.glob("*.msgpack"):
        rewrite_stream(stream, record=forge)
    said = run_merge("-s", "parquet:partition=true", "-o", lake, run)
    assert "rows without a run and host are left out" in said
    paths = [path.relative_to(lake).parts for path in lake.rglob("*.parquet")]
    assert all(path[1].startswith("date=") and len(path) == 3 for path in paths), paths
    assert {"odd_thing", *MODEL} <= {path[0] for path in paths} and not leftovers(lake)
    assert rows_in(*(lake / "odd_thing").rglob("*.parquet")) == []


def test_an_empty_table_of_a_lake_has_its_columns():
    lake = new_folder() / "lake"
    run_merge("-s", "parquet:partition=true", "-o", lake, odd_run())
    never, = (lake / "odd_never").rglob("*.parquet")
    thing, = (lake / "odd_thing").rglob("*.parquet")
    empty, full = read_parquet(never, thing)
    assert empty["rows"] == [] and empty["columns"] == full["columns"]
    assert empty["notes"]["schema"] == full["notes"]["schema"] == "3"


def test_a_file_that_cannot_be_written_ends_it():
    """One table's thread fails, the others wait for rows: it must end, say why, and leave nothing."""
    run, _ = made_run(20000)
    folder = new_folder() / "tables"
    line = f'trap "" XFSZ; ulimit -f 200; exec "$@" -s parquet -o {folder} {run}'
    done = subprocess.run(["/bin/bash", "-c", line, "sh", stage() / "collector-merge", "--plugin-dir", stage()],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"File too large" in done.stderr
    assert not folder.exists()


def test_another_sink_that_stops_ends_it():
    run, _ = made_run(20000)
    folder = new_folder() / "tables"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", f"parquet:output={folder}", "-s", "jsonl",
                           run], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")  # who read has seen enough
    assert not folder.exists()
