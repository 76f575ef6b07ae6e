# SPDX-License-Identifier: BSD-2-Clause
"""When a process ended, where its account is written much later: a zombie that nobody waits for before the run's end."""
import os
import signal
import sys

import pytest
from harness import BUILD, ask, collect

# The child of a process that outlives the command exits between two looks at the clock.
COMMAND = """
import json, os, signal, time
ready, tell = os.pipe()
keeper = os.fork()
if keeper:
    print(os.read(ready, 4096).decode(), flush=True)
    os._exit(0)
began = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
zombie = os.fork()
if not zombie:
    os._exit(0)
os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)
ended = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
for fd in (0, 1, 2):
    os.close(fd)
time.sleep(0.5) # so that its account, written at the end of the run, is far from it
os.write(tell, json.dumps({"keeper": os.getpid(), "zombie": zombie, "began": began, "ended": ended}).encode())
signal.pause()
"""


def with_a_zombie(config):
    run = collect(sys.executable, "-c", COMMAND, config="run: {grace: 300ms}\n" + config)
    said, = run.said
    os.kill(said["keeper"], signal.SIGKILL)
    return run, said


def ended_ns(run, pid):
    sql = f"SELECT began_ns + wall_ns AS ended_ns, wall_ns, missing FROM processes WHERE pid = {pid}"
    row, = ask(run, sql)
    return row


@pytest.mark.parametrize("probe", ("cpu", "io"))
@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_an_account_written_late_says_when_the_process_exited(probe):
    run, said = with_a_zombie(f"probes: {{lifecycle: {{events: [fork, exec]}}, {probe}: {{}}}}")
    account = run.one(f"{probe}.exit", pid=said["zombie"])
    assert account["ts"] > said["ended"] + 0.4e9
    assert said["began"] < account["exited_ns"] < said["ended"]
    row = ended_ns(run, said["zombie"])
    assert int(row["ended_ns"]) == account["exited_ns"], row
    assert 0 < int(row["wall_ns"]) < said["ended"] - said["began"]


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_the_exit_is_at_one_time_in_all_streams():
    run, said = with_a_zombie("probes: {lifecycle: {}, cpu: {}, mem: {}, io: {}}")
    exited = run.one("lifecycle.exit", pid=said["zombie"])["ts"]
    assert said["began"] < exited < said["ended"]
    assert run.one("mem.exit", pid=said["zombie"])["ts"] == exited
    assert {run.one(f"{probe}.exit", pid=said["zombie"])["exited_ns"] for probe in ("cpu", "io")} == {exited}
    assert int(ended_ns(run, said["zombie"])["ended_ns"]) == exited
