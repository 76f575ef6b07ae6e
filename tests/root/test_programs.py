# SPDX-License-Identifier: BSD-2-Clause
"""How processes are born and what they run: arguments byte for byte, folders, chains of programs."""
import json
import os
import re
import shutil
import sys

import pytest
from harness import collect, merge, new_folder, program, read_stream, to_bytes

# Runs each list of arguments of a file as a program of its own, and says its pid.
LAUNCH = """
import json, subprocess, sys
for line in open(sys.argv[1]):
    argv = [bytes.fromhex(item) for item in json.loads(line)]
    child = subprocess.Popen(argv, executable=sys.argv[2], env={}, stdout=subprocess.DEVNULL)
    child.wait()
    print(json.dumps({"pid": child.pid}))
"""
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

ARGUMENTS = {
    "plain": [b"program", b"-x", b"value"],
    "empty strings": [b"program", b"", b"", b"last", b""],
    "first is empty": [b"", b"x"],
    "newlines and tabs": [b"program", b"a\nb\tc\r\n", b"\n"],
    "quotes and escapes": [b"program", b"\"'\\", b"\x1b[31m", b"\x01\x7f"],
    "not UTF-8": [b"program", b"\xff\xfe", b"caf\xe9", b"\xc3\x28", b"\xed\xa0\x80", b"ok"],
    "UTF-8": [b"program", "é 日本 🧬".encode()],
    "looks like JSON": [b"program", b'{"base64": "x"}', b"null"],
    "128 KiB in one": [b"program", b"x" * (131072 - 1)],
    "at the inline limit": [b"program", b"y" * (4096 - 8 - 1)],
    "over the inline limit": [b"program", b"y" * (4096 - 8)],
    "20000 of them": [b"program"] + [b"%d" % n for n in range(20000)],
    "about 2 MB": [b"program"] + [bytes([97 + n % 26]) * 130000 for n in range(15)] + [b"the end"],
    "parts of 30720": [b"p" * 30719, b"q" * 30719, b"r" * 61439],
}


@pytest.fixture(scope="module")
def arguments():
    folder = new_folder()
    (folder / "cases").write_text(
        "".join(json.dumps([item.hex() for item in argv]) + "\n" for argv in ARGUMENTS.values()))
    # the stack limit bounds the arguments: 2 MB of them need 8 MiB
    run = collect("sh", "-c", 'ulimit -s 16384 && exec "$@"', "sh", PYTHON, "-c", LAUNCH, folder / "cases",
                  "/bin/true", cwd=folder)
    return run, dict(zip(ARGUMENTS, (line["pid"] for line in run.said)))


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_are_complete_byte_for_byte(arguments, case):
    run, pids = arguments
    args = run.one("lifecycle.exec", pid=pids[case])["args"]
    assert [to_bytes(arg) for arg in args] == ARGUMENTS[case]


def test_arguments_by_an_independent_reader(arguments):
    run, pids = arguments
    _, records = read_stream(run.path / "lifecycle.msgpack")
    args = {r["pid"]: r["args"] for r in records if r["event"] == "exec"}
    assert {case: args[pid] for case, pid in pids.items()} == ARGUMENTS
    assert not run.lost


def test_working_folders():
    top = new_folder()
    deep = top / "/".join(["folder with a blank"] * 100 + ["ä"])
    os.makedirs(deep)
    (top / "gone").mkdir()
    script = f"""
cd '{deep}' && /bin/true deep
cd '{top}/gone' && rmdir '{top}/gone' && /bin/true gone
cd / && /bin/true root
"""
    run = collect("sh", "-c", script)
    where = {exe["args"][1]: exe["cwd"] for exe in run.of("lifecycle.exec", exe="/bin/true")}
    assert where == {"deep": str(deep), "gone": f"{top}/gone (deleted)", "root": "/"}


# A folder that is renamed, moved, deleted and made again while programs run in it, all on one CPU: each says
# itself where it is.
MOVES = """
import os, subprocess, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
base = os.path.realpath(sys.argv[1])
def here():
    for _ in range(2):
        subprocess.run(["/bin/true", os.readlink("/proc/self/cwd")], env={})
os.makedirs("a/b/c")
os.mkdir("x")
os.chdir("a/b/c")
here()
for old, new in ("a", "d"), ("d/b", "x/b"), ("x/b/c", "x/b/e"), ("x/b", "d/b"), ("d", "a"):
    os.rename(f"{base}/{old}", f"{base}/{new}")
    here()
os.rmdir(os.getcwd())
here()
os.mkdir(f"{base}/a/b/e")
here()
for there in f"{base}/a/b/e", "/", "/dev/shm", "/proc", base:
    os.chdir(there)
    here()
"""


def test_working_folder_that_moves():
    folder = new_folder()
    run = collect(PYTHON, "-c", MOVES, folder, cwd=folder)
    where = [(e["args"][1], e["cwd"]) for e in run.of("lifecycle.exec", exe="/bin/true")]
    assert len(where) == 26 and [said for said, _ in where] == [seen for _, seen in where]


