# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP has a daemon read its configuration again: rules, limits and sinks change under runs that go on."""
import os
import re
import shutil
import signal
import subprocess

import pytest
from harness import NOBODY, Started, merge, new_folder, program, wait_for, why_no_bpf
from test_daemon_log import Journal
from test_follow_daemon import Fed

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))


def copy(path):
    """A program of this test's own."""
    return shutil.copy(path, new_folder() / "tool")


def tool():
    return copy(program("execs"))


def shell():
    return copy("/bin/sh")


class Daemon(Started):
    def __init__(self, config, out=None):
        self.file, self.journal = new_folder() / "daemon.yaml", Journal()
        self.file.write_text(config)
        super().__init__("-v", "-c", self.file, out=out, env=self.journal.env, stderr=self.journal.theirs)
        self.wait_until_watching()

    def reload(self, config, said="reloaded: "):
        """Writes the file, sends the signal, and waits for the answer: what is said since."""
        before = len(self.journal.read())
        self.file.write_text(config)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: re.search(rf": {said}.*\n", self.journal.read()[before:]), said)
        return self.journal.read()[before:]

    def runs(self):
        return {path.name for path in self.out.glob("*-*Z*") if not path.is_symlink() and path.name[0] != "."}

    def new_run(self, *command):
        """Runs a command; the name of the run that it started."""
        before = self.runs()
        subprocess.run(command, check=True)
        new, = wait_for(lambda: self.runs() - before, "a new run")
        return new

    def ended(self, run):
        wait_for(lambda: f"run {run}: ended" in self.journal.read(), "its end")


def test_rules_change_under_a_run():
    """The run of a rule that has gone goes on with nothing lost; other rules take over, of a kind that there was none of."""
    old, new, cwd = shell(), tool(), new_folder()
    with Daemon(f"scope: [{{exe: {old}}}]\nprobes: {{lifecycle: {{}}}}\n") as daemon:
        with subprocess.Popen([old, "-c", "read line; exit 3"], stdin=subprocess.PIPE) as first:
            open_run, = wait_for(daemon.runs, "the first run")
            said = daemon.reload(f"scope: [{{exe: {new}, name: other}}, {{cwd: {cwd}}}]\nprobes: {{lifecycle: {{}}}}\n")
            assert "reloaded: 2 rules" in said and "takes effect at a restart" not in said
            assert daemon.new_run(new, "exit", "0").startswith("other-")
            in_folder = daemon.new_run("env", "-C", cwd, "/bin/true")
            before = daemon.runs()
            subprocess.run([old, "-c", ":"], check=True)
            assert daemon.new_run(new, "exit", "0") and len(daemon.runs()) == len(before) + 1
            first.communicate()
        daemon.ended(open_run)
        daemon.ended(in_folder)
        daemon.end()
    events = merge(daemon.out / open_run)
    assert [e["exit_code"] for e in events if e["event"] == "exit"] == [3]
    assert not [e for e in events if e["event"] == "lost"]
    assert "rule on line 1" in daemon.journal.text


BAD = [
    ("scope: [{exe: relative}]\n", r"^<3>.*daemon\.yaml:1:15: scope\[0\]\.exe: "),
    ("scope: [{exe: /x}]\nlimits: {runn: 1GiB}\n", r"^<3>.*daemon\.yaml:2:10: limits\.runn: "),
    ("scope: [{exe: /x}]\nsinks: {jsonll: {}}\n", r"^<3>.*daemon\.yaml:2:9: sinks\.jsonll: "),
    ("scope: [\n", r"^<3>.*daemon\.yaml:2:1: "),
    ("run: {name: x}\n", r"^<3>.*nothing to watch"),
]


def test_what_is_wrong_changes_nothing():
    one, other = tool(), tool()
    with Daemon(f"scope: [{{exe: {one}}}]\nprobes: {{lifecycle: {{}}}}\n") as daemon:
        for text, error in BAD:
            said = daemon.reload(text.replace("/x", str(other)), "not reloaded")
            assert re.search(error, said, re.M), said
        daemon.file.unlink()
        daemon.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "No such file" in daemon.journal.read(), "the error")
        before = daemon.runs()
        subprocess.run([other, "exit", "0"], check=True)
        daemon.new_run(one, "exit", "0")
        assert len(daemon.runs()) == len(before) + 1
        daemon.end()


def test_too_many_rules_change_nothing():
    """The kernel's table has an end: what was installed before that goes again."""
    one, other = tool(), tool()
    with Daemon(f"scope: [{{exe: {one}}}]\nprobes: {{lifecycle: {{}}}}\n") as daemon:
        many = "".join(f"  - exe: /none/{i}\n" for i in range(1100))
        assert "cannot install the rule" in daemon.reload(f"scope:\n  - exe: {other}\n{many}", "not reloaded")
        before = daemon.runs()
        subprocess.run([other, "exit", "0"], check=True)
        daemon.new_run(one, "exit", "0")
        assert len(daemon.runs()) == len(before) + 1
        many = "".join(f"  - exe: /none/{i}\n" for i in range(1000))
        daemon.reload(f"scope:\n  - exe: {other}\n{many}probes: {{lifecycle: {{}}}}\n")
        daemon.new_run(other, "exit", "0")
        daemon.end()


