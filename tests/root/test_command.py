# SPDX-License-Identifier: BSD-2-Clause
"""The command as the collector runs it: as if it were not there, and with the command's own end."""
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import (NOBODY, PROMPT, Started, Terminal, collect, collector, merge, new_folder, program, read_stream, stage,
                     wait_for)

PYTHON = sys.executable


def ended(run):
    """Every stream has its end record."""
    streams = list(run.path.glob("*.msgpack"))
    assert len(streams) == len(list(stage().glob("probes/*.so")))
    return all("end" in {r["event"] for r in read_stream(stream)[1]} for stream in streams)


# ---- how it ends ----

@pytest.mark.parametrize("code", [0, 1, 77, 125, 127, 255])
def test_exit_code(code):
    run = collect("sh", "-c", f"exit {code}", code=code)
    assert run.one("lifecycle.exit")["exit_code"] == code
    assert ended(run)


@pytest.mark.parametrize("name", ["INT", "KILL", "SEGV", "PIPE", "TERM"])
def test_killed_by_a_signal(name):
    number = getattr(signal, "SIG" + name)
    run = collect("sh", "-c", f"ulimit -c 0; kill -{name} $$", code=128 + number)
    assert run.one("lifecycle.exit")["signal"] == number


@pytest.mark.parametrize("command, code, says", [
    (["no-such-command-here"], 127, "no-such-command-here: command not found"),
    (["/nonexistent/command"], 127, "/nonexistent/command: command not found"),
    ([""], 127, "command not found"),
    (["/etc/passwd"], 126, "/etc/passwd: cannot execute"),
    (["/etc"], 126, "/etc: cannot execute"),
])
def test_cannot_be_run(command, code, says):
    run = collect(*command, code=code)
    assert says in run.stderr
    assert not list(run.out.iterdir()), "a run was begun"


@pytest.mark.parametrize("options", [(), ("--user", "nobody")])
@pytest.mark.parametrize("uid, command, hinted", [("65534", "no-such-command-here", True), ("65534", "/no/such", False),
                                                  (None, "no-such-command-here", False)])
def test_sudo_may_have_reset_the_path(uid, command, hinted, options):
    run = collect(command, code=127, options=options, env={key: value for key, value in {**os.environ, "SUDO_UID": uid}.items() if value})
    assert "command not found" in run.stderr and ("sudo may have reset PATH" in run.stderr) == hinted


def test_interpreter_is_missing():
    """Only execve itself finds that out: after the start, but still 127 as in a shell."""
    script = new_folder() / "script"
    script.write_text("#!/nonexistent/interpreter\n")
    script.chmod(0o755)
    run = collect(script, code=127)
    assert str(script) in run.stderr


@pytest.mark.parametrize("options, says", [
    ([], "nothing to watch"),
    (["--no-such-option"], "no-such-option"),
    (["--pid", "0", ], "--pid"),
    (["--pid", "x"], "--pid"),
    (["--pid", "1", "--", "true"], "--pid"),
    (["--user", "no-such-user", "--", "true"], "no-such-user"),
    (["--user", "nobody"], "--user"),
    (["--clean-env", "--", "true"], "--clean-env"),
    (["--name", "a/b", "--", "true"], "--name"),
    (["--grace", "soon", "--", "true"], "--grace"),
    (["--tag", "x", "--", "true"], "--tag"),
])
def test_wrong_usage(options, says):
    line, out = collector(*options)
    done = subprocess.run(line, capture_output=True, check=False)
    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert not done.stdout
    assert not list(out.iterdir())


@pytest.mark.parametrize("text, where", [
    ("run: {nmae: x}\n", ":1:7: run.nmae"),
    ("run: {name: x}\nrun: {name: y}\n", ":2:1: run"),
    ("probes:\n  cpu: {interval: fast}\n", ":2:19: probes.cpu.interval"),
    ("probes:\n  cpu: {interval: 1ns}\n", ":2:19: probes.cpu.interval"),
    ("probes: {nope: {}}\n", ":1:10: probes.nope"),
    ("probes: {cpu: {ring: 100000}}\n", ":1:22: probes.cpu.ring"),
    ("scope: [{pid: -1}]\n", ":1:15: scope"),
    ("run: [\n", ":2:"),
])
def test_wrong_configuration(text, where):
    """file:line:column: key: ..., before anything is started."""
    run = collect("touch", "started", config=text, code=2, cwd=(folder := new_folder()))
    assert "pipeline.yaml" + where in run.stderr
    assert not list(folder.iterdir()) and not list(run.out.iterdir())


# ---- what it gets ----