def test_a_program_from_memory_has_the_name_that_it_was_given():
    script = """
import os, sys
memory = os.memfd_create("stage2", 0)
with open("/bin/false", "rb") as file:
    os.write(memory, file.read())
os.execve(memory, ["my-tool", "--in-memory"], {})
"""
    run = collect(PYTHON, "-c", script, code=1)
    assert run.of("lifecycle.exec")[-1]["args"] == ["my-tool", "--in-memory"]
    page = merge(run.path, sink="summary")
    assert re.search(r"^.* my-tool$", page, re.M) and "exit 1  my-tool --in-memory" in page


def test_ids_and_environment():
    config = "probes: {lifecycle: {env: [WANTED, EMPTY, ABSENT]}, cpu: {}, mem: {}}\n"
    line = ["env", "-i", "WANTED=yes=1", "EMPTY=", "OTHER=no", "WANTED_NOT=x", "PATH=/usr/bin:/bin",
            "setpriv", "--reuid=1234", "--regid=4321", "--clear-groups", "true"]
    run = collect(*line, config=config)
    last = run.of("lifecycle.exec")[-1]
    assert (last["uid"], last["gid"], last["args"]) == (1234, 4321, ["true"])
    assert (last["euid"], last["egid"]) == (1234, 4321)
    assert last["env"] == {"WANTED": "yes=1", "EMPTY": ""}


def test_a_set_user_id_program():
    """Run by another user: the real id stays, the effective one is the file's owner's."""
    tool = shutil.copy("/usr/bin/id", new_folder() / "id")
    os.chmod(tool, 0o6755)
    run = collect("setpriv", "--reuid=1234", "--regid=4321", "--clear-groups", tool, "-u")
    last = run.of("lifecycle.exec")[-1]
    assert run.stdout == b"0\n"
    assert (last["uid"], last["gid"], last["euid"], last["egid"]) == (1234, 4321, 0, 0)


