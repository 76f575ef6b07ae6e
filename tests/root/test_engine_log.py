# SPDX-License-Identifier: BSD-2-Clause
"""What an engine logs of its jobs is recorded as it starts them, so that a job which does not say what it is has its name. The
engine is made up here: tests/sinks/test_workflows.py has the real ones."""
import json
import os
import subprocess
import sys

import pytest
from harness import BUILD, KIND_BASE, collect, new_folder, read_stream, stage

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

SYNC = 3  # kind of the record that ends a block

# Logs each text of said.json, then starts a job whose output it names.
ENGINE = r"""#!/usr/bin/python3
import json, os, subprocess, sys
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
log = open(os.path.join(folder, "2026.log"), "w")
for number, said in enumerate(json.load(open("said.json"))):
    log.write(said)
    log.flush()
    subprocess.run(["/bin/bash", "-c", f"set -euo pipefail;  cat /etc/hostname > out.{number}"], check=True)
"""


def engine(folder, *said, log=".snakemake/log", name="snakemake", **more):
    program = folder / name
    program.write_text(ENGINE)
    (folder / "said.json").write_text(json.dumps(said))
    return collect(PYTHON, program, log, cwd=folder, **more)


def rule(name, number, more=""):
    return f"\n[now]\nrule {name}:\n{more}    output: out.{number}\n    wildcards: n={number}\n\n"


def steps_of(run):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", "-F", "json", run.path,
                           "SELECT step, tag FROM steps ORDER BY began"], capture_output=True, text=True, check=True)
    return [(row["step"], row["tag"]) for row in json.loads(done.stdout)]


query = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")


@query
def test_each_job_has_the_name_that_its_engine_logged():
    folder = new_folder()
    run = engine(folder, *(rule(name, number) for number, name in enumerate(["align", "sort", "align"])))
    assert steps_of(run) == [("align", "n=0"), ("sort", "n=1"), ("align", "n=2")]
    logs = run.of("output.log")
    assert "".join(e["text"] for e in logs) == (folder / ".snakemake/log/2026.log").read_text()
    assert {(e["engine"], e["path"]) for e in logs} == {("snakemake", str(folder / ".snakemake/log"))}
    jobs = {e["ts"] - 1 for e in run.of("lifecycle.exec") if "/bin/bash" in e["args"]}
    assert {e["ts"] for e in logs} <= jobs


def test_it_is_there_before_the_mark():
    """A follower that has read past a mark gets no log of a job that has begun before."""
    folder = new_folder()
    run = engine(folder, *(rule("align", number) for number in range(40)))
    mark = 0
    for record in read_stream(run.path / "output.msgpack")[1]:
        if record["kind"] == SYNC:
            mark = max(mark, record["ts"])
        elif record["kind"] >= KIND_BASE:
            assert record["ts"] > mark, record


@query
def test_what_is_longer_than_is_read_at_once():
    """All of it, in parts of whole lines; a line that is longer than a part is left out, and nothing else."""
    folder = new_folder()
    many = "".join(f"line {i} of what the engine did before\n" for i in range(1000))
    wide = "    input: " + ", ".join(f"in.{i}" for i in range(3000)) + "\n"
    run = engine(folder, many + rule("first", 0), rule("second", 1, wide), rule("third", 2))
    assert "".join(e["text"] for e in run.of("output.log")) == many + rule("first", 0) + rule("second", 1) + rule("third", 2)
    assert steps_of(run) == [("first", "n=0"), ("second", "n=1"), ("third", "n=2")]


def test_no_other_file_is_read():
    """Of another folder, of a link to one, of a program with another name; none is a reason to say anything."""
    for more in {"log": "elsewhere"}, {"name": "make"}:
        assert not engine(new_folder(), rule("align", 0), **more).of("output.log")
    folder = new_folder()
    (folder / "elsewhere").mkdir()
    (folder / ".snakemake").mkdir()
    (folder / ".snakemake/log").symlink_to(folder / "elsewhere")
    assert not engine(folder, rule("align", 0)).of("output.log")


def test_secrets_are_redacted():
    run = engine(new_folder(), "export DB_PASSWORD=hunter2\n" + rule("align", 0))
    text = "".join(e["text"] for e in run.of("output.log"))
    assert "rule align" in text and "DB_PASSWORD" in text
    assert not any(b"hunter2" in file.read_bytes() for file in run.path.glob("output.msgpack*"))


def test_it_is_not_kept_where_arguments_are_not():
    run = engine(new_folder(), rule("align", 0), config="args: none\nprobes: {lifecycle: {}, output: {}}\n")
    assert all(e["text"] is None for e in run.of("output.log"))
    assert not any(b"align" in file.read_bytes() for file in run.path.rglob("*") if file.is_file())


@query
def test_the_option():
    """Another engine's folder; a list without one reads nothing."""
    config = "probes: {lifecycle: {}, output: {engine_logs: [%s]}}\n"
    assert not engine(new_folder(), rule("align", 0), config=config % "").of("output.log")
    run = engine(new_folder(), rule("align", 0), name="my-snakemake", log="logs", config=config % "my-snakemake=logs")
    assert [e["engine"] for e in run.of("output.log")] == ["my-snakemake"]
    for wrong in "snakemake", "=logs", "snakemake=/var/log", "snakemake=../log", "a/b=log":
        run = engine(new_folder(), rule("align", 0), config=config % f"'{wrong}'", code=None)
        assert not run.of("output.log") and f'engine_logs: "{wrong}" is not PROGRAM=FOLDER' in run.stderr
