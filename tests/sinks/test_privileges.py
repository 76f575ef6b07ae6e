# SPDX-License-Identifier: BSD-2-Clause
"""Run by root, nothing that parses streams or tables is root's: who loads sinks and libduckdb, what they may do, and that files
arrive as before. The witnesses are the kernel's /proc and a sink that says as whom it was loaded."""
import errno
import fcntl
import functools
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, CC, NOBODY, SRC, made_run, new_folder, stage, wait_for
from tables import needs_sink, odd_run

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: its rights are what is dropped")
has_query = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
GROUP = 65533
NO, DENIED = os.strerror(errno.EPERM), os.strerror(errno.EACCES)


def account():
    try:
        user = pwd.getpwnam("collector")
        return user.pw_uid, user.pw_gid
    except KeyError:
        return NOBODY, GROUP


def clean(**more):
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("SUDO_", "XDG_"))}, "HOME": str(new_folder(0o700)), **more}


@functools.cache
def plugins():
    """All sinks, and two of ours."""
    folder = new_folder()
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    for name in "witness", "planter":
        subprocess.run([*CC, "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-shared", "-fPIC", f"-I{SRC}", "-o",
                        folder / f"sinks/{name}.so", SRC / f"tests/sinks/hostile/{name}.c"], check=True)
    return folder


def private_run():
    """A run in a folder that only root can enter."""
    run = odd_run()
    run.parent.chmod(0o700)
    return run


def call(*line, code=0, env=None, **popen):
    done = subprocess.run([stage() / line[0], "--plugin-dir", plugins(), *line[1:]], capture_output=True, text=True, check=False,
                          timeout=100, env=env or clean(), **popen)
    assert done.returncode == code, done.stderr
    return done


def witnessed(text):
    """What the witness wrote: (the status of its process, what became of what it tried, the file)."""
    text, _, file = text.partition("file ")
    lines = [line.partition(":") for line in text.splitlines()]
    status = {name: value.strip() for name, _, value in lines if not name.startswith("try ")}
    return status, {name[4:]: value.strip() for name, _, value in lines if name.startswith("try ")}, file


def check_dropped(status, uid, gid, groups=""):
    assert status["Uid"].split() == [str(uid)] * 4 and status["Gid"].split() == [str(gid)] * 4
    assert status["Groups"].split() == groups.split()
    assert all(int(status[f"Cap{kind}"], 16) == 0 for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
    assert status["NoNewPrivs"] == "1"


# ---- as whom ----

def test_a_sink_runs_as_the_account():
    secret = new_folder(0o700) / "secret"
    secret.write_text("secret")
    status, tried, _ = witnessed(call("collector-merge", "-s", "witness", private_run(), env=clean(SECRET=str(secret))).stdout)
    check_dropped(status, *account())
    assert tried == {"setuid": NO, "secret": DENIED, "signal": NO, "memory": DENIED}


def test_with_sudo_it_is_the_caller():
    user = pwd.getpwnam("daemon")
    done = call("collector-merge", "-s", "witness", private_run(), env=clean(SUDO_UID=str(user.pw_uid)))
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    check_dropped(witnessed(done.stdout)[0], user.pw_uid, user.pw_gid, " ".join(map(str, groups)))


def test_an_ordinary_user_runs_it_as_themselves():
    run = odd_run()
    for path in [run, *run.iterdir()]:
        path.chmod(0o755)
    status, _, _ = witnessed(call("collector-merge", "-s", "witness", run, user=NOBODY, group=NOBODY, extra_groups=[]).stdout)
    assert status["Uid"].split() == [str(NOBODY)] * 4 and status["NoNewPrivs"] == "0"


def test_capabilities_of_an_ordinary_user_do_not_get_there():
    run = odd_run()
    for path in [run, *run.iterdir()]:
        path.chmod(0o755)
    line = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override", stage() / "collector-merge", "--plugin-dir", plugins(), "-s", "witness", run]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=clean())
    status, tried, _ = witnessed(done.stdout)
    assert status["CapEff"].strip("0") == status["CapPrm"].strip("0") == status["CapAmb"].strip("0") == ""
    assert status["Uid"].split() == [str(NOBODY)] * 4 and tried["secret"] == DENIED


@pytest.mark.parametrize("before", [["unshare", "--user", "--map-root-user"], ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]],
                         ids=["user namespace", "no capabilities"])
