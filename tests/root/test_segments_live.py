# SPDX-License-Identifier: BSD-2-Clause
"""limits.segment: the streams of a run go on in further files while it is recorded. Readers find the same as in one file, and a
follower that is killed goes on where it was."""
import collections
import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
from pathlib import Path

from harness import NOBODY, Started, collect, merge, new_folder, read_stream, stage, wait_for
from test_follow_daemon import Fed, lines_of, state_folder

SEGMENT = 256 << 10
MANY = "for i in $(seq %d); do /bin/true; done"
ALL = "probes: {lifecycle: {}, cpu: {interval: 100ms}, mem: {interval: 100ms}}\n"


def number_of(path):
    return int(path.name.split(".")[1].replace("msgpack", "1"))


def files(run, stream="lifecycle"):
    return sorted(run.glob(f"{stream}.*msgpack"), key=number_of)


def check_chain(run, least):
    """The headers name each other, no file is much greater than the limit, and none is empty."""
    paths = files(run)
    assert len(paths) >= least
    headers = [read_stream(path)[0] for path in paths]
    assert [header.get(b"follows") for header in headers] == [None, *(header[b"marker"] for header in headers[:-1])]
    assert [header.get(b"segment") for header in headers] == [None, *range(2, len(paths) + 1)]
    for path in run.glob("*.msgpack"):
        assert path.stat().st_size
    return paths


def check_processes(lines, processes, forks=None):
    """Each process of the storm has a fork, an exec and an exit, once; no event is there twice."""
    assert not [line for line in lines if line["event"] == "lost"]
    counts = collections.Counter(line["event"] for line in lines if line["stream"] == "lifecycle")
    assert counts["exec"] == counts["exit"] == processes and counts["fork"] == (forks or processes)
    assert len({(line["marker"], line["seq"]) for line in lines}) == len(lines)


def test_a_run_in_segments():
    run = collect("/bin/sh", "-c", MANY % 4000, config=f"limits: {{segment: {SEGMENT}}}\n{ALL}")
    paths = check_chain(run.path, 3)
    lines = merge(run.path, options=["--strict"])
    check_processes(lines, 4002)
    assert [line["ts"] for line in lines] == sorted(line["ts"] for line in lines)
    # what one file says
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-F", "csv", run.path,
                           "SELECT count(*), count(DISTINCT (marker, seq)), count(DISTINCT marker) FROM lifecycle_exit"],
                          capture_output=True, check=True, text=True)
    markers = {e["marker"] for e in lines if e["event"] == "exit" and e["stream"] == "lifecycle"}
    assert done.stdout.splitlines()[1] == f"4002,4002,{len(markers)}"
    listed = subprocess.run([stage() / "collector-ls", run.path.parent], capture_output=True, check=True, text=True).stdout
    assert "ended  success" in listed
    page = merge(run.path, sink="summary")
    assert re.search(r"processes +4,002 ", page) and "not complete" not in page
    assert run.said == "" or "lost" not in run.said
    # the last of them ends, each of the others says with which it goes on
    ends = [[record for record in read_stream(path)[1] if record["event"] == "end"] for path in paths]
    assert [end[-1]["next"].decode() for end in ends] == [read_stream(path)[0][b"marker"].hex() for path in paths[1:]] + [""]
    assert sum(end[-1]["records"] for end in ends) == len([e for e in lines if e["stream"] == "lifecycle"])


def test_a_limit_counts_all_segments():
    limit = 2 * SEGMENT
    run = collect("/bin/sh", "-c", MANY % 4000,
                  config=f"limits: {{segment: {SEGMENT}, run: {limit}}}\nprobes: {{lifecycle: {{}}}}\n")
    assert "limits.run is reached" in run.stderr
    size = sum(path.stat().st_size for path in run.path.glob("*.msgpack"))
    assert limit <= size < limit + (64 << 10) and len(files(run.path)) >= 2
    events = [e for e in run.events if e["event"] in ("fork", "exec", "exit")]
    assert len(events) + sum(e["count"] for e in run.lost) == 3 * 4002


