# SPDX-License-Identifier: BSD-2-Clause
"""Lines about what is wrong while a run goes on: once when a verdict stands, once when it is over; none for what only waits."""
import re
import subprocess
import sys

import pytest
from harness import Started, collect, new_folder, stage, wait_for
from test_progress import Pty

pytestmark = pytest.mark.skipif(not (stage() / "sinks/alert.so").exists(), reason="not built")

CONFIG = "{probes: {lifecycle: {}, cpu: {interval: 200ms}, stall: {interval: 200ms, after: 1s}}, verdicts: {after: 1s}}"
# waits for what only it could write
STUCK = "import os; r, w = os.pipe(); os.read(r, 1)"
WAITS = "import os, select; r, w = os.pipe()\nwhile True: select.select([r], [], [], 0.3)"
SCRIPT = 'for i in $(seq "$2"); do "$0" -c "$1" & done; read -r x; kill $(jobs -p); wait; read -r x; exit 0'
LINE = re.compile(r"collector: deadlock: .*\(pid (\d+)\) has waited .* for a read of pipe:\[\d+\], whose only writer is itself")


class Told(Started):
    """Its standard error goes to a file."""

    def __init__(self, program, count=1, options=("--no-summary",)):
        self.path = new_folder() / "stderr"
        with open(self.path, "wb") as stderr:
            super().__init__(*options, "--", "bash", "-c", SCRIPT, sys.executable, program, str(count), config=CONFIG,
                             stdin=subprocess.PIPE, stderr=stderr)

    def lines(self):
        return self.path.read_text().splitlines()

    def end_them(self):
        self.tell("kill")

    def leave(self):
        self.tell("end")
        assert self.process.wait(timeout=60) == 0
        return self.lines()


def test_a_verdict_is_said_once_and_when_it_is_over():
    with Told(STUCK) as told:
        first, = wait_for(told.lines, "a line")
        pid = LINE.fullmatch(first)[1]
        assert f"\0{STUCK}\0".encode() in open(f"/proc/{pid}/cmdline", "rb").read()
        told.end_them()
        wait_for(lambda: len(told.lines()) > 1, "it is over")
        lines = told.leave()
    assert len(lines) == 2 and re.fullmatch(rf"collector: deadlock of pid {pid} is over, after \d.*s", lines[1])


def test_only_some_lines_at_once():
    with Told(STUCK, 9) as told:
        wait_for(lambda: len(told.lines()) == 4, "the first ones")
        told.end_them()
        lines = told.leave()
    assert len([line for line in lines if LINE.fullmatch(line)]) in (4, 5)


@pytest.mark.parametrize("program, options", [(WAITS, ["--no-summary"]), (STUCK, ["-q"])], ids=["healthy", "quiet"])
def test_nothing_is_said(program, options):
    run = collect("timeout", "5", sys.executable, "-c", program, config=CONFIG, options=options, code=124)
    assert run.stderr == ""


def test_on_the_terminal_of_the_command(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG)
    with Pty("-c", str(config), "--no-summary", "--", "bash", "-c", f"printf 'own words'; {SCRIPT}", sys.executable, STUCK, "1") as pty:
        text = pty.read(rb"whose only writer is itself\r\n").decode()
    assert LINE.search(text) and re.search(r"own words\r\ncollector: deadlock: ", text)


def test_a_program_that_draws_itself_is_left_alone(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG)
    script = f"stty raw -echo; {SCRIPT.replace('read -r x;', 'sleep 5; printf cooked; stty sane; read -r x;', 1)}"
    with Pty("-c", str(config), "--no-summary", "--", "bash", "-c", script, sys.executable, STUCK, "1") as pty:
        text = pty.read(rb"whose only writer is itself").decode()
    assert text.startswith("cooked\r\ncollector: deadlock: ")
