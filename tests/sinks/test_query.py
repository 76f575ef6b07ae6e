# SPDX-License-Identifier: BSD-2-Clause
"""collector-query: named queries and SQL over runs and lakes, in every format, and what goes wrong."""
import collections
import csv
import io
import json
import os
import pty
import re
import shlex
import shutil
import subprocess

import pytest
from harness import BUILD, NOBODY, SRC, made_run, merge, new_folder, stage
from tables import needs_reader, odd_run, read_parquet, run_merge

pytestmark = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
NAMED = {"commands", "cpu", "memory", "failed", "hidden-failures", "tree", "steps", "jobs", "slowest", "idle", "io", "lost"}


def line_of(*args):
    return [stage() / "collector-query", "--plugin-dir", stage(), "--queries", SRC / "conf/queries", *args]


def ask(*args, code=0, **popen):
    done = subprocess.run(line_of(*args), capture_output=True, check=False, timeout=100, **popen)
    assert done.returncode == code, done.stderr.decode()
    return done


def rows(*args):
    return [json.loads(line) for line in ask("-F", "jsonl", *args).stdout.splitlines()]


@pytest.fixture(name="made", scope="module")
def a_made_run():
    run, made = made_run(10000)
    copy = new_folder() / "run"
    shutil.copytree(run, copy)
    return copy, made


# ---- named queries ----

def test_list():
    listed = dict(line.split(None, 1) for line in ask("--list").stdout.decode().splitlines())
    assert NAMED <= set(listed)
    assert all(len(help) > 20 and help.endswith((".", "?")) for name, help in listed.items() if name in NAMED)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_named_queries_run(name, made):
    table = ask(made[0], name).stdout.decode().splitlines()
    assert len(table) > 1 and (name != "lost" or "(no rows)" in table[1])
    assert rows(odd_run(), name) is not None, "a run without processes"


# The sanitizers' report of leaks cannot be had below strace.
TRACED = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace: tests/setup test")
def test_binding_opens_one_file_of_a_lake():
    """If all have the same columns, as those of one version have: else each bind, of which a query has five, opens all."""
    lake, trace = new_folder() / "lake", new_folder() / "trace"
    for name in "run-1", "run-2", "run-3":
        run_merge("-s", "parquet:partition=true", "-o", lake, odd_run(name))
    done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=openat", *line_of(lake, "SELECT count(*) FROM odd_thing")],
                          env=TRACED, capture_output=True, check=True)
    times = collections.Counter(re.findall(r"/odd_thing/date=\S+/(run-\d)", trace.read_text()))
    assert times["run-2"] == times["run-3"] <= 3, (times, done.stderr)
    run_merge("-s", "parquet:partition=true", "-o", lake, odd_run("run-4", 2))
    assert rows(lake, "SELECT run, count(more) AS more FROM odd_thing GROUP BY run ORDER BY run") == [
        {"run": f"run-{i}", "more": 4 * (i == 4)} for i in (1, 2, 3, 4)]


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace: tests/setup test")
def test_files_of_other_tables_stay_closed():
    """Of a lake of many runs they would take most of the time. What may look at all tables, or finds none, has all."""
    lake, trace = new_folder() / "lake", new_folder() / "trace"
    run_merge("-s", "parquet:partition=true", "-o", lake, odd_run())

    def opened(*words):
        done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=openat", *line_of(lake, *words)], env=TRACED,
                              capture_output=True, check=False)
        return set(re.findall(r"/(\w+)/date=", trace.read_text())), done
    everything = {path.name for path in lake.iterdir()}
    for words, tables in [(["SELECT pid FROM Steps WHERE pid >= $1 -- images", "0"], {"steps"}), (["steps"], {"steps", "images"}),
                          (["WITH a AS (FROM main.processes) SELECT pid FROM a"], {"processes"})]:
        found, done = opened(*words)
        assert (found, done.returncode) == (tables, 0), done.stderr
    for words in "SHOW TABLES", "SELECT r.run FROM runs AS r, duckdb_columns() LIMIT 1", "SELECT 1", "FROM samples LIMIT 0":
        assert opened(words)[0] == everything
    found, done = opened("SELECT run FROM imags")
    assert found == everything and b'Did you mean "images"' in done.stderr


def test_cpu_is_all_of_it(made):
    run, told = made
    found = rows(run, "cpu", "1000000")
    assert sum(row["cpu_ns"] for row in found) == told["cpu_ns"]
    assert sum(row["programs"] for row in found) == told["processes"]
    # a run that is there twice counts once
    twice = new_folder() / "twice"
    run_merge("-s", "parquet", "-o", twice, run)
    assert sum(row["cpu_ns"] for row in rows(run, twice, "cpu", "1000000")) == told["cpu_ns"]


