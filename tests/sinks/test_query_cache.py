# SPDX-License-Identifier: BSD-2-Clause
"""Where collector-query keeps the tables of a run, also of a hostile user's: nothing else is written, read or removed."""
import fcntl
import json
import os
import pty
import shutil
import subprocess
import time

import pytest
from harness import BUILD, NOBODY, SRC, new_folder, stage
from tables import odd_run

pytestmark = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a run of another user's")
COUNT = "SELECT count(*) AS n FROM odd_thing"


@pytest.fixture(name="home")
def a_home():
    """An environment whose HOME is an empty folder of this user's."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("XDG_")}, "HOME": str(new_folder(0o700))}


def ask(run, env, *words, program=None, **popen):
    done = subprocess.run([program or stage() / "collector-query", "--plugin-dir", stage(), "-F", "jsonl",
                           "--queries", SRC / "conf/queries", run, *(words or [COUNT])], capture_output=True, check=False,
                          timeout=100, env=env, **popen)
    assert done.returncode == 0, done.stderr.decode()
    if not words:
        assert json.loads(done.stdout) == {"n": 5}
    return done


def entries(env):
    cache = os.path.join(env.get("XDG_CACHE_HOME") or env["HOME"] + "/.cache", "collector")
    return sorted(os.listdir(cache)) if os.path.isdir(cache) else []


def made(folder):
    """Which tables these are: others have other inodes."""
    return (folder / "images.parquet").stat().st_ino


def cache(env):
    name, = entries(env)
    return type(stage())(env["HOME"]) / ".cache/collector" / name


def foreign(run):
    """The run is another user's."""
    for path in [run, *run.iterdir()]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    os.chown(run.parent, NOBODY, NOBODY)
    return run


def victim():
    folder = new_folder()
    (folder / "made-of").write_text("collector 1\n")
    (folder / "thesis.tex").write_text("years of work\n")
    return folder


def is_whole(folder):
    return sorted(path.name for path in folder.iterdir()) == ["made-of", "thesis.tex"] \
        and (folder / "thesis.tex").read_text() == "years of work\n" and (folder / "made-of").read_text() == "collector 1\n"


# ---- attacks ----

def test_what_a_link_points_to_survives(home):
    run, target = odd_run(), victim()
    (run / ".tables").symlink_to(target)
    ask(run, home)
    assert is_whole(target) and (run / ".tables").is_symlink()
    assert len(entries(home)) == 1, "the cache is in its place"


def test_a_folder_that_is_not_ours_survives(home):
    run = odd_run()
    (run / ".tables").mkdir(0o700)
    (run / ".tables/thesis.tex").write_text("years of work\n")
    ask(run, home)
    assert [path.name for path in (run / ".tables").iterdir()] == ["thesis.tex"]


@needs_root
def test_a_link_in_another_users_run_survives(home):
    run, target = odd_run(), victim()
    (run / ".tables").symlink_to(target)
    foreign(run)
    ask(run, home)
    assert is_whole(target)
    assert sorted(path.name for path in run.iterdir() if path.name != "odd.msgpack") == [".tables"]


def swapping(script):
    """collector-query, whose collector-merge first runs a script: what the owner of the run does at that moment."""
    folder = new_folder()
    shutil.copy(stage() / "collector-query", folder)
    (folder / "collector-merge").write_text(f'#!/bin/sh\n{script}\nexec "{stage()}/collector-merge" "$@"\n')
    (folder / "collector-merge").chmod(0o755)
    return folder / "collector-query"


@pytest.mark.parametrize("owner", [pytest.param(True, id="own"), pytest.param(False, id="foreign", marks=needs_root)])
def test_the_owner_swaps_the_folder_meanwhile(owner, home):
    run, target = odd_run(), victim()
    program = swapping(f'mv "{run}" "{run}.away" && mkdir "{run}" && ln -s "{target}" "{run}/.tables" && '
                       f'cp "{run}.away"/*.msgpack "{run}" && rm -f "{run}.away/.tables" && ln -s "{target}" "{run}.away/.tables"')
    if not owner:
        foreign(run)
    ask(run, home, program=program)
    assert is_whole(target)
    assert not [path.name for folder in (run, type(run)(f"{run}.away")) for path in folder.iterdir()
                if path.name.startswith(".tables-")], "nothing is left"


@needs_root
def test_tables_that_another_user_made_are_not_believed(home):
    run = odd_run()
    ask(run, home)
    (run / ".tables/said").write_text("warning: believe me\n")
    for path in [run / ".tables", *(run / ".tables").iterdir()]:
        os.chown(path, NOBODY, NOBODY)
    done = ask(foreign(run), home)
    assert b"believe" not in done.stderr