def test_a_refusal_is_said_once():
    """The keeper has the rights of the command, here also its limit: it can open nothing more."""
    with Started("--", "/bin/sh", "-c", f"read line; {MANY % 2000}; read line", config=f"limits: {{segment: {SEGMENT}}}\n{ALL}",
                 stdin=subprocess.PIPE) as started:
        started.wait_until_watching()
        resource.prlimit(started.pid, resource.RLIMIT_NOFILE, (3, 4096))
        started.tell("go")
        wait_for(lambda: b"no further file" in peek(started), "it is said")
        resource.prlimit(started.pid, resource.RLIMIT_NOFILE, (1024, 4096))
        started.tell("end")
        run = started.end(None)
    assert (started.said + run.stderr).count("no further file for the stream") == 1
    check_processes(merge(run.path, options=["--strict"]), 2002)


def peek(started):
    os.set_blocking(started.process.stderr.fileno(), False)
    started.said = getattr(started, "said", "") + (started.process.stderr.read() or b"").decode()
    return started.said.encode()


def test_a_follower_that_is_killed():
    """A daemon's run, delivered by a sink's follower that is killed again and again: nothing is lost, and at the end the daemon
    knows that all is delivered."""
    out, state = new_folder(0o750), state_folder()
    shell = new_folder() / "sh"
    shell.write_bytes(Path("/bin/sh").read_bytes())
    shell.chmod(0o755)
    config = new_folder() / "daemon.yaml"
    config.write_text(f"scope: [{{exe: {shell}}}]\nsinks: {{jsonl: {{}}}}\nlimits: {{segment: {SEGMENT}}}\n{ALL}")
    merged = state / "merged.jsonl"
    with Started("-c", config, out=out) as daemon:
        daemon.wait_until_watching()
        with subprocess.Popen([shell, "-c", MANY % 4000]) as storm:
            run, = wait_for(lambda: [path for path in out.glob("run-*") if not path.is_symlink()], "a run")
            for least in 1, 2, 3:
                with Fed(config, out, state) as fed:
                    wait_for(lambda: len(files(run)) > least and "segment lifecycle" in cursor(state), "segments")
                    fed.end(signal.SIGKILL, -signal.SIGKILL)
            assert storm.wait() == 0
        daemon.end()
        with Fed(config, out, state) as fed:
            wait_for(lambda: "ended 1" in cursor(state), "all is delivered")
            fed.end()
    check_chain(run, 4)
    lines, there = lines_of(merged, killed=True), merge(run, options=["--strict"])
    check_processes(there, 4002, forks=4001)  # the shell entered at its exec
    assert {(e["marker"], e["seq"]): e for e in lines} == {(e["marker"], e["seq"]): e for e in there}


def cursor(state):
    return "".join(path.read_text() for path in (state / "cursors").glob("jsonl/*/*") if path.name[0] != ".")


def has_exits(path):
    try:
        return any(e["event"] == "exit" for e in read_stream(path)[1])
    except StopIteration:  # its header is still to come
        return False