STATE = """
import json, os, resource, signal
keep = ("Umask", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
        "Seccomp", "Groups", "Uid", "Gid", "Cpus_allowed")
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print(json.dumps({
    **{key: status[key].strip() for key in keep},
    "fds": {fd: os.readlink("/proc/self/fd/" + fd) for fd in os.listdir("/proc/self/fd")
            if os.path.lexists("/proc/self/fd/" + fd)},
    "limits": open("/proc/self/limits").read(),
    "env": dict(os.environ), "cwd": os.getcwd(), "nice": os.nice(0),
    "oom": open("/proc/self/oom_score_adj").read(), "session": os.getsid(0), "group": os.getpgrp(),
    "input": input(),
}))
"""


def unusual():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR1, signal.SIGINT, signal.SIGPIPE})
    os.umask(0o027)
    os.nice(3)


@pytest.mark.parametrize("setup", [None, unusual])
def test_command_starts_as_by_env(setup):
    """Descriptors, mask, dispositions, umask, limits, environment, capabilities: nothing of ours shows."""
    folder = new_folder()
    same = {"input": b"a line\n", "cwd": folder, "env": {**os.environ, "MINE": "1"}, "preexec_fn": setup}
    run = collect(PYTHON, "-c", STATE, **same)
    plain = subprocess.run(["env", PYTHON, "-c", STATE], capture_output=True, check=True, **same)
    got, want = run.said[0], json.loads(plain.stdout)
    for state in got, want:  # pipes have numbers of their own
        state["fds"] = {fd: link.split(":")[0] for fd, link in state["fds"].items()}
        state["env"].pop("_", None)
        state.pop("group"), state.pop("session")
    assert got == want


def test_output_is_the_commands_alone():
    """The summary and all that we say go to stderr."""
    line, _ = collector("--", "sh", "-c", "printf 'a\\0b'; echo warning >&2")
    done = subprocess.run(line, capture_output=True, check=True)
    assert done.stdout == b"a\0b"
    assert done.stderr.startswith(b"warning\n") and b"processes" in done.stderr


def test_user():
    script = "cat /proc/self/status; ls -l /proc/self/fd | wc -l; echo $HOME $USER $LOGNAME"
    run = collect("sh", "-c", script, options=["--user", "nobody"])
    lines = run.stdout.decode().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    user = pwd.getpwnam("nobody")
    assert status["Uid"].split() == [str(user.pw_uid)] * 4
    assert status["Gid"].split() == [str(user.pw_gid)] * 4
    assert status["Groups"].split() in ([], [str(user.pw_gid)])
    for caps in "CapInh", "CapPrm", "CapEff", "CapAmb":
        assert int(status[caps], 16) == 0, caps
    # "total", 0, 1, 2, and the folder that ls itself reads
    assert lines[-2].strip() == "5"
    assert lines[-1].split() == [user.pw_dir, "nobody", "nobody"]
    assert run.path.stat().st_uid == user.pw_uid
    assert all(file.stat().st_uid == user.pw_uid for file in run.path.iterdir())
    assert {e["uid"] for e in run.of("lifecycle.exec")} == {user.pw_uid}
    # and he can read it
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--strict", "-s", "null", run.path],
                          user=NOBODY, group=NOBODY, extra_groups=[], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_user_gets_the_signals():
    with Started("--user", "nobody", "--no-summary", "--", "sh", "-c",
                 "trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.05; done") as started:
        assert started.process.stdout.readline() == b"ready\n"
        run = started.end(signal.SIGTERM, code=9)
    assert run.stdout == b"got\n"


# ---- signals and the terminal ----