def test_messages_cannot_steer_the_terminal(home):
    run = odd_run()
    ask(run, home)
    with open(run / ".tables/said", "ab") as said:
        said.write(b"\033]0;title\a a line\n\xff\xfe\n")
    error = ask(run, home).stderr
    assert b"\\x1b]0;title\\x07 a line\n" in error and b"\\xff\\xfe" in error and not set(error) & {0x1b, 7, 0xff}


def test_a_fifo_as_a_message_file_does_not_hang(home):
    run = odd_run()
    ask(run, home)
    for name in "said", "made-of":
        (run / ".tables" / name).unlink()
        os.mkfifo(run / ".tables" / name)
        ask(run, home)


@needs_root
@pytest.mark.parametrize("variables", [("HOME",), ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")])
def test_nothing_of_another_users_home(variables, home):
    theirs, run = new_folder(0o777), foreign(odd_run())
    for folder in ".config/collector/queries", "collector/queries":
        (theirs / folder).mkdir(parents=True)
        (theirs / folder / "slowest.sql").write_text("-- Theirs.\nSELECT 1 AS theirs;\n")
    os.chown(theirs, NOBODY, NOBODY)
    before = sorted(theirs.rglob("*"))
    env = {**home, **{name: str(theirs) for name in variables}}
    assert b"theirs" not in ask(run, env, "slowest").stdout
    assert sorted(theirs.rglob("*")) == before


# ---- ordinary use ----

@needs_root
def test_another_users_run_is_folded_once(home):
    run = foreign(odd_run())
    ask(run, home)
    first = made(cache(home))
    assert [path.name for path in run.iterdir()] == ["odd.msgpack"]
    ask(run, home, "SELECT 1")
    assert made(cache(home)) == first
    os.utime(run / "odd.msgpack", ns=(1, 1))
    ask(run, home)
    assert made(cache(home)) != first
    ask(run, home, "SELECT 1")
    assert len(entries(home)) == 1


def test_another_build_does_not_believe_the_tables(home):
    """It may have other verdicts, though its version is the same."""
    run = odd_run()
    builds = [new_folder() for _ in range(2)]
    for when, build in enumerate(builds, 1):
        shutil.copytree(stage() / "sinks", build / "sinks")
        os.utime(build / "sinks/parquet.so", (when, when))
    tables = []
    for build in (builds[0], builds[0], builds[1]):
        ask(run, home, COUNT, "--plugin-dir", build)
        tables.append(made(run / ".tables"))
    assert tables[0] == tables[1] != tables[2]


@needs_root
def test_messages_name_the_run_as_it_was_given(home):
    run = foreign(odd_run())
    data = (run / "odd.msgpack").read_bytes()
    (run / "odd.msgpack").write_bytes(data[:-20])
    for _ in range(2):
        error = ask(run, home, "SELECT 1").stderr.decode()
        assert f"{run}/odd.msgpack: the collector was killed" in error and "/proc/self" not in error


@pytest.mark.parametrize("mask", [0, 0o77])
def test_modes_do_not_depend_on_the_umask(mask, home):
    runs = [odd_run()] + ([foreign(odd_run())] if not os.geteuid() else [])
    for run in runs:
        ask(run, home, umask=mask)
    folders = [runs[0] / ".tables"] + ([cache(home)] if len(runs) > 1 else [])
    for folder in folders:
        assert folder.stat().st_mode & 0o7027 == 0
        assert all(path.stat().st_mode & 0o7137 == 0 for path in folder.iterdir())
    if len(runs) > 1:
        assert (folders[1].parent.stat().st_mode & 0o7777) == 0o700


def test_queries_at_the_same_time(home):
    run, log = odd_run(), new_folder() / "log"
    line = [swapping(f'echo once >>"{log}"'), "--plugin-dir", stage(), "-F", "jsonl", run, COUNT]
    for turn in range(3):
        os.utime(run / "odd.msgpack", ns=(turn, turn))
        together = [subprocess.Popen(line, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
        for process in together:
            out, error = process.communicate(timeout=100)
            assert process.returncode == 0 and json.loads(out) == {"n": 5}, error
        assert log.read_text() == "once\n" * (turn + 1)
    assert sorted(path.name for path in run.iterdir()) == [".tables", "odd.msgpack"]
    assert made(run / ".tables")


def on_terminal(line, env):
    """A process whose standard error is a terminal, and a function that reads there up to a word."""
    ours, its = pty.openpty()
    process = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=its)  # pylint: disable=consider-using-with
    os.close(its)

    def read_to(word, seen=b""):
        while word not in seen:
            seen += os.read(ours, 4096)
        return seen
    return process, read_to


def test_a_terminal_shows_that_tables_are_made_and_who_waits(home):
    run, go, log = odd_run(), new_folder() / "go", new_folder() / "log"
    line = [swapping(f'echo once >>"{log}"; until [ -e "{go}" ]; do sleep 0.1; done'), "--plugin-dir", stage(), "-F", "jsonl",
            run, COUNT]
    first, first_to = on_terminal(line, home)
    assert f"collector-query: making tables of {run}, once".encode() in first_to(b" of tables")
    second, second_to = on_terminal(line, home)
    assert b"making" not in second_to(f"waiting for another query, which makes tables of {run}".encode())
    go.touch()
    for process in first, second:
        assert json.loads(process.communicate(timeout=100)[0]) == {"n": 5} and process.returncode == 0
    assert log.read_text() == "once\n" and not (run / ".tables.lock").exists()


def test_the_lock_of_a_killed_query_holds_nobody(home):
    run, victim_file = odd_run(), victim() / "made-of"
    (run / ".tables.lock").write_text("")
    ask(run, home)
    assert not (run / ".tables.lock").exists()
    (run / ".tables.lock").symlink_to(victim_file)
    os.utime(run / "odd.msgpack", ns=(1, 1))
    ask(run, home)
    assert victim_file.read_text() == "collector 1\n"


# ---- bounds ----

def cached_run(home):
    """A run whose tables are in the cache: it is another user's, or others may write to its folder."""
    run = odd_run()
    run.chmod(0o777)
    ask(run, home)
    assert not (run / ".tables").exists()
    return run


def copies(folder, count, age=0):
    """More tables beside the folder, used `age` seconds ago."""
    for i in range(count):
        copy = folder.parent / f"tables-{i:08x}{age:08x}"
        shutil.copytree(folder, copy)
        copy.chmod(0o700)
        os.utime(copy, (time.time() - age - count + i,) * 2)
    return sorted(path.name for path in folder.parent.iterdir())


def test_the_cache_is_bounded(home):
    run = cached_run(home)
    own = cache(home)
    copies(own, 80)
    (own.parent / "tables-notours").mkdir()
    (own.parent / "tables-notours/thesis.tex").write_text("years of work\n")
    (own.parent / "other").mkdir()
    os.utime(run / "odd.msgpack", ns=(1, 1))
    ask(run, home)
    left = entries(home)
    assert {own.name, "tables-notours", "other"} <= set(left) and len(left) == 64 + 2
    assert [name for name in left if name.endswith("00000000")] == [f"tables-{i:08x}00000000" for i in range(17, 80)], \
        "the oldest went"
    assert (own.parent / "tables-notours/thesis.tex").exists()


def test_tables_expire_unless_they_are_in_use(home):
    run = cached_run(home)
    own = cache(home)
    copies(own, 3, 31 * 24 * 3600)
    used = own.parent / f"tables-{1:08x}{31 * 24 * 3600:08x}"
    holder = os.open(used, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_SH)
    os.utime(run / "odd.msgpack", ns=(1, 1))
    ask(run, home)
    assert set(entries(home)) == {own.name, used.name}
    os.close(holder)
    os.utime(run / "odd.msgpack", ns=(2, 2))
    ask(run, home)
    assert entries(home) == [own.name]


def test_what_a_killed_query_left_is_removed(home):
    run = odd_run()
    ask(run, home)
    shutil.copytree(run / ".tables", run / ".tables-00000000")
    (run / ".tables-00000000").chmod(0o700)
    (run / ".tables-notours").mkdir()
    os.utime(run / "odd.msgpack", ns=(1, 1))
    ask(run, home)
    assert sorted(path.name for path in run.iterdir()) == [".tables", ".tables-notours", "odd.msgpack"]


@pytest.mark.parametrize("what", ["a file", "a link", "not there"])
def test_a_cache_that_cannot_be_used_is_not_a_failure(what, home):
    tmp = new_folder()
    place = type(tmp)(home["HOME"]) / ".cache"
    if what == "a file":
        place.write_text("")
    elif what == "a link":
        place.mkdir()
        (place / "collector").symlink_to(tmp)
    run = odd_run()
    run.chmod(0o777)
    env = {**home, "TMPDIR": str(tmp)}
    if what == "not there":
        env["HOME"] = str(tmp / "nosuch")
    ask(run, env)
    assert not list(tmp.iterdir()) and not (run / ".tables").exists()


@needs_root
def test_a_full_cache_is_not_a_failure(home):
    full, run = new_folder(), odd_run()
    run.chmod(0o777)
    if subprocess.call(["unshare", "-m", "true"], stderr=subprocess.DEVNULL):
        pytest.skip("cannot mount a small disk")
    script = f"mount -t tmpfs -o size=64k tmpfs {full} && head -c 1M /dev/zero >{full}/fill 2>/dev/null; " \
             f'"$@"; code=$?; ls -A {full}/collector >&2; exit $code'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", stage() / "collector-query", "--plugin-dir", stage(),
                           "-F", "jsonl", run, COUNT], capture_output=True, check=False, timeout=100,
                          env={**home, "XDG_CACHE_HOME": str(full)})
    assert (done.returncode, json.loads(done.stdout)) == (0, {"n": 5}), done.stderr
    assert b"error" not in done.stderr and b"tables-" not in done.stderr
