# SPDX-License-Identifier: BSD-2-Clause
"""Every cell of every table, by PyArrow, Polars and DuckDB's package, types included, held against JSONL; and the three
lines of Python in README. With ENGINES=spark by Spark, ENGINES=trino by Trino: `make check-peers`."""
import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import SRC, made_run, merge, new_folder, stage
from tables import RENAMED, as_json, as_list, as_text, microseconds, needs_sink, odd_run, run_merge, scripted_run
from trino_peer import why_not_trino

LIBRARY = Path("/usr/local/lib/collector-tests")
ENGINES = os.environ.get("ENGINES", "pyarrow polars duckdb").split()
INTEGERS = {"pid", "ppid", "ns_pid", "tid", "cpu", "exec", "task", "depth", "exit_code", "signal", "trigger_pid", "sender_pid", "by_pid", "cause_pid", "parent"}
# both sides of the hour that comes twice in Berlin: 2026-10-25 00:30 UTC and an hour later
CLOCKS_BACK = 1792888200
BIG = 3000000000
# exits 0 over a program that failed, and was idle, and fails with one that was killed for its memory
SLEEPER = """fork 0 10 1 sh
exec 10 10 sh x
fork 20 11 10 sh
exec 20 11 sleep 5
exit 5020 11 1
cpu_exit 5020 11 1
exit 5100 10 0
fork 30 12 1 sh
exec 30 12 eat all
oom 90 12 15
exit 100 12 -9
"""

pytestmark = needs_sink


def environment(engine):
    folder = LIBRARY / ("spark" if engine.startswith("spark") else "python")
    return {**os.environ, "PYTHONPATH": str(folder)}


def why_not(engine):
    module = "pyspark" if engine == "spark" else engine
    found = subprocess.run([sys.executable, "-c", f"import {module}"], env=environment(engine), capture_output=True, check=False)
    return found.returncode and f"no {module}: tests/setup peers{' spark' if engine == 'spark' else ''}"


@pytest.fixture(name="engine", params=[engine for engine in ENGINES if engine != "trino"], scope="module")
def an_engine(request):
    why = why_not(request.param)
    if why:
        pytest.skip(why)
    return request.param