def test_commands_are_taken_together(made):
    by_args = {}
    for event in merge(made[0], options=["-e", "exec"]):
        by_args[tuple(event["args"])] = by_args.get(tuple(event["args"]), 0) + 1
    assert {tuple(shlex.split(row["command"])): row["programs"] for row in rows(made[0], "commands", "1000000")} == by_args


def test_failed_and_hidden(made):
    run, told = made
    ends = {(e["pid"], e["start"]): e for e in merge(run, options=["-e", "lifecycle.exit"])}
    bad = {key for key, e in ends.items() if e["exit_code"] or e["signal"]}
    failed = [row for row in rows(run, "failed", "100000") if row["pid"] != 1000]
    assert len(failed) == told["failed"] + told["killed"] + told["oom"] and {row["pid"] for row in failed} <= {p for p, _ in bad}
    # of a pipe's members those whose shell ended with 0 all the same
    hidden = [e for key, e in ends.items() if key in bad and (e["ppid"], e["parent_start"]) not in bad]
    assert sorted(row["pid"] for row in rows(run, "hidden-failures")) == sorted(e["pid"] for e in hidden if 1000 not in (e["pid"], e["ppid"]))


def test_steps_and_memory(made):
    run, told = made
    assert sum(row["tasks"] for row in rows(run, "steps")) == told["jobs"]
    peaks = sorted((e["peak_rss_bytes"] for e in merge(run, options=["-e", "mem.exit"])), reverse=True)
    assert [row["peak_rss_bytes"] for row in rows(run, "memory", "7")] == peaks[:7]


def test_tree(made):
    commands = [row["command"] for row in rows(made[0], "tree", "100")]
    assert len(commands) == 100 and commands[0].startswith("snakemake") and commands[1].startswith("  bash -c")
    assert sum(command.startswith("    ") for command in commands) > 20


def test_lost():
    row, = rows(odd_run(), "lost")
    assert (row["stream"], row["event"], row["events"], row["cause"]) == ("odd", "thing", 17, "ring_full")


def test_own_queries_go_first(made):
    home = new_folder()
    (home / "collector/queries").mkdir(parents=True)
    (home / "collector/queries/mine.sql").write_text("-- Mine.\n-- $1 = 2: how many\nSELECT pid FROM processes LIMIT $1::INT;\n")
    env = {**os.environ, "XDG_CONFIG_HOME": str(home)}
    assert "mine             Mine." in ask("--list", env=env).stdout.decode()
    assert len(ask(made[0], "mine", env=env).stdout.splitlines()) == 3
    assert len(ask(made[0], "mine", "5", env=env).stdout.splitlines()) == 6
    assert b"takes 1 parameters" in ask(made[0], "mine", "5", "6", env=env, code=2).stderr


# ---- SQL ----

def test_tables_are_listed(made):
    table = {row["table"]: row for row in rows(made[0])}
    assert table["processes"]["rows"] == made[1]["processes"]
    assert "peak_rss_bytes" in table["mem_exit"]["columns"].split()


@needs_reader
def test_formats_say_the_same(made):
    sql = "SELECT pid, start, comm, args, cpu_ns, ended, missing FROM processes ORDER BY start, pid -- the end"
    expected = json.loads(ask("--format", "json", made[0], sql).stdout)
    assert len(expected) == made[1]["processes"] and expected == rows(made[0], sql)
    read = list(csv.DictReader(io.StringIO(ask("--format", "csv", made[0], sql).stdout.decode())))
    assert [(row["pid"], row["comm"]) for row in read] == [(str(row["pid"]), row["comm"]) for row in expected]
    folder = new_folder()
    ask("-o", folder / "x.parquet", made[0], sql)
    read = read_parquet(folder / "x.parquet")["rows"]
    assert [(row["pid"], int(row["cpu_ns"]), row["args"]) for row in read] == [
        (row["pid"], row["cpu_ns"], row["args"]) for row in expected]
    assert list(folder.iterdir()) == [folder / "x.parquet"]
    ask("-o", folder / "x.csv", made[0], sql)
    assert (folder / "x.csv").read_bytes() == ask("--format", "csv", made[0], sql).stdout


