# SPDX-License-Identifier: BSD-2-Clause
"""The shape of the tables: footers, order, and the columns that are known only at the end of a run."""
import itertools
import json
import shutil
import subprocess

import pytest
from harness import BUILD, SRC, made_run, merge, new_folder, stage
from tables import needs_reader, needs_sink, read_parquet, run_merge, scripted_run

pytestmark = [needs_sink, needs_reader]

# of DuckDB, Spark in ANSI mode, Trino and ClickHouse
RESERVED = set("""all alter analyse analyze and any array as asc asymmetric authorization both case cast check collate column
constraint create cross cube current_date current_time current_timestamp current_user deallocate default deferrable delete desc
describe distinct do drop else end escape except execute exists extract false fetch filter for foreign format from full function
grant group grouping having in initially inner insert intersect into is join json_array json_exists json_object json_query
json_table json_value lambda lateral leading left like limit listagg localtime localtimestamp natural normalize not null offset on
only or order outer overlaps pivot placing prepare primary qualify recursive references returning right rollup select
session_user show skip some sql summarize symmetric table then to trailing trim true uescape union unique unknown unnest unpivot
user using values variadic when where window with count""".split())
RESERVED -= {"user"}  # of the table runs, whose names are a contract: DuckDB takes it, others may want it in quotes
TYPES = {("BOOLEAN", None), ("INT32", "INT_32"), ("INT64", "INT_64"), ("INT64", None), ("BYTE_ARRAY", "UTF8"), (None, "LIST")}
FAMILY = """fork 0 10 1 sh
exec 100 10 sh pipeline.sh
fork 1000 11 10 sh
exec 1500 11 env tool
mem 1600 11 90
cpu 1900 11 300
exec 2000 11 tool $x
fork 2100 12 11 tool
exec 2200 12 sh x.sh
fork 2300 13 12 sh
exec 2300 13 false
fork 2400 14 10 sh
exec 2400 14 sleep 9
mem_exit 3000 13 2
exit 3000 13 3
cpu_exit 3010 13 10
mem_exit 3100 12 3
exit 3100 12 3
cpu_exit 3110 12 20
mem_exit 4000 11 5
exit 4000 11 0
cpu_exit 4010 11 1800
mem_exit 5000 10 3
exit 5000 10 0
cpu_exit 5010 10 200
"""


def tables(run):
    folder = new_folder() / "tables"
    run_merge("-s", "parquet", "-o", folder, run)
    return folder


@pytest.fixture(name="made", scope="module")
def a_made_run():
    run, told = made_run(2000)
    return run, tables(run), told


def rows(file):
    return read_parquet(file)["rows"]


def test_every_footer(made):
    files = sorted(made[1].glob("*.parquet"))
    assert len(files) > 15
    for file, read in zip(files, read_parquet(*files)):
        assert read["notes"]["schema"] == "3", file.name
        assert set(read["codecs"]) <= {"ZSTD" if len(read["rows"]) >= 128 else "SNAPPY"}, file.name
        assert not RESERVED & {name.lower() for name in read["columns"] if name != "element"}, file.name
        for name, (physical, converted, logical, unit, _, utc) in read["columns"].items():
            if logical == "TIMESTAMP":
                assert (physical, unit, utc) == ("INT64", "MICROS", True), (file.name, name)
            else:
                assert (physical, converted) in TYPES, (file.name, name, physical, converted)
        assert list(read["columns"])[:3] == ["run", "host", "pipeline"] and list(read["columns"])[-1] == "missing"


def test_order(made):
    for table in "images", "processes", "steps":
        keys = [(row["pipeline"], row["step"] is None, row["step"] or "", int(row["began_ns"])) for row in rows(made[1] / f"{table}.parquet")]
        assert len({key[2] for key in keys}) > 2 and keys == sorted(keys), table


def test_tree(made):
    """By the forks of JSONL: an independent walk."""
    run, folder, _ = made
    children, known = {}, {}
    for fork in merge(run, options=["-e", "fork"]):
        key = fork["start"], fork["pid"]
        known[key] = None
        children.setdefault((fork["parent_start"], fork["ppid"]), []).append(key)
    expected, count = {}, itertools.count(1)
    below = {child for of, list_ in children.items() if of in known for child in list_}
    stack = sorted(known.keys() - below, reverse=True)
    while stack:
        key = stack.pop()
        expected[key] = (next(count), len(children.get(key, [])))
        stack += sorted(children.get(key, []), reverse=True)
    for table in "images", "processes":
        found = {(int(row["start"]), row["pid"]): (int(row["tree_order"]), int(row["children"])) for row in rows(folder / f"{table}.parquet")}
        assert found == expected, table


