# SPDX-License-Identifier: BSD-2-Clause
"""--user: the command has nothing of the caller's but what it was given, and cannot hold the caller."""
import fcntl
import json
import os
import pwd
import resource
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from harness import NOBODY, PROMPT, Started, Terminal, collect, collector, merge, new_folder, read_stream, stage, wait_for

PYTHON = sys.executable
USER = pwd.getpwuid(NOBODY)


def as_user(*command, options=("--no-summary",)):
    """The command line, and the output folder."""
    return collector(*options, "--user", USER.pw_name, "--", *command)


def typed(line):
    return " ".join(map(str, line)) + "\n"


def script_of(text):
    file = new_folder() / "script"
    file.write_text(text)
    return file


def stat_of(pid):
    """(ppid, group, session, terminal, foreground group) by the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return tuple(int(field) for field in fields[1:6])


def latest(out):
    return out / os.readlink(out / "latest")


# ---- what it gets ----

STATE = """
import ctypes, json, os, resource
libc = ctypes.CDLL(None)
names = "CORE", "NOFILE", "NPROC", "NICE", "RTPRIO"
print(json.dumps({
    "umask": os.umask(0), "env": dict(os.environ), "fds": sorted(map(int, os.listdir("/proc/self/fd"))),
    "limits": {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in names},
    "key": libc.keyctl(10, b"user", b"collector-test", 0, 0) if hasattr(libc, "keyctl") else None,
}), flush=True)
"""


def state_of(*options, **popen):
    run = collect(PYTHON, "-c", STATE, options=["--user", USER.pw_name, *options], **popen)
    return run.said[0]


def test_descriptors_are_closed():
    """But 0 to 2; the other one is the folder that is read."""
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
    try:
        assert len(state_of(pass_fds=fds)["fds"]) == 4
    finally:
        for fd in fds:
            os.close(fd)


@pytest.mark.parametrize("mask, becomes", [(0, 0o022), (0o077, 0o077), (0o002, 0o022)])
def test_umask_lets_no_other_user_write(mask, becomes):
    assert state_of(preexec_fn=lambda: os.umask(mask))["umask"] == becomes


def test_limits_that_restrain_it_pass():
    def limits():
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    got = state_of(preexec_fn=limits)["limits"]
    assert got["NOFILE"] == [200, 300] and got["CORE"] == [0, 0]


def test_limits_that_allow_something_do_not():
    try:
        before = resource.prlimit(0, resource.RLIMIT_NICE, (30, 40)), resource.prlimit(0, resource.RLIMIT_RTPRIO, (50, 60))
    except OSError:
        pytest.skip("no limit can be raised here")
    try:
        got = state_of()["limits"]
    finally:
        resource.prlimit(0, resource.RLIMIT_NICE, before[0])
        resource.prlimit(0, resource.RLIMIT_RTPRIO, before[1])
    assert got["RTPRIO"] == [0, 0] and got["NICE"] == [0, 0]


MINE = {"CI_TOKEN": "kept", "LD_PRELOAD": "", "SUDO_UID": "1", "NOTIFY_SOCKET": "/run/x", "LANG": "C.UTF-8", "TERM": "vt100"}


def test_environment():
    env = state_of(env={**os.environ, **MINE})["env"]
    assert env["HOME"] == USER.pw_dir and env["USER"] == env["LOGNAME"] == USER.pw_name
    assert env["SHELL"] == USER.pw_shell and env["PATH"] == os.environ["PATH"]
    assert env["CI_TOKEN"] == "kept"
    assert not env.keys() & {"LD_PRELOAD", "SUDO_UID", "NOTIFY_SOCKET"}


def test_clean_environment():
    env = state_of("--clean-env", env={**os.environ, **MINE})["env"]
    assert env.keys() - {name for name in env if name.startswith("LC_")} == \
        {"HOME", "USER", "LOGNAME", "SHELL", "PATH", "TERM", "LANG"}


KEYS = """
import ctypes, sys
SYSCALL = {"x86_64": (248, 250), "aarch64": (217, 219)}[__import__("platform").machine()]
libc = ctypes.CDLL(None, use_errno=True)
if sys.argv[1:] == ["search"]:
    print(libc.syscall(SYSCALL[1], 10, -3, b"user", b"secret-of-the-caller", 0))
