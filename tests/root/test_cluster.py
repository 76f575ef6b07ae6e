# SPDX-License-Identifier: BSD-2-Clause
"""A cluster on one machine: hosts with their own network, name and boot id, some with a wrong clock and some of one batch job,
follow their runs into one Kafka and add them to one lake, while followers and the broker are killed, stopped and cut off.

`make check-cluster` makes 20 hosts and prints what happened ($CLUSTER_HOSTS: how many)."""
import collections
import concurrent.futures
import contextlib
import ctypes
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from datetime import datetime
from pathlib import Path

import pytest
from harness import BUILD, CC, NOBODY, SRC, collector, merge, new_folder, sanitized, stage, wait_for
from kafka_peer import KCAT, Broker, consume, needs_kafka

HOSTS = int(os.environ.get("CLUSTER_HOSTS", "0"))
LIBFAKETIME = "/usr/$LIB/faketime/libfaketime.so.1"  # $LIB is the loader's
pytestmark = [
    needs_kafka,
    pytest.mark.skipif(not HOSTS, reason="on demand: make check-cluster, or CLUSTER_HOSTS=N"),
    pytest.mark.skipif(not (BUILD / "sinks/kafka.so").exists(), reason="built without librdkafka"),
    pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb"),
    pytest.mark.skipif(not shutil.which("ip") or not list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")),
                       reason="no ip or no libfaketime: tests/setup peers"),
]

CLONE_NEWNET = 0x40000000
BRIDGE, TOPIC = "10.0.0.254", "cluster"
SKEW = 7200  # s
SHORT = 100  # processes each time
SCRIPT = """while read -r line; do
	i=0
	while [ $i -lt "$line" ]; do i=$((i + 1)); /bin/true; done
	sh -c 'exit 3'
done
exit "$1"
"""
# Ends with the test, whatever becomes of that: its stdin is a pipe of it.
HOLD = """mount --bind "$1" /proc/sys/kernel/random/boot_id && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && hostname "$2" &&
ip link set lo up && echo ready && read -r line"""
TABLES = "runs", "processes", "images"
FOREIGN = re.compile("SLURM|PBS|LSB|FLUX|JOB_ID|OTEL|TRACE|KAFKA")  # of the environment of whoever started the test


def ip(*lines):
    """Some lines for ip(8), by one of it."""
    subprocess.run(["ip", "-batch", "-"], input="".join(line + "\n" for line in lines), text=True, check=True)


