# SPDX-License-Identifier: BSD-2-Clause
"""`collector status` of a real daemon: what it says of runs, limits, reloads and followers, who may ask, and clients that do
not read, ask for nothing, or come by the thousands."""
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from harness import NOBODY, Started, new_folder, recorder_of, stage, wait_for, why_no_bpf
from test_follow_daemon import Fed, state_folder

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

CONFIG = "scope: [{{exe: {shell}}}]\nprobes: {{lifecycle: {{}}}}\n"
NOT_RUNNING = 3


def ask(*args, code=0, **popen):
    done = subprocess.run([stage() / "collector", "status", *args], capture_output=True, text=True, check=False, timeout=60,
                          **popen)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def status(folder, *args, code=0):
    return json.loads(ask("--json", folder, *args, code=code))


@pytest.fixture(name="shell")
def own_shell():
    return Path(shutil.copy("/bin/sh", new_folder() / "sh"))


@contextlib.contextmanager
def daemon(text, *options, out=None):
    file = new_folder() / "daemon.yaml"
    file.write_text(text)
    with Started("-c", file, *options, out=out) as started:
        started.wait_until_watching()
        started.file = file
        yield started


def is_over(path):
    """Whether its keeper has gone."""
    return not (path / ".status").exists()


def test_a_daemon_with_a_run(shell):
    config = CONFIG.format(shell=shell) + "limits: {run: 1KiB, total: 1GiB, open: 7, age: 1h}\n"
    with daemon(config) as started:
        idle = status(started.out)
        assert idle["running"] and idle["recorder"] and idle["pid"] == started.pid
        assert idle["config"] == str(started.file) and idle["output"] == str(started.out) and idle["rules"] == 1
        assert (idle["open"], idle["watched"], idle["runs"], idle["reloaded"], idle["refused"]) == (0, 0, [], None, None)
        limits = {name: idle[f"limit_{name}"] for name in ("run", "total", "age", "open", "runs")}
        assert limits == {"run": 1024, "total": 1 << 30, "age": 3600 * 10**9, "open": 7, "runs": 10000}
        with subprocess.Popen([shell, "-c", "/bin/true; /bin/true; /bin/true; /bin/cat; :"], stdin=subprocess.PIPE,
                              user=NOBODY) as process:
            busy = wait_for(lambda: (found := status(started.out)) and found["runs"] and found["runs"][0]["lost"] and
                            found["runs"][0]["processes"] == 5 and found, "the run is shown")
            run, = busy["runs"]
            folder, = [path.name for path in started.out.glob("run-*Z-*")]
            assert (run["run"], run["name"], run["uid"], run["watched"]) == (folder, "run", NOBODY, 2)
            assert run["bytes"] > 1024 and run["wall_ns"] > 0 and run["began"] >= busy["since"]
            wait_for(lambda: (found := status(started.out))["kept"] == 1 and found["disk_used"] > 0, "the disk is measured")
            text = ask(started.out)
            assert folder in text and " of 1.0 GiB" in text and "1 of 7\n" in text
            process.communicate()
        wait_for(lambda: status(started.out)["open"] == 0, "the run's end")
        started.end()
    assert is_over(started.out)


def test_reloads_are_shown(shell):
    with daemon(CONFIG.format(shell=shell)) as started:
        started.file.write_text(CONFIG.format(shell=shell).replace("]", ", {exe: /x}]"))
        started.process.send_signal(signal.SIGHUP)
        wait_for(lambda: status(started.out)["rules"] == 2, "the reload")
        assert status(started.out)["reloaded"]
        started.file.write_text("scope: [")
        started.process.send_signal(signal.SIGHUP)
        wait_for(lambda: status(started.out)["refused"], "the refusal")
        assert status(started.out)["rules"] == 2
        started.end()


def test_no_daemon(shell):
    empty = new_folder()
    assert status(empty, code=NOT_RUNNING) == {"running": False}
    assert "no daemon runs" in ask(empty, code=NOT_RUNNING)
    assert status(empty / "none", code=NOT_RUNNING) == {"running": False}
    assert ask("q\x1b[31mX", code=NOT_RUNNING) == "no daemon runs for q\\x1b[31mX\n"
    ask("--nonsense", code=2)
    ask(empty, empty, code=2)
    with daemon(CONFIG.format(shell=shell)) as started:
        recorder = started.recorder()
        started.process.kill()
        started.process.wait()
        wait_for(lambda: not Path(f"/proc/{recorder}").exists(), "the recorder's end")
        # the socket of a daemon that was killed is there, and is replaced by the next one
        assert (started.out / ".status").is_socket() and status(started.out, code=NOT_RUNNING) == {"running": False}
        with daemon(CONFIG.format(shell=shell), out=started.out) as again:
            assert status(again.out)["pid"] == again.pid
            again.end()


def test_two_daemons_with_one_folder(shell):
    """The second one says so, records, and leaves the first one's socket alone."""
    with daemon(CONFIG.format(shell=shell)) as first:
        with daemon(CONFIG.format(shell=shell), out=first.out) as second:
            said = second.end().stderr
            assert "does not reach this daemon" in said
        assert status(first.out)["pid"] == first.pid
        first.end()


