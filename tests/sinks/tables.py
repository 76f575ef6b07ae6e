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
RENAMED = {"count": "lost_events", "limit": "oom_scope"}
HEAD = ["run", "host", "pipeline", "ts", "time", "seq", "marker", "pid", "start", "tid", "cpu"]

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


def odd_run(name="run-odd", version=1, seconds=None, before=()):
    """A run of tests/sinks/odd_run.c; `seconds`: when it is recorded; `before`: a command that starts its program."""
    folder = new_folder() / "run"
    subprocess.run([*before, odd_program(), folder, name, str(version), *([str(seconds)] if seconds else [])], check=True)
    return folder


@functools.cache
def scripted_program():
    program = new_folder() / "scripted_run"
    found = [name for name in ("msgpack-c", "msgpack") if not subprocess.call(["pkg-config", "--exists", name])]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", found[0], "zlib"], capture_output=True, text=True,
                           check=True).stdout.split()
    subprocess.run([*CC, "-O1", "-D_GNU_SOURCE", f"-I{SRC}", "-o", program, SRC / "tests/sinks/scripted_run.c",
                    BUILD / "core/libstream.a", BUILD / "core/libbase.a", *flags], check=True)
    return program


def scripted_run(records, *more, name="run"):
    """A run of tests/sinks/scripted_run.c, of that id."""
    folder = new_folder() / name
    subprocess.run([scripted_program(), folder, *more], input=records.encode(errors="surrogateescape"), check=True)
    return folder


# ---- from JSONL to rows ----

def microseconds(time):
    seconds, fraction = re.fullmatch(r"(.{19})\.(\d{9})Z", time).groups()
    return int(datetime.fromisoformat(seconds).replace(tzinfo=timezone.utc).timestamp()) * 10**6 + int(fraction) // 1000


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


def as_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def row_of(event, pipeline):
    """The row that a line of JSONL should be; numbers beyond 32 bits are compared as text, as all are."""
    row = dict(event)
    row.pop("stream")
    row.pop("event")
    row["pipeline"] = pipeline
    missing = dict(pair.split("=") for pair in (row.pop("missing", None) or "").split(",") if pair)
    for name, value in row.items():
        is_escaped = False
        if name == "time":
            value = microseconds(value)
        elif name in ("env", "stderr") and value is not None:
            assert not any(key.startswith("base64:") or isinstance(v, dict) for key, v in value.items())
            value = as_json(value)
        elif isinstance(value, list):
            value, is_escaped = as_list(value)
        elif isinstance(value, dict):
            value, is_escaped = as_text(value)
        if is_escaped:
            missing[name] = ",".join(filter(None, [missing.get(name), "escaped"]))
        row[name] = value
    missing = {RENAMED.get(name, name): reason for name, reason in missing.items()}
    row["missing"] = as_json(missing) if missing else None
    row = {RENAMED.get(name, name): value for name, value in row.items()}
    return {name: comparable(value) for name, value in row.items()}


def comparable(value):
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def rows_of(*runs, options=(), pipeline=None):
    """What every table of events should hold, by name, in order; `pipeline` is the runs' name."""
    tables = {}
    for event in merge(*runs, options=options):
        tables.setdefault(f"{event['stream']}_{event['event']}", []).append(row_of(event, pipeline))
    return tables


def rows_in(file):
    """Rows of a Parquet file, comparable; a null list is not there for this reader."""
    read = read_parquet(file)
    names = [name for name in read["columns"] if name not in ("element", "list")] + (
        ["list"] if "list" in read["columns"] else [])
    return [{name: comparable(row.get(name)) for name in names} for row in read["rows"]]