def test_where_there_is_no_other_account(before):
    """It is the same UID without capabilities."""
    run, folder = odd_run(), new_folder()
    line = [*before, stage() / "collector-merge", "--plugin-dir", plugins(), "-s", "witness", "-s",
            f"planter:output={folder}/out", run]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=clean())
    if done.returncode and "unshare" in done.stderr:
        pytest.skip("no user namespaces here")
    assert done.returncode == 0, done.stderr
    status, tried, _ = witnessed(done.stdout)
    assert status["Uid"].split() == ["0"] * 4 and int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert tried["setuid"] == "done" and (folder / "out/file").read_text() == "made\n"


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def maps(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def blocked(pid):
    """Writes into a pipe that is full."""
    return any(Path(f"/proc/{pid}/task/{task}/wchan").read_text() in ("pipe_write", "anon_pipe_write", "0") and
               Path(f"/proc/{pid}/task/{task}/syscall").read_text().split()[0] == "1"
               for task in os.listdir(f"/proc/{pid}/task"))


def full_pipe():
    """What is written to it waits."""
    ours, its = os.pipe()
    fcntl.fcntl(its, fcntl.F_SETPIPE_SZ, 4096)
    assert os.write(its, bytes(4096)) == 4096
    return ours, its


def check_live(line):
    """Stops the program by a pipe that is not read, and looks at its processes."""
    ours, its = full_pipe()
    with subprocess.Popen(line, stdout=its, stderr=subprocess.PIPE, env=clean()) as process:
        try:
            child, = wait_for(lambda: [c for c in children(process.pid) if blocked(c)], "its process writes")
            status = dict(line.split(":\t") for line in Path(f"/proc/{child}/status").read_text().splitlines() if ":\t" in line)
            check_dropped(status, *account())
            return maps(process.pid), maps(child)
        finally:
            process.kill()
            os.close(its)
            os.close(ours)


@needs_sink
def test_the_process_of_root_maps_no_sink_and_no_duckdb():
    run, _ = made_run(10000)
    own, its = check_live([stage() / "collector-merge", "--plugin-dir", stage(), "-s", "jsonl", "-s",
                           f"parquet:output={new_folder()}/x", run])
    assert "/sinks/" not in own and "duckdb" not in own and "msgpack" not in own.replace(str(run), "")
    assert "/sinks/jsonl.so" in its and "libduckdb" in its


@has_query
@pytest.mark.parametrize("line", [["collector-query", "-F", "csv", "RUN", "FROM lifecycle_exec"],
                                  ["collector-query", "-F", "table", "RUN", "FROM lifecycle_exec"],
                                  ["collector-diff", "--all", "-F", "csv", "RUN", "RUN2"]], ids=lambda line: line[0] + line[2])
def test_the_same_of_queries(line):
    run, _ = made_run(10000)
    if "RUN2" in line:
        other = new_folder() / "other"
        shutil.copytree(run, other)
        line = [str(other) if word == "RUN2" else word for word in line]
    own, its = check_live([stage() / line[0], "--plugin-dir", stage(), *[str(run) if word == "RUN" else word for word in line[1:]]])
    assert "duckdb" not in own and "libduckdb" in its


# ---- who loads them ----

def loads(line, env=None):
    """(UID, EUID) of each process that loaded the witness."""
    file = new_folder() / "loads"
    file.write_text("")
    file.chmod(0o666)
    subprocess.run(line, env=clean(WITNESS=str(file), **(env or {})), check=True, capture_output=True, timeout=60)
    return {tuple(map(int, line.split())) for line in file.read_text().splitlines()}


def config(text):
    file = new_folder() / "c.yaml"
    file.write_text(text)
    return file


@pytest.mark.parametrize("words", [["collector-merge", "--list"], ["collector", "--list"],
                                   ["collector", "--check", "-c", "CONFIG"], ["collector-merge", "-s", "witness", "RUN"]], ids=" ".join)
def test_no_process_of_roots_loads_a_sink(words):
    given = {"CONFIG": config("sinks: {witness: {}}\n"), "RUN": odd_run()}
    found = loads([stage() / words[0], "--plugin-dir", plugins(), *[given.get(word, word) for word in words[1:]]])
    assert found == {(account()[0],) * 2}


def test_options_of_a_sink_are_checked_all_the_same():
    for text, what in (("{planter: {what: [a]}}", "c.yaml:1:25"), ("{planter: {wath: x}}", "did you mean \"what\""),
                       ("{nosuch: {}}", "no sink \"nosuch\""), ("{planter: {overwrite: perhaps}}", "overwrite")):
        done = call("collector", "--check", "-c", config(f"sinks: {text}\n"), code=2)
        assert what in done.stderr, done.stderr
    assert "good" in call("collector", "--check", "-c", config("sinks: {planter: {what: 'a,b', overwrite: true}}\n")).stdout


def test_a_sink_that_dies_when_it_is_loaded_is_an_error():
    folder = new_folder()
    (folder / "sinks").mkdir()
    (folder / "x.c").write_text("__attribute__((constructor)) static void x(void) { __builtin_trap(); }\n")
    subprocess.run([*CC, "-shared", "-fPIC", "-o", folder / "sinks/dies.so", folder / "x.c"], check=True)
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", folder, "-s", "dies", odd_run()], capture_output=True,
                          text=True, check=False, env=clean())
    assert done.returncode == 2 and "dies.so: " in done.stderr and "load" in done.stderr


