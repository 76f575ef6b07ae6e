# SPDX-License-Identifier: BSD-2-Clause
"""What a sink of the configuration has not delivered stays, whatever the limits say: with a real follower that stalls."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from harness import NOBODY, Started, disk_used, merge, new_folder, program, stage, wait_for, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

CONFIG = """scope: [{{exe: {tool}}}]
run: {{followers: {followers}}}
sinks: {{jsonl: {{}}}}
probes: {{lifecycle: {{}}}}
limits: {limits}
"""


class Site:
    """A daemon, what it says, and the follower of its sink, of one user as by their units."""

    def __init__(self, limits):
        self.tool, self.followers, self.out = new_folder() / "tool", new_folder(), new_folder(0o750)
        shutil.copy(program("execs"), self.tool)
        os.chown(self.out, NOBODY, 0)
        self.config, self.log = new_folder() / "daemon.yaml", new_folder() / "log"
        self.config.write_text(CONFIG.format(tool=self.tool, followers=self.followers, limits=limits))
        self.merged = self.followers / "jsonl" / "merged.jsonl"
        self.started = 0

    @contextlib.contextmanager
    def daemon(self):
        with open(self.log, "ab") as log, Started("-v", "-c", self.config, out=self.out, stderr=log) as daemon:
            daemon.wait_until_watching()
            yield daemon
            daemon.end(signal.SIGTERM)

    @contextlib.contextmanager
    def follower(self):
        """It has begun when its folder is there, by which the daemon knows that it is to be waited for."""
        (self.followers / "jsonl").mkdir(exist_ok=True)
        os.chown(self.followers / "jsonl", NOBODY, 0)
        line = [stage() / "collector", "--plugin-dir", stage(), "-c", self.config, "-o", self.out, "--follow", "jsonl",
                "--state", self.followers / "jsonl"]
        with subprocess.Popen(line, user=NOBODY, group=0, extra_groups=[]) as process:
            try:
                wait_for((self.followers / "jsonl/cursors/jsonl/.lock").exists, "its cursors")
                yield process
            finally:
                process.send_signal(signal.SIGCONT)
                process.terminate()

    def said(self):
        return self.log.read_text()

    def run(self):
        """One process that the rule is for."""
        self.started += 1
        subprocess.run([self.tool, "exit", "0"], check=True)

    def runs(self):
        return {path.name for path in self.out.glob("run-*Z*") if path.is_dir() and not path.is_symlink()}

    def begun(self):
        return re.findall(r"run (\S+): started by", self.said())

    def record(self, refusal=None):
        """One run, to its end, or until this is said."""
        before = len(self.begun())
        self.run()
        wait_for(lambda: refusal and refusal in self.said() or len(self.begun()) > before and
                 f"run {self.begun()[-1]}: ended" in self.said(), "a run")
        return self.begun()[-1]

    def again(self):
        """Waits until a run is recorded again."""
        before = len(self.begun())
        def recorded():
            self.run()
            return len(self.begun()) > before
        wait_for(recorded, "a run is recorded again")

    def fed(self):
        """What the sink has: marker and number of each record."""
        text = self.merged.read_bytes() if self.merged.exists() else b""
        return {(e["marker"], e["seq"]) for e in map(json.loads, text[:text.rfind(b"\n") + 1].splitlines())}

    def recorded(self, *runs):
        return {(e["marker"], e["seq"]) for e in merge(*(self.out / run for run in runs))}

    def delivered(self):
        """The runs that the sink has all of, by its cursors."""
        return {path.name for path in (self.followers / "jsonl/cursors/jsonl").glob("*/run-*") if "ended 1" in path.read_text()}


def test_total_size():
    """All that the daemon has recorded until it stops comes to the sink."""
    site = Site("{total: 256KiB}")
    full = "limits.total is reached by runs that sink jsonl has not delivered"
    with site.daemon(), site.follower() as follower:
        follower.send_signal(signal.SIGSTOP)
        while full not in site.said():
            site.record(full)
        for _ in range(5):
            site.run()
        begun = wait_for(lambda: set(site.begun()) == site.runs() and site.begun(), "nothing has gone")
        assert not site.delivered()
        recorded = site.recorded(*begun)
        follower.send_signal(signal.SIGCONT)
        wait_for(lambda: recorded <= site.fed(), "all of it is delivered")
        site.again()
        # cursors come after the records
        wait_for(lambda: set(begun) & site.runs() <= site.delivered(), "the daemon can know it")
        follower.send_signal(signal.SIGSTOP)
        for _ in range(10):
            site.record()
        wait_for(lambda: disk_used(site.out) <= 256 << 10, "and delivered ones make room")
    said = site.said()
    assert "(limits.total), though" not in said and site.said().count(full) <= 2
    refused = int(re.search(r"(\d+) runs were not recorded, because of limits", said)[1])
    assert refused == site.started - len(site.begun()) > 0


def test_number_of_runs():
    """One that is delivered goes before those that are not, though it is not the oldest to be removed next."""
    site = Site("{runs: 3}")
    with site.daemon(), site.follower() as follower:
        first = site.record()
        wait_for(lambda: first in site.delivered(), "it is delivered")
        follower.send_signal(signal.SIGSTOP)
        rest = [site.record() for _ in range(3)]
        wait_for(lambda: site.runs() == set(rest), "the delivered one has gone")
        site.run()
        wait_for(lambda: "limits.runs is reached by runs that sink jsonl has not delivered" in site.said(), "one is refused")
        assert site.runs() == set(rest)
        recorded = site.recorded(*rest)
        follower.send_signal(signal.SIGCONT)
        site.again()
        wait_for(lambda: recorded <= site.fed() and len(site.runs()) == 3, "all are delivered, three are left")


def test_a_site_that_prefers_the_new_runs():
    site = Site("{runs: 2, drop_undelivered: true}")
    with site.daemon(), site.follower() as follower:
        follower.send_signal(signal.SIGSTOP)
        made = [site.record() for _ in range(5)]
        wait_for(lambda: site.runs() == set(made[-2:]), "the last two are left")
    said = site.said()
    assert said.count("though sink jsonl has not delivered it") == 1
    assert "3 runs were removed before sinks had delivered them" in said


def test_a_sink_without_a_follower():
    """Nothing waits for it."""
    site = Site("{runs: 2}")
    with site.daemon():
        made = [site.record() for _ in range(5)]
        wait_for(lambda: site.runs() == set(made[-2:]), "the last two are left")
    assert not os.listdir(site.followers)
