# SPDX-License-Identifier: BSD-2-Clause
"""probes.X.events: only the events that were asked for are recorded, and only their programs are loaded."""
import json
import os
import shutil

import pytest
from harness import collect, read_stream

BPFTOOL = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
# the recorder's own programs, by its descriptors: others may run at the same time
SCRIPT = f"""
read -r children </proc/$PPID/task/$PPID/children
for child in $children; do
    read -r comm </proc/$child/comm
    [ "$comm" != collector-rec ] || recorder=$child
done
grep -h ^prog_id: /proc/$recorder/fdinfo/* | tr '\\n' ' '; echo; {BPFTOOL} prog show -j; exec /bin/true"""


def programs(run):
    """Names of the BPF programs that were loaded while the command ran, by the kernel's own list; of the two that have
    a loop, whichever the kernel has."""
    ids, _, listed = run.stdout.decode().partition("\n")
    ids = {int(word) for word in ids.split() if word.isdigit()}
    assert ids
    return {program["name"].removesuffix("_loop") for program in json.loads(listed) if program["id"] in ids}


def record(config):
    if not BPFTOOL:
        pytest.skip("bpftool is not installed")
    return collect("sh", "-c", SCRIPT, config=config)


def test_all_without_the_option():
    run = record("probes: {lifecycle: {}, cpu: {interval: 50ms}}\n")
    assert {"lifecycle_fork", "lifecycle_exec", "lifecycle_exit", "cpu_exit", "cpu_exit_final", "cpu_sample"} <= programs(run)
    assert not {name for name in programs(run) if name.startswith("lifecycle_exec_")}  # off unless named


def test_only_those_named():
    run = record("probes: {lifecycle: {events: [exec, exit]}, cpu: {events: [exit]}}\n")
    assert {"lifecycle_exec", "lifecycle_exit", "cpu_exit", "cpu_exit_final"} <= programs(run)
    assert not {"lifecycle_fork", "cpu_sample"} & programs(run)
    assert {e["event"] for e in run.events} == {"exec", "exit"}
    assert len(run.of("lifecycle.exec")) == 5 and len(run.of("lifecycle.exit")) == len(run.of("cpu.exit")) == 4
    assert not run.lost
    header = read_stream(run.path / "lifecycle.msgpack")[0]
    assert b"fork: not recorded (probes.lifecycle.events)" in header[b"unavailable"]
    assert not read_stream(run.path / "cpu.msgpack")[0].get(b"interval_ns")


def test_samples_alone():
    """No exit is expected of a probe that does not record any, nor is a zombie's last sample turned into one."""
    run = record("probes: {lifecycle: {events: [exit]}, cpu: {events: [sample], interval: 10ms}, io: {events: [sample]}}\n")
    assert not {"cpu_exit", "cpu_exit_final", "io_exit", "lifecycle_exec"} & programs(run)
    assert {(e["stream"], e["event"]) for e in run.events} <= {("lifecycle", "exit"), ("cpu", "sample"), ("io", "sample")}
    assert len(run.of("lifecycle.exit")) == 4 and not run.lost


def test_an_event_that_is_off_by_its_name():
    config = "probes: {lifecycle: {events: [exec, exec_failed]}}\n"
    run = collect("sh", "-c", "/no/such/program; /bin/true; :", config=config)
    assert [e["exe"] for e in run.of("lifecycle.exec_failed")] == ["/no/such/program"]
    assert len(run.of("lifecycle.exec")) == 2 and not run.of("lifecycle.exit")
