# SPDX-License-Identifier: BSD-2-Clause
"""What a run ends on purpose is no failure; what ends itself, or is ended from outside, is one. Real tools."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from harness import BUILD, SRC, collect, merge, new_folder, stage

POOL = """
import multiprocessing, os, time
def work(name):
    open(name, "w").close()
    time.sleep(600)
if __name__ == "__main__":
    with multiprocessing.Pool(3) as pool:
        pool.map(abs, range(10))
        pool.apply_async(work, ("up",))
        while not os.path.exists("up"): time.sleep(0.01)
        pool.terminate()
"""
EXECUTOR = """
import concurrent.futures, os, signal
def die(i):
    if i == 2: os.kill(os.getpid(), signal.SIGKILL)
    return i
if __name__ == "__main__":
    try:
        with concurrent.futures.ProcessPoolExecutor(2) as pool: list(pool.map(die, range(8)))
    except concurrent.futures.process.BrokenProcessPool: pass
"""
SERVER = """
import signal, sys, time
signal.signal({0}, lambda *_: sys.exit("stopped"))
open("up", "w").close()
time.sleep(600)
"""
AGAIN = """
import os, signal, time
def again(number, frame):
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
signal.signal(signal.SIGTERM, again)
open("up", "w").close()
time.sleep(600)
"""
MAKEFILE = """
all: a b
a:
	@sleep 600 & echo $$! > pid; wait $$! || true
b:
	@while [ ! -s pid ]; do sleep 0.01; done; kill -KILL $$(cat pid)
