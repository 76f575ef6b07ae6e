# SPDX-License-Identifier: BSD-2-Clause
"""collector-merge --compact: the same rows in a few files, whatever happens meanwhile."""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from harness import NOBODY, SRC, made_run, new_folder, stage, wait_for
from lakes import DAY, NEXT, NOON, add, copied, names
from tables import needs_reader, needs_sink, odd_run, read_parquet, run_merge

pytestmark = [needs_sink, pytest.mark.skipif(not shutil.which("strace"), reason="no strace: tests/setup test")]

PYTHON = Path("/usr/local/lib/collector-tests/python")
TWO_HOURS = 7200
ENV = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}  # it cannot be traced


def program(name):
    return stage() / f"collector-{name}"


def compact(lake, code=0, before=(), **popen):
    done = subprocess.run([*before, program("merge"), "--compact", lake], capture_output=True, check=False, timeout=600, env=ENV,
                          **popen)
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode()


def by_python(code, *args, timeout=100):
    return subprocess.run([sys.executable, "-c", code, *args], env={**os.environ, "PYTHONPATH": str(PYTHON)},
                          capture_output=True, check=False, timeout=timeout)


def ask(lake, sql, *parameters):
    done = subprocess.run([program("query"), "-F", "jsonl", lake, sql, *parameters], capture_output=True, check=False,
                          timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(name="made", scope="module")
def a_made_lake():
    """Two days with runs that have ended, and the present day."""
    lake = new_folder() / "lake"
    for i in range(4):
        add(lake, f"run-{i}", NOON + i // 3 * 86400 + i)
    run_merge("-s", "parquet:partition=true", "-o", lake, made_run(500)[0])
    return lake


@pytest.fixture(name="lake")
def a_lake(made):
    return copied(made)


def tables_of(lake):
    return sorted(path.name for path in lake.iterdir() if not path.name.startswith("."))


def rows(lake):
    """Of each table and day, the number of rows and a sum of their hashes."""
    sql = " UNION ALL ".join(f"SELECT '{table}' AS t, date, count(*) AS n, sum(hash(t)) AS h FROM \"{table}\" AS t GROUP BY date"
                             for table in tables_of(lake))
    return sorted((row["t"], row["date"], row["n"], row["h"]) for row in ask(lake, sql))


def files(lake):
    return {path.relative_to(lake).as_posix(): path.stat().st_ino for path in lake.glob("*/date=*/*")}


def old_folders(lake):
    return list((lake / ".compact").glob("day-*"))


def make_old(lake):
    """Two hours pass for the folders that were replaced."""
    for mark in (lake / ".compact").glob("*/mark"):
        then = mark.stat().st_mtime - TWO_HOURS
        os.utime(mark, (then, then))


# ---- rows ----

def test_the_rows_are_the_same(made, lake):
    assert "days of tables compacted" in compact(lake)
    for table in tables_of(lake):
        there, here = (f"(SELECT * EXCLUDE (date) FROM read_parquet('{folder}/{table}/date=*/*.parquet', union_by_name = true))"
                       for folder in (made, lake))
        assert ask(lake, f"SELECT count(*) AS n FROM (({there} EXCEPT ALL {here}) UNION ALL ({here} EXCEPT ALL {there}))") == [
            {"n": 0}], table
    assert rows(lake) == rows(made)
    day, = names(lake, "odd_thing")
    assert day.startswith("compacted-")
    assert names(lake, "odd_thing", NEXT) == ["run-3." + os.uname().nodename + ".parquet"], "one file alone stays"
    today = {name for name in files(lake) if "date=2026-03" not in name}
    assert today and {name: inode for name, inode in files(lake).items() if name in today}.keys() <= files(made).keys()
    assert not list(lake.glob("*/**/.*")), "nothing hidden in the folders of tables"


@needs_reader
def test_types_and_notes_stay(made, lake):
    compact(lake)
    for table in "odd_thing", "images", "odd_never", "runs":
        before, = sorted((made / table / DAY).glob("run-0*"))
        after, = (lake / table / DAY).iterdir()
        before, after = read_parquet(before, after)
        assert before["columns"] == after["columns"] and list(before["columns"]) == list(after["columns"])
        assert before["notes"] == after["notes"] and after["notes"]["schema"]
    assert after["codecs"] == ["ZSTD"]


def test_rows_are_sorted(lake):
    add(lake, "run-9", NOON - 3600)
    compact(lake)
    file, = (lake / "odd_thing" / DAY).iterdir()
    got = ask(lake, f"SELECT run, seq FROM read_parquet('{file}')")
    assert [(row["run"], row["seq"]) for row in got] == sorted((row["run"], row["seq"]) for row in got)
    file, = (lake / "images" / DAY).iterdir()
    got = ask(lake, f"SELECT step, began FROM read_parquet('{file}')")
    assert [row["began"] for row in got] == sorted(row["began"] for row in got)


def test_each_named_query_answers_the_same(made, lake):
    compact(lake)
    asked = 0
    for file in sorted((SRC / "conf/queries").glob("*.sql")):
        sql = file.read_text()
        if "-- $1" in sql and "-- $1 =" not in sql:
            continue
        for folder in made, lake:
            done = subprocess.run([program("query"), "--queries", file.parent, "-F", "csv", folder, file.stem], capture_output=True, check=False)
            assert done.returncode == 0, done.stderr
            before, said = (said if folder == lake else None), done.stdout
        assert before == said, file.stem
        asked += 1
    assert asked > 5


def test_again_changes_nothing(lake):
    compact(lake)
    before, kept = files(lake), {path.name for path in old_folders(lake)}
    assert compact(lake) == ""
    assert files(lake) == before and {path.name for path in old_folders(lake)} == kept, "kept for a while"
    make_old(lake)
    compact(lake)
    assert files(lake) == before and not (lake / ".compact").exists()


def test_by_an_ordinary_user(made):
    if os.geteuid():
        pytest.skip("needs root")
    lake = copied(made, "odd_thing", "runs")
    for path in [lake, *lake.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    before = rows(lake)
    compact(lake, user=NOBODY, group=NOBODY, extra_groups=[])
    assert rows(lake) == before and len(names(lake, "odd_thing")) == 1
    assert all(path.stat().st_uid == NOBODY for path in lake.rglob("*"))


def test_files_that_others_may_not_read(made):
    """Those of root, merged by an account that cannot read them."""
    lake = copied(made, "odd_thing")
    for path in lake.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    before = rows(lake)
    compact(lake)
    file, = (lake / "odd_thing" / DAY).iterdir()
    assert rows(lake) == before and file.stat().st_mode & 0o777 == 0o600
    assert all(path.stat().st_mode & 0o77 == 0 for path in lake.glob("odd_thing/**/*"))


def test_what_is_kept_is_not_read(made):
    """For root, collector-query copies what its account cannot read; that it cannot enter .compact is no reason."""
    lake = copied(made, "runs")
    compact(lake)
    assert old_folders(lake)
    trace = new_folder() / "trace"
    done = subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=copy_file_range,openat", program("query"), lake, "FROM runs"],
                          capture_output=True, check=False, env=ENV)
    assert done.returncode == 0, done.stderr
    assert "openat" in trace.read_text() and "copy_file_range" not in trace.read_text()


# ---- killed ----

def killed(lake, call, when):
    """Whether it got so far: kills collector-merge at its call number `when`."""
    done = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                           f"inject={call}:signal=KILL:when={when}", program("merge"), "--compact", lake], capture_output=True, check=False, timeout=100, env=ENV)
    return done.returncode == -signal.SIGKILL


