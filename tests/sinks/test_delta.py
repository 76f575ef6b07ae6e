# SPDX-License-Identifier: BSD-2-Clause
"""collector-merge --compact LAKE:delta: the log, as deltalake, Polars and DuckDB read it."""
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from harness import made_run, new_folder, stage
from lakes import NEXT, NOON, add, copied, names
from tables import needs_sink, run_merge

LIBRARY = Path("/usr/local/lib/collector-tests")
ENV = {**os.environ, "PYTHONPATH": f"{LIBRARY}/delta:{LIBRARY}/python",
       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}

# For each table of the lake, what each engine finds against the files of a plain lake: {table: {engine: differences}}
READ = """
import glob, json, os, sys
import deltalake, duckdb, duckdb_ext, polars
lake, plain = sys.argv[1:3]
db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
folder = os.path.join(list(duckdb_ext.__path__)[0], "extensions")
db.execute("LOAD '%s'" % glob.glob(folder + "/**/delta.duckdb_extension", recursive=True)[0])
db.execute("SET TimeZone = 'UTC'")
found = {}
for table in sorted(name for name in os.listdir(lake) if not name.startswith(".")):
    there = f"FROM read_parquet('{plain}/{table}/date=*/*.parquet', union_by_name = true)"
    path = os.path.join(os.path.abspath(lake), table)
    log = deltalake.DeltaTable(path)
    db.register("by_deltalake", log.to_pyarrow_table())
    db.register("by_polars", polars.scan_delta(path).collect().to_arrow())
    cells = ", ".join('CAST("%s" AS VARCHAR)' % row[0] for row in db.execute(f"DESCRIBE {there}").fetchall())
    found[table] = {}
    for engine, source in ("duckdb", f"delta_scan('{path}')"), ("deltalake", "by_deltalake"), ("polars", "by_polars"):
        a, b = f"(SELECT {cells} {there})", f"(SELECT {cells} FROM {source})"
        count = db.execute(f"SELECT count(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a}))").fetchone()
        found[table][engine] = count[0]
    rows = db.execute(f"SELECT count(*) {there}").fetchone()[0]
    assert rows == sum(log.get_add_actions(flatten=True).column("num_records").to_pylist()), table
print(json.dumps(found))
"""

pytestmark = [needs_sink, pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import deltalake, duckdb_ext, polars, pyarrow"], env=ENV, capture_output=True,
                   check=False).returncode != 0, reason="no deltalake: tests/setup peers")]


def compact(lake, code=0):
    done = subprocess.run([stage() / "collector-merge", "--compact", lake], capture_output=True, check=False, timeout=100)
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode()


def differences(lake, plain):
    """Engines and tables whose rows are not those of the plain lake."""
    done = subprocess.run([sys.executable, "-c", READ, lake, plain], env=ENV, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])  # a reader may write of its own before it, on a busy machine
    assert found and all(len(by) == 3 for by in found.values())
    return {table: by for table, by in found.items() if any(by.values())}


@pytest.fixture(name="made", scope="module")
def a_made_lake():
    """Two days of runs that have ended, and the present day."""
    lake = new_folder() / "lake"
    for i in range(3):
        add(lake, f"run {i}%", NOON + i // 2 * 86400 + i)
    run_merge("-s", "parquet:partition=true", "-o", lake, made_run(200)[0])
    return lake


def commits(lake, table):
    return sorted((lake / table / "_delta_log").iterdir())


def make_old(lake):
    """Two hours pass for the files that were removed from the log."""
    for commit in lake.glob("*/_delta_log/*.json"):
        lines = [json.loads(line) for line in commit.read_text().splitlines()]
        for line in lines:
            if "remove" in line:
                line["remove"]["deletionTimestamp"] -= 7200000
        commit.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))


def test_engines_read_the_same(made):
    lake = copied(made)
    assert "days of tables compacted" in compact(f"{lake}:delta")
    assert not differences(lake, made)
    assert len(commits(lake, "odd_thing")) == 1 and not (lake / ".compact").exists()
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*")}
    assert compact(f"{lake}:delta") == "" == compact(lake)
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*") if path != lake} == {
        path: when for path, when in before.items() if path != lake}


def test_late_runs_and_old_files(made):
    lake, plain = copied(made, "odd_thing", "runs"), copied(made, "odd_thing", "runs")
    compact(f"{lake}:delta")
    more = new_folder() / "lake"
    add(more, "late")
    add(more, "later", NOON + 86400)
    for file in [*more.glob("odd_thing/*/*"), *more.glob("runs/*/*")]:
        for folder in lake, plain:
            shutil.copy(file, folder / file.relative_to(more))
    assert not {path.name for path in commits(lake, "odd_thing")} - {"0" * 20 + ".json"}
    compact(lake)
    assert not differences(lake, plain) and len(commits(lake, "runs")) == 2
    assert len(names(lake, "runs")) == 5, "all are kept for a while"
    make_old(lake)
    compact(lake)
    day, next_day = names(lake, "runs"), names(lake, "runs", NEXT)
    assert len(day) == len(next_day) == 1 and day[0].startswith("compacted-") and not differences(lake, plain)


def test_a_lake_that_was_compacted_before(made):
    lake = copied(made, "odd_thing", "runs")
    compact(lake)
    compact(f"{lake}:delta")
    assert not differences(lake, copied(made, "odd_thing", "runs"))


KILLS = [("linkat", 6), ("renameat2", 3), ("fsync", 7), ("unlinkat", 6), ("unlinkat", 9)]
if os.environ.get("SLOW_PEERS"):
    KILLS += [("mkdirat", 3), ("linkat", 2), ("linkat", 5), ("renameat2", 2), ("fsync", 3)]
    KILLS += [("unlinkat", n) for n in (3, 4, 5, 7, 8)]


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace: tests/setup test")
@pytest.mark.parametrize("call, when", KILLS)
def test_killed_at_any_call(made, call, when):
    lake, plain = copied(made, "odd_thing", "runs"), copied(made, "odd_thing", "runs")
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                           f"inject={call}:signal=KILL:when={when}", stage() / "collector-merge", "--compact",
                           f"{lake}:delta"], capture_output=True, check=False, env=ENV)
    assert done.returncode == -signal.SIGKILL
    compact(f"{lake}:delta")
    for table in "odd_thing", "runs":
        assert len(names(lake, table)) == 3 and len(commits(lake, table)) == 1
    assert not differences(lake, plain) and not (lake / ".compact").exists()


def test_the_log_of_another_program(made):
    lake = copied(made, "odd_thing", "runs")
    compact(f"{lake}:delta")
    (lake / "runs/_delta_log" / f"{1:020}.json").write_text('{"txn":{"appId":"x","version":1}}\n')
    for table in "odd_thing", "runs":
        shutil.copy(lake / table / NEXT / names(lake, table, NEXT)[0], lake / table / NEXT / "more.host.parquet")
    said = compact(lake, code=1)
    assert f"runs: left as it is: _delta_log/{1:020}.json: was written, or removed, by another program" in said
    assert len(commits(lake, "odd_thing")) == 2 == len(commits(lake, "runs"))


def test_globs_are_refused(made):
    lake = copied(made, "runs")
    compact(f"{lake}:delta")
    done = subprocess.run([stage() / "collector-query", lake, "SELECT 1"], capture_output=True, check=False)
    assert done.returncode == 2 and b"is a lake of Delta tables" in done.stderr