else:
    if libc.syscall(SYSCALL[1], 1, None) < 0 or libc.syscall(SYSCALL[0], b"user", b"secret-of-the-caller", b"x", 1, -3) < 0:
        sys.exit(77)
    __import__("os").execvp(sys.argv[1], sys.argv[1:])
"""


def test_keys_of_the_caller_stay_the_callers():
    """A possessor of a session keyring may read its keys, whatever its user."""
    keys = script_of(KEYS)
    plain = subprocess.run([PYTHON, keys, PYTHON, keys, "search"], capture_output=True, text=True, check=False)
    if plain.returncode == 77:
        pytest.skip("this kernel gives no keyrings here")
    assert int(plain.stdout) > 0
    line, _ = as_user(PYTHON, keys, "search")
    done = subprocess.run([PYTHON, keys, *line], capture_output=True, text=True, check=True)
    assert int(done.stdout) == -1


# ---- a terminal of its own ----

ATTACK = """
import fcntl, os, sys, termios, time
for where in 0, 1, 2, "/dev/tty", sys.argv[1]:
    try:
        fd = where if isinstance(where, int) else os.open(where, os.O_RDWR)
        for byte in sys.argv[2].encode() + b"\\n":
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([byte]))
    except OSError:
        pass
"""


@pytest.mark.parametrize("redirected", ["", "</dev/null >/dev/null 2>&1", "| cat", "</dev/null"])
def test_it_cannot_type_into_the_callers_terminal(redirected):
    folder, attack = new_folder(), script_of(ATTACK)
    with Terminal() as terminal:
        def attacked(*line, mark):
            script = script_of(typed([*line, PYTHON, attack, terminal.name, f"'touch {folder}/{mark}'", redirected]) + "echo over\n")
            terminal.type(f". {script}\n")
            terminal.expect("over")
            terminal.type("echo all-that-$((1))-was-typed\n")
            terminal.expect("all-that-1-was-typed")
        if Path("/proc/sys/dev/tty/legacy_tiocsti").read_text().strip() == "1":
            attacked("setpriv", "--reuid", NOBODY, "--clear-groups", mark="without")
            assert (folder / "without").exists()
        attacked(*collector("--no-summary", "--user", USER.pw_name, "--")[0], mark="with")
        assert not (folder / "with").exists()


def test_terminals_are_replaced_and_the_rest_stays():
    file = new_folder() / "out"
    with Terminal() as terminal:
        line, _ = as_user("sh", "-c", "'ls -l /proc/self/fd; tty; tty <&2; cat <&0; echo to-terminal >/dev/tty'")
        terminal.type(f". {script_of(f'echo piped | {typed(line)[:-1]} 2>&1 >{file}; echo code=$?.' + chr(10))}\n")
        shown = terminal.expect("code=0.")
        assert "to-terminal" in shown and terminal.name not in file.read_text()
    lines = file.read_text().splitlines()
    assert "piped" in lines and "not a tty" in lines
    assert [line for line in lines if line.startswith("/dev/pts/")] not in ([], [terminal])


def test_the_session_is_its_own():
    """And only the command is in the run, not the process that leads its session."""
    with Terminal() as terminal:
        line, out = as_user("sh", "-c", "echo pid=$$.; read word; exit 3")
        terminal.run(*line)
        terminal.expect("pid=")
        pid = int(terminal.expect("."))
        parent, group, session, tty, foreground = stat_of(pid)
        shell = stat_of(terminal.shell.pid)
        assert session not in (shell[2], pid) and session == parent and tty != shell[3]
        assert group == foreground == pid
        uids = {line.split()[1] for line in Path(f"/proc/{parent}/status").read_text().splitlines() if line[:4] == "Uid:"}
        assert uids == {str(NOBODY)}
        assert {os.readlink(f) for f in Path(f"/proc/{parent}/fd").iterdir()} & {terminal.name} == set()
        terminal.type("x\n")
        terminal.expect("code=3.")
    pids = {e["pid"] for e in merge(latest(out), options=["--strict"]) if "pid" in e}
    assert pids == {pid}


def test_without_user_the_terminal_is_the_callers():
    with Terminal() as terminal:
        before = terminal.modes
        line, _ = collector("--no-summary", "--", "sh", "-c", "tty; echo pid=$$.; read word")
        terminal.run(*line)
        assert terminal.name in terminal.expect("pid=")
        assert stat_of(int(terminal.expect(".")))[2:4] == stat_of(terminal.shell.pid)[2:4]
        assert terminal.modes == before
        terminal.type("x\n")
        terminal.expect("code=0.")


def test_size_of_the_window():
    script = script_of("import os, signal\nsignal.signal(signal.SIGWINCH, lambda *_: print('now', *os.get_terminal_size(), flush=True))\n"
                       "print('first', *os.get_terminal_size(), flush=True)\ninput()\n")
    with Terminal() as terminal:
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        terminal.run(*as_user(PYTHON, script)[0])
        terminal.expect("first 101 33")
        fcntl.ioctl(terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 77, 0, 0))
        terminal.expect("now 77 20")
        terminal.type("x\n")
        terminal.expect("code=0.")


def test_the_last_output_is_not_lost():
    count = 100000
    with Terminal() as terminal:
        terminal.run(*as_user("seq", "1", count)[0])
        shown = terminal.expect("code=0.")
    numbers = [int(word) for word in shown.split() if word.isdigit()]
    assert numbers == list(range(1, count + 1))


@pytest.mark.parametrize("command, code", [("exit 9", 9), ("kill -KILL $$", 137), ("kill -TERM $$", 143)])
def test_exit_code_and_modes(command, code):
    with Terminal() as terminal:
        before = terminal.modes
        terminal.run(*as_user("sh", "-c", f"stty raw -echo; echo now; {command}")[0])
        terminal.expect("now")
        terminal.expect(f"code={code}.")
        assert terminal.modes == before


def test_a_command_that_cannot_be_executed():
    with Terminal() as terminal:
        before = terminal.modes
        terminal.run(*as_user(script_of("#!/nonexistent/interpreter\n"))[0])
        terminal.expect("cannot execute")
        terminal.expect("code=12")
        assert terminal.modes == before


def family(terminal):
    """The pids of the command that says its own, of its session's leader, and of the collector."""
    terminal.expect("pid=")
    pid = int(terminal.expect("."))
    leader = stat_of(pid)[0]
    return pid, leader, stat_of(leader)[0]


