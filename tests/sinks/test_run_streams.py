# SPDX-License-Identifier: BSD-2-Clause
"""Which streams make a run: those that its headers list, of this run, and each of them once."""
import json
import shutil
import subprocess

import pytest
from harness import BUILD, made_run, merge, new_folder, rewrite_stream, stage

needs_query = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")


def listed(folder, names=None, run=None):
    """Adds the list of streams to each header of a folder, as the collector does, and maybe another id of the run."""
    def change(header):
        header["streams"] = names or sorted(path.stem for path in folder.glob("*.msgpack"))
        if run:
            header["run"]["id"] = run
    for path in folder.glob("*.msgpack"):
        rewrite_stream(path, header=change)


def copy_of(folder):
    return shutil.copytree(folder, new_folder() / "copy")


@pytest.fixture(name="run")
def made():
    folder = new_folder() / "run"
    shutil.copytree(made_run(300)[0], folder)
    listed(folder)
    return folder


def timeless(events):
    """The streams of a host share one clock anchor in a merge: which one, depends on what is merged."""
    return [{**e, "time": None} for e in events]


def said_of(*paths, code=0, sink="null", options=("--strict",)):
    """(stdout, stderr) of a merge."""
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--sink", sink, *options, *paths],
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == code, done.stderr.decode()
    said = [line for line in done.stderr.decode().splitlines(True) if ": null: " not in line]
    return done.stdout.decode(errors="replace"), "".join(said)


def ask(folder, sql):
    done = subprocess.run([stage() / "collector-query", "-p", stage(), "-F", "json", folder, sql], capture_output=True,
                          check=True)
    return json.loads(done.stdout)


# ---- missing streams ----

def test_a_run_with_all_its_streams(run):
    assert said_of(run)[1] == ""
    assert merge(run) == merge(made_run(300)[0])


def test_a_stream_that_is_gone(run):
    whole = merge(run)
    (run / "cpu.msgpack").unlink()
    _, said = said_of(run, code=3)
    assert said.count("the stream cpu is missing") == 1 and said.count("\n") == 1
    events = merge(run)
    lost = [e for e in events if e["event"] == "lost"]
    assert [(e["stream_lost"], e["count"], e["cause"], e["marker"]) for e in lost] == [("cpu", None, "missing", None)]
    assert lost[0]["since"] == lost[0]["ts"]
    rest = [e for e in events if e not in lost]
    assert timeless(rest) == timeless(e for e in whole if e["stream"] != "cpu")
    assert "cpu: an unknown number of records lost" in said_of(run, code=0, sink="summary", options=())[0]
    # with another run, and the first alone
    other = new_folder() / "other"
    shutil.copytree(made_run(200)[0], other)
    listed(other, run="other")
    said_of(run, other, options=["--strict", "--run", "other"])


@needs_query
def test_gone_is_not_switched_off(run):
    """The figures say which of the two it was."""
    off = copy_of(run)
    for folder in run, off:
        (folder / "cpu.msgpack").unlink()
    listed(off)
    why = "SELECT DISTINCT missing->>'cpu_ns' AS why FROM processes WHERE (missing->>'cpu_ns') IS NOT NULL"
    assert [row["why"] for row in ask(off, why)] == ["off"]
    assert [row["why"] for row in ask(run, why)] == ["lost"]
    assert ask(run, "SELECT stream_lost, cause FROM core_lost") == [{"stream_lost": "cpu", "cause": "missing"}]
    assert ask(off, "SELECT count(*) AS n FROM core_lost") == [{"n": 0}]


def test_files_that_are_named_are_all_that_is_asked_for(run):
    assert said_of(run / "cpu.msgpack", run / "mem.msgpack")[1] == ""


def test_a_stream_that_is_elsewhere_is_there(run):
    elsewhere = new_folder() / "cpu.msgpack"
    (run / "cpu.msgpack").rename(elsewhere)
    said_of(run, code=3)
    assert said_of(run, elsewhere)[1] == ""
    assert said_of(elsewhere, run)[1] == ""


# ---- streams of other runs ----

def add_foreign(run, names=None):
    """Puts a stream of another run into the folder: its path, and its events."""
    other = new_folder() / "other"
    shutil.copytree(made_run(200)[0], other)
    for path in other.glob("*.msgpack"):
        if path.stem != "mem":
            path.unlink()
    listed(other, names, run="other-run")
    events = merge(other, options=["--event", "mem"])
    (other / "mem.msgpack").rename(run / "a_first.msgpack")
    return run / "a_first.msgpack", [e for e in events if e["event"] != "lost"]