CALLS = {"renameat2": range(1, 6), "mkdirat": (1, 4, 6, 9), "linkat": (1, 4), "unlinkat": (1, 3, 4, 9),
         "fsync": (1, 2, 4, 6, 7), "utimensat": (1,), "fchmod": (1, 3)}


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_any_call(made, call):
    few = copied(made, "odd_thing", "runs")
    before, died = rows(few), 0
    for when in CALLS[call]:
        lake = copied(few)
        died += killed(lake, call, when)
        assert rows(lake) == before, when
        compact(lake)
        assert rows(lake) == before and len(names(lake, "odd_thing")) == len(names(lake, "runs")) == 1, when
        make_old(lake)
        compact(lake)
        assert not (lake / ".compact").exists(), when
    assert died


def test_killed_while_old_files_are_removed(made):
    lake = copied(made, "odd_thing")
    before = rows(lake)
    for when in 1, 2, 3:
        compact(lake)
        make_old(lake)
        killed(lake, "unlinkat", when)
        add(lake, f"more-{when}")
        shutil.rmtree(lake / "runs")
    assert rows(lake) != before and compact(lake)
    assert len(ask(lake, "SELECT DISTINCT run FROM odd_thing")) == 7 and len(names(lake, "odd_thing")) == 1


# ---- readers and writers beside it ----

