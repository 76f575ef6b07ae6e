# SPDX-License-Identifier: BSD-2-Clause
"""A lake of many runs of many hosts, and the named queries by each engine that is installed: for the part `lake` of the
benchmark. By itself, `lake.py TABLES LAKE HOSTS RUNS DAYS` makes the lake, of the tables of one run."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
CONF = os.path.join(HERE, "../../conf")
READER = os.path.join(TESTS, "sinks/engines_read.py")
LIBRARY = "/usr/local/lib/collector-tests"
TABLES = ("runs", "steps", "processes", "images", "hidden_failures", "verdicts", "core_lost")  # those that conf/spark names
QUERIES = ("slowest", "memory", "failed", "commands", "steps")
HOST = "host-%04d"  # of one length, as each takes the place of the first

# An engine, its modules below LIBRARY, one of them, and the group of tests/setup. Trino's are ours.
ENGINES = {"Polars": ("python", "polars", "peers"), "DataFusion": ("python", "datafusion", "peers"),
           "ClickHouse": ("chdb", "chdb", "chdb"), "Spark": ("spark", "pyspark", "spark"), "Trino": (TESTS, None, "trino")}


# ---- making ----


def make(tables, lake, hosts, runs, days):
    """A file of each run and table, as the sink writes them, empty ones too. A host's differs from another's only in its name,
    which stands in the bytes as it is: it is too short for a codec to change it."""
    import duckdb
    duckdb.execute("SET enable_progress_bar = false; SET threads = 1")
    for table in TABLES:
        source, one = f"{tables}/{table}.parquet", f"{tables}/one"
        notes = duckdb.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{source}')").fetchall()
        notes = ", ".join("'%s': '%s'" % (key, value.replace("'", "''")) for key, value in notes)
        codec = duckdb.execute(f"SELECT coalesce(min(compression), 'SNAPPY') FROM parquet_metadata('{source}')").fetchone()[0]
        columns = duckdb.execute(f"DESCRIBE FROM read_parquet('{source}')").fetchall()
        times = [name for name, kind, *_ in columns if kind.startswith("TIMESTAMP")]
        for run in range(runs):
            words = ", ".join([f"'run-{run}' AS run", f"'{HOST % 0}' AS host",
                               *(f"{name} + INTERVAL {run} MINUTE AS {name}" for name in times)])
            duckdb.execute(f"COPY (SELECT * REPLACE ({words}) FROM read_parquet('{source}')) TO '{one}' "
                           f"(FORMAT parquet, COMPRESSION {codec}, KV_METADATA {{{notes}}})")
            folder = f"{lake}/{table}/date=2026-03-{run % days + 1:02}"
            os.makedirs(folder, exist_ok=True)
            with open(one, "rb") as file:
                data = file.read()
            for host in range(hosts):
                with open(f"{folder}/run-{run}.{HOST % host}.parquet", "wb") as file:
                    file.write(data.replace((HOST % 0).encode(), (HOST % host).encode()))
        wrong = duckdb.execute(f"SELECT count(*) FROM '{file.name}' WHERE host <> '{HOST % host}'").fetchone()[0]
        assert not wrong, f"{file.name}: rows of another host"


def size_of(lake):
    """Files, and MB."""
    files = [os.path.join(path, name) for path, _, names in os.walk(lake) if "/.compact" not in path for name in names]
    return len(files), sum(map(os.path.getsize, files)) / 1e6


# ---- asking ----


def environment(name):
    folder, *_ = ENGINES[name]
    return {**os.environ, "PYTHONPATH": os.path.join(LIBRARY, folder)}


def why_not(name):
    """The reason why an engine cannot be asked, in some words; None."""
    _, module, group = ENGINES[name]
    code = "import sys, trino_peer; sys.exit(trino_peer.why_not_trino())" if not module else f"import {module}"
    done = subprocess.run([sys.executable, "-c", code], env=environment(name), cwd=os.path.join(TESTS, "sinks"),
                          capture_output=True, text=True, check=False)
    return done.returncode and (done.stderr.splitlines()[-1] if not module else f"no {name}: tests/setup {group}")


def start(name, lake, files):
    engine, tables = name.lower(), os.path.join(CONF, name.lower(), "lake.sql")
    tables = [tables] if os.path.exists(tables) else [os.path.join(lake, table) for table in TABLES]
    with open(os.path.join(os.path.dirname(lake), f"{engine}.said"), "wb") as said:
        return subprocess.Popen([sys.executable, READER, f"{engine}-sql", *tables, *files], cwd=os.path.dirname(lake),
                                env=environment(name), stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True)


def end(process):
    """With what it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def next_answer(process, limit):
    """Seconds, or words, and the rows."""
    timer = threading.Timer(limit, end, [process])
    timer.start()
    begin = time.monotonic()
    line = process.stdout.readline()
    seconds = time.monotonic() - begin
    timer.cancel()
    return (seconds, json.loads(line)) if line else (f"> {limit}" if seconds >= limit else "failed", None)


def ask(name, lake, limit):
    """Of the start, in which it looks for the tables, and of each query: seconds, or words, and the rows. A query that takes too
    long is left, and the next one asked by another process."""
    ready = os.path.join(os.path.dirname(lake), "ready.sql")
    with open(ready, "w", encoding="ascii") as file:
        file.write("SELECT 1 AS one")
    files, found = [os.path.join(CONF, "queries", f"{query}.sql") for query in QUERIES], []
    while len(found) <= len(files):
        with start(name, lake, [ready, *files[max(len(found) - 1, 0):]]) as process:
            answer = next_answer(process, limit)
            if not found:
                found.append(answer)
            if answer[1] is None:
                found += [answer] * (len(files) + 1 - len(found))
            while answer[1] is not None and len(found) <= len(files):
                answer = next_answer(process, limit)
                found.append(answer)
            end(process)
    return found


def ask_duckdb(query, lake, limit):
    """The same by collector-query, of which `query` is the command: a process for each."""
    found = []
    for words in ("SELECT 1 AS one", *QUERIES):
        begin = time.monotonic()
        try:
            done = subprocess.run([*query, "-q", "-F", "jsonl", lake, words], stdout=subprocess.PIPE, timeout=limit, check=False)
            rows = None if done.returncode else [json.loads(line) for line in done.stdout.splitlines()]
            found.append(("failed" if rows is None else time.monotonic() - begin, rows))
        except subprocess.TimeoutExpired:
            found.append((f"> {limit}", None))
    return found


if __name__ == "__main__":
    make(*sys.argv[1:3], *map(int, sys.argv[3:]))