@contextlib.contextmanager
def network():
    """The test's own, with a bridge; it goes when the test has left it and all hosts have ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as before:
        assert not libc.unshare(CLONE_NEWNET), os.strerror(ctypes.get_errno())
        try:
            # a bridge without an address of its own takes another one as hosts come, which those before learn a minute later
            ip("link set lo up", "link add name bridge address 02:00:00:00:00:01 type bridge",
               f"addr add {BRIDGE}/16 dev bridge", "link set bridge up")
            yield
        finally:
            assert not libc.setns(before.fileno(), CLONE_NEWNET), os.strerror(ctypes.get_errno())


@functools.cache
def skewed_waits():
    out = new_folder() / "skewed_waits.so"
    subprocess.run([*CC, "-O1", "-Wall", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", out,
                    SRC / "tests/root/progs/skewed_waits.c"], check=True)
    return out


class Host:
    """Namespaces that last as long as one process, which waits in them. Leaving the `with` ends all that runs there."""

    def __init__(self, number):
        self.number, self.name, self.boot_id = number, f"node{number}", str(uuid.uuid4())
        pair = (number - 1) // 2
        self.job = f"slurm:big:{100 + pair}" if pair % 5 != 1 else None
        # the runtime of the sanitizers wants to be the first library
        self.skew = SKEW if number % 3 == 0 and not sanitized() else 0
        self.code = number % 2
        self.folder, self.out = new_folder(), new_folder()
        self.state, self.said = self.folder / "state", self.folder / "said"
        self.state.mkdir()
        for folder in self.state, self.out:
            os.chown(folder, NOBODY, NOBODY)
        (self.folder / "boot_id").write_text(self.boot_id + "\n")
        self.collector = self.follower = None
        self.made = 1  # processes
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "sh", "-c", HOLD, "sh", self.folder / "boot_id", self.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and self.said.exists():
            print(f"{self.name} said:\n{self.said.read_text()[-2000:]}")
        for process in (self.collector, self.follower, self.holder):
            if process and process.poll() is None:
                process.kill()
                process.wait()

    def connect(self):
        assert self.holder.stdout.readline() == b"ready\n"
        ip(f"link add {self.name} type veth peer name eth0 netns {self.holder.pid}", f"link set {self.name} master bridge up")
        subprocess.run(self.line("sh", "-c", f"ip addr add 10.0.1.{self.number}/16 dev eth0 && ip link set eth0 up"), check=True)

    def line(self, *words, user=()):
        """The command line of a program of this host: it becomes that program."""
        env = [f"LD_PRELOAD={LIBFAKETIME}:{skewed_waits()}", f"FAKETIME=+{SKEW}s", f"SKEW={SKEW}",
               "FAKETIME_DONT_FAKE_MONOTONIC=1"] if self.skew else []
        if self.job:
            env += [f"SLURM_JOB_ID={self.job.split(':')[2]}", "SLURM_CLUSTER_NAME=big"]
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--uts", "--mount", "setpriv", "--pdeathsig=KILL", *user,
                "env", *env, *words]

    def start(self, *line, user=(), **popen):
        with self.said.open("ab") as said:
            env = {key: value for key, value in os.environ.items() if not FOREIGN.match(key)}
            return subprocess.Popen(self.line(*line, user=user), stderr=said, env=env, **popen)

    # ---- the run ----

    def record(self):
        line, _ = collector("--no-summary", "--user", "nobody", "--", "sh", "-c", SCRIPT, "sh", str(self.code), out=self.out)
        self.collector = self.start(*line, stdin=subprocess.PIPE)

    def work(self):
        self.collector.stdin.write(b"%d\n" % SHORT)
        self.collector.stdin.flush()
        self.made += SHORT + 1

    def finish(self):
        self.collector.stdin.close()

    @property
    def run(self):
        return self.out / os.readlink(self.out / "latest")

    # ---- its follower ----

    def follow(self):
        sink = f"kafka:brokers={self.brokers},topic={TOPIC},retry=100ms,end=60s,batch=16KiB,rate=1000"
        self.follower = self.start(
            stage() / "collector-merge", "--plugin-dir", stage(), "--follow", "--cursor", self.state, "-s", sink, self.out,
            user=[f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"], stdin=subprocess.DEVNULL)

    def heard(self, text, since=0):
        """Whether the follower has said it, since the file had that size."""
        assert self.follower.poll() is None, self.said.read_text()
        return text in self.said.read_bytes()[since:].decode()

    def is_delivered(self):
        assert self.follower.poll() is None, self.said.read_text()
        return any("ended 1" in path.read_text() for path in self.state.rglob(self.run.name))

    def cable(self, state):
        ip(f"link set {self.name} {state}")


class Cluster:
    """All hosts, and what happens to them."""

    def __init__(self, broker, hosts):
        self.broker, self.hosts = broker, hosts
        self.began = time.monotonic()
        self.wall, self.boot = [time.time()], [time.clock_gettime_ns(time.CLOCK_BOOTTIME)]

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def delivered(self):
        """Messages of the topic; 0: no answer."""
        words = [word for partition in range(4) for word in ("-t", f"{TOPIC}:{partition}:-1")]
        done = subprocess.run([KCAT, "-Q", "-b", self.broker.brokers, *words], capture_output=True, text=True, check=False)
        return sum(int(line.split()[-1]) for line in done.stdout.splitlines()) if not done.returncode else 0

    def wait_for_more(self):
        before = self.delivered()
        wait_for(lambda: self.delivered() > before, "more messages", 120)

    def work(self):
        for host in self.hosts:
            host.work()

    # ---- what happens ----

    def pass_by(self):
        for host in self.hosts:
            host.brokers = self.broker.brokers
            host.connect()
            host.record()
            host.follow()
        self.work()
        self.wait_for_more()
        self.say(f"{len(self.hosts)} hosts record and follow")
        self.accept_wrong_clocks()
        self.kill_followers()
        self.cut_off()
        self.stop_broker()
        self.kill_broker()
        self.work()
        self.end()

    def accept_wrong_clocks(self):
        """The broker refuses messages of the future, until it has been set to take them."""
        skewed = [host for host in self.hosts if host.skew]
        for host in skewed:
            wait_for(lambda host=host: host.heard("INVALID_TIMESTAMP"), f"{host.name} says that its clock is wrong", 120)
        self.broker.alter(TOPIC, message_timestamp_after_max_ms=SKEW * 2000)
        for host in skewed:
            wait_for(lambda host=host: host.heard("taken again"), f"{host.name} goes on", 120)
        self.say(f"wrong clocks of {len(skewed)} hosts: refused, and taken when the broker was set to")

    def kill_followers(self):
        killed = [host for host in self.hosts if host.number // 2 % 3 == 0]
        self.work()
        self.wait_for_more()
        for host in killed:
            host.follower.kill()
        for host in killed:
            host.follower.wait()
            host.follow()
        self.say(f"followers of {len(killed)} hosts: killed and started again")

    def cut_off(self):
        cut = {host: host.said.stat().st_size for host in self.hosts if host.number % 2 == 0}
        for host in cut:
            host.cable("down")
        self.work()
        for host, size in cut.items():
            wait_for(lambda host=host, size=size: host.heard("trying again", size), f"{host.name} says that it is cut off", 120)
        for host in cut:
            host.cable("up")
        self.wait_for_more()
        self.say(f"network of {len(cut)} hosts: cut off, and back")

    def stop_broker(self):
        sizes = {host: host.said.stat().st_size for host in self.hosts}
        self.broker.process.send_signal(signal.SIGSTOP)
        try:
            self.work()
            wait_for(lambda: any(host.heard("no answer", size) for host, size in sizes.items()), "the silence is said", 120)
        finally:
            self.broker.process.send_signal(signal.SIGCONT)
        self.wait_for_more()
        self.say("the broker: stopped, and went on")

    def kill_broker(self):
        self.work()
        self.wait_for_more()
        self.broker.end(signal.SIGKILL)
        self.work()
        self.broker.start()
        self.wait_for_more()
        self.say("the broker: killed, and started again on its data")

    def end(self):
        for host in self.hosts:
            host.finish()
        for host in self.hosts:
            assert host.collector.wait(100) == host.code, host.said.read_text()
        self.wall.append(time.time())
        self.boot.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        self.say("all runs have ended")
        for host in self.hosts:
            wait_for(host.is_delivered, f"all of {host.name} is delivered", 200)
        for host in self.hosts:
            host.follower.terminate()
            assert host.follower.wait(100) == 0, host.said.read_text()
        self.say(f"all is delivered, by {self.delivered()} messages")

    # ---- the topic ----

    def recorded(self):
        """By (host, marker, seq), each event as the runs on disk have it."""
        events = {}
        for host in self.hosts:
            for line in merge(host.run, sink="jsonl:verdicts=false").splitlines():
                event = json.loads(line)
                assert event["host"] == host.name
                key = host.name, event["marker"], event["seq"]
                assert key not in events
                events[key] = event
        return events

    def consumed(self):
        """The same by the topic, and how many came twice."""
        events, doubles = {}, 0
        for message in consume(self.broker.brokers, TOPIC):
            event = message.event
            key = event["host"], event["marker"], event["seq"]
            doubles += key in events
            assert events.setdefault(key, event) == event
        return events, doubles

    def check_topic(self):
        wanted = self.recorded()
        got, doubles = self.consumed()
        self.say(f"events: {len(wanted)} recorded, {len(got)} came, {doubles} doubles")
        assert [event for key, event in wanted.items() if key not in got][:3] == []
        assert [event for key, event in got.items() if key not in wanted][:3] == []
        assert got == wanted
        self.check_events(wanted.values())

    def check_events(self, events):
        exits, lost = collections.Counter(), collections.Counter()
        for event in events:
            skew = next(host.skew for host in self.hosts if host.name == event["host"])
            exits[event["host"]] += event["stream"] == "lifecycle" and event["event"] == "exit"
            lost[event["host"]] += event["event"] == "lost"
            # the wrong clock is in no other figure
            assert self.boot[0] < event["ts"] < self.boot[1], event
            assert self.wall[0] - 1 < seconds(event["time"]) - skew < self.wall[1] + 1, event
        for host in self.hosts:
            assert exits[host.name] == host.made or lost[host.name], (host.name, exits[host.name], host.made)

    # ---- the lake ----

    def fill(self, lake):
        """By all hosts at once, by some of them twice."""
        def add(host):
            line = [stage() / "collector-merge", "--plugin-dir", stage(), "-s", "parquet:partition=true", "-o", lake, host.run]
            return subprocess.run(host.line(*line), capture_output=True, text=True, check=False)
        with concurrent.futures.ThreadPoolExecutor(len(self.hosts)) as pool:
            for host, done in zip(self.hosts, pool.map(add, self.hosts)):
                assert done.returncode == 0, f"{host.name}: {done.stderr}"
            again = [host for host in self.hosts if host.number % 5 == 2]
            for done in pool.map(add, again):
                assert done.returncode == 1 and "exists; overwrite=true replaces it" in done.stderr, done.stderr
        self.say(f"lake: {len(self.hosts)} hosts added their runs at once, {len(again)} were refused a second time")

    def check_lake(self, lake):
        whole = {table: by_host(query(lake, f"SELECT * EXCLUDE date FROM {table}")) for table in TABLES}
        for host in self.hosts:
            for table in TABLES:
                rows = by_host(query(host.run, f"SELECT * FROM {table}"))
                assert list(rows) == [host.name] and rows[host.name] == whole[table][host.name], (host.name, table)
            run, = whole["runs"][host.name]
            self.check_run(host, json.loads(run))
        assert set(whole["runs"]) == {host.name for host in self.hosts}
        self.say("lake: the same " + ", ".join(f"{sum(map(len, rows.values()))} {table}" for table, rows in whole.items()))

    def check_run(self, host, run):
        assert (run["boot_id"], run["job"], run["exit_code"], run["state"]) == (host.boot_id, host.job, host.code, "ended")
        assert run["processes"] == host.made or run["lost"]
        began, ended = seconds(run["began"]) - host.skew, seconds(run["ended"]) - host.skew
        assert self.wall[0] - 1 < began < ended < self.wall[1] + 1
        assert self.boot[0] < run["began_ns"] < self.boot[1] and 0 < run["wall_ns"] < self.boot[1] - self.boot[0]

    def check_jobs(self, lake):
        wanted = collections.Counter(host.job or host.name for host in self.hosts)
        rows = query(lake, "jobs", "--queries", SRC / "conf/queries")
        assert sorted((row["hosts"], row["runs"], row["job"] or "") for row in rows) == sorted(
            (count, count, name if name.startswith("slurm:") else "") for name, count in wanted.items())
        assert sum(row["processes"] for row in rows) == sum(host.made for host in self.hosts) or any(row["lost"] for row in rows)
        self.say(f"lake: {len(rows)} rows of jobs")


def seconds(text):
    """Of a time as JSONL and as queries have it."""
    date, rest = re.fullmatch(r"(\S{10}[ T][\d:]{8})(\.\d+)?(?:Z|\+00)", text).groups()
    return datetime.fromisoformat(date + "+00:00").timestamp() + float(rest or 0)


def query(path, words, *options):
    done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), *options, "-F", "jsonl", path, words],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_host(rows):
    """The rows of each host, as text, in an order of their own."""
    hosts = collections.defaultdict(list)
    for row in rows:
        hosts[row["host"]].append(json.dumps(row, sort_keys=True))
    return {host: sorted(rows) for host, rows in hosts.items()}


def test_every_event_comes_and_the_lake_has_the_same_rows():
    signal.alarm(200 + 20 * HOSTS)
    with contextlib.ExitStack() as stack:
        stack.enter_context(network())
        broker = Broker(new_folder(), BRIDGE)
        stack.callback(lambda: broker.process and broker.end())
        broker.start()
        broker.create(TOPIC)
        cluster = Cluster(broker, [stack.enter_context(Host(number + 1)) for number in range(HOSTS)])
        cluster.pass_by()
        cluster.check_topic()
        lake = new_folder() / "lake"
        cluster.fill(lake)
        cluster.check_lake(lake)
        cluster.check_jobs(lake)
