# SPDX-License-Identifier: BSD-2-Clause
"""The line of progress on the terminal: there while a run goes on, gone after it, and never where the command draws itself."""
import contextlib
import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time

import pytest
from harness import collector, stage

LINE = re.compile(rb"\r\x1b\[K(\d+) running, (\d+) ended, (\d+) failed[^\r\n]*")
pytestmark = pytest.mark.skipif(not (stage() / "sinks/progress.so").exists(), reason="not built")


class Pty:
    """A collector whose terminal is read here; `shell` is a line for sh, in which $COLLECTOR is its command line."""

    def __init__(self, *options, shell='exec "$@"', columns=80, **env):
        self.master, slave = os.openpty()
        termios.tcsetwinsize(slave, (24, columns))
        line, self.out = collector(*options)
        self.process = subprocess.Popen(["sh", "-c", shell, "sh", *line], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**os.environ, "TERM": "xterm", **env})
        os.close(slave)
        self.text = b""

    def read(self, until=None, seconds=60):
        """What has come by now: until that matches, or until all have closed the terminal."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until and re.search(until, self.text)):
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            try:
                self.text += os.read(self.master, 65536)
            except OSError:
                return self.text
        assert until and re.search(until, self.text), self.text
        return self.text

    def end(self, code=0):
        self.read()
        assert self.process.wait(timeout=60) == code, self.text
        return self.text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.master)


def shown(text):
    """The screen's last line, as a terminal has it after these bytes."""
    return re.sub(rb".*\r\x1b\[K", b"", text.split(b"\n")[-1], flags=re.S)


QUIET = "exec >/dev/null 2>&1; "  # of the command itself: it is not on the terminal


def command(script):
    return ["--no-summary", "--", "bash", "-c", script]


def test_it_is_there_and_goes_away(tmp_path):
    fifo = tmp_path / "end"
    os.mkfifo(fifo)
    with Pty(*command(QUIET + f"/bin/false; sleep 1000 & read -r x <'{fifo}'; kill %1; exit 3")) as pty:
        pty.read(LINE)
        pty.read(rb"2 running, 1 ended, 1 failed, CPU \d+%, memory [\d.]+ [KM]iB, longest sleep [\d.]+ m?s")
        with open(fifo, "w", encoding="ascii") as end:
            end.write("x\n")
        text = pty.end(3)
    assert text.endswith(b"\r\x1b[K") and shown(text) == b"" and b"\n" not in text


def test_it_fits_the_terminal(tmp_path):
    with Pty(*command(QUIET + "exec -a " + "x" * 200 + " sleep 4"), columns=40) as pty:
        text = pty.end()
    lines = [len(part.decode()) for part in text.split(b"\r\x1b[K")]
    assert LINE.search(text) and max(lines) == 39


@pytest.mark.parametrize("script", [
    "sleep 3; echo own",            # the command is on the terminal
    "exec >/dev/null; sleep 3",     # by one of the two
    "exec 2>/dev/null; sleep 3",
    "exec >/dev/tty 2>&1 || exit 9; sleep 3",  # by another name
])
def test_not_where_the_command_draws_itself(script):
    with Pty(*command(script)) as pty:
        text = pty.end()
    assert b"running" not in text and b"\x1b" not in text


def test_it_ends_when_the_command_comes_to_the_terminal(tmp_path):
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    with Pty(*command(f"exec 8>&2; {QUIET} read -r x <'{fifo}'; exec >&8 2>&1; sleep 3; echo from here on; sleep 3; echo own")) as pty:
        pty.read(LINE)
        with open(fifo, "w", encoding="ascii") as go:
            go.write("x\n")
        text = pty.end()
    assert re.search(rb"\r\x1b\[Kfrom here on\r\nown\r\n$", text), text


@pytest.mark.parametrize("options,shell,env", [
    (["-q"], 'exec "$@"', {}),
    ([], 'exec "$@" 2>"$LOG"', {}),  # standard error is no terminal
    ([], 'exec "$@"', {"TERM": "dumb"}),
], ids=["quiet", "stderr", "dumb"])
def test_off(tmp_path, options, shell, env):
    with Pty(*options, *command(QUIET + "sleep 3"), shell=shell, LOG=str(tmp_path / "log"), **env) as pty:
        text = pty.end()
    assert text == b"" and (not (tmp_path / "log").exists() or b"running" not in (tmp_path / "log").read_bytes())


def test_the_summary_comes_after_it():
    with Pty("--", "bash", "-c", QUIET + "sleep 3") as pty:
        text = pty.end()
    last = LINE.search(text)
    assert last and b"\r\x1b[K" in text[last.end():] and b"wall" in text.rpartition(b"\x1b[K")[2]


def test_a_process_that_is_followed():
    with subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as followed:
        with Pty("--no-summary", "--pid", str(followed.pid)) as pty:
            pty.read(rb"1 running, 0 ended, 0 failed[^\r\n]*longest sleep")
            followed.kill()
            followed.wait()
            text = pty.end()
    assert shown(text) == b""


def test_a_stopped_line_holds_nothing():
    """Whoever has the follower stopped, or kills it, holds neither the command nor the collector."""
    for number in signal.SIGSTOP, signal.SIGKILL:
        with Pty(*command(QUIET + "sleep 4; exit 5")) as pty:
            pty.read(LINE)
            children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pty.process.pid)], capture_output=True, text=True,
                                      check=True).stdout
            follower, = [int(line.split()[0]) for line in children.splitlines() if "--sink progress" in line]
            os.kill(follower, number)
            pty.end(5)
