# SPDX-License-Identifier: BSD-2-Clause
"""The prompt of collector-query, at a terminal: statements, commands, errors, completion, history, Ctrl-C."""
import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from harness import BUILD, SRC, made_run, new_folder, stage, wait_for

pytestmark = pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
PROMPT = "collector> "


def has_editing():
    return "HAVE_LIBEDIT" in (BUILD / "Makefile").read_text() and b"libedit" in (BUILD / "collector-query").read_bytes()


editing = pytest.mark.skipif(not has_editing(), reason="built without libedit")


class Terminal:
    """collector-query at a terminal of its own, as a user without rights: what it shows, and what is typed."""

    def __init__(self, run, home, user=None):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            if user:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            env = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "vt100", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
            line = [str(stage() / "collector-query"), "--plugin-dir", str(stage()), "--queries", str(SRC / "conf/queries"), "-q",
                    str(run)]
            os.execve(line[0], line, env)

    def until(self, pattern, seconds=30, again=""):
        """Reads until the pattern is there; returns what came up to its end. `again`: typed while nothing comes, as a key that is
        pressed just before libedit waits for keys may be lost."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < end, self.seen
            if not select.select([self.fd], [], [], 2)[0]:
                self.type(again)
                continue
            try:
                self.seen += os.read(self.fd, 65536).decode().replace("\r", "")
            except OSError:
                raise AssertionError(f"ended: {self.seen}") from None
        text, self.seen = self.seen[:found.end()], self.seen[found.end():]
        return text

    def type(self, text):
        os.write(self.fd, text.encode())

    def ask(self, text, prompt=PROMPT):
        self.type(text + "\n")
        return self.until(r"\n" + re.escape(prompt) + "$")

    def end(self, typed=""):
        """Its exit code, once it has ended. What is typed before libedit reads keys may be lost: it is typed again."""
        end = time.monotonic() + 30
        self.type(typed)
        try:
            while True:
                assert time.monotonic() < end, self.seen
                if select.select([self.fd], [], [], 1)[0]:
                    self.seen += os.read(self.fd, 65536).decode()
                else:
                    self.type(typed)
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture(name="run", scope="module")
def a_run():
    copy = new_folder() / "run"
    shutil.copytree(made_run(500)[0], copy)
    if not os.geteuid():
        for path in [copy, *copy.iterdir()]:
            os.chown(path, 65534, 65534)
    return copy


@pytest.fixture(name="home")
def a_home():
    home = new_folder(0o700)
    if not os.geteuid():
        os.chown(home, 65534, 65534)
    return home


@pytest.fixture(name="terminal")
def a_terminal(run, home):
    terminal = Terminal(run, home, None if os.geteuid() else 65534)
    terminal.until(r"tables: .*\n" + PROMPT)
    return terminal


def test_statements_and_commands(terminal):
    assert "\nn\n499\n" in terminal.ask("SELECT 500 - 1 AS n;").replace(" ", "")
    terminal.ask("SELECT 'a;b' -- not the end;", "      ...> ")
    assert "\na;b\n" in terminal.ask("AS text;")
    both = terminal.ask("SELECT 1 AS one; SELECT 2 AS two;")
    assert "one" in both and "two" in both
    assert "lifecycle_exit" in terminal.ask(".tables")
    described = terminal.ask(".schema runs")
    assert "core_hours" in described and "lifecycle_exit" not in described
    assert ".quit" in terminal.ask(".help")
    assert "did you mean \".tables\"" in terminal.ask(".table")
    assert terminal.ask("  ;; -- nothing") and terminal.ask("")
    terminal.type(".quit\n")
    assert terminal.end() == 0


def test_errors_point_at_their_place(terminal):
    said = terminal.ask("SELECT nosuch\nFROM runs;").splitlines()
    at = [i for i, line in enumerate(said) if line.startswith("LINE 1: SELECT nosuch")]
    assert at and said[at[0] + 1].index("^") == said[at[0]].index("nosuch")
    assert "collector-query: error" not in "\n".join(said)
    assert "returns no rows" in terminal.ask("CREATE TABLE x (i INT);")
    assert "\n1\n" in terminal.ask("SELECT 1 AS n;")
    assert terminal.end("\x15\x04") == 0


def used(pid):
    """Seconds of CPU time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_ctrl_c_ends_a_query_and_a_line(terminal):
    terminal.type("SELECT sum(a.range * b.range) AS n FROM range(10000000) AS a, range(10000000) AS b;\n")
    before = used(terminal.pid)
    wait_for(lambda: used(terminal.pid) > before + 0.3, "the query runs")
    terminal.type("\x03")
    terminal.until(r"(?i)interrupt[\s\S]*\n" + PROMPT, again="\x03")
    terminal.ask("SELECT 1", "      ...> ")
    terminal.type("\x03")
    terminal.until(r"\n" + PROMPT + "$", again="\x03")
    assert "\n2\n" in terminal.ask("SELECT 2 AS n;")
    assert terminal.end("\x15\x04") == 0


