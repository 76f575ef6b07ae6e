# SPDX-License-Identifier: BSD-2-Clause
"""Streams that are valid and forged to be expensive: what a sink needs of memory stays within what its input justifies."""
import json
import os
import shutil
import subprocess

import forward_peer
import pytest
from clickhouse_peer import rows_sent, statements
from harness import BUILD, made_run, new_folder, rewrite_stream, stage
from http_listener import Listener
from tables import needs_sink, run_merge

needs_http = pytest.mark.skipif(not (BUILD / "sinks/clickhouse.so").exists(), reason="built without libcurl")

STREAMS = ("lifecycle", "cpu", "mem", "io")
ITEMS = 1 << 20  # of a list, in a table
TEXT = 8 << 20  # bytes of a text


def forged(record=None, header=None, streams=("lifecycle",)):
    folder = new_folder() / "run"
    shutil.copytree(made_run(300)[0], folder)
    for name in streams:
        rewrite_stream(folder / f"{name}.msgpack", record=record, header=header)
    return folder


def with_execs(*values):
    """A run whose first execs have these values of fields, a dict each."""
    left = list(values)

    def change(item, event):
        if event and event["name"] == "exec" and left:
            fields = [field["name"] for field in event["fields"]]
            for name, value in left.pop(0).items():
                item[8 + fields.index(name)] = value

    folder = forged(change)
    assert not left
    return folder


@pytest.fixture(name="lists", scope="module")
def run_of_lists():
    """20 MB of a stream in which each byte is an item of a list."""
    return with_execs(*[{"args": [""] * ITEMS}] * 20)


def peak(sink, run):
    """MiB of a merge, as wait4 says."""
    process = subprocess.Popen([stage() / "collector-merge", "--plugin-dir", stage(), "-q", "-s", sink, "-o", new_folder() / "out", run],
                               stderr=subprocess.PIPE)
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return usage.ru_maxrss >> 10


@pytest.mark.parametrize("sink", ["jsonl", "msgpack", "summary", "report", "perfetto", "trace", "advise"])
def test_memory_of_a_sink(lists, sink):
    assert peak(sink, lists) < 400


@needs_http
def test_memory_of_rows(lists):
    with Listener() as listener:
        assert peak(f"clickhouse:url={listener.url}", lists) < 400


def test_memory_of_entries(lists):
    with forward_peer.Listener() as listener:
        assert peak(f"forward:address={listener.address}", lists) < 400


@needs_sink
@pytest.mark.parametrize("sink, most", [("parquet", 600), ("duckdb", 1200)])
def test_memory_of_tables(lists, sink, most):
    """It took 3.4 GB, and 2.8: 2048 such rows were held at once, some copies of each."""
    assert peak(sink, lists) < most


def query(run, sql):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-F", "json", run, sql], capture_output=True,
                          check=True)
    return json.loads(done.stdout)


@needs_sink
def test_long_values_are_cut():
    run = with_execs({"args": ["a"] * (ITEMS + 5)}, {"exe": "/" + "b" * (TEXT + 9)}, {"args": ["c" * TEXT, "d"]},
                     {"exe": "/" + "é" * TEXT}, {"env": {str(n): "" for n in range(ITEMS)}})
    rows = query(run, "SELECT len(args) AS args, strlen(exe) AS exe, args[1][1] AS first, missing, len(json_keys(env)) AS env "
                      "FROM lifecycle_exec ORDER BY seq LIMIT 5")
    notes = [row["missing"] or {} for row in rows]
    assert (rows[0]["args"], rows[0]["first"], notes[0]["args"]) == (ITEMS, "a", "truncated")
    assert (rows[1]["exe"], notes[1]["exe"]) == (TEXT, "truncated")
    assert (rows[2]["args"], rows[2]["first"], notes[2]["args"]) == (1, "c", "truncated")
    assert (rows[3]["exe"], notes[3]["exe"]) == (TEXT - 1, "truncated"), "not within a character"
    assert (rows[4]["env"], notes[4]["env"]) == (ITEMS // 2, "truncated")


def field(name):
    return {"name": name, "type": "u64", "unit": None, "help": None}


def many_kinds(event, column, streams):
    """A run of 64 kinds of events in each stream; `event` and `column` make names of a kind."""
    def header(head):
        kinds = {known["kind"] for known in head["events"]}
        head["events"] += [{"kind": kind, "stream": head["stream"], "name": event.format(kind), "help": None,
                            "fields": [field(column.format(kind, i)) for i in range(50)]}
                           for kind in range(16, 80) if kind not in kinds]

    return forged(header=header, streams=streams)


@needs_http
def test_too_many_tables_or_columns_for_a_server():
    """What is left out is said, the rest arrives."""
    with Listener() as listener:
        said = run_merge("-s", f"clickhouse:url={listener.url}", many_kinds("e{}", "f{1}", STREAMS))
        assert said.count("left out: there are too many tables") == 2 and len(rows_sent(listener.taken)["cpu_exit"]) > 250
    with Listener() as listener:
        said = run_merge("-s", f"clickhouse:url={listener.url}", many_kinds("exec", "f{}_{}", ["lifecycle"]))
        assert "lifecycle_exec: f79_49: left out: there are too many columns" in said
        assert len(rows_sent(listener.taken)["lifecycle_exec"]) > 250
        assert 400 < max(text.count("ADD COLUMN") for text in statements(listener.taken)) <= 512


def test_too_many_tags():
    """What is beyond them shares one, and arrives."""
    run = many_kinds("e{}", "f{1}", STREAMS)
    with forward_peer.Listener() as listener:
        said = run_merge("-s", f"forward:address={listener.address},tag={{stream}}.{{event}}", run)
        records = listener.records()
    assert said.count("more than 255 tags") == 1 and len(records["cpu.exit"]) > 250
    assert sum(len(records[tag]) for tag in records) == int(run_merge("-s", "null", run).split("null: ")[1].split()[0])


@needs_sink
def test_too_many_kinds_of_events():
    run = many_kinds("e{}", "f{1}", STREAMS)
    said = run_merge("-s", "parquet", "-o", new_folder() / "out", run, code=1)
    assert "too many kinds of events or fields for tables: merge fewer streams at once" in said
    run_merge("-s", "jsonl", run)