# Says each signal when it comes; a descriptor tells of them, so that none slips in before a blocking read.
COUNTS = """
import os, select, signal, sys
wake, tell = os.pipe()
os.set_blocking(tell, False)
signal.set_wakeup_fd(tell)
for number in signal.SIGINT, signal.SIGTERM:
    signal.signal(number, lambda *_: None)
print("ready", flush=True)
count = 0
while True:
    ready = select.select([0, wake], [], [])[0]
    if wake not in ready:
        break
    for number in os.read(wake, 100):
        count += 1
        print("got", number, flush=True)
print("count", count, flush=True)
sys.exit(5)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_collector_reaches_the_command_once(number):
    with Started("--no-summary", "--", PYTHON, "-c", COUNTS, stdin=subprocess.PIPE) as started:
        out = started.process.stdout
        assert out.readline() == b"ready\n"
        started.process.send_signal(number)
        assert out.readline() == b"got %d\n" % number
        started.tell("on")
        run = started.end(None, code=5)
    assert run.stdout == b"count 1\n"
    assert ended(run)
    assert not run.lost


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_both(number):
    with Started("--no-summary", "--", "sh", "-c", "echo ready; exec sleep 100") as started:
        started.process.stdout.readline()
        run = started.end(number, code=128 + number)
    assert run.one("lifecycle.exit")["signal"] == number
    assert ended(run)


def test_asked_twice_it_does_not_wait():
    with Started("--no-summary", "--", "sh", "-c", "trap 'echo got' TERM; echo ready; while sleep 0.1; do :; done",
                 start_new_session=True) as started:
        out = started.process.stdout
        out.readline()
        started.process.send_signal(signal.SIGTERM)
        assert out.readline() == b"got\n"
        time.sleep(1.1)  # the same signal within a second is one
        started.process.send_signal(signal.SIGTERM)
        assert started.process.wait(10) == 128 + signal.SIGTERM
        os.killpg(started.pid, signal.SIGKILL)  # the command lives on
        run = started.end(None, code=None)
    assert ended(run)


@pytest.mark.parametrize("other", [None, signal.SIGINT])
def test_the_same_signal_at_once_is_one(other):
    """As timeout(1) sends it, to its child and then to the group: the command may take its time."""
    with Started("--no-summary", "--", "sh", "-c", "trap 'sleep 0.5; exit 3' TERM; echo ready; while sleep 0.1; do :; done",
                 start_new_session=True) as started:
        started.process.stdout.readline()
        for number in signal.SIGTERM, signal.SIGTERM, other or signal.SIGTERM:
            started.process.send_signal(number)
            time.sleep(0.05)
        run = started.end(None, code=128 + other if other else 3)
    assert ended(run)


def test_a_command_that_signals_its_group():
    """Both are in it: the record has the end."""
    with Started("--no-summary", "--", "sh", "-c", "sleep 100 & sleep 0.2; kill 0", start_new_session=True) as started:
        run = started.end(None, code=128 + signal.SIGTERM)
    assert [e["signal"] for e in run.of("lifecycle.exit")].count(signal.SIGTERM) == 2
    assert ended(run)


def on_terminal(terminal, *command):
    line, out = collector("--no-summary", "--", *command)
    terminal.run(*line)
    return out


def test_interrupt_key():
    """The terminal sends SIGINT to both: the command gets it once."""
    script = new_folder() / "counts.py"
    script.write_text(COUNTS)
    with Terminal() as terminal:
        on_terminal(terminal, PYTHON, script)
        terminal.expect("ready")
        terminal.type("\x03")
        terminal.expect("got 2")
        terminal.type("on\n")
        terminal.expect("count 1")
        terminal.expect("code=5.")


def test_stop_key_and_continue():
    with Terminal() as terminal:
        script = new_folder() / "reads.sh"
        script.write_text("echo ready; read word; echo word=$word.; exit 6\n")
        line, out = collector("--no-summary", "--", "sh", script)
        terminal.type(" ".join(map(str, line)) + "\n")
        terminal.expect("ready")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        terminal.type("fg\n")
        terminal.expect("reads.sh")
        terminal.type("hello\n")
        terminal.expect("word=hello.")
        terminal.expect(PROMPT)
        terminal.type("echo code=$?.\n")
        terminal.expect("code=6.")
    latest = out / os.readlink(out / "latest")
    assert [e["exit_code"] for e in merge(latest, options=["--strict"]) if e["stream"] == "lifecycle"
            and e["event"] == "exit"] == [6]


def test_command_may_stop_and_continue_itself():
    """The collector does not take a stopped command for an ended one."""
    with Started("--no-summary", "--", "sh", "-c", "echo $$; kill -STOP $$; exit 4") as started:
        pid = int(started.process.stdout.readline())
        wait_for(lambda: ") T" in Path(f"/proc/{pid}/stat").read_text(), "the command stops")
        assert started.process.poll() is None
        os.kill(pid, signal.SIGCONT)
        started.end(None, code=4)


def test_closed_standard_streams():
    """They stay closed for the command, and nothing of ours takes their place."""
    folder = new_folder()
    line, out = collector("--no-summary", "--", "sh", "-c", "ls -l /proc/self/fd >file; exit 3")
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *line], check=False, cwd=folder)
    assert done.returncode == 3
    shown = [text.split()[-3:] for text in (folder / "file").read_text().splitlines() if "->" in text]
    assert not [words for words in shown if words[0] in ("0", "2") and "/proc/" not in words[2]], shown
    assert len([e for e in merge(out / os.readlink(out / "latest")) if e["event"] == "exec"]) == 2


# ---- a part of the collector is killed ----

def test_kill_9_costs_only_what_was_not_written():
    """The pipeline lives on; what was flushed can be read; that the rest is missing is told."""
    script = "for i in 1 2 3 4 5; do /bin/true $i; done; echo ready; read word; echo $word; read word"
    with Started("--no-summary", "--", "sh", "-c", script, stdin=subprocess.PIPE) as started:
        assert started.process.stdout.readline() == b"ready\n"
        path = started.out / os.readlink(started.out / "latest")
        wait_for(lambda: execs(path) == ["1", "2", "3", "4", "5"], "what happened is on disk")
        started.process.kill()
        started.process.wait()
        started.tell("still here")
        assert started.process.stdout.readline() == b"still here\n"
        wait_for(lambda: is_incomplete(path), "the recorder has ended, too")
    assert execs(path) == ["1", "2", "3", "4", "5"]


def is_incomplete(path):
    line = [stage() / "collector-merge", "--plugin-dir", stage(), "--sink", "null", "--strict", path]
    return subprocess.run(line, capture_output=True, check=False).returncode == 3


def test_what_the_keeper_has_not_seen_is_written_all_the_same():
    """Killed with events in the rings: what happened before is in the record, and no end."""
    script = "read word; for i in 1 2 3 4 5; do /bin/true $i; done; kill -KILL $PPID; read word; echo $word"
    with Started("--no-summary", "--", "sh", "-c", script, stdin=subprocess.PIPE) as started:
        started.wait_until_watching()
        path = started.out / os.readlink(started.out / "latest")
        started.tell("go")
        started.process.wait()
        wait_for(lambda: is_incomplete(path), "the recorder has ended, too")
        started.tell("still here")
        assert started.process.stdout.readline() == b"still here\n"
    assert execs(path) == ["1", "2", "3", "4", "5"]


def test_the_command_outlives_the_recorder():
    """Its end is waited for; exit code 125 unless it has one of its own."""
    for own, code in (0, 125), (3, 3):
        with Started("--no-summary", "--", "sh", "-c", f"read word; exit {own}", stdin=subprocess.PIPE) as started:
            started.wait_until_watching()
            os.kill(started.recorder(), signal.SIGKILL)
            wait_for(lambda: started.recorder() is None, "the recorder is gone")
            assert started.process.poll() is None
            started.tell("go")
            run = started.end(None, code=code)
        assert run.stderr == "collector: error: the recorder was killed by signal 9: the record ends before the command\n"
        assert is_incomplete(run.path)


def test_a_keeper_that_stands_still_holds_up_nothing():
    """Stopped, as the command's user may do: the recorder goes on, and so does the command."""
    script = 'kill -STOP $PPID; "$0" 2000 1 >/dev/null; echo done'
    with Started("--no-summary", "--", "sh", "-c", script, program("storm")) as started:
        assert started.process.stdout.readline() == b"done\n"
        path = started.out / os.readlink(started.out / "latest")
        wait_for(lambda: sum(e["event"] == "exit" for e in merge(path) if e["stream"] == "lifecycle") >= 2000, "all is recorded")
        os.kill(started.pid, signal.SIGCONT)
        assert not started.end(None).lost


