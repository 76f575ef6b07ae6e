# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of tables share: an independent reader of Parquet, and what JSONL says a table holds."""
import functools
import json
import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import pytest
from harness import BUILD, CC, SRC, merge, new_folder, stage, to_bytes

MODULES = Path("/usr/local/lib/collector-tests/node_modules")
HEAD = ["run", "host", "ts", "time", "seq", "pid", "start", "tid", "cpu"]

needs_sink = pytest.mark.skipif(not (BUILD / "sinks/parquet.so").exists(), reason="built without DuckDB: tests/setup duckdb")
needs_reader = pytest.mark.skipif(not (MODULES / "hyparquet").exists() or not shutil.which("node"),
                                  reason="no hyparquet or no node: tests/setup sinks-test")


def read_parquet(*files):
    """Each file by hyparquet: {columns, codecs, notes, rows}. 64-bit numbers are strings of digits."""
    done = subprocess.run(["node", SRC / "tests/sinks/read_parquet.mjs", MODULES, *files], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return found[0] if len(files) == 1 else found


def run_merge(*args, code=0, **popen):
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), *args], capture_output=True,
                          check=False, timeout=100, **popen)
    assert done.returncode == code, done.stderr.decode()
    return done.stderr.decode()


@functools.cache
def odd_program():
    program = new_folder() / "odd_run"
    found = [name for name in ("msgpack-c", "msgpack") if not subprocess.call(["pkg-config", "--exists", name])]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", found[0], "zlib"], capture_output=True, check=True)
    subprocess.run([*CC, "-O1", "-D_GNU_SOURCE", f"-I{SRC}", "-o", program, SRC / "tests/sinks/odd_run.c",
                    BUILD / "core/libstream.a", BUILD / "core/libbase.a", *flags.stdout.decode().split()], check=True)
    return program


def odd_run(name="run-odd", version=1):
    """A run of tests/sinks/odd_run.c, in a folder of that name."""
    folder = new_folder() / "run"
    subprocess.run([odd_program(), folder, name, str(version)], check=True)
    return folder


# ---- from JSONL to rows ----

def nanoseconds(time):
    seconds, fraction = re.fullmatch(r"(.{19})\.(\d{9})Z", time).groups()
    return int(datetime.fromisoformat(seconds).replace(tzinfo=timezone.utc).timestamp()) * 10**9 + int(fraction)


def escaped(value):
    """Bytes as tables have them if they are no UTF-8."""
    text = value.decode("utf-8", "surrogateescape").replace("\\", "\\\\")
    return re.sub("[\udc80-\udcff]", lambda m: f"\\x{ord(m.group()) - 0xdc00:02x}", text)


def as_text(value):
    """(the text in the table, whether it is escaped) of a string of the JSON output."""
    if isinstance(value, dict) and set(value) == {"base64"}:
        return escaped(to_bytes(value)), True
    return value, False


def as_list(value):
    if not any(isinstance(item, dict) for item in value):
        return value, False
    return [escaped(to_bytes(item)) for item in value], True


def row_of(event):
    """The row that a line of JSONL should be; numbers beyond 32 bits are compared as text, as all are."""
    row = dict(event)
    row.pop("stream")
    row.pop("event")
    missing = dict(pair.split("=") for pair in (row.pop("missing", None) or "").split(",") if pair)
    for name, value in row.items():
        is_escaped = False
        if name == "time":
            value = nanoseconds(value)
        elif name == "env" and value is not None:
            assert not any(key.startswith("base64:") or isinstance(v, dict) for key, v in value.items())
        elif isinstance(value, list):
            value, is_escaped = as_list(value)
        elif isinstance(value, dict):
            value, is_escaped = as_text(value)
        if is_escaped:
            missing[name] = ",".join(filter(None, [missing.get(name), "escaped"]))
        row[name] = value
    row["missing"] = missing or None
    return {name: comparable(value) for name, value in row.items()}


def comparable(value):
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def rows_of(*runs, options=()):
    """What every table of events should hold, by name, in order."""
    tables = {}
    for event in merge(*runs, options=options):
        tables.setdefault(f"{event['stream']}_{event['event']}", []).append(row_of(event))
    return tables


def rows_in(file):
    """Rows of a Parquet file, comparable; a null list or map is not there for this reader."""
    read = read_parquet(file)
    names = [name for name in read["columns"] if name not in ("element", "key", "value", "list")] + (
        ["list"] if "list" in read["columns"] else [])
    return [{name: comparable(row.get(name)) for name in names} for row in read["rows"]]