def test_programs_and_processes():
    folder = tables(scripted_run(FAMILY))
    images = rows(folder / "images.parquet")
    by_pid = {}
    for row in sorted(images, key=lambda row: row["exec"]):
        by_pid.setdefault(row["pid"], []).append(row)
    assert [row["status"] for row in by_pid[11]] == ["replaced by tool", "exit 0"]
    assert [row["command"] for row in by_pid[11]] == ["env tool", "tool '$x'"]
    assert [int(row["children"]) for row in by_pid[11]] == [1, 1] and by_pid[10][0]["children"] == "2"
    assert [(pid, found[0]["tree_order"], found[0]["depth"]) for pid, found in sorted(by_pid.items())] == [
        (10, "1", 0), (11, "2", 1), (12, "3", 2), (13, "4", 3), (14, "5", 1)]
    # 13 fails, 12 passes that on, 11 exits 0: its command hides 13's failure, and 12 is no failure of its own
    assert by_pid[13][0]["hidden_by"] == "tool '$x'" and by_pid[12][0]["propagated"]
    assert [pid for pid, found in by_pid.items() if any(row["hidden_by"] for row in found)] == [13]
    assert by_pid[14][0]["status"] == "running" and by_pid[13][0]["status"] == "exit 3"

    processes = {row["pid"]: row for row in rows(folder / "processes.parquet")}
    assert sorted(processes) == [10, 11, 12, 13, 14]
    one, many = processes[13], processes[11]
    same = set(by_pid[13][0]) & set(one)
    assert len(same) > 40 and all(by_pid[13][0][name] == one[name] for name in same), "a process of one program is that program"
    assert (many["programs"], many["exec"], many["command"], many["status"]) == ("2", 2, "tool '$x'", "exit 0")
    assert int(many["cpu_ns"]) == sum(int(row["cpu_ns"]) for row in by_pid[11]) == 1800 * 10**6
    assert int(many["peak_rss_bytes"]) == 90 << 20, "the greatest of its programs', not the last one's"
    assert "peak_rss_bytes" in json.loads(many["missing"]), "which a sample saw: it is a lower bound"
    assert (many["began_ns"], int(many["wall_ns"])) == (by_pid[11][0]["began_ns"], 3000 * 10**6)
    assert many["ended"] == by_pid[11][1]["ended"]


def test_runs():
    run, = rows(tables(scripted_run(FAMILY + "lost 6000 cpu 7\n")) / "runs.parquet")
    assert (run["state"], run["exit_code"], run["result"]) == ("ended", 0, "success")
    assert [int(run[name]) for name in ("processes", "failed", "hidden", "lost", "wall_ns")] == [5, 1, 1, 7, 5010 * 10**6]
    killed = FAMILY.replace("exit 5000 10 0", "exit 5000 10 -15")
    run, = rows(tables(scripted_run(killed)) / "runs.parquet")
    assert (run["exit_code"], run["result"]) == (None, "cancellation")
    alive = "".join(line + "\n" for line in FAMILY.splitlines() if "5000 10" not in line and "5010 10" not in line)
    run, = rows(tables(scripted_run(alive)) / "runs.parquet")
    assert run["result"] is None and json.loads(run["missing"])["exit_code"] == "running"


# ---- what was written before ----

def ask(*args):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--queries", SRC / "conf/queries", "-F", "jsonl", *args],
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


# A lake as 0.1 wrote it, with run= and host= folders, nanoseconds, unsigned numbers and maps; host 007, uid 3000000000
OLD = SRC / "tests/sinks/old/lake"
needs_query = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")