# ---- what arrives ----

def owners(folder):
    return {(path.stat().st_uid, path.stat().st_gid) for path in [folder, *folder.rglob("*")]}


@pytest.mark.parametrize("mask", [0, 0o22, 0o77])
def test_a_folder_is_roots_in_the_end(mask):
    out = new_folder(0o700) / "out"
    call("collector-merge", "-s", f"planter:output={out}", private_run(), umask=mask)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*")) == ["below", "below/file", "file"]
    assert owners(out) == {(0, 0)} and (out / "below/file").read_text() == "made\n"
    for path in out / "file", out / "below/file":
        assert stat.S_IMODE(path.stat().st_mode) == 0o777 & ~mask, "no set-user-ID bit, and the umask"


@pytest.mark.parametrize("what", ["link", "fifo", "hard"])
def test_what_is_not_a_file_does_not_arrive(what):
    folder = new_folder()
    done = call("collector-merge", "-s", f"planter:what={what}", "-o", folder / "out", odd_run(), code=1)
    assert "planter: " in done.stderr and "Operation not permitted" in done.stderr
    assert not list(folder.iterdir())


@needs_sink
@pytest.mark.parametrize("sink", ["parquet", "parquet:partition=true", "duckdb", "report", "perfetto", "jsonl", "summary"])
def test_the_same_bytes_as_an_ordinary_users(sink):
    run, out = odd_run(), new_folder(0o777)
    for path in [run, *run.iterdir()]:
        path.chmod(0o755)
    roots, users = out / "roots", out / "users"
    call("collector-merge", "-s", sink, "-o", roots, run)
    call("collector-merge", "-s", sink, "-o", users, run, user=NOBODY, group=NOBODY, extra_groups=[])

    def files(path):
        if not path.is_dir():
            return [("", stat.S_IMODE(path.stat().st_mode), path.stat().st_size if sink in ("duckdb", "report") else path.read_bytes())]
        return sorted((str(p.relative_to(path)), stat.S_IMODE(p.stat().st_mode), p.read_bytes()) for p in path.rglob("*") if p.is_file())
    assert files(roots) == files(users)
    assert owners(roots) == {(0, 0)} and {path.name for path in out.iterdir()} == {"roots", "users"}


@needs_sink
def test_an_output_that_exists_is_found_before_the_work():
    out, run = new_folder(0o700) / "out", private_run()
    call("collector-merge", "-s", "parquet", "-o", out, run)
    before = {path: path.stat().st_ino for path in out.iterdir()}
    done = call("collector-merge", "-s", "parquet", "-o", out, run, code=2)
    assert "processes.parquet: exists" in done.stderr and {path: path.stat().st_ino for path in out.iterdir()} == before
    call("collector-merge", "-s", "parquet:overwrite=true", "-o", out, run)
    old = new_folder(0o700) / "old"
    (old / "processes/run=1/host=h").mkdir(parents=True)
    assert "lake of collector 0.1" in call("collector-merge", "-s", "parquet:partition=true", "-o", old, run, code=2).stderr


def test_rules_that_only_root_can_read():
    rules = new_folder(0o700) / "rules.yaml"
    rules.write_text("steps: [{args: '.*', step: mine}]\n")
    rules.chmod(0o600)
    assert witnessed(call("collector-merge", "-s", f"witness:rules={rules}", odd_run()).stdout)[2] == rules.read_text()
    call("collector-merge", "-s", f"summary:steps={rules}", odd_run())
    rules.write_text("stepz: []\n")
    assert f"{rules}:1:1" in call("collector-merge", "-s", f"summary:steps={rules}", odd_run(), code=2).stderr


# ---- a hostile run ----