def test_csv_of_ugly_text():
    text = ask("-F", "csv", odd_run(), "SELECT text, comm, big, '' AS empty FROM odd_thing ORDER BY ts").stdout.decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read[3] == ["\033]0;title\a,\"quoted\"\r\n'; DROP TABLE x; --", "'\"\\", "0", ""]
    assert text.splitlines()[-2:] == [',"",,""', '"","",9223372036854775807,""']


def test_people_see_units(made):
    table = ask(made[0], "SELECT 1500000000::UBIGINT AS cpu_ns, 3 << 20 AS peak_rss_bytes, NULL AS x, 12 AS n, 'a' AS t").stdout
    assert table.decode().splitlines() == ["cpu_ns  peak_rss_bytes  x   n  t", " 1.5 s         3.0 MiB  -  12  a"]


def test_nothing_steers_a_terminal():
    """What a watched program was called must not reach the terminal as it is."""
    run = odd_run()
    for form in "table", "csv", "jsonl":
        ours, its = pty.openpty()
        line = line_of("-F", form, run, "SELECT text, comm, chr(155) AS c1, chr(8238) AS bidi FROM odd_thing")
        done = subprocess.run(line, stdout=its, stderr=subprocess.PIPE, check=True, env={**os.environ, "NO_COLOR": "1"})
        os.close(its)
        seen = b""
        try:
            while chunk := os.read(ours, 65536):
                seen += chunk
        except OSError:
            pass
        os.close(ours)
        assert b"DROP TABLE" in seen and done.stderr.count(b"17 events") == 1
        text = seen.decode()
        assert not set(text) & {"\033", "\a", "\x9b", "\u202e"}, form


def test_wrong_sql(made):
    for sql, what in (("SELEC 1", "Parser Error"), ("SELECT nosuch FROM processes", 'column "nosuch" not found'),
                      ("FROM nosuch", "Table with name nosuch does not exist"), ("SELECT 'x'::INT", "Conversion Error"),
                      ("CREATE TABLE x (i INT)", "returns no rows"), ("SELECT $1", "takes 1 parameters")):
        done = ask(made[0], sql, code=2)
        assert what in done.stderr.decode() and not done.stdout


def test_wrong_usage(made):
    assert b"did you mean" in ask(made[0], "slowes", code=2).stderr
    assert b"no run is given" in ask(code=2).stderr
    assert b"nosuch/run: No such file" in ask("nosuch/run", "failed", code=2).stderr
    assert b"holds neither" in ask(new_folder(), "failed", code=2).stderr
    assert b"is a file" in ask(made[0] / "cpu.msgpack", "failed", code=2).stderr
    assert b"needs a name" in ask("-F", "parquet", made[0], "failed", code=2).stderr
    assert b'unknown format "xml": choose from table, csv' in ask("-F", "xml", made[0], "failed", code=2).stderr
    assert b"nosuch" in ask("--steps", "nosuch", odd_run(), "failed", code=2).stderr
    rules = new_folder() / "rules.yaml"
    rules.write_text("steps:\n- args: x\n  stp: y\n")
    said = ask("--steps", rules, odd_run(), "failed", code=2).stderr.decode()
    assert f"error: {rules}:3:3: steps[0].stp: unknown key" in said and "parquet" not in said


def test_a_query_from_a_file(made):
    file = new_folder() / "q.sql"
    file.write_text("SELECT $1 AS given FROM range(2);\n")
    assert rows("--file", file, made[0], "hello") == [{"given": "hello"}] * 2


# ---- what is asked ----

def stamp(run):
    return (run / ".tables").stat().st_ino


def test_tables_are_made_once():
    run = odd_run()
    ask(run, "failed")
    first = stamp(run)
    ask(run, "slowest")
    assert stamp(run) == first
    os.utime(run / "odd.msgpack", ns=(1, 1))
    ask(run, "failed")
    assert stamp(run) != first
    second = stamp(run)
    ask("--steps", "none", run, "failed")
    assert stamp(run) != second
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == [".tables"]


def test_a_run_that_cannot_be_written_to():
    run, tmp = odd_run(), new_folder(0o777)
    run.chmod(0o755)
    for stream in run.iterdir():
        stream.chmod(0o644)
    ids = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if not os.geteuid() else {}
    if not ids:
        run.chmod(0o555)
    done = ask("-F", "jsonl", run, "SELECT count(*) AS n FROM odd_thing", env={**os.environ, "TMPDIR": str(tmp)}, **ids)
    assert json.loads(done.stdout) == {"n": 5}
    assert list(tmp.iterdir()) == [] and not (run / ".tables").exists()