@editing
def test_completion(terminal):
    terminal.type("SELECT count(*) AS n FROM hidden_f\t;\n")
    terminal.until(r"ailures ;\nn\n\s*\d+\n" + PROMPT + "$")
    terminal.type("SELECT max(i.peak_rss\t")
    terminal.until("_bytes")
    terminal.type(") AS peak FROM images AS i;\n")
    terminal.until(r"\n\s*peak\n\s*\d+\n" + PROMPT + "$")
    terminal.type("FROM lifecycle_\t")
    listed = terminal.until(r"lifecycle_fork[\s\S]*lifecycle_$")
    assert "lifecycle_exec" in listed and "lifecycle_exit" in listed
    assert terminal.end("\x15\x04") == 0


@editing
def test_history(run, home, terminal):
    terminal.ask("SELECT 1 AS kept;")
    terminal.ask(" SELECT 2 AS secret;")
    terminal.type(".quit\n")
    assert terminal.end() == 0
    file = home / ".local/state/collector/query_history"
    assert file.stat().st_mode & 0o777 == 0o600 and (file.parent.stat().st_mode & 0o777) == 0o700
    assert "kept" in file.read_text() and "secret" not in file.read_text()
    again = Terminal(run, home, None if os.geteuid() else 65534)
    again.until(PROMPT)
    again.type("\x10\x10\n")  # up: .quit, then the statement
    assert "\n1\n" in again.until(r"\nkept\n[\s\S]*" + PROMPT + "$").replace("   ", "")
    assert again.end("\x15\x04") == 0


@editing
def test_a_history_that_is_a_link_is_left_alone(run, home):
    folder, target = home / ".local/state/collector", home / "target"
    folder.mkdir(parents=True)
    target.write_text("mine\n")
    (folder / "query_history").symlink_to(target)
    for path in [folder, folder.parent, folder.parent.parent, target]:
        os.chown(path, os.stat(home).st_uid, -1)
    terminal = Terminal(run, home, None if os.geteuid() else 65534)
    terminal.until(PROMPT)
    terminal.ask("SELECT 1;")
    assert terminal.end("\x15\x04") == 0 and target.read_text() == "mine\n"


def test_root_keeps_no_history(run, home):
    if os.geteuid():
        pytest.skip("needs root")
    os.chown(home, 0, 0)
    terminal = Terminal(run, home)
    terminal.until(PROMPT)
    assert "\n1\n" in terminal.ask("SELECT 1 AS n;")
    assert terminal.end("\x15\x04") == 0 and not (home / ".local").exists()


def test_without_a_terminal_tables_are_listed(run):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", run], capture_output=True, text=True,
                          check=True, stdin=subprocess.DEVNULL)
    assert "lifecycle_exit" in done.stdout and "collector>" not in done.stdout