def test_links_in_another_users_run_are_not_followed():
    theirs, secret = odd_run(), private_run()
    for path in [theirs, *theirs.iterdir()]:
        os.chown(path, NOBODY, NOBODY)
    (theirs / "soft.msgpack").symlink_to(secret / "odd.msgpack")
    os.link(secret / "odd.msgpack", theirs / "hard.msgpack")
    os.mkfifo(theirs / "fifo.msgpack")
    done = call("collector-merge", "-s", "jsonl", theirs)
    assert {json.loads(line)["run"] for line in done.stdout.splitlines()} == {"run-odd"}
    for name, why in (("soft", "is a link"), ("hard", "not permitted"), ("fifo", "not a regular file")):
        assert any(f"{name}.msgpack" in line and why in line for line in done.stderr.splitlines()), done.stderr


# ---- signals ----

def started(out, *words):
    run, _ = made_run(10000)
    process = subprocess.Popen([stage() / "collector-merge", "--plugin-dir", plugins(), "-s", "jsonl", "-s",
                                f"planter:output={out}", run, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean())
    child, = wait_for(lambda: [c for c in children(process.pid) if blocked(c)], "its process writes")
    return process, child


def test_a_signal_ends_both():
    folder = new_folder()
    process, child = started(folder / "out")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM and not list(folder.iterdir())
    assert not Path(f"/proc/{child}").exists()


def test_it_does_not_outlive_its_parent():
    process, child = started(new_folder() / "out")
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()
    wait_for(lambda: not Path(f"/proc/{child}").exists() or
             "\nState:\tZ" in Path(f"/proc/{child}/status").read_text(), "it ends")


def test_one_that_is_killed_leaves_nothing():
    folder = new_folder()
    process, child = started(folder / "out")
    os.kill(child, signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and b"killed by signal 9" in said and not list(folder.iterdir())


# ---- queries ----

COUNT = "SELECT count(*) AS n FROM odd_thing"


def ask(source, env, *words):
    done = call("collector-query", "-F", "jsonl", *words, source, COUNT, env=env)
    assert json.loads(done.stdout or Path(words[1]).read_text()) == {"n": 5}, done.stderr
    return done


@has_query
@pytest.mark.parametrize("mask", [0, 0o77])
def test_root_asks_a_private_run_from_its_cache(mask):
    run, env = private_run(), clean()
    os.umask(mask)
    try:
        ask(run, env)
        first = (run / ".tables/images.parquet").stat()
        assert (first.st_uid, first.st_gid, stat.S_IMODE(first.st_mode)) == (0, account()[1], 0o640)
        ask(run, env, "-o", new_folder(0o700) / "x.jsonl")
        assert (run / ".tables/images.parquet").stat().st_ino == first.st_ino
    finally:
        os.umask(0o22)


@has_query
def test_tables_of_roots_run_are_not_for_the_callers_group():
    run, env = private_run(), clean(SUDO_UID=str(pwd.getpwnam("daemon").pw_uid))
    ask(run, env)
    assert not (run / ".tables").exists()
    cache = Path(env["HOME"]) / ".cache/collector"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700 and len(list(cache.iterdir())) == 1


@has_query
@pytest.mark.parametrize("sink", ["parquet", "parquet:partition=true", "duckdb"])
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_root_asks_tables_that_only_root_can_read(sink, mode):
    out, tmp = new_folder(0o700) / "out", new_folder()
    call("collector-merge", "-s", sink, "-o", out, odd_run(), umask=0o777 & ~mode)
    ask(out, clean(TMPDIR=str(tmp)))
    assert not list(tmp.iterdir())


@has_query
def test_files_of_others_are_not_lent_with_a_lake():
    """The owner of a folder of tables cannot have a file read that only root can read."""
    secret, theirs = new_folder(0o700) / "secret", new_folder() / "theirs"
    call("collector-merge", "-s", "parquet", "-o", theirs, odd_run())
    call("collector-merge", "-s", "parquet", "-o", secret, odd_run(), umask=0o77)
    os.chown(theirs, NOBODY, NOBODY)
    for path in theirs.iterdir():
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o600)
    os.link(secret / "odd_thing.parquet", theirs / "hard.parquet")
    (theirs / "soft.parquet").symlink_to(secret / "odd_thing.parquet")
    ask(theirs, clean())
    listed = call("collector-query", "-F", "jsonl", theirs, env=clean()).stdout
    assert "odd_thing" in listed and "hard" not in listed and "soft" not in listed


@has_query
def test_an_output_of_a_query_is_roots():
    folder = new_folder(0o700)
    for name in "x.parquet", "x.csv":
        call("collector-query", "-o", folder / name, private_run(), COUNT, umask=0o22)
        found = (folder / name).stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o640) and found.st_size
    call("collector-query", "-o", folder / "y.parquet", private_run(), "SELECT nosuch", code=2)
    assert sorted(path.name for path in folder.iterdir()) == ["x.csv", "x.parquet"]