def read(engine, *files):
    done = subprocess.run([sys.executable, SRC / "tests/sinks/engines_read.py", engine, *files], env=environment(engine),
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(name="folder", scope="module")
def a_folder():
    """Tables of odd runs: by hosts of digits, around the end of summer time, of large uids."""
    before = ["unshare", "--uts", "sh", "-c", 'hostname 007 && exec "$@"', "sh"] if not os.geteuid() else []
    runs = [odd_run("2026", seconds=CLOCKS_BACK, before=before),
            scripted_run(f"uid 0 1 {BIG}\nfork 0 10 1 sh\nexec 100 10 sh x\nexit 300 10 3\ncpu_exit 400 10 7\n")]
    folder = new_folder() / "tables"
    run_merge("-s", "parquet", "-o", folder, *runs)
    return folder, runs


def expected_value(name, value, missing):
    """A value of JSONL as a table has it, numbers as numbers."""
    note = None
    if name == "time":
        value = microseconds(value)
    elif name in ("env", "stderr", "map") and value is not None:
        value, note = expected_map(value)
    elif isinstance(value, list):
        value, is_escaped = as_list(value)
        note = "escaped" if is_escaped else None
    elif isinstance(value, dict):
        value, is_escaped = as_text(value)
        note = "escaped" if is_escaped else None
    elif isinstance(value, int) and not isinstance(value, bool) and value > 2**63 - 1:
        value, note = 2**63 - 1, "saturated"
    if note:
        missing[name] = ",".join(filter(None, [missing.get(name), note]))
    return value


def expected_map(value):
    """As JSON. Names that are no UTF-8 are "base64:..." in JSONL."""
    import base64
    from tables import escaped
    raw = {}
    for key, item in value.items():
        key = base64.b64decode(key[7:]) if key.startswith("base64:") else key.encode()
        raw[key] = base64.b64decode(item["base64"]) if isinstance(item, dict) else item.encode()
    texts = [text for pair in raw.items() for text in pair]
    try:
        for text in texts:
            text.decode()
        return as_json({key.decode(): item.decode() for key, item in raw.items()}), None
    except UnicodeDecodeError:
        return as_json({escaped(key): escaped(item) for key, item in raw.items()}), "escaped"


def expected_rows(runs):
    """{table: [row as a dict]}, typed."""
    names = {"2026": "odd"}
    found = {}
    for event in merge(*runs):
        event = dict(event)
        table = f"{event.pop('stream')}_{event.pop('event')}"
        # the odd probe has a field of that name, too
        missing = dict(pair.split("=") for pair in (event.pop("missing", None) or "").split(",") if "=" in pair)
        row = {}
        for name, value in event.items():
            row[RENAMED.get(name, name)] = expected_value(name, value, missing)
        row["pipeline"] = names.get(event["run"], "made")
        missing = {RENAMED.get(name, name): why for name, why in missing.items()}
        found.setdefault(table, []).append((row, missing))
    return found


def test_every_cell_of_every_event(engine, folder):
    folder, runs = folder
    expected = expected_rows(runs)
    files = [folder / f"{table}.parquet" for table in expected]
    for file, got in zip(files, read(engine, *files)):
        columns = list(got["types"])
        rows = [dict(zip(columns, row)) for row in got["rows"]]
        assert len(rows) == len(expected[file.stem])
        for row, (wanted, missing) in zip(rows, expected[file.stem]):
            # a field that is called like a column of all events has its type as a suffix
            fields = {re.sub("_(bigint|int|text)$", "", name) if file.stem == "odd_thing" else name: value
                      for name, value in row.items() if name not in ("missing", "cpu")}
            wanted = {name: value for name, value in wanted.items() if name not in ("missing", "cpu")}
            for name, value in wanted.items():
                assert fields[name] == value and type(fields[name]) is type(value), (file.stem, name)
            assert json.loads(row["missing"] or "{}").items() >= {
                name: why for name, why in missing.items() if name in row and name != "missing"}.items(), file.stem
            assert isinstance(row["cpu"], int) or row["cpu"] is None


def test_values_at_the_edges(engine, folder):
    folder, _ = folder
    odd, images, execs = read(engine, *(folder / f"{name}.parquet" for name in ("odd_thing", "images", "lifecycle_exec")))
    rows = [dict(zip(odd["types"], row)) for row in odd["rows"]]
    assert rows[4]["big"] == 2**63 - 1 and rows[4]["small"] == 2**32 - 1 and rows[4]["number"] == -2**31
    assert (rows[3]["map"], rows[4]["map"], rows[3]["list"]) == ("{}", None, None), "empty is not null"
    assert rows[1]["text"] == "a\\\\b\\xfe\n\033[31m"
    assert {row["run"] for row in rows} == {"2026"} and {row["host"] for row in rows} == {"007" if not os.geteuid() else os.uname().nodename}
    assert rows[3]["time"] - rows[0]["time"] >= 3600 * 10**6 and abs(rows[0]["time"] - CLOCKS_BACK * 10**6) < 60 * 10**6
    for found in images, execs:
        row, = [dict(zip(found["types"], row)) for row in found["rows"]]
        assert row["uid"] == BIG
    row, = [dict(zip(images["types"], row)) for row in images["rows"]]
    assert (row["exit_code"], row["status"], row["outcome"], row["cpu_ns"]) == (3, "exit 3", "failed", 7000000)


def test_the_same_cells_by_all(engine, folder):
    """The model's tables, of which JSONL knows nothing: as the first engine reads them."""
    folder, _ = folder
    run, _ = made_run(2000)
    other = new_folder() / "tables"
    run_merge("-s", "parquet", "-o", other, run)
    files = [top / f"{table}.parquet" for top in (folder, other)
             for table in ("images", "processes", "steps", "hidden_failures", "runs", "verdicts")]
    if why_not("pyarrow"):
        pytest.skip("nothing to compare with")
    assert read(engine, *files) == read("pyarrow", *files)


def test_types(engine, folder):
    """One thing has one type in every table, and it is one of seven."""
    folder, _ = folder
    types = {}
    for file, got in zip(sorted(folder.glob("*.parquet")), read(engine, *sorted(folder.glob("*.parquet")))):
        for name, type_ in got["types"].items():
            # of an event it is what its record has, on the boot clock
            name = f"event's {name}" if name == "since" and "_" in file.stem else name
            assert types.setdefault(name, type_) == type_, (file.stem, name)
    assert {name for name, type_ in types.items() if type_ == "int"} - {"number", "cpu_int"} == INTEGERS & set(types)
    assert {name for name, type_ in types.items() if type_ == "time"} == {"time", "began", "ended", "since"}
    assert {name for name, type_ in types.items() if type_ == "list"} == {"args", "tried", "list"}
    assert types["uid"] == types["gid"] == types["start"] == types["cpu_ns"] == "bigint"
    assert types["missing"] == types["env"] == "text"


def runs_with_all():
    """Of which each named query has something to say."""
    return made_run(2000)[0], odd_run(), scripted_run(SLEEPER, name="sleeper")


def ask(engine, *files, cwd=None, python=None):
    queries = sorted((SRC / "conf/queries").glob("*.sql"))
    done = subprocess.run([sys.executable, SRC / "tests/sinks/engines_read.py", f"{engine}-sql", *files, *queries], cwd=cwd,
                          env=python or environment(engine), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return queries, done.stdout


@pytest.mark.parametrize("engine", [pytest.param(engine, marks=pytest.mark.peer(f"{engine} queries")) for engine in ("polars", "datafusion")])
def test_named_queries(engine):
    """One file for all engines: each answers as DuckDB does, in the same order."""
    if why_not(engine):
        pytest.skip(why_not(engine))
    folder = new_folder() / "tables"
    run_merge("-s", "parquet", "-o", folder, *runs_with_all())
    compare_answers(folder, *ask(engine, *folder.glob("*.parquet")), lambda ours, theirs: rounded(ours, theirs) == rounded(theirs, theirs))


def lake_of_all():
    folder = new_folder()
    for run in runs_with_all():
        run_merge("-s", "parquet:partition=true", "-o", folder / "lake", run)
    return folder


@pytest.mark.peer("spark queries")
@pytest.mark.skipif("spark" not in ENGINES, reason="in make check-peers only")
def test_named_queries_by_spark():
    """By the views of conf/spark over a lake."""
    if why_not("spark"):
        pytest.skip(why_not("spark"))
    folder = lake_of_all()
    compare_answers(folder / "lake", *ask("spark", SRC / "conf/spark/lake.sql", cwd=folder),
                    lambda ours, theirs: rounded(ours, theirs) == rounded(theirs, theirs))


def rounded(row, names):
    """Polars divides 95 by 100 to 0.9500000000000001."""
    return {name: round(row[name], 9) if isinstance(row[name], float) else row[name] for name in names}


def compare_answers(folder, queries, answers, are_equal):
    """Rows of an engine with those of collector-query, by value and in order."""
    for query, line in zip(queries, answers.splitlines(), strict=True):
        ours = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--queries", query.parent, "-F", "jsonl", folder,
                               query.stem], capture_output=True, check=True).stdout.splitlines()
        theirs = json.loads(line)
        assert len(ours) == len(theirs) > 0, query.stem
        for row, other in zip(map(json.loads, ours), theirs):
            assert are_equal(row, other), (query.stem, row, other)
    assert b"limit 16.0 MiB, usage 16.0 MiB" in answers