def execs(path):
    events = merge(path)
    return [e["args"][1] for e in events if e["event"] == "exec" and e["exe"] == "/bin/true"]


# ---- how long it waits for descendants ----

def test_descendants_are_waited_for():
    """Half a second after the command, within the grace."""
    run = collect("sh", "-c", "(sleep 0.5; exit 3) & exit 0")
    assert sorted(e["exit_code"] for e in run.of("lifecycle.exit")) == [0, 0, 3]


def test_a_run_that_is_cut_ends_at_once_in_all_streams():
    """In the middle of many forks: no stream has an exit that another one lacks."""
    for _ in range(6):
        # the command ends after so many processes of its own, not after a time: however loaded the machine is, the storm runs
        script = 'setsid "$0" 100000 2 >/dev/null 2>&1 & echo $!; i=0; while [ $i -lt 40 ]; do "$0"; i=$((i + 1)); done'
        run = collect("sh", "-c", script, program("storm"), options=["--grace", "0"])
        os.killpg(int(run.stdout), signal.SIGKILL)
        if run.lost:
            continue  # counted: the reader was starved
        exits = [{(e["pid"], e["start"]) for e in run.of(stream + ".exit")} for stream in ("lifecycle", "cpu", "mem", "io")]
        assert len(exits[0]) > 40
        assert exits[0] == exits[1] == exits[2] == exits[3]
        merge(run.path, options=["--quiet", "--strict"], sink="null")


def test_what_still_runs_was_watched_to_the_end():
    """Its time, and that of the run, is not over with the last record."""
    run = collect("sh", "-c", "sleep 60 >/dev/null 2>&1 & exit 0", options=["--grace", "2s"])
    page = merge(run.path, sink="summary")
    assert re.search(r"^  wall +[2-9]\.\d s  \S+ s of it after the command's end: sleep 60$", page, re.M) and re.search(r"^ +[2-9]\.\d s .* sleep 60$", page, re.M), page


def test_grace_ends():
    before = time.monotonic()
    run = collect("sh", "-c", "sleep 60 >/dev/null 2>&1 & exit 0", options=["--grace", "100ms"])
    assert time.monotonic() - before < 50  # start and end take a second, many on a busy machine
    assert len(run.of("lifecycle.fork")) == 2 and len(run.of("lifecycle.exit")) == 1
    assert ended(run)