def test_asked_twice_the_command_goes_on_without_its_terminal():
    """Nor does a hangup end it; messages begin at the left, though the terminal is in raw mode."""
    file = new_folder(0o777) / "done"
    with Terminal() as terminal:
        before = terminal.modes
        terminal.run(*as_user("sh", "-c", f"trap 'echo got' TERM; echo pid=$$.; while [ -e /proc/$PPID/fd ]; do sleep 0.1; done;"
                              f"echo lost; echo here >{file}")[0])
        pid, _, ours = family(terminal)
        os.kill(ours, signal.SIGTERM)
        terminal.expect("got")
        time.sleep(1.1)  # the same signal within a second is one
        os.kill(ours, signal.SIGTERM)
        assert "unwatched\r\n" in terminal.expect("code=143.")
        assert terminal.modes == before
        wait_for(file.exists, "the command goes on")


# ---- keys and job control ----

COUNTS = """
import os, signal, sys
wake, tell = os.pipe()
os.set_blocking(tell, False)
signal.set_wakeup_fd(tell)
for number in signal.SIGINT, signal.SIGQUIT:
    signal.signal(number, lambda *_: None)
print("ready", flush=True)
for expected in sys.argv[1:]:
    print("got", os.read(wake, 1)[0], flush=True)
sys.exit(5)
"""


