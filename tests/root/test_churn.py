# SPDX-License-Identifier: BSD-2-Clause
"""Very many short runs of a daemon with limits: memory, descriptors and disk stay flat, and no run is missed.

`make check-churn` makes 100,000 of them and prints a table (RUNS="N SECONDS": N, or as many as that time allows); $CHURN
is how many the test makes."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from harness import Started, disk_used, new_folder, wait_for

COUNT = int(os.environ.get("CHURN", "1200"))
KEPT, TOTAL = 400, 20 << 20
BATCH, AT_ONCE = 100, 4  # fewer than KEPT are open at once
SAMPLES = 40
CONFIG = "scope: [{{exe: {tool}}}]\nlimits: {{runs: {runs}, total: {total}}}\n"
# Freed memory that the sanitizer holds back would look like growth, and what is left of that goes up and down by 5 MiB
SLACK_KB = 8192 if "ASAN_OPTIONS" in os.environ else 512
ASAN = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"


class Sample:
    """What both processes and the output folder take."""

    def __init__(self, runs, daemon):
        keeper, recorder = daemon.pid, daemon.recorder()
        self.runs = runs
        self.values = {
            "keeper KiB": rss(keeper), "recorder KiB": rss(recorder),
            "keeper fds": fds(keeper), "recorder fds": fds(recorder),
            "folders": len(list(daemon.out.glob("run-*"))), "disk KiB": disk_used(daemon.out) >> 10,
        }


def rss(pid):
    return int(re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def fds(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Churn:
    """`count` runs of three processes each, AT_ONCE at a time, and samples on the way."""

    def __init__(self, count, progress=False, seconds=None):
        tool = new_folder() / "tool"
        shutil.copy(os.path.realpath("/bin/sh"), tool)
        log = new_folder() / "log"
        began = time.monotonic()
        self.samples, self.begun, self.ended, self.said = [], 0, 0, ""
        config = CONFIG.format(tool=tool, runs=KEPT, total=TOTAL)
        with open(log, "wb") as out, open(log, encoding="utf-8") as self.log, \
                Started("-v", config=config, stderr=out, env={**os.environ, "ASAN_OPTIONS": ASAN}) as daemon:
            daemon.wait_until_watching()
            idle = fds(daemon.recorder())
            for done in range(BATCH, count + 1, BATCH):
                self.make(tool)
                self.count = done
                self.settle(daemon, idle)
                if seconds and time.monotonic() - began > seconds:
                    break
                if done * SAMPLES // count == (done - BATCH) * SAMPLES // count:
                    continue
                self.samples.append(Sample(done, daemon))
                if progress:
                    print(done, f"{done / (time.monotonic() - began):.0f}/s", self.samples[-1].values, flush=True)
            daemon.end(signal.SIGTERM)
            self.have_ended(count)
        self.seconds = time.monotonic() - began

    @staticmethod
    def make(tool):
        """A batch. Shells make it, which is faster than Python."""
        script = f"for i in $(seq {BATCH // AT_ONCE}); do {tool} -c '/bin/true; /bin/true; :'; done"
        workers = [subprocess.Popen(["/bin/sh", "-c", script]) for _ in range(AT_ONCE)]
        assert not any(worker.wait() for worker in workers)

    def settle(self, daemon, idle):
        """Until all of the batch have begun, ended and are on the disk, and what is above the limits has gone: no more than
        a batch is ever open, so that the most memory is that of the first."""
        wait_for(lambda: self.have_ended(self.count), "all runs have ended")
        wait_for(lambda: fds(daemon.recorder()) <= idle, "all runs have been closed")
        wait_for(lambda: len(list(daemon.out.glob("run-*"))) <= KEPT and disk_used(daemon.out) <= TOTAL, "the limits hold")

    def have_ended(self, count):
        """Whether so many have, by what the daemon logs: a line by one write."""
        for line in self.log:
            self.begun += ": started by " in line
            self.ended += line.endswith(": ended\n")
            if not re.search(": (started|ended|removed)", line):
                self.said += line
        return self.ended >= count

    def wrong(self):
        """What is not as it should be."""
        found = []
        for number, what in (self.begun, "begun"), (self.ended, "ended"):
            if number != self.count:
                found.append(f"{number} runs have {what}, not {self.count}")
        if "not recorded" in self.said:
            found.append("runs were not recorded")
        warm = self.samples[len(self.samples) // 4:]
        for name in warm[0].values:
            before, after = (max(s.values[name] for s in part) for part in (warm[:len(warm) // 2], warm[len(warm) // 2:]))
            if after > before + (SLACK_KB if "KiB" in name else 8):
                found.append(f"{name}: grows from {before} to {after}")
        return found

    def table(self):
        names = list(self.samples[0].values)
        rows = [["runs", *names], *([str(s.runs), *(str(s.values[n]) for n in names)]
                                    for s in self.samples[::max(len(self.samples) // 10, 1)] + self.samples[-1:])]
        wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.rjust(n) for cell, n in zip(row, wide)) for row in rows)


def test_churn():
    churn = Churn(COUNT)
    assert not churn.wrong(), churn.table()


def test_the_comparison_finds_growth():
    churn = Churn.__new__(Churn)
    churn.count = churn.begun = churn.ended = 0
    churn.said = ""
    for name in "a KiB", "fds":
        churn.samples = [type("S", (), {"values": {name: 5000 + SLACK_KB // 4 * i}, "runs": i}) for i in range(SAMPLES)]
        assert len(churn.wrong()) == 1
        churn.samples = [type("S", (), {"values": {name: 5000 + i % 2}, "runs": i}) for i in range(SAMPLES)]
        assert not churn.wrong()


if __name__ == "__main__":
    result = Churn(int(sys.argv[1]), progress=True, seconds=int(sys.argv[2]) if sys.argv[2:] else None)
    print(f"\n{result.count} runs in {result.seconds:.0f} s, {result.count / result.seconds:.0f} a second; "
          f"limits: {KEPT} runs, {TOTAL >> 20} MiB\n{result.table()}")
    problems = result.wrong()
    print("verdict:", "; ".join(problems) if problems else "flat")
    sys.exit(bool(problems))
