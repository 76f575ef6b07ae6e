# SPDX-License-Identifier: BSD-2-Clause
"""A run that goes on, one whose collector was killed and one that has ended: every tool says which it is."""
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import Started, collect, merge, new_folder, read_stream, stage, wait_for, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

# /bin/true has ended and been written long before the line that is read; then it waits for its stdin
COMMAND = ["sh", "-c", "/bin/true; read line; exit 3"]
CONFIG = "{probes: {cpu: {interval: 100ms}, mem: {interval: 100ms}, io: {}, lifecycle: {}}}"


def tool(name, *args):
    """(exit code, what it printed, what it said)."""
    plugins = [] if name == "collector-ls" else ["--plugin-dir", stage()]
    done = subprocess.run([stage() / name, *plugins, *args], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def strict(run):
    return tool("collector-merge", "--strict", "--sink", "null", run)


class Goes(Started):
    """A run whose command waits, seen by the readers up to its /bin/true's exit."""

    def __init__(self, *options):
        super().__init__(*options, "--", *COMMAND, config=CONFIG, stdin=subprocess.PIPE)

    @property
    def path(self):
        return self.out / os.readlink(self.out / "latest")

    def wait_until_written(self):
        def ended():
            assert self.process.poll() is None, self.process.communicate()[1].decode()
            if not (self.out / "latest").exists():
                return False
            return [e for e in merge(self.path, options=["--quiet"]) if e["event"] == "exit" and e["comm"] == "true"]
        wait_for(ended, "the exit of /bin/true is in the stream")
        return self


def lost(run):
    return [e for e in merge(run) if e["event"] == "lost"]


def query(run, sql):
    code, out, said = tool("collector-query", "--format", "json", run, sql)
    assert code == 0, said
    return json.loads(out), said


@pytest.fixture(scope="module")
def goes():
    with Goes("--no-summary") as started:
        yield started.wait_until_written()


@pytest.fixture(scope="module")
def crashed():
    with Goes("--no-summary") as started:
        started.wait_until_written()
        os.kill(started.recorder(), signal.SIGKILL)
        started.end(signal.SIGKILL, code=-signal.SIGKILL)
        yield started


has_query = pytest.mark.skipif(not (stage() / "collector-query").exists(), reason="built without DuckDB")


class TestRunning:
    def test_summary(self, goes):
        code, page, said = tool("collector-merge", goes.path)
        assert code == 0 and "warning" not in said and "still running" in said
        state = [line.split() for line in page.splitlines() if line.startswith("  state ")]
        assert state and state[0][1] == "running" and "so far" in page
        assert "not complete" not in page and "lost" not in page and "verdict" not in page

    def test_wall_is_until_now(self, goes):
        """Nothing is written while the command waits, and its wall time goes on all the same."""
        clock = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        first = [e for e in merge(goes.path) if e["event"] == "exec"][0]["ts"]
        _, page, _ = tool("collector-merge", "--quiet", goes.path)
        value, unit = [line.split()[1:3] for line in page.splitlines() if line.startswith("  wall ")][0]
        wall = float(value) * {"ms": 1e6, "s": 1e9}[unit]
        assert wall >= (clock - first) * 0.9 - 1e8

    def test_jsonl(self, goes):
        assert not lost(goes.path)

    def test_strict(self, goes):
        code, _, said = strict(goes.path)
        assert code == 0 and "warning" not in said

    def test_a_copy_is_unknown(self, goes):
        """It has no lock, so nothing is claimed: neither that it runs nor that the collector was killed."""
        copy = new_folder() / "copy"
        shutil.copytree(goes.path, copy)
        code, _, said = strict(copy)
        assert code == 3 and "has no end record" in said and "killed" not in said and "still running" not in said

    @has_query
    def test_query(self, goes):
        sql = "SELECT outcome, wall_ns, ended FROM processes WHERE comm = 'sh'"
        for _ in range(2):  # what was made of a run that goes on is not used again
            clock = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            rows, said = query(goes.path, sql)
            assert "still running" in said and "warning" not in said
            assert [row["outcome"] for row in rows] == ["running"]
            first = [e for e in merge(goes.path) if e["event"] == "exec"][0]["ts"]
            assert rows[0]["wall_ns"] >= clock - first
        assert not (goes.path / ".tables").exists()


    def test_steps(self, goes):
        rules = new_folder() / "steps.yaml"
        rules.write_text("steps: [{args: 'sh -c .*', step: whole}]\n")
        code, lines, said = tool("collector-merge", "--sink", f"trace:steps={rules}", goes.path)
        assert code == 0 and "warning" not in said
        head, line = (dict(enumerate(text.split("\t"))) for text in lines.splitlines())
        task = {head[k]: line[k] for k in head}
        assert (task["name"], task["status"], task["exit"]) == ("whole", "RUNNING", "-") and int(task["realtime"]) > 0
        code, text, said = tool("collector-merge", "--sink", f"advise:format=slurm,steps={rules}", goes.path)
        assert code == 0 and "warning" not in said
        assert "# THE RUN HAS NOT ENDED" in text and "1 of 1 had not ended: may need more" in text

    def test_ls(self, goes, crashed):
        for run, state in (goes, "running"), (crashed, "crashed"):
            code, said, _ = tool("collector-ls", "--json", run.path.parent)
            found, = [found for found in json.loads(said) if found["run"] == run.path.name]
            assert code == 0 and (found["state"], found["result"]) == (state, None)
            assert found["wall_ns"] > 0 and (found["ended"] is None) == (state == "running")

    @has_query
    def test_diff(self, goes, crashed):
        code, _, said = tool("collector-diff", crashed.path, goes.path)
        assert code == 0 and "warning: a run has not ended" in said
        code, _, said = tool("collector-diff", "--quiet", crashed.path, goes.path)
        assert code == 0 and not said


class TestCrashed:
    def test_summary(self, crashed):
        code, page, said = tool("collector-merge", crashed.path)
        assert code == 0
        assert "  state         crashed" in page and "the collector was killed, or could not write: its record ends at +" in page
        assert "still running" not in page + said
        assert [line for line in said.splitlines() if "killed" in line or "lost" in line] == [
            f"collector-merge: warning: {crashed.path.name}: the collector was killed or could not write: "
            "the last events are missing; how many is not known"], said

    def test_strict(self, crashed):
        assert strict(crashed.path)[0] == 3

    def test_jsonl(self, crashed):
        assert {e["cause"] for e in lost(crashed.path)} == {"truncated"}

    @has_query
    def test_query(self, crashed):
        rows, said = query(crashed.path, "SELECT outcome FROM processes WHERE comm = 'sh'")
        assert [row["outcome"] for row in rows] == ["unknown"] and "the collector was killed" in said

    def test_with_a_summary_that_waits(self):
        """The processes for the sinks are forked early and hold the same lock: they end with the collector."""
        with Goes() as started:
            started.wait_until_written()
            started.process.kill()
            wait_for(lambda: strict(started.path)[0] == 3, "no process holds the lock")
            assert "the collector was killed" in tool("collector-merge", started.path)[2]


class TestEnded:
    def test_every_tool(self):
        with Goes("--no-summary") as started:
            started.wait_until_written()
            assert strict(started.path)[0] == 0
            started.tell("go on")
            run = started.end(None, code=3)
        code, page, said = tool("collector-merge", "--strict", run.path)
        assert code == 0 and not said
        assert "  verdict        exit 3" in page and "running" not in page and "  state " not in page

    def test_the_reader_of_a_run_that_ends_meanwhile(self):
        """Read again and again until it has ended: it is running or ended, and never damaged."""
        with Goes("--no-summary") as started:
            started.wait_until_written()
            started.tell("go on")
            while started.process.poll() is None:
                code, _, said = strict(started.path)
                assert code == 0 and "warning" not in said, said
            code, _, said = strict(started.path)
            assert code == 0 and "warning" not in said and "still running" not in said


def test_a_run_of_a_daemon():
    """Its headers are written when the recorder can open no file any more: they have the boot id all the same."""
    shell, config = new_folder() / "sh", new_folder() / "daemon.yaml"
    shutil.copy("/bin/sh", shell)
    config.write_text("scope: [{exe: %s}]\nprobes: {lifecycle: {}}\n" % shell)
    with Started("-c", config) as daemon:
        daemon.wait_until_watching()
        with subprocess.Popen([shell, "-c", "read line"], stdin=subprocess.PIPE) as run:
            wait_for((daemon.out / "latest").exists, "the run has begun")
            assert read_stream(daemon.out / "latest/lifecycle.msgpack")[0][b"boot_id"].decode() == \
                Path("/proc/sys/kernel/random/boot_id").read_text().strip()
            rows, _ = query(daemon.out / "latest", "SELECT state FROM runs")
            assert rows == [{"state": "running"}]
            run.communicate(b"end\n")


def test_ls_does_not_say_that_it_ended_where_a_stream_is_gone():
    run = collect("/bin/true", out=new_folder())
    for stream, state in (None, "ended"), ("lifecycle", "unknown"):
        if stream:
            (run.path / f"{stream}.msgpack").unlink()
        found, = json.loads(tool("collector-ls", "--json", run.path.parent)[1])
        assert found["state"] == state