def test_a_stream_of_another_run_is_left_out(run):
    whole = merge(run)
    path, of_it = add_foreign(run)
    said = said_of(run, code=3)[1]
    assert f"{path}: is of run other-run, but the folder is that of run: left out" in said and said.count("\n") == 1
    assert merge(run) == whole
    events = merge(run, path)
    assert [e for e in events if e["run"] == "other-run"] == of_it
    assert len(events) == len(whole) + len(of_it)


def test_the_folder_s_name_says_whose_it_is(run):
    """Of two runs with as many streams."""
    for name in "lifecycle", "cpu":
        (run / f"{name}.msgpack").unlink(missing_ok=True)
    for stream in run.glob("*.msgpack"):
        if stream.stem != "mem":
            stream.unlink()
    listed(run)
    add_foreign(run, ["mem"])
    for name in "other-run", "run":
        folder = run.rename(run.parent / name)
        assert {e["run"] for e in merge(folder)} == {name}
        link = folder.parent / "latest"
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        assert {e["run"] for e in merge(link)} == {name}
        run = folder


def test_runs_of_older_writers_are_merged_as_ever(run):
    """Without lists of streams: nothing is left out, nothing is missing."""
    path, of_it = add_foreign(run)

    def unlist(header):
        del header["streams"]

    for stream in run.glob("*.msgpack"):
        rewrite_stream(stream, header=unlist)
    (run / "cpu.msgpack").unlink()
    assert said_of(run)[1] == ""
    assert [e for e in merge(run) if e["run"] == "other-run"] == of_it
    assert path.exists()


# ---- hostile lists ----

@pytest.mark.parametrize("names, why", [
    ([f"s{i}" for i in range(1_000_000)], "lists more streams than a run can have"),
    (["cpu", "../../etc/passwd"], "lists a stream whose name is not valid"),
    (["cpu", ""], "lists a stream whose name is not valid"),
    (["x" * 65], "lists a stream whose name is not valid"),
    (["cpu", 5], "lists a stream whose name is not valid"),
    ({"cpu": 1}, "is damaged"),
], ids=["a million", "a path", "empty", "long", "a number", "a map"])
def test_lists_that_make_no_sense(run, names, why):
    def change(header):
        header["streams"] = names

    rewrite_stream(run / "mem.msgpack", header=change)
    assert f"mem.msgpack: the stream's header {why}" in said_of(run / "mem.msgpack", code=1)[1]
    said = said_of(run, code=3)[1]
    assert f"mem.msgpack: the stream's header {why}" in said and "the stream mem is missing" in said


def test_a_list_of_many_streams_that_are_not_there(run):
    listed(run, [*(f"s{i}" for i in range(200)), "s1", "s1"])
    lost = [e["stream_lost"] for e in merge(run) if e["event"] == "lost"]
    assert sorted(lost) == sorted(f"s{i}" for i in range(200))


# ---- copies ----

def test_a_run_and_its_copy_count_once(run):
    whole = merge(run)
    assert len({(e["marker"], e["seq"]) for e in whole}) == len(whole)
    copy = copy_of(run)
    streams = len(list(run.glob("*.msgpack")))
    for paths in (run, copy), (copy, run), (run, run), (run, copy, run):
        said = said_of(*paths)[1]
        assert said.count("the same stream as") == streams * (len(paths) - 1)
        assert merge(*paths) == whole


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xff
    path.write_bytes(data)


def remove(path):
    path.unlink()


@pytest.mark.parametrize("harm", [cut, spoil, remove], ids=lambda harm: harm.__name__)
def test_of_two_copies_the_better_one_is_read(run, harm):
    whole = merge(run)
    copy = copy_of(run)
    harm(copy / "cpu.msgpack")
    said_of(copy, code=3)
    for paths in (run, copy), (copy, run):
        said = said_of(*paths)[1]
        assert merge(*paths) == whole
        if harm is not remove:
            kept, other = run / "cpu.msgpack", copy / "cpu.msgpack"
            more = ": it has more" if paths[0] == copy else ""
            assert f"{other}: the same stream as {kept}, which is read{more}\n" in said


def test_a_folder_of_runs_names_one(run):
    def merged(folder):
        done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), folder], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 2
        return done.stderr

    assert "no streams (*.msgpack) in this folder\n" in merged(new_folder())
    (run.parent / "latest").symlink_to(run.name)
    assert f"is a folder of runs: name one of them, such as {run.parent}/latest\n" in merged(run.parent)
    assert merge(run.parent / "latest")