# Arguments and environment of so many bytes, as the kernel has them: each alone and both together in one event, in
# parts, or one of either. 4096 is what an event holds, 30720 a part.
def listed(size, names):
    """NAME=VALUE items of exactly `size` bytes with their NULs: the wanted ones are the first, one in the middle that
    crosses every limit, and the last."""
    if not size:
        return {}
    items = {"FIRST": "1", "LAST": "the end"}
    left = size - sum(len(f"{name}={value}") + 1 for name, value in items.items())
    filled = {}
    for i in range(left // 120000 + 1):
        name = names[i] if i < len(names) else f"OTHER_{i}"
        length = min(left - len(name) - 2, 120000)
        if length < 0:
            break
        filled[name] = "".join(chr(97 + (n * 7 + i) % 26) for n in range(length))
        left -= length + len(name) + 2
    return {"FIRST": "1", **filled, "LAST": "the end"}


SIZES = [(70000, 300000), (300000, 70000), (2000000, 2000000),
         *((args, env) for args in (4096, 4097, 30720, 30721, 61440, 61441) for env in (0, 4096, 4097, 30720, 30721, 61441)),
         (70000, 100), (100, 300000), (100, 4096), (20, 30721)]
WANTED = ["FIRST", "OTHER_0", "LAST", "OTHER_2"]

ENVIRON = """
import json, os, sys
for line in open(sys.argv[1]):
    argv, env = json.loads(line)
    child = os.posix_spawn("/bin/true", argv, env)
    os.waitpid(child, 0)
    print(json.dumps({"pid": child}))
"""


def test_long_environments():
    cases = [(["program", *("x" * 9999 for _ in range((args - 8) // 10000)), "y" * ((args - 8) % 10000 - 1)],
              listed(env, ["OTHER_0"])) for args, env in SIZES]
    for (args, env), (argv, environ) in zip(SIZES, cases):
        assert sum(len(item) + 1 for item in argv) == args
        assert sum(len(name) + len(value) + 2 for name, value in environ.items()) == env
    folder = new_folder()
    (folder / "cases").write_text("".join(json.dumps(case) + "\n" for case in cases))
    config = f"probes: {{lifecycle: {{env: [{', '.join(WANTED)}]}}}}\n"
    run = collect("sh", "-c", 'ulimit -s 65536 && exec "$@"', "sh", PYTHON, "-c", ENVIRON, folder / "cases",
                  config=config)
    for (argv, environ), said in zip(cases, run.said, strict=True):
        seen = run.one("lifecycle.exec", pid=said["pid"])
        assert seen["args"] == argv
        assert seen["env"] == {name: value for name, value in environ.items() if name in WANTED}
        assert "missing" not in seen or not {"args", "env"} & set(seen["missing"])
    assert not run.lost


# what each case of execs.c runs: the child's status, and the arguments of its programs one after the other
CASES = {
    "by_fork": (11, [["exit", "11"]]),
    "no_exec": (12, []),
    "by_vfork": (13, [["exit", "13"]]),
    "vfork_exit": (6, []),
    "by_spawn": (14, [["exit", "14"]]),
    "clone_vm": (15, []),
    "clone_no_signal": (15, []),
    "chain": (5, [["chain", "5"], ["chain", "4"], ["chain", "3"], ["chain", "2"], ["chain", "1"], ["exit", "5"]]),
    "by_thread": (16, [["exit", "16"]]),
    "enoent": (127, []),
    "eacces": (126, []),
    "by_descriptor": (17, [["exit", "17"]]),
    "new_pid_namespace": (15, []),
    "reaped_late": (18, []),
    "reaps_itself": (1, []),
    "orphan": (21, []),
}


@pytest.fixture(scope="module")
def births():
    folder = new_folder()
    (folder / "script.sh").write_text("#!/bin/sh -u\nexit 7\n")
    (folder / "script.sh").chmod(0o755)
    # an orphan sleeps and then ends: on a loaded machine later than the default of two seconds
    return collect(program("execs"), *CASES, "script", "no_arguments", "sibling", options=["--grace", "30s"], cwd=folder)


@pytest.mark.parametrize("case", CASES)
def test_births(births, case):
    """One fork, one exit with wait4's status, in between the programs in their order: one process all along."""
    status, programs = CASES[case]
    child = next(child for child in births.said if child["case"] == case)
    pid = child["pid"]
    if case != "reaps_itself":  # its own child may already be gone or not when it looks
        assert os.waitstatus_to_exitcode(child["status"]) == status
    fork, end = births.one("lifecycle.fork", pid=pid), births.one("lifecycle.exit", pid=pid)
    assert end["exit_code"] == os.waitstatus_to_exitcode(child["status"])
    execs = births.of("lifecycle.exec", pid=pid)
    assert [e["args"][1:] for e in execs] == programs
    order = [fork, *execs, end]
    assert len({e["start"] for e in order}) == 1
    assert [e["ts"] for e in order] == sorted(e["ts"] for e in order)
    assert len(births.of("cpu.exit", pid=pid)) == 1 and len(births.of("mem.exit", pid=pid)) == 1


def test_exec_by_a_thread_keeps_the_process(births):
    """The thread takes the leader's pid: its old leader's end is not the process's."""
    pid = next(child["pid"] for child in births.said if child["case"] == "by_thread")
    assert births.one("lifecycle.exec", pid=pid)["tid"] == pid
    assert births.one("lifecycle.exit", pid=pid)["threads_peak"] == 2


def test_script(births):
    """A script is run by its interpreter, which gets the script's path for the first argument."""
    pid = next(child["pid"] for child in births.said if child["case"] == "script")
    execs = births.of("lifecycle.exec", pid=pid)
    assert [e["args"] for e in execs] == [["/bin/sh", "-u", "./script.sh", "for the script"]]
    assert execs[0]["exe"] == "./script.sh"
    assert births.one("lifecycle.exit", pid=pid)["exit_code"] == 7


def test_no_arguments(births):
    """The kernel makes one empty argument of none from 5.18 on."""
    pid = next(child["pid"] for child in births.said if child["case"] == "no_arguments")
    assert births.one("lifecycle.exec", pid=pid)["args"] in ([""], [])


def test_failed_execs():
    """Costs a hook at every system call, so it is asked for."""
    config = "probes: {lifecycle: {exec_failed: true}, cpu: {}, mem: {}}\n"
    run = collect(program("execs"), "enoent", "eacces", config=config)
    by_case = {child["case"]: child["pid"] for child in run.said}
    enoent = run.one("lifecycle.exec_failed", pid=by_case["enoent"])
    assert (enoent["exe"], enoent["error"]) == ("/nonexistent/program", "ENOENT")
    assert enoent["args"] in (None, ["program", "one argument"])
    eacces = run.one("lifecycle.exec_failed", pid=by_case["eacces"])
    assert (eacces["exe"], eacces["error"]) == ("/etc/passwd", "EACCES")


def test_failed_execs_are_said_to_be_off(births):
    header, _ = read_stream(births.path / "lifecycle.msgpack")
    assert any(line.startswith(b"exec_failed") for line in header[b"unavailable"])
    assert not births.of("lifecycle.exec_failed")


def test_children_of_children(births):
    """They belong to the run whoever their parent is: a sibling by CLONE_PARENT, an orphan, one nobody waits for."""
    pids = {child["case"]: child["pid"] for child in births.said}
    shell = births.of("lifecycle.exec")[0]
    inner = births.one("lifecycle.exit", ppid=pids["reaps_itself"])
    assert inner["exit_code"] == 19
    orphan = births.one("lifecycle.fork", ppid=pids["orphan"])
    end = births.one("lifecycle.exit", pid=orphan["pid"])
    assert end["exit_code"] == 20 and end["ppid"] != pids["orphan"]
    known = set(pids.values()) | {inner["pid"], orphan["pid"]}
    sibling = births.one("lifecycle.exit", ppid=shell["pid"], exit_code=15, pid=max(
        e["pid"] for e in births.of("lifecycle.exit", ppid=shell["pid"]) if e["pid"] not in known))
    assert sibling["duration_ns"] > 0