class Site:
    """A daemon with one run, a shell that is told how many processes to start."""

    def __init__(self, limits, sinks="{jsonl: {}}"):
        self.out, self.followers = new_folder(0o750), new_folder()
        self.state, self.log = self.followers / "jsonl", new_folder() / "log"
        os.chown(self.out, NOBODY, 0)
        shell, self.config = new_folder() / "sh", new_folder() / "daemon.yaml"
        shutil.copy(os.path.realpath("/bin/sh"), shell)
        self.config.write_text(f"scope: [{{exe: {shell}}}]\nrun: {{latency: 200ms, followers: {self.followers}}}\n"
                               f"sinks: {sinks}\nlimits: {limits}\nprobes: {{lifecycle: {{}}}}\n")
        self.command = [shell, "-c", "while read -r n; do for i in $(seq $n); do /bin/true; done; done"]
        self.told = 0

    @contextlib.contextmanager
    def record(self):
        with open(self.log, "wb") as log, Started("-v", "-c", self.config, out=self.out, stderr=log) as daemon:
            daemon.wait_until_watching()
            with subprocess.Popen(self.command, stdin=subprocess.PIPE) as self.shell:
                self.run, = wait_for(lambda: [path for path in self.out.glob("run-*") if not path.is_symlink()], "a run")
                yield
                self.shell.communicate()
            daemon.end()

    def tell(self, processes):
        self.shell.stdin.write(f"{processes}\n".encode())
        self.shell.stdin.flush()
        self.told += processes + 1  # and seq

    def delivered(self):
        """Exits that the sink has written."""
        merged = self.state / "merged.jsonl"
        return merged.read_bytes().count(b'"event":"exit"') if merged.exists() else 0

    def last_with_exits(self):
        """The last segment may be new and have nothing that a sink could acknowledge."""
        return number_of(next(path for path in reversed(files(self.run)) if has_exits(path)))

    def acknowledged(self):
        return int(re.search(r"segment lifecycle (\d+) |$", cursor(self.state))[1] or 1)

    def size(self):
        return sum(path.stat().st_size for path in self.run.glob("*.msgpack"))


def test_what_is_delivered_makes_room():
    """A run may write more than limits.run, if a sink has delivered what goes for it; readers count that as lost by the limit."""
    limit = 6 * SEGMENT
    site = Site(f"{{segment: {SEGMENT}, run: {limit}}}")
    site.state.mkdir()
    os.chown(site.state, NOBODY, 0)
    with Fed(site.config, site.out, site.state) as fed:
        with site.record():
            for _ in range(8):
                site.tell(1000)
                wait_for(lambda: site.delivered() == site.told, "all is delivered")
                wait_for(lambda: site.last_with_exits() <= site.acknowledged(), "that is known")
                assert site.size() < limit
        wait_for(lambda: "ended 1" in cursor(site.state), "the end is delivered")
        fed.end()
    said = site.log.read_text()
    assert "segments removed that all sinks have delivered" in said and "limits.run is reached" not in said
    whole = lines_of(site.state / "merged.jsonl")
    check_processes(whole, site.told + 1, forks=site.told)
    there = merge(site.run, options=["--strict"], code=3)
    missing = [line for line in there if line["event"] == "lost"]
    assert {(line["stream_lost"], line["cause"]) for line in missing} == {("lifecycle", "limit")}
    assert sum(line["count"] for line in missing) + len(there) - len(missing) == len(whole)
    assert {(line["marker"], line["seq"]) for line in there if line["event"] != "lost"} <= \
        {(line["marker"], line["seq"]) for line in whole}
    assert re.search(r"records\s+lost\s.*\sa\s+limit\s+of\s+the\s+configuration", merge(site.run, sink="summary"))
    listed = subprocess.run([stage() / "collector-ls", site.run.parent], capture_output=True, check=True, text=True).stdout
    assert re.search(r"ended +- ", listed)


def test_what_is_not_delivered_stays():
    """No follower has ever been there, and one that has stopped: then the limit ends the record, as without segments."""
    limit = 2 * SEGMENT
    for begun in False, True:
        site = Site(f"{{segment: {SEGMENT}, run: {limit}}}")
        if begun:
            site.state.mkdir()
            os.chown(site.state, NOBODY, 0)
            with Fed(site.config, site.out, site.state) as fed:
                wait_for((site.state / "cursors/jsonl/.lock").exists, "its cursors")
                fed.end()
        with site.record():
            site.tell(2500)
            wait_for(lambda: "limits.run is reached" in site.log.read_text(), "the limit")
        events = merge(site.run, options=["--strict"], code=3)
        missing = [line for line in events if line["event"] == "lost"]
        assert len(events) - len(missing) + sum(line["count"] for line in missing) == 3 * (site.told + 1) - 1
        assert min(line["since"] for line in missing) > max(
            line["ts"] for line in events if line["event"] == "fork")