READER = """
import sys
engine, lake = sys.argv[1:]
if engine == "duckdb":
    import duckdb
    def read():
        return duckdb.sql(f"SELECT count(*) FROM read_parquet('{lake}/odd_thing/date=*/*.parquet')").fetchone()[0]
elif engine == "polars":
    import polars
    def read():
        return polars.scan_parquet(f"{lake}/odd_thing/**/*.parquet").select(polars.len()).collect().item()
else:
    import pyarrow.dataset
    def read():
        return pyarrow.dataset.dataset(f"{lake}/odd_thing", format="parquet", partitioning="hive").count_rows()
print("ready", flush=True)
while True:
    try:
        print(read(), flush=True)
    except Exception as error:
        print("cannot", type(error).__name__, str(error)[:200].replace("\\n", " "), flush=True)
"""


def counted(engine, lake):
    """What a reader counts, again and again, while the lake is compacted once. Each time in a lake of its own: in one that is put
    back, a reader that has found some names before may find these again, and not the others."""
    env = {**os.environ, "PYTHONPATH": str(PYTHON)}
    with subprocess.Popen([sys.executable, "-c", READER, engine, lake], env=env, stdout=subprocess.PIPE, text=True) as reader:
        said = []
        listener = threading.Thread(target=lambda: said.extend(line.strip() for line in reader.stdout))
        listener.start()
        wait_for(lambda: len(said) > 2, "the reader reads")
        compact(lake)
        count = len(said)
        wait_for(lambda: len(said) > count + 5, "it reads on")
        reader.kill()
        listener.join()
    return [int(line) for line in said if line.isdigit()]


@pytest.mark.parametrize("engine", ["duckdb", "pyarrow", "polars"])
def test_a_reader_never_counts_wrong(made, engine):
    if by_python(f"import {engine}").returncode:
        pytest.skip(f"no {engine}: tests/setup peers")
    for _ in range(4):
        lake = copied(made, "odd_thing")
        right = sum(n for _, _, n, _ in rows(lake))
        got = counted(engine, lake)
        assert len(got) > 5 and set(got) == {right}


def test_a_run_that_comes_late(made):
    lake = copied(made)
    compact(lake)
    add(lake, "late")
    assert len(names(lake, "odd_thing")) == 2
    before = rows(lake)
    compact(lake)
    assert rows(lake) == before and len(names(lake, "odd_thing")) == 1
    assert {row["run"] for row in ask(lake, f"SELECT run FROM odd_thing WHERE date = DATE '{DAY[5:]}'")} == {
        "run-0", "run-1", "run-2", "late"}


def held(lake, call, when, *line):
    """A process that waits for 4 s at that call."""
    return subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                             f"inject={call}:delay_enter=4000000:when={when}", *line, lake], stderr=subprocess.PIPE, env=ENV)


def test_a_run_that_comes_between_listing_and_exchange(made):
    lake, other = copied(made, "odd_thing"), copied(made, "odd_thing")
    add(other, "between")
    with held(lake, "renameat2", 3, program("merge"), "--compact") as process:
        wait_for(lambda: list(lake.glob(".compact/day-*/day/compacted-*")), "it is about to exchange the folders")
        late, = (other / "odd_thing" / DAY).glob("between*")
        shutil.copy(late, other / "x")
        os.rename(other / "x", lake / "odd_thing" / DAY / late.name)
        assert process.wait() == 0, process.stderr.read()
    assert sorted(name.split("-")[0].split(".")[0] for name in names(lake, "odd_thing")) == ["between", "compacted"]
    compact(lake)
    assert len(names(lake, "odd_thing")) == 1 and len(ask(lake, "SELECT DISTINCT run FROM odd_thing")) == 5