def test_interrupt_and_quit_keys():
    with Terminal() as terminal:
        terminal.run(*as_user(PYTHON, script_of(COUNTS), 1, 2)[0])
        terminal.expect("ready")
        terminal.type("\x03")
        terminal.expect("got 2")
        terminal.type("\x1c")
        terminal.expect("got 3")
        terminal.expect("code=5.")


def runs(pid, name):
    """Whether a child has executed it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return name in [Path(f"/proc/{child}/comm").read_text().strip() for child in children]


@pytest.mark.parametrize("key, code", [("\x03", 130), ("\x1c", 131)])
def test_interrupt_ends_a_command_and_its_children(key, code):
    with Terminal() as terminal:
        terminal.run(*as_user("sh", "-c", "ulimit -c 0; echo pid=$$.; sleep 1000; echo not-here")[0])
        pid, _, _ = family(terminal)
        wait_for(lambda: runs(pid, "sleep"), "the shell waits for its child")
        terminal.type(key)
        assert "not-here" not in terminal.expect(f"code={code}.")


def stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def reads_in_background(terminal):
    """Until the shell knows: before that, its fg sends no signal."""
    def knows():
        terminal.type("jobs\n")
        return "Stopped" in terminal.expect(PROMPT)
    wait_for(knows, "the job is stopped by its read")


def test_stop_key_and_continue():
    """The shell has its terminal and modes meanwhile; in the background the command goes on, and reading stops it."""
    with Terminal() as terminal:
        before = terminal.modes
        terminal.type(typed(as_user("sh", "-c", "'echo pid=$$.; read a; echo a=$a.; read b; echo b=$b.; exit 6'")[0]))
        pid, _, ours = family(terminal)
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        assert stopped(pid) and stopped(ours)
        assert terminal.modes == before
        terminal.type("fg\n")
        wait_for(lambda: not stopped(pid), "the command continues")
        terminal.type("one\n")
        terminal.expect("a=one.")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        terminal.type("bg\n")
        terminal.expect(PROMPT)
        reads_in_background(terminal)
        assert stopped(ours) and stopped(pid)
        terminal.type("fg\n")
        wait_for(lambda: not stopped(pid), "the command continues")
        terminal.type("two\n")
        terminal.expect("b=two.")
        terminal.expect(PROMPT)
        terminal.type("echo code=$?.\n")
        terminal.expect("code=6.")


def test_started_in_the_background():
    with Terminal() as terminal:
        before = terminal.modes
        terminal.type(typed(as_user("sh", "-c", "'echo pid=$$.; read a; echo a=$a.; exit 6'")[0])[:-1] + " &\n")
        pid, _, ours = family(terminal)
        reads_in_background(terminal)
        assert stopped(ours) and stopped(pid)
        assert terminal.modes == before
        terminal.type("fg\n")
        wait_for(lambda: not stopped(pid), "the command continues")
        terminal.type("one\n")
        terminal.expect("a=one.")
        terminal.expect(PROMPT)


def test_a_command_that_stops_itself():
    with Terminal() as terminal:
        terminal.type(typed(as_user("sh", "-c", "'echo ready; kill -STOP $$; exit 4'")[0]))
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        terminal.type("fg\n")
        terminal.expect(PROMPT)
        terminal.type("echo code=$?.\n")
        terminal.expect("code=4.")


def test_no_shell_could_continue_it():
    """The kernel discards the stop key for an orphaned group: here too."""
    with Terminal() as terminal:
        line, _ = as_user("sh", "-c", "echo pid=$$.; read a; echo a=$a.")
        os.killpg(terminal.shell.pid, 0)
        terminal.type("exec " + typed(["setsid", "--ctty", "--wait"])[:-1] + " " + " ".join(map(_quoted, line)) + "\n")
        family(terminal)
        terminal.type("\x1a")
        terminal.type("one\n")
        terminal.expect("a=one.")


def _quoted(word):
    return f"'{word}'"


def test_a_shell_of_the_user():
    """With its own job control."""
    with Terminal() as terminal:
        line, _ = as_user("env", "PS1=inner-waits-", "bash", "--norc", "--noediting", "-i")
        terminal.run(*line)
        terminal.expect("inner-waits-")
        terminal.type("tty; read word\n")
        assert "/dev/pts/" in terminal.expect("\n")
        terminal.type("\x03")
        terminal.expect("inner-waits-")
        terminal.type("sh -c 'echo cat-$((1)); exec cat'\n")
        terminal.expect("cat-1")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect("inner-waits-")
        terminal.type("fg\n")
        terminal.type("through-cat\n\x04")
        terminal.expect("through-cat")
        terminal.expect("inner-waits-")
        terminal.type("exit 7\n")
        terminal.expect("code=7.")


@pytest.mark.skipif(not shutil.which("vim"), reason="needs vim")
def test_an_editor():
    file = new_folder(0o777) / "text"
    with Terminal() as terminal:
        before = terminal.modes
        terminal.type(typed(["TERM=vt100", *as_user("env", "SHELL=/bin/sh", "vim", "-u", "NONE", "-i", "NONE", "-n", file)[0]]))
        terminal.expect("text")
        terminal.type("ihello")
        terminal.expect("hello")
        terminal.type("\x1b\x1a")
        terminal.expect("Stopped")
        terminal.expect(PROMPT)
        assert terminal.modes == before
        terminal.type("fg\n")
        terminal.expect("hello")
        terminal.type(":wq\n")
        terminal.expect(PROMPT)
        assert file.read_text() == "hello\n"
        assert terminal.modes == before


@pytest.mark.skipif(not shutil.which("less"), reason="needs less")
def test_a_pager_at_the_end_of_a_pipeline():
    """Its keys come from the terminal, which it gets once it reads it."""
    with Terminal() as terminal:
        before = terminal.modes
        line = typed(["TERM=vt100", *as_user("less")[0]])
        terminal.type(f". {script_of('seq 1 1000 | ' + line + 'echo code=$?.' + chr(10))}\n")
        terminal.expect("20")
        terminal.type("q")
        terminal.expect("code=0.")
        assert terminal.modes == before


def test_interrupt_key_in_a_pipeline():
    """The terminal is not in raw mode: what it sends to the collector's group is for the command's."""
    with Terminal() as terminal:
        line = typed(as_user("sh", "-c", "'echo pid=$$. >&2; sleep 1000; echo not-here'")[0])[:-1]
        terminal.type(f". {script_of(line + ' | cat' + chr(10))}\n")
        pid, _, _ = family(terminal)
        wait_for(lambda: runs(pid, "sleep"), "the shell waits for its child")
        terminal.type("\x03")
        terminal.expect(PROMPT)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the command ends")


def test_what_outlives_the_command_still_writes():
    """Within the grace, to the terminal that the command had."""
    gate = new_folder(0o777) / "gate"
    os.mkfifo(gate)
    gate.chmod(0o666)
    with Terminal() as terminal:
        before = terminal.modes
        terminal.run(*as_user("sh", "-c", f"(read word <{gate}; echo late) & echo pid=$$.; exit 8",
                              options=("--no-summary", "--grace", "60s"))[0])
        terminal.expect("pid=")
        pid = int(terminal.expect("."))
        wait_for(lambda: not Path(f"/proc/{pid}").exists() and terminal.modes == before, "the command ends")
        gate.write_text("x\n")
        terminal.expect("late")
        terminal.expect("code=8.")


# ---- what is killed or stopped ----

def test_the_terminal_is_given_back_after_kill_9():
    """To a caller that does not do it itself."""
    with Terminal() as terminal:
        before = terminal.modes
        line, _ = as_user("sh", "-c", "echo pid=$$.; read word")
        script = script_of(" ".join(map(_quoted, line)) + "; read word; echo word=$word.\n")
        terminal.run("sh", script)
        _, _, ours = family(terminal)
        assert terminal.modes != before
        os.kill(ours, signal.SIGKILL)
        wait_for(lambda: terminal.modes == before, "the terminal is as it was")
        terminal.type("one\n")
        terminal.expect("word=one.")


def test_the_user_stops_the_leader_of_the_session():
    with Terminal() as terminal:
        terminal.run(*as_user("sh", "-c", "echo pid=$$.; kill -STOP $PPID; exit 5")[0])
        terminal.expect("code=5.")


def test_the_user_kills_the_leader_of_the_session():
    with Terminal() as terminal:
        before = terminal.modes
        terminal.run(*as_user("sh", "-c", "trap '' HUP; kill -KILL $PPID; exit 5")[0])
        terminal.expect("code=137.")
        assert terminal.modes == before


def reporter(text):
    """An installation whose collector-merge is this script."""
    folder = new_folder()
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    shutil.copy(stage() / "collector", folder)
    (folder / "collector-merge").write_text("#!/bin/sh\n" + text)
    (folder / "collector-merge").chmod(0o755)
    return [folder / "collector", "--plugin-dir", folder, "-o", new_folder(), "--user", USER.pw_name, "--"]


def test_a_sink_has_nothing_of_the_callers_terminal():
    with Terminal() as terminal:
        shell = stat_of(terminal.shell.pid)
        terminal.run(*reporter("ls -l /proc/self/fd; cat /dev/tty; cat /proc/self/stat; tty <&2\n"), "true")
        shown = terminal.expect("code=0.")
        assert terminal.name not in shown and "/dev/pts/" in shown and "/dev/tty: No such device" in shown
        line = next(line for line in shown.splitlines() if "(cat) " in line)
        assert line.rpartition(")")[2].split()[3:5] == [line.rpartition(")")[2].split()[3], "0"]
        assert int(line.rpartition(")")[2].split()[3]) != shell[2]


def test_a_sink_that_was_stopped_is_continued():
    done = subprocess.run([*reporter("kill -STOP $$; echo report >&2; echo made >&2\n"), "true"], capture_output=True,
                          text=True, check=True, timeout=60)
    assert "report\nmade" in done.stderr and "killed" not in done.stderr


@pytest.mark.parametrize("script, why", [("while :; do kill -STOP $$; done", "stopped again and again"),
                                         ("exec sleep 1000", "no CPU time for 30 s")])
def test_a_sink_that_does_not_end_is_killed(script, why):
    done = subprocess.run([*reporter(script), "sh", "-c", "exit 4"], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 4
    assert "sink summary: killed" in done.stderr and why in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_for_a_sink(number):
    with subprocess.Popen([*reporter("echo waiting >&2; exec sleep 1000"), "sh", "-c", "exit 4"], stderr=subprocess.PIPE,
                          text=True) as process:
        assert process.stderr.readline() == "waiting\n"
        process.send_signal(number)
        assert "interrupted" in process.communicate(timeout=60)[1]
        assert process.returncode == 4


def test_the_header_says_the_user_by_id_and_name():
    """Of the command, not of the last account that was looked up: the recorder looks for its own."""
    for options, user in ((("--user", USER.pw_name), USER), ((), pwd.getpwuid(os.getuid()))):
        line, out = collector("--no-summary", *options, "--", "id", "-u")
        done = subprocess.run(line, capture_output=True, text=True, check=True)
        run = read_stream(out / os.readlink(out / "latest") / "lifecycle.msgpack")[0][b"run"]
        assert (run[b"uid"], run[b"user"].decode()) == (user.pw_uid, user.pw_name) and int(done.stdout) == user.pw_uid