"""

# name: command
HEALTHY = {
    "server_of_a_trap": ["bash", "-c", "sleep 600 & S=$!; trap 'kill $S' EXIT; true"],
    "job_control": ["bash", "-c", "set -m; sleep 600 & kill %1; wait; exit 0"],
    "kill_and_wait": ["bash", "-c", "sleep 600 & kill -KILL $!; wait $! || true"],
    "a_whole_group": ["bash", "-c", "set -m; (sleep 600 & : > up; sleep 600; true) & while [ ! -e up ]; do sleep 0.01; done; "
                      "kill -TERM -- -$!; wait; exit 0"],
    "kill_1": ["bash", "-c", "sleep 600 & /bin/kill -TERM $!; wait $! || true"],
    "pkill": ["bash", "-c", "sleep 600 & while [ $(cat /proc/$!/comm) != sleep ]; do :; done; "
              "pkill -P $$ -x sleep; wait $! || true"],
    "hangup": ["bash", "-c", "sleep 600 & kill -HUP $!; wait $! || true"],
    "a_watchdog": ["bash", "-c", "sleep 600 & P=$!; (sleep 0.2; kill $P) & wait $P || true; wait"],
    "a_pool": ["/usr/bin/python3", "-c", POOL],
    "a_server": ["bash", "-c", f"/usr/bin/python3 -c '{SERVER.format('signal.SIGTERM')}' & while [ ! -e up ]; do sleep 0.01; done; "
                 "kill $!; wait $! || true"],
    "a_shell_that_ends_by_it": ["bash", "-c", "bash -c 'trap \"trap - TERM; kill -TERM \\$\\$\" TERM; : > up; while :; do sleep 0.05; done'"
                                " & while [ ! -e up ]; do sleep 0.01; done; kill $!; wait $!; exit 0"],
    "a_program_that_ends_by_it": ["bash", "-c", f"/usr/bin/python3 -c '{AGAIN}' & while [ ! -e up ]; do sleep 0.01; done; "
                                  "kill $!; wait $!; exit 0"],
    "node": ["bash", "-c", f"{shutil.which('node') or 'sleep 600 #'} -e 'setInterval(() => {{}}, 1000); require(\"fs\").writeFileSync(\"up\", \"\")'"
             " & P=$!; for i in {1..500}; do [ -e up ] && break; sleep 0.01; done; kill $P; wait $P; exit 0"],
    "a_namespace_that_ends": ["unshare", "-pf", "bash", "-c", "sleep 600 & sleep 0.3; exit 0"],
    "xargs": ["bash", "-c", "echo 1 2 3 | xargs -n 1 -P 3 sh -c 'sleep 600 & kill $!; wait $! || true'"],
    "make": ["make", "-s", "-j2", "-f", "makefile"],
}
# That the time was up is a failure of the run only if this ends by it: how it ended, what is said of it
LATE = {
    "sh": ("timeout 0.3 sh -c 'sleep 600; echo late'", "exit 124", "timed out"),
    "a_group": ("timeout -k 0.3 0.3 bash -c 'trap : TERM; while :; do sleep 0.1; done'", "SIGKILL", "timed out: sent by itself"),
    "a_server": (f"timeout -s INT 1 /usr/bin/python3 -c '{SERVER.format('signal.SIGINT')}'", "exit 124", "timed out"),
    "what_ends_by_it": ("timeout -s INT 1 /usr/bin/python3 -c 'import time; time.sleep(600)'", "exit 124", "timed out"),
    "a_kill": ("timeout -s KILL 0.3 sleep 600", "SIGKILL", "timed out: sent by itself"),
}
# name: command, the failures: how each ended, what is said of it
FAILING = {
    **{f"timeout_of_{name}": (["bash", "-c", f"{command}; exit $?"], [(how, said)]) for name, (command, how, said) in LATE.items()},
    "a_namespace_that_fails": (["bash", "-c", "unshare -pf bash -c 'sleep 600 & sleep 0.3; exit 3'; exit 0"], [("exit 3", "")]),
    "reloaded": (["bash", "-c", f"/usr/bin/python3 -c '{SERVER.format('signal.SIGHUP')}' & while [ ! -e up ]; do sleep 0.01; "
                  "done; kill -HUP $!; wait $!; exit 0"], [("exit 1", "")]),
    "abort": (["bash", "-c", "/usr/bin/python3 -c 'import os; os.abort()'; exit 0"], [("SIGABRT", "sent by itself")]),
    "kills_itself": (["bash", "-c", "sh -c 'kill -9 $$'; exit 0"], [("SIGKILL", "sent by itself")]),
    "a_worker_that_dies": (["/usr/bin/python3", "-c", EXECUTOR], [("SIGKILL", "sent by itself")]),
    "cpu_limit": (["bash", "-c", "(ulimit -S -t 1; sh -c 'while :; do :; done'); exit 0"],
                  [("SIGXCPU", "CPU time limit (ulimit -t)")]),
    "file_limit": (["bash", "-c", "(ulimit -f 1; dd if=/dev/zero of=big bs=4096 count=9 2>&-); exit 0"],
                   [("SIGXFSZ", "file size limit (ulimit -f)")]),
}


def failures(run, columns=200):
    """What the summary names as a failure or as the cause of one: [(how it ended, what is said of it)]."""
    env = {**os.environ, "COLUMNS": str(columns)}
    page = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "-s", "summary", run.path],
                          capture_output=True, text=True, check=True, env=env).stdout
    found = []
    for part in re.findall(r"^(?:Cause|(?:Failed|Other failures) \(\d+\))\n(.*?)\n\n", page + "\n\n", re.S | re.M):
        for line in part.split("\n  passed on:\n")[0].splitlines():
            if re.match(r"  and |  for ", line):
                continue
            if line[2] != " ":
                found.append([line[2:].split("  ", 1)[0], ""])
            else:
                found[-1][1] += line.strip() + "\n"
    return found


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy(name):
    folder = new_folder()
    (folder / "makefile").write_text(MAKEFILE)
    command = HEALTHY[name]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    run = collect(*command, cwd=folder, code=None, timeout=60)
    killed = [e for e in run.of("lifecycle.exit") if e["signal"] in (1, 9, 15) or e["sender"]]
    assert killed, "the case has ended nothing"
    assert failures(run) == [], killed


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("language", ["C.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8"])
def test_failing(name, language):
    """The words are of the events, and do not depend on what a program prints in which language."""
    if language != "C.UTF-8" and name not in ("timeout_of_sh", "kills_itself"):
        pytest.skip("once is enough")
    command, expected = FAILING[name]
    run = collect(*command, cwd=new_folder(), timeout=60, code=None,
                  env={**os.environ, "LC_ALL": language, "LANG": language, "LANGUAGE": language[:2]})
    found = failures(run)
    assert [how for how, _ in found] == [how for how, _ in expected], found
    for (_, text), (_, words) in zip(found, expected):
        assert words + "\n" in text, found


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
@pytest.mark.parametrize("name", LATE)
def test_late_and_ignored(name):
    """As a script does that has waited long enough: no page has it, only what asks for suspicions."""
    command, how, _ = LATE[name]
    run = collect("bash", "-c", f"{command}; exit 0", cwd=new_folder(), timeout=60)
    assert failures(run) == []
    rows = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "--queries", SRC / "conf/queries", "-q", "-F", "jsonl",
                           run.path, "hidden-failures"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [(row["status"], row["certainty"]) for row in map(json.loads, rows)] == [(how, "suspected")]


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_tables():
    """The same in SQL: the event's own columns, and those of the process."""
    run = collect("bash", "-c", "sleep 600 & kill $!; wait $!; sh -c 'kill -9 $$'; exit 0")
    sql = "SELECT signal_name, signal_code, sender, sender_pid, sender_comm, benign FROM processes " \
          "WHERE signal IS NOT NULL ORDER BY began"
    rows = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", "-F", "csv", run.path, sql],
                          capture_output=True, text=True, check=True).stdout.splitlines()
    shell = run.one("lifecycle.exec", comm="bash")["pid"]
    itself = run.one("lifecycle.exit", signal=signal.SIGKILL)["pid"]
    assert rows[1:] == [f"SIGTERM,SI_USER,user,{shell},bash,true", f"SIGKILL,SI_USER,user,{itself},sh,false"]
    assert {e["sender_pid"] for e in merge(run.path) if e["event"] == "exit" and e.get("sender")} == {shell, itself}
