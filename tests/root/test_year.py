# SPDX-License-Identifier: BSD-2-Clause
"""A year of a daemon with a sink on a small disk, in compressed time: the limits hold on every day, through outages of the
sink, a disk that others fill, restarts and a crash; what was recorded comes to the sink, and what was not is counted.

`make check-year` makes the 365 days and prints a table (DAYS=N: so many); the test makes a short one."""
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from harness import NOBODY, Started, disk_used, new_folder, recorder_of, sanitized, stage, wait_for, why_no_bpf

pytestmark = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

DISK, TOTAL, RUNS = 2 << 20, 512 << 10, 100
DAY_MS = 300  # of `age`, which is 30 of them; a day takes as long as what happens on it
CONFIG = """scope: [{{exe: {tool}}}]
run: {{followers: {followers}}}
sinks: {{jsonl: {{}}}}
probes: {{lifecycle: {{}}}}
limits: {{total: {total}, runs: {runs}, age: {age}ms}}
"""
RUNS_A_DAY, MOST_PROCESSES = 24, 12
SLACK = 1.5  # of memory, from the first half of the year to the second
SINCE = 172800  # s by which cursors are older when a follower comes back


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M)[1])


class Year:
    """The site, and what happened."""

    def __init__(self, days, disk, progress=False):
        self.days, self.out, self.progress = days, disk, progress
        self.period = min(max(days // 6, 10), days)
        self.random = random.Random(1)
        self.followers, self.log = new_folder(), new_folder() / "log"
        self.state = self.followers / "jsonl"
        self.state.mkdir()
        os.chown(self.state, NOBODY, 0)
        os.chown(disk, NOBODY, 0)
        self.tool, self.config = new_folder() / "tool", new_folder() / "daemon.yaml"
        shutil.copy(os.path.realpath("/bin/sh"), self.tool)
        self.config.write_text(CONFIG.format(tool=self.tool, followers=self.followers, total=TOTAL, runs=RUNS, age=30 * DAY_MS))
        self.daemon = self.follower = None
        self.made = 0
        self.processes = {}  # of each run that was begun; None: it was cut off
        self.pids = {}  # how many processes each run makes, by its first; late lines of the log may be of yesterday's
        self.refused = 0
        self.open = 0
        self.samples = []
        self.seen = 0  # of the log
        self.began = time.monotonic()

    # ---- the daemon and the follower ----

    def start_daemon(self):
        with open(self.log, "ab") as log:
            self.daemon = Started("-v", "-c", self.config, out=self.out, stderr=log)
        self.daemon.wait_until_watching()

    def stop_daemon(self):
        """In order: it says how many runs it did not record."""
        before = self.log.stat().st_size
        self.daemon.end(signal.SIGTERM, code=None)
        self.read_log()
        for count in re.findall(r"(\d+) runs (?:were not recorded, because of limits|could not be recorded)",
                                self.log.read_bytes()[before:].decode()):
            self.refused += int(count)
        self.open = 0

    def crash(self):
        """With a run that is recorded, which is cut off."""
        self.stop_daemon()
        self.start_daemon()
        with subprocess.Popen([self.tool, "-c", "read line"], stdin=subprocess.PIPE) as process:
            self.made += 1
            self.pids[process.pid] = None
            count = len(self.processes)
            wait_for(lambda: self.read_log() or len(self.processes) > count, "a run that is open")
            os.kill(recorder_of(self.daemon.pid), signal.SIGKILL)
            self.daemon.end(None, code=None)
            process.stdin.close()
        self.open = 0
        self.start_daemon()

    def start_follower(self):
        for path in self.cursors():
            os.utime(path, (time.time() - SINCE,) * 2)
        self.follower = subprocess.Popen(
            [stage() / "collector", "--plugin-dir", stage(), "-q", "-c", self.config, "-o", self.out, "--follow", "jsonl",
             "--state", self.state], user=NOBODY, group=0, extra_groups=[])
        wait_for((self.state / "cursors/jsonl/.lock").exists, "its cursors")

    def kill_follower(self):
        self.follower.kill()
        self.follower.wait()
        self.follower = None

    def read_log(self):
        """What begins and ends, since the last time."""
        text = self.log.read_text()
        for run, pid in re.findall(r"run (\S+): started by PID (\d+)", text[self.seen:]):
            self.processes[run] = self.pids[int(pid)]
            self.open += 1
        self.open -= len(re.findall(r": ended\n", text[self.seen:]))
        self.seen = len(text)

    def cursors(self):
        return [path for path in self.state.glob("cursors/jsonl/*/*") if not path.name.startswith(".")]

    def delivered(self):
        """The runs whose cursors say that all of them is there; some may go meanwhile."""
        found = set()
        for path in self.cursors():
            with contextlib.suppress(FileNotFoundError):
                found |= {path.name} if "ended 1" in path.read_text() else set()
        return found

    def folders(self):
        return [path.name for path in self.out.glob("run-*Z*") if not path.is_symlink()]

    def used(self):
        """Bytes of the runs."""
        return sum(disk_used(self.out / name) for name in self.folders())

    # ---- a day ----

    def work(self):
        """Today's runs, of which some are recorded."""
        processes = []
        for _ in range(RUNS_A_DAY):
            count = self.random.randrange(MOST_PROCESSES)
            process = subprocess.Popen([self.tool, "-c", "/bin/true; " * count + ":"])
            self.pids[process.pid] = count + 1
            processes.append(process)
        assert not any(process.wait() for process in processes)
        self.made += RUNS_A_DAY
        wait_for(lambda: self.read_log() or not self.open, "those that have begun have ended")

    def fill(self):
        with open(self.out / "fill", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def events(self, day):
        """What happens besides: by the day of a period."""
        number, at = divmod(day, self.period)
        tenth = at * 10 // self.period
        first = tenth != (at - 1) * 10 // self.period
        if first and tenth == 2:
            if number % 2:
                self.follower.send_signal(signal.SIGSTOP)
            else:
                self.kill_follower()
        if first and tenth == 5:
            if number % 2:
                self.follower.send_signal(signal.SIGCONT)
            else:
                self.start_follower()
        if first and tenth == (4 if number % 2 else 6):
            self.fill()
        if first and tenth == (5 if number % 2 else 7):
            (self.out / "fill").unlink(missing_ok=True)
        if first and tenth == 7:
            self.stop_daemon()
            self.start_daemon()
        if first and tenth == 8:
            self.crash()

    def check(self, day):
        wait_for(lambda: self.used() <= TOTAL and len(self.folders()) <= RUNS, "the limits hold")
        keeper = self.daemon.pid
        self.samples.append({
            "day": day, "made": self.made, "recorded": len(self.processes), "folders": len(self.folders()),
            "disk KiB": self.used() >> 10, "cursors": len(self.cursors()), "keeper KiB": rss(keeper),
            "recorder KiB": rss(recorder_of(keeper)), "follower KiB": rss(self.follower.pid) if self.follower else 0})
        if self.progress and (not day % 10 or day == self.days - 1):
            print("  ".join(f"{name} {value}" for name, value in self.samples[-1].items()), flush=True)

    def pass_by(self):
        try:
            self.start_daemon()
            self.start_follower()
            for day in range(self.days):
                self.events(day)
                self.work()
                self.check(day)
            self.finish()
        finally:
            for process in (self.follower, self.daemon and self.daemon.process):
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
        return self

    def finish(self):
        """The sink gets the rest; cursors are left of what is left."""
        self.stop_daemon()
        if not self.follower:
            self.start_follower()
        self.follower.send_signal(signal.SIGCONT)
        wait_for(lambda: set(self.folders()) == self.delivered() and len(self.folders()) == len(self.cursors()),
                 "all is delivered, and no cursor is left over")
        self.follower.terminate()
        assert self.follower.wait(60) == 0

    # ---- the account ----

    def wrong(self):
        """What is not as it should be."""
        exits, lost, found = {}, {}, []
        seen = set()
        for line in (self.state / "merged.jsonl").read_bytes().splitlines():
            e = json.loads(line)
            if (e["marker"], e["seq"]) in seen and e["event"] != "lost":
                continue  # it came twice
            seen.add((e["marker"], e["seq"]))
            exits[e["run"]] = exits.get(e["run"], 0) + (e["event"] == "exit")
            if e["event"] == "lost":
                lost[e["run"]] = lost.get(e["run"], 0) + (e["count"] or 0)
        for run, count in self.processes.items():
            if count is not None and exits.get(run, 0) != count and exits.get(run, 0) + lost.get(run, 0) < count:
                found.append(f"{run}: {exits.get(run)} of {count} exits, {lost.get(run, 0)} events counted as lost")
            if count is None and run not in exits and run not in lost:
                found.append(f"{run}, which was cut off, was not delivered")
        if len(self.processes) + self.refused != self.made:
            found.append(f"{self.made} runs were made, {len(self.processes)} recorded, {self.refused} counted as refused")
        half = len(self.samples) // 2
        for name in ("keeper KiB", "recorder KiB", "follower KiB"):
            before, after = (max(s[name] for s in part) for part in (self.samples[:half], self.samples[half:]))
            if after > before * SLACK and not sanitized():
                found.append(f"{name}: grows from {before} to {after}")
        return found


@contextlib.contextmanager
def small_disk():
    folder = new_folder()
    if subprocess.call(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=750", "tmpfs", folder], stderr=subprocess.DEVNULL):
        pytest.skip("cannot mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_short_year():
    with small_disk() as disk:
        year = Year(10, disk).pass_by()
        wrong = year.wrong()
    assert not wrong, wrong
    # each of the events has had an effect
    assert year.refused and len(year.processes) > 2 * RUNS_A_DAY


if __name__ == "__main__":
    with small_disk() as small:
        result = Year(int(sys.argv[1]), small, progress=True).pass_by()
        problems = result.wrong()
    print(f"\n{result.days} days in {time.monotonic() - result.began:.0f} s: {result.made} runs made, "
          f"{len(result.processes)} recorded and delivered, {result.refused} refused; disk {DISK >> 10} KiB, limits: "
          f"{TOTAL >> 10} KiB, {RUNS} runs\nverdict: {'; '.join(problems) if problems else 'all accounted for'}")
    sys.exit(bool(problems))
