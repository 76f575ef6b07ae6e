# SPDX-License-Identifier: BSD-2-Clause
"""Records that contradict their stream's header: each is left out and counted, and every sink gives all the rest."""
import io
import json
import shutil
import subprocess
from collections import Counter

import msgpack
import pytest
from harness import BUILD, made_run, merge, new_folder, rewrite_stream, stage
from test_duckdb import File

TEXT = ["jsonl", "msgpack", "summary", "report", "perfetto", "trace", "advise", "null"]
TABLES = ["parquet", "duckdb"]


def change(path, name, wrong, every=7):
    """Makes every so-manieth record of an event wrong: their sequence numbers."""
    seen, changed = 0, set()

    def record(item, event):
        nonlocal seen
        if not event or event["name"] != name:
            return
        seen += 1
        if seen % every == 3:
            changed.add(item[2])
            wrong(item, [field["name"] for field in event["fields"]])

    rewrite_stream(path, record=record)
    assert changed
    return changed


def retype(item, fields):
    item[8 + fields.index("comm")] = 5


def shorten(item, fields):
    del item[8 + len(fields) - 1:]


def unknown_kind(item, _):
    item[0] = 70


@pytest.fixture(name="broken", scope="module")
def broken_run():
    """A copy of a made-up run, and what of it was made wrong: (stream, sequence number)."""
    folder = new_folder() / "run"
    shutil.copytree(made_run(300)[0], folder)
    wrong = {("lifecycle", seq) for seq in change(folder / "lifecycle.msgpack", "fork", retype)}
    wrong |= {("cpu", seq) for seq in change(folder / "cpu.msgpack", "sample", shorten)}
    wrong |= {("mem", seq) for seq in change(folder / "mem.msgpack", "sample", unknown_kind)}
    return folder, wrong


def test_rewriting_alone_changes_nothing():
    folder = new_folder()
    for path in made_run(300)[0].glob("*.msgpack"):
        shutil.copy(path, folder)
        rewrite_stream(folder / path.name)
    assert merge(folder) == merge(made_run(300)[0])


def test_all_else_is_there(broken):
    folder, wrong = broken
    events = merge(folder)
    lost = [e for e in events if e["event"] == "lost"]
    whole = merge(made_run(300)[0])
    assert [e for e in events if e not in lost] == [e for e in whole if (e["stream"], e["seq"]) not in wrong]
    counts = Counter()
    for e in lost:
        counts[e["stream_lost"], e["event_lost"], e["cause"]] += e["count"]
    of = Counter(stream for stream, _ in wrong)
    assert counts == {("lifecycle", "fork", "damage"): of["lifecycle"], ("cpu", "sample", "damage"): of["cpu"],
                      ("mem", "", "damage"): of["mem"]}


@pytest.mark.parametrize("sink", TEXT)
def test_every_sink(broken, sink):
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--sink", sink, "--strict", broken[0]],
                          capture_output=True, check=False)
    said = done.stderr.decode()
    assert done.returncode == 3, said
    assert said.count("contradict the header, the first at byte ") == 3
    if sink == "msgpack":
        assert len(list(msgpack.Unpacker(io.BytesIO(done.stdout), raw=True))) == len(merge(broken[0]))
    if sink == "summary":
        assert f"cpu.sample: {sum(s == 'cpu' for s, _ in broken[1])} records lost" in done.stdout.decode()


@pytest.mark.skipif(not (BUILD / "sinks/parquet.so").exists(), reason="built without DuckDB: tests/setup duckdb")
@pytest.mark.parametrize("sink", TABLES)
def test_tables(broken, sink):
    folder, wrong = broken
    out = new_folder() / f"run.{sink}"
    merge(folder, sink=sink, options=["-o", out])
    counts = "SELECT (SELECT count(*) FROM lifecycle_fork) AS forks, (SELECT count(*) FROM cpu_sample) AS cpu"
    if sink == "duckdb":
        file = File(out)
        row, = file.ask(counts)
        file.close()
    else:
        done = subprocess.run([stage() / "collector-query", "-F", "json", out, counts], capture_output=True, check=True)
        row, = json.loads(done.stdout)
    whole = merge(made_run(300)[0])
    assert row["forks"] == sum(e["event"] == "fork" for e in whole) - sum(s == "lifecycle" for s, _ in wrong)
    samples = sum(e["stream"] == "cpu" and e["event"] == "sample" for e in whole)
    assert row["cpu"] == samples - sum(s == "cpu" for s, _ in wrong)