def in_whole_seconds(row):
    return {name: re.sub(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?Z?$", r"\1 \2", value) if isinstance(value, str) else value
            for name, value in row.items()}


@pytest.mark.peer("clickhouse queries")
@pytest.mark.skipif("SLOW_PEERS" not in os.environ, reason="the engine is large: make check-peers")
def test_named_queries_by_clickhouse():
    """By the views of conf/clickhouse over a lake."""
    if not (LIBRARY / "chdb").exists():
        pytest.skip("no chdb-core: tests/setup chdb")
    folder = lake_of_all()
    answers = ask("clickhouse", SRC / "conf/clickhouse/lake.sql", cwd=folder, python={**os.environ, "PYTHONPATH": str(LIBRARY / "chdb")})
    compare_answers(folder / "lake", *answers, lambda ours, theirs: in_whole_seconds(ours) == theirs)


def in_milliseconds(row):
    """CAST(... AS TIMESTAMP) rounds to them in Trino."""
    def rounded_time(value):
        found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)\.?(\d*)Z?", value) if isinstance(value, str) else None
        if not found:
            return value
        seconds = datetime.datetime.fromisoformat(f"{found.group(1)}T{found.group(2)}+00:00").timestamp()
        return int(seconds) * 1000 + (int(found.group(3).ljust(6, "0")) + 500) // 1000
    return {name: rounded_time(value) for name, value in rounded(row, row).items()}


