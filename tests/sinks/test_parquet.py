# SPDX-License-Identifier: BSD-2-Clause
"""sinks/parquet, read back by hyparquet, held against the JSONL of the same run and what a made run says of itself."""
import os
import subprocess

import pytest
from harness import collect, made_run, new_folder, stage, why_no_bpf
from tables import HEAD, needs_reader, needs_sink, odd_run, read_parquet, rows_in, rows_of, run_merge

pytestmark = [needs_sink, needs_reader]
needs_bpf = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

MODEL = {"processes", "steps", "hidden_failures"}
HOSTILE = r"""
/bin/echo "$(printf 'evil <b>\033[31m \377 back\\slash')" >/dev/null
(exit 3) || true
sh -c 'kill -9 $$' || true
"""


def tables(*runs, options=""):
    folder = new_folder() / "tables"
    run_merge("-s", f"parquet{options}", "-o", folder, *runs)
    return folder


def compare(folder, *runs):
    expected = rows_of(*runs)
    assert expected
    for file in folder.glob("*.parquet"):
        if file.stem not in MODEL:
            assert rows_in(file) == expected.pop(file.stem, []), file.stem
    assert not expected, "events without a table"


def test_every_event_is_there():
    run, _ = made_run(2000)
    compare(tables(run), run)


@needs_bpf
def test_every_event_of_a_real_run_is_there():
    run = collect("/bin/sh", "-c", HOSTILE, config="probes: {lifecycle: {exec_failed: true}, cpu: {}, mem: {}, io: {}}\n")
    folder = tables(run.path)
    compare(folder, run.path)
    echo, = [row for row in rows_in(folder / "processes.parquet") if row["comm"] == "echo"]
    assert echo["args"] == ["/bin/echo", "evil <b>\033[31m \\xff back\\\\slash"]
    assert echo["missing"]["args"] == "escaped"


def test_processes_are_as_they_were_made():
    run, made = made_run(2000)
    folder = tables(run)
    rows = read_parquet(folder / "processes.parquet")["rows"]
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
    began = {int(row["began_ns"]) - int(row["began"]) for row in rows}
    assert len(began) == 1, "one clock is the other, moved"


def test_values_that_are_hard_to_write_down():
    folder = tables(odd_run())
    rows = rows_in(folder / "odd_thing.parquet")
    plain, hostile, ugly, nulls, extremes = rows
    assert list(plain)[:9] == HEAD
    assert (plain["flag"], plain["number"], plain["big"], plain["small"]) == (True, "-5", "123456789", "77")
    assert (plain["text"], plain["list"], plain["map"]) == ("/bin/ä", ["ls", "-l", "/tmp"], {"A": "1", "B": "x=y"})
    # fields that are called like columns of all events
    assert (plain["run"], plain["cpu"]) == ("run-odd", "3")
    assert (plain["Run_u64"], plain["cpu_u32"], plain["missing_text"]) == ("4712", "4711", "nothing")
    assert plain["missing"] is None
    assert (hostile["comm"], hostile["text"]) == ("\\xff\\\\", "a\\\\b\\xfe\n\033[31m")
    assert hostile["list"] == ["back\\\\slash", "\\x80\\x81", "plain"]
    assert hostile["map"] == {"K\\xff": "v", "L": "\\\\"}
    assert hostile["missing"] == dict.fromkeys(["comm", "text", "list", "map"], "escaped")
    assert (ugly["comm"], ugly["text"]) == ("'\"\\", "\033]0;title\a,\"quoted\"\r\n'; DROP TABLE x; --")
    assert (ugly["list"], ugly["map"], ugly["missing"]) == (["", "\n", ",", '"'], {"": "empty", "E": ""}, None)
    assert [nulls[name] for name in ("big", "Run_u64", "text", "list", "missing_text")] == [None] * 5
    assert nulls["missing"] == {"big": "released", "text": "fault", "list": "gone", "missing_text": "denied"}
    assert (extremes["big"], extremes["Run_u64"], extremes["small"]) == (str(2**64 - 301), str(2**63), str(2**32 - 1))
    assert (extremes["number"], extremes["list"], extremes["missing"]) == (str(-2**31), ["cut", "of"], {"list": "truncated"})


def test_losses_are_a_table():
    lost, = rows_in(tables(odd_run()) / "core_lost.parquet")
    assert (lost["count"], lost["cause"], lost["stream_lost"], lost["event_lost"]) == ("17", "ring_full", "odd", "thing")
    assert lost["pid"] is None and lost["start"] is None


def test_types_units_and_compression():
    folder = tables(odd_run())
    read = read_parquet(folder / "odd_thing.parquet")
    assert read["codecs"] == ["ZSTD"]
    assert read["columns"]["time"][2:4] == ["TIMESTAMP", "NANOS"]
    assert read["columns"]["big"][:2] == ["INT64", "UINT_64"] and read["columns"]["number"][:2] == ["INT32", "INT_32"]
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
    compare(folder, cut)
    rows = read_parquet(folder / "processes.parquet")["rows"]
    unknown = [row for row in rows if row["cpu_ns"] is None]
    assert unknown and all(row["missing"]["cpu_ns"] for row in unknown)


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
    assert "into which folder? --output FOLDER" in run_merge("-s", "parquet", odd_run(), code=2)


def test_wrong_rules_of_steps_are_wrong_usage():
    assert "steps: \"nosuch\"" in run_merge("-s", "parquet:steps=nosuch", "-o", new_folder() / "t", odd_run(), code=2)


def test_partitions_of_a_lake():
    lake = new_folder() / "lake"
    name = "run 1%"
    for run in odd_run(name), odd_run("run-2", 2):
        run_merge("-s", "parquet:partition=true", "-o", lake, run)
    host = os.uname().nodename
    for table in "odd_thing", "odd_never", "processes", "steps", "hidden_failures", "core_lost":
        for run in "run%201%25", "run-2":
            file = lake / table / f"run={run}" / f"host={host}" / "part-0.parquet"
            columns = read_parquet(file)["columns"]
            assert "run" not in columns and "host" not in columns and "missing" in columns
    assert not leftovers(lake)
    said = run_merge("-s", "parquet:partition=true", "-o", lake, odd_run("run-2", 1), code=1)
    assert "exists; overwrite=true replaces it" in said
    assert "small_text" not in read_parquet(lake / f"odd_thing/run=run-2/host={host}/part-0.parquet")["columns"]
    run_merge("-s", "parquet:partition=true,overwrite=true", "-o", lake, odd_run("run-2", 1))
    assert not leftovers(lake)
    assert len(list(lake.rglob("*.parquet"))) == 6 * 2


def test_a_file_that_cannot_be_written_ends_it():
    """One table's thread fails, the others wait for rows: it must end, say why, and leave nothing."""
    run, _ = made_run(20000)
    folder = new_folder() / "tables"
    line = f'trap "" XFSZ; ulimit -f 200; exec "$@" -s parquet -o {folder} {run}'
    done = subprocess.run(["/bin/bash", "-c", line, "sh", stage() / "collector-merge", "--plugin-dir", stage()],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"File too large" in done.stderr
    assert list(folder.iterdir()) == []


def test_another_sink_that_stops_ends_it():
    run, _ = made_run(20000)
    folder = new_folder() / "tables"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", f"parquet:output={folder}", "-s", "jsonl",
                           run], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")  # who read has seen enough
    assert list(folder.iterdir()) == []
