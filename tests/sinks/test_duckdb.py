# SPDX-License-Identifier: BSD-2-Clause
"""sinks/duckdb: the file that it makes, read by DuckDB's own library, held against JSONL."""
import ctypes
import json
import subprocess

import pytest
from harness import BUILD, made_run, new_folder, stage
from tables import HEAD, comparable, odd_run, rows_of, run_merge, scripted_run

pytestmark = pytest.mark.skipif(not (BUILD / "sinks/duckdb.so").exists(), reason="built without DuckDB: tests/setup duckdb")


def library():
    """The one that the sink is linked with."""
    lines = subprocess.run(["ldd", BUILD / "sinks/duckdb.so"], capture_output=True, text=True, check=True).stdout
    return ctypes.CDLL([line.split()[2] for line in lines.splitlines() if "libduckdb" in line][0])


class File:
    """A database, asked through the C library; what it gives comes as JSON."""

    def __init__(self, path):
        self.lib, self.db, self.connection = library(), ctypes.c_void_p(), ctypes.c_void_p()
        self.lib.duckdb_result_error.restype = ctypes.c_char_p
        assert self.lib.duckdb_open(str(path).encode(), ctypes.byref(self.db)) == 0
        assert self.lib.duckdb_connect(self.db, ctypes.byref(self.connection)) == 0
        self.out = new_folder() / "out.json"

    def close(self):
        self.lib.duckdb_disconnect(ctypes.byref(self.connection))
        self.lib.duckdb_close(ctypes.byref(self.db))

    def ask(self, sql):
        result = (ctypes.c_char * 256)()
        state = self.lib.duckdb_query(self.connection, f"COPY ({sql}) TO '{self.out}' (FORMAT json)".encode(), result)
        assert state == 0, self.lib.duckdb_result_error(result)
        self.lib.duckdb_destroy_result(result)
        return [json.loads(line) for line in self.out.read_text().splitlines()]


@pytest.fixture(name="made", scope="module")
def made_file():
    run, made = made_run(2000)
    path = new_folder() / "run.duckdb"
    run_merge("-s", "duckdb", "-o", path, run)
    file = File(path)
    yield file, run, made
    file.close()


def test_every_event_is_there(made):
    file, run, _ = made
    for table, expected in rows_of(run, pipeline="made").items():
        names = ", ".join(f'"{name}"' if name != "time" else "epoch_us(time) AS time" for name in expected[0])
        rows = file.ask(f"SELECT {names} FROM {table}")
        assert [{name: comparable(value) for name, value in row.items()} for row in rows] == expected


def test_processes_and_steps(made):
    file, _, told = made
    row, = file.ask("SELECT count(*) AS n, sum(cpu_ns)::BIGINT AS cpu, count(*) FILTER (outcome = 'killed') AS killed FROM processes")
    assert (row["n"], row["cpu"], row["killed"]) == (told["processes"], told["cpu_ns"], told["killed"])
    assert file.ask("SELECT count(*) AS n FROM steps") == [{"n": told["jobs"]}]


def test_types_and_comments():
    path = new_folder() / "odd.duckdb"
    run_merge("-s", "duckdb", "-o", path, odd_run())
    file = File(path)
    columns = {c["column_name"]: (c["data_type"], c["comment"]) for c in file.ask(
        "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'odd_thing'")}
    assert list(columns)[:11] == HEAD
    assert columns["time"][0] == "TIMESTAMP WITH TIME ZONE" and columns["list"][0] == "VARCHAR[]"
    assert columns["map"][0] == columns["missing"][0] == "VARCHAR"
    assert (columns["big"], columns["number"][0]) == (("BIGINT", 'it\'s "big" (ns)'), "INTEGER")
    assert file.ask("SELECT comment FROM duckdb_tables() WHERE table_name = 'odd_thing'") == [{"comment": "happens"}]
    assert file.ask("SELECT count(*) AS n FROM odd_never") == [{"n": 0}]
    file.close()


def test_a_few_long_command_lines_do_not_keep_the_others_uncompressed():
    line = "ld -o x " + " ".join(f"obj/{i}.o" for i in range(500))
    pids = range(10, 910)
    lines = [f"fork {pid} {pid} 1 ld\nexec {pid} {pid} {line if pid % 20 == 0 else f'cc -c {pid}.c'}" for pid in pids]
    lines += [f"exit 2000 {pid} 0" for pid in pids]
    path = new_folder() / "run.duckdb"
    run_merge("-s", "duckdb", "-o", path, scripted_run("\n".join(lines) + "\n"))
    file = File(path)
    assert file.ask(f"SELECT count(*) AS n, min(length(command)) AS length FROM images WHERE command = '{line}'") == \
        [{"n": 45, "length": len(line)}]
    assert file.ask("SELECT DISTINCT compression FROM pragma_storage_info('images') WHERE column_name = 'command' AND "
                    "segment_type = 'VARCHAR'") == [{"compression": "ZSTD"}]
    file.close()


def test_nothing_is_overwritten_unasked():
    path = new_folder() / "run.duckdb"
    run_merge("-s", "duckdb", "-o", path, odd_run())
    before = path.read_bytes()
    assert "exists; overwrite=true replaces it" in run_merge("-s", "duckdb", "-o", path, odd_run(), code=2)
    assert path.read_bytes() == before
    run_merge("-s", "duckdb:overwrite=true", "-o", path, odd_run("other"))
    assert list(path.parent.iterdir()) == [path]
    file = File(path)
    assert file.ask("SELECT DISTINCT run FROM odd_thing") == [{"run": "other"}]
    file.close()


def test_a_file_that_cannot_be_written_ends_it():
    run, _ = made_run(20000)
    folder = new_folder()
    line = f'trap "" XFSZ; ulimit -f 500; exec "$@" -s duckdb -o {folder}/run.duckdb {run}'
    done = subprocess.run(["/bin/bash", "-c", line, "sh", stage() / "collector-merge", "--plugin-dir", stage()],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"duckdb" in done.stderr and b"File too large" in done.stderr
    assert list(folder.iterdir()) == []