def test_no_folder_for_the_socket(shell):
    out, none = new_folder(), new_folder() / "none"
    with daemon(CONFIG.format(shell=shell), "--runtime", none, out=out) as started:
        assert f"{none}: No such file or directory; `collector status`" in started.end().stderr


def test_what_is_there_is_not_removed(shell):
    out = new_folder()
    (out / ".status").write_text("mine")
    with daemon(CONFIG.format(shell=shell), out=out) as started:
        assert "does not reach this daemon" in started.end().stderr
    assert (out / ".status").read_text() == "mine"


def test_who_may_ask(shell):
    """The owner and the group of the folder; also by a path that no address has room for."""
    runtime = new_folder(0o755) / ("long" * 40)
    runtime.mkdir()
    runtime.chmod(0o755)
    with daemon(CONFIG.format(shell=shell), "--runtime", runtime) as started:
        assert stat.S_IMODE((runtime / "status").stat().st_mode) == 0o660 and not (started.out / ".status").exists()
        assert status(runtime)["pid"] == started.pid
        ask(runtime, user=NOBODY, group=0, extra_groups=[])
        ask(runtime, user=NOBODY, group=NOBODY, extra_groups=[], code=1)
        started.end()
    assert not (runtime / "status").exists()


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    client.connect(str(path))
    return client


def test_hostile_clients(shell):
    """Neither those that read nothing, nor those that send, nor thousands of both keep a run from being recorded."""
    sinks = "sinks: {jsonl: {}}\n"
    with daemon(CONFIG.format(shell=shell) + sinks) as started:
        path, clients = started.out / ".status", []
        try:
            for i in range(3000):
                with contextlib.suppress(BlockingIOError, BrokenPipeError):  # full; closed after the answer
                    clients.append(connect(path))
                    if i % 3:
                        clients[-1].send(b"GET / HTTP/1.1\r\n"[:i % 13])
                if i % 5 == 4 and clients:
                    clients.pop(0).close()
            subprocess.run([shell, "-c", ":"], check=True)
            wait_for(lambda: list(started.out.glob("run-*Z-*")), "a run, meanwhile")
            fds = len(os.listdir(f"/proc/{started.pid}/fd"))
            assert fds < 64
            # its turn comes though no other client goes
            assert wait_for(lambda: (found := subprocess.run(
                [stage() / "collector-status", "--json", started.out], capture_output=True, check=False)).returncode == 0 and
                found, "an answer")
        finally:
            for client in clients:
                client.close()
        assert status(started.out)["pid"] == started.pid
        started.end()


def test_an_idle_daemon_sleeps(shell):
    """Without a run and a client nothing wakes it: the keeper's and the recorder's context switches stand still."""
    def switches(pid):
        return [int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("voluntary_ctxt_switches")][0]

    with daemon(CONFIG.format(shell=shell)) as started:
        status(started.out)
        pids = started.pid, recorder_of(started.pid)
        before, same = None, 0

        def stands_still():
            nonlocal before, same
            now = [switches(pid) for pid in pids]
            same, before = (same + 1 if now == before else 0), now
            return same >= 150  # of some 10 ms each
        wait_for(stands_still, "no wakeup for 1.5 s")
        started.end()


def test_a_recorder_that_stands_still(shell):
    with daemon(CONFIG.format(shell=shell)) as started:
        os.kill(started.recorder(), signal.SIGSTOP)
        found = status(started.out, code=1)
        assert found["running"] and not found["recorder"] and found["rules"] == 1
        os.kill(started.recorder(), signal.SIGCONT)
        assert status(started.out)["recorder"]
        started.end()


def test_followers(shell):
    """What is left to deliver: nothing when all is read, the bytes of the streams when the follower is stopped."""
    out, state = new_folder(0o750), state_folder()
    sinks = f"sinks: {{jsonl: {{}}, msgpack: {{}}}}\nrun: {{followers: {state}}}\n"

    def jsonl():
        found = {sink["sink"]: sink for sink in status(out, "--state", state)["sinks"]}
        assert set(found) == {"jsonl", "msgpack"} and found["msgpack"]["follower"] == "none"
        return found["jsonl"]
    with daemon(CONFIG.format(shell=shell) + sinks, out=out) as started:
        assert jsonl()["follower"] == "none"
        with Fed(started.file, out, state) as fed:
            subprocess.run([shell, "-c", ":"], check=True)
            done = wait_for(lambda: (found := jsonl())["delivered_runs"] == 1 and found, "the run is delivered")
            assert (done["follower"], done["undelivered_runs"], done["undelivered_bytes"]) == ("runs", 0, 0) and done["saved"]
            fed.end()
        subprocess.run([shell, "-c", ":"], check=True)
        behind = wait_for(lambda: (found := jsonl())["undelivered_bytes"] and not status(out)["open"] and found, "a run that waits")
        assert (behind["follower"], behind["delivered_runs"], behind["undelivered_runs"]) == ("stopped", 1, 1)
        size = sum(path.stat().st_size for run in out.glob("run-*Z*") for path in run.glob("*.msgpack"))
        assert jsonl()["undelivered_bytes"] < size
        assert "stopped" in ask(out, "--state", state)
        assert status(out)["sinks"] == status(out, "--state", state)["sinks"]  # the former by run.followers
        started.end()
