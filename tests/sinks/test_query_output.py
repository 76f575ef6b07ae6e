# SPDX-License-Identifier: BSD-2-Clause
"""collector-query writes to whatever its standard output is: a file that others write to, a pipe, a socket, a full disk."""
import csv
import io
import json
import os
import pty
import socket
import subprocess

import pytest
from harness import BUILD, made_run, new_folder, stage

if not (BUILD / "collector-query").exists():
    pytest.skip("built without DuckDB", allow_module_level=True)

MANY = "SELECT range AS n, 'some text to fill a pipe' AS t FROM range(300000)"


def command(*args):
    return [stage() / "collector-query", "--plugin-dir", stage(), "--quiet", *args]


@pytest.fixture(name="run", scope="module")
def a_run():
    return made_run(20)[0]


def ask(run, form, sql, *parameters, code=0, **popen):
    done = subprocess.run(command("-F", form, run, sql, *parameters), check=False, **{"capture_output": True, **popen})
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("form, expected", [("csv", "n\n1\n"), ("jsonl", '{"n":1}\n')])
def test_an_output_that_others_write_to_keeps_what_they_wrote(run, form, expected):
    file = new_folder() / "out"
    query = subprocess.list2cmdline(map(str, command("-F", form, run)))
    subprocess.run(["sh", "-c", f"(echo before; {query} 'SELECT 1 AS n'; echo after) >'{file}'"], check=True)
    assert file.read_text() == f"before\n{expected}after\n"
    subprocess.run(["sh", "-c", f"{query} 'SELECT 1 AS n' >>'{file}'"], check=True)
    assert file.read_text() == f"before\n{expected}after\n{expected}"


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_a_socket(run, form):
    ours, theirs = socket.socketpair()
    ask(run, form, "SELECT 1 AS n", capture_output=False, stdout=theirs, stderr=subprocess.PIPE)
    theirs.close()
    assert b"1" in ours.recv(4096)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_a_reader_that_goes_away_is_no_error(run, form):
    with subprocess.Popen(command("-F", form, run, MANY), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_a_full_disk_is_said(run, form):
    with open("/dev/full", "wb") as full:
        done = ask(run, form, MANY, code=1, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert b"No space left on device" in done.stderr


def test_no_rows(run):
    nothing = "SELECT 1 AS a, 'x' AS b WHERE false"
    assert ask(run, "json", nothing).stdout == b"[]\n"
    assert ask(run, "jsonl", nothing).stdout == b""
    assert ask(run, "csv", nothing).stdout == b"a,b\n"


def test_only_json_has_an_empty_array(run):
    """The bytes that COPY writes for it may be another format's data."""
    sql = """SELECT * FROM (VALUES (chr(9)), (']')) t("[")"""
    assert ask(run, "csv", sql).stdout == b"[\n\t\n]\n"


def test_values(run):
    sql = """SELECT 18446744073709551615::UBIGINT AS big, NULL AS nothing, '' AS empty, [1, NULL, 3] AS list,
             {'k': ['a"b', 'c,d']} AS deep, true AS yes, E'line\\nbreak' AS text"""
    row, = json.loads(ask(run, "json", sql).stdout)
    assert row == {"big": 18446744073709551615, "nothing": None, "empty": "", "list": [1, None, 3],
                   "deep": {"k": ['a"b', "c,d"]}, "yes": True, "text": "line\nbreak"}
    assert json.loads(ask(run, "jsonl", sql).stdout) == row
    text = ask(run, "csv", sql).stdout.decode()
    assert text.splitlines()[1].startswith('18446744073709551615,,"",')  # null, and an empty text
    assert list(csv.reader(io.StringIO(text)))[1][-1] == "line\nbreak"


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_many_rows_are_whole(run, form):
    text = ask(run, form, MANY).stdout.decode()
    rows = {"csv": lambda: list(csv.DictReader(io.StringIO(text))), "json": lambda: json.loads(text),
            "jsonl": lambda: [json.loads(line) for line in text.splitlines()]}[form]()
    assert [int(row["n"]) for row in rows] == list(range(300000))


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_parameters_are_values_and_nothing_else(run, form):
    hostile = "x'); COPY (SELECT 1) TO '/tmp/never'; --"
    assert hostile.replace('"', '""') in ask(run, form, "SELECT $1 AS given", hostile).stdout.decode()


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_a_query_that_fails_in_the_middle(run, form):
    sql = "SELECT CASE WHEN range < 200000 THEN range ELSE error('at ' || range) END AS n FROM range(300000)"
    done = ask(run, form, sql, code=2)
    assert b"at 2" in done.stderr


def test_a_query_cannot_write_by_itself(run):
    target = new_folder() / "never"
    for sql in f"COPY (SELECT 1) TO '{target}'", f"SELECT 1) TO '{target}' (FORMAT csv); COPY (SELECT 2":
        ask(run, "csv", sql, code=2)
        assert not target.exists()


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_text_of_programs_does_not_steer_a_terminal(run, form):
    ours, theirs = pty.openpty()
    ask(run, form, "SELECT chr(27) || '[2J\u00e9' AS a UNION ALL SELECT 'plain'", capture_output=False, stdout=theirs,
        stderr=subprocess.PIPE)
    os.close(theirs)
    shown = os.read(ours, 4096)
    assert b"\x1b" not in shown and "\u00e9".encode() in shown and b"plain" in shown