def test_what_is_missing_is_said_each_time(made):
    cut = new_folder() / "cut"
    cut.mkdir()
    for stream in made[0].glob("*.msgpack"):
        data = stream.read_bytes()
        (cut / stream.name).write_bytes(data[:len(data) // 2] if stream.stem == "mem" else data)
    for _ in range(2):
        done = ask("-F", "csv", cut, "SELECT count(*) FROM mem_exit")
        assert b"mem.msgpack: the stream has no end" in done.stderr
        assert int(done.stdout.split()[1]) == len(
            [e for e in merge(cut, options=["-e", "mem.exit"]) if e["event"] == "exit"]) > 0
    assert ask("-q", cut, "failed").stderr == b""


def test_runs_and_lakes_together(made):
    lake, old, new = new_folder() / "lake", odd_run("run-1", 1), odd_run("run-2", 2)
    run_merge("-s", "parquet:partition=true", "-o", lake, new)
    link = new_folder() / "latest"
    link.symlink_to(old)
    found = rows(old, link, lake, made[0], "SELECT run, count(*) AS n, count(more) AS more, any_value(host) AS host FROM odd_thing "
                                           "GROUP BY run ORDER BY run")
    host = os.uname().nodename
    assert found == [{"run": "run-1", "n": 5, "more": 0, "host": host}, {"run": "run-2", "n": 5, "more": 4, "host": host}]


def test_a_folder_of_runs(made):
    """All of its runs are one set of tables; one that cannot be read is left out, with a warning; a link counts nothing."""
    folder = new_folder() / "runs"
    for name, (run, _) in ("one", made), ("two", made_run(500)):
        shutil.copytree(run, folder / name)
    (folder / "latest").symlink_to("two")
    (folder / "notes").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken/cpu.msgpack").write_bytes(b"x" * 1000)
    sql = "SELECT (SELECT count(*) FROM processes) AS processes, count(*) AS runs, count(DISTINCT marker) AS markers FROM runs"
    done = ask("-F", "json", folder, sql)
    assert json.loads(done.stdout) == [{"processes": made[1]["processes"] + made_run(500)[1]["processes"], "runs": 2, "markers": 2}]
    assert b"broken" in done.stderr and b"it is left out" in done.stderr
    assert (folder / "one/.tables").exists() and not (folder / "broken/.tables").exists()
    assert b"holds neither" in ask(folder / "notes", sql, code=2).stderr
    assert b"none of its runs" in ask(only(folder / "broken"), sql, code=2).stderr


def only(run):
    """A folder with this run alone."""
    folder = new_folder() / "runs"
    shutil.copytree(run, folder / run.name)
    return folder


def test_schema(made):
    """Every column of every table, in a run's files and in a DuckDB file, with its unit; the types are those of DESCRIBE."""
    database = new_folder() / "x.duckdb"
    run_merge("-s", "duckdb", "-o", database, made[0])
    found = rows("--schema", made[0])
    assert found == rows("--schema", database)
    tables = {row["table"] for row in rows(made[0])}
    assert {row["table"] for row in found} == tables >= {"images", "samples", "runs", "lifecycle_exit"}
    for table in tables:
        first, *columns = [row for row in found if row["table"] == table]
        assert first["column"] is None and first["description"]
        described = rows(made[0], f"SELECT column_name, column_type FROM (DESCRIBE {table})")
        assert [(row["column"], row["type"]) for row in columns] == [(row["column_name"], row["column_type"]) for row in described]
        assert all(row["description"] for row in columns)
        for unit in "ns", "bytes":
            assert all(row["unit"] == unit for row in columns if row["column"].endswith(f"_{unit}"))
    assert b"no query" in ask("--schema", made[0], "failed", code=2).stderr
    assert ask("--schema", made[0]).stdout.startswith(b"table ")


def test_core_hours_and_samples(made):
    run, told = made
    row, = rows(run, "SELECT cpu_ns, core_hours, tags->>'team' AS team FROM runs")
    assert row["cpu_ns"] == told["cpu_ns"] and row["core_hours"] == pytest.approx(told["cpu_ns"] / 3.6e12)
    for step in rows(run, "SELECT cpu_ns, core_hours FROM steps WHERE cpu_ns > 0"):
        assert step["core_hours"] == pytest.approx(step["cpu_ns"] / 3.6e12)
    found = rows(run, "SELECT * EXCLUDE (time) FROM samples")
    events = merge(run, options=["-e", "cpu.sample", "-e", "mem.sample"])
    assert sorted((s["ts"], s["pid"], s["cpu_ns"], s["rss_bytes"]) for s in found if s["kind"] == "cpu") == sorted(
        (e["ts"], e["pid"], e["cpu_ns"], None) for e in events if e["event"] == "sample" and "cpu_ns" in e)
    assert len(found) == len(events) > 100
    programs = {(i["pid"], i["start"], i["exec"]): i for i in rows(run, "SELECT * EXCLUDE (began, ended) FROM images")}
    for s in found:
        program = programs[s["pid"], s["start"], s["exec"]]
        assert (s["step"], s["command"]) == (program["step"], program["command"]) and program["began_ns"] <= s["ts"]
        assert s["cores"] is None or s["cores"] == pytest.approx(s["used_ns"] / s["span_ns"])


def test_json_columns_take_names(made):
    """Of a run, of a lake and of both, and by what was written for text."""
    lake, other = new_folder() / "lake", made_run(500)[0]
    run_merge("-s", "parquet", "-o", lake, other)
    sql = ("SELECT missing['{0}'] AS json, missing->>'{0}' AS text, json_extract_string(missing, '{0}') AS extracted, "
           "missing LIKE '%\"{0}\"%' AS is_there, missing, typeof(missing) AS type FROM images")
    for sources in ((made[0],), (lake,), (made[0], lake)):
        name, = [row["name"] for row in rows(*sources, "SELECT max(json_keys(missing)[1]) AS name FROM images")]
        found = rows(*sources, sql.format(name))
        assert {row["type"] for row in found} == {"JSON"} and any(row["json"] for row in found)
        for row in found:
            assert row["json"] == row["text"] == row["extracted"] == (row["missing"] or {}).get(name)
            assert bool(row["is_there"]) == bool(row["text"])
    first, = rows(made[0], "SELECT typeof(env) AS env, env['NOWHERE'] AS nothing FROM lifecycle_exec LIMIT 1")
    assert first == {"env": "JSON", "nothing": None}
    assert rows(made[0], "SELECT typeof(tags) AS type FROM runs") == [{"type": "JSON"}]


def test_names_in_a_lake_stay_text():
    lake = new_folder() / "lake"
    for name in "20261122", "007":
        run_merge("-s", "parquet:partition=true", "-o", lake, odd_run(name))
    assert rows(lake, "SELECT DISTINCT run FROM odd_thing ORDER BY run") == [{"run": "007"}, {"run": "20261122"}]


def test_collector_query_is_the_same(made):
    done = subprocess.run([stage() / "collector", "query", "--plugin-dir", stage(), made[0], "SELECT 42 AS n"],
                          capture_output=True, check=True)
    assert done.stdout.split() == [b"n", b"42"]


def test_a_fifo_without_a_writer_does_not_hang():
    fifo = new_folder() / "fifo"
    os.mkfifo(fifo)
    done = subprocess.run([stage() / "collector-query", fifo, "SELECT 1"], capture_output=True, check=False, timeout=60)
    assert done.returncode == 2 and b"is a file" in done.stderr


def test_a_build_without_it_says_so():
    alone = new_folder() / "collector"
    shutil.copy(stage() / "collector", alone)
    installed = subprocess.run(["strings", "-a", alone], capture_output=True, text=True, check=True).stdout
    if any(os.path.exists(line.replace("%s", "query")) for line in installed.splitlines() if line.endswith("/collector-%s")):
        pytest.skip("collector-query is installed where this build looks")
    done = subprocess.run([alone, "query", "runs/latest"], capture_output=True, check=False)
    assert done.returncode == 2 and b"--with-duckdb" in done.stderr and b"collector-merge" in done.stderr


def test_columns_have_their_old_names_in_queries_of_0_1(made):
    """As scripts have them; a string, a longer name and what is unknown in both are left alone."""
    run, _ = made
    now = rows(run, "SELECT pid FROM processes WHERE NOT propagated AND NOT preexisting ORDER BY pid, start")
    done = ask("-F", "jsonl", run, "SELECT p.pid FROM processes p WHERE NOT p.passed_on AND NOT older ORDER BY pid, start")
    assert now and [json.loads(line) for line in done.stdout.splitlines()] == now
    assert b"the column passed_on is called propagated since 0.2" in done.stderr and b"older is called preexisting" in done.stderr
    text = rows(run, "SELECT 'passed_on' AS a, 1 AS my_passed_on FROM processes WHERE NOT passed_on LIMIT 1")
    assert text == [{"a": "passed_on", "my_passed_on": 1}]
    assert b"passed_by" in ask(run, "SELECT passed_by FROM processes", code=2).stderr