def test_what_needs_a_restart_is_said():
    one = tool()
    with Daemon(f"scope: [{{exe: {one}}}]\nprobes: {{lifecycle: {{}}, cpu: {{}}}}\nsinks: {{jsonl: {{}}}}\n") as daemon:
        said = daemon.reload(
            f"scope: [{{exe: {one}}}, {{all: true}}, {{pid: 1}}]\nprobes: {{lifecycle: {{env: [PATH]}}, io: {{}}}}\nargs: none\n"
            "run: {output: /elsewhere, grace: 1m}\nverdicts: {after: 2m}\nredact: [secret]\nsinks: {msgpack: {}}\n")
        said = said if "reloaded: 3" in said else daemon.journal.read()
        fixed = set(re.findall(r"^<4>.*daemon\.yaml: (\S+): differs .* at a restart$", said, re.M))
        assert fixed == {"scope.all", "scope.pid", "probes.lifecycle", "probes.cpu", "probes.io", "probes.output", "args",
                         "run.output", "run.grace", "verdicts", "redact"}, said
        assert "sink msgpack: new: start its follower" in said and "sink jsonl: removed: stop its follower" in said
        daemon.new_run(one, "exit", "0")
        daemon.end()


def test_limits_change():
    """A run that had reached its limit goes on, and of the runs that are kept some go."""
    own = shell()
    config = f"scope: [{{exe: {own}}}]\nprobes: {{lifecycle: {{}}}}\n"
    with Daemon(config + "limits: {run: 1KiB}\n") as daemon:
        done = [daemon.new_run(own, "-c", ":") for _ in range(3)]
        for run in done:
            daemon.ended(run)
        with subprocess.Popen([own, "-c", "/bin/true; /bin/true; /bin/true; read line; /bin/true; read line"],
                              stdin=subprocess.PIPE) as process:
            wait_for(lambda: daemon.journal.read().count("limits.run is reached") == 4, "the limit")
            last = max(daemon.runs() - set(done))
            daemon.reload(config + "limits: {run: 0, runs: 2}\n")
            wait_for(lambda: daemon.runs() == {done[-1], last}, "the oldest go")
            process.stdin.write(b"more\n")
            process.stdin.flush()
            process.communicate()
        daemon.ended(last)
        daemon.end()
    events = merge(daemon.out / last)
    lost = [e for e in events if e["event"] == "lost"]
    assert {e["cause"] for e in lost} == {"limit"} and events[-1]["ts"] > max(e["ts"] for e in lost)
    # the shell, and four of /bin/true: a fork, an exec and an exit of each
    assert sum(e["event"] in ("fork", "exec", "exit") for e in events) + sum(e["count"] for e in lost) in (14, 15)


def test_a_sink_that_has_gone_keeps_nothing():
    """Runs that no follower has delivered stay, and then no longer, when the configuration does not have the sink."""
    own, followers, out = tool(), new_folder(), new_folder(0o750)
    os.chown(out, NOBODY, 0)  # whose the keeper is, then, too
    config = f"scope: [{{exe: {own}}}]\nprobes: {{lifecycle: {{}}}}\nrun: {{followers: {followers}}}\nlimits: {{runs: 2}}\n"
    with Daemon(config + "sinks: {jsonl: {}}\n", out) as daemon:
        (followers / "jsonl").mkdir()
        os.chown(followers / "jsonl", NOBODY, 0)
        with Fed(daemon.file, daemon.out, followers / "jsonl") as fed:
            wait_for((followers / "jsonl/cursors/jsonl/.lock").exists, "the follower")
            fed.end(signal.SIGKILL, -signal.SIGKILL)

        def begun():
            return re.findall(r"run (\S+): started by", daemon.journal.read())

        def refused():
            before = len(begun())
            subprocess.run([own, "exit", "0"], check=True)
            wait_for(lambda: "not recorded" in daemon.journal.read() or len(begun()) > before and
                     f"run {begun()[-1]}: ended" in daemon.journal.read(), "a run to its end, or its refusal")
            return "sink jsonl has not delivered; the run is not recorded" in daemon.journal.read()
        wait_for(refused, "there is no room")
        kept = daemon.runs()
        assert len(kept) >= 2 and "sink jsonl: removed" in daemon.reload(config)
        last = daemon.new_run(own, "exit", "0")
        wait_for(lambda: len(daemon.runs()) == 2 and last in daemon.runs(), "the oldest go")
        daemon.end()


def test_a_command_gets_the_signal_as_before():
    ready = new_folder() / "ready"
    script = f"trap 'exit 7' HUP; : >{ready}; while :; do sleep 0.1; done"
    with Started("--no-summary", "--", "/bin/sh", "-c", script) as run:
        run.wait_until_watching()
        wait_for(ready.exists, "the shell handles the signal")
        run.end(signal.SIGHUP, 7)