def test_a_writer_that_holds_the_old_folder(made):
    lake, other = copied(made, "odd_thing"), copied(made, "odd_thing")
    add(other, "late")
    late, = (other / "odd_thing" / DAY).glob("late*")
    folder = os.open(lake / "odd_thing" / DAY, os.O_RDONLY)
    compact(lake)
    os.rename(late, late.name, dst_dir_fd=folder)
    os.close(folder)
    assert late.name not in names(lake, "odd_thing")
    make_old(lake)
    compact(lake)
    assert len(names(lake, "odd_thing")) == 1 and len(ask(lake, "SELECT DISTINCT run FROM odd_thing")) == 5
    make_old(lake)
    compact(lake)
    assert not (lake / ".compact").exists()


def test_a_writer_that_holds_the_old_folder_of_a_day_that_was_removed(made):
    lake, other = copied(made, "odd_thing"), copied(made, "odd_thing")
    add(other, "late")
    late, = (other / "odd_thing" / DAY).glob("late*")
    (lake / "odd_thing" / DAY).chmod(0o750)
    folder = os.open(lake / "odd_thing" / DAY, os.O_RDONLY)
    compact(lake)
    shutil.rmtree(lake / "odd_thing" / DAY)
    os.rename(late, late.name, dst_dir_fd=folder)
    os.close(folder)
    compact(lake)
    assert names(lake, "odd_thing") == [late.name] and (lake / "odd_thing" / DAY).stat().st_mode & 0o777 == 0o750
    make_old(lake)
    compact(lake)
    assert not (lake / ".compact").exists() and names(lake, "odd_thing") == [late.name]


def test_a_day_that_was_removed(made):
    lake = copied(made, "odd_thing")
    compact(lake)
    shutil.rmtree(lake / "odd_thing" / DAY)
    compact(lake)
    assert not (lake / "odd_thing" / DAY).exists()
    make_old(lake)
    compact(lake)
    assert not (lake / ".compact").exists() and not (lake / "odd_thing" / DAY).exists()


def test_a_merge_whose_folder_is_exchanged(made):
    """It opens the day's folder, and its file comes there when that is another one."""
    lake = copied(made, "odd_thing")
    run = odd_run("slow", seconds=NOON)
    line = [program("merge"), "--plugin-dir", stage(), run, "-s", "parquet:partition=true", "-o"]
    with held(lake, "renameat2", 1, *line) as process:
        wait_for(lambda: list(lake.glob(".making-*/output/odd_thing/date=*")), "its files are made")
        while process.poll() is None:
            compact(lake)
        assert process.returncode == 0, process.stderr.read()
    compact(lake)
    assert {row["run"] for row in ask(lake, "SELECT run FROM odd_thing")} == {"run-0", "run-1", "run-2", "run-3", "slow"}
    assert {row["run"] for row in ask(lake, "SELECT run FROM runs")} == {"slow"}


def test_a_run_that_comes_again(made):
    lake = copied(made)
    compact(lake)
    before = rows(lake)
    for options in "", ",overwrite=true":
        said = run_merge("-s", f"parquet:partition=true{options}", "-o", lake, odd_run("run-1", seconds=NOON), code=1)
        assert "the lake has the run run-1 of" in said and rows(lake) == before
    host = os.uname().nodename
    shutil.copy(made / "odd_thing" / DAY / f"run-1.{host}.parquet", lake / "odd_thing" / DAY)
    assert f"the run run-1 of {host} is in a compacted file" in compact(lake)
    assert rows(lake) == before


NEWER = """
import sys, duckdb
old, new = sys.argv[1:]
notes = ", ".join("'%s': '%s'" % (key.decode(), value.decode().replace("'", "''")) for key, value in
                  duckdb.execute(f"SELECT key, value FROM parquet_kv_metadata('{old}')").fetchall())
duckdb.execute(f"COPY (SELECT *, 7 AS newer FROM read_parquet('{old}', hive_partitioning = false)) TO '{new}' "
               f"(KV_METADATA {{{notes}}})")
"""


def link_files(file, name, count):
    """As many files, as if each were of a run."""
    for i in range(count):
        os.link(file, file.with_name(f"{name}-{i}.host.parquet"))