@needs_query
def test_tables_of_0_1():
    found = ask(OLD, "SELECT * FROM images ORDER BY tree_order, began_ns")
    assert [(row["run"], row["host"], row["pid"], row["status"], row["children"]) for row in found] == [
        ("old-run", "007", 10, "exit 0", 1), ("old-run", "007", 11, "replaced by tool", 0), ("old-run", "007", 11, "exit 3", 0)]
    assert [row["hidden_by"] for row in found] == [None, None, "sh pipeline.sh"]
    assert found[1]["missing"]["peak_rss_bytes"] == "replaced" and found[0]["uid"] == 3000000000
    process = ask(OLD, "SELECT * FROM processes WHERE pid = 11")[0]
    assert (process["programs"], process["cpu_ns"], process["wall_ns"]) == (2, 1800 * 10**6, 3000 * 10**6)
    assert process["peak_rss_bytes"] == 90 << 20
    assert ask(OLD, "lost")[0]["events"] == 3
    assert {row["data_type"] for row in ask(OLD, "SELECT DISTINCT column_type AS data_type FROM (DESCRIBE images)")} == {
        "VARCHAR", "JSON", "VARCHAR[]", "BIGINT", "INTEGER", "BOOLEAN", "TIMESTAMP WITH TIME ZONE"}


@needs_query
@pytest.mark.parametrize("name", [path.stem for path in sorted((SRC / "conf/queries").glob("*.sql"))])
def test_named_queries_of_0_1_and_now(name):
    """Old and new together, and both as they are alone."""
    new = new_folder() / "lake"
    run_merge("-s", "parquet:partition=true", "-o", new, scripted_run(FAMILY))
    together = ask(OLD, new, name)
    assert len(together) <= len(ask(OLD, name)) + len(ask(new, name))
    assert len(together) >= max(len(ask(OLD, name)), len(ask(new, name)))


def test_a_lake_of_0_1_gets_no_new_files():
    lake = new_folder() / "lake"
    shutil.copytree(OLD, lake)
    subprocess.run(["chmod", "-R", "u+w", lake], check=True)  # where the sources are read-only
    before = sorted(lake.rglob("*"))
    said = run_merge("-s", "parquet:partition=true,overwrite=true", "-o", lake, scripted_run(FAMILY), code=2)
    assert "is a lake of collector 0.1; use another folder" in said
    assert sorted(lake.rglob("*")) == before


@needs_query
def test_old_and_new_compared():
    done = subprocess.run([stage() / "collector-diff", "--plugin-dir", stage(), "-F", "jsonl", "--all", OLD, scripted_run(FAMILY)],
                          capture_output=True, check=True)
    row, = [row for row in map(json.loads, done.stdout.splitlines()) if row["kind"] == "run"]
    assert (row["failed_a"], row["failed_b"], row["cpu_a_ns"], row["cpu_b_ns"]) == (1, 1, 2000 * 10**6, 2030 * 10**6)


@needs_query
def test_every_layout(made):
    run, files, told = made
    database, lake = new_folder() / "run.duckdb", new_folder() / "lake"
    run_merge("-s", "duckdb", "-o", database, run)
    run_merge("-s", "parquet:partition=true", "-o", lake, run)
    sql = "SELECT count(*) AS n, sum(cpu_ns)::BIGINT AS cpu, count(DISTINCT (pid, start)) AS processes FROM images"
    wanted = [{"n": told["processes"], "cpu": told["cpu_ns"], "processes": told["processes"]}]
    for sources in (files,), (database,), (lake,), (files, database, lake, run), (lake, OLD, files):
        found = ask(*sources, sql if OLD not in sources else f"{sql} WHERE run <> 'old-run'")
        assert found == wanted, sources


@needs_query
def test_a_run_and_its_copy_count_once(made):
    """A copy, a folder of tables, and a lake that has other runs too."""
    run, files, _ = made
    lake, copy = new_folder() / "lake", new_folder() / "copy"
    subprocess.run(["cp", "-r", run, copy], check=True)
    run_merge("-s", "parquet:partition=true", "-o", lake, run)
    run_merge("-s", "parquet:partition=true", "-o", lake, scripted_run(FAMILY, name="other"))
    sql = "SELECT run, count(*) AS n FROM cpu_exit GROUP BY run ORDER BY n DESC"
    once = ask(run, sql) + [row for row in ask(lake, sql) if row["run"] != run.name]
    assert len(once) == len(ask(lake, sql))
    for sources in (lake, copy), (copy, lake), (files, lake, copy, run):
        assert ask(*sources, sql) == once, sources
