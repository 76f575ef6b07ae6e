# SPDX-License-Identifier: BSD-2-Clause
"""A daemon's runs are fed to a sink of its configuration while they are recorded, by a process without rights."""
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from harness import NOBODY, Started, merge, new_folder, stage, wait_for, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

CONFIG = """scope: [{exe: %s}]
sinks: {jsonl: {}, summary: {}}
probes: {lifecycle: {}, cpu: {interval: 100ms}}
"""


class Fed:
    """The follower: as the unit starts it, by a user of the group that may read the runs."""

    def __init__(self, config, runs, state, sink="jsonl"):
        self.process = subprocess.Popen(
            [stage() / "collector", "--plugin-dir", stage(), "-c", config, "-o", runs, "--follow", sink, "--state", state],
            user=NOBODY, group=0, extra_groups=[], stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self, number=signal.SIGTERM, code=0):
        if number is not None:
            self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == code, said
        return said


def lines_of(file, killed=False):
    """Without that which is still written; those of a follower that was killed may be parts."""
    text = file.read_bytes() if file.exists() else b""
    lines = text[:text.rfind(b"\n") + 1].splitlines()
    return [json.loads(line) for line in lines if not killed or line.endswith(b"}")]


def state_folder():
    state = new_folder()
    os.chown(state, NOBODY, 0)
    return state


@pytest.fixture
def shell():
    """A shell of this test's own, which starts runs."""
    path = new_folder() / "sh"
    shutil.copy("/bin/sh", path)
    return path


def test_runs_of_a_daemon(shell):
    config = new_folder() / "daemon.yaml"
    config.write_text(CONFIG % shell)
    out, state = new_folder(0o750), state_folder()
    merged = state / "merged.jsonl"
    with Started("-c", config, out=out) as daemon:
        daemon.wait_until_watching()
        with Fed(config, out, state) as fed:
            with subprocess.Popen([shell, "-c", "/bin/true; read line"], stdin=subprocess.PIPE) as first:
                wait_for(lambda: [e for e in lines_of(merged) if e["event"] == "exit" and e["comm"] == "true"],
                         "the exit of /bin/true, while its run goes on")
                fed.end(signal.SIGKILL, -signal.SIGKILL)
                first.communicate(b"end\n")
        with Fed(config, out, state) as fed:
            subprocess.run([shell, "-c", "/bin/false"], check=False)
            wait_for(lambda: len([path for path in (state / "cursors").glob("jsonl/*/*") if path.name[0] != "."
                                  and "ended 1" in path.read_text()]) == 2, "both runs are delivered")
            fed.end()
        daemon.end()
    lines, runs = lines_of(merged), [path for path in Path(out).iterdir() if not path.is_symlink()]
    assert len(runs) == 2
    for run in runs:
        fed_lines = {(e["marker"], e["seq"]): e for e in lines if e["run"] == run.name}
        assert fed_lines == {(e["marker"], e["seq"]): e for e in merge(run)}


def test_the_job_of_a_run_is_that_of_its_first_program(shell):
    """The daemon itself is in no job: what it watches is."""
    config = new_folder() / "daemon.yaml"
    config.write_text(f"scope: [{{exe: {shell}}}]\nprobes: {{lifecycle: {{env: [SLURM_JOB_ID, SLURM_CLUSTER_NAME]}}}}\n")
    with Started("-c", config, out=new_folder()) as daemon:
        daemon.wait_until_watching()
        for job in {"SLURM_JOB_ID": "17", "SLURM_CLUSTER_NAME": "big"}, {"SLURM_JOB_ID": "a b"}, {}:
            subprocess.run([shell, "-c", "SLURM_JOB_ID=99 /bin/true; exit 0"], env={**os.environ, **job}, check=True)
        daemon.end()
    done = subprocess.run([stage() / "collector-ls", "--json", daemon.out], capture_output=True, check=True)
    listed = {run["run"]: run["job"] for run in json.loads(done.stdout)}
    assert sorted(job or "" for job in listed.values()) == ["", "", "slurm:big:17"]
    page = subprocess.run([stage() / "collector-ls", daemon.out], capture_output=True, check=True, text=True).stdout
    assert "  JOB  " in page.splitlines()[0] and page.count("slurm:big:17") == 1
    if (stage() / "collector-query").exists():
        for run, job in listed.items():
            done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", "-F", "jsonl", daemon.out / run,
                                   "SELECT job FROM runs"], capture_output=True, check=True)
            assert json.loads(done.stdout) == {"job": job}


def test_what_cannot_be_followed(shell):
    config = new_folder() / "daemon.yaml"
    config.write_text(CONFIG % shell)
    for sink, why in ("summary", "writes when all is over"), ("jsonn", 'no sink "jsonn"'):
        with Fed(config, new_folder(), state_folder(), sink) as fed:
            assert why in fed.end(None, 2)