def test_a_day_of_many_files(made):
    """They are read in batches. One file, in the last batch, is of a newer version that has one column more."""
    lake, host = copied(made, "odd_thing"), os.uname().nodename
    day = lake / "odd_thing" / DAY
    link_files(day / f"run-0.{host}.parquet", "copy", 600)
    if by_python(NEWER, day / f"run-0.{host}.parquet", day / "zebra.host.parquet").returncode:
        pytest.skip("no duckdb: tests/setup peers")
    count = "SELECT count(newer) AS newer, count(*) AS n, sum(hash(t)) AS h FROM (SELECT * EXCLUDE newer, newer FROM odd_thing) t"
    before = ask(lake, count)
    compact(lake)
    file, = day.iterdir()
    assert ask(lake, count) == before and before[0]["n"] / 605 == before[0]["newer"] > 0
    assert [row["name"] for row in ask(lake, f"SELECT name FROM parquet_schema('{file}')")][-2:] == ["newer", "missing"]
    add(lake, "late")
    for table in set(tables_of(lake)) - {"odd_thing"}:
        shutil.rmtree(lake / table)
    before = rows(lake)
    shutil.copy(made / "odd_thing" / DAY / f"run-1.{host}.parquet", day)
    link_files(day / f"run-1.{host}.parquet", "again", 300)
    assert f"the run run-1 of {host} is in a compacted file" in compact(lake)
    assert rows(lake) == before and len(names(lake, "odd_thing")) == 1


def test_each_small_file_is_read_once(made):
    """What it says of its columns is asked of one file of each form: opening costs more than the rows. DuckDB opens a file twice
    to read it: for its footer, and for its rows."""
    lake, host, trace = copied(made, "odd_thing"), os.uname().nodename, new_folder() / "trace"
    day = lake / "odd_thing" / DAY
    link_files(day / f"run-1.{host}.parquet", "copy", 300)
    compact(lake, before=["strace", "-f", "-o", trace, "-e", "trace=openat"])
    opened = [line for line in trace.read_text().splitlines() if "/proc/self/fd/" in line and "/copy-" in line]
    assert 300 <= len(opened) <= 2 * 300 + 10