@pytest.mark.peer("trino queries")
@pytest.mark.skipif("trino" not in ENGINES and "SLOW_PEERS" not in os.environ, reason="in make check-peers only")
def test_named_queries_by_trino():
    """By the tables of conf/trino over a lake."""
    if why_not_trino():
        pytest.skip(why_not_trino())
    folder = lake_of_all()
    answers = ask("trino", SRC / "conf/trino/lake.sql", cwd=folder, python={**os.environ, "PYTHONPATH": str(SRC / "tests")})
    compare_answers(folder / "lake", *answers, lambda ours, theirs: in_milliseconds(ours) == in_milliseconds(theirs))


def test_tables_for_trino(engine, folder):
    """conf/trino names each column as the sink writes it, those of Spark's views and no other tables."""
    words = {"integer": "int", "bigint": "bigint", "timestamp(6)": "time", "varchar": "text", "boolean": "bool", "array(varchar)": "list",
             "date": "folder"}
    text = (SRC / "conf/trino/lake.sql").read_text()
    tables = dict(re.findall(r"^CREATE TABLE IF NOT EXISTS lake\.(\w+) \((.*?)^\) WITH", text, re.M | re.S))
    assert list(tables) == re.findall(r" VIEW (\w+) ", (SRC / "conf/spark/lake.sql").read_text())
    assert re.findall(r"'local:///lake/(\w+)'", text) == re.findall(r"'lake', '(\w+)'", text) == list(tables)
    for columns, found in zip(tables.values(), read(engine, *(folder[0] / f"{table}.parquet" for table in tables))):
        declared = [column.split() for column in columns.split(",")]
        assert [(name, words[type_]) for name, type_ in declared] == [*found["types"].items(), ("date", "folder")]


def test_three_lines_of_python():
    """README's, as they stand there."""
    text = (SRC / "README.md").read_text()
    block, = re.findall(r"```python\n(.*?)```", text, re.S)
    if any(why_not(engine) for engine in ("duckdb", "polars", "pyarrow", "pandas")):
        pytest.skip("no pandas, polars or duckdb: tests/setup peers")
    run, made = made_run(2000)
    folder = new_folder()
    run_merge("-s", "parquet", "-o", folder / "tables", run)
    done = subprocess.run([sys.executable, "-c", block], cwd=folder, env=environment("pandas"), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    figures = [int(word) for word in re.findall(r"\d+", done.stdout.decode())]
    assert figures.count(made["cpu_ns"]) == 3, done.stdout.decode()