def test_two_at_once(lake):
    (lake / ".compact").mkdir(mode=0o700)
    folder = os.open(lake / ".compact", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    before = files(lake)
    assert "another process is compacting it" in compact(lake, code=1)
    assert files(lake) == before
    os.close(folder)
    compact(lake)


def test_the_open_day(made):
    lake = copied(made, "odd_thing")
    today = (datetime.now(timezone.utc) - timedelta(minutes=30)).timestamp()
    add(lake, "now-1", int(today))
    add(lake, "now-2", int(today))
    compact(lake)
    assert len(list(lake.glob("odd_thing/*/now-*"))) == 2


LARGE = """
import sys, duckdb
from pathlib import Path
day = Path(sys.argv[1])
small = sorted(day.glob("*.parquet"))[0]
db = duckdb.connect()
db.execute("SET memory_limit = '1GB'")
notes = ", ".join("'%s': '%s'" % (key.decode(), value.decode().replace("'", "''")) for key, value in
                  db.execute(f"SELECT key, value FROM parquet_kv_metadata('{small}')").fetchall())
db.execute(f"CREATE VIEW one AS SELECT * FROM '{small}' LIMIT 1")
for i in range(int(sys.argv[2])):
    db.execute(f"COPY (SELECT one.* REPLACE ('large-{i}' AS run, n AS seq, array_to_string(list_transform(range(24), x -> "
               f"md5(concat({i}, ' ', n, ' ', x))), '') AS text) FROM one, range({sys.argv[3]}) AS r(n)) "
               f"TO '{day}/large-{i}.host.parquet' (FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{notes}}})")
"""


@pytest.mark.skipif("SLOW_PEERS" not in os.environ, reason="takes a minute and 3 GB: make check-peers")
def test_a_day_of_several_files(made):
    """More than half a GiB becomes several files, which are not written again when a late run comes."""
    lake = copied(made, "odd_thing")
    day = lake / "odd_thing" / DAY
    done = by_python(LARGE, day, "5", "360000", timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    assert sum(path.stat().st_size for path in day.iterdir()) > 513 << 20
    count = "SELECT run, count(*) AS n, sum(hash(text)) AS h FROM odd_thing GROUP BY run ORDER BY run"
    before = ask(lake, count)
    compact(lake)
    first = {path.name: path.stat() for path in day.iterdir()}
    assert len(first) > 1 and all(name.startswith("compacted-") and stat.st_size < 400 << 20 for name, stat in first.items())
    assert ask(lake, count) == before
    add(lake, "late")
    compact(lake)
    second = {path.name: path.stat() for path in day.iterdir()}
    kept = {name for name, stat in first.items() if stat.st_size >= 128 << 20}
    assert kept and all(second[name].st_ino == first[name].st_ino for name in kept)
    assert all(name.startswith("compacted-") for name in second) and len(second) <= len(kept) + 1
    assert [row for row in ask(lake, count) if row["run"] != "late"] == before


# ---- what is not as it should be ----

def spoil_text(day):
    (day / "x.txt").write_text("x")
    return "x.txt is not a Parquet file of a run"


def spoil_link(day):
    file = next(day.iterdir())
    (day / "link.host.parquet").symlink_to(file)
    return "link.host.parquet is not a Parquet file of a run"


def spoil_garbage(day):
    (day / "bad.host.parquet").write_bytes(b"PAR1" * 10)
    return "left as it is"


def spoil_footer(day):
    """One byte of its size: there is no footer of that size, or it begins elsewhere."""
    file = next(day.iterdir())
    data = bytearray(file.read_bytes())
    data[-7] ^= 1
    (day / "bad.host.parquet").write_bytes(data)
    return "bad.host.parquet: is not a Parquet file"


def spoil_folder(day):
    day.rename(day.parent.parent.parent / "elsewhere")
    day.symlink_to(day.parent.parent.parent / "elsewhere")
    return "is not a folder"


def spoil_table(day):
    day.parent.rename(day.parent.parent.parent / "elsewhere")
    day.parent.symlink_to(day.parent.parent.parent / "elsewhere")
    return "is a symbolic link"


def spoil_owner(day):
    if os.geteuid():
        pytest.skip("needs root")
    os.chown(next(day.iterdir()), NOBODY, NOBODY)
    return "belongs to another user"


def spoil_columns(day):
    subprocess.run([program("query"), "-F", "parquet", "-o", day / "other.host.parquet", day.parent.parent, "SELECT 1 AS run"],
                   check=True)
    return "were not written by the parquet sink"


def spoil_type(day):
    """Of a newer version whose column has another type."""
    sql = f"COPY (SELECT 1 AS run, 'x' AS host) TO '{day}/other.host.parquet' (KV_METADATA {{schema: '3'}})"
    if by_python(f"import duckdb; duckdb.sql({sql!r})").returncode:
        pytest.skip("no duckdb: tests/setup peers")
    return "the column run has several types"


@pytest.mark.parametrize("spoil", [value for name, value in list(globals().items()) if name.startswith("spoil_")])
def test_what_is_left_as_it_is(made, spoil):
    lake = copied(made, "odd_thing", "runs")
    why = spoil(lake / "odd_thing" / DAY)
    before = files(lake)
    assert why in compact(lake, code=1)
    after = files(lake)
    assert {name: inode for name, inode in after.items() if name.startswith("odd")} == {
        name: inode for name, inode in before.items() if name.startswith("odd")}
    assert len(names(lake, "runs")) == 1, "the others are compacted"
    assert all(path.name.startswith("day-") and (path / "mark").exists() for path in (lake / ".compact").iterdir())


def test_wrong_usage(made):
    file = new_folder() / "file"
    file.touch()
    assert "is a file" in compact(file, code=2)
    assert "No such file" in compact(file.parent / "nothing", code=2)
    assert "is not a lake" in compact(new_folder(), code=2)
    assert 'did you mean' in compact(f"{made}:iceberg", code=2)
    done = subprocess.run([program("merge"), "--compact", made, made], capture_output=True, check=False)
    assert done.returncode == 2 and b"takes no run" in done.stderr
    assert not (made / ".compact").exists()


def test_without_rights(made):
    if os.geteuid():
        pytest.skip("needs root")
    assert "Permission denied" in compact(made, code=1, user=NOBODY, group=NOBODY, extra_groups=[])


def test_a_file_system_without_the_exchange(lake):
    before = files(lake)
    said = compact(lake, code=1, before=["strace", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:error=EINVAL"])
    assert "cannot exchange two folders (RENAME_EXCHANGE); nothing was changed" in said
    assert files(lake) == before and not (lake / ".compact").exists()


def test_a_disk_that_is_full(made):
    lake = copied(made, "odd_thing")
    before = files(lake)
    compact(lake, code=1, before=["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=ENOSPC"])
    assert files(lake) == before and not (lake / ".compact").exists()
    compact(lake)
